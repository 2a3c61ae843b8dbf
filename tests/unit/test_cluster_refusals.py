"""What a real server of the tests cannot show: lifecycle policies, wired streams, refused settings."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Settings, StoreLayoutError, StoreUnavailableError
from openreplay_otel.cluster.repair import keep_age
from openreplay_otel.cluster.set_up import Plan, SetUp, carry_out, plan_set_up
from openreplay_otel.cluster.tear_down import plan_tear_down
from openreplay_otel.doctor.examination import Examination
from openreplay_otel.doctor.index_checks import check_alias
from openreplay_otel.stores.elasticsearch import Connection
from openreplay_otel.stores.elasticsearch.preparation import apply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openreplay_otel.doctor.result import Result


class Cluster:
    """A cluster as a managed or serverless one answers, as far as the set-up asks it.

    Attributes:
        policies: Lifecycle policies by name; None for a cluster without such.
        refused: Index settings that it does not take.
        streams: Wired streams, and whether each is on.
        templates: Index templates by name.
        components: Component templates by name.
        indexes: Indexes as ``GET /<index>`` gives them.
        starting: How many more requests it answers as a new cluster does, while it makes its security index.
    """

    def __init__(self) -> None:
        self.policies: dict[str, Any] | None = {}
        self.refused: list[str] = []
        self.streams = {"logs": False}
        self.templates: dict[str, Any] = {}
        self.components: dict[str, Any] = {}
        self.indexes: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []
        self.starting = 0

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: C901, PLR0911, PLR0912 - one for each request
        """What it answers to a request."""
        path = path.partition("?")[0]
        self.asked.append((method, path))
        name = path.rpartition("/")[2]
        if path == "/":
            return 200, {"version": {"number": "9.1.0", "build_flavor": "serverless"}}
        if path == "/_streams/status":
            return 200, {name: {"enabled": is_on} for name, is_on in self.streams.items()}
        if path == "/_streams/logs/_disable":
            self.streams["logs"] = False
            return 200, {"acknowledged": True}
        if path.startswith("/_ilm/policy/"):
            return self._policy(method, name, body)
        if path.startswith("/_index_template/"):
            return self._template(self.templates, "index", method, name, body)
        if path.startswith("/_component_template/"):
            return self._template(self.components, "component", method, name, body)
        if path.startswith("/_resolve/index/"):
            return 404, {}
        if path.endswith("/_has_privileges"):
            if self.starting:
                self.starting -= 1
                kind = "unavailable_shards_exception"
                return 503, {"error": {"type": kind, "reason": "at least one search shard for …"}}
            return 200, {"has_all_requested": True}
        if path.startswith("/_ingest/pipeline/"):
            return 404, {}
        if path.endswith("/_settings") and method == "PUT":
            for index in path.split("/")[1].split(","):
                self.indexes[index]["settings"]["index"].update(body["index"])
            return 200, {"acknowledged": True}
        if path.endswith("/_ilm/remove"):
            for index in path.split("/")[1].split(","):
                self.indexes[index]["settings"]["index"].pop("lifecycle")
            return 200, {"has_failures": False}
        if path.endswith("/_alias"):
            return 200, {name: {"aliases": {"logs": {}}} for name in self.indexes}
        return 200, self.indexes

    def _policy(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        if self.policies is None:
            reason = "Request for uri [/_ilm] with method [GET] exists but is not available"
            return 410, {"error": {"type": "api_not_available_exception", "reason": reason}}
        if method == "PUT":
            self.policies[name] = body
        elif method == "DELETE":
            del self.policies[name]
        if name not in self.policies and method == "GET":
            return 404, {"error": {"type": "resource_not_found_exception"}, "status": 404}
        return 200, {name: self.policies.get(name)}

    def _template(
        self, kept: dict[str, Any], kind: str, method: str, name: str, body: Any
    ) -> tuple[int, Any]:
        if method == "PUT":
            settings = json.dumps(body["template"]["settings"])
            found = [one for one in self.refused if f'"{one.rpartition(".")[2]}"' in settings]
            if found:
                reason = f"Settings [{','.join(found)}] are not available when running in serverless mode"
                return 400, {"error": {"type": "illegal_argument_exception", "reason": reason}}
            kept[name] = body
            return 200, {"acknowledged": True}
        if method == "DELETE":
            del kept[name]
            return 200, {}
        if name not in kept:
            return 404, {"error": {"type": "resource_not_found_exception"}}
        return 200, {f"{kind}_templates": [{"name": name, f"{kind}_template": kept[name]}]}


@pytest.fixture
def cluster() -> Cluster:
    """An empty cluster."""
    return Cluster()


@pytest.fixture
def connection(cluster: Cluster) -> Iterator[Connection]:
    """A connection to it, over a socket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            status, body = cluster.answer(self.command, self.path, json.loads(raw or b"null"))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        connection = Connection(f"http://127.0.0.1:{server.server_port}")
        yield connection
        connection.close()
        server.shutdown()
        thread.join()


