"""Follows one log by its name: over rotation, copies and cuts, with its place on disk."""

from __future__ import annotations

import hashlib
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .files import LogFile, OpenFile, ReadErrors, UnpacksTooMuchError
from .growing import HEAD, GrowingFile, identity_of
from .packed import PackedFile
from .places import Known, LogState
from .sightings import REST_SECONDS, YOUNG_SECONDS, sightings_of

if TYPE_CHECKING:
    import os
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

    from .counts import ShipCounts
    from .growing import Identity
    from .places import Places
    from .reading import FileReading
    from .shipping import Shipper
    from .sightings import Sighting

TURN_BYTES: Final = 4 * 1024 * 1024
"""Of a log that are read until the others have their turn."""
_QUIET_SECONDS: Final = 2.0
"""After so long without a line the last record is taken for complete."""
_LINE_SECONDS: Final = 600.0
"""After so long an unfinished line is taken for one."""
_LEFT_SECONDS: Final = 30.0
"""For so long without a line a rotated file is read on: its program may not have noticed yet."""
_MOST_NUMBERS: Final = 200
_MOST_OF_ALL: Final = 10_000
_LATEST: Final = 500


@dataclass
class Services:
    """What the logs of one call share.

    Attributes:
        shipper: Makes documents of what they read.
        counts: Of all.
        encoding: Of the files.
        places: Where places are kept; None for nowhere.
        tell: Tells the person what is wrong with a file; None for nothing any more.
        numbers: How many files began with a line, by its digest.
        began_ns: When the call began, Unix nanoseconds.
    """

    shipper: Shipper
    counts: ShipCounts
    encoding: str
    places: Places | None
    tell: Callable[[Path, str | None], None]
    numbers: Counter[str]
    began_ns: int


class _Source:
    """A file that is read now."""

    def __init__(self, known: Known, file: GrowingFile, reading: FileReading, now: float) -> None:
        self.known = known
        self.file = file
        self.reading = reading
        self.is_log = False
        self.changed: tuple[int, int] = (0, 0)
        self.grown_at = self.first_at = now
        self.lines = self.bytes = 0


