"""The long run: ``python -m tests.faults [NAME…]`` brings about all faults at full size, and writes the table."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import disks, exits, forks, killed, nodes, outages, table
from tests.faults.stored import OnElasticsearch, OnFaultyBulk, OnSqlite
from tests.faults.trial import Result, together
from tests.servers.cluster import ElasticsearchCluster
from tests.servers.elasticsearch import open_server
from tests.servers.faulty_bulk import FaultyBulk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.elasticsearch import ElasticsearchServer

_NAMES = {
    "killed": "kill -9 of the emitting process, 100 times",
    "outages": "Elasticsearch killed 10 times, away for 60 s, read-only, and wrong answers",
    "nodes": "a cluster of three nodes, each killed in turn, two killed, one hung",
    "refused": "one document in 1,000 refused",
    "forks": "gunicorn, uWSGI, gevent, eventlet, Celery, multiprocessing, os.fork",
    "disks": "a full, removed, read-only or damaged spool",
    "exits": "the ends of a program with 10,000 records queued",
}
_CLOSE = 50.0
"""Milliseconds within which 99.9 % of all log calls have to be back."""


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


class _LongRun:
    """The faults at full size.

    Args:
        folder: For all trials.
        servers: Ends what was started.
        major: Of Elasticsearch.
    """

    def __init__(self, folder: Path, servers: contextlib.ExitStack, major: int) -> None:
        self._folder = folder
        self._servers = servers
        self._major = major
        self._numbers = count()
        self._running: ElasticsearchServer | None = None

    def killed(self) -> Iterator[Result]:
        """Fault 1."""
        plain = {"records": 20_000, "say": _say}
        with FaultyBulk() as faulty:
            made = killed.killed(self._new(), OnFaultyBulk(faulty), kills=60, seed=1, **plain)
        yield _named(made, f"{made.fault}, 60 times, a server that speaks `_bulk`")
        path = self._new().with_suffix(".db")
        made = killed.killed(self._new(), OnSqlite(path), kills=20, seed=2, **plain)
        yield _named(made, f"{made.fault}, 20 times, SQLite")
        target = OnElasticsearch(self._elasticsearch())
        made = killed.killed(self._new(), target, kills=20, seed=3, **plain)
        yield _named(made, f"{made.fault}, 20 times, Elasticsearch")

    def outages(self) -> Iterator[Result]:
        """Fault 2."""
        server = self._elasticsearch()
        made = outages.elasticsearch_killed(
            self._new(), server, times=10, away=0, records=100_000, seconds=200, say=_say
        )
        yield _named(made, "Elasticsearch killed with -9 and started again, 10 times")
        yield outages.elasticsearch_killed(
            self._new(), server, times=1, away=60, records=50_000, seconds=70, say=_say
        )
        yield outages.read_only_index(self._new(), server, seconds=30, records=20_000)
        with FaultyBulk(server) as faulty:
            for fault in outages.SHOWN:
                seconds = 30 if fault == "429" else 15
                yield outages.faulty_answers(
                    self._new(), server, faulty, fault,
                    each=2 if "in answer" in fault or "cut" in fault else 1,
                    seconds=seconds, records=1000 * seconds,
                )  # fmt: skip
            yield outages.too_large(
                self._new(), server, faulty, most_bytes=64 * 1024, records=20_000
            )

    def nodes(self) -> Iterator[Result]:
        """Fault 2, of a cluster."""
        with contextlib.closing(ElasticsearchCluster.start(self._major)) as cluster:
            for way in nodes.WAYS:
                yield nodes.lost(self._new(), cluster, way, records=30_000, seconds=120)

    def refused(self) -> Iterator[Result]:
        """Fault 3."""
        made = outages.refused(self._new(), self._elasticsearch(), records=100_000, each=1000)
        yield _named(made, "one document in 1,000 refused")

    def forks(self) -> Iterator[Result]:
        """Fault 4."""
        with FaultyBulk() as faulty:
            target = OnFaultyBulk(faulty)
            workers: tuple[tuple[forks.Worker, bool], ...] = (
                ("sync", True), ("gthread", True), ("gevent", False), ("gevent", True),
            )  # fmt: skip
            for worker, preload in workers:
                yield forks.gunicorn(
                    self._new(), target,
                    worker=worker, preload=preload, requests=4000, kills=20, max_requests=200,
                )  # fmt: skip
            yield forks.eventlet(self._new(), target, requests=4000)
            yield forks.celery(self._new(), target, tasks=1000, kills=10)
            yield forks.forking(self._new(), target, "fork", records=5000, processes=4)
            yield forks.forking(self._new(), target, "spawn", records=5000, processes=4)
            yield forks.forking(self._new(), target, "midst", records=50, processes=200)
            for moment in ("start", "import", "connect"):
                yield forks.early(self._new(), target, moment, forks=1000)
            for options, more in forks.UWSGI:
                yield forks.uwsgi(self._new(), target, *options, requests=2000, **more)

    def disks(self) -> Iterator[Result]:
        """Fault 5."""
        with FaultyBulk() as faulty:
            yield disks.full(self._new(), faulty, records=20_000)
            yield disks.removed(self._new(), faulty, records=20_000, seconds=20)
            yield disks.read_only(self._new(), faulty, records=20_000)
            yield disks.garbage(self._new(), faulty, records=20_000)

    def exits(self) -> Iterator[Result]:
        """Fault 6."""
        with FaultyBulk() as faulty:
            for way in exits.WAYS:
                both = [
                    exits.ended(self._new(), faulty, way, records=10_000, hangs=hangs)
                    for hangs in (False, True)
                ]
                yield together(both[0].fault, both)

    def _new(self) -> Path:
        return self._folder / str(next(self._numbers))

    def _elasticsearch(self) -> ElasticsearchServer:
        if self._running is None:
            self._running = self._servers.enter_context(open_server(self._major))
        self._running.wipe()
        return self._running


def _named(result: Result, fault: str) -> Result:
    return together(fault, [result], result.note)


def main() -> None:
    """Bring the faults about; ends with 1 where a record was lost or doubled, or 99.9 % of calls took too long."""
    names = "\n".join(f"  {name:9}{meaning}" for name, meaning in _NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Lose nothing, double nothing: all faults at full size, half an hour.\n\nnames:\n{names}",
    )
    parser.add_argument("name", nargs="*", help="which; all of them without any")
    parser.add_argument("--es", type=int, choices=(8, 9), default=9, help="Elasticsearch's major")
    parser.add_argument("--no-table", action="store_true", help="leave docs/reliability.md alone")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.name if name not in _NAMES]
    if unknown:
        parser.error(f"no such name: {', '.join(unknown)} (choose from {', '.join(_NAMES)})")
    bad: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="openreplay-otel-faults-") as folder,
        contextlib.ExitStack() as servers,
    ):
        run = _LongRun(Path(folder), servers, arguments.es)
        for name in arguments.name or _NAMES:
            _say(f"{name}: {_NAMES[name]}")
            bad += _run(getattr(run, name), no_table=arguments.no_table)
    if bad:
        sys.exit("not as promised:\n" + "\n".join(bad))


def _run(step: Callable[[], Iterator[Any]], *, no_table: bool) -> list[str]:
    rows: list[str] = []
    bad: list[str] = []
    for result in step():
        rows.append(table.row_of(result))
        print(f"{rows[-1]} {result.milliseconds_at(1):.1f} ms at most", flush=True)
        if result.lost or result.doubled or result.milliseconds_at(0.999) > _CLOSE:
            bad.append(rows[-1])
        if not no_table:
            table.write(rows)
    return bad


if __name__ == "__main__":
    main()
