"""A bare ASGI app, which no instrumentation knows of."""

from __future__ import annotations

from urllib.parse import parse_qs

from tests.frameworks.apps import shop


async def app(scope, receive, send):
    """Answer."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    path, number = scope["path"], parse_qs(scope["query_string"].decode()).get("n", [""])[0]
    status = 200
    if path == "/slow":
        await shop.slow_async(number)
    elif path == "/background":
        await shop.background_async(number)
    elif path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for part in shop.stream_async(number):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    elif path in shop.ACTIONS:
        shop.ACTIONS[path](number)
    else:
        status = 404
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})
