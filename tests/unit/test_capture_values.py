"""Whatever a line holds, it becomes a record: what cannot be read is a placeholder, the rest is there."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import logging
import pathlib
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from openreplay_otel.capture.records import Records, severity_of


class Bad:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class Pretends:
    """As flask's ``request`` outside of a request: even its class cannot be asked for."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("working outside of request context")

    def __str__(self) -> str:
        raise RuntimeError("working outside of request context")


class Raises(dict[Any, Any]):
    """A mapping that cannot be walked."""

    def items(self) -> Any:
        """The connection is gone."""
        raise OSError("connection lost")


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1


CYCLE: dict[str, Any] = {"name": "a"}
CYCLE["self"] = CYCLE
DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]


def line(msg: object = "text", *args: object, **extra: Any) -> logging.LogRecord:
    """A line as ``logging`` makes it."""
    record = logging.LogRecord("shop", logging.INFO, __file__, 7, msg, args, None, "f")
    record.__dict__.update(extra)
    return record


def attribute(value: object) -> Any:
    """What becomes of a value of ``extra=``."""
    return (Records().of(line(value=value)).attributes or {})["value"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), "2026-01-02 00:00:00+00:00"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (pathlib.PurePosixPath("/srv/app"), "/srv/app"),
        (Colour.RED, "Colour.RED"),
        ({7}, [7]),
        (frozenset(), []),
        (b"x", b"x"),
        (bytearray(b"x"), b"x"),
        (None, None),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (Bad(), "(Bad that cannot be shown: ValueError)"),
        (Raises(a=1), "(Raises that cannot be shown: OSError)"),
        ([1, Bad()], [1, "(Bad that cannot be shown: ValueError)"]),
        ({1: 2, "": 3, None: 4}, {"1": 2, "_": 3, "None": 4}),
        (SimpleNamespace(a=1), "namespace(a=1)"),
    ],
)
def test_a_value(value: object, shown: object) -> None:
    """Plain values as they are, others as text, what cannot be read by its type's name."""
    assert (type(shown), shown) == (type(attribute(value)), attribute(value))


@pytest.mark.parametrize(
    "value",
    [CYCLE, DEEP, range(10**9), [[0] * 10_000] * 10_000],
    ids=["cycle", "deep", "range", "wide"],
)
def test_what_never_ends_is_cut(value: object) -> None:
    """Of what holds itself, is thousands deep or has a billion members, a bounded part is read."""
    found = attribute(value)
    assert "… [cut]" in str(found)
    assert len(str(found)) < 100_000


def test_a_request_outside_of_its_request() -> None:
    """Flask's stands for another object and raises where there is none."""
    assert "(Pretends that cannot be shown: RuntimeError)" == attribute(Pretends())


def test_a_huge_number() -> None:
    """More digits than Python turns into text."""
    assert attribute(10**5000).startswith("0x")


@pytest.mark.parametrize(
    ("msg", "args", "body"),
    [
        ("stock is low", (7,), "stock is low (7)"),
        ("%s of %s", (1,), "%s of %s (1)"),
        ("%d left", ("none",), "%d left (none)"),
        ("paid %s to %d", (Bad(), 7), "paid (Bad that cannot be shown: ValueError) to 7"),
        ("%(a)s", ({"b": 1},), '%(a)s ({"b":1})'),
        (Bad(), (), "(Bad that cannot be shown: ValueError)"),
        ({"a": 1}, (), '{"a":1}'),
        ({"event": "paid", "order": 7}, (), "paid"),
        ({"message": "paid", "order": 7}, (), "paid"),
        (ValueError("boom"), (), "boom"),
        (None, (), "None"),
    ],
)
def test_a_message(msg: object, args: tuple[object, ...], body: str) -> None:
    """As ``logging`` would show it; where that fails, with what there is of it."""
    assert body == Records().of(line(msg, *args)).body


def test_the_keys_of_a_message_that_is_a_dict_are_attributes() -> None:
    """As structlog hands it to a formatter, its exception included."""
    try:
        raise KeyError("cart")
    except KeyError:
        msg = {"event": "failed", "order": 7, "exc_info": True}
        attributes = Records().of(line(msg, _logger=object(), _name="x")).attributes or {}
    assert (7, "KeyError") == (attributes["order"], attributes["exception.type"])
    assert {"event", "exc_info", "_logger", "_name"}.isdisjoint(attributes)


@pytest.mark.parametrize("key", [1, "", None, "x" * 5000, ("a", 1)])
def test_a_key(key: Any) -> None:
    """Keys that are no names become texts, none of them empty or endless."""
    record = line()
    record.__dict__[key] = "value"
    (name,) = (n for n, v in (Records().of(record).attributes or {}).items() if v == "value")
    assert type(name) is str
    assert 0 < len(name) <= 1024


def test_more_attributes_than_the_sdk_takes() -> None:
    """It would write a line for each; those beyond its limit are left out, and the record says so."""
    attributes = Records().of(line(**{f"k{n}": n for n in range(300)})).attributes or {}
    assert 128 == len(attributes)
    assert attributes["openreplay.truncated"] is True


def test_the_sdks_limit_of_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would write a line for each value that it cuts."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")
    assert "aaaaa" == attribute("a" * 9)


@pytest.mark.parametrize(
    "field",
    [
        {"created": "now"},
        {"created": float("nan")},
        {"created": 1e300},
        {"levelno": "INFO"},
        {"levelno": None, "levelname": ["x"]},
        {"pathname": object(), "lineno": "7"},
        {"exc_info": True},
        {"exc_info": (1, 2)},
        {"exc_text": 7},
        {"args": Bad()},
        {"args": 7},
        {"funcName": None},
    ],
)
def test_a_line_made_by_hand(field: dict[str, Any]) -> None:
    """Of what came over a socket, any field may be anything; the text is there all the same."""
    record = line("text")
    record.__dict__.update(field)
    assert str(Records().of(record).body).startswith("text")


def test_the_text_of_an_exception_that_came_from_elsewhere() -> None:
    """A socket brings only that."""
    record = line()
    record.exc_text = "Traceback …"
    assert "Traceback …" == (Records().of(record).attributes or {})["exception.stacktrace"]


def test_an_exception_that_cannot_be_read() -> None:
    """Its type and trace are there."""

    class BadError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    record = line()
    try:
        raise BadError
    except BadError as error:
        record.exc_info = (BadError, error, error.__traceback__)
    attributes = Records().of(record).attributes or {}
    assert ("BadError", "(BadError that cannot be shown: RuntimeError)") == (
        attributes["exception.type"],
        attributes["exception.message"],
    )
    assert "raise BadError" in str(attributes["exception.stacktrace"])


@pytest.mark.parametrize(
    ("level", "number"),
    [(0, 0), (5, 1), (10, 5), (19, 8), (20, 9), (25, 12), (30, 13), (40, 17), (50, 21), (99, 24)],
)
def test_a_level(level: int, number: int) -> None:
    """OpenTelemetry's numbers, also for levels in between."""
    assert number == severity_of(level).value
