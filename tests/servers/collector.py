"""A real OpenTelemetry Collector for the tests, run with the very files of collector-config/."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from openreplay_otel import open_store
from tests.openreplay_readers import writer_key
from tests.servers.collector_build import ROOT, collector_program
from tests.servers.errors import ServerFailed
from tests.servers.ports import free_ports
from tests.servers.process import SupervisedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from tests.servers.elasticsearch import ElasticsearchServer

CONFIG = ROOT / "collector-config"
_READY_SECONDS = 60
_END_SECONDS = 60
_COMMAND: Final = re.compile(r"^# +otelcol-contrib --config=\S+(.*)$", re.MULTILINE)
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


def validate(*files: Path, environment: Mapping[str, str] | None = None) -> str:
    """What `validate` says against configuration files; empty where nothing is wrong."""
    command = [str(collector_program()), "validate", *(f"--config={file}" for file in files)]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    done = subprocess.run(
        command, env={**kept, **(environment or {})}, capture_output=True, text=True, check=False
    )
    said = (done.stdout + done.stderr).strip()
    return said if done.returncode or said else ""


def _further_arguments(file: Path) -> list[str]:
    """What the command that stands at the head of a file of collector-config/ has besides the file."""
    command = _COMMAND.search(file.read_text(encoding="utf-8"))
    return command[1].split() if command else []


class Collector:
    """A running Collector, ended with the tests; a context manager. Started as its files tell people to.

    Args:
        files: Configuration files, merged in this order.
        environment: Variables for them. Ports that the files of collector-config/ ask for are chosen here.
        state: Folder of the disk queue and of read offsets; it stays where it is over restarts.
    """

    def __init__(self, *files: Path, environment: Mapping[str, str], state: Path) -> None:
        grpc, http, health, metrics = free_ports(4)
        self.otlp_grpc = f"127.0.0.1:{grpc}"
        self.otlp_http = f"http://127.0.0.1:{http}"
        self._health = f"http://127.0.0.1:{health}"
        self._metrics = f"http://127.0.0.1:{metrics}/metrics"
        self._command = [
            str(collector_program()),
            *(f"--config={file}" for file in files),
            *(word for file in files for word in _further_arguments(file)),
        ]
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {
            **kept,
            "OTLP_GRPC_ENDPOINT": self.otlp_grpc,
            "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}",
            "HEALTH_ENDPOINT": f"127.0.0.1:{health}",
            "METRICS_PORT": str(metrics),
            "STATE_DIR": str(state),
            **environment,
        }
        self._process = SupervisedProcess(
            Path(tempfile.mkdtemp(prefix="openreplay-otel-collector-"))
        )

    def start(self) -> Collector:
        """Start it, or start it again; returns when it is ready. Raises `ServerFailed` if it does not come up."""
        # The shell's id becomes the Collector's: a signal has to go to it alone.
        shell = 'echo $$ > pid; exec "$@"'
        self._process.start(["sh", "-c", shell, "sh", *self._command], self._environment)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if not self._process.alive() or time.monotonic() > deadline:
                message = (
                    f"the Collector did not become ready, its output:\n{self.output()[-4000:]}"
                )
                raise ServerFailed(message)
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """SIGKILL, as an out-of-memory killer would."""
        self._process.kill()

    def terminate(self, wait_seconds: float = _END_SECONDS) -> bool:
        """SIGTERM, as a service manager would; tells whether it ended within the time."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + wait_seconds
        while self._process.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        self._process.kill()
        return True

    @property
    def pid(self) -> int:
        """The Collector's process id."""
        return int((self._process.folder / "pid").read_text())

    def cpu_seconds(self) -> float:
        """CPU time that it has used since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self) -> bool:
        """Whether it is running."""
        return self._process.alive()

    def output(self) -> str:
        """What it has printed, its last 64 kB."""
        return self._process.output()

    def complaints(self) -> list[str]:
        """Its lines of level warn and above."""
        return [
            line
            for line in self.output().splitlines()
            if re.search(r"\t(warn|error|fatal|dpanic|panic)\t|^Error", line)
        ]

    def metrics(self) -> dict[str, float]:
        """Its own metrics: the sum over all labels, and each with its labels as Prometheus writes them."""
        text = _get(self._metrics)[1]
        found: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
            bare = name.partition("{")[0]
            if bare != name:
                found[bare] = found.get(bare, 0.0) + float(value)
        return found

    def end(self) -> None:
        """Kill it and remove its folder; the state stays."""
        self._process.end()

    def __enter__(self) -> Collector:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _answers(self) -> bool:
        # minimal.yaml has no health check: there its OTLP receiver has to answer.
        return any(
            _get(url)[0] in {200, 405} for url in (self._health, f"{self.otlp_http}/v1/logs")
        )


def _get(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def show(documents: Sequence[Mapping[str, Any]]) -> str:
    """Documents for a failed assertion."""
    return json.dumps(documents, indent=1, sort_keys=True, ensure_ascii=False)[:6000]


def access(es: ElasticsearchServer) -> dict[str, str]:
    """The variables by which a Collector writes to a server: a key with the least that is needed, and the templates."""
    with contextlib.closing(open_store(es.store_url)) as store:
        store.prepare()
    return {
        "OPENREPLAY_OTEL_STORE": es.url,
        "OPENREPLAY_OTEL_API_KEY": writer_key(es),
        **({"OPENREPLAY_OTEL_CA_CERTS": str(es.ca_path)} if es.ca_path else {}),
    }
