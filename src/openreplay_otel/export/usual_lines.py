"""Makes the lines of a usual record in few steps: plain text that the stamp saw just now, and no exception.

``DocumentBuilder`` makes the same of every record, and is asked for all others. What an emit costs depends
less on the work than on how much code it runs through, since the app's own code has filled the processor's
caches in between. So this is one function, and what the records of a request share is kept from one to the
next. The tests hold both ways side by side.
"""

from __future__ import annotations

from time import gmtime
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from opentelemetry.attributes import BoundedAttributes

from ..message_tag import message_prefix
from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_TAGS,
    FIELD_TIMESTAMP,
    FIELD_UTC_TIME,
)
from ..stamp.processor import ERROR_SEVERITY
from .attributes import add_attributes, code_part
from .parts import Origins, grading, trace_part
from .placement import Placements
from .plain_values import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..settings import Settings
    from ..stamp.processor import Stamped
    from .parts import Origin

_MOST_SHARED: Final = 2048
_LINES: Final = (
    b'{"create":{"_index":"%%b","_id":"%%b"}}\n{"%b":"%%b","%b":"%%b"%%b%%b%%b%%b,%%b\n'
    % (
        FIELD_TIMESTAMP.encode(),
        FIELD_UTC_TIME.encode(),
    )
)
_EXCEPTION: Final = frozenset({"exception.type", "exception.message", "exception.stacktrace"})


class UsualLines:
    """Makes lines as ``lines_of(*DocumentBuilder(…).build(record))`` would; safe to use from several threads.

    Args:
        settings: As for the builder.
        next_id: Makes an id from a time (Unix nanoseconds) for a record that has none.
    """

    def __init__(self, settings: Settings, next_id: Callable[[int], str]) -> None:
        self._tags = settings.tags
        self._drops_sessionless = settings.sessionless == "drop"
        self._usual_placement = Placements(settings).usual_placement
        self._next_id = next_id
        self._origin = Origins().origin
        # Each is replaced as a whole, so that another thread never sees halves of two.
        self._request: tuple[object, int, int, bytes, bytes, str | None] = (
            None,
            1,
            0,
            b"",
            b"",
            None,
        )
        self._second: tuple[int, bytes] = (-1, b"")
        # Resource and scope are kept beside what they share: an id() is only unique among living objects.
        self._shared: dict[
            tuple[int, int, int, str | None], tuple[bytes, Origin | None, object]
        ] = {}

    def lines(self, log_record: Any) -> tuple[bytes, bool] | None:  # noqa: C901, PLR0911, PLR0912 - see above
        """The lines of a record, and whether it has a session.

        Returns:
            None for a record that is not a usual one.

        Raises:
            Exception: Some records are only found to be unusual by it.
        """
        try:
            stamped: Stamped = log_record.openreplay_stamped
        except AttributeError:
            return None
        found, body, document_id = stamped
        record = log_record.log_record
        attributes: Any = record.attributes
        if record.body is not body or type(attributes) is not BoundedAttributes:
            return None
        # Nobody else has the record yet; each look into BoundedAttributes itself is a call in Python.
        attributes = cast("Any", attributes)._dict  # noqa: SLF001 - see above; without it the emit falls to the builder
        request = self._request
        if request[0] is not found:
            request = self._begin_request(found)
        _, earliest_ns, latest_ns, index, session, prefix = request
        time_ns = record.timestamp or record.observed_timestamp or 0
        session_id = found[1]
        if (
            not earliest_ns <= time_ns <= latest_ns
            or attributes.get(ATTRIBUTE_SESSION_ID) != session_id
            or attributes.get(ATTRIBUTE_DOCUMENT_ID) != document_id
            or ATTRIBUTE_TAGS in attributes
            or record.event_name
            or len(body) > MAX_TEXT
        ):
            return None
        rest = body[len(found[2]) :]
        if not rest or rest.isspace():
            return None
        number = record.severity_number
        number = 0 if number is None else number._value_
        if session_id is None:
            if number >= ERROR_SEVERITY or not _EXCEPTION.isdisjoint(attributes):
                return None
            document_id = self._next_id(record.observed_timestamp or time_ns)
        resource, scope, text = (
            log_record.resource,
            log_record.instrumentation_scope,
            record.severity_text,
        )
        shared = self._shared.get((id(resource), id(scope), number, text))
        if shared is None:
            shared = self._begin_sharing(resource, scope, number, text)
        part, origin, _ = shared
        if origin is None:
            return None
        fields: dict[str, Any] = {"message": body if prefix is None else prefix + rest}
        if session_id is not None:
            fields["session.id"] = session_id
        code, plans = code_part(attributes)
        if add_attributes(fields, attributes, plans):
            return None
        if origin.has_labels and not origin.fields.keys().isdisjoint(fields):
            return None
        seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
        second, moment = self._second
        if second != seconds:
            moment = b"%04d-%02d-%02dT%02d:%02d:%02d." % tuple(gmtime(seconds)[:6])
            self._second = (seconds, moment)
        moment = b"%b%06dZ" % (moment, nanoseconds // 1000)
        trace = trace_part(record.trace_id or 0, record.span_id or 0)
        own = orjson.dumps(fields)[1:]
        id_ = str(document_id).encode()
        return _LINES % (
            index,
            id_,
            moment,
            moment,
            part,
            session,
            trace,
            code,
            own,
        ), session_id is not None

    def _begin_request(self, found: Any) -> tuple[object, int, int, bytes, bytes, str | None]:
        _, session_id, stamped_prefix = found
        usual = self._usual_placement(session_id)
        if usual is None or (session_id is None and self._drops_sessionless):
            self._request = (found, 1, 0, b"", b"", None)
            return self._request
        earliest_ns, latest_ns, (index, session) = usual
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        other_prefix = None if prefix == stamped_prefix else prefix
        self._request = (found, earliest_ns, latest_ns, index.encode(), session, other_prefix)
        return self._request

    def _begin_sharing(
        self, resource: Any, scope: Any, number: int, text: str | None
    ) -> tuple[bytes, Origin | None, object]:
        origin = self._origin(resource, scope) if resource is not None else None
        graded = grading(number, text, None, has_exception=False)
        if origin is None or graded.is_cut or (text is not None and type(text) is not str):
            shared = (b"", None, (resource, scope))
        else:
            shared = (graded.part + origin.part, origin, (resource, scope))
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        self._shared[id(resource), id(scope), number, text] = shared
        return shared
