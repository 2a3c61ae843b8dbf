"""Document ids that sort by the time of emission, chosen in the app so that a repeat is recognised."""

from __future__ import annotations

import os
import secrets
import weakref
from itertools import count
from typing import Final

_RANDOM_BYTES: Final = 7
_MOMENT_BITS: Final = 20
"""A moment is 2^20 nanoseconds, about a millisecond; within one the sequence tells the order."""
_PAGE_BITS: Final = 12
_PAGE_MASK: Final = 2**_PAGE_BITS - 1
_SEQUENCE_MASK: Final = 2 ** (2 * _PAGE_BITS) - 1


class DocumentIdGenerator:
    """Makes ids of 31 hexadecimal digits: the moment (11), a sequence (6), the process (14).

    Ascending ids keep Elasticsearch's look for an earlier document of the same id cheap, and settle
    the order of records with the same time. A forked child draws a new process part.
    """

    def __init__(self) -> None:
        self._sequence = count()
        self._process = secrets.token_hex(_RANDOM_BYTES)
        self._begin = (-1, -1, "")
        # Formatting a number takes as long as all the rest of an id.
        self._digits = tuple(f"{n:03x}" for n in range(2**_PAGE_BITS))
        if hasattr(os, "register_at_fork"):
            reference = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _renew(reference()))

    def next_id(self, time_ns: int) -> str:
        """The next id.

        Args:
            time_ns: Unix nanoseconds of the emission.
        """
        moment = time_ns >> _MOMENT_BITS
        number = next(self._sequence) & _SEQUENCE_MASK
        page = number >> _PAGE_BITS
        # One attribute, so that another thread never sees a number with the text of another one.
        last_moment, last_page, text = self._begin
        if moment != last_moment or page != last_page:
            text = f"{moment:011x}{page:03x}"
            self._begin = (moment, page, text)
        return text + self._digits[number & _PAGE_MASK] + self._process

    def renew_process(self) -> None:
        """Draw a new process part."""
        self._process = secrets.token_hex(_RANDOM_BYTES)


def _renew(generator: DocumentIdGenerator | None) -> None:
    if generator is not None:
        generator.renew_process()
