"""Tornado's server."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application, RequestHandler

from tests.frameworks.apps import shop


class _Act(RequestHandler):
    async def get(self):
        number, path = self.get_query_argument("n"), self.request.path
        if path == "/slow":
            await shop.slow_async(number)
        elif path == "/background":
            await shop.background_async(number)
        else:
            shop.ACTIONS[path](number)
        self.write("ok")


class _Stream(RequestHandler):
    async def get(self):
        async for part in shop.stream_async(self.get_query_argument("n")):
            self.write(part)
            await self.flush()


async def main():
    """Serve."""
    app = Application([*((path, _Act) for path in shop.ACTIONS), ("/stream", _Stream)])
    app.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
