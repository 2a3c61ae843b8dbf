"""FastAPI."""

from __future__ import annotations

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

from tests.frameworks.apps import shop

app = FastAPI()


@app.get("/child")
async def child(n: str) -> str:
    """In the loop."""
    return shop.child(n)


@app.get("/lines")
async def lines(n: str) -> str:
    """Ten of them."""
    return shop.lines(n)


@app.get("/handled")
def handled(n: str) -> str:
    """In a thread of FastAPI's."""
    return shop.handled(n)


@app.get("/fail")
async def fail(n: str) -> str:
    """Fails."""
    return shop.fail(n)


@app.get("/slow")
async def slow(n: str) -> str:
    """Waits."""
    return await shop.slow_async(n)


@app.get("/background")
async def background(n: str, tasks: BackgroundTasks) -> str:
    """Goes on later: FastAPI's task, and asyncio's."""
    tasks.add_task(shop.later, n)
    return await shop.background_async(n)


@app.get("/stream")
async def stream(n: str) -> StreamingResponse:
    """A streamed answer."""
    return StreamingResponse(shop.stream_async(n))
