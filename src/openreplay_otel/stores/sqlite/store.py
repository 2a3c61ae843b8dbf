"""The embedded store: one SQLite file, written by several processes at once (WAL), full-text search (FTS5)."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ... import forks
from ...errors import StoreAccessError, StoreError, StoreLayoutError, StoreUnavailableError
from ...private_files import check_links, make_file, make_folders
from ...store_url import sqlite_url_of
from ..base import (
    MAX_FROM_END,
    Bin,
    Document,
    Hit,
    LogQuery,
    Position,
    RefusedDocument,
    SessionFigures,
    SessionOverview,
    SessionQuery,
    Share,
    WriteResult,
)
from ..bulk_lines import documents_of
from ..timestamps import from_text, to_text
from . import queries as sqlite_queries
from .queries import Statement, all_of, is_part, part_of
from .rows import figures_of, hits_of, row_of
from .schema import APPLICATION_ID, SCHEMA_VERSION, delete_records, make_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

_PAGE: Final = 1000
_BUSY_SECONDS: Final = 30.0
_TURN_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 0.01
_MOST_VALUES: Final = 500
"""SQLite takes 999 of them in a statement, where it is an old one."""
_T = TypeVar("_T")
_inherited: Final[list[sqlite3.Connection]] = []
"""Never closed: a child that closed its parent's connection would meddle with the parent's file."""
_INSERT: Final = (
    "INSERT OR IGNORE INTO logs (id, session_id, timestamp, level, is_error, service, document)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class SqliteStore:
    """Documents in one SQLite file. Implements :class:`~openreplay_otel.stores.base.Store`.

    Args:
        path: The file; made with its folder at the first write, and again where somebody takes it away.
        syncs: Whether each write is brought to the disk itself, where it outlives the machine.
    """

    def __init__(self, path: str | Path, *, syncs: bool = False) -> None:
        self._path = Path(path).expanduser().absolute()
        self._syncs = syncs
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        forks.watch(self)

    @property
    def name(self) -> str:
        """The store's URL, which opens it again."""
        return sqlite_url_of(str(self._path))

    def load(self) -> None:
        """Nothing to import: all of it was with this module."""

    def prepare(self) -> Sequence[str]:
        """Make the file and its tables where they are missing."""
        self._in_turns(_BUSY_SECONDS, lambda _: None)
        return ()

    def write(self, documents: Sequence[Document], *, timeout: float | None = None) -> WriteResult:
        """Store documents in one transaction."""
        rows: list[tuple[Any, ...]] = []
        refused: list[RefusedDocument] = []
        for document in documents:
            try:
                rows.append(row_of(document))
            except ValueError as error:
                refused.append(RefusedDocument(document, 400, f"not a document to store: {error}"))

        def insert(connection: sqlite3.Connection) -> int:
            with _transaction(connection):
                return sum(connection.execute(_INSERT, row).rowcount for row in rows)

        added = self._in_turns(_BUSY_SECONDS if timeout is None else timeout, insert)
        if self._found() != self._file:
            # Taken away meanwhile, perhaps before the rows were in it.
            added = self._in_turns(_BUSY_SECONDS if timeout is None else timeout, insert)
        return WriteResult(accepted=added, known=len(rows) - added, refused=tuple(refused))

    def write_lines(self, lines: bytes, *, timeout: float | None = None) -> WriteResult:
        """Store ready lines in one transaction."""
        try:
            documents = documents_of(lines)
        except ValueError as error:
            raise StoreLayoutError(f"no documents: {error}", is_bad_request=True) from error
        return self.write(documents, timeout=timeout)

    def search(self, query: LogQuery) -> Iterator[list[Hit]]:
        """Find a session's documents in pages, in time order."""
        if query.from_end:
            size = MAX_FROM_END if query.limit is None else min(query.limit, MAX_FROM_END)
            last = sqlite_queries.records(query, size)
            # Read as they come: texts and documents at once would take twice the memory.
            yield self._read(last, fetch=hits_of)[::-1]
            return
        left = query.limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            rows = self._read(sqlite_queries.records(query, size), fetch=part_of)
            if rows:
                query = replace(query, after=Position(rows[-1][2], rows[-1][0]))
                yield hits_of(rows)
            if len(rows) < size and not is_part(rows):
                return
            left = None if left is None else left - len(rows)

    def sessions(self, query: SessionQuery) -> Iterator[list[SessionFigures]]:
        """Find sessions in pages, the newest first."""
        # As text, like Elasticsearch's keywords: real ids have had 19 digits since 2021.
        before_id, left = query.before_id, query.limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            rows = self._read(sqlite_queries.sessions(query, before_id, size), has_tallies=True)
            found = [figures_of(row) for row in self._recounted(rows, query)]
            if found:
                yield found
            if len(rows) < size:
                return
            before_id = rows[-1][0]
            left = None if left is None else left - len(found)

    def overview(self, session_id: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        rows = self._read(Statement(sqlite_queries.OVERVIEW, (session_id,)), has_tallies=True)
        if not rows:
            return None
        return SessionOverview(
            first=from_text(min(row[4] for row in rows)),
            last=from_text(max(row[5] for row in rows)),
            shares=tuple(Share(*row[:4]) for row in rows),
        )

    def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Count records by time."""
        return [Bin(*row) for row in self._read(sqlite_queries.histogram(query, bins=bins))]

    def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted."""
        rows = self._read(Statement(sqlite_queries.SERVICES, ()), has_tallies=True)
        return [row[0] for row in rows]

    def delete_before(self, moment: datetime, *, dry_run: bool) -> int:
        """Delete the records logged before a moment (aware), or count them; returns how many."""
        before = (to_text(moment),)
        if dry_run:
            count = Statement("SELECT count(*) FROM logs WHERE timestamp < ?", before)
            return self._read(count)[0][0]
        return self._delete("timestamp < ?", before)

    def delete_sessions(self, session_ids: Sequence[str]) -> int:
        """Delete all records of sessions; returns how many."""
        marks = ", ".join("?" * len(session_ids))
        return self._delete(f"session_id IN ({marks})", session_ids)

    def make_visible(self) -> None:
        """Nothing to do: what was written is found."""

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close_writer()

    def __repr__(self) -> str:
        """Show where it is."""
        return f"SqliteStore({str(self._path)!r})"

    def _delete(self, condition: str, values: Sequence[str]) -> int:
        def delete(connection: sqlite3.Connection) -> int:
            with _transaction(connection):
                return delete_records(connection, condition, values)

        return self._in_turns(_BUSY_SECONDS, delete)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _in_turns(self, seconds: float, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something with the connection that writes.

        Where another process has the file, the lock here is free between two tries: a fork waits for one of
        them, and not for that process.
        """
        deadline = time.monotonic() + seconds
        with self._errors():
            while True:
                try:
                    with self._lock:
                        return action(self._writing())
                except sqlite3.OperationalError as error:
                    if not _is_locked(error) or time.monotonic() >= deadline:
                        raise
                # For the others to get the lock: it goes to whoever asks at the right moment.
                time.sleep(_PAUSE_SECONDS)

    def _found(self) -> tuple[int, int] | None:
        """What is under the file's name now: device and number; None where nothing is."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _writing(self) -> sqlite3.Connection:
        if self._writer is not None and self._found() != self._file:
            # SQLite would go on writing into a file without a name, or under another one.
            self._close_writer()
        if self._writer is None:
            check_links(self._path)
            make_folders(self._path.parent)
            make_file(self._path)  # SQLite makes those beside it alike.
            connection = self._open(f"{self._path.as_uri()}?mode=rwc", _TURN_SECONDS)
            try:
                self._make_tables(connection, _TURN_SECONDS)
            except BaseException:
                connection.close()
                raise
            self._writer, self._file = connection, self._found()
        return self._writer

    def _open(self, uri: str, busy_seconds: float) -> sqlite3.Connection:
        check_links(self._path)
        connection = sqlite3.connect(
            uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._syncs else 'NORMAL'}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_tables(self, connection: sqlite3.Connection, busy_seconds: float) -> None:
        if self._version(connection) == SCHEMA_VERSION:
            return
        _use_wal(connection, busy_seconds)
        with _transaction(connection):
            # Another process may have been quicker.
            if self._version(connection) != SCHEMA_VERSION:
                make_tables(connection)

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the file's tables; 0 for an empty file."""
        # The tables are counted first: another process may make them in between, all in one step.
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != APPLICATION_ID and tables:
            message = f"{self._path} is an SQLite file of another program; name another file"
            raise StoreLayoutError(message)
        if found == APPLICATION_ID and version > SCHEMA_VERSION:
            message = f"{self._path} was made by a newer openreplay-otel; update this one"
            raise StoreLayoutError(message)
        return version if found == APPLICATION_ID else 0

    def _recounted(
        self, rows: list[tuple[Any, ...]], query: SessionQuery
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of sessions, those with records at other times too counted anew."""
        straddling = [row[0] for row in rows if row[6]]
        counted: dict[str, tuple[Any, ...]] = {}
        for begin in range(0, len(straddling), _MOST_VALUES):
            part = straddling[begin : begin + _MOST_VALUES]
            for row in self._read(sqlite_queries.recount(query, part)):
                counted[row[0]] = row
        for row in rows:
            if not row[6]:
                yield row
            elif row[0] in counted:
                yield counted[row[0]]

    def _read(
        self, asked: Statement, *, has_tallies: bool = False, fetch: Any = all_of
    ) -> list[Any]:
        with self._errors():
            if self._path.exists():
                # A connection of its own for each page: a reader never waits for the app's writer.
                uri = f"{self._path.as_uri()}?mode=rw"
                with contextlib.closing(self._open(uri, _BUSY_SECONDS)) as connection:
                    version = self._version(connection)
                    if has_tallies and 0 < version < SCHEMA_VERSION:
                        self._make_tables(connection, _BUSY_SECONDS)
                    if version:
                        return fetch(connection.execute(*asked))
            message = f"there is no store at {self.name}; nothing was logged to it yet"
            raise StoreLayoutError(message)

    def before_fork(self) -> None:
        """Let no connection and no write that is going on cross a fork.

        SQLite in the child would take the parent's locks for its own: what the child writes is lost as
        soon as another process believes to be the last user of the file and clears the log away.
        """
        self._lock.acquire()
        self._close_writer()

    def after_fork_in_parent(self) -> None:
        """Let writes go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """The same; where C code forked, the lock may be held, and a connection open."""
        self._lock = threading.Lock()
        if self._writer is not None:
            _inherited.append(self._writer)
            self._writer = None

    @contextlib.contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except StoreError:
            raise
        except sqlite3.Error as error:
            raise self._as_store_error(error) from error
        except OSError as error:
            message = f"{self.name} cannot be opened: {error.strerror}"
            raise StoreAccessError(message) from error

    def _as_store_error(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if _is_locked(error):
            return StoreUnavailableError(f"{self.name} is locked by another process: {text}")
        if "disk is full" in text or "disk I/O" in text:
            return StoreUnavailableError(f"{self.name} cannot be written: {text}")
        if "readonly" in text or "unable to open" in text:
            return StoreAccessError(f"{self.name} cannot be opened or written: {text}")
        if "fts5" in text:
            return StoreLayoutError(
                f"the SQLite of this Python has no full-text search (FTS5): {text}"
            )
        if "not a database" in text or "no such table" in text or "malformed" in text:
            return StoreLayoutError(f"{self.name} is not a store of openreplay-otel: {text}")
        return StoreError(f"{self.name}: {text}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite has rolled back already; a second time would hide the reason.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_locked(error: sqlite3.Error) -> bool:
    text = str(error)
    return "locked" in text or "busy" in text


def _use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    # Here SQLite does not wait for another process that makes the file at the same time.
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
