"""Each finding of the doctor, mended by the very commands and requests that it names."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from openreplay_otel import DurableLogRecordProcessor, OpenReplayLogExporter
from openreplay_otel.doctor.findings import FINDINGS
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.emitting import App, now_ms, session_id_begun_at
from tests.integration import test_doctor as states
from tests.integration.test_changing_set_ups import EXAMPLE_DAY, Typist, logged, today, typed
from tests.unit.cli_harness import call_here
from tests.unit.contract import EXAMPLE_STARTED_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
__all__ = ["typed"]

_REQUEST = re.compile(r"(GET|PUT|POST|DELETE) (/\S+?)(?=,? |,?$)")
_OTHER_PREFIX = "other-logs"


class Patient:
    """A cluster and an administrator's shell, as the doctor sees them."""

    def __init__(self, es: ElasticsearchServer, state: Path) -> None:
        self.es = es
        self.state = state
        self.variables: dict[str, str] = {}
        self.options: list[str] = []
        self.store = es.store_url

    def findings(self) -> dict[str, dict[str, Any]]:
        """What the doctor finds."""
        done = call_here(
            "doctor", "--json", *self.options, state=self.state,
            **{"OPENREPLAY_OTEL_STORE": self.store, **self.variables},
        )  # fmt: skip
        assert done.out, done.err
        return {check["finding"]: check for check in json.loads(done.out)["checks"]}

    def follow(self, advice: str) -> None:
        """Do what an advice says: its requests, commands and variables, one after the other."""
        left = advice.replace("<another prefix>", _OTHER_PREFIX)
        user, password, host = self.es.user, self.es.password, self.es.url.partition("://")[2]
        left = left.replace(
            "https://<user>:<password>@<host>:9200", f"http://{user}:{password}@{host}"
        )
        left = left.replace("https://<host>:9200", self.es.store_url)
        while left:
            request = _REQUEST.match(left)
            if request is not None:
                left = self._send(request[1], request[2], left[request.end() :].strip())
                continue
            one, _, left = left.partition(", ")
            self._type(one.removeprefix("and ").removeprefix("or "))

    def _send(self, method: str, path: str, left: str) -> str:
        body = None
        if left.startswith("{"):
            body, end = json.JSONDecoder().raw_decode(left)
            left = left[end:]
        status, answer = self.es.request(method, path, body)
        if status in {400, 405} and path.startswith("/_data_stream/"):
            # The tests' server has no such request, and a plugin instead.
            status, answer = self.es.request("DELETE", "/_openreplay_tests/data_streams")
        assert status < 300, (method, path, answer)
        return left.removeprefix(",").strip()

    def _type(self, line: str) -> None:
        words = shlex.split(line.partition(" (")[0])
        variables = dict(self.variables)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self._set(name, value)
            return
        while "=" in words[0]:
            # For this one command, as a shell has it.
            name, _, variables[name] = words.pop(0).partition("=")
        if words[0] != "openreplay-otel":
            # What a person does with what a command printed: see the state of that key.
            assert words[0] in {"enter", "revoke", "set"}, line
            return
        if words[1] == "doctor":
            self.store = words[words.index("--store") + 1]
            return
        more = ["--yes"] if "--repair" in words else []
        if words[1] == "api-key" and "--env" not in words:
            more.append("--json")
        store = [] if "--store" in words else ["--store", self.es.store_url]
        done = call_here(*words[1:], *more, *store, state=self.state, **variables)
        assert done.code == 0, (line, done.err)
        if "--env" in words:
            for name, _, value in (text.partition("=") for text in done.out.splitlines()):
                if name == "OPENREPLAY_OTEL_API_KEY":
                    self._set(name, value)
        elif words[1] == "api-key":
            self._use(words[2], json.loads(done.out))

    def _set(self, name: str, value: str) -> None:
        self.variables[name] = value

    def _use(self, kind: str, key: dict[str, Any]) -> None:
        """Give the doctor a new key in place of the one it had."""
        keys = {"--key-id", "--api-key", "--writer-key"}
        pairs = list(zip(self.options[::2], self.options[1::2], strict=True))
        kept = [pair for pair in pairs if pair[0] not in keys]
        new = (
            [("--key-id", key["id"]), ("--api-key", key["api_key"])]
            if kind == "reader"
            else [("--writer-key", key["encoded"])]
        )
        self.options = [word for pair in (*kept, *new) for word in pair]


