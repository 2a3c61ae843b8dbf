"""The document of any record at all: what OpenReplay's panel needs holds whatever was logged."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.resources import Resource

from openreplay_otel import Settings
from openreplay_otel.document.builder import DocumentBuilder

from .contract import EXAMPLE_ID, LARGEST_ID, PROPERTY
from .records import AT_NS, parsed, readable

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
LEVELS = {"error", "warning", "info", "debug"}
OF_RESOURCE = st.sampled_from(["a", "a.b", "service.name", "process.pid", "team", "", " a"])
TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["", " ", "\ud800", "a\udfffb", "\x00", "\u2028", "x" * 2000]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.binary(max_size=20)
    | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**300, 1e308])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXTS | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)
ODD_NAMES = [
    "a",
    "a.b",
    "a..b",
    ".a",
    "a.",
    "..",
    ".",
    "a?",
    "tags",
    "session.id",
    "level",
    "message",
    "@timestamp",
    "code.file.path",
    "code.filepath",
    "code.lineno",
    "exception.type",
    "exception.message",
    "openreplay.session.id",
    "openreplay.truncated",
    "service.name",
    "labels.a",
]
NAMES = TEXTS | st.sampled_from([*ODD_NAMES, " a ", " . ", "a\ud800", "x" * 3000, "x" * 3000 + "y"])
ATTRIBUTES = st.none() | st.dictionaries(NAMES, VALUES, max_size=12)
TIMES = (
    st.none() | st.integers(-(2**70), 2**70) | st.sampled_from([0, AT_NS, 253_402_300_800 * 10**9])
)


@PROPERTY
@given(
    body=VALUES,
    attributes=ATTRIBUTES,
    of_resource=st.dictionaries(OF_RESOURCE, st.text() | st.integers(), max_size=4),
    session_id=st.none() | st.integers(1, LARGEST_ID).map(str) | st.just(EXAMPLE_ID),
    timestamp=TIMES,
    observed=TIMES,
    severity=st.sampled_from([*SeverityNumber, None]),
    severity_text=st.none() | TEXTS,
    event=st.none() | TEXTS,
    tags=st.permutations(["openReplaySession.id", "openReplaySessionToken"]),
    count=st.integers(1, 2),
)
def test_any_record_makes_a_document_that_openreplay_can_show(
    *,
    body: Any,
    attributes: Any,
    of_resource: Any,
    session_id: str | None,
    timestamp: Any,
    observed: Any,
    severity: Any,
    severity_text: Any,
    event: Any,
    tags: list[str],
    count: int,
) -> None:
    """Valid JSON of one line with no name twice, and each rule of the panel holds (contract, section 4)."""
    tags = tags[:count]
    record = readable(
        body,
        attributes,
        session_id=session_id,
        resource=Resource(of_resource),
        timestamp=timestamp,
        severity_number=severity,
        severity_text=severity_text,
        event_name=event,
    )
    record.log_record.observed_timestamp = observed
    made = [DocumentBuilder(Settings(tags=tuple(tags))).build(record) for _ in range(2)]
    assert made[0] is not None
    assert made[0] == made[1]
    found = parsed(made[0].source)
    assert found["level"] in LEVELS
    assert TIME.fullmatch(found["@timestamp"])
    assert found["utc_time"] == found["@timestamp"]
    assert isinstance(found["tags"], list)
    assert all(isinstance(tag, str) for tag in found["tags"])
    assert isinstance(found["message"], str)
    claimed = session_id or _valid((attributes or {}).get("openreplay.session.id"))
    prefix = "" if claimed is None else "".join(f"[{tag}={claimed}]" for tag in tags) + " "
    rest = found["message"].removeprefix(prefix)
    assert found["message"].startswith(prefix)
    assert rest.strip()
    assert not rest.startswith("[openReplaySession")
    assert claimed == found.get("openreplay.session.id")
    others = {k: v for k, v in found.items() if k not in {"tags", "openreplay.truncated"}}
    assert {type(value) for value in others.values()} <= {str, int}
    assert found.get("openreplay.truncated") in {None, True}
    assert all(name and not re.search(r"^\.|\.$|\.\.", name) for name in found)
    assert re.fullmatch(r"[0-9a-zA-Z]{20,256}", made[0].id)
    assert re.fullmatch(r"logs-openreplay-default|openreplay-logs-\d{4}\.\d\d\.\d\d", made[0].index)


def _valid(claimed: object) -> str | None:
    if not isinstance(claimed, str):
        return None
    claimed = claimed.strip()
    return (
        claimed
        if re.fullmatch(r"[1-9][0-9]{0,19}", claimed) and int(claimed) <= LARGEST_ID
        else None
    )
