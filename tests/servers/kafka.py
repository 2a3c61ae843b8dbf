"""A real Kafka for the tests: one node, fetched through Maven, once, into a cache that survives."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.cache import cache_folder
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.java import find_java
from tests.servers.network import out_of_reach
from tests.servers.ports import free_ports
from tests.servers.process import SupervisedProcess

if TYPE_CHECKING:
    from types import TracebackType

VERSION = "4.1.0"
_JAVA = 17
_FETCH_SECONDS = 900
_READY_SECONDS = 90
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
  </dependency></dependencies>
</project>
"""
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
num.partitions=2
"""


def jars_folder() -> Path:
    """Where Kafka's jars are, or are going to be."""
    return cache_folder("kafka") / VERSION


def fetch() -> Path:
    """The folder of Kafka's jars, fetched first if the cache lacks it. Raises `ServerUnavailable` without Maven."""
    jars = jars_folder()
    cache = jars.parent
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            for leftover in cache.glob(".fetch-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=".fetch-", dir=cache))
            # Supervised: a Maven that outlives an interrupted fetch would go on filling the cache.
            process = SupervisedProcess(folder)
            try:
                # Renamed only when whole, so that a cache entry is never half of it.
                _download(process, folder).rename(jars)
            finally:
                process.end()
    return jars


def _download(process: SupervisedProcess, folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        message = (
            f"Kafka {VERSION} is not cached and Maven, which fetches it, is missing: install it"
        )
        raise ServerUnavailable(message)
    print(f"Fetching Kafka {VERSION} through Maven: about 40 MB ...", file=sys.stderr, flush=True)
    (folder / "pom.xml").write_text(_POM.format(version=VERSION), encoding="utf-8")
    command = [
        maven, "--batch-mode", "--quiet", "--strict-checksums",
        f"-Dmaven.repo.local={folder / 'maven'}",
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
        "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}",
    ]  # fmt: skip
    process.start(["sh", "-c", '"$@" && touch done', "sh", *command], os.environ)
    deadline = time.monotonic() + _FETCH_SECONDS
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    if not (folder / "done").exists():
        said = process.output()
        message = (
            out_of_reach("Maven", said)
            or f"Maven did not get Kafka {VERSION}, it said:\n{said[-2000:]}"
        )
        raise ServerUnavailable(message)
    return folder / "jars"


class Kafka:
    """A running Kafka on a free port, ended with the tests; a context manager."""

    def __init__(self) -> None:
        java = str(find_java(_JAVA) / "bin" / "java")
        broker, controller = free_ports(2)
        self.address = f"127.0.0.1:{broker}"
        classes = str(fetch() / "*")
        folder = Path(tempfile.mkdtemp(prefix="openreplay-otel-kafka-"))
        settings = folder / "server.properties"
        settings.write_text(
            _SETTINGS.format(broker=broker, controller=controller, folder=folder), encoding="utf-8"
        )
        options = ["-Xmx256m", "-XX:-UsePerfData", "-cp", classes]
        self._format = [
            java, *options, "kafka.tools.StorageTool", "format", "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qg",
            "--config", str(settings),
        ]  # fmt: skip
        self._command = [java, *options, "kafka.Kafka", str(settings)]
        self._port = broker
        self._process = SupervisedProcess(folder)

    def __enter__(self) -> Kafka:
        """Start it. Raises `ServerFailed` if it does not come up."""
        try:
            subprocess.run(self._format, check=True, capture_output=True)
            self._start()
        except BaseException:
            self._process.end()
            raise
        return self

    def restart_after_kill(self) -> None:
        """SIGKILL it, and start it again with its data."""
        self._process.kill()
        self._start()

    def _start(self) -> None:
        self._process.start(self._command, os.environ)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if not self._process.alive() or time.monotonic() > deadline:
                message = f"Kafka did not become ready:\n{self._process.output()[-3000:]}"
                raise ServerFailed(message)
            time.sleep(0.1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it and remove its data."""
        self._process.end()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True
