"""The command: ``python -m tests.benchmarks [NAME…]``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {
    "stamp": "what the stamp adds to the SDK's emit; 30 s",
    "requests": "CPU of a request beside plain OpenTelemetry, WSGI and ASGI; 2 min",
    "startup": "what a start under opentelemetry-instrument takes, and an import; 1 min",
    "export": "CPU from a record to its acceptance, beside OTLP and elasticsearch.helpers; 1 min",
    "durable": "what the durable processor costs, beside the SDK's batch processor; 2 min",
    "ingest": "records into a real Elasticsearch, beside raw requests of the same documents; 4 min",
    "outage": "memory of a process whose store is away for two minutes; 2 min",
    "collector": "CPU a record needs in a Collector, by its parts; 3 min",
    "ship": "log files into a real Elasticsearch, beside raw requests of the same documents; 6 min",
    "page": "the page's answers beside the store's own queries, on both stores; 8 min",
    "lookup": "one session's logs out of a million on a real Elasticsearch; 3 min",
    "scale": "a month of 5,000 sessions on one node of 1 GB, first a tenth of it; 12 min",
}


def main() -> None:
    """Run the benchmarks and print their tables; always ends with 0, met or not."""
    names = "\n".join(f"  {name:8}{meaning}" for name, meaning in _NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Measure this package beside the ways people use today.\n\nnames:\n{names}",
    )
    parser.add_argument("name", nargs="*", help="what to measure; all of them without any")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--es",
        type=int,
        choices=(8, 9),
        default=9,
        help="Elasticsearch's major, for ingest, ship, lookup, page and scale (9)",
    )
    parser.add_argument(
        "--documents", type=int, default=1_000_000, metavar="N",
        help="how many are stored for lookup, page and scale (1000000); 10000000 is the long run, an hour",
    )  # fmt: skip
    arguments = parser.parse_args()
    unknown = [name for name in arguments.name if name not in _NAMES]
    if unknown:
        parser.error(f"no such name: {', '.join(unknown)} (choose from {', '.join(_NAMES)})")
    machine = report.machine()
    results: dict[str, list[report.Row]] = {}
    for name in arguments.name or _NAMES:
        print(f"{name}: {_NAMES[name]}; load {os.getloadavg()[0]:.2f}", file=sys.stderr, flush=True)
        results[name] = _benchmark(name, es=arguments.es, documents=arguments.documents)()
        print(f"\n{name}\n{report.table(results[name])}\n", flush=True)
        if arguments.json is not None:
            written = json.dumps(report.as_json(results, machine), indent=2, ensure_ascii=False)
            arguments.json.write_text(written + "\n", encoding="utf-8")


def _benchmark(name: str, *, es: int, documents: int) -> Callable[[], list[report.Row]]:
    # Imported when asked for: what one of them needs does not disturb another.
    run = import_module(f"tests.benchmarks.{name}").run
    if name in {"lookup", "page", "scale"}:
        return lambda: run(es, documents)
    return (lambda: run(es)) if name in {"ingest", "ship"} else run


if __name__ == "__main__":
    main()
