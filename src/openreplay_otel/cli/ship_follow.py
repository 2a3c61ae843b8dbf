"""``ship --follow``: goes on until Ctrl-C, and survives all that happens to logs and stores."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from ..errors import SettingsError, StoreUnavailableError
from ..export.durable_store import DurableStore
from ..settings import Settings
from ..ship.aside import Aside
from ..ship.counts import ShipCounts
from ..ship.files import STDIN, LogFile, stdin_chunk
from ..ship.following import Follower
from ..ship.growing import LineBuffer
from ..ship.places import Places
from ..ship.shipping import ShipOptions, Shipper
from ..stores.base import Document
from .output import PROGRAM, Output, note
from .render.entries import counted

try:
    import resource
except ImportError:  # no such limits there
    resource = None

_LOOK_SECONDS: Final = 0.5
_TELL_SECONDS: Final = 60.0
_QUIET_SECONDS: Final = 2.0
_MOST_WAITING: Final = 64 * 1024 * 1024
"""Bytes in the spool with which no more is read: files keep their lines better than a spool does."""
_MOST_ASIDE: Final = 64 * 1024 * 1024
_ENDLESS: Final = 1e12
"""Seconds."""
_REMEMBERED: Final = 20_000
_CHUNK: Final = 64 * 1024
_FOLDER: Final = "followed"


class _Sink:
    """Takes documents: into the spool of the store, or to stdout."""

    def __init__(self, durable: DurableStore | None, stopped: threading.Event) -> None:
        self._durable = durable
        self._stopped = stopped
        self._room = _MOST_WAITING
        if durable is not None:
            self._room = min(_MOST_WAITING, durable.settings.spool_max_bytes // 4)

    def send(self, batch: Sequence[Document]) -> None:
        """Take a batch; waits while there is no room.

        Raises:
            StoreError: The end was asked for meanwhile. What was sent is read again the next time.
        """
        durable = self._durable
        if durable is None:
            for document in batch:
                shown = {"_id": document.id, "_index": document.index}
                Output().json({**shown, **orjson.loads(document.source)})
            Output().flush()
            return
        spool = durable.spool
        self._wait(lambda: spool.queued_bytes > self._room)
        for document in batch:
            self._wait(lambda one=document: not durable.keep(one))
        # What is kept in memory only is not kept yet.
        self._wait(lambda: spool.holds_in_memory)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        while is_so():
            if self._stopped.wait(_LOOK_SECONDS):
                raise StoreUnavailableError(
                    "stopped while there was no room for more records; the next start reads these again"
                )


def follow(
    names: Sequence[str],
    settings: Settings,
    options: ShipOptions,
    *,
    rotated: bool,
    unread: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Follow logs, or standard input to its end.

    Args:
        names: Paths, patterns, folders, or ``-`` alone.
        settings: Of this package.
        options: How the files are read.
        rotated: Whether rotated parts that are there already are read too.
        unread: Where lines go that cannot be read; None for the folder of the places.
        dry_run: Whether documents go to stdout only.
        as_json: Whether the counts go to stdout at the end.

    Raises:
        SettingsError: A name or an option cannot be used.
        StoreError: The store cannot be used.
    """
    if STDIN in names and len(names) > 1:
        raise SettingsError("follow: - is standard input; follow it alone, or name files only")
    if "\n".encode(options.encoding or "utf-8") != b"\n":
        message = f"encoding: a growing file in {options.encoding} cannot be read; ship it without --follow"
        raise SettingsError(message)
    stopped = threading.Event()
    counts = ShipCounts()
    # An outage may be as long as it likes.
    endless = dataclasses.replace(settings, spool_max_age=_ENDLESS)
    with contextlib.ExitStack() as stack:
        durable = None if dry_run else DurableStore(None, endless)
        if durable is not None:
            stack.callback(lambda: note(f"{PROGRAM}: ended: {_figures(counts, durable)}"))
            stack.callback(durable.shutdown)
        places, aside = _kept(durable, unread, counts)
        stack.callback(aside.close)
        sink = _Sink(durable, stopped)

        def send(batch: list[Document]) -> None:
            sink.send(batch)
            shipper.settled(batch)

        shipper = Shipper(
            settings, options, counts=counts, aside=aside, send=send, remembered=_REMEMBERED
        )
        stack.enter_context(_until_signalled(stopped))
        if names[0] == STDIN:
            run = _StdinReading(shipper, options, counts, stopped).run
        else:
            follower = Follower(
                names,
                shipper=shipper,
                counts=counts,
                encoding=options.encoding or "utf-8",
                places=places,
                with_rotated=rotated,
                tell=lambda sentence: note(f"{PROGRAM}: {sentence}"),
            )
            if places is not None:
                stack.callback(places.close)
            run = _FileReading(follower, stopped, _Progress(counts, durable)).run
        if durable is not None:
            _prepare(durable)
            what = "standard input" if names[0] == STDIN else ", ".join(names)
            note(f"{PROGRAM}: following {what} into {durable.store.name}, until Ctrl-C")
        run()
        shipper.flush()
    if counts.unread and aside.path is not None:
        note(f"{PROGRAM}: {counted(counts.unread, 'line')} kept aside in {aside.path}")
    if as_json:
        Output().json(_document(counts, durable))


