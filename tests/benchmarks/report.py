"""The result of a benchmark: rows of a table for people, the same as JSON for programs."""

from __future__ import annotations

import os
import platform
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.benchmarks.measuring import Ratio

_PACKAGES = (
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-processor-baggage",
    "elasticsearch",
    "elastic-transport",
    "orjson",
    "lmdb",
    "diskcache",
    "persist-queue",
)
_HEADINGS = ("what", "ours", "other", "ratio", "lowest to highest", "aim", "")


@dataclass(frozen=True)
class Row:
    """One comparison, or one figure that stands for itself.

    Attributes:
        what: What was measured.
        unit: Of ``ours`` and ``other``.
        ours: Our side, in a usual round.
        other: The other side, where there is one.
        ratio: Ours as a part of the other's.
        aim: The highest ratio that is good enough; without a ratio, the highest figure of ours.
    """

    what: str
    unit: str
    ours: float
    other: float | None = None
    ratio: Ratio | None = None
    aim: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        return (self.ours if self.ratio is None else self.ratio.median) <= self.aim

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        ratio = self.ratio
        aim = ""
        if self.aim is not None:
            aim = f"≤ {self.aim:g} {self.unit}" if ratio is None else f"≤ {_percent(self.aim)}"
        return (
            self.what,
            _figure(self.ours, self.unit),
            "" if self.other is None else _figure(self.other, self.unit),
            "" if ratio is None else _percent(ratio.median),
            "" if ratio is None else f"{_percent(ratio.lowest)} to {_percent(ratio.highest)}",
            aim,
            {None: "", True: "met", False: "NOT MET"}[self.met],
        )


def table(rows: Sequence[Row]) -> str:
    """The rows as lines of text with columns."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(results: Mapping[str, Sequence[Row]], machine: Mapping[str, Any]) -> dict[str, Any]:
    """All results, and the machine they come from."""
    rows = {name: [asdict(row) | {"met": row.met} for row in of] for name, of in results.items()}
    return {"machine": dict(machine), "results": rows}


def machine() -> dict[str, Any]:
    """What the figures depend on: Python, processors, load, versions."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "sqlite": sqlite3.sqlite_version,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        # What one benchmark needs may be missing where another one runs.
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _percent(part: float) -> str:
    return f"{part:.1%}" if abs(part) < 1 else f"{part:.0%}"


def _figure(value: float, unit: str) -> str:
    digits = 0 if float(value).is_integer() or abs(value) >= 1000 else 2
    return f"{value:,.{digits}f} {unit}"
