"""``ship`` reads what real programs wrote: every line is there once, and under its own session or under none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.shipping import ship_files

from .judging import judge
from .writing import NAMES, SERVERS, write_all

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", NAMES)
def test_each_line_is_stored_once_and_under_no_other_s_session(name: str, tmp_path: Path) -> None:
    """Logging, its libraries, servers and job queues, with what containers and syslog write around them."""
    for file in write_all(tmp_path, [name]):
        shipped = ship_files(file.path)
        judged = judge(file, shipped.sources)
        assert not judged.faults
        expected = (4, 2) if name in SERVERS or name == "Celery" else (12, 12)
        assert (judged.records["A"], judged.records["B"]) == expected
        assert judged.records["the victim"] == 0
        assert shipped.counts.unread == 0
