"""Document ids made of what a record is, so that shipping it again changes nothing. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .record import ParsedRecord

_REMEMBERED: Final = 200_000
_DIGEST_BYTES: Final = 10


class ContentIds:
    """Makes the ids of the records of one call, in order.

    Equal lines of the same time are told apart by their number. Which file they stand in does not count:
    it changes its name when it is rotated.

    Args:
        seed: What else tells records apart, such as service and host.
    """

    def __init__(self, seed: str) -> None:
        self._seed = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
        # Two generations, so that memory stays bounded: equal lines of one time stand close together.
        self._seen: dict[bytes, int] = {}
        self._seen_before: dict[bytes, int] = {}

    def of(self, record: ParsedRecord, file_head: bytes, own_time_ns: int | None) -> str:
        """The id of a record.

        Args:
            record: The record.
            file_head: The first line of its file, which stays when the file grows or is rotated.
            own_time_ns: The time that the file itself says; None where it says none. Then the place in
                the file tells records apart.
        """
        digest = self._seed.copy()
        for raw in record.raw:
            digest.update(raw.rstrip(b"\r\n"))
            digest.update(b"\n")
        if own_time_ns is None:
            digest.update(file_head)
            digest.update(b"%d" % record.offset)
            return f"{0:013x}{digest.hexdigest()}"
        digest.update(b"%d" % own_time_ns)
        content = digest.digest()
        number = self._seen.get(content)
        if number is None:
            number = self._seen_before.get(content, 0)
        self._seen[content] = number + 1
        if len(self._seen) >= _REMEMBERED:
            self._seen_before, self._seen = self._seen, {}
        if number:
            digest.update(b"#%d" % number)
        return f"{max(own_time_ns, 0) // 1000:013x}{digest.hexdigest()}"
