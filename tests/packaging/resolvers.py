"""What different installers make of the package's requirements: ``python -m tests.packaging.resolvers WHEEL``.

Each resolves the wheel with the extra ``viewer``, from the index that pip and uv are set to, and installs nothing.
The table shows what a user of that installer would get. It is a failure if an installer finds no solution, or goes
below a floor: also where the package is one that only other packages ask for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

PIPS: Final = ("23.0.1", "23.2.1", "24.0", "25.0.1", "25.3", "newest")
"""What Pythons from 3.10 on bring along. The way in which pip goes back changed with 23.1 and again with 25.1."""

STRATEGIES: Final = ("lowest-direct", "highest")
"""uv's. ``lowest`` is left out: it takes the first releases ever of what others require without a floor."""

COLUMNS: Final = (
    "opentelemetry-sdk",
    "opentelemetry-instrumentation",
    "opentelemetry-instrumentation-threading",
    "elasticsearch",
    "orjson",
)
MOST_SECONDS: Final = 600


class Resolved(NamedTuple):
    """What one installer chose.

    Attributes:
        versions: Versions by canonical name; empty if there was no solution.
        seconds: How long it took, downloads included.
        problem: The end of what it said if there was no solution.
    """

    versions: dict[str, str]
    seconds: float
    problem: str = ""


def main(arguments: list[str]) -> int:
    """Resolve the wheel with all installers and print the table; the exit status is 1 if one fails."""
    wheel, python = Path(arguments[0]).resolve(), arguments[1]
    requirements = requirements_of(wheel)
    failures: list[str] = []
    print(f"{'':18}" + "".join(f"{name.rpartition('-')[2]:>16}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for name, resolved in resolve_all(wheel, requirements, python, Path(folder)):
            row = "".join(f"{resolved.versions.get(column, '-'):>16}" for column in COLUMNS)
            print(f"{name:18}{row}{resolved.seconds:7.1f} s", flush=True)
            if resolved.problem:
                failures.append(f"{name} found no solution: {resolved.problem}")
            failures += [f"{name} took {one}" for one in below(requirements, resolved.versions)]
    print(*failures, sep="\n", file=sys.stderr)
    return bool(failures)


def requirements_of(wheel: Path) -> list[Requirement]:
    """Read what the wheel requires, its extra ``viewer`` included, without the markers of extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    found = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    wanted = [
        one for one in found if one.marker is None or one.marker.evaluate({"extra": "viewer"})
    ]
    for one in wanted:
        one.marker = None
    return wanted


def resolve_all(
    wheel: Path, requirements: list[Requirement], python: str, folder: Path
) -> Iterator[tuple[str, Resolved]]:
    """Resolve with one installer after the other; yields its name and what it chose."""
    for version in PIPS:
        environment = folder / f"pip-{version}"
        pip = "pip" if version == "newest" else f"pip=={version}"
        subprocess.run(
            ["uv", "venv", "--quiet", f"--python={python}", environment], check=True, timeout=60
        )
        program = environment / "bin" / "python"
        install = ["uv", "pip", "install", "--quiet", f"--python={program}", pip]
        subprocess.run(install, check=True, timeout=MOST_SECONDS)
        yield f"pip {version}", with_pip(program, wheel)
    for strategy in STRATEGIES:
        yield f"uv {strategy}", with_uv(strategy, requirements, python)


def with_pip(python: Path, wheel: Path) -> Resolved:
    """Resolve with the pip of that environment."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--report=-", f"{wheel}[viewer]"]
    said, seconds, problem = run(command)
    report: dict[str, Any] = {"install": []} if problem else json.loads(said)
    chosen = [entry["metadata"] for entry in report["install"]]
    versions: dict[str, str] = {canonicalize_name(one["name"]): one["version"] for one in chosen}
    return Resolved(versions, seconds, problem)


def with_uv(strategy: str, requirements: list[Requirement], python: str) -> Resolved:
    """Resolve with uv; the requirements are handed over as direct ones, which ``lowest-direct`` is about."""
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += [f"--resolution={strategy}", f"--python-version={python}", "-"]
    said, seconds, problem = run(command, "\n".join(map(str, requirements)))
    pinned = [Requirement(line) for line in said.splitlines()] if not problem else []
    versions: dict[str, str] = {
        canonicalize_name(one.name): str(one.specifier)[2:] for one in pinned
    }
    return Resolved(versions, seconds, problem)


def run(command: list[str], given: str = "") -> tuple[str, float, str]:
    """Run a resolver; returns what it printed, the seconds, and the end of its complaint if it failed."""
    began = time.perf_counter()
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    problem = (done.stderr.strip() or "it said nothing")[-600:] if done.returncode else ""
    return done.stdout, time.perf_counter() - began, problem


def below(requirements: list[Requirement], versions: dict[str, str]) -> list[str]:
    """Name what was chosen outside the required range.

    OpenTelemetry's packages come in two series, stable and beta, each released together. So each package of them
    that only others require has to keep the floor of its series.
    """
    ranges: dict[str, SpecifierSet] = {
        canonicalize_name(one.name): one.specifier for one in requirements
    }
    stable, beta = ranges["opentelemetry-sdk"], ranges["opentelemetry-instrumentation"]
    faults: list[str] = []
    for name, version in versions.items():
        wanted = ranges.get(name)
        if wanted is None and name.startswith("opentelemetry-"):
            wanted = beta if version.startswith("0.") else stable
        if not (wanted or SpecifierSet()).contains(version, prereleases=True):
            faults.append(f"{name} {version}, and {wanted} is wanted")
    if versions:
        faults += [f"no {name}" for name in ranges if name not in versions]
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
