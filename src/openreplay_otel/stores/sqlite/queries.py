"""The embedded store's questions as SQL: of constants only, every value is bound. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from ..timestamps import to_text, unix_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..base import LogQuery, SessionQuery

Rows: TypeAlias = "list[tuple[Any, ...]]"
PAGE_CHARACTERS: Final = 16_000_000
"""Of documents that are in memory at a time."""
WITH_WORDS: Final = "number IN (SELECT rowid FROM words WHERE words MATCH ?)"
OVERVIEW: Final = (
    "SELECT service, level, records, errors, first, last FROM tallies WHERE session_id = ?"
    " ORDER BY service, level"
)
SERVICES: Final = (
    "SELECT DISTINCT service FROM tallies WHERE service <> '' ORDER BY service LIMIT 200"
)
_TRACE_ID: Final = (
    "coalesce(json_extract(document, '$.\"trace.id\"'), json_extract(document, '$.trace.id')) = ?"
)
# Whole numbers: by SQLite's own fractions of days, a record could fall into the part before its own.
_UNIX_MS: Final = "(CAST(strftime('%s', timestamp) AS INTEGER) * 1000 + CAST(substr(timestamp, 21, 3) AS INTEGER))"


class Statement(NamedTuple):
    """A statement and the values of its question marks."""

    text: str
    values: tuple[Any, ...]


class _Conditions:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        self.texts.append(text)
        self.values += values

    def add_if(self, text: str, value: Any) -> None:
        if value is not None:
            self.add(text, value)

    def add_in(self, column: str, values: Sequence[Any]) -> None:
        if values:
            self.add(f"{column} IN ({', '.join('?' * len(values))})", *values)

    def __str__(self) -> str:
        return " AND ".join(self.texts) or "1"


def records(query: LogQuery, size: int) -> Statement:
    """Id, document and time of records; the last ones first where the query counts from the end."""
    where = _of_record(query)
    if query.after is not None:
        where.add("(timestamp, id) > (?, ?)", *query.after)
    if query.before is not None:
        where.add("(timestamp, id) < (?, ?)", *query.before)
    turn = " DESC" if query.from_end else ""
    return Statement(
        f"SELECT id, document, timestamp FROM logs WHERE {where}"  # noqa: S608 - of constants; values are bound
        f" ORDER BY timestamp{turn}, id{turn} LIMIT {size}",
        tuple(where.values),
    )


def all_of(rows: Iterable[Any]) -> Rows:
    """Every row of an answer."""
    return list(rows)


def part_of(rows: Iterable[Any]) -> Rows:
    """The first rows of :func:`records`, as many as one page may hold in memory, and one at least.

    A thousand documents may be gigabytes: an app logs what strangers send it.
    """
    found: Rows = []
    size = 0
    for row in rows:
        found.append(row)
        size += len(row[1])
        if size >= PAGE_CHARACTERS:
            break
    return found


def is_part(rows: Rows) -> bool:
    """Whether there may be more rows than :func:`part_of` took."""
    return sum(len(row[1]) for row in rows) >= PAGE_CHARACTERS


def histogram(query: LogQuery, *, bins: int) -> Statement:
    """Number, records and errors of each part of a time."""
    assert query.since is not None  # noqa: S101 - as the protocol says
    assert query.until is not None  # noqa: S101 - likewise
    where = _of_record(query)
    since_ms, until_ms = unix_ms(query.since), unix_ms(query.until)
    return Statement(
        f"SELECT min(({_UNIX_MS} - ?) * ? / ?, ?), count(*), sum(is_error)"  # noqa: S608 - likewise
        f" FROM logs WHERE {where} GROUP BY 1 ORDER BY 1",
        (since_ms, bins, max(1, until_ms - since_ms), bins - 1, *where.values),
    )


def sessions(query: SessionQuery, before_id: str | None, size: int) -> Statement:
    """The newest sessions that can fit, with their figures.

    Columns: id, first, last, records, errors, services as JSON, and whether the session has records outside of
    the time asked for too, so that :func:`recount` has to tell its figures.
    """
    where, having = _Conditions(), _Conditions()
    since = None if query.since is None else to_text(query.since)
    until = None if query.until is None else to_text(query.until)
    where.add_if("session_id < ?", before_id)
    where.add_if("last >= ?", since)
    where.add_if("first < ?", until)
    if query.phrases:
        fitting = _Conditions()
        _add_record(fitting, query)
        where.add(f"session_id IN (SELECT session_id FROM logs WHERE {fitting})", *fitting.values)  # noqa: S608 - likewise
    elif query.service is not None or query.levels:
        share = _Conditions()
        share.add_if("service = ?", query.service)
        share.add_in("level", query.levels)
        having.add(f"max({share})", *share.values)
    if query.errors_only:
        having.add("sum(errors) > 0")
    outside = _Conditions()
    outside.add_if("first < ?", since)
    outside.add_if("last >= ?", until)
    straddles = f"max({' OR '.join(outside.texts) or '0'})"
    return Statement(
        "SELECT session_id, min(first), max(last), sum(records), sum(errors),"  # noqa: S608 - likewise
        f" json_group_array(DISTINCT service), {straddles} FROM tallies WHERE {where}"
        f" GROUP BY session_id HAVING {having} ORDER BY session_id DESC LIMIT {size}",
        (*outside.values, *where.values, *having.values),
    )


def recount(query: SessionQuery, session_ids: Sequence[str]) -> Statement:
    """The figures of sessions from their records in the time asked for; those that do not fit are left out."""
    where, having = _Conditions(), _Conditions()
    where.add_in("session_id", session_ids)
    _add_times(where, query)
    if query.errors_only:
        having.add("sum(is_error) > 0")
    # With phrases, the sessions were chosen by their records already.
    if not query.phrases and (query.service is not None or query.levels):
        share = _Conditions()
        share.add_if("service = ?", query.service)
        share.add_in("level", query.levels)
        having.add(f"max({share})", *share.values)
    return Statement(
        "SELECT session_id, min(timestamp), max(timestamp), count(*), sum(is_error),"  # noqa: S608 - likewise
        f" json_group_array(DISTINCT service) FROM logs WHERE {where}"
        f" GROUP BY session_id HAVING {having}",
        (*where.values, *having.values),
    )


def _of_record(query: LogQuery) -> _Conditions:
    where = _Conditions()
    where.add("session_id = ?", query.session_id)
    if query.errors_only:
        where.add("is_error = 1")
    where.add_if("id = ?", query.document_id)
    where.add_if(_TRACE_ID, query.trace_id)
    _add_record(where, query)
    return where


def _add_record(where: _Conditions, query: LogQuery | SessionQuery) -> None:
    where.add_if("service = ?", query.service)
    where.add_in("level", query.levels)
    _add_times(where, query)
    for phrase in query.phrases:
        where.add(WITH_WORDS, '"' + phrase.replace('"', " ") + '"')


def _add_times(where: _Conditions, query: LogQuery | SessionQuery) -> None:
    where.add_if("timestamp >= ?", None if query.since is None else to_text(query.since))
    where.add_if("timestamp < ?", None if query.until is None else to_text(query.until))
