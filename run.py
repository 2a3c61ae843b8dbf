#!/usr/bin/env python3
"""Sets this project up and runs it, on a machine that has nothing but Python.

Uses only the standard library, and only syntax that Pythons too old for the project still parse, so that they
get as far as saying so. What is installed, and its hashes, stand in `uv.lock`; where it is fetched from stands
in pip's and uv's own configuration.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = """\
usage: python3 run.py COMMAND [ARGUMENTS]

  demo [ARGUMENTS]   show what openreplay-otel does: needs no server and no settings
  test               run all checks and tests, as CI does; says first what it needs
  test --quick       run those that need no server, in about 8 minutes
  test --no-install  as root, install no system package; the checks that lack one are not run
  test ARGUMENTS     run pytest with these arguments, e.g.  python3 run.py test tests/unit -k session
  nox [ARGUMENTS]    run chosen checks, e.g.  python3 run.py nox --list
  docs               show the documentation as a site on this machine, until Ctrl-C

The first call sets up the folder .venv beside this file. Deleting that folder undoes everything."""

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up-by-run.py"
"""Written last: a .venv without it was never finished."""
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
EXE = ".exe" if os.name == "nt" else ""

RUNTIME = "runtime"
DEVELOPMENT = "development"

FOREIGN = (
    "PIP_PREFIX",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT",
    "UV_PYTHON",
    "VIRTUAL_ENV",
)
"""Variables that would make pip or uv install into, or with, something else."""


class CannotRunError(Exception):
    """The command cannot be run; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Run the command line `arguments`; returns the exit status where this process was not replaced."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in {"-h", "--help", "help"}:
        print(USAGE)
        return 0
    if command not in {"demo", "test", "nox", "docs"}:
        problem = f"there is no command {command!r}\n\n" if command else ""
        print(f"{problem}{USAGE}", file=sys.stderr)
        return 2
    if sys.version_info < (3, 10):
        old = "{}.{}".format(*sys.version_info)
        print(f"run.py: Python 3.10 or newer is needed, and this is {old}", file=sys.stderr)
        return 1
    try:
        return run(command, rest)
    except CannotRunError as error:
        print(f"run.py: {error}", file=sys.stderr)
    except OSError as error:
        print(f"run.py: {error}; deleting {VENV} and trying again may help", file=sys.stderr)
    return 1


def run(command: str, rest: list[str]) -> int:
    """Run one of the commands with the `rest` of the command line."""
    if command == "demo":
        return become("openreplay-otel", ["demo", *rest])
    os.chdir(ROOT)
    # Not before: only from Python 3.10 on these can be read.
    from checks import environment, whole

    if command == "test" and whole.is_asked_for(rest):
        return whole.run(rest, BIN, set_up_development)
    if command == "docs":
        command, rest = "nox", ["-s", "site", "--", "serve"]
    pytest = ["python", "-m", "pytest", "-ra"]
    tool, *arguments = ["nox", *rest] if command == "nox" else [*pytest, *rest]
    with environment.bare(os.environ, set_up_development(), BIN) as variables:
        return call([str(BIN / f"{tool}{EXE}"), *arguments], variables)


def become(name: str, arguments: list[str]) -> int:
    """Replace this process by the installed tool `name`, after setting up what it needs."""
    tool = BIN / f"{name}{EXE}"
    if not is_set_up(tool, RUNTIME):
        set_up(tool, RUNTIME)
    command = [str(tool), *arguments]
    if os.name == "nt":
        # There os.execv returns to the shell at once, while the tool still runs.
        return call(command, dict(os.environ))
    os.execv(command[0], command)


def call(command: list[str], environment: dict[str, str]) -> int:
    """Run a tool in the foreground; returns its exit status."""
    import subprocess

    with subprocess.Popen(command, env=environment) as process:

        def hand_on(number: int, _: object) -> None:
            # A terminal tells the tool as well: told twice, it would not clean up.
            if number != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hand_on)
        status = process.wait()
    return status if status >= 0 else 128 - status


def set_up_development() -> dict[str, str]:
    """Set up what developers and CI need; returns the variables that uv needs to work with it."""
    tool = BIN / f"nox{EXE}"
    if not is_set_up(tool, DEVELOPMENT):
        set_up(tool, DEVELOPMENT)
    return settings_for_uv(clean_environment())


# Is .venv what the files ask for?


def foundation() -> str:
    """Hash what .venv is built on: if that changed, it has to be made anew."""
    return hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{ROOT}".encode()).hexdigest()


