"""The table of docs/frameworks.md: `python -m tests.frameworks.table --write` runs all rows and writes it."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.frameworks.cases import CASES, ask, outcome, stored
from tests.frameworks.rows import ROWS
from tests.frameworks.serving import ROOT, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.frameworks.cases import Asked
    from tests.frameworks.rows import Row

PAGE: Final = ROOT / "docs" / "frameworks.md"
BEGIN: Final = "<!-- The table is made by python -m tests.frameworks.table --write: do not change it by hand. -->\n"
END: Final = "<!-- End of the table. -->\n"

Outcomes = dict[str, str]


class Ran(NamedTuple):
    """What came of a row: each case, and what its server printed."""

    found: Outcomes
    printed: str


_MOST_SECONDS_TO_STORE: Final = 15
_QUIET_SECONDS: Final = 2
"""After so long without a line none is expected any more."""


def run(row: Row, environ: Mapping[str, str] | None = None) -> Ran:
    """Start a row's server, ask everything, and judge what was stored.

    Args:
        row: The framework and server.
        environ: As :class:`~tests.frameworks.serving.Serving` takes it.

    Returns:
        What became of each case, and of the console.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "logs.db"
        with serving(row, f"sqlite:///{file}", Path(folder), environ) as server:
            asked = ask(server)
            # All is stored while the server runs: how servers end is shown elsewhere.
            until = time.monotonic() + _MOST_SECONDS_TO_STORE
            while faults(found := _judged(row, asked, file)) and time.monotonic() < until:
                time.sleep(0.2)
        # What comes twice may come at the end.
        found = _judged(row, asked, file)
        if faults(found):
            sys.stdout.write(f"--- {row.name}\n{server.output()}")
        return Ran(found, server.output())


def printed_without(row: Row) -> str:
    """What a row's server prints to the same requests where this package takes no part."""
    environ = {
        "OTEL_PYTHON_DISTRO": "distro",
        "OTEL_PYTHON_CONFIGURATOR": "configurator",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": f"{row.disabled},logging,openreplay",
        **dict.fromkeys(
            ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none"
        ),
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with serving(row, "sqlite:///unused.db", Path(folder), environ) as server:
            ask(server)
            # Some write a request's line when it is answered already.
            printed, since = server.output(), time.monotonic()
            while time.monotonic() - since < _QUIET_SECONDS:
                time.sleep(0.1)
                if printed != (now := server.output()):
                    printed, since = now, time.monotonic()
        return server.output()


def faults(found: Outcomes) -> list[str]:
    """What is wrong; a reason in brackets is no fault."""
    return [one for one in found.values() if one != "yes" and not one.startswith("(")]


def _judged(row: Row, asked: Asked, file: Path) -> Outcomes:
    try:
        documents = stored(file)
    except sqlite3.Error:  # not there yet
        documents = []
    return {case: outcome(row, case, asked, documents) for case in CASES}


def table(outcomes: Mapping[Row, Outcomes]) -> str:
    """The table as Markdown."""
    lines = [["framework", "server", *CASES.values()], ["---"] * (len(CASES) + 2)]
    lines += [[row.framework, row.server, *outcomes[row].values()] for row in ROWS]
    return BEGIN + "".join(f"| {' | '.join(line)} |\n" for line in lines) + END


def main() -> int:
    """Run the rows, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    parser.add_argument("--only", default="", help="rows whose name has this text; prints them")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    with ThreadPoolExecutor(2) as pool:
        outcomes = {row: ran.found for row, ran in zip(rows, pool.map(run, rows), strict=True)}
    for row in rows:
        print(row.name, *(f"\n  {case}: {one}" for case, one in outcomes[row].items()))
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        PAGE.write_text(before + table(outcomes) + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
