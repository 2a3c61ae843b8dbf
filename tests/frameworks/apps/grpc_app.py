"""gRPC, with threads and with asyncio; without generated code, which handlers do not need."""

from __future__ import annotations

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio

from tests.frameworks.apps import shop


def _act(action):
    def act(request, context):
        return action(request.decode()).encode()

    return act


def _stream(request, context):
    yield from shop.stream(request.decode())


def _act_async(action):
    async def act(request, context):
        answer = action(request.decode())
        return (answer if isinstance(answer, str) else await answer).encode()

    return act


async def _stream_async(request, context):
    async for part in shop.stream_async(request.decode()):
        yield part


def _service(act, actions, stream):
    return grpc.method_handlers_generic_handler(
        "shop.Orders",
        {
            **{
                path[1:]: grpc.unary_unary_rpc_method_handler(act(action))
                for path, action in actions.items()
            },
            "stream": grpc.unary_stream_rpc_method_handler(stream),
        },
    )


def serve(address: str) -> None:
    """With threads."""
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_service(_act, shop.ACTIONS, _stream),))
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(5))
    server.start()
    server.wait_for_termination()


async def serve_async(address: str) -> None:
    """With asyncio."""
    server = grpc.aio.server()
    actions = shop.ACTIONS | {"/slow": shop.slow_async, "/background": shop.background_async}
    server.add_generic_rpc_handlers((_service(_act_async, actions, _stream_async),))
    server.add_insecure_port(address)
    await server.start()
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()
    await server.stop(5)


if __name__ == "__main__":
    if sys.argv[1] == "aio":
        asyncio.run(serve_async(sys.argv[2]))
    else:
        serve(sys.argv[2])
