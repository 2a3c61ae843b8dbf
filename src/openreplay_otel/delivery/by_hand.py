"""Delivers a spool by hand: dead letters once more, and what ended processes left."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import orjson

from ..errors import StoreError, StoreLayoutError
from ..names import SESSIONLESS_DATA_STREAM
from ..private_files import put_in_place, read_existing
from ..spool import Spool
from ..spool.dead_letters import SUFFIX, DeadLetters, document_of
from ..spool.folder import SpoolFolder
from ..spool.listing import dead_letter_files, owner_of
from ..stores.bulk_lines import lines_of
from .worker import DeliveryWorker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..settings import Settings
    from ..stores import Store
    from ..stores.base import Document

_logger = logging.getLogger(__name__)

_NO_LIMIT: Final = 1 << 60
_LOOK: Final = 0.2
"""Seconds between two words on how far it is."""
_PATIENCE: Final = 20.0
"""Seconds in which something has to move, at least."""
_MARGIN: Final = 5.0
_STOP_WITHIN: Final = 2.0


class SpoolDelivered(NamedTuple):
    """What became of it.

    Attributes:
        again: Dead letters that were put into the queue.
        kept: Dead letters that hold no document to send.
        delivered: Documents that the store has now.
        refused: Documents that it would not take; they are dead letters (again).
        left: Documents that still wait, since the store failed.
    """

    again: int
    kept: int
    delivered: int
    refused: int
    left: int


def deliver_spool(
    store: Store,
    settings: Settings,
    *,
    with_dead_letters: bool,
    progress: Callable[[int, int], None],
) -> SpoolDelivered:
    """Deliver what no running process has. Nothing is given up here, for its age or for want of room.

    It may be interrupted at any time: what was not delivered stays, and is delivered once.

    Args:
        store: Where to.
        settings: Folder, and how requests are made.
        with_dead_letters: Whether dead letters are put into the queue before.
        progress: Told how many documents are done, and of how many that are known so far.

    Raises:
        StoreError: The store cannot be reached or the spool cannot be written; nothing was lost.
    """
    try:
        # Before anything is touched.
        for sentence in store.prepare():
            _logger.warning("%s", sentence)
    except StoreLayoutError as error:
        # Documents may be taken all the same.
        _logger.warning("%s", error)
    folder = SpoolFolder.of(settings.spool_dir, store.name)
    spool = Spool(folder, max_bytes=_NO_LIMIT, max_age=float("inf"))
    worker = DeliveryWorker(
        spool,
        store,
        DeadLetters(folder, _NO_LIMIT),
        request_max_bytes=settings.request_max_bytes,
        request_timeout=settings.export_timeout,
    )
    spool.on_data = worker.wake
    again = kept = 0
    try:
        left = {one.path.name for one in folder.files() if not folder.is_locked(one)}
        if with_dead_letters:
            again, kept = _queue_dead_letters(spool)
        if left or again:
            patience = max(_PATIENCE, settings.export_timeout + _MARGIN)
            _ship(spool, worker, left, patience, progress)
    except OSError as error:
        message = f"the spool in {folder.path} cannot be used: {error.strerror or error}"
        raise StoreError(message) from error
    finally:
        worker.stop(_STOP_WITHIN)
        queued, counts = spool.queued, spool.tally.counts(spool.accepted)
        spool.close()
    return SpoolDelivered(again, kept, counts.delivered, counts.refused, queued)


def _ship(
    spool: Spool,
    worker: DeliveryWorker,
    left: set[str],
    patience: float,
    progress: Callable[[int, int], None],
) -> None:
    """Deliver until nothing is left, or nothing has moved for so many seconds."""
    last: tuple[int, int, int] | None = None
    moved_at = time.monotonic()
    worker.flush(_LOOK)
    while True:
        counts = spool.tally.counts(spool.accepted)
        done, queued = counts.delivered + counts.refused, spool.queued
        progress(done, done + queued)
        left &= {one.path.name for one in spool.folder.files()}
        if not left and spool.is_empty:
            # The last ones may have arrived since they were counted.
            counts = spool.tally.counts(spool.accepted)
            progress(counts.delivered + counts.refused, counts.delivered + counts.refused)
            return
        if last != (done, queued, len(left)):
            last, moved_at = (done, queued, len(left)), time.monotonic()
        elif time.monotonic() - moved_at > patience:
            return
        # The worker takes over the ended processes' segments, and removes those that are done.
        worker.wake()
        spool.wait_for(spool.marks(), _LOOK, _never)
        if spool.is_empty:
            time.sleep(_LOOK / 4)


def _queue_dead_letters(spool: Spool) -> tuple[int, int]:
    """Put all dead letters into the queue; how many, and how many hold no document.

    A file goes only after its letters are in the queue: whoever is interrupted in between sends some twice,
    and the store knows them by their ids.
    """
    again = kept = 0
    for number, path in enumerate(list(dead_letter_files(spool.folder.path))):
        claimed = path.with_name(f"{owner_of(path) or ''}.{spool.folder.owner}-{number}{SUFFIX}")
        try:
            # The process that writes it, where it runs, begins a new one.
            path.rename(claimed)
        except FileNotFoundError:
            continue
        queued, rest = _queue_file(spool, claimed)
        again += queued
        kept += rest
    return again, kept


def _queue_file(spool: Spool, path: Path) -> tuple[int, int]:
    queued = read = 0
    rest: list[bytes] = []
    # It may have been open for writing when it got its new name.
    while len(content := read_existing(path)) > read:
        for line in content[read:].splitlines(keepends=True):
            document = _document_in(line)
            if document is None:
                rest.append(line)
                continue
            has_session = document.index != SESSIONLESS_DATA_STREAM
            spool.append(lines_of(*document), has_session)
            queued += 1
        read = len(content)
        if spool.troubles:
            # They wait in memory only: the file stays as it is.
            raise spool.troubles[-1]
    if not queued:
        return 0, len(rest)
    spool.sync()
    if rest:
        put_in_place(path, path.with_suffix(".unfinished"), b"".join(rest))
    else:
        path.unlink(missing_ok=True)
    return queued, len(rest)


def _document_in(line: bytes) -> Document | None:
    try:
        letter = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return document_of(cast("dict[str, Any]", letter)) if isinstance(letter, dict) else None


def _never() -> bool:
    return False
