"""FastAPI's server-sent events: all is done while they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tests.frameworks.apps import shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

app = FastAPI()


@app.get("/child", response_class=EventSourceResponse)
async def child(n: str) -> AsyncIterator[ServerSentEvent]:
    """A line."""
    yield ServerSentEvent(data="first")
    yield ServerSentEvent(data=shop.child(n))


@app.get("/handled", response_class=EventSourceResponse)
async def handled(n: str) -> AsyncIterator[ServerSentEvent]:
    """A handled error."""
    yield ServerSentEvent(data=shop.handled(n))


@app.get("/fail", response_class=EventSourceResponse)
async def fail(n: str) -> AsyncIterator[ServerSentEvent]:
    """Fails before the first event."""
    shop.fail(n)
    yield ServerSentEvent(data="never")


@app.get("/slow", response_class=EventSourceResponse)
async def slow(n: str) -> AsyncIterator[ServerSentEvent]:
    """Waits between events."""
    yield ServerSentEvent(data="first")
    yield ServerSentEvent(data=await shop.slow_async(n))


@app.get("/background", response_class=EventSourceResponse)
async def background(n: str) -> AsyncIterator[ServerSentEvent]:
    """Goes on when all events are sent."""
    yield ServerSentEvent(data=await shop.background_async(n))


@app.get("/stream", response_class=EventSourceResponse)
async def stream(n: str) -> AsyncIterator[ServerSentEvent]:
    """Breaks off."""
    async for part in shop.stream_async(n):
        yield ServerSentEvent(data=part.decode())
