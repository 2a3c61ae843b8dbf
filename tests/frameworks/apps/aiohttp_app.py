"""aiohttp's server."""

from __future__ import annotations

import sys

from aiohttp import web

from tests.frameworks.apps import shop


async def _act(request):
    number, path = request.query["n"], request.path
    if path == "/slow":
        await shop.slow_async(number)
    elif path == "/background":
        await shop.background_async(number)
    else:
        shop.ACTIONS[path](number)
    return web.Response(text="ok")


async def _stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    async for part in shop.stream_async(request.query["n"]):
        await response.write(part)
    return response


app = web.Application()
app.add_routes([web.get(path, _act) for path in shop.ACTIONS])
app.add_routes([web.get("/stream", _stream)])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
