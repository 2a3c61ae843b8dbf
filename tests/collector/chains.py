"""What chains of Collectors lose and double while each part of them is killed: agent → gateway, and Kafka in between.

By hand: `python -m tests.collector.chains` starts an Elasticsearch and a Kafka and takes about three minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tests.collector.faults import Outcome, outcome
from tests.collector.faulty_proxy import FaultyProxy
from tests.collector.reading import wait_for_count
from tests.collector.sending import Sender
from tests.servers.collector import CONFIG, Collector, access
from tests.servers.elasticsearch import ElasticsearchServer, open_server
from tests.servers.kafka import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

RECORDS = 20_000
_PATIENCE = 180.0
_AWAY_SECONDS = 3.0

Kill: TypeAlias = "Callable[[], None]"


class Chain:
    """Where records go in, and how each part is killed and started again, by its name."""

    def __init__(self, entrance: str, kills: dict[str, Kill]) -> None:
        self.entrance = entrance
        self.kills = kills


@contextmanager
def agent_and_gateway(store: dict[str, str], state: Path) -> Generator[Chain]:
    """An agent that sends to a gateway."""
    token = {"GATEWAY_TOKEN": "a-secret-of-the-two"}
    with (
        Collector(
            CONFIG / "gateway.yaml", environment={**store, **token}, state=state / "gateway"
        ) as gateway,
        Collector(
            CONFIG / "agent.yaml",
            environment={"GATEWAY_URL": gateway.otlp_http, **token},
            state=state / "agent",
        ) as agent,
    ):
        yield Chain(agent.otlp_http, {"the agent": _killer(agent), "the gateway": _killer(gateway)})


@contextmanager
def with_kafka(store: dict[str, str], state: Path) -> Generator[Chain]:
    """A Collector that writes to a Kafka and reads it."""
    with Kafka() as kafka:
        environment = {**store, "KAFKA_BROKERS": kafka.address}
        with Collector(
            CONFIG / "kafka.yaml", environment=environment, state=state / "queue"
        ) as collector:
            kills = {"the Collector": _killer(collector), "Kafka": kafka.restart_after_kill}
            yield Chain(collector.otlp_http, kills)


def _killer(collector: Collector) -> Kill:
    def kill() -> None:
        collector.kill()
        collector.start()

    return kill


CHAINS = {"agent → gateway": agent_and_gateway, "kafka.yaml": with_kafka}


def play(es: ElasticsearchServer, name: str, records: int = RECORDS) -> tuple[Outcome, list[str]]:
    """Let so many records flow, or more, while each part is killed once; returns what became of them, and the parts."""
    es.wipe()
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        proxy = stack.enter_context(FaultyProxy(es.url))
        store = {**access(es), "OPENREPLAY_OTEL_STORE": proxy.url}
        chain = stack.enter_context(CHAINS[name](store, state))

        def away() -> None:
            proxy.go_away()
            time.sleep(_AWAY_SECONDS)
            proxy.pass_on()

        kills = {**chain.kills, "Elasticsearch": away}
        with Sender(chain.entrance) as sender:
            for number, kill in enumerate(kills.values(), 1):
                _wait_until_sent(sender, records * number // (len(kills) + 1))
                kill()
            _wait_until_sent(sender, records)
            sent = sender.stop()
            wait_for_count(es, sent, _PATIENCE)
            # A repeat could still be under way.
            time.sleep(_AWAY_SECONDS)
            return outcome(es, sent), list(kills)


def _wait_until_sent(sender: Sender, number: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while sender.acknowledged < number:
        assert time.monotonic() < deadline, f"only {sender.acknowledged} records were taken"
        time.sleep(0.05)


def main() -> None:
    """Play both chains and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.collector.chains", description=__doc__)
    parser.add_argument("--es", type=int, choices=(8, 9), default=9, help="Elasticsearch's major")
    arguments = parser.parse_args()
    print("| chain | killed, one after the other | sent | stored | lost | doubled |")
    print("|---|---|---|---|---|---|")
    with open_server(arguments.es) as es:
        for name in CHAINS:
            found, killed = play(es, name)
            numbers = (found.sent, found.stored, found.lost, found.doubled)
            shown = " | ".join(f"{number:,}" for number in numbers)
            print(f"| {name} | {', '.join(killed)} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
