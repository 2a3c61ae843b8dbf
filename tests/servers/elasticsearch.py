"""A real Elasticsearch for the tests.

By hand: `python -m tests.servers.elasticsearch 8` (or 9) runs one until Ctrl-C, `--fetch-only` fills the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.servers.access import reachable_by_everyone, server_account
from tests.servers.client import ElasticsearchClient
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.fetch import DISTRIBUTIONS, fetch
from tests.servers.java import find_java
from tests.servers.process import SupervisedProcess
from tests.servers.run_folder import RunFolder, write_run_folder
from tests.servers.wipe import made_by_users

if TYPE_CHECKING:
    from types import TracebackType

    from tests.servers.run_folder import Place

_READY_SECONDS = 180
_DEAD_SECONDS = 30
_PORT_ATTEMPTS = 3


class _PortTakenError(ServerFailed):
    """Someone else took the port between the look for a free one and its use."""


class ElasticsearchServer(ElasticsearchClient):
    """A running, secured Elasticsearch, made by `start` or `at`, and a client for it.

    Beside the client's `url`, `user`, `password` and `ca_path` it has `version`, e.g. "8.19.8", `major` and, when it
    was started here, `java_process`, the id of the server's process, and `folder`, where its configuration, data and
    `console.log` are. As a context manager it stops at the end.
    """

    def __init__(self, url: str, user: str, password: str, *, ca_path: Path | None = None) -> None:
        super().__init__(url, user, password, ca_path=ca_path)
        self.version = ""
        self.major = 0
        self._process: SupervisedProcess | None = None
        self._command: list[str] = []
        self._environment: dict[str, str] = {}
        self.java_process: int | None = None
        self.folder: Path | None = None

    @classmethod
    def start(cls, major: int, *, tls: bool = False) -> ElasticsearchServer:
        """Start a server of `major` (8 or 9) on free ports of this machine, with TLS if asked for; takes 15-45 s.

        Raises `ServerUnavailable` when this machine cannot have one, `ServerFailed` when it does not come up.
        """
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                return cls._started(major, tls=tls)
            except _PortTakenError:
                if attempt == _PORT_ATTEMPTS:
                    raise
        raise AssertionError

    @classmethod
    def at(cls, url: str) -> ElasticsearchServer:
        """Use the running server at `url`, which holds the superuser's credentials.

        As tests wipe their server, one that holds data is refused with `ServerFailed`.
        """
        parts = urlsplit(url)
        bare = urlunsplit(
            (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
        )
        server = cls(bare, unquote(parts.username or ""), unquote(parts.password or ""))
        try:
            server._identify()
        except (OSError, http.client.HTTPException) as error:
            message = f"no Elasticsearch answers at {bare}: {error}"
            raise ServerFailed(message) from error
        held = made_by_users(server)
        if (held.indexes or held.data_streams) and not os.environ.get("OPENREPLAY_TEST_ES_WIPE"):
            some = ", ".join([*held.indexes, *held.data_streams][:3])
            message = (
                f"the server at {bare} holds data ({some}) and the tests delete everything: give them an empty one, "
                "or set OPENREPLAY_TEST_ES_WIPE=1 if nothing on it is of use"
            )
            raise ServerFailed(message)
        return server

    def stop(self) -> None:
        """End the server and remove its data. Leaves a server that was not started here alone."""
        if self._process is not None:
            self._process.end()

    def kill(self) -> None:
        """SIGKILL the Java process, as an out-of-memory killer would; returns when it is gone. Data and port stay."""
        process = self._own()
        assert self.java_process is not None
        # Not the launcher: the server would notice its end and shut down in order.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.java_process, signal.SIGKILL)
        deadline = time.monotonic() + _DEAD_SECONDS
        while process.alive():
            if time.monotonic() > deadline:
                message = "Elasticsearch's launcher outlives its killed server"
                raise ServerFailed(message)
            time.sleep(0.02)

    def begin(self) -> None:
        """Start it, for the first time or on its data and port; returns at once."""
        self._own().start(self._command, self._environment)

    def start_again(self) -> None:
        """Start the killed server on its data and port; returns when it is ready. Raises `ServerFailed` if it fails."""
        self.begin()
        self.wait_until_ready()

    def hang(self) -> None:
        """Let it do nothing any more: it accepts connections and never answers."""
        assert self.java_process is not None
        os.kill(self.java_process, signal.SIGSTOP)

    def go_on(self) -> None:
        """End `hang`."""
        assert self.java_process is not None
        os.kill(self.java_process, signal.SIGCONT)

    def __enter__(self) -> ElasticsearchServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @classmethod
    def _started(cls, major: int, *, tls: bool) -> ElasticsearchServer:
        server = cls.made(major, tls=tls)
        try:
            server.start_again()
        except BaseException:
            server.stop()
            raise
        return server

    @classmethod
    def made(
        cls, major: int, *, tls: bool = False, place: Place | None = None
    ) -> ElasticsearchServer:
        """A server that is ready to be begun; a node of a cluster of several, where it has a place there."""
        distribution = DISTRIBUTIONS[major]
        java = find_java(distribution.java)
        account = server_account()
        home = fetch(major)
        path = Path(tempfile.mkdtemp(prefix="openreplay-otel-es-"))
        if account is not None and not reachable_by_everyone(path.parent):
            path.rmdir()
            message = "Elasticsearch does not run as root and `nobody` cannot reach the temporary folder: set TMPDIR"
            raise ServerUnavailable(message)
        process = SupervisedProcess(path, account)
        try:
            run = write_run_folder(
                path, home, distribution, java, tls=tls, account=account, place=place
            )
            server = cls(run.url, run.user, run.password, ca_path=run.ca_path)
            server.folder = path
            server._process = process
            server._command = ["bash", str(run.home / "bin" / "elasticsearch")]
            server._environment = _environment(run, java)
        except BaseException:
            process.end()
            raise
        return server

    def _own(self) -> SupervisedProcess:
        if self._process is None:
            message = f"the server at {self.url} was not started by these tests, so they cannot kill or restart it"
            raise ServerFailed(message)
        return self._process

    def _identify(self) -> None:
        self.version = self.expect("GET", "/")["version"]["number"]
        self.major = int(self.version.partition(".")[0])

    def wait_until_ready(self) -> None:
        """Wait until it answers as a healthy server does. Raises `ServerFailed` when it does not come to that."""
        process = self._own()
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, ServerFailed):
                self.expect("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
                self._identify()
                nodes = self.expect("GET", "/_nodes/_local/process")["nodes"]
                self.java_process = next(iter(nodes.values()))["process"]["id"]
                # A new server makes its security index after it has called itself healthy, and answers what needs
                # that index with 503 meanwhile. Whoever writes to it waits for it.
                self.expect("PUT", "/_security/role/openreplay-tests-are-ready", {})
                self.expect("DELETE", "/_security/role/openreplay-tests-are-ready")
                return
            if not process.alive() or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        output = process.output()
        clash = "already in use" in output or "BindException" in output
        message = f"Elasticsearch did not become ready, the end of its output:\n{output[-4000:]}"
        raise (_PortTakenError if clash else ServerFailed)(message)


def open_server(major: int) -> ElasticsearchServer:
    """The server the tests are to use: the one named in `ELASTICSEARCH_URL`, else one of `major` started here."""
    url = os.environ.get("ELASTICSEARCH_URL")
    return ElasticsearchServer.at(url) if url else ElasticsearchServer.start(major)


def _environment(run: RunFolder, java: Path) -> dict[str, str]:
    heap = os.environ.get("OPENREPLAY_TEST_ES_HEAP", "512m")
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
        if name in os.environ
    }
    return kept | {
        "HOME": str(run.path / "tmp"),
        "ES_PATH_CONF": str(run.config),
        "ES_TMPDIR": str(run.path / "tmp"),
        "ES_JAVA_HOME": str(java),
        # A killed JVM leaves its performance data in the system's temporary folder.
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} -XX:-UsePerfData",
        # Elasticsearch 9's launcher makes a folder in that one at each start, and leaves it there.
        "CLI_JAVA_OPTS": f"-XX:-UsePerfData -Djava.io.tmpdir={run.path / 'tmp'}",
    }


def main() -> None:
    """Run one server in the foreground and print where it is, as one line of JSON; ends it on Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers.elasticsearch", description=main.__doc__
    )
    parser.add_argument("major", type=int, choices=sorted(DISTRIBUTIONS))
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a made certificate")
    parser.add_argument(
        "--fetch-only", action="store_true", help="fill the cache and start nothing"
    )
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Said outright: a shell starts what it puts in the background with Ctrl-C ignored.
        signal.signal(number, signal.default_int_handler)
    try:
        if arguments.fetch_only:
            print(fetch(arguments.major))
            return
        with ElasticsearchServer.start(arguments.major, tls=arguments.tls) as server:
            names = ("url", "user", "password", "ca_path", "version", "java_process", "folder")
            print(
                json.dumps({name: getattr(server, name) for name in names}, default=str), flush=True
            )
            signal.pause()
    except KeyboardInterrupt:
        pass
    except (ServerUnavailable, ServerFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
