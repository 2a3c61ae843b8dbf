"""What production.yaml loses and doubles when things fail: the table of collector-config/README.md.

By hand: `python -m tests.collector.faults` starts an Elasticsearch and takes about ten minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.collector.faulty_proxy import FaultyProxy
from tests.collector.reading import hits, wait_for_count
from tests.collector.sending import Sender
from tests.servers.collector import CONFIG, Collector, access
from tests.servers.elasticsearch import ElasticsearchServer, open_server

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 120.0
"""How long what waits may take to arrive, once nothing fails any more."""


@dataclass(frozen=True)
class Times:
    """How long each thing lasts, in seconds.

    Attributes:
        flow: Sending without a fault, before and after.
        outage: Elasticsearch cannot be reached.
        status: It answers 429, or 503.
        grace: Between SIGTERM and SIGKILL, as a service manager has it.
    """

    flow: float
    outage: float
    status: float
    grace: float


LONG = Times(flow=10, outage=120, status=10, grace=30)
SHORT = Times(flow=1, outage=4, status=2, grace=2)


class Scene:
    """A Collector with production.yaml before a server that can fail, and a sender that never gives up."""

    def __init__(self, collector: Collector, proxy: FaultyProxy, times: Times) -> None:
        self.collector = collector
        self.proxy = proxy
        self.times = times

    def flow(self) -> None:
        """Let records flow."""
        time.sleep(self.times.flow)

    def away(self) -> None:
        """Elasticsearch cannot be reached for a while."""
        self.proxy.go_away()
        time.sleep(self.times.outage)
        self.proxy.pass_on()

    def answers(self, status: int) -> None:
        """Elasticsearch answers with a status for a while."""
        self.proxy.answer(status)
        time.sleep(self.times.status)
        assert self.proxy.answered_by_itself
        self.proxy.pass_on()

    def restarts_after_kill(self) -> None:
        """The Collector is killed and started again."""
        self.collector.kill()
        self.collector.start()

    def restarts_after_term(self) -> None:
        """The Collector is told to end, and killed if it does not; then started again."""
        if not self.collector.terminate(self.times.grace):
            self.collector.kill()
        self.collector.start()

    def outage_with(self, restart: Callable[[], None]) -> None:
        """The Collector is started again while Elasticsearch is away."""
        self.proxy.go_away()
        time.sleep(self.times.flow)
        restart()
        time.sleep(self.times.flow)
        self.proxy.pass_on()


SCENARIOS: dict[str, Callable[[Scene], None]] = {
    "nothing fails": Scene.flow,
    "Elasticsearch away": Scene.away,
    "429 to everything": lambda scene: scene.answers(429),
    "503 to everything": lambda scene: scene.answers(503),
    "401 to everything (a key that was revoked)": lambda scene: scene.answers(401),
    "SIGKILL in mid-flow": Scene.restarts_after_kill,
    "SIGTERM in mid-flow": Scene.restarts_after_term,
    "SIGKILL during an outage": lambda scene: scene.outage_with(scene.restarts_after_kill),
    "SIGTERM during an outage": lambda scene: scene.outage_with(scene.restarts_after_term),
}


@dataclass(frozen=True)
class Outcome:
    """What became of the records: acknowledged by the Collector, stored, not stored, stored more than once."""

    sent: int
    stored: int
    lost: int
    doubled: int


def play(es: ElasticsearchServer, times: Times, *scenarios: Callable[[Scene], None]) -> Outcome:
    """Let records flow while things fail one after the other; returns what became of them."""
    es.wipe()
    with tempfile.TemporaryDirectory() as state, FaultyProxy(es.url) as proxy:
        variables = {**access(es), "OPENREPLAY_OTEL_STORE": proxy.url}
        collector = Collector(
            CONFIG / "production.yaml", environment=variables, state=Path(state) / "queue"
        )
        with collector, Sender(collector.otlp_http) as sender:
            scene = Scene(collector, proxy, times)
            for scenario in scenarios:
                scene.flow()
                scenario(scene)
            scene.flow()
            sent = sender.stop()
            wait_for_count(es, sent, _PATIENCE)
            # A repeat could still be under way.
            time.sleep(times.flow)
            return outcome(es, sent)


def outcome(es: ElasticsearchServer, sent: int) -> Outcome:
    """Compare what stands in Elasticsearch with the numbers 0 to ``sent``."""
    stored = Counter(int(hit["_source"]["labels.number"]) for hit in hits(es, ["labels.number"]))
    lost = set(range(sent)) - set(stored)
    doubled = sum(count - 1 for count in stored.values())
    return Outcome(sent, len(stored), len(lost), doubled)


def main() -> None:
    """Play all scenarios in their long form and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.collector.faults", description=__doc__)
    parser.add_argument("--es", type=int, choices=(8, 9), default=9, help="Elasticsearch's major")
    parser.add_argument("--short", action="store_true", help="as CI does it")
    arguments = parser.parse_args()
    times = SHORT if arguments.short else LONG
    print(f"| what fails ({times}) | sent | stored | lost | doubled |\n|---|---|---|---|---|")
    with open_server(arguments.es) as es:
        for name, scenario in SCENARIOS.items():
            found = play(es, times, scenario)
            print(
                f"| {name} | {found.sent:,} | {found.stored:,} | {found.lost:,} | {found.doubled:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
