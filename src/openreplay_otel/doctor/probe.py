"""Sends two records the whole way, as a request's would go, reads them as OpenReplay does, removes them."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreError
from ..names import (
    ATTRIBUTE_SESSION_ID,
    BAGGAGE_SESSION_ID,
    MESSAGE_TAG_SESSION_ID,
    MESSAGE_TAG_SESSION_TOKEN,
    SESSION_ID_HEADER,
)
from ..stores.elasticsearch import ElasticsearchStore, schema
from .examination import sentence
from .readers import panel_faults, read_as_old, search_as_new
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..settings import Settings
    from ..stores.base import Document
    from ..stores.elasticsearch import Connection
    from .examination import Examination

_ID_EPOCH_MS: Final = 1_550_000_000_000
_APART_NS: Final = 50_000_000
_NOT_SENT: Final = frozenset(
    {
        "alias.foreign", "alias.data-stream", "alias.stream-beside", "template.missing",
        "template.foreign", "template.overridden",
    }
)  # fmt: skip
_CAUSES: Final = frozenset({"alias", "template", "indexes"})


def probe_session_id(now_ms: int) -> str:
    """The id of a session that begins now, of no recording."""
    return str((now_ms - _ID_EPOCH_MS) << 24 | secrets.randbits(24))


def check_probe(examination: Examination, before: Sequence[Result]) -> Iterator[Result]:
    """The whole way of a record.

    Args:
        examination: The run.
        before: What the earlier checks came to: where a record would make an index of the wrong kind,
            none is sent.
    """
    reason = _reason_against(examination, before)
    if reason is not None:
        yield found("probe.untested", reason=reason)
        return
    faults = [
        fault for prefix in examination.prefixes for fault in _probe_of_prefix(examination, prefix)
    ]
    # What an earlier check found is the cause, most likely.
    known = next(
        (result.mend for result in before if result.check in _CAUSES and result.mend), None
    )
    yield from (replace(fault, mend=known) if known else fault for fault in faults)
    if not faults:
        yield found("probe.ok")


def _probe_of_prefix(examination: Examination, prefix: str) -> Iterator[Result]:
    tags = (MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN)
    settings = replace(examination.settings, index=prefix, tags=tags)
    now_ns = time.time_ns()
    session_id = probe_session_id(now_ns // 1_000_000)
    documents = _documents(settings, session_id, now_ns)
    if documents is None:
        yield found("probe.no-session")
        return
    try:
        yield from _sent_and_read(examination, prefix, session_id, documents, now_ns // 1_000_000)
    finally:
        is_removed = _removed(examination.connection, documents)
    if not is_removed:
        pattern = schema.session_pattern(prefix)
        yield found("probe.left", session=session_id, pattern=pattern)


def _reason_against(examination: Examination, before: Sequence[Result]) -> str | None:
    if not examination.wants_probe:
        return "not wanted (--no-probe)"
    bad = next((result for result in before if result.name in _NOT_SENT), None)
    if bad is not None:
        return "not sent: it would be stored in an index of the wrong kind"
    if examination.may is None or not examination.may.can_probe:
        return "these credentials cannot add records, read them and remove them again"
    return None


def _documents(settings: Settings, session_id: str, now_ns: int) -> list[Document] | None:
    """The documents of two records of a request with the session's header; None where it gets lost."""
    from opentelemetry import baggage
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import default_getter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.resources import Resource

    from ..context import OpenReplayPropagator
    from ..document.builder import DocumentBuilder
    from ..stamp import OpenReplayLogRecordProcessor
    from .collecting_processor import Keeping

    propagator = OpenReplayPropagator(settings)
    context = propagator.extract({SESSION_ID_HEADER: session_id}, Context(), default_getter)
    if baggage.get_baggage(BAGGAGE_SESSION_ID, context) != session_id:
        return None
    keeping = Keeping()
    resource = Resource({"service.name": "openreplay-otel-doctor"})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(OpenReplayLogRecordProcessor(settings))
    provider.add_log_record_processor(keeping)
    logger = provider.get_logger("doctor")
    for number in (1, 2):
        moment = now_ns + number * _APART_NS - 3 * _APART_NS
        logger.emit(
            LogRecord(
                timestamp=moment,
                observed_timestamp=moment,
                context=context,
                severity_number=SeverityNumber.ERROR,
                severity_text="ERROR",
                body=f"probe {number} of 2 by openreplay-otel doctor, removed at once",
            )
        )
    records = keeping.records
    attributes = [dict(record.log_record.attributes or {}) for record in records]
    if [one.get(ATTRIBUTE_SESSION_ID) for one in attributes] != [session_id] * 2:
        return None
    build = DocumentBuilder(settings).build
    return [document for record in records if (document := build(record)) is not None]


