"""The ways into a store, each given forged texts; and what both of OpenReplay's readers then find of the victim.

Where nothing cleans a text before it is in a file (`ship`'s formats, raw lines before the Collector and the pipeline),
it is put behind a word and on one line: at the beginning of a line nobody could tell it from what the app wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from openreplay_otel import OpenReplayLogExporter, Settings, open_store
from openreplay_otel.cluster.ingest import pipeline
from openreplay_otel.ship.formats.table import FORMATS
from tests.emitting import App, in_parts, now_ms, session_id_begun_at
from tests.forged.app import TAGS
from tests.forged.texts import forged
from tests.openreplay_readers import READER_OF_TOKENS, read_as_v1_20
from tests.servers.collector import CONFIG, Collector, access
from tests.unit.cli_harness import call_here
from tests.unit.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.servers.elasticsearch import ElasticsearchServer

_BULK = 2_000
_WAIT_SECONDS = 900


class Attack(NamedTuple):
    """Texts, who wrote them and whom they are aimed at."""

    texts: list[str]
    victim: str
    attacker: str
    folder: Path


class Found(NamedTuple):
    """What a way has stored: documents, those of the attacker's session, and what was found of the victim's."""

    documents: int
    attackers: int
    victims: list[str]


def attack(number: int, folder: Path, seed: int = 15) -> Attack:
    """So many texts; the same for the same seed."""
    began = now_ms() - 60_000
    victim, attacker = session_id_begun_at(began, 1), session_id_begun_at(began, 2)
    source = random.Random(seed)
    return Attack(
        [forged(source, victim, attacker) for _ in range(number)], victim, attacker, folder
    )


def _one_line(text: str) -> str:
    return "said " + " ".join(text.split())


def opentelemetry(es: ElasticsearchServer, given: Attack) -> None:
    """Stamped, and sent by the exporter."""
    settings = Settings(tags=tuple(TAGS.split(",")))
    app = App(settings=settings)
    exporter = OpenReplayLogExporter(es.store_url, settings=settings)
    for number, text in enumerate(given.texts):
        session = given.attacker if number % 2 else None
        error = ValueError(text) if number % 3 == 0 else None
        app.log(session, "" if error else "%s", *(() if error else (text,)), level=40, error=error)
    for part in in_parts(app.take(), _BULK):
        assert exporter.export(part) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush(600_000)
    exporter.shutdown()


def run_app(given: Attack, store: str) -> None:
    """Run the app, which stores what it logs, and leaves files of what it wrote and printed."""
    texts = given.folder / "texts.json"
    texts.write_text(json.dumps(given.texts), "utf-8")
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {
        "XDG_STATE_HOME": str(given.folder),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(ROOT),
    }
    with (given.folder / "printed.log").open("wb") as printed:
        subprocess.run(
            [sys.executable, "-m", "tests.forged.app", str(texts), str(given.folder), store, given.attacker],
            env=environment, stdout=printed, check=True, timeout=_WAIT_SECONDS,
        )  # fmt: skip


def durable(es: ElasticsearchServer, given: Attack) -> None:
    """`configure()`, with the capture and the spool."""
    run_app(given, es.store_url)


def _shipped(es: ElasticsearchServer, given: Attack, *names: str) -> None:
    if not (given.folder / "app.log").exists():
        run_app(given, f"sqlite:///{given.folder / 'logs.db'}")
    files = [str(given.folder / name) for name in names]
    _ship(es, given, files)


def _ship(es: ElasticsearchServer, given: Attack, files: list[str]) -> None:
    state = given.folder / "state"
    here = Path.cwd()
    # What it cannot read, it keeps aside in the folder in which it is called.
    os.chdir(given.folder)
    try:
        done = call_here(
            "ship", *files, "--store", es.store_url, state=state, OPENREPLAY_OTEL_TAGS=TAGS
        )
    finally:
        os.chdir(here)
    assert done.code in (0, 1), done.err


def plain_logs(es: ElasticsearchServer, given: Attack) -> None:
    """Lines of `logging` with the stamp, as text and as JSON, by `ship`."""
    _shipped(es, given, "colon.log", "json.log")


def printed_exceptions(es: ElasticsearchServer, given: Attack) -> None:
    """Printed tracebacks, by `ship`."""
    _shipped(es, given, "errors.log")


def streams(es: ElasticsearchServer, given: Attack) -> None:
    """What the app prints in parts, by `ship`."""
    _shipped(es, given, "printed.log")


def formats(es: ElasticsearchServer, given: Attack) -> None:
    """Each text in one of the formats of `ship`, in turn; nobody has cleaned it."""
    rows = [row for row in FORMATS if "boom" in row.example]
    folder = given.folder / "formats"
    folder.mkdir()
    files: list[str] = []
    for number, row in enumerate(rows):
        path = folder / f"{number}.log"
        is_json = row.example.startswith("{")
        with path.open("w", encoding="utf-8", errors="replace") as file:
            for text in given.texts[number :: len(rows)]:
                said = _one_line(text)
                said = json.dumps(said)[1:-1] if is_json else said
                file.write(row.example.replace("boom", said) + "\n")
        files.append(str(path))
    _ship(es, given, files)


def collector_otlp(es: ElasticsearchServer, given: Attack) -> None:
    """Records that nobody has stamped or cleaned, by OTLP."""
    resource, scope = Resource({"service.name": "shop"}), InstrumentationScope("shop")
    with _collector(es, given, CONFIG / "minimal.yaml") as running:
        exporter = OTLPLogExporter(endpoint=f"{running.otlp_http}/v1/logs")
        for start in range(0, len(given.texts), _BULK):
            records: list[ReadableLogRecord] = []
            for number, text in enumerate(given.texts[start : start + _BULK], start):
                record = LogRecord(
                    timestamp=time.time_ns(), observed_timestamp=time.time_ns(), context=Context({"no": "span"}),
                    severity_number=SeverityNumber.ERROR, severity_text="ERROR",
                    body=text if number % 3 else "",
                )  # fmt: skip
                attributes = {"number": number, "said": text}
                if number % 2:
                    attributes["openreplay.session.id"] = given.attacker
                if number % 3 == 0:
                    attributes["exception.message"] = text
                record.attributes = attributes
                records.append(ReadableLogRecord(record, resource, scope))
            assert exporter.export(records) is LogRecordExportResult.SUCCESS
        exporter.shutdown()
        _wait_for(es, len(given.texts))


def collector_files(es: ElasticsearchServer, given: Attack) -> None:
    """The app's stamped lines, and lines that nobody has cleaned, by filelog.yaml: as text, and as JSON."""
    if not (given.folder / "app.log").exists():
        run_app(given, f"sqlite:///{given.folder / 'logs.db'}")
    moment = "2026-11-27 12:00:00,000"
    fields = [
        json.dumps({"asctime": moment, "levelname": "ERROR", "name": "shop", "message": text,
                    "openreplay.session.id": given.attacker})
        for text in given.texts
    ]  # fmt: skip
    text_lines = [f"{moment} ERROR shop: said {_one_line(text)}" for text in given.texts]
    text_lines += [_one_line(f"said {text}") for text in given.texts]
    # JSON in a text file is what somebody typed, too.
    text_lines += [line.replace(given.attacker, given.victim) for line in fields]
    stored = 0
    for kind, lines in (("text", text_lines), ("json", fields)):
        folder = given.folder / f"collected-{kind}"
        folder.mkdir()
        if kind == "text":
            (folder / "app.log.1").write_bytes((given.folder / "app.log").read_bytes())
            stored += len(given.texts)
        (folder / "app.log").write_text("\n".join(lines) + "\n", "utf-8", "replace")
        stored += len(lines)
        variables = {"LOG_GLOB": f"{folder}/app.log*", "SERVICE_NAME": "shop", "LOG_FORMAT": kind}
        with _collector(es, given, CONFIG / "filelog.yaml", **variables):
            _wait_for(es, stored)