def contents() -> str:
    """Hash the files that say what has to be in .venv."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "uv.lock", "src/openreplay_otel/version.py", "run.py"):
        try:
            digest.update((ROOT / name).read_bytes())
        except FileNotFoundError:
            message = f"{name} is missing in {ROOT}: this is no complete checkout"
            raise CannotRunError(message) from None
    return digest.hexdigest()


def read_stamp() -> tuple[str, str, str]:
    """Read profile, foundation and contents of a .venv that was finished; empty texts for any other."""
    try:
        profile, built_on, holds = STAMP.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return "", "", ""
    return profile, built_on, holds


def is_set_up(tool: Path, profile: str) -> bool:
    """Tell whether .venv is up to date for `profile`; the development one includes the runtime one."""
    finished, built_on, holds = read_stamp()
    return (
        finished in {profile, DEVELOPMENT}
        and built_on == foundation()
        and holds == contents()
        and tool.exists()
    )


# Making it so


def set_up(tool: Path, profile: str) -> None:
    """Bring .venv to what the files ask for."""
    # Being told to end then leads through the cleaning up, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with one_at_a_time():
        if is_set_up(tool, profile):
            return  # by another run.py, while this one waited
        finished, built_on, holds = read_stamp()
        # A finished .venv can be brought up to date, unless it lacks what its stamp says it has.
        damaged = finished in {profile, DEVELOPMENT} and holds == contents()
        print(f"run.py: setting up {VENV} (only once, takes a moment) ...", file=sys.stderr)
        STAMP.unlink(missing_ok=True)
        if built_on != foundation() or damaged:
            make_venv()
        install(profile)
        STAMP.write_text(f"{profile} {foundation()} {contents()}\n", encoding="utf-8")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other run.py sets up this checkout (where the system has file locks)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        # Some network file systems refuse locks: there, two at a time are the user's business.
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make_venv() -> None:
    """Make an empty .venv with pip in it, in place of whatever is there."""
    from importlib.util import find_spec

    if find_spec("venv") is None or find_spec("ensurepip") is None:
        message = "this Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"
        raise CannotRunError(message)
    # Started from inside an old .venv, this must not build on what is about to be deleted.
    python = getattr(sys, "_base_executable", sys.executable)
    check([python, "-m", "venv", "--clear", str(VENV)], clean_environment(), f"cannot make {VENV}.")


def install(profile: str) -> None:
    """Install what `uv.lock` says for `profile`, with the uv that it says, and this project editable."""
    python, uv = str(BIN / f"python{EXE}"), str(BIN / f"uv{EXE}")
    network = "is the network, or the package index that is configured, within reach?"
    environment = clean_environment()

    wanted_uv = VENV / "uv.txt"
    wanted_uv.write_text(locked_uv(), encoding="utf-8")
    options = ["--only-binary=:all:", "--require-hashes", f"--requirement={wanted_uv}"]
    pip_install = [python, "-m", "pip", "install", *options]
    check(pip_install, environment, f"pip cannot install uv; {network}")

    # Not `uv sync`: that insists on the index that the lock was made with, which shuts out those behind a
    # mirror. The exported list holds the same versions and hashes, and is installed from any index.
    environment.update(settings_for_uv(environment))
    wanted = VENV / "requirements.txt"
    groups = ["--extra=viewer"] if profile == RUNTIME else ["--group=dev", "--all-extras"]
    options = ["--frozen", "--no-default-groups", *groups, f"--output-file={wanted}"]
    uv_export = [uv, "export", f"--python={python}", *options]
    check(uv_export, environment, "uv cannot read uv.lock.")

    # Compiled now, the command's first start is as quick as the later ones.
    options = ["--compile-bytecode"] if profile == RUNTIME else []
    uv_install = [uv, "pip", "install", f"--python={python}", *options, f"--requirements={wanted}"]
    check(uv_install, environment, f"uv cannot install what uv.lock names; {network}")


def locked_uv() -> str:
    """Write the requirement, with hashes, for the uv in `uv.lock`."""
    import re

    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    entry = r'^name = "uv"\nversion = "([^"]+)"\n(.*?)^\[\[package\]\]'
    found = re.search(entry, lock, re.DOTALL | re.MULTILINE)
    if found is None:
        message = "uv.lock names no uv, which the set-up needs"
        raise CannotRunError(message)
    hashes = re.findall(r'hash = "(sha256:[0-9a-f]{64})"', found[2])
    return " ".join([f"uv=={found[1]}", *(f"--hash={value}" for value in hashes)]) + "\n"


def clean_environment() -> dict[str, str]:
    """Copy the environment for pip and uv, so that they install here and ask nothing."""
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment["PIP_NO_INPUT"] = "1"
    environment["UV_NO_PROGRESS"] = "1"
    return environment


def settings_for_uv(environment: dict[str, str]) -> dict[str, str]:
    """Make uv use this Python, and the index and certificates that pip is set to, unless it has its own."""
    import ast
    import ssl

    settings = {"UV_PYTHON_DOWNLOADS": "never"}
    list_them = [str(BIN / f"python{EXE}"), "-m", "pip", "config", "list"]
    listed = check(list_them, clean_environment(), "pip cannot read its configuration.")
    for section in ("global", "install", ":env:"):  # the later ones count more, as with pip
        for option, variable, taken in (
            ("index-url", "UV_DEFAULT_INDEX", ("UV_DEFAULT_INDEX", "UV_INDEX_URL")),
            ("cert", "SSL_CERT_FILE", ("SSL_CERT_FILE",)),
        ):
            for line in listed.splitlines():
                if line.startswith(f"{section}.{option}=") and not any(map(environment.get, taken)):
                    settings[variable] = str(ast.literal_eval(line.partition("=")[2]))
    # Like pip, trust what the system trusts, which may be a company's proxy; but bare systems trust nobody.
    system = ssl.get_default_verify_paths()
    in_folder = system.capath and any(Path(system.capath).iterdir())
    if sys.platform in {"darwin", "win32"} or system.cafile or in_folder:
        settings["UV_SYSTEM_CERTS"] = environment.get("UV_SYSTEM_CERTS", "1")
    return settings


def check(command: list[str], environment: dict[str, str], problem: str) -> str:
    """Run a command that must succeed and return its output; of one that fails the end is shown."""
    import subprocess

    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            said, _ = process.communicate()
        except BaseException:
            # Not only the command: what it started must not go on writing into a .venv that is made anew.
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        last = [line[:160] for line in said.splitlines() if line.strip()][-6:]
        message = "\n  ".join([f"{problem} The last it said:", *last])
        raise CannotRunError(message)
    return said


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("run.py: interrupted", file=sys.stderr)
        sys.exit(130)
