"""Prepares a cluster: what is missing, what would be done, and doing it. A second time changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from ...errors import StoreAccessError, StoreLayoutError
from ...names import READER_ALIAS
from . import schema
from .differences import beyond, differences, merged, named

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
        foreign = foreign_name(connection)
    except StoreAccessError:
        # A key that may write templates, but not look at the name: it is taken to be free.
        foreign = None
    sentences = [] if foreign is None else [foreign]
    name = schema.session_template_name(prefix)
    template = schema.session_template(prefix, with_alias=foreign is None)
    try:
        steps = [*_first_steps(connection, name, template)]
        if not elastic_has_logs_template(connection):
            name = schema.sessionless_template_name()
            if get_template(connection, name) is None:
                steps += _first_steps(connection, name, schema.sessionless_template())
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


def foreign_name(connection: Connection, name: str = READER_ALIAS) -> str | None:
    """A sentence where a name cannot be an alias over indexes; None where it can.

    It cannot be one beside an index or data stream of that name, nor where it covers data streams already.
    """
    answer = connection.request("GET", f"/_resolve/index/{name}", expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND:
        return None
    whose = "the one name OpenReplay reads" if name == READER_ALIAS else "a name for OpenReplay"
    for kind, words in (("indices", "an index"), ("data_streams", "a data stream")):
        if any(entry.get("name") == name for entry in answer.body.get(kind, ())):
            return (
                f"{connection.name} has {words} called {name!r}, {whose}, so the alias of that name cannot"
                " be made; it was not touched. Rename it (reindex it to another name and delete it) and run"
                " `openreplay-otel setup` again"
            )
    if not answer.body.get("aliases"):
        return None
    streams = sorted(
        {
            entry["data_stream"]
            for entry in connection.request("GET", f"/{name}").body.values()
            if entry.get("data_stream")
        }
    )
    if not streams:
        return None
    return (
        f"{connection.name} has an alias {name!r}, {whose}, over the data stream {streams[0]}: Elasticsearch"
        " lets no index stand beside it there, so that every record would be refused; it was not touched."
        f" Take the data stream out of {name} and run `openreplay-otel setup` again"
    )


def template_steps(
    connection: Connection, name: str, wanted: dict[str, Any], found: dict[str, Any] | None
) -> list[Step]:
    """What has to be done so that a template of ours is as it should be, and what others chose is kept.

    Args:
        connection: The cluster.
        name: The template's name.
        wanted: The template.
        found: The one that is there, as :func:`get_template` gives it.

    Raises:
        StoreLayoutError: Somebody else has made one of this name.
    """
    if found is not None and not schema.is_managed(found):
        message = (
            f"{connection.name} has an index template called {name!r} that openreplay-otel did not make;"
            " it was not touched. Delete or rename it, or choose another prefix with --index"
        )
        raise StoreLayoutError(message)
    chosen = {} if found is None else beyond(found, wanted)
    what = f"index template {name} for {', '.join(wanted['index_patterns'])}"
    path = f"/_index_template/{name}"
    if found is None:
        step = Step("create", what, "PUT", path, wanted)
    else:
        parts = differences(found, wanted)
        if chosen:
            parts.append(f"your own parts go to {schema.custom_name(name)}")
        step = Step("unchanged", what)
        if parts:
            step = Step("update", f"{what}: {named(parts)}", "PUT", path, wanted)
    return [_custom_step(connection, name, chosen), step]


def get_component(connection: Connection, name: str) -> dict[str, Any] | None:
    """A component template; None where there is none of this name."""
    answer = connection.request("GET", f"/_component_template/{name}", expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND or not answer.body["component_templates"]:
        return None
    return answer.body["component_templates"][0]["component_template"]


def _custom_step(connection: Connection, template: str, chosen: dict[str, Any]) -> Step:
    """What has to be done so that what an administrator chose outlives an update of our template."""
    name = schema.custom_name(template)
    what = f"component template {name} for your own settings"
    path = f"/_component_template/{name}"
    found = get_component(connection, name)
    if found is not None and not chosen:
        return Step("unchanged", what)
    made = schema.custom_component(template) if found is None else found
    # Elasticsearch 9 gives dates of its own with it, and takes none.
    kept = {part: made[part] for part in ("version", "_meta") if part in made}
    body = {**kept, "template": merged(made["template"], chosen)}
    return Step("create" if found is None else "update", what, "PUT", path, body)


def _first_steps(connection: Connection, name: str, template: dict[str, Any]) -> list[Step]:
    """A template that is not there, and the component beside it; another process may be faster."""
    custom = _custom_step(connection, name, {})
    path = f"/_index_template/{name}?create=true"
    steps = [custom] if custom.action == "create" else []
    return [*steps, Step("create", "", "PUT", path, template)]


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
