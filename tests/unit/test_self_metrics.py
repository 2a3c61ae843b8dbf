"""The package's own metrics, as an app's metric reader collects them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .processes import ROOT, run_python

if TYPE_CHECKING:
    from pathlib import Path

PREAMBLE = """
import gc, json, logging, os, sys, time
from opentelemetry import metrics
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from openreplay_otel import DurableLogRecordProcessor
from opentelemetry._logs import LogRecord, SeverityNumber

folder = sys.argv[1]
reader = InMemoryMetricReader()

def set_provider():
    metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))

def made(store, **settings):
    provider = LoggerProvider(shutdown_on_exit=False)
    processor = DurableLogRecordProcessor(store, spool_dir=folder, **settings)
    provider.add_log_record_processor(processor)
    return provider.get_logger("shop"), processor

def log(logger, count=1):
    for _ in range(count):
        logger.emit(LogRecord(
            timestamp=time.time_ns(), severity_number=SeverityNumber.WARN, body="stock is low"))

def collected():
    found = {}
    for resource in reader.get_metrics_data().resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = [[dict(p.attributes), p.value] for p in metric.data.data_points]
                assert metric.name not in found
                found[metric.name] = [scope.scope.name, metric.unit, type(metric.data).__name__, points]
    return found
"""


def run(script: str, folder: Path) -> dict[str, Any]:
    """What a script in a process of its own prints as JSON."""
    done = run_python(PREAMBLE + script, {}, str(folder))
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("is_set_first", [True, False])
def test_all_instruments_are_there_with_units(is_set_first: bool, tmp_path: Path) -> None:
    """Also where the meter provider is set after the processor was made, as most apps do."""
    make = "logger, one = made(f'sqlite:///{folder}/logs.db')\n"
    steps = ["set_provider()\n", make] if is_set_first else [make, "set_provider()\n"]
    script = "".join(steps) + (
        "log(logger, 3)\nassert one.force_flush()\nprint(json.dumps(collected()))\none.shutdown()\n"
    )
    found = run(script, tmp_path)

    def counter(value: int) -> list[Any]:
        return ["openreplay_otel", "{log_record}", "Sum", [[{}, value]]]

    assert found == {
        "openreplay_otel.log_records.accepted": counter(3),
        "openreplay_otel.log_records.delivered": counter(3),
        "openreplay_otel.log_records.retried": counter(0),
        "openreplay_otel.log_records.refused": counter(0),
        "openreplay_otel.spool.log_records": counter(0),
        "openreplay_otel.spool.size": ["openreplay_otel", "By", "Sum", [[{}, 0]]],
        "openreplay_otel.spool.oldest.age": ["openreplay_otel", "s", "Gauge", [[{}, 0.0]]],
    }


def test_what_waits_and_what_was_dropped_is_told(tmp_path: Path) -> None:
    """Records, bytes and age of the oldest of what a store out of reach leaves; drops by their reason."""
    found = run(
        "set_provider()\nlogger, one = made('http://127.0.0.1:9')\n"
        "log(logger, 2)\none.spool.tally.drop('full', 4)\none.spool.tally.drop('age', 1)\n"
        "time.sleep(0.01)\nprint(json.dumps(collected()), flush=True)\nos._exit(0)\n",
        tmp_path,
    )
    assert found["openreplay_otel.log_records.dropped"][3] == [
        [{"reason": "age"}, 1],
        [{"reason": "full"}, 4],
    ]
    assert found["openreplay_otel.spool.log_records"][3] == [[{}, 2]]
    assert found["openreplay_otel.spool.size"][3][0][1] > 200
    assert found["openreplay_otel.spool.oldest.age"][3][0][1] >= 0.01


def test_several_processors_are_summed_and_counters_never_fall(tmp_path: Path) -> None:
    """The instruments are made once, no processor is kept alive, and its counts stay when it goes."""
    found = run(
        "import weakref\nset_provider()\n"
        "logger, one = made(f'sqlite:///{folder}/one.db')\n"
        "other_logger, other = made(f'sqlite:///{folder}/two.db')\n"
        "log(logger, 2)\nlog(other_logger, 5)\nfirst = collected()\n"
        "other.shutdown()\nreference = weakref.ref(other)\n"
        "del other, other_logger\ngc.collect()\nassert reference() is None\n"
        "second = collected()\nlog(logger)\nthird = collected()\n"
        "print(json.dumps({'first': first, 'second': second, 'third': third}))\none.shutdown()\n",
        tmp_path,
    )
    values = [
        found[name]["openreplay_otel.log_records.accepted"][3][0][1]
        for name in ("first", "second", "third")
    ]
    assert values == [7, 7, 8]


def test_a_forked_child_counts_what_is_its_own(tmp_path: Path) -> None:
    """From 0, in the same instruments, and nothing hangs or is told twice."""
    found = run(
        "import warnings\nwarnings.simplefilter('ignore')  # Python 3.12 warns of a fork beside threads\n"
        "set_provider()\nlogger, one = made(f'sqlite:///{folder}/logs.db')\nlog(logger, 3)\n"
        "assert one.force_flush()\ncollected()\nread, write = os.pipe()\n"
        "if not os.fork():\n"
        "    log(logger, 2)\n    os.write(write, json.dumps(collected()).encode())\n    os._exit(0)\n"
        "os.close(write)\nos.wait()\nchild = json.loads(os.read(read, 1 << 20))\n"
        "print(json.dumps({'child': child, 'parent': collected()}))\none.shutdown()\n",
        tmp_path,
    )
    values = [
        found[name]["openreplay_otel.log_records.accepted"][3][0][1] for name in ("child", "parent")
    ]
    assert values == [2, 3]


def test_the_page_on_metrics_names_them_all(tmp_path: Path) -> None:
    """With their units; none is left out, and none is named that is not there."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = dict(
        re.findall(r"^\| `(openreplay_otel\.[a-z_.]+)` \| [^|]+ \| `([^`]+)`", page, re.MULTILINE)
    )
    found = run(
        "set_provider()\nlogger, one = made(f'sqlite:///{folder}/logs.db')\n"
        "one.spool.tally.drop('full', 1)\nprint(json.dumps(collected()))\none.shutdown()\n",
        tmp_path,
    )
    assert documented == {name: unit for name, (_, unit, _, _) in found.items()}


def test_the_metrics_sdk_is_not_imported(tmp_path: Path) -> None:
    """An app without metrics pays nothing for ours."""
    done = run_python(
        "import sys; from openreplay_otel import DurableLogRecordProcessor;"
        "DurableLogRecordProcessor('sqlite:///' + sys.argv[1] + '/x.db', spool_dir=sys.argv[1]).shutdown();"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk.metrics')])",
        {},
        str(tmp_path),
    )
    assert done.stdout.strip() == "[]"
