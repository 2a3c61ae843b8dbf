"""Builds the OpenTelemetry Collector of collector-config/builder-config.yaml, once for each state of that file.

By hand: `python -m tests.servers.collector_build` fills the cache and prints where the program is. Go is needed, and
its module proxy. A Collector of one's own, such as the stock `otelcol-contrib`, is named in `OTELCOL`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.cache import cache_folder
from tests.servers.errors import ServerUnavailable
from tests.servers.network import out_of_reach
from tests.servers.process import SupervisedProcess

ROOT = Path(__file__).parents[2]
BUILDER_FILE = ROOT / "collector-config" / "builder-config.yaml"
_STAND_IN = Path(__file__).with_name("profiler_stand_in")
_BUILD_SECONDS = 1800

_CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
# Not every Go module proxy has each module in each version. These fit the others just as well; the profiler's
# code, which only profiles need, has a stand-in (see there).
_OTHER_VERSIONS = {
    f"{_CONTRIB}/extension/storage/filestorage": "v0.156.0",
    f"{_CONTRIB}/receiver/kafkareceiver": "v0.156.0",
    f"{_CONTRIB}/pkg/kafka/configkafka": "v0.156.0",
    f"{_CONTRIB}/pkg/kafka/topic": "v0.156.0",
    f"{_CONTRIB}/pkg/translator/azure": "v0.155.0",
}


def program_file() -> Path:
    """Where the Collector of the builder file is, or is going to be: one program for each state of that file."""
    digest = hashlib.sha256(_builder_file_for_tests().encode())
    for source in sorted(_STAND_IN.rglob("*.go")):
        digest.update(source.read_bytes())
    return cache_folder("collector") / f"otelcol-{digest.hexdigest()[:16]}"


def collector_program() -> Path:
    """The Collector to test with: `OTELCOL`, or the one built of the builder file, built first if it is not cached.

    A build takes about 5 minutes and prints a line to stderr; a second run waits for the first one's. Raises
    `ServerUnavailable` when Go is missing or the build fails.
    """
    given = os.environ.get("OTELCOL")
    if given:
        program = shutil.which(given)
        if program is None:
            message = f"OTELCOL names {given}, which is no program"
            raise ServerUnavailable(message)
        return Path(program)
    program = program_file()
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            for leftover in program.parent.glob(".build-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=".build-", dir=program.parent))
            # Supervised: a compiler that outlives an interrupted build would go on for minutes.
            process = SupervisedProcess(folder)
            try:
                # Renamed only when whole, so that a cache entry is never half a program.
                _build(process, folder).rename(program)
            finally:
                process.end()
    return program


def _builder_file_for_tests() -> str:
    lines = [BUILDER_FILE.read_text(encoding="utf-8"), "replaces:\n"]
    lines += [f"  - {name} => {name} {version}\n" for name, version in _OTHER_VERSIONS.items()]
    lines.append("  - go.opentelemetry.io/ebpf-profiler => ../profiler_stand_in\n")
    return "".join(lines)


def _build(process: SupervisedProcess, folder: Path) -> Path:
    text = _builder_file_for_tests()
    version = re.findall(r"cmd/builder@(v[\d.]+)", text)[0]
    go = shutil.which("go")
    if go is None:
        message = (
            f"the Collector is not in {cache_folder('collector')} and Go, which builds it, is missing: install Go"
            " (https://go.dev/dl), or name an otelcol-contrib in OTELCOL"
        )
        raise ServerUnavailable(message)
    print(
        "Building the OpenTelemetry Collector: once, takes about 5 minutes ...",
        file=sys.stderr,
        flush=True,
    )
    (folder / "builder.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(_STAND_IN, folder / "profiler_stand_in")
    environment = {
        **os.environ,
        "GOBIN": str(folder / "bin"),
        "GOFLAGS": "-buildvcs=false -p=2",
        "CGO_ENABLED": "0",
    }
    _run(
        process, [go, "install", f"go.opentelemetry.io/collector/cmd/builder@{version}"], environment
    )  # fmt: skip
    _run(process, [str(folder / "bin" / "builder"), "--config=builder.yaml"], environment)
    return folder / "openreplay-otelcol" / "openreplay-otelcol"


def _run(process: SupervisedProcess, command: list[str], environment: dict[str, str]) -> None:
    # Whether it worked is seen by a file, as only the supervisor learns the exit status.
    process.start(
        ["sh", "-c", 'rm -f done; "$@" && touch done', "sh", *command], environment
    )  # fmt: skip
    deadline = time.monotonic() + _BUILD_SECONDS
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    if process.alive() or not (process.folder / "done").exists():
        said = process.output()
        message = (
            out_of_reach("Go", said)
            or f"building the Collector failed at {' '.join(command)}:\n{said[-3000:]}"
        )
        raise ServerUnavailable(message)


def main() -> None:
    """Fill the cache and print where the program is."""
    try:
        print(collector_program())
    except ServerUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
