"""The two ways to look up, behind one face, so that the same tests can use both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from openreplay_otel import AsyncSessionLogs, SessionLogs

if TYPE_CHECKING:
    from openreplay_otel import LogEntry, SessionSummary

APP: dict[str, Any] = {"app_url": "https://or.example", "project_id": 5}


class Plain:
    """Ordinary lookups."""

    kind = SessionLogs

    def logs(self, source: Any, *arguments: Any, **filters: Any) -> list[LogEntry]:
        """The records of a session."""
        with SessionLogs(source, **APP) as logs:
            return list(logs.logs(*arguments, **filters))

    def sessions(self, source: Any, **filters: Any) -> list[SessionSummary]:
        """The sessions."""
        with SessionLogs(source, **APP) as logs:
            return list(logs.sessions(**filters))


class Asynchronous:
    """The same with asyncio."""

    kind = AsyncSessionLogs

    def logs(self, source: Any, *arguments: Any, **filters: Any) -> list[LogEntry]:
        """The records of a session."""

        async def collect() -> list[LogEntry]:
            async with AsyncSessionLogs(source, **APP) as logs:
                return [entry async for entry in logs.logs(*arguments, **filters)]

        return asyncio.run(collect())

    def sessions(self, source: Any, **filters: Any) -> list[SessionSummary]:
        """The sessions."""

        async def collect() -> list[SessionSummary]:
            async with AsyncSessionLogs(source, **APP) as logs:
                return [summary async for summary in logs.sessions(**filters)]

        return asyncio.run(collect())


def numbers(entries: list[LogEntry]) -> list[int]:
    """The numbers of the documents behind entries."""
    return [int(entry.document_id.removeprefix("id")) for entry in entries]
