"""README's first steps, as they are typed, in one shell; and what it says where one of them is wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.collector.reading import wait_for_count
from tests.openreplay_readers import reader_key
from tests.servers.collector import CONFIG, access
from tests.servers.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_PROGRAMS = Path(sys.executable).parent
_WAIT_SECONDS = 60


def steps() -> list[str]:
    """What the section tells to type, in order."""
    readme = (CONFIG / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Set it up\n")[2].partition("### If nothing arrives")[0]
    return [
        line.strip().removeprefix("$ ") for line in re.findall(r"^ +\$ .*$", section, re.MULTILINE)
    ]


@pytest.fixture
def folder(tmp_path: Path, otelcol: Path) -> Path:
    """Where somebody has copied the files to, and the programs that he has."""
    for file in (CONFIG / "production.yaml", CONFIG / "compose" / "app.py"):
        shutil.copy(file, tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "otelcol-contrib").symlink_to(otelcol)
    return tmp_path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """A newcomer's: none of our variables, but that ports which others may use are moved."""
    grpc, http, health, metrics = map(str, free_ports(4))
    path = os.pathsep.join([str(folder / "programs"), str(_PROGRAMS), os.environ["PATH"]])
    return {
        "PATH": path, "HOME": str(folder), "LANG": "C.UTF-8",
        "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{grpc}", "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}",
        "HEALTH_ENDPOINT": f"127.0.0.1:{health}", "METRICS_PORT": metrics,
    }  # fmt: skip


class Shell:
    """A shell that is typed into, ended with all that it started."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._output = folder / "output"
        self._done = folder / "done"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["bash"], stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=folder,
                env=environment, start_new_session=True,
            )  # fmt: skip

    def type(self, command: str) -> tuple[int, str]:
        """Type a command; returns its exit status and what was printed meanwhile."""
        before = self._output.stat().st_size
        self._done.unlink(missing_ok=True)
        assert self._process.stdin is not None
        self._process.stdin.write(
            f"{command}\necho $? > {self._done}.part; mv {self._done}.part {self._done}\n".encode()
        )
        self._process.stdin.flush()
        deadline = time.monotonic() + _WAIT_SECONDS
        while not self._done.exists():
            assert time.monotonic() < deadline, (command, self._output.read_text())
            time.sleep(0.05)
        printed = self._output.read_bytes()[before:].decode(errors="replace")
        return int(self._done.read_text()), printed

    def end(self) -> None:
        """End it and what runs in its background."""
        with self._process:
            os.killpg(self._process.pid, signal.SIGKILL)


@pytest.fixture
def shell(folder: Path, environment: dict[str, str]) -> Iterator[Shell]:
    """The one shell."""
    running = Shell(folder, environment)
    yield running
    running.end()


def test_the_first_steps_work_as_they_are_typed(
    es: ElasticsearchServer, shell: Shell, environment: dict[str, str]
) -> None:
    """From setup to the list of sessions: no step fails or warns, and both ways of running the app arrive."""
    typed = steps()
    assert len(typed) > 8
    arrived, printed = 0, ""
    for step in typed:
        command = step.replace(
            "https://elastic:<password>@elasticsearch.example.com:9200", es.store_url
        ).replace("127.0.0.1:4318", environment["OTLP_HTTP_ENDPOINT"])
        status, printed = shell.type(command)
        assert status == 0, (step, printed)
        assert "openreplay-otel: " not in printed.replace("openreplay-otel: all is well", ""), (
            printed
        )
        if command.endswith("&"):
            shell.type(f"until curl -s {environment['HEALTH_ENDPOINT']}; do sleep 0.1; done")
        elif "python app.py" in command:
            arrived += 4
            assert wait_for_count(es, arrived) == arrived
    # The last step lists both runs.
    assert "shop" in printed
    assert printed.count("3 records  1 error") == arrived / 4 == 2


@pytest.mark.parametrize("wrong", ["key", "port", "privilege"])
def test_doctor_with_the_collectors_variables_says_what_its_silent_log_does_not(
    es: ElasticsearchServer, shell: Shell, folder: Path, wrong: str
) -> None:
    """A wrong key, a dead port, a key that may only read: each is named."""
    variables = access(es)
    if wrong == "key":
        variables["OPENREPLAY_OTEL_API_KEY"] = "eDp5"
    elif wrong == "port":
        variables["OPENREPLAY_OTEL_STORE"] = f"http://127.0.0.1:{free_ports(1)[0]}"
    else:
        variables["OPENREPLAY_OTEL_API_KEY"] = reader_key(es)
    lines = "".join(f"{name}={value}\n" for name, value in variables.items())
    (folder / "collector.env").write_text(lines)
    (command,) = [step for step in steps() if "openreplay-otel doctor" in step]
    status, printed = shell.type(command)
    assert status == 1, printed
    said = {
        "key": "does not accept the credentials", "port": "connection refused", "privilege": "cannot add records",
    }  # fmt: skip
    assert said[wrong] in printed
