"""Fault 2, of a cluster: three nodes that lose one of them, or most, or of which one hangs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.faults.stored import OnElasticsearch
from tests.faults.trial import Result, Trial, ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.cluster import ElasticsearchCluster

    Way = Callable[[ElasticsearchCluster, Callable[[], None]], None]

_WHOLE_SECONDS: Final = 120.0


def one_killed(cluster: ElasticsearchCluster, meanwhile: Callable[[], None]) -> None:
    """Kill one node and start it again.

    Args:
        cluster: The cluster.
        meanwhile: Called while nodes are away.
    """
    _killed(cluster, 1, meanwhile)


def one_after_the_other(cluster: ElasticsearchCluster, meanwhile: Callable[[], None]) -> None:
    """Kill each node in turn and start it again."""
    for number in range(len(cluster.nodes)):
        _killed(cluster, number, meanwhile)


def majority_lost(cluster: ElasticsearchCluster, meanwhile: Callable[[], None]) -> None:
    """Kill all nodes but one, and start them again."""
    lost = cluster.nodes[1:]
    for node in lost:
        node.kill()
    meanwhile()
    for node in lost:
        node.begin()
    for node in lost:
        node.wait_until_ready()
    cluster.wait_until_whole()


def one_hangs(cluster: ElasticsearchCluster, meanwhile: Callable[[], None]) -> None:
    """Let one node hang, and go on: for less, or for more, than the half minute after which the others give it up."""
    hung = cluster.nodes[0]
    hung.hang()
    try:
        meanwhile()
    finally:
        hung.go_on()
    cluster.wait_until_whole(by=1)


WAYS: Final[dict[str, Way]] = {
    "each of three nodes killed with -9 and started again in turn": one_after_the_other,
    "two of three nodes killed with -9 and started again": majority_lost,
    "one of three nodes hangs for 45 s": one_hangs,
}


def lost(
    folder: Path, cluster: ElasticsearchCluster, way: str, *, records: int, seconds: float
) -> Result:
    """Emit to a cluster while something happens to its nodes.

    Args:
        folder: For the trial.
        cluster: The cluster.
        way: One of :data:`WAYS`.
        records: How many are emitted.
        seconds: The time over which they are spread.
    """
    trial = Trial(folder, OnElasticsearch(cluster.nodes[0], cluster.store_url))
    with ending(trial.emitting(records, f"--seconds={seconds}", "--deliver=600")) as program:
        program.until_noted(records // 10)
        WAYS[way](cluster, lambda: time.sleep(45 if "hangs" in way else 5))
        program.process.wait(660)
        assert program.result()["is_done"], program.output
    cluster.wait_until_whole()
    return trial.result(way)


def merge_each_copy(cluster: ElasticsearchCluster, index: str) -> None:
    """Merge both copies of an index to one segment each, and let searches see it.

    A copy that is away for a moment is passed over by Elasticsearch, and no error says so: one that comes back has its
    records in another order until it is merged.
    """
    by = cluster.nodes[1]
    until = time.monotonic() + _WHOLE_SECONDS
    while True:
        by.expect("POST", f"/{index}/_forcemerge?max_num_segments=1")
        by.expect("POST", f"/{index}/_refresh")
        found = by.expect("GET", f"/{index}/_segments")["indices"].values()
        copies = [copy for one in found for copies in one["shards"].values() for copy in copies]
        searched = [
            [segment for segment in copy["segments"].values() if segment["search"]]
            for copy in copies
        ]
        if len(copies) == 2 * len(found) and all(len(one) == 1 for one in searched):
            return
        assert time.monotonic() < until, copies
        cluster.wait_until_whole(by=1)


def _killed(cluster: ElasticsearchCluster, number: int, meanwhile: Callable[[], None]) -> None:
    node = cluster.nodes[number]
    node.kill()
    meanwhile()
    node.start_again()
    cluster.wait_until_whole()
