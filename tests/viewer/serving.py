"""Starts the real command ``openreplay-otel serve`` and asks it, byte by byte where need be."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.unit.cli_harness import COMMAND, environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 60
APP_URL = "https://replay.example.org"
_ADDRESS = re.compile(r"is shown at (http://\S+)")


class Answer(NamedTuple):
    """What the page answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is an error."""
        return self.body.decode()


class Serving:
    """A page of a process of its own, ended with the ``with`` block.

    Args:
        store: The store's URL.
        state: The user's state folder.
        arguments: Further arguments of the command.
        command: The command, where it is not ``serve``.
        files: How many files the process may open, where it matters.
        variables: Further variables.
    """

    def __init__(
        self,
        store: str | None,
        state: Path,
        *arguments: str,
        command: tuple[str, ...] = ("serve",),
        files: int | None = None,
        **variables: str,
    ) -> None:
        given = () if store is None else ("--store", store)
        limit = f'ulimit -n {files}; exec "$@"'
        limited = () if files is None else ("sh", "-c", limit, "sh")
        self._process = subprocess.Popen(
            [*limited, COMMAND, *command, "--port", "0", *given, *arguments],
            env=environment(state, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stderr is not None
        first = self._process.stderr.readline()
        found = _ADDRESS.search(first)
        if found is None:
            rest = self._process.communicate(timeout=SECONDS)[1]
            message = f"the page did not start: {first}{rest}"
            raise AssertionError(message)
        # Read here, or it would stay in this pipe's buffer when the rest is read past it.
        assert self._process.stderr.readline() == "Ctrl-C ends it.\n"
        self.link = found[1]
        parts = urlsplit(self.link)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port
        self.url = f"http://{parts.netloc}"
        self.said = ""

    def __enter__(self) -> Serving:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it as Ctrl-C does, and read what it said."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self.said += self._process.communicate(timeout=SECONDS)[1]

    def end(self) -> int:
        """End it as Ctrl-C does; returns its exit code."""
        self.__exit__()
        return self._process.returncode

    def get(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Answer:
        """Ask; a header's name is written with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(method, path, named, body)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send one request, as it stands."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.putrequest(
                method, path, skip_host="Host" in headers, skip_accept_encoding=True
            )
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, path: str, values: Mapping[str, str], **headers: str) -> Answer:
        """Send a form."""
        kind = "application/x-www-form-urlencoded"
        return self.get(
            path, method="POST", body=urlencode(values).encode(), Content_Type=kind, **headers
        )

    def raw(self, request: bytes) -> bytes:
        """Send bytes; returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as connection:
            connection.sendall(request)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received


class Seen(HTMLParser):
    """What a browser makes of a page: its elements, links and text.

    Attributes:
        tags: Each element with its attributes.
        links: Where links lead.
        text: All text.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an element."""
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "a":
            self.links.append(attributes.get("href") or "")

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data

    def count(self, tag: str, **attributes: str) -> int:
        """How many elements there are; ``class_`` stands for ``class``."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return sum(
            name == tag and all(found.get(k) == v for k, v in wanted.items())
            for name, found in self.tags
        )


def is_safe(seen: Seen, own: str = APP_URL) -> bool:
    """Whether a page runs and loads nothing but its own files, and leads nowhere strange."""
    for tag, attributes in seen.tags:
        if any(name.startswith("on") or name == "style" for name in attributes):
            return False
        if tag in {"iframe", "object", "embed", "base", "style"}:
            return False
        source = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        if source is not None and not source.startswith("/static/"):
            return False
        action = attributes.get("action")
        if action is not None and not action.startswith("/"):
            return False
    scripts = seen.count("script")
    return scripts == 1 and all(
        link.startswith((f"{own}/", "#")) or (link.startswith("/") and not link.startswith("//"))
        for link in seen.links
    )
