"""Checks settings, server and clocks: what all other checks stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..cluster.reader_names import reader_names
from ..errors import StoreAccessError, StoreError, StoreLayoutError, StoreUnavailableError
from ..names import MESSAGE_TAG_SESSION_TOKEN
from ..settings import table, variable
from ..stores.elasticsearch import preparation
from .examination import privileges, sentence
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..settings import Settings
    from .examination import Examination

_DIFFERS: Final = 30.0
_OFF: Final = 300.0
_SHOWN: Final = ("store", "api_key", "index", "tags", "sessionless", "app_url", "project_id")


def settings_used(
    settings: Settings, given: frozenset[str], environ: Mapping[str, str], store: str
) -> Result:
    """The settings that matter here, and where each came from; secrets are not shown."""
    rows = table()
    parts: list[str] = []
    for name in _SHOWN:
        value: Any = getattr(settings, name)
        origin = (
            "option" if name in given
            else variable(name) if environ.get(variable(name), "").strip()
            else "default"
        )  # fmt: skip
        if value is None and origin == "default" and name != "store":
            continue
        shown = store if name == "store" else "(not shown)" if rows[name].secret else _text(value)
        parts.append(f"{name} {shown} ({origin})")
    return found("settings.used", values=", ".join(parts))


def check_settings(examination: Examination) -> Iterator[Result]:
    """Settings that do not fit what was asked for."""
    settings = examination.settings
    yield settings_used(
        settings, examination.given, examination.environ, examination.connection.name
    )
    if examination.version.reads_tokens and MESSAGE_TAG_SESSION_TOKEN not in settings.tags:
        is_set = "tags" in examination.given or examination.environ.get(variable("tags"))
        what = "settings.no-token-tag" if is_set else "settings.tags-not-here"
        yield found(what, tags=",".join(settings.tags))


def check_server(examination: Examination) -> Iterator[Result]:
    """Reachable, accepted, Elasticsearch 8 or 9."""
    connection = examination.connection
    name = connection.name.split(",")[0]
    try:
        version = preparation.check_version(connection)
        examination.may = privileges(connection, examination.patterns)
        examination.names = reader_names(connection, examination.prefixes, examination.version)
    except StoreUnavailableError as error:
        yield found("server.unreachable", reason=sentence(error), store=name)
    except StoreAccessError as error:
        is_key = "credentials" in str(error)
        what = "server.credentials" if is_key else "server.unreachable"
        yield found(what, reason=sentence(error), store=name)
    except StoreLayoutError as error:
        yield found("server.not-elasticsearch", reason=sentence(error), store=name)
    else:
        if version is None:
            yield found("server.no-version", store=connection.name)
        else:
            yield found("server.ok", store=connection.name, version=version)


def check_clock(examination: Examination) -> Iterator[Result]:
    """This machine's clock beside the cluster's."""
    before = examination.clock()
    try:
        theirs = _cluster_seconds(examination)
    except StoreError:
        theirs = None
    after = examination.clock()
    if theirs is None:
        yield found("clock.unknown")
        return
    # The cluster's time is in whole seconds, and was taken between before and after.
    difference = (before + after) / 2 - theirs - 0.5
    seconds = f"{abs(difference):,.0f}"
    if abs(difference) < _DIFFERS:
        yield found("clock.ok", seconds=seconds)
        return
    side = "ahead of" if difference > 0 else "behind"
    what = "clock.off" if abs(difference) >= _OFF else "clock.differs"
    yield found(what, seconds=seconds, side=side)


def _cluster_seconds(examination: Examination) -> float | None:
    connection = examination.connection
    answer = connection.request("GET", "/_cat/health?format=json&h=epoch", expected=(403, 404, 410))
    if answer.status < 300:
        return float(answer.body[0]["epoch"])
    # A key that may only read gets the time by what "now" is in a search.
    ranges = {"field": "@timestamp", "ranges": [{"from": "now"}]}
    body = {"size": 0, "aggs": {"now": {"date_range": ranges}}}
    path = (
        f"/{','.join(examination.names)}/_search?ignore_unavailable=true&filter_path=aggregations"
    )
    answer = connection.request("POST", path, body, expected=(403, 404))
    if answer.status >= 300 or "aggregations" not in answer.body:
        return None
    return answer.body["aggregations"]["now"]["buckets"][0]["from"] / 1000


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
