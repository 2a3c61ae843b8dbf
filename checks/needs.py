"""What each check needs of the system, how to see that it is there, and which Debian package brings it: one table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from checks.environment import cache_folder
from tests.servers import collector_build, fetch, kafka
from tests.servers.errors import ServerUnavailable
from tests.servers.java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OLDEST_GO = (1, 21)
"""From here on Go fetches the newer one that a module asks for."""


@dataclass(frozen=True)
class Need:
    """Something that the system has to have.

    Attributes:
        name: What it is called, in a sentence.
        is_here: Tells whether it is there.
        packages: Debian packages that bring it: the first one that the system knows is installed.
        megabytes: What that one downloads, about.
        beside: Packages that are installed with it.
        advice: What to do where the system has none of the packages.
    """

    name: str
    is_here: Callable[[], bool]
    packages: tuple[str, ...]
    megabytes: int
    beside: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True)
class Download:
    """Something that is fetched once, into a cache: its name, its size in megabytes, and whether it is there."""

    name: str
    megabytes: int
    is_here: Callable[[], bool]


@dataclass(frozen=True)
class Check:
    """One session of noxfile.py.

    Attributes:
        seconds: How long it takes on two processors once all is fetched, about.
        needs: What the system has to have.
        downloads: What it fetches the first time, beside Python packages.
        is_quick: Whether it needs no server and belongs to `--quick`.
    """

    seconds: int
    needs: tuple[Need, ...] = ()
    downloads: tuple[Download, ...] = ()
    is_quick: bool = False


def _has_elasticsearch(major: int) -> bool:
    return "ELASTICSEARCH_URL" in os.environ or fetch.server_folder(major).is_dir()


def _java(at_least: int) -> Need:
    def is_here() -> bool:
        try:
            find_java(at_least)
        except ServerUnavailable:
            return "ELASTICSEARCH_URL" in os.environ
        return True

    fitting = range(at_least, at_least + 10)
    packages = [f"{name}-{n}-jdk{rest}" for n in fitting for name, rest in _JAVA_PACKAGES]
    advice = "install one, and name its folder in ES_JAVA_HOME"
    return Need(f"Java {at_least} or newer", is_here, tuple(packages), 200, advice=advice)


_JAVA_PACKAGES = (("openjdk", "-headless"), ("temurin", ""))


def _maven(*majors: int, has_kafka: bool = False) -> Need:
    def is_here() -> bool:
        fetched = all(_has_elasticsearch(major) for major in majors)
        has_all = fetched and (not has_kafka or kafka.jars_folder().is_dir())
        return has_all or shutil.which("mvn") is not None

    return Need("Maven", is_here, ("maven",), 10)


def _can_build_collector() -> bool:
    if "OTELCOL" in os.environ or collector_build.program_file().is_file():
        return True
    if shutil.which("go") is None:
        return False
    said = subprocess.run(["go", "version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"go(\d+)\.(\d+)", said)
    return version is not None and tuple(map(int, version.groups())) >= OLDEST_GO


def _has_browser() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CHROMIUM"), *BROWSERS) if name)


def _has_nginx() -> bool:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return shutil.which("nginx", path=path) is not None


def _has_venv() -> bool:
    return find_spec("venv") is not None and find_spec("ensurepip") is not None


VENV = Need(
    "Python's venv",
    _has_venv,
    (f"python{sys.version_info[0]}.{sys.version_info[1]}-venv", "python3-venv"),
    4,
)
"""Of all checks: without it there is no set-up."""
TIME_ZONES = Need(
    "the time zones", Path("/usr/share/zoneinfo/Asia/Kathmandu").exists, ("tzdata",), 1
)
REDIS = Need("Redis", lambda: shutil.which("redis-server") is not None, ("redis-server",), 2)
NGINX = Need("nginx", _has_nginx, ("nginx-light", "nginx"), 2)
CHROMIUM = Need(
    "Chromium",
    _has_browser,
    ("chromium", "chromium-browser"),
    110,
    # Without fonts a page has boxes in place of letters.
    beside=("fonts-dejavu-core",),
    advice="install one, and name its program in CHROMIUM",
)
GO = Need(
    "Go {}.{} or newer".format(*OLDEST_GO),
    _can_build_collector,
    ("golang-go",),
    100,
    beside=("ca-certificates",),
    advice="install a newer one (https://go.dev/dl)",
)


def _elasticsearch(major: int) -> Download:
    return Download(
        f"Elasticsearch {fetch.DISTRIBUTIONS[major].version}",
        900,
        lambda: _has_elasticsearch(major),
    )


def _has_python_packages() -> bool:
    named = os.environ.get("UV_CACHE_DIR")
    return (Path(named) if named else cache_folder(os.environ) / "uv").is_dir()


PYTHON_PACKAGES = Download("Python packages", 300, _has_python_packages)
"""Of all checks."""
KAFKA = Download(f"Kafka {kafka.VERSION}", 60, lambda: kafka.jars_folder().is_dir())
GO_MODULES = Download(
    "Go modules, and minutes to compile them",
    300,
    lambda: "OTELCOL" in os.environ or collector_build.program_file().is_file(),
)
NPM_PACKAGES = Download(
    "npm packages",
    30,
    (ROOT / "examples" / "frontend" / "node_modules" / ".package-lock.json").is_file,
)

JAVA = {major: _java(one.java) for major, one in fetch.DISTRIBUTIONS.items()}
SERVER = {major: _elasticsearch(major) for major in fetch.DISTRIBUTIONS}

CHECKS = {
    "lint": Check(5, is_quick=True),
    "types": Check(30, is_quick=True),
    "changelog": Check(3, is_quick=True),
    "wheel": Check(5, is_quick=True),
    "unit": Check(230, (TIME_ZONES,), is_quick=True),
    "docs": Check(15, (TIME_ZONES,), is_quick=True),
    "site": Check(10, is_quick=True),
    "integration(es8)": Check(510, (TIME_ZONES, JAVA[8], _maven(8)), (SERVER[8],)),
    "integration(es9)": Check(720, (TIME_ZONES, JAVA[9], _maven(9)), (SERVER[9],)),
    "frameworks": Check(
        480, (TIME_ZONES, REDIS, JAVA[9], _maven(9)), (SERVER[9],)
    ),
    "collector(es8)": Check(
        60, (TIME_ZONES, JAVA[8], GO, _maven(8)), (SERVER[8], GO_MODULES)
    ),
    "collector(es9)": Check(
        250, (TIME_ZONES, JAVA[9], GO, _maven(9, has_kafka=True)), (SERVER[9], GO_MODULES, KAFKA)
    ),
    "browser": Check(75, (TIME_ZONES, CHROMIUM, NGINX), (NPM_PACKAGES,)),
}  # fmt: skip
"""By the session's name, with its parameters where these make a difference."""

UNKNOWN = Check(60)
"""What is taken of a session that the table does not have; a unit test has the table complete."""


def check_of(session: str, name: str) -> Check:
    """What the table has of a session, e.g. of "unit-3.12(lowest)" with the `name` "unit"."""
    return CHECKS.get(session) or CHECKS.get(name) or UNKNOWN
