"""Document ids that sort by the time of emission, chosen in the app so that a repeat is recognised."""

from __future__ import annotations

import os
import secrets
import weakref
from itertools import count
from typing import Final

_RANDOM_BYTES: Final = 7
_SEQUENCE_BITS: Final = 24
_SEQUENCE_MASK: Final = 2**_SEQUENCE_BITS - 1


class DocumentIdGenerator:
    """Makes ids of 33 hexadecimal digits: microseconds (13), a sequence (6), the process (14).

    Ascending ids keep Elasticsearch's look for an earlier document of the same id cheap, and settle
    the order of records with the same time. A forked child draws a new process part.
    """

    def __init__(self) -> None:
        self._sequence = count()
        self._process = secrets.token_hex(_RANDOM_BYTES)
        if hasattr(os, "register_at_fork"):
            reference = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _renew(reference()))

    def next_id(self, time_ns: int) -> str:
        """The next id.

        Args:
            time_ns: Unix nanoseconds of the emission.
        """
        moment = time_ns // 1000 << _SEQUENCE_BITS | next(self._sequence) & _SEQUENCE_MASK
        return f"{moment:019x}{self._process}"

    def renew_process(self) -> None:
        """Draw a new process part."""
        self._process = secrets.token_hex(_RANDOM_BYTES)


def _renew(generator: DocumentIdGenerator | None) -> None:
    if generator is not None:
        generator.renew_process()
