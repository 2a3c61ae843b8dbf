"""``openreplay-otel prune`` on the embedded store; Elasticsearch's part is in the integration tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from openreplay_otel import SessionLogs
from tests.emitting import App, now_ms, session_id_begun_at

from .cli_harness import call, export, fill_shop, store_url

if TYPE_CHECKING:
    from pathlib import Path


def test_old_records_go_and_are_found_no_more(tmp_path: Path) -> None:
    """By their time; neither by session nor by words are they found; what is newer stays."""
    url = store_url(tmp_path / "logs.db")
    fill_shop(url)
    session = session_id_begun_at(now_ms() - 1000)
    app = App()
    app.log(session, "the cart of today")
    export(app, url)

    told = ("prune", "--store", url, "--retention", "30d")
    dry = json.loads(call(*told, "--dry-run", "--json", state=tmp_path).out)
    assert dry["records"] == 5
    unasked = call(*told, state=tmp_path)
    assert unasked.code == 2
    assert "give --yes" in unasked.err
    assert "5 records deleted" in call(*told, "--yes", state=tmp_path).out
    assert "0 records deleted" in call(*told, "--yes", state=tmp_path).out
    with SessionLogs(url) as lookup:
        assert [summary.session_id for summary in lookup.sessions()] == [session]
        assert [entry.message for entry in lookup.logs(session, text="cart")] == [
            "the cart of today"
        ]


def test_a_retention_has_to_be_one(tmp_path: Path) -> None:
    """Nothing is deleted for a text that is none, nor for off."""
    for text in ("soon", "off", "0d", ""):
        done = call("prune", "--retention", text, "--yes", state=tmp_path)
        assert done.code == 2, text
        assert "--retention: expected whole days or weeks" in done.err
