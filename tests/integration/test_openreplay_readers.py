"""What OpenReplay itself sees: its readers' own requests, with a key that may only read ``logs``."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter, SessionLogs, Settings
from tests.emitting import App, in_parts, now_ms, session_id_begun_at
from tests.openreplay_readers import (
    check_panel_rules,
    read_as_v1_20,
    reader_key,
    search_as_v1_21,
    writer_key,
)

if TYPE_CHECKING:
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_BOTH_TAGS = ("openReplaySession.id", "openReplaySessionToken")


def refresh(server: ElasticsearchServer) -> None:
    """Make a segment of what was written."""
    server.expect("POST", "/openreplay-logs-*/_refresh")


def test_the_panel_gets_a_session_in_time_order_from_many_segments(
    es: ElasticsearchServer,
) -> None:
    """Records of twenty interleaved sessions, a segment for every request, two days' indexes: each session in order."""
    began = now_ms() - 26 * 3_600_000
    sessions = [
        session_id_begun_at(began + (25 * 3_600_000 if n % 2 else 0) + n, n) for n in range(20)
    ]
    settings = Settings(tags=_BOTH_TAGS)
    app = App(settings=settings)
    exporter = OpenReplayLogExporter(es.store_url, settings=settings)
    start = began + 25 * 3_600_000 + 10_000
    for n in range(250):
        for session in sessions:
            level = logging.ERROR if n % 10 == 9 else logging.INFO
            app.log(session, "step %d", n, level=level, at_ms=start + n * 40)
    for part in in_parts(app.take(), 97):
        assert exporter.export(part) is LogRecordExportResult.SUCCESS
        assert exporter.force_flush()
        refresh(es)

    key = reader_key(es)
    expected = [f"step {n}" for n in range(250)]
    for session in sessions:
        hits = search_as_v1_21(es, key, session)
        check_panel_rules(hits)
        prefix = f"[openReplaySession.id={session}][openReplaySessionToken={session}] "
        assert [hit["_source"]["message"] for hit in hits] == [prefix + text for text in expected]
        times = [hit["_source"]["@timestamp"] for hit in hits]
        assert times == sorted(times)

    found = read_as_v1_20(es, key, "logs", since_ms=began)
    assert set(found) == set(sessions)
    for session in sessions:
        messages = [source["message"].partition("] ")[2] for source in found[session]]
        assert messages == [f"step {n}" for n in range(9, 250, 10)]
    exporter.shutdown()


def test_a_key_for_the_alias_reads_by_it_and_by_nothing_else(es: ElasticsearchServer) -> None:
    """OpenReplay's key sees `logs` only; our lookup works with that very key too."""
    began = now_ms()
    session = session_id_begun_at(began)
    app = App()
    texts = [f"hello {n}" for n in range(1500)]
    for n, text in enumerate(texts):
        app.log(session, text, at_ms=began + n)
    app.log(None, "nobody", at_ms=began + 6)
    exporter = OpenReplayLogExporter(es.store_url)
    exporter.export(app.take())
    assert exporter.force_flush()
    refresh(es)
    key = reader_key(es)
    status, answer = es.request("GET", "/openreplay-logs-*/_search", api_key=key)
    assert (status, answer["hits"]["hits"]) == (200, [])
    day_index = es.expect("GET", "/_cat/indices/openreplay-logs-*?format=json")[0]["index"]
    assert es.request("GET", f"/{day_index}/_search", api_key=key)[0] == 403
    entries = list(SessionLogs(es.url, api_key=key).logs(session))
    assert [entry.message for entry in entries] == texts
    listed = [s.session_id for s in SessionLogs(es.url, api_key=key).sessions()]
    assert listed == [session]
    exporter.shutdown()


def test_the_least_key_of_a_writer_is_enough(es: ElasticsearchServer) -> None:
    """With create_doc and auto_configure an exporter stores records of sessions and of none."""
    preparing = OpenReplayLogExporter(es.store_url)
    preparing.store.prepare()
    began = now_ms()
    session = session_id_begun_at(began)
    app = App()
    app.log(session, "hello", at_ms=began + 5)
    app.log(None, "nobody", at_ms=began + 6)
    exporter = OpenReplayLogExporter(es.url, api_key=writer_key(es))
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    preparing.store.make_visible()
    assert len(search_as_v1_21(es, reader_key(es), session)) == 1
    sessionless = es.expect("GET", "/logs-openreplay-default/_search")["hits"]["hits"]
    assert [hit["_source"]["message"] for hit in sessionless] == ["nobody"]


def test_nobody_can_write_into_a_strangers_recording(es: ElasticsearchServer) -> None:
    """Tags of another session in a message, in every form a reader would take, reach no other session."""
    began = now_ms()
    victim, attacker = session_id_begun_at(began, 1), session_id_begun_at(began, 2)
    names = ["openReplaySession.id", "openReplaySessionToken", "asayer_session_id"]
    forms = [
        "[{n}={v}]", "{n}={v}", "{n}: {v}", '"{n}":"{v}"', "{n} {v}", "{n}\n{v}", "({n}==={v})",
        "{n}={v}-7", "{n}={v}, next", "x y {n}~~~{v}", "<b>{n}</b><i>{v}</i>", "{n}='{v}'", "{n}\u3000{v}",
        "é {n}={v}", "{n}[0]={v}", "{n}\u200b={v}", "A" * 255 + "{n}={v}",
    ]  # fmt: skip
    generator = random.Random(11)
    settings = Settings(tags=_BOTH_TAGS)
    app = App(settings=settings)
    for form in forms:
        for name in names:
            for variant in (
                name, name.upper(), name.lower(), name.replace("i", "İ"), name.replace("s", "ſ"),  # noqa: RUF001 - meant
                "".join(generator.choice([c.upper(), c.lower()]) for c in name),
            ):  # fmt: skip
                text = form.format(n=variant, v=victim)
                app.log(attacker, "%s", text, level=logging.ERROR)
                app.log(None, "%s", text, level=logging.ERROR)
                app.log(attacker, "", level=logging.ERROR, error=RuntimeError(text))
    app.log(attacker, f"[openReplaySession.id={attacker}] [openReplaySession.id={victim}] twice")
    app.log(victim, "the victim's own", level=logging.ERROR)
    records = app.take()
    exporter = OpenReplayLogExporter(es.store_url, settings=settings)
    assert exporter.export(records) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.store.make_visible()
    hits = search_as_v1_21(es, reader_key(es), victim)
    expected = f"[openReplaySession.id={victim}][openReplaySessionToken={victim}] the victim's own"
    assert [hit["_source"]["message"] for hit in hits] == [expected]
    everything = {"cluster": [], "indices": [{"names": ["*"], "privileges": ["read"]}]}
    all_key = es.create_api_key("all", {"all": everything})["encoded"]
    # Its default asks every index whose name has "log" in it, the data stream of the others included.
    found = read_as_v1_20(es, all_key, "*log*", since_ms=began - 1000)
    assert {session: len(sources) for session, sources in found.items() if session == victim} == {
        victim: 1
    }
    exporter.shutdown()
