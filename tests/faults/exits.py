"""Fault 6: the ways in which a program ends, with records queued and the store away."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, Literal

from tests.faults.stored import OnFaultyBulk
from tests.faults.trial import Result, Trial, ending

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.faulty_bulk import FaultyBulk

Way = Literal["main", "thread", "sigterm", "handler"]
WAYS: Final[dict[Way, str]] = {
    "main": "the end of the script",
    "thread": "`sys.exit` in a thread",
    "sigterm": "SIGTERM",
    "handler": "SIGTERM that the app turns into `sys.exit`",
}
_SHUTDOWN_SECONDS: Final = 3.0
_MORE_SECONDS: Final = 15.0


def ended(folder: Path, faulty: FaultyBulk, way: Way, *, records: int, hangs: bool) -> Result:
    """End a program whose store is away; the next one delivers.

    Args:
        folder: For the trial.
        faulty: The store.
        way: How it ends.
        records: How many are queued.
        hangs: Whether the store takes requests and does not answer, instead of refusing connections.
    """
    trial = Trial(folder, OnFaultyBulk(faulty), shutdown_timeout=_SHUTDOWN_SECONDS)
    ready = folder / "ready"
    if hangs:
        faulty.fault = "hang"
    else:
        faulty.stop_listening()
    try:
        with ending(trial.emitting(records, f"--end={way}", f"--ready={ready}")) as program:
            program.wait_until(ready.exists)
            if way in {"sigterm", "handler"}:
                program.process.send_signal(signal.SIGTERM)
            trial.exits.append(program.wait(_SHUTDOWN_SECONDS + _MORE_SECONDS))
            program.result(-signal.SIGTERM if way == "sigterm" else 0)
    finally:
        faulty.fault = None
        if not faulty.is_listening:
            faulty.listen()
    trial.deliver()
    return trial.result(f"exit by {WAYS[way]}")
