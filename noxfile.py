"""The checks of this project: what `python3 run.py test` and CI run.

Every session has its own virtual environment, made by uv and kept for the next time. Unless a session is about
other versions, it installs what `uv.lock` says. The package itself is installed as the wheel that users get,
never from `src`, so that the tests show what is shipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.stop_on_first_error = False

os.environ["UV_PYTHON_DOWNLOADS"] = "never"

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# The classifiers and both workflows name the same ones. 3.15 is missing until orjson has wheels for it.
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")
PROJECT = nox.project.load_toml("pyproject.toml")
NAME = PROJECT["project"]["name"]

WHEEL_CHECK = """
import importlib.metadata, importlib.resources, sys
import openreplay_otel

package = importlib.resources.files(openreplay_otel)
assert sys.prefix in str(package), f"imported from {package}, not from the wheel"
assert package.joinpath("py.typed").is_file(), "py.typed is not in the wheel"
installed = importlib.metadata.distribution("openreplay-otel")
for entry_point in installed.entry_points:
    print("loads:", entry_point.group, entry_point.name, entry_point.load())
assert installed.metadata["License-Expression"] == "Apache-2.0", "the licence is missing"
assert any(file.name == "LICENSE" for file in installed.files), "the licence's text is missing"
tops = {file.parts[0] for file in installed.files if ".." not in file.parts}
strangers = {top for top in tops if top != "openreplay_otel" and not top.endswith(".dist-info")}
assert not strangers, f"the wheel installs more than the package: {strangers}"
"""


def _pythons() -> list[str]:
    """Name the Pythons to test with: in CI the running one (its matrix has the others), else all found here."""
    return [
        version for version in SUPPORTED if version == RUNNING or (not IN_CI and _runs(version))
    ]


def _runs(version: str) -> bool:
    """Tell whether this Python is there and starts: a version manager's stand-ins are there and do not."""
    program = shutil.which(f"python{version}")
    if program is None:
        return False
    return subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0


def _install_locked(session: nox.Session, *selection: str) -> None:
    """Make the session's environment hold exactly the locked versions, e.g. of `--group=test`."""
    locked = Path(session.virtualenv.location) / "locked.txt"
    session.run_install(
        "uv", "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-project",
        *selection, f"--output-file={locked}", silent=True,
    )  # fmt: skip
    session.run_install("uv", "pip", "sync", "--quiet", "--allow-empty-requirements", str(locked))


def _install_wheel(session: nox.Session) -> None:
    """Install the package as a wheel built from the sources of this moment."""
    session.install("--quiet", "--no-deps", f"--reinstall-package={NAME}", ".")


def _install_lowest(session: nox.Session) -> None:
    """Install the lowest versions that pyproject.toml allows, with today's test tools."""
    tests = nox.project.dependency_groups(PROJECT, "test")
    # What stands beside the SDK has to be as old as the SDK.
    low = [name for name in tests if name.startswith(("opentelemetry-", "elastic"))]
    folder = Path(session.virtualenv.location)
    lowest, everything = folder / "lowest.txt", folder / "everything.txt"
    for outdated in (lowest, everything):
        outdated.unlink(missing_ok=True)  # uv would stay with what it says
    compile_ = ("uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate")
    (folder / "low.in").write_text("\n".join(low), encoding="utf-8")
    (folder / "tools.in").write_text("\n".join(set(tests) - set(low)), encoding="utf-8")
    session.run_install(
        *compile_, "--resolution=lowest-direct", "--all-extras", "pyproject.toml",
        str(folder / "low.in"), f"--output-file={lowest}", silent=True,
    )  # fmt: skip
    session.run_install(
        *compile_, str(lowest), str(folder / "tools.in"), f"--output-file={everything}", silent=True
    )  # fmt: skip
    session.run_install("uv", "pip", "sync", "--quiet", str(everything))
    session.log("lowest: %s", " ".join(lowest.read_text(encoding="utf-8").split()))