class Case(NamedTuple):
    """How a finding comes about."""

    make: Callable[[Patient], None]
    sets_up: bool = True


def _on_cluster(make: Callable[[ElasticsearchServer], None]) -> Callable[[Patient], None]:
    return lambda patient: make(patient.es)


def _reader(
    names: list[str], cluster: list[str] | None = None, *more: str
) -> Callable[[Patient], None]:
    def make(patient: Patient) -> None:
        role = {"cluster": cluster or [], "indices": [{"names": names, "privileges": ["read"]}]}
        key = patient.es.create_api_key("reader", {"reader": role})
        patient.es.request("PUT", f"/{today()}")
        patient.options = [*more, "--key-id", key["id"], "--api-key", key["api_key"]]

    return make


def _writer(descriptors: dict[str, Any]) -> Callable[[Patient], None]:
    def make(patient: Patient) -> None:
        key = patient.es.create_api_key("writer", descriptors)["encoded"]
        patient.options = ["--writer-key", key]

    return make


def _old_tags(patient: Patient) -> None:
    patient.options = ["--for", "both"]
    patient.variables["OPENREPLAY_OTEL_TAGS"] = "openReplaySession.id"


def _no_tags(patient: Patient) -> None:
    patient.options = ["--for", "both"]


def _sqlite(patient: Patient) -> None:
    patient.store = f"sqlite:///{patient.state}/logs.db"


def _wrong_credentials(patient: Patient) -> None:
    patient.store = patient.es.url
    patient.variables["OPENREPLAY_OTEL_API_KEY"] = "abc:def"


def _revoked(patient: Patient) -> None:
    _reader(["logs"])(patient)
    patient.es.expect("DELETE", "/_security/api_key", {"ids": [patient.options[1]]})


def _foreign_logs(es: ElasticsearchServer) -> None:
    es.expect("POST", "/logs/_doc?refresh=true", {"message": "theirs"})


def _foreign_template(es: ElasticsearchServer) -> None:
    es.expect("PUT", "/_index_template/openreplay-logs", {"index_patterns": ["something-else"]})


def _no_template(es: ElasticsearchServer) -> None:
    es.expect("DELETE", "/_index_template/openreplay-logs")


def _no_alias(es: ElasticsearchServer) -> None:
    es.expect(
        "PUT",
        "/_index_template/openreplay-logs",
        session_template("openreplay-logs", with_alias=False),
    )


def _day(**mappings: Any) -> Callable[[ElasticsearchServer], None]:
    """An index of a day with odd fields, or of today for the probe."""
    day = mappings.pop("day", EXAMPLE_DAY)

    def make(es: ElasticsearchServer) -> None:
        es.expect("DELETE", "/_index_template/openreplay-logs")
        body = {"mappings": {"properties": mappings}, "aliases": {"logs": {}}}
        es.expect("PUT", f"/{day() if callable(day) else day}", body)
        message = "[openReplaySession.id=77] x"
        document = {"message": message, "@timestamp": "2024-01-24T02:27:39Z", "level": "info"}
        es.expect("POST", f"/{day() if callable(day) else day}/_doc?refresh=true", document)
        assert (
            es.request(
                "PUT", "/_index_template/openreplay-logs", session_template("openreplay-logs")
            )[0]
            == 200
        )

    return make


def _beside(es: ElasticsearchServer) -> None:
    logged(es)
    es.expect(
        "POST",
        "/_reindex?refresh=true",
        {"source": {"index": today()}, "dest": {"index": f"{today()}-1"}},
    )


def _stranger(es: ElasticsearchServer) -> None:
    """An index of another program behind the name, with a field of another type."""
    properties = {"message": {"type": "keyword"}}
    es.expect(
        "PUT", "/customers", {"aliases": {"logs": {}}, "mappings": {"properties": properties}}
    )


def _late(es: ElasticsearchServer) -> None:
    """Sessions of which the later records came first."""
    exporter = OpenReplayLogExporter(es.store_url)
    app = App()
    for seconds in (60, 30, 0):
        for number in range(3):
            began = EXAMPLE_STARTED_MS + number
            at = began + 1000 * seconds
            app.log(session_id_begun_at(began), f"at {seconds}", at_ms=at)
        exporter.export(app.take())
        assert exporter.force_flush()
        es.expect("POST", f"/{EXAMPLE_DAY}/_refresh")
    exporter.shutdown()


