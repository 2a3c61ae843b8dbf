"""Plans the whole set-up of a cluster: templates, aliases, retention, pipeline; touches nothing of others."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreAccessError, StoreLayoutError
from ..names import DEFAULT_SESSION_INDEX, READER_ALIAS, SESSIONLESS_DATA_STREAM
from ..stores.elasticsearch import schema
from ..stores.elasticsearch.preparation import (
    Step,
    check_version,
    elastic_has_logs_template,
    foreign_name,
    get_template,
    template_steps,
)
from . import ingest, retention
from .indexes import session_indexes
from .printing import Request
from .reader_names import alias_step, reader_names, wanted_names
from .refused_settings import apply_step, without_settings
from .repair import plan_repairs
from .streams import beside_logs, owning_logs, wired_streams
from .versions import OLD_TAGS, OpenReplayVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..stores.elasticsearch import Connection
    from ..stores.elasticsearch.answers import Response

_NOT_FOUND: Final = 404
_NO_ANSWER: Final = (400, 401, 403, 404, 405)
_STARTING: Final = 503
_STARTING_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What is wanted.

    Attributes:
        prefixes: Prefixes of session indexes.
        version: For which OpenReplay.
        aliases: Names over the session indexes, for a reader up to v1.20; from v1.21 on beside ``logs``.
        retention_days: After how many days logs are deleted; 0 for never any more; None to leave it.
        has_pipeline: Whether the ingest pipeline is wanted too.
        tags: The tags that the pipeline writes.
    """

    prefixes: tuple[str, ...] = (DEFAULT_SESSION_INDEX,)
    version: OpenReplayVersion = OpenReplayVersion.FROM_1_21
    aliases: tuple[str, ...] = ()
    retention_days: int | None = None
    has_pipeline: bool = False
    tags: tuple[str, ...] = ("openReplaySession.id",)

    def all_aliases(self) -> tuple[str, ...]:
        """The names over the session indexes."""
        return wanted_names(self.version, self.aliases)


@dataclass(frozen=True)
class Plan:
    """What would be done.

    Attributes:
        steps: In order; each is done by itself.
        notes: What a person should know beside it.
        index_notes: What is wrong with indexes that are there.
    """

    steps: list[Step]
    notes: list[str] = field(default_factory=list[str])
    index_notes: list[str] = field(default_factory=list[str])


def plan_set_up(connection: Connection, wanted: SetUp) -> Plan:
    """Find out what has to be done.

    Raises:
        StoreLayoutError: A name belongs to somebody else.
        StoreAccessError: The credentials may not look, or may not do it.
        StoreError: The cluster cannot be reached.
    """
    check_version(connection)
    _check_privileges(connection, wanted)
    if not wanted.aliases:
        names = reader_names(connection, wanted.prefixes, wanted.version)
        wanted = replace(wanted, aliases=names)
    streams = wired_streams(connection) if READER_ALIAS in wanted.all_aliases() else []
    _check_names(connection, wanted, streams)
    beside = beside_logs(streams)
    notes = [] if beside is None else [beside]
    days = wanted.retention_days
    if days is not None and not retention.has_lifecycle(connection):
        notes.append(retention.without_lifecycle(days))
        days = None
    steps = list(_template_steps(connection, wanted, days, notes))
    index_notes: list[str] = []
    for prefix in wanted.prefixes:
        steps += [alias_step(connection, prefix, alias) for alias in wanted.all_aliases()]
        if days is not None:
            steps += retention.index_steps(connection, prefix, days)
        index_notes += _index_notes(connection, prefix)
        if wanted.version.reads_tokens:
            steps += _first_index_steps(connection, prefix)
    if wanted.version.reads_tokens:
        notes.append(f"for OpenReplay up to v1.20 give the apps OPENREPLAY_OTEL_TAGS={OLD_TAGS}")
    if READER_ALIAS not in wanted.all_aliases():
        names = ",".join(wanted.all_aliases())
        notes.append(
            f"OpenReplay reads {names} here: `openreplay-otel api-key reader --for v1.20 --indexes {names}`,"
            f" and `openreplay-otel openreplay-form --for v1.20 --indexes {names}`"
        )
    return Plan(steps, notes, index_notes)


def _check_names(connection: Connection, wanted: SetUp, streams: list[str]) -> None:
    """Refuse a name that no session index can stand behind, before anything is changed.

    Raises:
        StoreLayoutError: It is somebody else's.
    """
    for name in wanted.all_aliases():
        taken = foreign_name(connection, name)
        if taken is None and name == READER_ALIAS:
            taken = owning_logs(connection, streams)
        if taken is not None:
            raise StoreLayoutError(
                f"{taken}. OpenReplay up to v1.20 reads any other name too:"
                " `openreplay-otel setup --for v1.20 --alias openreplay`"
            )


