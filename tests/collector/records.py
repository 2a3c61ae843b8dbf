"""The list of records that goes both ways: usual ones, odd ones, forged ones."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tests.emitting import now_ms, session_id_begun_at

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

_RESOURCE: Final = Resource(
    {
        "service.name": "shop",
        "service.version": "2026.7",
        "service.instance.id": "shop-1",
        "deployment.environment.name": "production",
        "host.name": "web-1",
        "host.id": "4711",
        "host.arch": "amd64",
        "host.type": "m5",
        "process.pid": 42,
        "process.parent_pid": 1,
        "process.executable.name": "python",
        "process.executable.path": "/usr/bin/python",
        "process.command_line": "python -m shop",
        "container.id": "c0ffee",
        "container.name": "shop",
        "telemetry.sdk.language": "python",
        "cloud.region": "eu-1",
        "replicas": 3,
        "canary": True,
        "zones": ["a", "b"],
        "shared": "of the resource",
    }
)
_BARE: Final = Resource({"process.pid": "no number", "deployment.environment": "old", "a..b": 1})
_SCOPE: Final = InstrumentationScope("shop.checkout")

_EXCEPTION: Final[dict[str, Any]] = {
    "exception.type": "ValueError",
    "exception.message": "no such card",
    "exception.stacktrace": "Traceback (most recent call last):\n  …\nValueError: no such card\n",
    "exception.escaped": "False",
}


class Records:
    """Collects the records; each has an ``_id`` of its own in its attributes, unless it is told otherwise."""

    def __init__(self) -> None:
        self.all: list[ReadableLogRecord] = []
        self.now_ms = now_ms()
        self.session = session_id_begun_at(self.now_ms - HOUR_MS, 1)
        began = datetime.fromtimestamp(self.now_ms / 1000 - 3600, tz=timezone.utc)
        self.session_day = f"{began:%Y.%m.%d}"
        self.own_tag = f"[openReplaySession.id={self.session}] "
        self.stranger = session_id_begun_at(self.now_ms - HOUR_MS, 2)

    def add(
        self,
        body: Any,
        session: Any = None,
        *,
        resource: Resource = _RESOURCE,
        scope: InstrumentationScope | None = _SCOPE,
        with_id: bool = True,
        attributes: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Add one; ``session`` is the attribute as it stands in the record."""
        number = len(self.all)
        time_ns = self.now_ms * 1_000_000 + number * 1_001_001
        fields = {
            "timestamp": time_ns,
            "observed_timestamp": time_ns + 1000,
            "severity_number": SeverityNumber.INFO,
            "severity_text": "INFO",
        } | fields
        record = LogRecord(context=Context({"no": "span"}), body=body, **fields)
        attributes = dict(attributes or {})
        if session is not None:
            attributes["openreplay.session.id"] = session
        if with_id:
            attributes.setdefault("elasticsearch.document_id", f"golden{number:04d}")
        record.attributes = attributes
        self.all.append(ReadableLogRecord(record, resource, scope))


def golden_records() -> Records:
    """All of them; every one has to become the same document on both ways."""
    r = Records()
    for add in (
        _usual,
        _errors,
        _odd_bodies,
        _labels,
        _sessions,
        _forged,
        _times,
        _long,
    ):
        add(r)
    return r


def _usual(r: Records) -> None:
    """As the stamp leaves them, of all severities."""
    own = r.own_tag
    for number in (*range(1, 25), None):
        severity = None if number is None else SeverityNumber(number)
        r.add(
            f"{own}severity {number}",
            r.session,
            severity_number=severity,
            severity_text=f"S{number}",
        )
    r.add(own + "no severity text", r.session, severity_text=None)
    for text in ("ERROR", "Warning", "critical", " err ", "debug", "trace", "notice", "loud"):
        r.add(f"{own}only the text {text}", r.session, severity_number=None, severity_text=text)
    r.add("without the tag, which the document gets", r.session)
    r.add("without a session")
    r.add("Zoë pays 5 € for 日本語 🛒", r.session)
    r.add(own + "a span", r.session, trace_id=0x1234 << 100, span_id=0x99)
    r.add(own + "a trace only", r.session, trace_id=7)
    r.add(own + "an event", r.session, event_name="cart.opened")
    r.add(
        own + "code",
        r.session,
        attributes={"code.file.path": "/a.py", "code.line.number": 7, "code.function.name": "f"},
    )
    r.add(
        own + "old code",
        r.session,
        attributes={"code.filepath": "/b.py", "code.lineno": 8, "code.function": "g"},
    )
    r.add(own + "odd line", r.session, attributes={"code.line.number": "7", "thread.id": 3.5})
    r.add(own + "thread", r.session, attributes={"thread.id": 77, "thread.name": "worker"})
    r.add(own + "semconv session", r.session, attributes={"session.id": "browser-1"})
    r.add("semconv session only", attributes={"session.id": "browser-2"})


