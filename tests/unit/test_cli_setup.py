"""``openreplay-otel setup`` on the embedded store; Elasticsearch's part is in the integration tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cli_harness import call, store_url

if TYPE_CHECKING:
    from pathlib import Path


def test_sqlite_is_prepared_too(tmp_path: Path) -> None:
    """The file and its tables are made; a dry run makes nothing."""
    url = store_url(tmp_path / "logs.db")

    planned = call("setup", "--store", url, "--dry-run", state=tmp_path)
    assert planned.code == 0
    assert not (tmp_path / "logs.db").exists()

    done = call("setup", "--store", url, state=tmp_path)
    assert done.code == 0
    assert url in done.out
    assert call("sessions", "--store", url, state=tmp_path).code == 0
