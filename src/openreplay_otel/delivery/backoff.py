"""How long to wait before the next try. Pure."""

from __future__ import annotations

from typing import Final

_FIRST: Final = 0.25
_LONGEST: Final = 30.0
_MOST_DOUBLINGS: Final = 16


def pause_before(tries: int, jitter: float, retry_after: float | None = None) -> float:
    """Seconds to wait: a quarter of a second at first, then twice as long each time, up to 30.

    Args:
        tries: How many have failed in a row before the last one.
        jitter: A number from 0 to 1, by which clients that failed together do not come back together.
        retry_after: Seconds that the server asked to wait, where it did; heeded up to 30.
    """
    pause = min(_LONGEST, _FIRST * 2 ** min(tries, _MOST_DOUBLINGS)) * (0.5 + jitter / 2)
    return pause if retry_after is None else max(pause, min(retry_after, _LONGEST))