def done(connection: Connection, wanted: SetUp) -> tuple[Plan, list[str]]:
    """Carry a set-up out; the plan, and what was said about what is left out."""
    plan = plan_set_up(connection, wanted)
    return plan, [said for _, said in carry_out(connection, plan) if said is not None]


def examined(connection: Connection) -> list[Result]:
    """What the doctor finds about the name ``logs``."""
    settings = Settings.load({}, store=connection.name)
    return list(check_alias(Examination(settings=settings, connection=connection)))


def index(**settings: Any) -> dict[str, Any]:
    """A session index."""
    sort = {"field": ["openreplay.session.id", "@timestamp"]}
    return {
        "aliases": {"logs": {}},
        "mappings": {},
        "settings": {"index": {"sort": sort, **settings}},
    }


def test_a_cluster_that_has_just_started_is_waited_for(
    cluster: Cluster, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Healthy already, it answers 503 for a second or two, and a script's first command comes just then."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    cluster.starting = 3
    plan_set_up(connection, SetUp())
    assert len(waited) == 3
    cluster.starting = 100
    with pytest.raises(StoreUnavailableError, match="503 unavailable_shards_exception"):
        plan_set_up(connection, SetUp())
    assert 5 < sum(waited[3:]) < 30


def test_refused_settings_are_left_out_with_what_that_costs(
    cluster: Cluster, connection: Connection
) -> None:
    """The template is made without them, notes it, and a second run finds nothing to do."""
    cluster.refused = [
        "index.number_of_shards",
        "index.auto_expand_replicas",
        "index.merge.policy.type",
    ]
    _, said = done(connection, SetUp())
    settings = cluster.templates["openreplay-logs"]["template"]["settings"]["index"]
    assert "number_of_shards" not in settings
    assert cluster.components["openreplay-logs@custom"]["template"]["settings"] == {"index": {}}
    assert settings["sort"]["field"] == ["openreplay.session.id", "@timestamp"]
    assert "does not take index.number_of_shards" in " ".join(said)
    assert "the panel's order may jump" in " ".join(said)
    plan, _ = done(connection, SetUp())
    assert {step.action for step in plan.steps} == {"unchanged"}


def test_a_refusal_that_is_not_expected_stays_an_error(
    cluster: Cluster, connection: Connection
) -> None:
    """What the order of hits or the finding hangs on is never left out."""
    cluster.refused = ["index.mapping"]
    with pytest.raises(StoreLayoutError, match="not available when running in serverless"):
        done(connection, SetUp())


def test_retention_by_a_lifecycle_policy(cluster: Cluster, connection: Connection) -> None:
    """Policy, template and the indexes that are there follow; told nothing, a later set-up leaves it."""
    cluster.indexes["openreplay-logs-2024.01.24"] = index()
    plan, _ = done(connection, SetUp(retention_days=30))
    assert [step.action for step in plan.steps] == [*["create"] * 5, "unchanged", "update"]
    assert cluster.policies is not None
    phases = cluster.policies["openreplay-logs"]["policy"]["phases"]
    assert phases["delete"] == {"min_age": "30d", "actions": {"delete": {}}}
    settings = cluster.templates["openreplay-logs"]["template"]["settings"]["index"]
    assert settings["lifecycle"] == {"name": "openreplay-logs"}
    sessionless = cluster.templates["openreplay-logs-sessionless"]["template"]
    assert sessionless["lifecycle"] == {"data_retention": "30d"}
    found = cluster.indexes["openreplay-logs-2024.01.24"]["settings"]["index"]
    assert found["lifecycle"] == {"name": "openreplay-logs"}
    for wanted in (SetUp(retention_days=30), SetUp()):
        plan, _ = done(connection, wanted)
        assert {step.action for step in plan.steps} == {"unchanged"}

    plan, _ = done(connection, SetUp(retention_days=7))
    assert cluster.policies["openreplay-logs"]["policy"]["phases"]["delete"]["min_age"] == "7d"
    done(connection, SetUp(retention_days=0))
    assert "lifecycle" not in cluster.indexes["openreplay-logs-2024.01.24"]["settings"]["index"]
    settings = cluster.templates["openreplay-logs"]["template"]["settings"]["index"]
    assert "lifecycle" not in settings


def test_a_copied_day_is_as_old_as_its_sessions(cluster: Cluster, connection: Connection) -> None:
    """A lifecycle policy counts from the index's making, so a copy says from when; without a policy it says nothing."""
    name = "openreplay-logs-2024.01.24"
    cluster.indexes[name] = index()
    keep_age(connection, name)
    assert not any(method == "PUT" for method, _ in cluster.asked)
    cluster.indexes[name] = index(lifecycle={"name": "openreplay-logs"})
    keep_age(connection, name)
    lifecycle = cluster.indexes[name]["settings"]["index"]["lifecycle"]
    assert lifecycle["origination_date"] == 1706054400000


def test_a_policy_of_somebody_else_is_left_alone(cluster: Cluster, connection: Connection) -> None:
    """It is named, and nothing is done."""
    cluster.policies = {"openreplay-logs": {"policy": {"phases": {}}}}
    with pytest.raises(StoreLayoutError, match="lifecycle policy called 'openreplay-logs'"):
        done(connection, SetUp(retention_days=30))
    assert not any(method == "PUT" for method, _ in cluster.asked)


def test_without_lifecycle_management_the_command_is_named(
    cluster: Cluster, connection: Connection
) -> None:
    """As serverless answers: 410."""
    cluster.policies = None
    plan, _ = done(connection, SetUp(retention_days=30))
    assert "openreplay-otel prune --retention 30d" in plan.notes[0]


@pytest.mark.parametrize(
    "on",
    [["logs"], ["logs", "logs.ecs", "logs.otel"]],
    ids=["9.1 to 9.3", "9.4 that comes from there"],
)
def test_a_wired_stream_that_owns_logs_is_named(
    on: list[str], cluster: Cluster, connection: Connection
) -> None:
    """Nothing is changed, and what to switch off is said; the doctor says the same, and its advice helps."""
    cluster.streams = {**cluster.streams, **dict.fromkeys(on, True)}
    with pytest.raises(StoreLayoutError, match="wired stream 'logs' switched on"):
        plan_set_up(connection, SetUp())
    (finding,) = examined(connection)
    assert finding.name == "alias.wired"
    assert finding.mend.startswith("POST /_streams/logs/_disable, openreplay-otel setup")
    connection.request("POST", "/_streams/logs/_disable")
    done(connection, SetUp())
    assert {result.status for result in examined(connection)} == {"ok"}


@pytest.mark.parametrize(
    "status",
    [
        {"logs": False, "logs.ecs": True, "logs.otel": True},
        {"logs.ecs": False, "logs.otel": True},
        {"logs": False},
        {},
    ],
    ids=["9.4", "one of them", "off", "not there"],
)
def test_wired_streams_that_leave_logs_free_are_a_note(
    status: dict[str, bool], cluster: Cluster, connection: Connection
) -> None:
    """Both work side by side: the set-up goes on and says so, the doctor finds nothing wrong."""
    cluster.streams = status
    plan, _ = done(connection, SetUp())
    on = [name for name, is_on in status.items() if is_on]
    assert [", ".join(on) in note for note in plan.notes if "wired" in note] == [True] * bool(on)
    results = examined(connection)
    assert {result.status for result in results} == {"ok"}
    assert ("alias.beside-wired" in {result.name for result in results}) == bool(on)


def test_a_lifecycle_is_taken_back_before_its_policy(
    cluster: Cluster, connection: Connection
) -> None:
    """Elasticsearch refuses to delete a policy that is in use."""
    cluster.indexes["openreplay-logs-2024.01.24"] = index()
    done(connection, SetUp(retention_days=30))
    steps, _ = plan_tear_down(connection, ("openreplay-logs",), with_logs=False)
    assert [step.path.rpartition("/")[2] for step in steps] == [
        "_aliases", "remove", "openreplay-logs", "openreplay-logs@custom", "openreplay-logs",
        "openreplay-logs-sessionless", "openreplay-logs-sessionless@custom",
    ]  # fmt: skip
    apply(connection, steps)
    assert (cluster.policies, cluster.templates, cluster.components) == ({}, {}, {})
