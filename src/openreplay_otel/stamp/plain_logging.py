"""The tag in the lines of ``logging`` itself, for log files that a shipper reads; structlog and loguru."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ..context.exception_memory import session_id_of_exception
from ..context.session_context import session_id_of
from ..message_tag import message_prefix, tagged
from ..names import ATTRIBUTE_SESSION_ID, MESSAGE_TAG_SESSION_ID

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ..patching import Patches

_DEFAULT_TAGS: Final = (MESSAGE_TAG_SESSION_ID,)
# The app hands structlog and loguru plain functions, mostly before the settings are read.
_chosen_tags: Final[list[tuple[str, ...]]] = []


def choose_tags(patches: Patches, tags: tuple[str, ...]) -> None:
    """Let the processor for structlog and the patcher for loguru write these tags while the hooks are on.

    Args:
        patches: Puts the default back.
        tags: Names of the tags.
    """
    _chosen_tags.append(tags)
    patches.at_removal(_chosen_tags.clear)


def _prefix_of(session_id: str | None) -> str:
    if session_id is None:
        return ""
    return message_prefix(session_id, _chosen_tags[-1] if _chosen_tags else _DEFAULT_TAGS)


def hook_record_factory(patches: Patches, tags: tuple[str, ...]) -> None:
    """Let each log record of a session have the tag in its message, and the id as a field.

    The factory is asked for every record of every logger, whatever handlers and formatters there are;
    formatters that write JSON show the field. A message that is no text stays as it is.

    Args:
        patches: Puts the factory before back.
        tags: Names of the tags.
    """
    before = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        if patches.is_on:
            # What is raised here would come out of the app's logging call.
            with suppress(Exception):
                _stamp(record, tags)
        return record

    logging.setLogRecordFactory(factory)

    def undo() -> None:
        if logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(before)

    patches.at_removal(undo)


def _stamp(record: logging.LogRecord, tags: tuple[str, ...]) -> None:
    session_id = session_id_of()
    if session_id is None and record.exc_info:
        session_id = session_id_of_exception(record.exc_info[1])
    prefix = "" if session_id is None else message_prefix(session_id, tags)
    if type(record.msg) is str:
        record.msg = tagged(record.msg, session_id, prefix)
    if session_id is not None:
        record.__dict__[ATTRIBUTE_SESSION_ID] = session_id


def structlog_processor(
    logger: Any,  # noqa: ARG001 - structlog hands it on
    method_name: str,  # noqa: ARG001 - the same
    event_dict: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """A processor for structlog: the tag before ``event``, and the id as ``openreplay.session.id``.

    It writes the tags of the settings once these are in use, the tag of OpenReplay's newer versions else.
    Put it before the renderer: ``structlog.configure(processors=[…, structlog_processor, renderer])``.

    Args:
        logger: The wrapped logger; not used.
        method_name: Such as ``info``; not used.
        event_dict: The event.

    Returns:
        The same event.
    """
    session_id = session_id_of()
    event = event_dict.get("event")
    if isinstance(event, str):
        event_dict["event"] = tagged(event, session_id, _prefix_of(session_id))
    if session_id is not None:
        event_dict[ATTRIBUTE_SESSION_ID] = session_id
    return event_dict


def loguru_patcher(record: Any) -> None:
    """A patcher for loguru: the tag before the message, and the id in ``extra``.

    Use it as ``logger.configure(patcher=loguru_patcher)``. Tags as with :func:`structlog_processor`.

    Args:
        record: loguru's record, which is changed.
    """
    error = record["exception"]
    session_id = session_id_of() or (
        None if error is None else session_id_of_exception(error.value)
    )
    record["message"] = tagged(record["message"], session_id, _prefix_of(session_id))
    if session_id is not None:
        record["extra"][ATTRIBUTE_SESSION_ID] = session_id
