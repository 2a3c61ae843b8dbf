"""Documents of odd records: what can be shown is shown, and one odd value costs only itself."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from .contract import EXAMPLE_ID
from .odd_values import BIG, Colour, Number, Silent, Unwilling, Word, looped
from .records import documents, readable

PREFIX = f"[openReplaySession.id={EXAMPLE_ID}] "
LEVELS = {"error", "warning", "info", "debug"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"a": Number(1.5)}, '{"a":1.5}'),
        ({"a": Colour.RED}, '{"a":1}'),
        ({"a": Word.RED}, '{"a":"red"}'),
        ({"a": float("nan"), "b": float("-inf")}, '{"a":"NaN","b":"-Infinity"}'),
        ({1: "a", None: "b", (1, 2): "c"}, '{"1":"a","None":"b","[1,2]":"c"}'),
        ({"a\ud800": "b\udfff"}, '{"a?":"b?"}'),
        ({"a": 2**63, "b": 2**63 - 1}, '{"a":"9223372036854775808","b":9223372036854775807}'),
        ({"a": BIG}, f'{{"a":"{hex(BIG)}"}}'),
        (BIG, hex(BIG)),
        (deque([1, 2]), "[1,2]"),
        (frozenset({1}), "[1]"),
        (range(3), "[0,1,2]"),
        (memoryview(b"ab"), "YWI="),
        (bytearray(b"ab"), "YWI="),
        ({"a": b"\xff"}, '{"a":"/w=="}'),
        (Number("nan"), "NaN"),
        (2.0, "2"),
        (-0.5, "-0.5"),
        (1e-5, "0.00001"),
        (1.5e-7, "1.5e-7"),
        (123456789.125, "123456789.125"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        ({"b": 2.0, "a": 1e-5}, '{"a":0.00001,"b":2}'),
        (Silent(), "(Silent that cannot be shown: RuntimeError)"),
        ({"a": Silent()}, '{"a":"(Silent that cannot be shown: RuntimeError)"}'),
        (Unwilling(), "(Unwilling that cannot be shown: RuntimeError)"),
        ("\ud800 lone", "? lone"),
        ("nul \x00 and \u2028", "nul \x00 and \u2028"),
        (1 + 2j, "(1+2j)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_odd_bodies_are_shown_as_well_as_they_can(body: Any, text: str) -> None:
    """The message says what was logged; nothing but the unreadable part is lost."""
    (found,) = documents(readable(body, {"a": 1}, session_id=EXAMPLE_ID))
    assert PREFIX + text == found["message"]
    assert ("info", "1") == (found["level"], found["labels.a"])


@pytest.mark.parametrize(
    "value",
    [Silent(), Unwilling(), BIG, {"a": Number(1)}, looped(), [BIG], {BIG: 1}],
    ids=lambda v: type(v).__name__,
)
def test_an_odd_attribute_costs_nothing_but_itself(value: Any) -> None:
    """A record with one unreadable attribute keeps its text, level, session and other attributes."""
    attributes = {"bad": value, "exception.message": value, "good": "x", "tags": [value]}
    (found,) = documents(
        readable("text", attributes, session_id=EXAMPLE_ID, severity_number=SeverityNumber.WARN)
    )
    assert (PREFIX + "text", "warning", "x") == (
        found["message"],
        found["level"],
        found["labels.good"],
    )
    assert found["labels.bad"]


@pytest.mark.parametrize(
    "broken",
    [
        {"severity_number": 17},
        {"severity_number": "ERROR"},
        {"timestamp": "now"},
        {"severity_text": ["x"]},
        {"trace_id": "abc"},
        {"attributes": {5: "x"}},
        {"attributes": {None: "x", "good": "y"}},
    ],
    ids=str,
)
def test_a_record_of_a_wrong_shape_keeps_its_text(broken: dict[str, Any]) -> None:
    """What is no record by the rules of OpenTelemetry still becomes a document with what it says."""
    record = readable("the text", session_id=EXAMPLE_ID)
    for name, value in broken.items():
        if name == "attributes":
            value["openreplay.session.id"] = EXAMPLE_ID
        setattr(record.log_record, name, value)
    (found,) = documents(record)
    assert found["message"].startswith(PREFIX)
    assert "the text" in found["message"]
    assert found["level"] in LEVELS


@pytest.mark.parametrize(
    "tags",
    [[f"t{n}" for n in range(600)], [b"x", 5, None, ["y"], Silent(), "\ud800"], "one", 5, {"a": 1}],
    ids=lambda tags: type(tags).__name__,
)
def test_odd_tags_become_texts_and_error_stays_among_them(tags: Any) -> None:
    """By ``error`` OpenReplay up to v1.20 finds errors: no number of other tags may push it out."""
    (found,) = documents(readable("x", {"tags": tags}, severity_number=SeverityNumber.ERROR))
    assert all(isinstance(tag, str) for tag in found["tags"])
    assert 1 == found["tags"].count("error")
    assert len(found["tags"]) <= 600


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["a..b"], ["labels.a._.b"]),
        ([".a"], ["labels._.a"]),
        (["a."], ["labels.a._"]),
        (["."], ["labels._._"]),
        ([""], ["labels._"]),
        (["  "], ["labels._"]),
        ([" a "], ["labels.a"]),
        (["a . b"], ["labels.a.b"]),
        (["a", " a", "a "], ["labels.a"]),
        (["a\ud800", "a?"], ["labels.a?"]),
        (["x" * 5000], ["labels." + "x" * 1024]),
        (['"', "\\", "\n"], ['labels."', "labels.\\", "labels._"]),
        (["code.filepath", "code.file.path"], []),
    ],
)
def test_odd_names_become_paths_that_elasticsearch_takes(
    names: list[str], labels: list[str]
) -> None:
    """No empty part in a path and no name twice, the last of equal names counts."""
    (found,) = documents(readable("x", {name: str(n) for n, name in enumerate(names)}))
    assert labels == [name for name in found if name.startswith("labels.")]
    if labels:
        assert found[labels[-1]] == str(len(names) - 1)


def test_an_odd_scope_and_event_are_texts() -> None:
    """Names of loggers may be anything."""
    (found,) = documents(
        readable("x", scope=InstrumentationScope("a\ud800\n" + "x" * 5000), event_name="\ud800")
    )
    assert found["log.logger"].startswith("a?\nxxx")
    assert "?" == found["event.action"]
