"""The page over a real Elasticsearch: the same pages as over a file."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import OpenReplayLogExporter
from tests.emitting import App, now_ms, session_id_begun_at
from tests.viewer.serving import APP_URL, Seen, Serving, is_safe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
_LINE = re.compile(r'<span class="text">([^<]*)')


@pytest.mark.parametrize("sees", ["indexes", "alias"])
def test_a_session_is_listed_read_and_downloaded(
    es: ElasticsearchServer, tmp_path: Path, sees: str
) -> None:
    """Filters, pages, strip and downloads; also by a key that may read the alias `logs` and nothing else."""
    began = now_ms() - 600_000
    session, quiet = session_id_begun_at(began, 1), session_id_begun_at(began + 1000, 2)
    app = App()
    for n in range(450):
        app.log(session, "step %d", n, at_ms=began + 1000 + 100 * n)
    app.log(session, "order failed", level=logging.ERROR, at_ms=began + 50_000)
    app.log(quiet, "nothing wrong", at_ms=began + 2000)
    exporter = OpenReplayLogExporter(es.store_url)
    exporter.export(app.take())
    assert exporter.force_flush()
    exporter.store.make_visible()
    exporter.shutdown()
    names = ["logs"] if sees == "alias" else ["openreplay-logs-*"]
    role = {"indices": [{"names": names, "privileges": ["read"]}]}
    key = es.create_api_key("page", {"reader": role})["encoded"]

    variables = {"OPENREPLAY_OTEL_API_KEY": key}
    links = ("--app-url", APP_URL, "--project-id", "7")
    with Serving(es.url, tmp_path, *links, **variables) as page:
        errors, whole = page.get("/").text, page.get("/?show=all&since=1h").text
        assert f'href="/session/{session}"' in errors
        assert f'href="/session/{quiet}"' not in errors
        assert f'href="/session/{quiet}"' in whole
        assert "451" in errors
        assert f"/session/{quiet}" in page.get("/?show=all&text=nothing+wrong&service=shop").text
        assert "No session with errors fits" in page.get("/?service=nobody").text

        first = page.get(f"/session/{session}").text
        assert is_safe(Seen(first))
        assert _LINE.findall(first) == [f"step {n}" for n in range(200)]
        assert first.count('<rect class="errors"') == 1
        later = re.search(r'rel="next" href="([^"]*)"', first)
        assert later is not None
        second = page.get(later[1].replace("&amp;", "&")).text
        assert _LINE.findall(second) == [f"step {n}" for n in range(200, 400)]
        last = page.get(f"/session/{session}?last=1").text
        assert _LINE.findall(last)[-2:] == ["step 449", "order failed"]
        record = re.search(r'href="(/session/\d+/record\?id=[^"]*)"', last)
        assert record is not None
        assert page.get(record[1]).status == 200
        assert page.get(f"/session/{session}/download.csv").text.count("\n") == 452
        assert page.get(f"/session/{session_id_begun_at(began, 9)}").status == 404
    assert key not in page.said


def test_an_empty_cluster_says_what_to_do(es: ElasticsearchServer, tmp_path: Path) -> None:
    """No index is there yet."""
    with Serving(es.store_url, tmp_path) as page:
        answer = page.get("/")
        assert answer.status == 200
        assert "No session has been logged here yet" in answer.text
        assert page.get(f"/session/{session_id_begun_at(now_ms())}").status == 404


def test_a_wrong_key_is_one_sentence(es: ElasticsearchServer, tmp_path: Path) -> None:
    """Which says what is wrong, and not with what."""
    with Serving(es.url, tmp_path, OPENREPLAY_OTEL_API_KEY="c2VjcmV0OnNlY3JldA==") as page:
        answer = page.get("/")
        assert answer.status == 500
        assert "does not accept the credentials" in answer.text
        assert "c2VjcmV0" not in answer.text
