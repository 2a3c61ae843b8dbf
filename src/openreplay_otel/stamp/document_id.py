"""Document ids that sort by the time of emission, chosen in the app so that a repeat is recognised."""

from __future__ import annotations

import secrets
from itertools import count
from typing import Final

from .. import forks

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
        self._begin_process()
        # Formatting a number takes as long as all the rest of an id.
        self._digits = tuple(f"{n:03x}" for n in range(2**_PAGE_BITS))
        forks.watch(self)

    def _begin_process(self) -> None:
        self._sequence = count()
        self._process = secrets.token_hex(_RANDOM_BYTES)
        self._begin = (-1, -1, "")

    def next_id(self, time_ns: int) -> str:
        """The next id.

        Args:
            time_ns: Unix nanoseconds of the emission.
        """
        # Here, since each record comes by, and no later than for its id: C code forks without a hook.
        forks.notice_fork()
        moment = time_ns >> _MOMENT_BITS
        number = next(self._sequence) & _SEQUENCE_MASK
        page = number >> _PAGE_BITS
        # One attribute, so that another thread never sees a number with the text of another one.
        last_moment, last_page, text = self._begin
        if moment != last_moment or page != last_page:
            text = f"{moment:011x}{page:03x}"
            self._begin = (moment, page, text)
        return text + self._digits[number & _PAGE_MASK] + self._process

    def before_fork(self) -> None:
        """Nothing to do."""

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """Draw a new process part, and count anew."""
        self._begin_process()
