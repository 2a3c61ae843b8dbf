"""What this package tells of itself by OpenTelemetry's metrics API; the names stand in docs/metrics.md.

All instruments are observed: they are asked when metrics are collected, and cost nothing when a record is
emitted. They are made once a process and tell the sums over all its processors. Without a meter provider of
the SDK nothing happens; one that is set later gets them too.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation, get_meter

from .. import forks
from ..spool.listing import time_of_first
from ..version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions

    from .durable_store import DurableStore

_logger = logging.getLogger(__name__)

_METER: Final = "openreplay_otel"
_RECORDS: Final = "{log_record}"
_DROPPED: Final = "dropped:"
_COUNTERS: Final = {
    "accepted": "Log records taken, to be delivered.",
    "delivered": "Log records that the store has.",
    "retried": "Log records sent again, each time counted.",
    "refused": "Log records that the store will not take: dead letters.",
}


class _Entry:
    """A processor, and what it had counted when it was last asked."""

    def __init__(self, processor: DurableStore) -> None:
        self.processor = weakref.ref(processor)
        self.last: Counter[str] = Counter()


class _Observed:
    """The processors of this process, and the counts of those that are gone: counters never fall."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._gone: Counter[str] = Counter()
        self._is_registered = False

    def before_fork(self) -> None:
        """Nothing to do."""

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """In a forked child: its processors count from 0, and the lock may be held by no thread of it."""
        self._lock = threading.Lock()
        self._gone = Counter()
        for entry in self._entries:
            entry.last = Counter()

    def add(self, processor: DurableStore) -> None:
        """Watch a processor, and make the instruments where there are none yet."""
        with self._lock:
            self._entries.append(_Entry(processor))
            is_first, self._is_registered = not self._is_registered, True
        if is_first:
            forks.watch(self)
            _register()

    def processors(self) -> list[DurableStore]:
        """Those that are left."""
        with self._lock:
            return [one for entry in self._entries if (one := entry.processor()) is not None]

    def counts(self) -> Counter[str]:
        """The sums; a reason of dropped records as ``dropped:<reason>``."""
        with self._lock:
            left: list[_Entry] = []
            for entry in self._entries:
                processor = entry.processor()
                if processor is None:
                    self._gone.update(entry.last)
                else:
                    entry.last = _numbers(processor)
                    left.append(entry)
            self._entries = left
            total = self._gone.copy()
            for entry in left:
                total.update(entry.last)
        return total


def _numbers(processor: DurableStore) -> Counter[str]:
    counts = processor.counts
    numbers = Counter({name: int(getattr(counts, name)) for name in _COUNTERS})
    numbers.update({f"{_DROPPED}{reason}": number for reason, number in counts.dropped.items()})
    return numbers


_observed: Final = _Observed()


def observe(processor: DurableStore) -> None:
    """Tell of a processor from now on, as long as it is there; never raises.

    Args:
        processor: It is not kept alive by this.
    """
    try:
        _observed.add(processor)
    except Exception as error:  # noqa: BLE001 - the app must not fail for our own metrics
        _logger.debug("there are no metrics: %s", type(error).__name__)


def _register() -> None:
    meter = get_meter(_METER, __version__)
    for name, description in _COUNTERS.items():
        meter.create_observable_counter(
            f"openreplay_otel.log_records.{name}",
            [_callback(_count_of(name))],
            unit=_RECORDS,
            description=description,
        )
    meter.create_observable_counter(
        "openreplay_otel.log_records.dropped",
        [_callback(_dropped)],
        unit=_RECORDS,
        description="Log records given up, by the reason.",
    )
    meter.create_observable_up_down_counter(
        "openreplay_otel.spool.log_records",
        [_callback(_queued)],
        unit=_RECORDS,
        description="Log records of this process that wait for the store.",
    )
    meter.create_observable_up_down_counter(
        "openreplay_otel.spool.size",
        [_callback(_queued_bytes)],
        unit="By",
        description="Size of the log records that wait for the store.",
    )
    meter.create_observable_gauge(
        "openreplay_otel.spool.oldest.age",
        [_callback(_oldest_age)],
        unit="s",
        description="Age of the oldest log record that waits for the store; 0 where none waits.",
    )


def _callback(
    measure: Callable[[], list[Observation]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observations(_: CallbackOptions) -> Iterable[Observation]:
        try:
            return measure()
        except Exception as error:  # noqa: BLE001 - see observe
            _logger.debug("a metric could not be read: %s", type(error).__name__)
            return ()

    return observations


def _count_of(name: str) -> Callable[[], list[Observation]]:
    return lambda: [Observation(_observed.counts()[name])]


def _dropped() -> list[Observation]:
    return [
        Observation(number, {"reason": name.removeprefix(_DROPPED)})
        for name, number in sorted(_observed.counts().items())
        if name.startswith(_DROPPED)
    ]


def _queued() -> list[Observation]:
    return [Observation(sum(one.spool.queued for one in _observed.processors()))]


def _queued_bytes() -> list[Observation]:
    return [Observation(sum(one.spool.queued_bytes for one in _observed.processors()))]


def _oldest_age() -> list[Observation]:
    now = datetime.now(timezone.utc)
    times = [time_of_first(one.spool.oldest_lines()) for one in _observed.processors()]
    oldest = min(filter(None, times), default=now)
    return [Observation(max(0.0, (now - oldest).total_seconds()))]
