"""Makes documents of parsed records: field by field what the exporter makes of a live one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..document.builder import document_source
from ..document.coercion import MAX_KEYWORD, MAX_TEXT, cut
from ..document.fields import ECS_VERSION
from ..document.json_parts import Origin, as_part, grading, trace_part
from ..document.routing import Placements
from ..message_tag import message_prefix, tagged
from ..names import FIELD_ASSUMED, FIELD_MESSAGE, FIELD_TRUNCATED
from ..stores.base import Document
from ..text.levels import severity_of

if TYPE_CHECKING:
    from ..settings import Settings
    from .record import ParsedRecord

_MAX_TIME_NS: Final = 253_402_300_799_999_999_999
_NO_MESSAGE: Final = "(no message)"
_ERROR, _WARNING, _INFO = 17, 13, 9


class ShippedDocuments:
    """Makes the documents of one file.

    Args:
        settings: Index prefix, tags, links.
        origin: Fields of every document, such as ``service.name`` and ``log.file.path``.
    """

    def __init__(self, settings: Settings, origin: dict[str, str]) -> None:
        self._tags = settings.tags
        self._placement = Placements(settings).placement
        fields = {"ecs.version": ECS_VERSION, **origin}
        # "has labels" asks document_source to look for names that a record has too: JSON lines do.
        self._origin = Origin(fields, as_part(fields), has_labels=True)

    def document(self, record: ParsedRecord, document_id: str) -> Document:
        """The document of a record, whose time is known by now.

        Args:
            record: The record.
            document_id: Its ``_id``.
        """
        time_ns = record.time_ns or 0
        is_cut = record.is_cut or not 0 <= time_ns <= _MAX_TIME_NS
        if is_cut:
            time_ns = min(max(time_ns, 0), _MAX_TIME_NS)
        message, session_id = record.message, record.session_id
        if not message or message.isspace():
            message = _NO_MESSAGE
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        message = tagged(message, session_id, prefix)
        if len(message) > MAX_TEXT:
            # Again: of an own tag inside the text, the cut may leave another id.
            message, is_cut = tagged(cut(message, MAX_TEXT), session_id, prefix), True
        fields: dict[str, Any] = {FIELD_MESSAGE: message}
        if session_id is not None:
            fields["session.id"] = session_id
        if record.logger:
            fields["log.logger"] = cut(record.logger, MAX_KEYWORD)
        own = record.fields
        for name, value in own.items():
            # A tag can stand in an exception's text or a label too, and a token with it.
            fields[name] = tagged(value, session_id, "") if type(value) is str else value
        severity = severity_of(record.level)
        has_exception = bool(own) and (
            "error.type" in own or "error.message" in own or "error.stack_trace" in own
        )
        assumed = ["time"] if record.is_time_assumed else []
        if severity == 0:
            severity = _severity_from_context(own, has_exception=has_exception)
            assumed.append("level")
        if assumed:
            fields[FIELD_ASSUMED] = assumed
        graded = grading(severity, record.level, None, has_exception=has_exception)
        if is_cut or graded.is_cut:
            fields[FIELD_TRUNCATED] = True
        index, session = self._placement(session_id, time_ns)
        trace = trace_part(record.trace_id, record.span_id)
        source = document_source(time_ns, graded.part + session + trace, self._origin, fields)
        return Document(index, document_id, source)


def _severity_from_context(fields: dict[str, Any], *, has_exception: bool) -> int:
    if has_exception:
        return _ERROR
    status = fields.get("http.response.status_code")
    if isinstance(status, int) and status >= 400:
        return _ERROR if status >= 500 else _WARNING
    return _INFO
