"""What a start costs: `opentelemetry-instrument` with and without this package, and its import."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.report import Row
from tests.frameworks.serving import DISTRO, clean_environ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROUNDS = 15
_AIM_START_MS = 50.0
_AIM_IMPORT_MS = 15.0
_INSTRUMENT = str(Path(sys.executable).parent / "opentelemetry-instrument")
_NONE = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"), "none")
_PLAIN = _NONE | {
    "OTEL_LOGS_EXPORTER": "otlp_proto_http",
    "OTEL_PYTHON_DISTRO": "distro",
    "OTEL_PYTHON_CONFIGURATOR": "configurator",
    "OTEL_PROPAGATORS": "tracecontext,baggage",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openreplay",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
}


def run() -> list[Row]:
    """Measure, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        store = {"OPENREPLAY_OTEL_STORE": f"sqlite:///{folder}/logs.db", "XDG_STATE_HOME": folder}
        start = _differences(
            {
                "with": ([_INSTRUMENT, sys.executable, "-c", ""], _NONE | DISTRO | store),
                "without": ([_INSTRUMENT, sys.executable, "-c", ""], _PLAIN),
            }
        )
        load = _differences(
            {
                "with": ([sys.executable, "-c", "import openreplay_otel"], {}),
                "without": ([sys.executable, "-c", ""], {}),
            }
        )
    return [
        Row("opentelemetry-instrument: more than with an OTLP exporter", "CPU ms", start, aim=_AIM_START_MS),
        Row("import openreplay_otel", "CPU ms", load, aim=_AIM_IMPORT_MS),
    ]  # fmt: skip


def _differences(sides: Mapping[str, tuple[Sequence[str], Mapping[str, str]]]) -> float:
    """The usual CPU of the side "with" beyond that of the side "without", in milliseconds."""
    rounds = Rounds()
    for number in range(-1, _ROUNDS):
        for side in turns(list(sides), max(number, 0)):
            command, environ = sides[side]
            taken = _cpu_ms(command, clean_environ() | dict(environ))
            if number >= 0:  # The first round fills the caches.
                rounds.add(side, taken)
    return rounds.added("with", "without")


def _cpu_ms(command: Sequence[str], environ: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return (usage.ru_utime + usage.ru_stime) * 1000