def _first_index_steps(connection: Connection, prefix: str) -> list[Step]:
    """An index before the first record: without one the alias is not there either.

    OpenReplay up to v1.20 counts that as a failure, and after forty it never asks again.
    """
    if session_indexes(connection, prefix):
        return []
    name = schema.session_index(prefix, time.strftime("%Y.%m.%d", time.gmtime()))
    what = f"index {name}, so that OpenReplay finds the name it reads before the first record"
    return [Step("create", what, "PUT", f"/{name}")]


def _template_steps(
    connection: Connection, wanted: SetUp, days: int | None, notes: list[str]
) -> Iterator[Step]:
    for prefix in wanted.prefixes:
        if days:
            yield retention.policy_step(connection, prefix, days)
        yield from session_template_steps(connection, prefix, wanted, days)
    if not elastic_has_logs_template(connection):
        yield from _sessionless_steps(connection, days)
    elif days:
        notes.append(
            f"records without a session, in {SESSIONLESS_DATA_STREAM}, stay as long as Elastic's own"
            " template says: its retention is set in Kibana (Stack Management > Index Management)"
        )
    if wanted.has_pipeline:
        for prefix in wanted.prefixes:
            yield _pipeline_step(connection, prefix, wanted)


def carry_out(connection: Connection, plan: Plan) -> Iterator[tuple[Step, str | None]]:
    """Do what is to be done, step by step.

    Yields:
        Each step when it is done, and a sentence where a part of it had to be left out.

    Raises:
        StoreError: The cluster refuses a step; those before it are done.
    """
    for step in plan.steps:
        yield step, apply_step(connection, step)


def requests(wanted: SetUp) -> list[Request]:
    """All requests of a set-up of an empty cluster, for somebody who sends them by hand."""
    made: list[Request] = []
    for prefix in wanted.prefixes:
        if wanted.retention_days:
            made.append(retention.policy_request(prefix, wanted.retention_days))
        name = schema.session_template_name(prefix)
        body = _session_template(prefix, wanted.all_aliases(), wanted.retention_days)
        what = f"indexes of OpenReplay sessions, {schema.session_pattern(prefix)}"
        made += [_custom_request(name), Request("PUT", f"/_index_template/{name}", body, what)]
        if wanted.version.reads_tokens:
            # Date math, quoted: the day on which it is sent.
            path = f"/%3C{schema.session_index(prefix, '%7Bnow%2Fd%7D')}%3E"
            made.append(Request("PUT", path, None, "refused where the index is there already"))
        if wanted.has_pipeline:
            body = ingest.pipeline(prefix, tags=wanted.tags)
            path = f"/_ingest/pipeline/{ingest.pipeline_name(prefix)}"
            made.append(Request("PUT", path, body, "documents that others write"))
    name = schema.sessionless_template_name()
    made += [
        _custom_request(name),
        Request(
            "PUT",
            f"/_index_template/{name}",
            _sessionless_template(wanted.retention_days),
            f"records without a session; not needed where Elastic's own template covers {SESSIONLESS_DATA_STREAM}",
        ),
    ]
    return made


def _custom_request(template: str) -> Request:
    # create: what is there already is somebody's choice.
    path = f"/_component_template/{schema.custom_name(template)}?create=true"
    what = f"your own settings for {template}; refused where it is there already"
    return Request("PUT", path, schema.custom_component(template), what)


def _session_template(
    prefix: str, aliases: tuple[str, ...], retention_days: int | None
) -> dict[str, Any]:
    template = schema.session_template(prefix, with_alias=False)
    inner = template["template"]
    if aliases:
        inner["aliases"] = {alias: {} for alias in aliases}
    if retention_days:
        inner["settings"]["index"]["lifecycle"] = {"name": retention.policy_name(prefix)}
    return template


def session_template_steps(
    connection: Connection, prefix: str, wanted: SetUp, days: int | None
) -> list[Step]:
    """What has to be done so that the template of the session indexes is as it is wanted.

    Raises:
        StoreLayoutError: Somebody else has made one of this name.
        StoreAccessError: The credentials may not look.
    """
    name = schema.session_template_name(prefix)
    template = _session_template(prefix, wanted.all_aliases(), days)
    found = get_template(connection, name)
    if found is not None and schema.is_managed(found):
        _keep_choices(template, found, days)
    return template_steps(connection, name, template, found)