@contextlib.contextmanager
def _collector(es: ElasticsearchServer, given: Attack, file: Path, **variables: str) -> Any:
    environment = {**access(es), "OPENREPLAY_OTEL_TAGS": TAGS, **variables}
    running = Collector(
        file,
        environment=environment,
        state=given.folder / f"{file.stem}-{variables.get('LOG_FORMAT', '')}",
    )
    running.start()
    try:
        yield running
    finally:
        running.end()


def _wait_for(es: ElasticsearchServer, number: int) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    last, since = -1, time.monotonic()
    while time.monotonic() < deadline:
        found = _count(es, {"match_all": {}})
        if found != last:
            last, since = found, time.monotonic()
        # A record of several lines may be one; what nothing more comes of is all there is.
        if found >= number or time.monotonic() - since > 20:
            return
        time.sleep(0.5)


def ingest_pipeline(es: ElasticsearchServer, given: Attack) -> None:
    """Documents of others, in each form that the pipeline reads, and the app's own lines."""
    es.expect(
        "PUT",
        "/_ingest/pipeline/openreplay-logs",
        pipeline("openreplay-logs", tags=tuple(TAGS.split(","))),
    )
    with contextlib.closing(open_store(es.store_url)) as store:
        store.prepare()
    body = {"properties": {"text": {"type": "text"}}}
    mapping = {"properties": {"body": body, "utc_time": {"type": "date"}}, "date_detection": False}
    es.expect("PUT", "/filebeat", {"mappings": mapping})
    own = f"[openReplaySession.id={given.attacker}] "
    lines: list[str] = []
    for number, text in enumerate(given.texts):
        said = "said " + text
        documents: tuple[dict[str, Any], ...] = (
            {"message": said, "log.level": "error"},
            {"message": own + text, "log.level": "error"},
            {"message": [said, said], "tags": ["error"]},
            {"message": text, "openreplay.session.id": given.attacker, "log.level": "error"},
            {"body": {"text": said}, "severity_text": "ERROR"},
            {"body": {"text": own + text}, "severity_text": "ERROR"},
            {"openreplay.session.id": given.attacker, "error": {"message": text}},
        )
        lines += [
            '{"create":{"_index":"filebeat"}}',
            json.dumps(documents[number % len(documents)]),
        ]
    for start in range(0, len(lines), 2 * _BULK):
        answer = es.expect(
            "POST",
            "/_bulk?pipeline=openreplay-logs",
            "\n".join(lines[start : start + 2 * _BULK]) + "\n",
        )
        assert not answer["errors"], [
            one for one in answer["items"] if one["create"]["status"] > 201
        ][:2]