def _kept(
    durable: DurableStore | None, unread: Path | None, counts: ShipCounts
) -> tuple[Places | None, Aside]:
    """Where places and lines that cannot be read are kept."""
    if durable is None:
        return None, Aside(None, counts)
    folder = durable.spool.folder.path / _FOLDER
    places = Places(folder)
    aside = Aside(unread or folder / "unread", counts, None if unread else _MOST_ASIDE)
    return places, aside


def _prepare(durable: DurableStore) -> None:
    store = durable.store
    try:
        for sentence in store.prepare():
            note(f"{PROGRAM}: {sentence}")
    except StoreUnavailableError as error:
        note(
            f"{PROGRAM}: {error}; records are kept in {durable.spool.folder.path} until it answers"
        )


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, counts: ShipCounts, durable: DurableStore | None) -> None:
        self._counts = counts
        self._durable = durable
        self._tell_at = time.monotonic() + _TELL_SECONDS
        self._told = ""

    def tell_if_due(self, now: float) -> None:
        if now < self._tell_at:
            return
        self._tell_at = now + _TELL_SECONDS
        figures = _figures(self._counts, self._durable)
        if figures != self._told:
            self._told = figures
            note(f"{PROGRAM}: {figures}")


class _FileReading:
    def __init__(self, follower: Follower, stopped: threading.Event, progress: _Progress) -> None:
        self._follower = follower
        self._stopped = stopped
        self._progress = progress

    def run(self) -> None:
        """Look until the end is asked for."""
        while not self._stopped.is_set():
            now = time.monotonic()
            has_more = self._follower.look(now)
            self._progress.tell_if_due(now)
            if not has_more:
                self._stopped.wait(_LOOK_SECONDS)
        # What was written until the very end.
        self._follower.look(time.monotonic())
        self._follower.finish()


class _StdinReading:
    """Reads standard input in a thread: lines are to be sent, though the next one comes in an hour."""

    def __init__(
        self,
        shipper: Shipper,
        options: ShipOptions,
        counts: ShipCounts,
        stopped: threading.Event,
    ) -> None:
        self._shipper = shipper
        self._counts = counts
        self._stopped = stopped
        file = LogFile(STDIN, None, None, time.time_ns())
        self._reading = shipper.reading(file, options.encoding or "utf-8", lambda _: 0)
        self._chunks: queue.Queue[bytes] = queue.Queue(16)
        self._buffer = LineBuffer()

    def run(self) -> None:
        """Read until the input, or the patience of the person, is at its end."""
        threading.Thread(target=self._read, daemon=True).start()
        came_at = time.monotonic()
        while not self._stopped.is_set():
            try:
                chunk = self._chunks.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if time.monotonic() - came_at >= _QUIET_SECONDS:
                    self._reading.end()
                self._shipper.flush()
                continue
            if not chunk:
                break
            came_at = time.monotonic()
            self._take(self._buffer.add(chunk))
        self._take(self._buffer.take())
        self._reading.end()

    def _take(self, block: bytes) -> None:
        self._reading.take(io.BytesIO(block))
        self._counts.lines, self._counts.bytes = self._reading.number, self._reading.size

    def _read(self) -> None:
        while chunk := stdin_chunk(_CHUNK):
            self._chunks.put(chunk)
        self._chunks.put(b"")


@contextlib.contextmanager
def _until_signalled(stopped: threading.Event) -> Generator[None]:
    """End well at Ctrl-C and SIGTERM; at once where the same signal comes again."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    before: dict[int, Any] = {}

    def stop(number: int, _: object) -> None:
        stopped.set()
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _figures(counts: ShipCounts, durable: DurableStore | None) -> str:
    read = f"{counted(counts.records, 'record')} of {counted(counts.lines, 'line')}"
    if durable is None:
        return f"{read}; nothing was sent (--dry-run)"
    delivery = durable.counts
    parts = [read, f"{delivery.delivered:,} in {durable.store.name}"]
    waiting = delivery.accepted - delivery.delivered - delivery.refused
    if waiting > 0:
        parts.append(f"{waiting:,} waiting in {durable.spool.folder.path}")
    if delivery.refused:
        parts.append(f"{delivery.refused:,} refused ({PROGRAM} spool shows them)")
    if counts.unread:
        parts.append(f"{counted(counts.unread, 'line')} kept aside")
    return ", ".join(parts)


def _document(counts: ShipCounts, durable: DurableStore | None) -> dict[str, Any]:
    document = counts.document()
    if durable is None:
        return {**document, "dry_run": True}
    delivery = durable.counts
    return {
        **document,
        "stored": delivery.delivered,
        "refused": delivery.refused,
        "store": durable.store.name,
    }
