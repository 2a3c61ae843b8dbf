"""The ways to ask a server: each sends one request of a session, and waits for its answer or its end."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode

from tests.frameworks.ending import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER: Final = "openReplaySession.id"
_PATIENCE_SECONDS: Final = 3
"""For what is said after an answer broke off, of which some servers say nothing."""


def _headers(session_id: str | None) -> dict[str, str]:
    return {} if session_id is None else {HEADER: session_id}


def _split(path: str) -> tuple[str, str]:
    """An action and a number: of ``/child?n=1``, or of ``/no-such-page/1``."""
    path, _, query = path.partition("?")
    if query:
        return path[1:], parse_qs(query)["n"][0]
    action, _, number = path[1:].partition("/")
    return action, number


def by_http(port: int, path: str, session_id: str | None) -> None:
    """A GET; the connection may break."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", path, headers=_headers(session_id))
        answer = connection.getresponse()
        while part := answer.readline():
            if part == b"second\n" and connection.sock is not None:
                # Daphne does not end an answer that breaks off; one that ends with its connection has taken it over.
                connection.sock.settimeout(_PATIENCE_SECONDS)


def by_websocket(port: int, path: str, session_id: str | None) -> None:
    """A connection with one message; the server's are read until it closes."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    with (
        contextlib.suppress(OSError, WebSocketException, TimeoutError),
        connect(
            f"ws://127.0.0.1:{port}{path}", additional_headers=_headers(session_id), proxy=None,
            open_timeout=MOST_SECONDS, close_timeout=_PATIENCE_SECONDS,
        ) as connection,
    ):  # fmt: skip
        connection.send("now")
        # One answer, or all of a stream that breaks off.
        # Hypercorn does not close a connection whose handler failed.
        seconds = _PATIENCE_SECONDS if "fail" in path or "stream" in path else MOST_SECONDS
        while connection.recv(seconds) == b"first\n" or "stream" in path:
            pass


def by_graphql(port: int, path: str, session_id: str | None) -> None:
    """A query; a subscription where the answer is a stream."""
    action, number = _split(path)
    if action == "stream":
        _subscribe(port, number, session_id)
        return
    query = f'{{ {action}(n: "{number}") }}' if "?" in path else f'{{ missing(n: "{number}") }}'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    with contextlib.closing(connection):
        connection.request(
            "POST", f"/graphql?{urlencode({'n': number})}", json.dumps({"query": query}),
            _headers(session_id) | {"Content-Type": "application/json"},
        )  # fmt: skip
        connection.getresponse().read()


def _subscribe(port: int, number: str, session_id: str | None) -> None:
    from websockets.sync.client import connect

    with connect(
        f"ws://127.0.0.1:{port}/graphql", additional_headers=_headers(session_id), proxy=None,
        subprotocols=["graphql-transport-ws"],  # pyright: ignore[reportArgumentType] - a NewType of str
    ) as connection:  # fmt: skip
        query = f'subscription {{ stream(n: "{number}") }}'
        for message in (
            {"type": "connection_init"},
            {"id": "1", "type": "subscribe", "payload": {"query": query}},
        ):
            connection.send(json.dumps(message))
        while json.loads(connection.recv(MOST_SECONDS))["type"] not in {"complete", "error"}:
            pass


def by_socketio(port: int, path: str, session_id: str | None) -> None:
    """A websocket that speaks Socket.IO's protocol, and one event that is answered, unless its handler fails."""
    from websockets.sync.client import connect

    action, number = _split(path)
    with connect(
        f"ws://127.0.0.1:{port}/socket.io/?transport=websocket&EIO=4&n={number}", proxy=None,
        additional_headers=_headers(session_id), open_timeout=MOST_SECONDS,
        close_timeout=1,
    ) as connection:  # fmt: skip
        assert str(connection.recv(MOST_SECONDS)).startswith("0{")
        connection.send("40")
        assert str(connection.recv(MOST_SECONDS)).startswith("40{")
        connection.send(f'420["{action}","{number}"]')
        while "?" in path and action not in {"fail", "stream"}:
            if str(connection.recv(MOST_SECONDS)).startswith("430["):
                break


def by_grpc(port: int, path: str, session_id: str | None) -> None:
    """A call; its metadata carries the session, the names of which are written small."""
    import grpc

    action, number = _split(path)
    metadata = () if session_id is None else ((HEADER.lower(), session_id),)
    with (
        contextlib.suppress(grpc.RpcError),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        name = f"/shop.Orders/{action}"
        if action == "stream":
            list(channel.unary_stream(name)(number.encode(), metadata=metadata))
        else:
            channel.unary_unary(name)(number.encode(), metadata=metadata, timeout=MOST_SECONDS)


def api_gateway_event(path: str, session_id: str | None) -> dict[str, object]:
    """What AWS's API gateway (HTTP API, version 2) hands a Lambda function of a GET."""
    route, _, query = path.partition("?")
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": route, "rawQueryString": query,
        # The gateway writes names of headers small.
        "headers": {name.lower(): value for name, value in _headers(session_id).items()}
        | {"host": "shop.example", "x-forwarded-proto": "https"},
        "queryStringParameters": dict(pair.split("=") for pair in query.split("&") if pair),
        "requestContext": {
            "http": {
                "method": "GET", "path": route, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "test",
            },
            "requestId": base64.b32encode(path.encode()).decode(), "stage": "$default",
        },
        "isBase64Encoded": False,
    }  # fmt: skip


CLIENTS: Final[dict[str, Callable[[int, str, str | None], None]]] = {
    "http": by_http,
    "websocket": by_websocket,
    "graphql": by_graphql,
    "socketio": by_socketio,
    "grpc": by_grpc,
}
