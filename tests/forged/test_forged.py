"""The table "way into the store x forged text": on no way does a stranger's reader find one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.forged.ways import WAYS, Attack, attack, found, unguarded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
NUMBER = 5_000


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Attack:
    """A sample, the same in each run, and what the app wrote of it."""
    return attack(NUMBER, tmp_path_factory.mktemp("forged"))


@pytest.mark.parametrize("way", WAYS)
def test_no_text_gets_into_the_victims_recording(
    way: str, given: Attack, es: ElasticsearchServer, otelcol: Path
) -> None:
    """Both readers find nothing of the victim, and find what the attacker may write: into its own."""
    WAYS[way](es, given)
    result = found(es, given)
    assert result.victims == []
    assert result.documents > NUMBER / 2
    assert result.attackers > 0 or way == "each format of ship"


def test_the_texts_are_what_readers_fall_for(tmp_path: Path, es: ElasticsearchServer) -> None:
    """Stored as they are, a good part of them is found: the table is no table of harmless texts."""
    given = attack(NUMBER, tmp_path)
    unguarded(es, given)
    assert len(found(es, given).victims) > NUMBER / 10
