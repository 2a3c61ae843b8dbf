"""Prepares a cluster: what is missing, what would be done, and doing it. A second time changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ...errors import StoreAccessError, StoreLayoutError
from ...names import READER_ALIAS
from . import schema

if TYPE_CHECKING:
    from .connection import Connection

SUPPORTED_MAJORS: Final = (8, 9)
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, or found done.

    Attributes:
        action: What happens.
        what: The thing, for people.
        method: HTTP method of the request that does it.
        path: Its path.
        body: Its JSON body.
    """

    action: Literal["create", "update", "unchanged", "delete"]
    what: str
    method: str = ""
    path: str = ""
    body: dict[str, Any] | None = None


def check_version(connection: Connection) -> str | None:
    """The server's version; None where the key may not ask.

    Raises:
        StoreLayoutError: It is not Elasticsearch 8 or 9.
    """
    try:
        answer = connection.request("GET", "/").body
    except StoreAccessError as error:
        if "privilege" in str(error):
            return None
        raise
    version = str(answer["version"]["number"])
    if int(version.partition(".")[0]) not in SUPPORTED_MAJORS:
        message = f"{connection.name} is Elasticsearch {version}; this package needs 8 or 9"
        raise StoreLayoutError(message)
    return version


def plan(connection: Connection, prefix: str) -> list[Step]:
    """What has to be done so that documents land and are read as they should.

    Raises:
        StoreLayoutError: The name ``logs`` is an index or a data stream of somebody else, or a
            template of ours was taken by somebody else.
        StoreAccessError: The key may not see templates or names.
    """
    check_version(connection)
    foreign = foreign_logs(connection)
    if foreign is not None:
        raise StoreLayoutError(foreign)
    steps = [
        template_step(
            connection, schema.session_template_name(prefix), schema.session_template(prefix)
        )
    ]
    if not elastic_has_logs_template(connection):
        steps.append(
            template_step(
                connection,
                schema.sessionless_template_name(),
                schema.sessionless_template(),
            )
        )
    steps.append(alias_step(connection, prefix))
    return steps


def apply(connection: Connection, steps: list[Step]) -> None:
    """Do what is to be done, in order."""
    for step in steps:
        if step.action != "unchanged":
            connection.request(step.method, step.path, step.body)


def prepare_for_writing(connection: Connection, prefix: str) -> list[str]:
    """Make missing templates where the key allows; nothing that exists is changed.

    Returns:
        Sentences on what is missing and how to mend it.
    """
    check_version(connection)
    command = f"openreplay-otel setup --store {connection.name}"
    try:
        found = get_template(connection, schema.session_template_name(prefix))
    except StoreAccessError:
        # Such a key is as it should be; whether the template is there only an administrator sees.
        return []
    if found is not None:
        return []
    try:
        foreign = foreign_logs(connection)
    except StoreAccessError:
        # A key that may write templates, but not look at the name: it is taken to be free.
        foreign = None
    sentences = [] if foreign is None else [foreign]
    steps = [
        Step(
            "create", "", "PUT",
            f"/_index_template/{schema.session_template_name(prefix)}?create=true",
            schema.session_template(prefix, with_alias=foreign is None),
        )
    ]  # fmt: skip
    if not elastic_has_logs_template(connection):
        name = schema.sessionless_template_name()
        if get_template(connection, name) is None:
            path = f"/_index_template/{name}?create=true"
            steps.append(Step("create", "", "PUT", path, schema.sessionless_template()))
    try:
        apply(connection, steps)
    except StoreAccessError:
        sentences.append(
            f"{connection.name} has no index template for {schema.session_pattern(prefix)} and this"
            " key may not make it: OpenReplay will find no logs, or show them out of order, until"
            f" `{command}` is run once by an administrator; logs are stored all the same"
        )
    except StoreLayoutError:
        # Another process was faster: create=true refuses a second one.
        if get_template(connection, schema.session_template_name(prefix)) is None:
            raise
    return sentences


def foreign_logs(connection: Connection) -> str | None:
    """A sentence where the name ``logs`` is an index or data stream, which no alias can stand beside."""
    answer = connection.request("GET", f"/_resolve/index/{READER_ALIAS}", expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND:
        return None
    for kind, words in (("indices", "an index"), ("data_streams", "a data stream")):
        if any(entry.get("name") == READER_ALIAS for entry in answer.body.get(kind, ())):
            return (
                f"{connection.name} has {words} called {READER_ALIAS!r}, the one name OpenReplay reads, so"
                " the alias of that name cannot be made; it was not touched. Rename it (reindex it to"
                " another name and delete it) and run `openreplay-otel setup` again"
            )
    return None


def template_step(connection: Connection, name: str, wanted: dict[str, Any]) -> Step:
    """What has to be done so that a template of ours is as it should be.

    Raises:
        StoreLayoutError: Somebody else has made one of this name.
    """
    what = f"index template {name} for {', '.join(wanted['index_patterns'])}"
    path = f"/_index_template/{name}"
    found = get_template(connection, name)
    if found is None:
        return Step("create", what, "PUT", path, wanted)
    if not schema.is_managed(found):
        message = (
            f"{connection.name} has an index template called {name!r} that openreplay-otel did not make;"
            " it was not touched. Delete or rename it, or choose another prefix with --index"
        )
        raise StoreLayoutError(message)
    if _is_same(found, wanted):
        return Step("unchanged", what)
    return Step("update", what, "PUT", path, wanted)


def alias_step(connection: Connection, prefix: str, alias: str = READER_ALIAS) -> Step:
    """What has to be done so that the session indexes that are there stand behind an alias."""
    pattern = schema.session_pattern(prefix)
    what = f"alias {alias} over {pattern}"
    answer = connection.request("GET", f"/{pattern}/_alias?allow_no_indices=true")
    missing = [
        index for index, entry in sorted(answer.body.items())
        if alias not in entry.get("aliases", {})
    ]  # fmt: skip
    if not missing:
        return Step("unchanged", what)
    actions = [{"add": {"indices": missing, "alias": alias}}]
    return Step("update", what, "POST", "/_aliases", {"actions": actions})


def get_template(connection: Connection, name: str) -> dict[str, Any] | None:
    """An index template as Elasticsearch gives it back; None where there is none of this name."""
    answer = connection.request("GET", f"/_index_template/{name}", expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND or not answer.body["index_templates"]:
        return None
    return answer.body["index_templates"][0]["index_template"]


def elastic_has_logs_template(connection: Connection) -> bool:
    """Whether Elastic's own template makes ``logs-*-*`` data streams here."""
    found = get_template(connection, "logs")
    return found is not None and "data_stream" in found and "logs-*-*" in found["index_patterns"]


def _is_same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    # Elasticsearch adds dates and defaults of its own to what it was given.
    settings = {key: value for key, value in wanted.items() if key != "data_stream"}
    is_alike = all(_normal(found.get(key)) == _normal(value) for key, value in settings.items())
    return is_alike and ("data_stream" in found) == ("data_stream" in wanted)


def _normal(value: Any) -> Any:
    """A value as Elasticsearch gives it back: every setting a text, no empty parts."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {k: t for k, v in items if (t := _normal(v)) not in ({}, [])}
    if isinstance(value, list):
        return [_normal(item) for item in cast("list[Any]", value)]
    return str(value).lower() if isinstance(value, (bool, int)) else value
