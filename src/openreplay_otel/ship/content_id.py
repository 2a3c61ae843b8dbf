"""Document ids made of what a record is, so that shipping it again changes nothing. Pure."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .record import ParsedRecord

REMEMBERED: Final = 200_000
"""Contents that are remembered, at least."""
_DIGEST_BYTES: Final = 10


class Origin:
    """The file that records come from. Its name does not count: it changes when the file is rotated.

    Args:
        head: Its first line, which stays when it grows or is rotated.
        number: Which one it is of the files with this first line.
        is_kept: Whether it keeps this number, whatever else is read, so that lines without a time can be told
            apart by it too.
    """

    def __init__(self, head: bytes = b"", number: int = 0, *, is_kept: bool = False) -> None:
        numbered = head + b"#%d" % number if number else head
        self.of_untimed = numbered if is_kept else head
        self.of_repeated = numbered
        self.checksum = crc32(numbered)


class ContentIds:
    """Makes the ids of records.

    Equal lines of the same time are told apart by their place, except for the first one: what is read again, from
    wherever on, gets the ids that it had.

    Args:
        seed: What else tells records apart, such as service and host.
        remembered: How many contents are remembered, at least: equal lines of one time stand close together.
    """

    def __init__(self, seed: str, remembered: int = REMEMBERED) -> None:
        self._seed = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
        self._remembered = remembered
        # Where each was first. Two generations, so that memory stays bounded.
        self._first: dict[bytes, int] = {}
        self._first_before: dict[bytes, int] = {}

    def of(self, record: ParsedRecord, origin: Origin, own_time_ns: int | None) -> str:
        """The id of a record.

        Args:
            record: The record.
            origin: Its file.
            own_time_ns: The time that the file itself says; None where it says none. Then the place in
                the file tells records apart.
        """
        digest = self._seed.copy()
        for raw in record.raw:
            digest.update(raw.rstrip(b"\r\n"))
            digest.update(b"\n")
        if own_time_ns is None:
            digest.update(origin.of_untimed)
            digest.update(b"%d" % record.offset)
            return f"{0:013x}{digest.hexdigest()}"
        digest.update(b"%d" % own_time_ns)
        content = digest.digest()
        place = record.offset << 32 | origin.checksum
        first = self._first.get(content)
        if first is None:
            first = self._first_before.get(content, place)
            self._remember(content, first)
        if first != place:
            digest.update(b"#%d#" % record.offset)
            digest.update(origin.of_repeated)
        return f"{max(own_time_ns, 0) // 1000:013x}{digest.hexdigest()}"

    def latest(self, number: int) -> list[tuple[str, str]]:
        """The contents that came last, for :meth:`remember` in another process."""
        return [
            (content.hex(), f"{self._first[content]:x}")
            for content in islice(reversed(self._first), number)
        ]

    def remember(self, contents: Iterable[tuple[str, str]]) -> None:
        """Take over what another process remembered."""
        for content, first in contents:
            self._remember(bytes.fromhex(content), int(first, 16))

    def _remember(self, content: bytes, first: int) -> None:
        self._first[content] = first
        if len(self._first) >= self._remembered:
            self._first_before, self._first = self._first, {}