def unguarded(es: ElasticsearchServer, given: Attack) -> None:
    """Nothing at all in between: shows that the texts are what the readers fall for."""
    with contextlib.closing(open_store(es.store_url)) as store:
        store.prepare()
    lines: list[str] = []
    for text in given.texts:
        document = {
            "message": text,
            "utc_time": "2026-11-27T12:00:00Z",
            "tags": ["error"],
            "level": "error",
        }
        lines += ['{"create":{"_index":"openreplay-logs-2026.11.27"}}', json.dumps(document)]
    for start in range(0, len(lines), 2 * _BULK):
        es.expect("POST", "/_bulk", "\n".join(lines[start : start + 2 * _BULK]) + "\n")


WAYS: Final[dict[str, Callable[[ElasticsearchServer, Attack], None]]] = {
    "OpenTelemetry, the exporter": opentelemetry,
    "OpenTelemetry, capture and spool": durable,
    "plain logs, by ship": plain_logs,
    "printed exceptions, by ship": printed_exceptions,
    "streams, by ship": streams,
    "each format of ship": formats,
    "Collector, OTLP": collector_otlp,
    "Collector, files": collector_files,
    "ingest pipeline": ingest_pipeline,
}


def found(es: ElasticsearchServer, given: Attack) -> Found:
    """What both readers find in all that is stored; each is asked about every index, which is more than it reads."""
    es.expect("POST", "/_all/_refresh")
    victims: list[str] = []
    for field in ("message", "body.text"):
        query = {"match_phrase": {field: f"openReplaySession.id={given.victim}"}}
        answer = es.expect(
            "POST", "/_all/_search", {"size": 1000, "query": query, "track_total_hits": True}
        )
        victims += [json.dumps(hit["_source"])[:2000] for hit in answer["hits"]["hits"]]
    everything = {"all": {"indices": [{"names": ["*"], "privileges": ["read"]}]}}
    key = es.create_api_key(f"all-{time.time_ns()}", everything)["encoded"]
    by_token = read_as_v1_20(es, key, "*", 0)
    victims += [json.dumps(source)[:2000] for source in by_token.get(given.victim, ())]
    victims += [text[:2000] for text in _with_token_tag(es, given) if text]
    attackers = _count(es, {"match_phrase": {"message": f"openReplaySession.id={given.attacker}"}})
    return Found(_count(es, {"match_all": {}}), attackers, victims)


def _with_token_tag(es: ElasticsearchServer, given: Attack) -> Iterable[str]:
    """Texts in which the older reader's expression finds the victim, whatever else their documents are."""
    body: dict[str, Any] = {"size": 5000, "_source": ["message", "body.text"], "sort": ["_doc"]}
    answer = es.expect("POST", "/_all/_search?scroll=2m", body)
    while answer["hits"]["hits"]:
        for hit in answer["hits"]["hits"]:
            source = hit["_source"]
            for text in (source.get("message"), source.get("body", {}).get("text")):
                for one in text if isinstance(text, list) else [text]:
                    match = READER_OF_TOKENS.search(one) if isinstance(one, str) else None
                    if match is not None and match[1] == given.victim:
                        yield one
        answer = es.expect(
            "POST", "/_search/scroll", {"scroll": "2m", "scroll_id": answer["_scroll_id"]}
        )


def _count(es: ElasticsearchServer, query: dict[str, Any]) -> int:
    es.expect("POST", "/_all/_refresh")
    status, answer = es.request("POST", "/_all/_count", {"query": query})
    return answer["count"] if status == 200 else 0
