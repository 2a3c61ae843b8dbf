"""Sanic."""

from __future__ import annotations

from sanic import Sanic
from sanic.response import text

from tests.frameworks.apps import shop

app = Sanic("shop")


@app.get("/child")
async def child(request):
    """In the loop."""
    return text(shop.child(request.args.get("n")))


@app.get("/handled")
def handled(request):
    """Not a coroutine."""
    return text(shop.handled(request.args.get("n")))


@app.get("/fail")
async def fail(request):
    """Fails."""
    return text(shop.fail(request.args.get("n")))


@app.get("/slow")
async def slow(request):
    """Waits."""
    return text(await shop.slow_async(request.args.get("n")))


@app.get("/background")
async def background(request):
    """Goes on later: Sanic's task, and asyncio's."""
    request.app.add_task(shop.later_async(request.args.get("n")))
    return text(await shop.background_async(request.args.get("n")))


@app.get("/stream")
async def stream(request):
    """A streamed answer."""
    response = await request.respond()
    async for part in shop.stream_async(request.args.get("n")):
        await response.send(part)
