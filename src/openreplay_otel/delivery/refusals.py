"""Keeps what a store refuses for good, counts it and tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stores.base import RefusedDocument
from ..stores.bulk_lines import documents_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..spool.counts import Tally
    from ..spool.dead_letters import DeadLetters
    from ..stores.base import Document
    from .rate_limited_log import QuietLog


class Refusals:
    """What a store will not take, however often it is sent.

    Args:
        store_name: Who refuses.
        dead_letters: Where the documents go.
        tally: Where they are counted.
        log: Where problems are told.
    """

    def __init__(
        self, store_name: str, dead_letters: DeadLetters, tally: Tally, log: QuietLog
    ) -> None:
        self._store_name = store_name
        self._dead_letters = dead_letters
        self._tally = tally
        self._log = log

    def keep_lines(self, lines: bytes, status: int, reason: str) -> list[Document]:
        """Keep the documents of whole lines, all for the same reason; as :meth:`keep`."""
        return self.keep([RefusedDocument(one, status, reason) for one in documents_of(lines)])

    def keep(self, refused: Sequence[RefusedDocument]) -> list[Document]:
        """Keep documents; those for which there is no room are counted as dropped.

        Returns:
            Those that the disk does not take now: they have to stay where they are.
        """
        if not refused:
            return []
        example = refused[0]
        self._log.warning(
            "refused",
            "%s refused %d documents for good, for instance %s with status %d: %s"
            " (openreplay-otel spool shows them)",
            self._store_name, len(refused), example.document.id, example.status, example.reason,
        )  # fmt: skip
        try:
            kept = self._dead_letters.keep(refused)
        except OSError as error:
            self._log.warning(
                "dead",
                "%d refused documents wait, since dead letters cannot be kept: %s",
                len(refused), error,
            )  # fmt: skip
            return [one.document for one in refused]
        self._tally.add("refused", kept)
        dropped = len(refused) - kept
        if dropped:
            self._log.warning(
                "dead full",
                "%d refused documents were dropped: there is no room to keep them",
                dropped,
            )
        self._tally.drop("dead letters full", dropped)
        return []