def _with_pipeline(processor: dict[str, Any]) -> Callable[[ElasticsearchServer], None]:
    def make(es: ElasticsearchServer) -> None:
        es.expect("PUT", "/_ingest/pipeline/theirs", {"processors": [processor]})
        es.expect("PUT", f"/{today()}")
        es.expect("PUT", f"/{today()}/_settings", {"index.default_pipeline": "theirs"})

    return make


def _elsewhere(es: ElasticsearchServer) -> None:
    """As OTLP sent to Elasticsearch itself is stored."""
    session = session_id_begun_at(now_ms() - 5000)
    template = {"index_patterns": ["logs-*.otel-*"], "data_stream": {}, "priority": 120}
    es.expect("PUT", "/_index_template/otel", template)
    document = {
        "@timestamp": str(now_ms()), "body": {"text": "boom"}, "severity_text": "ERROR",
        "attributes": {"openreplay.session.id": session},
        "resource": {"attributes": {"service.name": "shop"}},
    }  # fmt: skip
    es.expect("POST", "/logs-generic.otel-default/_doc?refresh=true", document)


def _left_in_spool(patient: Patient) -> None:
    """Records of a process that ended while the store was away."""
    folder = patient.state / "spool"
    patient.variables["OPENREPLAY_OTEL_SPOOL_DIR"] = str(folder)
    app = App()
    processor = DurableLogRecordProcessor(
        "http://127.0.0.1:1", spool_dir=str(folder), shutdown_timeout=0.1
    )
    app.provider.add_log_record_processor(processor)
    app.log(session_id_begun_at(now_ms()), "kept")
    processor.shutdown()
    (left,) = folder.iterdir()
    left.rename(SpoolFolder.of(str(folder), patient.es.url).path)


CASES = {
    "settings.no-token-tag": Case(_old_tags),
    "settings.tags-not-here": Case(_no_tags),
    "settings.sqlite": Case(_sqlite),
    "server.credentials": Case(_wrong_credentials),
    "alias.foreign": Case(_on_cluster(_foreign_logs), sets_up=False),
    "alias.data-stream": Case(_on_cluster(states.data_stream_beside), sets_up=False),
    "alias.stream-beside": Case(_on_cluster(states.stream_in_the_prefix)),
    "alias.missing": Case(_on_cluster(states.missing_alias)),
    "alias.strangers": Case(_on_cluster(_stranger)),
    "template.missing": Case(_on_cluster(_no_template)),
    "template.old": Case(_on_cluster(states.old_template)),
    "template.foreign": Case(_on_cluster(_foreign_template), sets_up=False),
    "template.no-alias": Case(_on_cluster(_no_alias)),
    "indexes.analyzer": Case(_on_cluster(_day(message={"type": "text", "analyzer": "simple"}))),
    "indexes.message": Case(_on_cluster(_day(message={"type": "keyword"}))),
    "indexes.field": Case(_on_cluster(_day(level={"type": "text"}))),
    "indexes.order": Case(_on_cluster(_day())),
    "indexes.disorder": Case(_on_cluster(_late)),
    "indexes.beside": Case(_on_cluster(_beside)),
    "indexes.stranger": Case(_on_cluster(_stranger)),
    "indexes.blocked": Case(_on_cluster(states.read_only_index)),
    "elsewhere.found": Case(_on_cluster(_elsewhere)),
    "writer.wide": Case(_writer({})),
    "writer.cannot": Case(_writer({"x": {"indices": [{"names": ["a"], "privileges": ["read"]}]}})),
    "writer.invalid": Case(lambda patient: patient.options.extend(["--writer-key", "abc:def"])),
    "reader.wide": Case(_reader(["*log*"], ["all"])),
    "reader.invalid": Case(_revoked),
    "reader.target": Case(_reader(["openreplay-logs-*"])),
    "reader.refused": Case(_reader(["customers"])),
    "reader.no-monitor": Case(_reader(["logs"], None, "--for", "v1.20")),
    "probe.refused": Case(_on_cluster(_with_pipeline({"fail": {"message": "no"}}))),
    "probe.panel": Case(_on_cluster(_with_pipeline({"set": {"field": "level", "value": "ERROR"}}))),
    "probe.unseen": Case(_on_cluster(_day(day=today, message={"type": "keyword"}))),
    "probe.order": Case(_on_cluster(_day(day=today, **{"@timestamp": {"type": "date"}}))),
    "probe.mixed": Case(_on_cluster(_day(message={"type": "text", "analyzer": "simple"}))),
    "spool.left": Case(_left_in_spool),
}
ELSEWHERE = {
    "server.unreachable": "no command starts somebody's server",
    "server.not-elasticsearch": "likewise: another program answers",
    "server.interrupted": "likewise",
    "clock.off": "the tests set no clock; tests/integration/test_doctor.py moves it",
    "clock.differs": "likewise",
    "alias.wired": "no server of the tests has them: tests/unit/test_cluster_refusals.py",
    "template.overridden": "a template of others: test_a_template_of_others_that_counts_more",
    "probe.no-session": "a broken installation",
    "probe.left": "credentials that lose a privilege amid the probe",
    "size.over": "shows the records; what was logged stays logged",
    "spool.unreadable": "the tests run as root, who may read all",
    "spool.late": "goes out by itself",
    "spool.dead": "tests/integration/test_spool_command.py",
    "spool.dropped": "what was lost stays lost",
    "files.wide": "tests/unit/test_doctor_files.py, which follows it",
    "app.unreachable": "somebody's app: tests/unit/test_cli_doctor.py, for these and the next",
    "app.nothing": "", "app.dropped": "", "app.not-removed": "", "cors.refused": "",
}  # fmt: skip


