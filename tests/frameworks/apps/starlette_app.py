"""Starlette."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.frameworks.apps import shop


async def child(request):
    """In the loop."""
    return PlainTextResponse(shop.child(request.query_params["n"]))


def handled(request):
    """In a thread of Starlette's."""
    return PlainTextResponse(shop.handled(request.query_params["n"]))


async def fail(request):
    """Fails."""
    return PlainTextResponse(shop.fail(request.query_params["n"]))


async def slow(request):
    """Waits."""
    return PlainTextResponse(await shop.slow_async(request.query_params["n"]))


async def background(request):
    """Goes on later: Starlette's task, and asyncio's."""
    number = request.query_params["n"]
    await shop.background_async(number)
    return PlainTextResponse("ok", background=BackgroundTask(shop.later, number))


async def stream(request):
    """A streamed answer."""
    return StreamingResponse(shop.stream_async(request.query_params["n"]))


views = (child, handled, fail, slow, background, stream)
app = Starlette(routes=[Route(f"/{view.__name__}", view) for view in views])