def _keep_choices(template: dict[str, Any], found: dict[str, Any], days: int | None) -> None:
    """Leave what an earlier set-up was told and this one was not: retention, further names, refusals."""
    before = found.get("template", {})
    inner = template["template"]
    aliases = {**before.get("aliases", {}), **inner.get("aliases", {})}
    if aliases:
        inner["aliases"] = aliases
    own = [name for name in found.get("composed_of", ()) if name not in template["composed_of"]]
    template["composed_of"] = [*own, *template["composed_of"]]
    lifecycle = before.get("settings", {}).get("index", {}).get("lifecycle")
    if days is None and lifecycle:
        inner["settings"]["index"]["lifecycle"] = lifecycle
    _keep_left_out(template, found)


def _keep_left_out(template: dict[str, Any], found: dict[str, Any]) -> None:
    """Leave out again what the cluster did not take of this very version."""
    left_out = found.get("_meta", {}).get("left_out", [])
    if left_out and found.get("version") == template["version"]:
        template.update(without_settings(template, left_out))


def _sessionless_template(days: int | None) -> dict[str, Any]:
    template = schema.sessionless_template()
    if days:
        template["template"]["lifecycle"] = {"data_retention": f"{days}d"}
    return template


def _sessionless_steps(connection: Connection, days: int | None) -> list[Step]:
    name = schema.sessionless_template_name()
    template = _sessionless_template(days)
    found = get_template(connection, name)
    if found is not None and schema.is_managed(found):
        lifecycle = found.get("template", {}).get("lifecycle")
        if days is None and lifecycle:
            template["template"]["lifecycle"] = lifecycle
        _keep_left_out(template, found)
    return template_steps(connection, name, template, found)


def _pipeline_step(connection: Connection, prefix: str, wanted: SetUp) -> Step:
    name = ingest.pipeline_name(prefix)
    what = f"ingest pipeline {name}"
    path = f"/_ingest/pipeline/{name}"
    body = ingest.pipeline(prefix, tags=wanted.tags)
    answer = connection.request("GET", path, expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND:
        return Step("create", what, "PUT", path, body)
    found = answer.body[name]
    if not schema.is_managed(found):
        raise StoreLayoutError(
            f"{connection.name} has an ingest pipeline called {name!r} that openreplay-otel did not make; it"
            " was not touched. Delete or rename it, or choose another prefix with --index"
        )
    same = all(found.get(key) == value for key, value in body.items())
    return Step("unchanged", what) if same else Step("update", what, "PUT", path, body)


def _index_notes(connection: Connection, prefix: str) -> Iterator[str]:
    for index in session_indexes(connection, prefix):
        if index.data_stream is not None:
            yield (
                f"{index.data_stream} is a data stream, which no alias can cover together with indexes:"
                f" it was not touched; choose another prefix than {prefix!r}, or delete it"
            )
    for repair in plan_repairs(connection, prefix, looks_at_order=False):
        for reason in repair.reasons:
            yield f"{reason}; it was not touched. `openreplay-otel setup --repair` puts it right"


def _check_privileges(connection: Connection, wanted: SetUp) -> None:
    """Name all that is missing before anything is changed.

    Raises:
        StoreAccessError: Something is.
    """
    cluster = ["manage_index_templates"]
    if wanted.has_pipeline:
        cluster.append("manage_ingest_pipelines")
    if wanted.retention_days is not None:
        cluster.append("manage_ilm")
    names = [*map(schema.session_pattern, wanted.prefixes), *wanted.all_aliases()]
    body = {"cluster": cluster, "index": [{"names": names, "privileges": ["manage"]}]}
    answer = _answer_of_started(connection, "/_security/user/_has_privileges", body)
    if answer.status >= 300 or answer.body.get("has_all_requested"):
        # Without security, or with an old answer, the steps themselves tell.
        return
    missing = [name for name, has in answer.body.get("cluster", {}).items() if not has]
    missing += [
        f"manage on {name}"
        for name, has in answer.body.get("index", {}).items()
        if not has.get("manage")
    ]
    raise StoreAccessError(
        f"these credentials may not set up {connection.name}: missing {', '.join(missing)}. Use an"
        " administrator's, or hand on what `openreplay-otel setup --print console` prints"
    )


def _answer_of_started(connection: Connection, path: str, body: dict[str, Any]) -> Response:
    """The answer, waited for while a new cluster makes its own indexes: healthy as it says, it answers 503 then."""
    for seconds in _STARTING_SECONDS:
        answer = connection.request("POST", path, body, expected=(*_NO_ANSWER, _STARTING))
        if answer.status != _STARTING:
            return answer
        time.sleep(seconds)
    return connection.request("POST", path, body, expected=_NO_ANSWER)