def _sent_and_read(
    examination: Examination,
    prefix: str,
    session_id: str,
    documents: list[Document],
    now_ms: int,
) -> Iterator[Result]:
    own = ElasticsearchStore(examination.connection, index_prefix=prefix)
    writer = examination.connection if examination.writer is None else examination.writer[0]
    store = ElasticsearchStore(writer, index_prefix=prefix)
    # Each in a request and a part of the index of its own, as records of a running session come.
    for document in documents:
        try:
            result = store.write([document])
        except StoreError as error:
            yield examination.found("probe.refused", reason=sentence(error))
            return
        if not result.accepted:
            reasons = [refused.reason for refused in result.refused] or [
                result.hindrance or "it is too busy"
            ]
            yield examination.found("probe.refused", reason=reasons[0])
            return
        own.make_visible()
    reader = examination.connection if examination.reader is None else examination.reader[0]
    yield from _faults(examination, reader, session_id, documents, now_ms)


def _faults(
    examination: Examination,
    reader: Connection,
    session_id: str,
    documents: list[Document],
    now_ms: int,
) -> Iterator[Result]:
    version = examination.version
    expected = [document.id for document in documents]
    if version.reads_alias:
        try:
            hits = search_as_new(reader, session_id)
            strangers = search_as_new(reader, probe_session_id(now_ms - 1))
        except StoreError:
            yield examination.found("probe.unseen", version="from v1.21 on")
            return
        ids = [hit["_id"] for hit in hits if hit["_id"] in expected]
        if len(ids) < len(expected):
            yield examination.found("probe.unseen", version="from v1.21 on")
        elif ids != expected:
            yield examination.found("probe.order")
        if strangers:
            names = ", ".join(sorted({hit["_index"] for hit in strangers})[:3])
            yield examination.found("probe.mixed", names=names)
        yield from _panel(examination, (hit["_source"] for hit in hits if hit["_id"] in expected))
    indexes = ",".join(examination.names)
    try:
        old = read_as_old(reader, indexes, session_id, now_ms - 60_000)
    except StoreError:
        old = []
    if [hit["_id"] for hit in old] != expected:
        yield examination.found("probe.unseen", version="up to v1.20")
    elif not version.reads_alias:
        yield from _panel(examination, (hit["_source"] for hit in old))


def _panel(examination: Examination, sources: Iterator[dict[str, Any]]) -> Iterator[Result]:
    reasons = {reason: None for source in sources for reason in panel_faults(source)}
    for reason in reasons:
        yield examination.found("probe.panel", reason=reason)


def _removed(connection: Connection, documents: list[Document]) -> bool:
    is_gone = True
    for document in documents:
        path = f"/{document.index}/_doc/{document.id}?refresh=true"
        try:
            connection.request("DELETE", path, expected=(404,))
        except StoreError:
            # Where it was refused there is nothing to remove.
            with contextlib.suppress(StoreError):
                there = connection.request(
                    "GET", f"/{document.index}/_doc/{document.id}?_source=false", expected=(404,)
                )
                is_gone = is_gone and there.status == 404
    return is_gone
