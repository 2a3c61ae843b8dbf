"""FastAPI's websockets."""

from __future__ import annotations

from fastapi import FastAPI, WebSocket

from tests.frameworks.apps import shop

app = FastAPI()


@app.websocket("/child")
async def child(websocket: WebSocket, n: str) -> None:
    """A line for a message."""
    await websocket.accept()
    await websocket.receive_text()
    await websocket.send_text(shop.child(n))


@app.websocket("/handled")
async def handled(websocket: WebSocket, n: str) -> None:
    """A handled error."""
    await websocket.accept()
    await websocket.send_text(shop.handled(n))


@app.websocket("/fail")
async def fail(websocket: WebSocket, n: str) -> None:
    """Fails."""
    await websocket.accept()
    shop.fail(n)


@app.websocket("/slow")
async def slow(websocket: WebSocket, n: str) -> None:
    """Waits."""
    await websocket.accept()
    await websocket.send_text(await shop.slow_async(n))


@app.websocket("/background")
async def background(websocket: WebSocket, n: str) -> None:
    """Goes on when the connection is closed."""
    await websocket.accept()
    await websocket.send_text(await shop.background_async(n))


@app.websocket("/stream")
async def stream(websocket: WebSocket, n: str) -> None:
    """Several messages."""
    await websocket.accept()
    async for part in shop.stream_async(n):
        await websocket.send_bytes(part)
