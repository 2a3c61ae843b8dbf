"""The whole way: an app under opentelemetry-instrument, a Collector, Elasticsearch, and all who read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SessionLogs, open_store
from tests.collector.reading import wait_for
from tests.emitting import now_ms, session_id_begun_at
from tests.openreplay_readers import (
    check_panel_rules,
    read_as_v1_20,
    reader_key,
    search_as_v1_21,
)
from tests.servers.collector import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

APP = CONFIG / "compose" / "app.py"
NAMING = """
import logging
import sys

import openreplay_otel

if sys.argv[2:]:
    openreplay_otel.configure(collector=sys.argv[2], service_name="shop")
with openreplay_otel.use_session(sys.argv[1]):
    logging.getLogger("shop").warning("stock is low")
    logging.getLogger("shop").error("payment failed")
"""
TAGS = "openReplaySession.id,openReplaySessionToken"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_app_with_otlp_is_read_by_the_lookup_and_by_both_readers(
    es: ElasticsearchServer, collector: Callable[..., Collector], protocol: str
) -> None:
    """OTEL_LOGS_EXPORTER=otlp and the stamp: each session's lines in order, its errors for the old reader too."""
    running = collector(CONFIG / "production.yaml")
    began = now_ms() - 60_000
    sessions = [session_id_begun_at(began, number) for number in (1, 2)]
    run_app(running, protocol, *sessions)
    assert len(wait_for(es, 7)) == 7

    key = reader_key(es)
    collected = read_as_v1_20(es, key, "logs", since_ms=began)
    for session in sessions:
        with SessionLogs(es.url, api_key=key) as lookup:
            entries = list(lookup.logs(session))
        assert [(entry.level, entry.message) for entry in entries] == [
            ("info", "order 7 placed"),
            ("warning", "stock is low"),
            ("error", "payment failed"),
        ]
        assert {entry.service for entry in entries} == {"shop"}
        assert entries[0].document["labels.order"] == "7"
        assert entries[0].document["log.origin.file.name"] == str(APP)
        assert entries[2].exception is not None
        assert entries[2].exception.type == "ConnectionError"
        assert len({entry.trace_id for entry in entries}) == 1
        seen = search_as_v1_21(es, key, session)
        check_panel_rules(seen)
        assert [hit["_source"]["level"] for hit in seen] == ["info", "warning", "error"]
        (failed,) = collected[session]
        assert failed["message"].endswith("] payment failed")
    assert running.complaints() == []


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("way", ["run", "configure"])
def test_an_app_that_names_the_collector_is_read_by_all(
    es: ElasticsearchServer,
    collector: Callable[..., Collector],
    tmp_path: Path,
    protocol: str,
    way: str,
) -> None:
    """`run --collector` and `configure(collector=…)`, nothing else: found by the lookup and by both readers."""
    open_store(es.store_url).prepare()
    running = collector(CONFIG / "minimal.yaml", OPENREPLAY_OTEL_TAGS=TAGS)
    url = running.otlp_http if protocol == "http" else f"grpc://{running.otlp_grpc}"
    began = now_ms() - 60_000
    session = session_id_begun_at(began)
    (tmp_path / "app.py").write_text(NAMING)
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("OTEL_", "OPENREPLAY_"))}
    clean |= {"OPENREPLAY_OTEL_TAGS": TAGS, "XDG_STATE_HOME": str(tmp_path)}
    program = [sys.executable, str(tmp_path / "app.py"), session]
    if way == "run":
        command = Path(sys.executable).with_name("openreplay-otel")
        program = [str(command), "run", "--service", "shop", "--collector", url, "--", *program]
    else:
        program.append(url)
    done = subprocess.run(
        program, env=clean, capture_output=True, text=True, timeout=180, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Collector" not in done.stderr
    assert len(wait_for(es, 2)) == 2

    key = reader_key(es)
    with SessionLogs(es.url, api_key=key) as lookup:
        entries = list(lookup.logs(session))
    assert [(e.level, e.message, e.service) for e in entries] == [
        ("warning", "stock is low", "shop"),
        ("error", "payment failed", "shop"),
    ]
    seen = search_as_v1_21(es, key, session)
    check_panel_rules(seen)
    assert [hit["_source"]["level"] for hit in seen] == ["warning", "error"]
    (failed,) = read_as_v1_20(es, key, "logs", since_ms=began)[session]
    assert failed["message"].endswith("] payment failed")
    assert running.complaints() == []


def run_app(running: Collector, protocol: str, *sessions: str) -> None:
    """Run the app to its end."""
    endpoint = running.otlp_http if protocol == "http/protobuf" else f"http://{running.otlp_grpc}"
    environment = {
        **os.environ,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_PYTHON_LOG_CODE_ATTRIBUTES": "true",
        "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "true",
        "OPENREPLAY_OTEL_TAGS": TAGS,
    }
    command = [
        str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable, str(APP), *sessions,
    ]  # fmt: skip
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
