"""Looks into the spool of this machine and account: what waits, what was refused, what was given up."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from ..spool.folder import SpoolFolder
from ..spool.listing import list_spool
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..settings import Settings

_LATE: Final = timedelta(minutes=5)


def check_spool(settings: Settings, store_name: str, now_seconds: float) -> Iterator[Result]:
    """The spool for one store.

    Args:
        settings: Where spools lie.
        store_name: The store, without credentials.
        now_seconds: The present, Unix seconds.
    """
    folder = SpoolFolder.of(settings.spool_dir, store_name)
    if not folder.path.exists():
        yield found("spool.none", path=folder.path)
        return
    try:
        listing = list_spool(folder)
    except OSError as error:
        yield found("spool.unreadable", path=folder.path, reason=error.strerror or error)
        return
    total = listing.total
    left = listing.waiting_for_nobody
    if left:
        yield found("spool.left", count=f"{left:,}", path=folder.path)
    age = timedelta()
    if total.oldest is not None:
        age = datetime.fromtimestamp(now_seconds, timezone.utc) - total.oldest
    if total.queued > left and age > _LATE:
        minutes = f"{age // timedelta(minutes=1):,}"
        yield found("spool.late", count=f"{total.queued - left:,}", minutes=minutes)
    if total.dead_letters:
        yield found("spool.dead", count=f"{total.dead_letters:,}", path=folder.path)
    if total.dropped:
        reasons = ", ".join(f"{count:,} {why}" for why, count in sorted(total.dropped.items()))
        yield found("spool.dropped", reasons=reasons)
    if not (left or total.dead_letters or total.dropped or age > _LATE):
        yield found("spool.ok", count=f"{total.queued:,}", path=folder.path)
