"""Takes back what the set-up made; nothing of others, and logs only where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..stores.elasticsearch import schema
from ..stores.elasticsearch.preparation import Step, check_version, get_component, get_template
from . import ingest, retention
from .indexes import is_left_over, is_session_index, session_indexes

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection
    from .indexes import IndexState

_NOT_FOUND: Final = 404
_UNKNOWN: Final = (400, 404, 405, 410)


class TearDown(NamedTuple):
    """What would be taken back.

    Attributes:
        steps: In order.
        left_over: Indexes with records of sessions that are not deleted, since our template did not make them.
    """

    steps: list[Step]
    left_over: list[str]


def plan_tear_down(
    connection: Connection,
    prefixes: tuple[str, ...],
    *,
    with_logs: bool,
    with_left_over: bool = False,
) -> TearDown:
    """What would be taken back.

    Args:
        connection: The cluster.
        prefixes: Prefixes of the session indexes.
        with_logs: Whether the session indexes themselves are deleted, with all that is in them.
        with_left_over: Whether those are deleted too that our template did not make.

    Raises:
        StoreError: The cluster cannot be reached or refuses.
    """
    check_version(connection)
    planned = TearDown([], [])
    for prefix in prefixes:
        indexes = session_indexes(connection, prefix)
        if with_logs:
            left = [i.name for i in indexes if is_left_over(i, prefix)]
            names = [i.name for i in indexes if is_session_index(i, prefix)]
            if with_left_over:
                names += left
            else:
                planned.left_over.extend(left)
            planned.steps.extend(
                Step("delete", f"index {name} and the logs in it", "DELETE", f"/{name}")
                for name in names
            )
            indexes = [index for index in indexes if index.name not in names]
        planned.steps.extend(_of_indexes(connection, prefix, indexes))
        planned.steps.extend(_template(connection, schema.session_template_name(prefix)))
        planned.steps.extend(_pipeline(connection, prefix))
        planned.steps.extend(_policy(connection, prefix))
    planned.steps.extend(_template(connection, schema.sessionless_template_name()))
    return planned


def _of_indexes(connection: Connection, prefix: str, indexes: list[IndexState]) -> list[Step]:
    """What takes alias and retention from indexes that stay, whoever made them: the set-up gave them both."""
    steps: list[Step] = []
    template = get_template(connection, schema.session_template_name(prefix)) or {}
    aliases: dict[str, Any] = {}
    if schema.is_managed(template):
        aliases = template.get("template", {}).get("aliases", {})
    for alias in sorted(aliases):
        having = [i.name for i in indexes if alias in i.aliases and i.data_stream is None]
        if having:
            actions = [{"remove": {"indices": having, "alias": alias}}]
            what = f"alias {alias} over {schema.session_pattern(prefix)}"
            steps.append(Step("delete", what, "POST", "/_aliases", {"actions": actions}))
    following = [
        index.name
        for index in indexes
        if is_session_index(index, prefix) and index.settings.get("lifecycle", {}).get("name")
    ]
    if following:
        what = f"retention of {len(following)} indexes"
        steps.append(Step("delete", what, "POST", f"/{','.join(following)}/_ilm/remove"))
    return steps


def _template(connection: Connection, name: str) -> list[Step]:
    found = get_template(connection, name)
    if found is None or not schema.is_managed(found):
        return []
    if "data_stream" in found and _stream_is_there(connection, found["index_patterns"][0]):
        # Elasticsearch refuses to delete the template of a data stream that is there.
        return []
    template = Step("delete", f"index template {name}", "DELETE", f"/_index_template/{name}")
    return [template, *_custom(connection, name)]


def _custom(connection: Connection, template: str) -> list[Step]:
    """The component of an administrator's own settings, where there are none in it."""
    name = schema.custom_name(template)
    found = get_component(connection, name)
    if found is None or found["template"] != schema.custom_component(template)["template"]:
        return []
    return [Step("delete", f"component template {name}", "DELETE", f"/_component_template/{name}")]


def _stream_is_there(connection: Connection, name: str) -> bool:
    answer = connection.request("GET", f"/_resolve/index/{name}", expected=(_NOT_FOUND,))
    return answer.status != _NOT_FOUND and bool(answer.body.get("data_streams"))


def _pipeline(connection: Connection, prefix: str) -> list[Step]:
    name = ingest.pipeline_name(prefix)
    answer = connection.request("GET", f"/_ingest/pipeline/{name}", expected=_UNKNOWN)
    if answer.status >= 300 or not schema.is_managed(answer.body.get(name, {})):
        return []
    return [Step("delete", f"ingest pipeline {name}", "DELETE", f"/_ingest/pipeline/{name}")]


def _policy(connection: Connection, prefix: str) -> list[Step]:
    name = retention.policy_name(prefix)
    answer = connection.request("GET", f"/_ilm/policy/{name}", expected=_UNKNOWN)
    if answer.status >= 300:
        return []
    found: dict[str, Any] = answer.body.get(name, {}).get("policy", {})
    if not schema.is_managed(found):
        return []
    return [Step("delete", f"lifecycle policy {name}", "DELETE", f"/_ilm/policy/{name}")]
