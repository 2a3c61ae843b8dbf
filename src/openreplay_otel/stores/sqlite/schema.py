"""The tables of the embedded store, and how files of older versions are brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

APPLICATION_ID: Final = 0x4F52_4F54
SCHEMA_VERSION: Final = 2
"""1: logs and words. 2: and tallies."""

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS logs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        session_id TEXT,
        timestamp TEXT NOT NULL,
        level TEXT NOT NULL,
        is_error INTEGER NOT NULL,
        service TEXT,
        text TEXT AS (
            coalesce(json_extract(document, '$.message'), '') || char(10) ||
            coalesce(json_extract(document, '$."error.message"'), '') || char(10) ||
            coalesce(json_extract(document, '$."error.stack_trace"'), '')
        ) VIRTUAL,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS logs_of_session ON logs (session_id, timestamp, id)",
    "CREATE INDEX IF NOT EXISTS logs_of_time ON logs (timestamp)",
    # External content: the text stands in the document, once.
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, content='logs', content_rowid='number')",
    """CREATE TRIGGER IF NOT EXISTS words_of_log AFTER INSERT ON logs BEGIN
        INSERT INTO words (rowid, text) VALUES (new.number, new.text);
    END""",
    # A list of sessions is read from here: counting a million records takes seconds.
    """CREATE TABLE IF NOT EXISTS tallies (
        session_id TEXT NOT NULL,
        service TEXT NOT NULL,
        level TEXT NOT NULL,
        first TEXT NOT NULL,
        last TEXT NOT NULL,
        records INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        PRIMARY KEY (session_id, service, level)
    ) WITHOUT ROWID""",
)
# Two statements and no upsert: the OR IGNORE of the insert that fires the trigger takes its place.
_TALLY: Final = """CREATE TRIGGER IF NOT EXISTS tally_of_log AFTER INSERT ON logs
    WHEN new.session_id IS NOT NULL BEGIN
        INSERT OR IGNORE INTO tallies
            VALUES (new.session_id, coalesce(new.service, ''), new.level, new.timestamp, new.timestamp, 0, 0);
        UPDATE tallies SET
            first = min(first, new.timestamp), last = max(last, new.timestamp),
            records = records + 1, errors = errors + new.is_error
        WHERE session_id = new.session_id AND service = coalesce(new.service, '') AND level = new.level;
    END"""
_COUNT: Final = """INSERT INTO tallies
    SELECT session_id, coalesce(service, ''), level, min(timestamp), max(timestamp), count(*), sum(is_error)
    FROM logs WHERE session_id IS NOT NULL{condition} GROUP BY 1, 2, 3"""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing, in a transaction of the caller's; records of an older version stay."""
    had_tallies = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'tally_of_log'"
    ).fetchone()[0]
    for statement in _TABLES:
        connection.execute(statement)
    if not had_tallies:
        connection.execute(_COUNT.format(condition=""))
        connection.execute(_TALLY)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def delete_records(connection: sqlite3.Connection, condition: str, values: Sequence[str]) -> int:
    """Delete records and what was counted of them, in a transaction of the caller's.

    Args:
        connection: The file.
        condition: Which records, in SQL; of constants.
        values: What is bound in it.

    Returns:
        How many.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS touched (session_id TEXT PRIMARY KEY)")
    connection.execute("DELETE FROM touched")
    connection.execute(
        "INSERT INTO touched SELECT DISTINCT session_id FROM logs"  # noqa: S608 - of constants; values are bound
        f" WHERE session_id IS NOT NULL AND {condition}",
        values,
    )
    # An index over external content has to be told the text that goes.
    connection.execute(
        "INSERT INTO words (words, rowid, text)"  # noqa: S608 - likewise
        f" SELECT 'delete', number, text FROM logs WHERE {condition}",
        values,
    )
    deleted = connection.execute(f"DELETE FROM logs WHERE {condition}", values)  # noqa: S608 - likewise
    touched = "session_id IN (SELECT session_id FROM touched)"
    connection.execute(f"DELETE FROM tallies WHERE {touched}")  # noqa: S608 - likewise
    connection.execute(_COUNT.format(condition=f" AND {touched}"))
    return deleted.rowcount
