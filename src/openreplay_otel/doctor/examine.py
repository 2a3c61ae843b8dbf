"""Runs the checks in their order: those that another one stands on come first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import StoreError
from ..stores.elasticsearch import ElasticsearchStore
from .app_check import check_app, check_cors
from .connectivity import check_clock, check_server, check_settings
from .elsewhere import check_elsewhere
from .examination import sentence
from .files_check import check_files
from .findings import CHECKS
from .index_checks import check_alias, check_indexes, check_template
from .key_checks import check_reader, check_writer, keys_for_a_moment
from .probe import check_probe
from .result import Result, found
from .session_sizes import check_sizes
from .spool_check import check_spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .examination import Examination

_LOOKING: Final[tuple[tuple[str, Callable[[Examination], Iterator[Result]]], ...]] = (
    ("clock", check_clock),
    ("alias", check_alias),
    ("template", check_template),
    ("indexes", check_indexes),
    ("elsewhere", check_elsewhere),
)


def examine(examination: Examination) -> Iterator[Result]:
    """Check a cluster, and all that leads there.

    Args:
        examination: What to look at.

    Yields:
        Results as they come, in the order of :data:`~.findings.CHECKS`.
    """
    yield from check_settings(examination)
    results = list(check_server(examination))
    yield from results
    if any(result.status == "failed" for result in results):
        # What waits meanwhile is known without the server.
        yield from _kept_here(examination)
        return
    for name, check in _LOOKING:
        for result in _guarded(examination, name, lambda check=check: check(examination)):
            results.append(result)
            yield result
    with keys_for_a_moment(examination):
        yield from _guarded(examination, "writer", lambda: check_writer(examination))
        yield from _guarded(examination, "reader", lambda: check_reader(examination))
        yield from _guarded(examination, "probe", lambda: check_probe(examination, results))
    yield from _guarded(examination, "size", lambda: check_sizes(examination))
    yield from _kept_here(examination)
    store = ElasticsearchStore(examination.connection, index_prefix=examination.settings.index)
    yield from _guarded(
        examination,
        "app",
        lambda: check_app(
            store,
            examination.settings,
            url=examination.url,
            wait_seconds=examination.wait_seconds,
            remove=lambda ids: _remove(examination, ids),
        ),
    )
    yield from check_cors(examination.settings, url=examination.url, origin=examination.origin)


def _kept_here(examination: Examination) -> Iterator[Result]:
    settings, name = examination.settings, examination.connection.name
    yield from check_spool(settings, name, examination.clock())
    yield from check_files(settings, name)


def _guarded(
    examination: Examination, check: str, run: Callable[[], Iterator[Result]]
) -> Iterator[Result]:
    """The results of a check; an answer that it did not expect is one too."""
    try:
        yield from run()
    except StoreError as error:
        yield found(
            "server.interrupted",
            check=CHECKS[check],
            reason=sentence(error),
            store=examination.connection.name,
        )


def _remove(examination: Examination, session_ids: Sequence[str]) -> bool:
    body = {"query": {"terms": {"openreplay.session.id": list(session_ids)}}}
    path = f"/{examination.pattern}/_delete_by_query?refresh=true&conflicts=proceed"
    try:
        answer = examination.connection.request("POST", path, body)
    except StoreError:
        return False
    return not answer.body.get("failures")
