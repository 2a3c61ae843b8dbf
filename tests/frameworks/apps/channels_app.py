"""Django Channels: websockets, on Daphne."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

from tests.frameworks.apps import shop

_http = get_asgi_application()


def _number(scope):
    return scope["query_string"].decode().partition("=")[2]


class _Act(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        number, action = _number(self.scope), self.scope["path"]
        if action == "/slow":
            await shop.slow_async(number)
        elif action == "/background":
            await shop.background_async(number)
        else:
            shop.ACTIONS[action](number)
        await self.send("ok")


class _Handled(WebsocketConsumer):
    """Channels runs it in a thread."""

    def receive(self, text_data=None, bytes_data=None):
        self.send(shop.handled(_number(self.scope)))


class _Stream(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        async for part in shop.stream_async(_number(self.scope)):
            await self.send(bytes_data=part)


app = ProtocolTypeRouter(
    {
        "http": _http,
        "websocket": URLRouter(
            [
                path("handled", _Handled.as_asgi()),
                path("stream", _Stream.as_asgi()),
                *(path(name[1:], _Act.as_asgi()) for name in shop.ACTIONS),
            ]  # pyright: ignore[reportArgumentType] - a path is what its documentation shows
        ),
    }
)
