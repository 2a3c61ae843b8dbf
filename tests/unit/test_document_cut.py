"""Documents of records that are too much: cut, marked as cut, and never dropped."""

from __future__ import annotations

import re
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from .contract import EXAMPLE_ID
from .odd_values import looped
from .records import documents, readable

PREFIX = f"[openReplaySession.id={EXAMPLE_ID}] "


def test_a_value_that_holds_itself_is_cut() -> None:
    """Loops end."""
    (found,) = documents(readable(looped(), {"a": looped()}))
    assert "[cut]" in found["message"]
    assert "[cut" in found["labels.a"]


def test_a_deep_and_a_wide_value_are_cut() -> None:
    """Neither depth nor number lets a document grow without end, nor takes for ever."""
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    wide = [range(10**12), {"a": range(10**12)}, dict.fromkeys(range(300_000), 1)]
    for found in documents(readable(deep), *map(readable, wide)):
        assert "[cut" in found["message"]
        assert len(found["message"]) < 300_000


@pytest.mark.parametrize("letter", ["x", "\u00e4", "\U0001f600", "\ud800"])
def test_huge_texts_are_cut_and_marked(letter: str) -> None:
    """The beginning stays, the cut is said in place, and the document is marked."""
    attributes = {
        "exception.stacktrace": letter * 900_000,
        "exception.type": letter * 5000,
        "a": letter * 20_000,
    }
    record = readable(
        letter * 900_000,
        attributes,
        session_id=EXAMPLE_ID,
        event_name=letter * 5000,
        severity_text=letter * 5000,
    )
    (found,) = documents(record)
    assert found["openreplay.truncated"] is True
    for name, most in {
        "message": 2**18,
        "error.stack_trace": 2**18,
        "error.type": 1024,
        "labels.a": 8192,
    }.items():
        assert re.search(r"… \[cut: \d+ characters\]$", found[name])
        assert len(found[name]) < most + 60
    assert len(found["event.action"]) < 1100
    assert len(found["log.level"]) < 1100
    assert found["message"].startswith(PREFIX)


def test_a_text_of_just_the_limit_is_not_cut() -> None:
    """Nothing is marked that is whole."""
    (found,) = documents(readable("x" * 2**18, {"a": "y" * 8192, "exception.type": "z" * 1024}))
    assert "openreplay.truncated" not in found
    assert (2**18, 8192) == (len(found["message"]), len(found["labels.a"]))


def test_ten_thousand_attributes_are_cut_and_marked() -> None:
    """Elasticsearch has a bound of fields; fields with a meaning of their own come before labels."""
    attributes: dict[str, Any] = {f"a{n}": n for n in range(10_000)}
    attributes |= {"exception.type": "ValueError", "code.lineno": 7}
    (found,) = documents(readable("x", attributes, session_id=EXAMPLE_ID))
    labels = [name for name in found if name.startswith("labels.")]
    assert 500 <= len(labels) <= 512
    assert found["openreplay.truncated"] is True
    assert ("ValueError", 7, ["error"]) == (
        found["error.type"],
        found["log.origin.file.line"],
        found["tags"],
    )


def test_a_huge_resource_is_cut_and_marked() -> None:
    """Also what all documents share, and once where the record is cut too."""
    resource = Resource({"a": "x" * 20_000})
    for body in ("x", "x" * 900_000):
        (found,) = documents(readable(body, resource=resource))
        assert found["openreplay.truncated"] is True


@pytest.mark.parametrize(
    ("time_ns", "shown", "marked"),
    [
        (-1, "1970-01-01T00:00:00.000000Z", True),
        (-(2**70), "1970-01-01T00:00:00.000000Z", True),
        (1, "1970-01-01T00:00:00.000000Z", False),
        (999, "1970-01-01T00:00:00.000000Z", False),
        (1000, "1970-01-01T00:00:00.000001Z", False),
        (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999999Z", False),
        (253_402_300_800 * 10**9, "9999-12-31T23:59:59.999999Z", True),
        (2**80, "9999-12-31T23:59:59.999999Z", True),
        (951_782_400 * 10**9, "2000-02-29T00:00:00.000000Z", False),
    ],
)
def test_dates_far_off_are_brought_to_the_nearest_and_marked(
    time_ns: int, shown: str, marked: bool
) -> None:
    """A date that no reader could parse costs the date and not the record."""
    (found,) = documents(readable("x", timestamp=time_ns, session_id=EXAMPLE_ID))
    assert (shown, marked) == (found["@timestamp"], found.get("openreplay.truncated", False))


@pytest.mark.parametrize("name", ["openReplaySession.id", "openReplaySessionToken"])
def test_the_cut_makes_no_tag_of_another_session(name: str) -> None:
    """A tag of one's own inside the text, cut anywhere in its id, names nobody else."""
    tag = f"{name}={EXAMPLE_ID}"
    for shown in range(1, len(tag) + 1):
        text = "x" * (2**18 - len(PREFIX) - shown) + tag + " and more"
        (found,) = documents(readable(text, session_id=EXAMPLE_ID))
        assert found["message"].startswith(PREFIX)
        left = re.findall(rf"{re.escape(name)}=(\w+)", found["message"][len(PREFIX) :])
        assert left in ([], [EXAMPLE_ID])
