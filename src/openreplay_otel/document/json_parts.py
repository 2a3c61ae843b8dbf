"""Parts of a document's JSON that many records share: made once and kept. Pure.

Each part begins with a comma, so that parts follow one another.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import orjson

from ..names import FIELD_LEVEL, FIELD_TAGS, FIELD_TRUNCATED, TAG_ERROR
from ..stamp.processor import ERROR_SEVERITY, with_error_tag
from ..text.levels import severity_of
from .attributes import RESOURCE_PLANS, add_attributes
from .coercion import MAX_KEYWORD, MAX_LABELS, as_text, cut, plain
from .fields import ECS_VERSION, level_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

ERROR_TAGS: Final = (TAG_ERROR,)
"""The attribute ``tags`` as the stamp sets it where the app has none."""
_OWN_SCOPE: Final = "openreplay_otel"
_CACHE_LIMIT: Final = 2048


class Origin(NamedTuple):
    """What all documents of a resource and scope share: as fields, and as a part.

    Only labels, and the mark of what was cut, can have a name that a record's own fields use too.
    """

    fields: dict[str, Any]
    part: bytes
    has_labels: bool


class Origins:
    """Keeps the origins of an exporter's records; safe to use from several threads."""

    def __init__(self) -> None:
        # Resource and scope are kept beside their origin: an id() is only unique among living objects.
        self._known: dict[tuple[int, int], tuple[object, object, Origin | None]] = {}

    def origin(self, resource: Resource, scope: InstrumentationScope | None) -> Origin | None:
        """The origin of a record; None for this package's own log lines."""
        key = (id(resource), id(scope))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            known = self._known[key] = (resource, scope, _make_origin(resource, scope))
        return known[2]


def as_json(fields: dict[str, Any]) -> bytes:
    """Fields as a JSON object; a lone surrogate, which is no Unicode text, becomes ``?``."""
    try:
        return orjson.dumps(fields)
    except TypeError:
        return orjson.dumps(plain(fields))


def as_part(fields: dict[str, Any]) -> bytes:
    """Fields as a part."""
    return b"," + as_json(fields)[1:-1] if fields else b""


class Grading(NamedTuple):
    """Level and tags of a record as a part, and whether something in it was cut."""

    part: bytes
    is_cut: bool


def grading(
    severity_number: int, severity_text: object, tags: object, *, has_exception: bool
) -> Grading:
    """The fields ``level``, ``log.level`` and ``tags``.

    Args:
        severity_number: OpenTelemetry's, 0 for none: then the text counts.
        severity_text: As the logging library names it; None or empty for none.
        tags: The attribute ``tags``: a sequence, one text, or None.
        has_exception: Whether the record holds an exception.
    """
    if severity_number <= 0 and isinstance(severity_text, str):
        severity_number = severity_of(severity_text)
    is_error = has_exception or severity_number >= ERROR_SEVERITY
    if tags == ERROR_TAGS:
        tags, is_error = None, True
    if tags is None and (severity_text is None or type(severity_text) is str):
        return _usual_grading(severity_number, severity_text, is_error)
    return _grading(severity_number, severity_text, tags, is_error)


def _grading(
    severity_number: int,
    severity_text: object,
    tags: object,
    is_error: bool,  # noqa: FBT001 - see below
) -> Grading:
    fields: dict[str, Any] = {FIELD_LEVEL: level_of(severity_number)}
    is_cut = False
    if severity_text:
        text = str(severity_text)
        fields["log.level"] = cut(text, MAX_KEYWORD)
        is_cut = len(text) > MAX_KEYWORD
    own = cast("tuple[object, ...]", tags) if isinstance(tags, (list, tuple)) else (tags,)
    texts: list[str] = [as_text(tag) for tag in own if tag is not None]
    kept = [cut(text, MAX_KEYWORD) for text in texts[: MAX_LABELS - 1]]
    is_cut |= kept != texts
    fields[FIELD_TAGS] = with_error_tag(kept) if is_error or TAG_ERROR in texts else kept
    return Grading(as_part(fields), is_cut)


@lru_cache(maxsize=_CACHE_LIMIT)
def _usual_grading(number: int, text: str | None, is_error: bool) -> Grading:  # noqa: FBT001 - by position: lru_cache takes longer for names
    return _grading(number, text, None, is_error)


@lru_cache(maxsize=_CACHE_LIMIT)
def trace_part(trace_id: int, span_id: int) -> bytes:
    """The ids of trace and span, which the records of a span share; 0 for none."""
    if not trace_id:
        return b""
    trace = b',"trace.id":"%032x"' % trace_id
    return trace + b',"span.id":"%016x"' % span_id if span_id else trace


def timestamp(time_ns: int) -> bytes:
    """A time as documents hold it: RFC 3339, UTC, six digits.

    Args:
        time_ns: Unix nanoseconds, from 1970 to 9999.
    """
    seconds, rest = divmod(time_ns, 1_000_000_000)
    thousands, rest = divmod(rest // 1000, 1000)
    # Joining ready digits takes half the time of formatting a number.
    return second_part(seconds) + _THREE_DIGITS[thousands] + _THREE_DIGITS[rest] + b"Z"


_THREE_DIGITS: Final = tuple(b"%03d" % n for n in range(1000))


@lru_cache(maxsize=64)
def second_part(seconds: int) -> bytes:
    """A time's second, up to the point: the records of a second share it."""
    # gmtime, since datetime cannot tell the last nanoseconds of the year 9999 from those after.
    return b"%04d-%02d-%02dT%02d:%02d:%02d." % tuple(gmtime(seconds)[:6])


def _make_origin(resource: Resource, scope: InstrumentationScope | None) -> Origin | None:
    name = "" if scope is None else scope.name or ""
    if name == _OWN_SCOPE or name.startswith(_OWN_SCOPE + "."):
        return None
    fields: dict[str, Any] = {"ecs.version": ECS_VERSION}
    if name:
        fields["log.logger"] = cut(name, MAX_KEYWORD)
    is_cut = add_attributes(fields, resource.attributes, RESOURCE_PLANS) or len(name) > MAX_KEYWORD
    if is_cut:
        fields[FIELD_TRUNCATED] = True
    has_labels = is_cut or any(field.startswith("labels.") for field in fields)
    return Origin(fields, as_part(fields), has_labels)
