"""What a client can hold of the page: a connection for a while, and never the page of somebody else."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.viewer.serving import SECONDS, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.viewer.conftest import Shop

FILES = 256
"""What macOS lets a process open, and what a service manager may set."""
HEAD = b"GET /?show=all HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FORM = b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "nothing": b"",
    "a part of a line": b"GET / HT",
    "a head without its end": HEAD,
    "a form without its content": FORM + b"Content-Length: 100\r\n\r\n",
    "a form without its end": FORM + b"Content-Length: 100\r\n\r\nq=x",
    "chunks without an end": FORM + b"Transfer-Encoding: chunked\r\n\r\n1\r\nq\r\n",
    "a content that nobody asked for": HEAD + b"Content-Length: 100\r\n\r\n",
    "a method that is refused": b"PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n",
    "a second request": HEAD + b"\r\n" + HEAD,
}


@pytest.fixture
def served(shop: Shop, tmp_path: Path) -> Iterator[Serving]:
    """A page whose process may open few files."""
    with Serving(shop.url, tmp_path, files=FILES) as page:
        yield page
        assert page.end() == 0
    assert page.said == ""


@contextlib.contextmanager
def clients(page: Serving, number: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections on which something was sent."""
    with contextlib.ExitStack() as stack:
        found: list[socket.socket] = []
        for _ in range(number):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", page.port), timeout=SECONDS)
            )
            # The page may have hung up already, in favour of others.
            with contextlib.suppress(OSError):
                one.sendall(sent)
            found.append(one)
        yield found


def got_at_last(page: Serving, path: str) -> str:
    """A page, asked for again where the server hangs up: as long as it works for all others, none makes room."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            return page.get(path).text
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("kind", ["nothing", "a head without its end", "a form without its end"])
def test_hundreds_of_half_open_connections_stop_nobody(
    served: Serving, shop: Shop, kind: str
) -> None:
    """More than the files that the process may open: another visitor's page answers meanwhile."""
    with clients(served, 300, SLOW[kind]):
        for _ in range(3):
            assert shop.failed in got_at_last(served, "/")


def test_clients_that_read_nothing_stop_nobody(served: Serving, shop: Shop) -> None:
    """Each asks for a download that is larger than what fits into a connection."""
    asked = (
        f"GET /session/{shop.failed}/download.jsonl HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    )
    with clients(served, 300, asked):
        assert shop.failed in got_at_last(served, "/")


def test_a_request_that_does_not_arrive_is_ended(served: Serving) -> None:
    """Each kind of it, on a connection that sends a byte now and then as on one that is silent."""
    with contextlib.ExitStack() as stack:
        waiting: dict[socket.socket, bytes] = {}
        for sent in SLOW.values():
            for drip in (b"", b"a"):
                (one,) = stack.enter_context(clients(served, 1, sent))
                waiting[one] = drip
        until = time.monotonic() + SECONDS
        while waiting:
            assert time.monotonic() < until, f"{len(waiting)} of them are still held"
            # What is answered is read, the end comes after it.
            for one in select.select([*waiting], [], [], 0.25)[0]:
                with contextlib.suppress(ConnectionError):
                    if one.recv(65_536):
                        continue
                del waiting[one]
            for one, drip in waiting.items():
                with contextlib.suppress(ConnectionError):
                    one.sendall(drip)


def test_a_browser_that_keeps_its_connection_is_served_on(served: Serving, shop: Shop) -> None:
    """Request after request, also with a form between, and two of them sent at once."""
    form = FORM + b"Content-Length: 1\r\nConnection: close\r\n\r\nq"
    with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) as one:
        one.sendall((HEAD + b"\r\n") * 5 + form)
        received = b""
        while part := one.recv(65_536):
            received += part
    assert received.count(b"HTTP/1.1 200 OK") == 5
    assert received.count(b"HTTP/1.1 303 See Other") == 1
    assert received.count(shop.quiet[59].encode()) >= 5
