"""Takes back what the set-up made; nothing of others, and logs only where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..stores.elasticsearch import schema
from ..stores.elasticsearch.preparation import Step, check_version, get_component, get_template
from . import ingest, retention
from .indexes import is_session_index, session_indexes

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection

_NOT_FOUND: Final = 404
_UNKNOWN: Final = (400, 404, 405, 410)


def plan_tear_down(
    connection: Connection, prefixes: tuple[str, ...], *, with_logs: bool
) -> list[Step]:
    """What would be taken back.

    Args:
        connection: The cluster.
        prefixes: Prefixes of the session indexes.
        with_logs: Whether the session indexes themselves are deleted, with all that is in them.

    Raises:
        StoreError: The cluster cannot be reached or refuses.
    """
    check_version(connection)
    steps: list[Step] = []
    for prefix in prefixes:
        steps += _of_indexes(connection, prefix, with_logs=with_logs)
        steps += _template(connection, schema.session_template_name(prefix))
        steps += _pipeline(connection, prefix)
        steps += _policy(connection, prefix)
    steps += _template(connection, schema.sessionless_template_name())
    return steps


def _of_indexes(connection: Connection, prefix: str, *, with_logs: bool) -> list[Step]:
    ours = [i for i in session_indexes(connection, prefix) if is_session_index(i, prefix)]
    if not ours:
        return []
    names = [index.name for index in ours]
    if with_logs:
        return [
            Step("delete", f"index {name} and the logs in it", "DELETE", f"/{name}")
            for name in names
        ]
    steps: list[Step] = []
    template = get_template(connection, schema.session_template_name(prefix)) or {}
    aliases: dict[str, Any] = {}
    if schema.is_managed(template):
        aliases = template.get("template", {}).get("aliases", {})
    for alias in sorted(aliases):
        having = [index.name for index in ours if alias in index.aliases]
        if having:
            actions = [{"remove": {"indices": having, "alias": alias}}]
            what = f"alias {alias} over {schema.session_pattern(prefix)}"
            steps.append(Step("delete", what, "POST", "/_aliases", {"actions": actions}))
    following = [index.name for index in ours if index.settings.get("lifecycle", {}).get("name")]
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