def _errors(r: Records) -> None:
    """With exceptions, whole and in part."""
    own = r.own_tag
    error = {"severity_number": SeverityNumber.ERROR, "severity_text": "ERROR"}
    r.add(own + "failed", r.session, attributes={**_EXCEPTION, "tags": ("error",)}, **error)
    r.add("failed, unstamped", r.session, attributes=_EXCEPTION, **error)
    r.add("an exception at info", r.session, attributes=_EXCEPTION)
    r.add("", r.session, attributes=_EXCEPTION)
    r.add("", r.session, attributes={"exception.type": "ValueError"})
    r.add("", r.session, attributes={"exception.type": "KeyError", "exception.message": " "})
    r.add(" ", r.session, attributes={"exception.type": "", "exception.message": ""})
    r.add("", r.session, attributes={"exception.message": 7}, event_name="not asked")
    r.add(own, r.session, attributes={"exception.message": "said by the exception"})
    r.add(own + " \n\t ", r.session, event_name="named.event")
    r.add(own + " ", r.session)
    r.add(None, r.session)
    r.add(own + "tags", r.session, attributes={"tags": ["a", "b"]})
    r.add(own + "one tag", r.session, attributes={"tags": "a"}, **error)
    r.add(own + "own error tag", r.session, attributes={"tags": ["error", "b"]}, **error)


def _odd_bodies(r: Records) -> None:
    """Bodies that are no text."""
    r.add({"step": 1, "cart": {"items": ["a", 2, True, None], "total": 1.5}}, r.session)
    r.add(["a", 1, 2.0, {"b": 1, "a": 2}], r.session)
    r.add(b"\x00\xffbytes", r.session)
    for value in (7, -1, 2.0, 0.1, 1e21, 1.5e-7, 123456789.125, True, False):
        r.add(value, r.session)


def _labels(r: Records) -> None:
    """Attributes of all kinds."""
    own = r.own_tag
    r.add(
        own + "labels",
        r.session,
        attributes={
            "order_id": 7, "ok": True, "ratio": 1.0, "small": 1e-7, "big": 1e22, "text": "x", "empty": "",
            "shared": "of the record", "list": ["a", "b"], "numbers": [1, 2.0], "bytes": b"ab",
            "map": {"b": {"c": 1}, "a": "<&>"}, "dotted.name": "d", "dotted": "e",
        },
    )  # fmt: skip
    r.add(
        own + "odd names",
        r.session,
        attributes={"": "empty", "a..b": 1, ".x": 2, "y.": 3, "z.  .z": 4},
    )
    r.add(
        own + "steering",
        r.session,
        attributes={"elasticsearch.index": "stolen", "data_stream.dataset": "stolen"},
    )
    r.add(own + "other resource", r.session, resource=_BARE, scope=None)


def _sessions(r: Records) -> None:
    """Sessions of other times, and ids that are none."""
    for days in (1, 29, 31, 400):
        begun = session_id_begun_at(r.now_ms - days * DAY_MS)
        r.add(f"began {days} days ago", begun)
    for minutes in (5, 9, 11, 60 * 24):
        r.add(f"begins in {minutes} minutes", session_id_begun_at(r.now_ms + minutes * 60_000))
    for number in (1, 77, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        r.add("a made-up id", str(number))
    for text in (
        "0",
        "-5",
        "007",
        "+7",
        str(2**64),
        "1" * 21,
        "abc",
        "",
        "12 34",
        "٣",
        77,
        1.5,
        True,
    ):
        r.add("no id", text)


def _forged(r: Records) -> None:
    """Tags that came in with input."""
    own = r.own_tag
    for name in ("openReplaySession.id", "openReplaySessionToken", "asayer_session_id"):
        for form in (
            "[{n}={v}] hi",
            "hi {n}={v}",
            "{n}: {v}",
            '"{n}":"{v}"',
            "{n} {v}",
            "{n}\n{v},",
            "({n}==={v})",
            "{n}={v}-7",
            "{n}={v}.",
        ):
            r.add(form.format(n=name, v=r.stranger), r.session)
            r.add(form.format(n=name, v=r.stranger))
            r.add(own + form.format(n=name, v=r.session), r.session)
        r.add(
            f"{name}=jw4wdfpgqhoj.0.lrs1.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe!", r.session
        )
        r.add(f"[{name}=jw4wdfpgqhoj.lrs1.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe] token")
        for odd in (name.upper(), name.lower(), name.replace("i", "İ"), name.replace("s", "ſ")):  # noqa: RUF001 - meant
            r.add(f"{odd}={r.stranger}", r.session)
    r.add(f"[openReplaySession.id={r.stranger}] {own}", r.session)
    r.add("the session says nothing of sessions", r.session)


def _times(r: Records) -> None:
    """Unusual times."""
    r.add("observed only", r.session, timestamp=None)
    r.add("1970", r.session, timestamp=1)
    r.add("2200", r.session, timestamp=7_258_118_400_123_456_789)
    r.add("whole second", r.session, timestamp=r.now_ms // 1000 * 1_000_000_000)


def _long(r: Records) -> None:
    """Longer than a document takes."""
    own = r.own_tag
    r.add(own + "x" * 300_000, r.session)
    r.add(
        own + "a long trace",
        r.session,
        attributes={
            **_EXCEPTION,
            "exception.stacktrace": "y" * 300_000,
            "exception.message": "z" * 262_144,
        },
    )