class FollowedLog:
    """One log and its rotated parts.

    Args:
        path: Where it is, or will be.
        services: What all logs share.
        reads_rotated: Whether rotated parts that are there at the first look are read too.
        is_new: Whether it came while others were followed: what was rotated since then is read.
    """

    def __init__(
        self, path: Path, services: Services, *, reads_rotated: bool, is_new: bool
    ) -> None:
        self.path = path
        self._services = services
        self._reads_rotated = reads_rotated
        self._is_new = is_new
        self._files: list[Known] = []
        self._numbers: dict[str, int] = {}
        self._sources: list[_Source] = []
        self._is_first_look = True
        self._sort_at: float | None = None
        self._has_known = False
        self._resting: tuple[Identity, int, int] | None = None
        places = services.places
        state = None if places is None else places.load(path)
        if state is not None:
            self._has_known = True
            self._files, self._numbers = state.files, state.numbers
            for head, number in state.numbers.items():
                services.numbers[head] = max(services.numbers[head], number)
            services.shipper.ids.remember(state.latest)

    @property
    def is_gone(self) -> bool:
        """Whether nothing of it is left."""
        return not self._sources and not self._is_first_look and not self.path.exists()

    def look(self, now: float) -> bool:
        """Read what is new.

        Args:
            now: Monotonic seconds.

        Returns:
            Whether there is more to read at once.

        Raises:
            SettingsError: What cannot be read can be kept nowhere.
        """
        try:
            status = self._status()
            self._services.tell(self.path, None)
        except FileNotFoundError:
            status = None
        except OSError as error:
            self._services.tell(self.path, f"cannot be read: {error.strerror}")
            return False
        is_due = self._sort_at is not None and now >= self._sort_at
        if self._is_first_look or is_due or not self._is_as_before(status):
            try:
                self._sort_out(now)
            except OSError as error:
                self._services.tell(self.path, f"cannot be read: {error.strerror}")
                return False
        has_read = [self._read(source, now) for source in tuple(self._sources)]
        return any(has_read)

    def finish(self) -> None:
        """Give what is held, close all files, and keep the places."""
        for source in self._sources:
            self._end(source, is_left=False)
            source.file.close()
        self._sources = []

    # --- which file is which

    def _status(self) -> os.stat_result:
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "no ordinary file")
        return status

    def _is_as_before(self, status: os.stat_result | None) -> bool:
        current = next((source for source in self._sources if source.is_log), None)
        if current is None and status is not None and self._resting is not None:
            return self._resting == (identity_of(status), status.st_size, status.st_mtime_ns)
        if current is None or status is None:
            return current is None and status is None
        if identity_of(status) != current.file.identity:
            return False
        changed = (status.st_size, status.st_mtime_ns)
        if changed != current.changed and not current.file.is_same():
            return False
        current.changed = changed
        return True

    def _sort_out(self, now: float) -> None:
        """Find out which files are known, under whatever name, and which are new."""
        sightings = sightings_of(self.path)
        try:
            self._sort(sightings, now)
        finally:
            for one in sightings:
                one.file.close()

    def _sort(self, sightings: list[Sighting], now: float) -> None:
        self._sort_at = self._resting = None
        left = list(self._files)
        pairs: list[tuple[Sighting, Known | None]] = []
        for one in sightings:
            known = next((k for k in left if k.identity == one.identity and one.goes_on(k)), None)
            if known is not None:
                left.remove(known)
            pairs.append((one, known))
        sources = {id(source.known): source for source in self._sources}
        ordered: list[_Source] = []
        files: list[Known] = []
        log = next((one for one in sightings if one.path == self.path), None)
        for one, named in pairs:
            known = named or self._found(one, left, log, now)
            if known is not None:
                files.append(known)
                source = self._source(one, known, sources.pop(id(known), None), now)
                if source is not None:
                    ordered.append(source)
        for source in sources.values():
            if source.file.is_same():
                # Without a name, or somewhere else: it is read while something comes.
                source.is_log = False
                files.insert(0, source.known)
                ordered.insert(0, source)
            else:
                self._end(source)
                source.file.close()
        self._files, self._sources = files, ordered
        self._is_first_look = False
        self._save()

    def _found(
        self, one: Sighting, left: list[Known], log: Sighting | None, now: float
    ) -> Known | None:
        """What a file is whose identity nobody knows; None where that is not sure yet."""
        is_log = one is log
        # A new log may begin with the same lines as the one before.
        least = HEAD if is_log else 1
        known = next((k for k in left if k.print.end >= least and one.is_copy_of(k)), None)
        if known is not None:
            # Copied, packed, or on a disk that numbers its files anew.
            left.remove(known)
            known.identity = one.identity
            return known
        begun = one.print_at_end() if log is not None and not is_log else None
        is_copy = begun is not None and begun.end > 0 and log is not None and log.begins_with(begun)
        if one.is_young and not is_log and (is_copy or one.is_packed or one.status.st_size == 0):
            # The log may be on its way to there.
            self._sort_at = now + YOUNG_SECONDS / 5
            return None
        new = Known(one.identity)
        is_sure = begun is not None and begun.end >= HEAD
        if (is_copy and is_sure) or not (is_log or self._is_to_be_read(one)):
            if one.is_packed:
                new.packed_size = one.status.st_size
            else:
                new.print = one.print_at_end()
                new.place = new.place.skipped_to(new.print.end)
        return new

    def _is_to_be_read(self, one: Sighting) -> bool:
        if self._reads_rotated or self._has_known or not self._is_first_look:
            return True
        return self._is_new and one.status.st_mtime_ns >= self._services.began_ns

    # --- reading

    def _source(
        self, one: Sighting, known: Known, source: _Source | None, now: float
    ) -> _Source | None:
        """What reads a file from now on; None where there is nothing more in it."""
        is_log = one.path == self.path
        if isinstance(one.file, PackedFile):
            if source is not None:
                self._end(source, is_left=False)
                source.file.close()
            self._read_packed(one, known)
            return None
        if source is None:
            is_read = known.place.offset >= one.status.st_size
            if is_read and is_log and one.is_old:
                self._resting = (one.identity, one.status.st_size, one.status.st_mtime_ns)
            if is_read and (one.is_old or not is_log):
                return None
            file = GrowingFile(one.path, known.place.offset, may_be_link=is_log)
            source = _Source(known, file, self._reading(one.path, known), now)
        elif source.file.identity != one.identity or not source.file.is_same():
            # Its content is in another file now: what was begun goes on there.
            offset = source.file.offset
            source.file.close()
            source.file = GrowingFile(one.path, offset, may_be_link=is_log)
        source.is_log = is_log
        return source

    def _reading(self, path: Path, known: Known) -> FileReading:
        services = self._services
        services.counts.files += 1
        file = LogFile(str(path), path, None, time.time_ns())

        def number_of(head: bytes) -> int:
            if known.place.head == head:
                return known.place.number
            digest = hashlib.blake2b(head, digest_size=8).hexdigest()
            number = services.numbers[digest]
            services.numbers[digest] = number + 1
            self._numbers.pop(digest, None)
            self._numbers[digest] = number + 1
            for numbers, most in ((self._numbers, _MOST_NUMBERS), (services.numbers, _MOST_OF_ALL)):
                while len(numbers) > most:
                    del numbers[next(iter(numbers))]
            return number

        return services.shipper.reading(
            file, services.encoding, number_of, known.place, keeps_number=True
        )

    def _read(self, source: _Source, now: float) -> bool:
        before, lines = source.file.position, source.reading.number
        source.reading.take(source.file.lines(TURN_BYTES))
        if source.reading.number > lines:
            self._keep(source)
        if source.reading.waits_for_time and now - source.first_at >= _QUIET_SECONDS:
            # Perhaps there is never any.
            self._end(source, is_left=False)
        if source.file.position > before:
            source.grown_at = now
            source.first_at = source.first_at if before else now
            return source.file.position - before >= TURN_BYTES
        quiet = now - source.grown_at
        if not source.is_log and quiet >= _LEFT_SECONDS:
            self._end(source)
            source.file.close()
            self._sources.remove(source)
        elif source.file.has_begun_line and quiet >= _LINE_SECONDS:
            self._end(source)
        elif source.reading.holds_lines and quiet >= _QUIET_SECONDS:
            self._end(source, is_left=False)
        elif quiet >= REST_SECONDS and not source.file.has_begun_line:
            # There may be thousands of logs, and few of them are written to.
            self._resting = (source.file.identity, *source.changed)
            source.file.close()
            self._sources.remove(source)
        return False

    def _read_packed(self, one: Sighting, known: Known) -> None:
        """Read what is left of a packed file: nothing comes to it any more."""
        if known.packed_size == one.status.st_size:
            return
        reading = self._reading(one.path, known)
        file = LogFile(
            str(one.path), one.path, one.status.st_size, one.status.st_mtime_ns, may_be_link=False
        )
        try:
            opened = OpenFile(file, self._services.encoding, reading.offset)
        except ReadErrors:
            return
        try:
            reading.take(opened.lines())
        except (UnpacksTooMuchError, *ReadErrors) as error:
            self._services.tell(one.path, f"cannot be unpacked to its end: {type(error).__name__}")
        finally:
            opened.close()
        reading.end()
        known.print = one.file.print_at_end()
        known.place = reading.place
        known.packed_size = one.status.st_size
        self._services.counts.lines += reading.number
        self._services.counts.bytes += reading.size
        self._services.shipper.flush()
        self._save()

    def _end(self, source: _Source, *, is_left: bool = True) -> None:
        """Give what is held of a file.

        Args:
            source: Which one.
            is_left: Whether nothing more comes, so that an unfinished line is one.
        """
        lines = source.reading.number
        if is_left:
            source.reading.take(source.file.begun_line())
        if source.reading.holds_lines or source.reading.number > lines:
            source.reading.mark_break()
            self._note(source)
            # Before its records are given: killed meanwhile, the next process gives the same ones.
            self._save()
            source.reading.end()
            self._keep(source)

    def _keep(self, source: _Source) -> None:
        """Hand out what was made, and then keep the place behind it."""
        self._services.shipper.flush()
        self._note(source)
        self._save()

    def _note(self, source: _Source) -> None:
        source.known.place, source.known.print = source.reading.place, source.file.print
        counts = self._services.counts
        counts.lines += source.reading.number - source.lines
        counts.bytes += source.reading.size - source.bytes
        source.lines, source.bytes = source.reading.number, source.reading.size

    def _save(self) -> None:
        services = self._services
        if services.places is None:
            return
        state = LogState(self._files, self._numbers, services.shipper.ids.latest(_LATEST))
        try:
            services.places.save(self.path, state)
        except OSError as error:
            services.tell(self.path, f"its place cannot be kept: {error.strerror}")
