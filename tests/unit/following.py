"""Follows logs in this process, look by look, with a clock of the test's."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

import orjson

from openreplay_otel import Settings
from openreplay_otel.ship.aside import Aside
from openreplay_otel.ship.counts import ShipCounts
from openreplay_otel.ship.following import Follower
from openreplay_otel.ship.places import Places
from openreplay_otel.ship.shipping import ShipOptions, Shipper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from openreplay_otel.stores.base import Document

LONG_SECONDS = 1000.0
"""After which nothing waits any more."""


class Killed(BaseException):
    """The process is gone."""


class Stored:
    """A store: of each id one document."""

    def __init__(self) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}
        self.sent = 0

    @property
    def messages(self) -> list[str]:
        """The texts, in the order of their first coming."""
        return [source["message"] for source in self.by_id.values()]


class Following:
    """A process that follows logs, until it is killed or ends.

    Args:
        names: What to follow.
        stored: Where its documents go.
        places: The folder of the places; None for nowhere.
        kill_at: Which sent document it does not survive; None for none.
        options: Of the follower.
    """

    def __init__(
        self,
        *names: Path | str,
        stored: Stored,
        places: Path | None,
        kill_at: int | None = None,
        **options: Any,
    ) -> None:
        self.counts = ShipCounts()
        self.told: list[str] = []
        self._stored = stored
        self._kill_at = kill_at
        self._now = 1000.0
        self._shipper = Shipper(
            Settings(),
            ShipOptions(zone=timezone.utc),
            counts=self.counts,
            aside=Aside(None, self.counts),
            send=self._send,
            remembered=1000,
        )
        self.places = None if places is None else Places(places)
        options = {"with_rotated": False, "encoding": "utf-8", **options}
        self.follower = Follower(
            [str(name) for name in names],
            shipper=self._shipper,
            counts=self.counts,
            places=self.places,
            tell=self.told.append,
            **options,
        )

    def look(self, seconds: float = 1.0) -> None:
        """Look so many seconds later, as often as there is more."""
        self._now += seconds
        while self.follower.look(self._now):
            pass

    def settle(self) -> None:
        """Look until nothing waits any more."""
        self.look()
        self.look(LONG_SECONDS)
        self.look(LONG_SECONDS)

    def end(self) -> None:
        """End as at Ctrl-C."""
        self.look()
        self.follower.finish()
        self.leave()

    def leave(self) -> None:
        """Leave locks and files, as a process does that is killed."""
        for log in self.follower._logs.values():
            for source in log._sources:
                source.file.close()
        if self.places is not None:
            self.places.close()

    def _send(self, batch: Sequence[Document]) -> None:
        for document in batch:
            if self._kill_at is not None and self._stored.sent >= self._kill_at:
                raise Killed
            self._stored.sent += 1
            self._stored.by_id.setdefault(document.id, orjson.loads(document.source))
        self._shipper.settled(list(batch))
