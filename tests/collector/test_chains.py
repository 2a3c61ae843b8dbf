"""Chains of Collectors lose and double nothing while each part of them is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collector.chains import play

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration


def test_nothing_is_lost_or_doubled_between_agent_and_gateway(
    es: ElasticsearchServer, otelcol: Path
) -> None:
    """The agent and the gateway are killed, Elasticsearch goes away; in full, and with Kafka: ``chains`` by hand."""
    found, _ = play(es, "agent → gateway", 6_000)
    assert found.sent >= 6_000
    assert (found.stored, found.lost, found.doubled) == (found.sent, 0, 0)
