"""The tag in the lines of ``logging`` itself, for log files that a shipper reads; structlog and loguru."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from ..context.exception_memory import session_id_of_exception
from ..context.session_context import NotedSession, session_id_of
from ..message_tag import message_prefix, tagged
from ..names import ATTRIBUTE_SESSION_ID, MESSAGE_TAG_SESSION_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from types import CodeType

    from ..patching import Patches

_EXTRA: Final = 8
"""Where `extra` is among the arguments of `Logger.makeRecord`."""
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


def hook_plain_logs(patches: Patches, tags: tuple[str, ...]) -> None:
    """Let each log record of a session have the tag in its message and the id as a field; clean what is written.

    The factory is asked for every record of every logger, whatever handlers and formatters there are;
    formatters that write JSON show the field. What a user can bring into a line (arguments, an exception's
    text, values of ``extra=``) is known once the line is complete: there, forged tags are made harmless.

    Args:
        patches: Takes the patches off, and puts the factory before back.
        tags: Names of the tags.
    """
    _hook_factory(patches, tags)
    _hook_extra(patches)
    _hook_lines(patches, tags)


def _hook_factory(patches: Patches, tags: tuple[str, ...]) -> None:
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


def _hook_extra(patches: Patches) -> None:
    def make_record(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        # Of the same name as our field it would make `logging` raise; and only the stamp says whose a record is.
        extra: Any = args[_EXTRA] if len(args) > _EXTRA else None
        if isinstance(extra, dict) and ATTRIBUTE_SESSION_ID in extra:
            others = dict(cast("dict[Any, Any]", extra))
            del others[ATTRIBUTE_SESSION_ID]
            args = (*args[:_EXTRA], others, *args[_EXTRA + 1 :])
        return wrapped(*args, **kwargs)

    patches.wrap(logging.Logger, "makeRecord", make_record)


def _hook_lines(patches: Patches, tags: tuple[str, ...]) -> None:
    def message(
        wrapped: Callable[..., Any], record: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        text = wrapped(*args, **kwargs)
        with suppress(Exception):
            # Of a text, the factory has stamped the template; a queue's handler makes a text of the line.
            is_stamped = type(record.msg) is str
            return _cleaned(text, record, () if is_stamped else tags)
        return text

    def line(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        text = wrapped(*args, **kwargs)
        with suppress(Exception):
            return _cleaned(text, args[0] if args else kwargs["record"], ())
        return text

    ours = {message.__code__, line.__code__}

    def report(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        error = sys.exc_info()[1]
        if error is not None:
            _leave_out(ours, error)
        return wrapped(*args, **kwargs)

    # For handlers that take a record apart themselves, and for every line of the others.
    patches.wrap(logging.LogRecord, "getMessage", message)
    patches.wrap(logging.Handler, "format", line)
    patches.wrap(logging.Handler, "handleError", report)


def _leave_out(codes: set[CodeType], error: BaseException) -> None:
    """Take functions out of a traceback that `logging` prints, so that it shows what it would without them."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        if place.tb_next.tb_frame.f_code in codes:
            place.tb_next = place.tb_next.tb_next
        else:
            place = place.tb_next


def _stamp(record: logging.LogRecord, tags: tuple[str, ...]) -> None:
    session_id = session_id_of()
    if session_id is None and record.exc_info:
        session_id = session_id_of_exception(record.exc_info[1])
    if type(record.msg) is str:
        prefix = "" if session_id is None else message_prefix(session_id, tags)
        record.msg = tagged(record.msg, session_id, prefix)
    if session_id is not None:
        record.__dict__[ATTRIBUTE_SESSION_ID] = session_id


def _cleaned(text: Any, record: logging.LogRecord, tags: tuple[str, ...]) -> Any:
    if not isinstance(text, str):
        return text
    session_id = record.__dict__.get(ATTRIBUTE_SESSION_ID)
    prefix = message_prefix(session_id, tags) if tags and session_id is not None else ""
    return tagged(text, session_id, prefix)


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
        event_dict[ATTRIBUTE_SESSION_ID] = NotedSession(session_id)
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
        record["extra"][ATTRIBUTE_SESSION_ID] = NotedSession(session_id)
