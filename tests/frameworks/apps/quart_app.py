"""Quart."""

from __future__ import annotations

import sys

from quart import Quart, request

from tests.frameworks.apps import shop

app = Quart(__name__)


@app.get("/child")
async def child():
    """In the loop."""
    return shop.child(request.args["n"])


@app.get("/handled")
def handled():
    """In a thread of Quart's."""
    return shop.handled(request.args["n"])


@app.get("/fail")
async def fail():
    """Fails."""
    return shop.fail(request.args["n"])


@app.get("/slow")
async def slow():
    """Waits."""
    return await shop.slow_async(request.args["n"])


@app.get("/background")
async def background():
    """Goes on later: Quart's task, and asyncio's."""
    app.add_background_task(shop.later, request.args["n"])
    return await shop.background_async(request.args["n"])


@app.get("/stream")
async def stream():
    """A streamed answer."""
    return shop.stream_async(request.args["n"])


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]))