def _pytest(session: nox.Session, *default: str, env: dict[str, str] | None = None) -> None:
    """Run pytest on the default paths, or on those that were given; finding no test is a failure."""
    given = any(Path(argument.partition("::")[0]).exists() for argument in session.posargs)
    paths = () if given else default
    session.run("python", "-m", "pytest", "-ra", *_report(), *paths, *session.posargs, env=env)


def _report() -> list[str]:
    """Have pytest write a report where `run.py test` asks for one; a session may run pytest more than once."""
    named = os.environ.get("OPENREPLAY_TEST_REPORTS")
    if named is None:
        return []
    folder = Path(named)
    return [f"--junit-xml={folder / str(len(list(folder.iterdir())))}.xml"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the order of the rooms, and that uv.lock fits pyproject.toml."""
    _install_locked(session, "--only-group=lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")
    session.run("codespell")
    session.run("lint-imports", env={"PYTHONPATH": "src"})
    # Offline, and whatever index is set here: the lock names the public one and has to stay so.
    indexes = ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"]
    unset: dict[str, str | None] = dict.fromkeys(indexes)
    session.run("uv", "lock", "--check", "--offline", "--no-config", env=unset)


@nox.session
def types(session: nox.Session) -> None:
    """Check types: strictly in src, usually elsewhere."""
    _install_locked(session, "--group=dev", "--all-extras")
    session.run("pyright", "--warnings")


@nox.session
def changelog(session: nox.Session) -> None:
    """Check that the changelog's fragments make a changelog; with a version behind `--`, write it."""
    _install_locked(session, "--only-group=release")
    if session.posargs:
        session.run("towncrier", "build", "--yes", f"--version={session.posargs[0]}")
    else:
        session.run("towncrier", "build", "--draft", "--version=next")


@nox.session(default=False)
def tag(session: nox.Session) -> None:
    """Check that this commit can be released: its tag, version.py and the changelog name one version."""
    tags = session.run("git", "tag", "--points-at=HEAD", external=True, silent=True) or ""
    text = Path("src/openreplay_otel/version.py").read_text(encoding="utf-8")
    version = text.partition('__version__ = "')[2].partition('"')[0]
    if f"v{version}" not in tags.split():
        session.error(f"version.py says {version}; this commit's tags: {tags.split() or 'none'}")
    if f"\n## {version} (" not in Path("CHANGELOG.md").read_text(encoding="utf-8"):
        session.error(f"CHANGELOG.md has no {version}: run nox -s changelog -- {version}")
    left = [file.name for file in Path("changelog.d").glob("*.md") if file.name != "README.md"]
    if left:
        session.error(f"fragments that are not in CHANGELOG.md: {', '.join(left)}")


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Build as for a release, into dist/, and check what a user gets who installs that."""
    away = Path(session.create_tmp())
    dist = Path("dist").resolve()
    shutil.rmtree(dist, ignore_errors=True)
    session.run_install("uv", "build", "--quiet", f"--out-dir={dist}")
    (built,) = dist.glob("*.whl")
    (source,) = dist.glob("*.tar.gz")
    _install_locked(session, "--only-group=release")
    session.run("twine", "check", "--strict", str(built), str(source))
    _install_locked(session)
    session.install("--no-deps", str(built))
    session.run("uv", "pip", "check")
    session.chdir(away)
    session.run("openreplay-otel", "--help", silent=True)
    Path("check.py").write_text(WHEEL_CHECK, encoding="utf-8")
    session.run("python", "-I", "check.py")


# Not among the usual ones: it takes minutes, and what it finds depends on the index and the day, not on a change.
@nox.session(python=SUPPORTED[0], default=False)
def resolvers(session: nox.Session) -> None:
    """Show what old and new installers choose for the wheel; fail where one finds nothing or too old versions."""
    _install_locked(session, "--only-group=release")
    away = Path(session.create_tmp())
    shutil.rmtree(away / "dist", ignore_errors=True)
    session.run_install("uv", "build", "--quiet", "--wheel", f"--out-dir={away / 'dist'}")
    (built,) = (away / "dist").glob("*.whl")
    beside_nox = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    session.run(
        "python", "-m", "tests.packaging.resolvers", str(built), SUPPORTED[0],
        env={"PATH": beside_nox},
    )  # fmt: skip


# Not among the usual ones: a new advisory says nothing about a change, and not every machine reaches the data.
@nox.session(default=False)
def advisories(session: nox.Session) -> None:
    """Check the locked versions for known advisories."""
    session.install("--quiet", "pip-audit>=2.9,<3")
    locked = Path(session.create_tmp()) / "all.txt"
    session.run_install(
        "uv", "export", "--quiet", "--frozen", "--all-groups", "--all-extras", "--no-emit-project",
        f"--output-file={locked}", silent=True,
    )  # fmt: skip
    session.run("python", "-m", "checks.advisories", str(locked))


@nox.session(python=_pythons())
@nox.parametrize("otel", [nox.param("highest", id="highest"), nox.param("lowest", id="lowest")])
def unit(session: nox.Session, otel: str) -> None:
    """Run the tests that need no server, with the highest and the lowest OpenTelemetry."""
    if otel == "lowest":
        _install_lowest(session)
    else:
        _install_locked(session, "--group=test", "--all-extras")
    _install_wheel(session)
    session.run("openreplay-otel", "--help", silent=True)
    elsewhere = (
        "benchmarks", "browser", "collector", "docs", "faults", "forged", "frameworks", "integration",
        "real_files", "wire",
    )  # fmt: skip
    ignored = (f"--ignore=tests/{folder}" for folder in elsewhere)
    # Python's own checks, once: it warns of what is left open, and of what other threads must not touch.
    checked = {"PYTHONDEVMODE": "1"} if (session.python, otel) == (RUNNING, "highest") else {}
    # These tests mostly wait for children; those that count time count their own process's.
    parallel = () if session.posargs else ("--numprocesses=2",)
    _pytest(session, "tests", "-m", "not integration", *parallel, *ignored, env=checked)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the code blocks of the README and the documentation."""
    _install_locked(session, "--group=test", "--all-extras")
    _install_wheel(session)
    _pytest(session, "tests/docs")


@nox.session
def site(session: nox.Session) -> None:
    """Make a site of the documentation, any warning being an error; with `-- serve`, show it on this machine."""
    _install_locked(session, "--group=site", "--all-extras")
    _install_wheel(session)
    made = Path(session.create_tmp()) / "site"
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "docs", str(made))
    if session.posargs == ["serve"]:
        session.log("http://127.0.0.1:8000/ until Ctrl-C")
        session.run("python", "-m", "http.server", "--bind=127.0.0.1", f"--directory={made}")