def test_every_finding_that_fails_or_warns_is_tried_here_or_elsewhere() -> None:
    """A new finding needs a state in which its advice is followed, or a reason."""
    bad = {name for name, finding in FINDINGS.items() if finding.status in {"failed", "warning"}}
    assert set(CASES) | set(ELSEWHERE) == bad
    assert set(CASES) & set(ELSEWHERE) == set()


@pytest.mark.parametrize("name", CASES)
def test_the_advice_of_a_finding_makes_it_go(
    name: str, es: ElasticsearchServer, typed: Typist, tmp_path: Path
) -> None:
    """The state is found, its advice is followed to the letter, and the finding is gone."""
    case, patient = CASES[name], Patient(es, tmp_path)
    if case.sets_up:
        version = ("--for", "v1.20") if name == "reader.no-monitor" else ()
        typed.well("setup", *version)
    case.make(patient)
    es.expect("POST", "/_all/_refresh")
    found = patient.findings()
    assert name in found, found
    patient.follow(found[name]["mend"])
    es.expect("POST", "/_all/_refresh")
    assert name not in patient.findings()


def test_a_data_stream_that_is_called_logs(es: ElasticsearchServer, tmp_path: Path) -> None:
    """It is deleted by another request than an index."""
    template = {"index_patterns": ["logs"], "data_stream": {}, "priority": 900}
    es.expect("PUT", "/_index_template/theirs", template)
    es.expect("POST", "/logs/_doc?refresh=true", {"@timestamp": "2024-01-24T02:27:39Z"})
    patient = Patient(es, tmp_path)
    mend = patient.findings()["alias.foreign"]["mend"]
    assert "DELETE /_data_stream/logs" in mend
    patient.follow(mend)
    assert "alias.foreign" not in patient.findings()
    es.expect("POST", "/logs-moved/_refresh")
    assert es.expect("GET", "/logs-moved/_count")["count"] == 1


def test_a_template_of_others_that_counts_more(
    es: ElasticsearchServer, typed: Typist, tmp_path: Path
) -> None:
    """With the lower priority that the doctor names, ours counts again."""
    typed.well("setup")
    states.changed_template(es)
    patient = Patient(es, tmp_path)
    mend = patient.findings()["template.overridden"]["mend"]
    assert mend == "give everything a lower priority than 500, or narrower patterns"
    body = {"index_patterns": ["openreplay-*"], "priority": 499, "template": {}}
    es.expect("PUT", "/_index_template/everything", body)
    assert "template.ok" in patient.findings()
