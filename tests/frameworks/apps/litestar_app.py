"""Litestar."""

from __future__ import annotations

from litestar import Litestar, get
from litestar.background_tasks import BackgroundTask
from litestar.response import Response, Stream

from tests.frameworks.apps import shop


@get("/child")
async def child(n: str) -> str:
    """In the loop."""
    return shop.child(n)


@get("/handled", sync_to_thread=True)
def handled(n: str) -> str:
    """In a thread of Litestar's."""
    return shop.handled(n)


@get("/fail")
async def fail(n: str) -> str:
    """Fails."""
    return shop.fail(n)


@get("/slow")
async def slow(n: str) -> str:
    """Waits."""
    return await shop.slow_async(n)


@get("/background")
async def background(n: str) -> Response[str]:
    """Goes on later: Litestar's task, and asyncio's."""
    return Response(await shop.background_async(n), background=BackgroundTask(shop.later_async, n))


@get("/stream")
async def stream(n: str) -> Stream:
    """A streamed answer."""
    return Stream(shop.stream_async(n))


app = Litestar([child, handled, fail, slow, background, stream])