_THREE_NODES = "tests/integration/test_three_nodes.py"


@nox.session
@nox.parametrize("es", [nox.param(8, id="es8"), nox.param(9, id="es9")])
def integration(session: nox.Session, es: int) -> None:
    """Run the tests against a real Elasticsearch, with the client that fits it."""
    _install_locked(session, "--group=test", "--group=faults", "--all-extras")
    # A client speaks to servers of its own major; the lock holds the newest one.
    session.install("--quiet", f"elasticsearch=={es}.*", f"elastic-transport=={es}.*")
    _install_wheel(session)
    # Three nodes take minutes: `faults` runs them.
    folders = ["tests/integration", "tests/wire", f"--ignore={_THREE_NODES}"]
    if es == 9:
        # What a store's fault does to a record does not depend on the server: once is enough here.
        folders.append("tests/faults")
    _pytest(session, *folders, env={"OPENREPLAY_TEST_ES": str(es)})
    # What an app hands us is used as plain transport, so it need not fit the server.
    other = 17 - es
    session.install("--quiet", f"elasticsearch=={other}.*", f"elastic-transport=={other}.*")
    if not session.posargs:
        _pytest(
            session, "tests/integration/test_own_client.py", env={"OPENREPLAY_TEST_ES": str(es)}
        )


@nox.session
def frameworks(session: nox.Session) -> None:
    """Run every framework on every server, job queues, examples, their log files; then beside Elastic's distro."""
    _install_locked(session, "--group=frameworks", "--all-extras")
    _install_wheel(session)
    _pytest(session, "tests/frameworks", "tests/real_files")
    # It pins each of OpenTelemetry's packages, so it cannot stand in the lock beside the newest ones.
    session.install("--quiet", "elastic-opentelemetry>=1.18,<2")
    beside = ("tests/frameworks/test_matrix.py", "tests/frameworks/test_once.py", "-k", "beside")
    if not session.posargs:
        _pytest(session, *beside)


@nox.session
@nox.parametrize("es", [nox.param(8, id="es8"), nox.param(9, id="es9")])
def collector(session: nox.Session, es: int) -> None:
    """Run collector-config/ in a real OpenTelemetry Collector before a real Elasticsearch."""
    _install_locked(session, "--group=test", "--group=collector", "--all-extras")
    _install_wheel(session)
    # The files do not depend on the server; what it makes of the documents does.
    paths = (
        ["tests/collector", "tests/forged"]
        if es == 9
        else [
            "tests/collector/test_document.py",
            "tests/forged",
            "-kminimal or links or production or forged",
        ]
    )
    _pytest(session, *paths, env={"OPENREPLAY_TEST_ES": str(es)})


@nox.session(default=False)
def forged(session: nox.Session) -> None:
    """Send 131,000 forged texts on all ways into a store, and show what OpenReplay's readers find of the victim."""
    _install_locked(session, "--group=test", "--group=collector", "--all-extras")
    _install_wheel(session)
    session.run("python", "-m", "tests.forged", *session.posargs)


@nox.session(default=False)
def collector_faults(session: nox.Session) -> None:
    """Let a Collector's server fail for minutes, and show what is lost: the table of collector-config/README.md."""
    _install_locked(session, "--group=test", "--group=collector", "--all-extras")
    _install_wheel(session)
    session.run("python", "-m", "tests.collector.faults", *session.posargs)
    session.run("python", "-m", "tests.collector.chains")


# Not among the usual ones: it compiles for a minute, and what it finds depends on OTTL's version, not on a change.
@nox.session(default=False)
def statements(session: nox.Session) -> None:
    """Parse the statements of collector-config/ with a newer OTTL than the Collector's."""
    _install_locked(session, "--group=test", "--group=collector", "--all-extras")
    _install_wheel(session)
    session.run("python", "-m", "tests.collector.statements")


@nox.session
def browser(session: nox.Session) -> None:
    """Run the front end's example and the page in a real Chromium (its program: CHROMIUM)."""
    _install_locked(session, "--group=browser", "--all-extras")
    _install_wheel(session)
    _pytest(session, "tests/browser")


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Show which lines and branches the tests without a server leave out."""
    _install_locked(session, "--group=test", "--group=collector", "--all-extras")
    _install_wheel(session)
    session.run(
        "coverage",
        "run",
        "-m",
        "pytest",
        "-m",
        "not integration",
        "--ignore=tests/frameworks",
        *session.posargs,
    )
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Measure speed, and compare with the ways people use today."""
    _install_locked(session, "--group=frameworks", "--all-extras")
    _install_wheel(session)
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Bring about all faults at full size, and write the table of docs/reliability.md; 30 minutes."""
    _install_locked(session, "--group=test", "--group=faults", "--all-extras")
    _install_wheel(session)
    if not session.posargs:
        for es in (8, 9):
            session.run("python", "-m", "pytest", _THREE_NODES, env={"OPENREPLAY_TEST_ES": str(es)})
    session.run("python", "-m", "tests.faults", *session.posargs)
