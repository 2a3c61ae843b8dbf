"""The session in an OpenTelemetry context: it stands in the baggage, as the decimal id."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import baggage
from opentelemetry.context import Context, create_key, detach, get_value, set_value

from ..names import BAGGAGE_SESSION_ID
from ..session import LONGEST_VALUE
from .carriers import baggage_session_id_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Token

_SHADOW_KEY = create_key("openreplay-shadowed-baggage")


class _Shadow(NamedTuple):
    """A request header that beats the request's own baggage entries.

    The W3C baggage propagator, where it runs after ours, writes one of them over the id found. As long
    as the baggage still holds just that value, the header's id counts.
    """

    session_id: str
    baggage_values: frozenset[str]

    def __repr__(self) -> str:
        # A client may put anything into its baggage, a token for instance.
        return f"_Shadow({self.session_id!r})"


class NotedSession(str):
    """A session's id as this package notes it in a line that goes to another thread.

    A text of the same name that the app put there, perhaps from a request, is not of this type and says nothing.
    """

    __slots__ = ()


@lru_cache(maxsize=4096)
def _validated(value: str) -> str | None:
    # Properties of a baggage entry stay in the value that the W3C propagator stores.
    return baggage_session_id_or_none(value)


def session_id_of(context: Context | None = None) -> str | None:
    """The session id of a context.

    Args:
        context: The context to look in; the current one where None.

    Returns:
        A valid decimal id, or None where there is no session.
    """
    value = baggage.get_baggage(BAGGAGE_SESSION_ID, context)
    if not isinstance(value, str):
        return None
    shadow = get_value(_SHADOW_KEY, context)
    if isinstance(shadow, _Shadow) and value in shadow.baggage_values:
        return shadow.session_id
    # Cut before the cache, which keeps what it is given.
    return _validated(value[: LONGEST_VALUE + 1])


def with_session_id(
    session_id: str, context: Context | None = None, *, shadowed_baggage: Sequence[str] = ()
) -> Context:
    """A context with the session in its baggage.

    Args:
        session_id: A valid decimal id.
        context: The context to start from; the current one where None.
        shadowed_baggage: Values of the request's own baggage entries, which do not count.
    """
    context = baggage.set_baggage(BAGGAGE_SESSION_ID, session_id, context)
    if shadowed_baggage:
        context = set_value(_SHADOW_KEY, _Shadow(session_id, frozenset(shadowed_baggage)), context)
    elif get_value(_SHADOW_KEY, context) is not None:
        # Of an earlier request: it would take this id for one that does not count.
        context = set_value(_SHADOW_KEY, None, context)
    return context


def detach_quietly(token: Token[Context]) -> None:
    """Go back to the context before; where another one is current, leave that alone.

    A generator that is left early is closed wherever that happens, in another task mostly. OpenTelemetry's ``detach``
    would log that as an error, of whatever session is current there.

    Args:
        token: From OpenTelemetry's ``attach``.
    """
    try:
        token.var.reset(token)
    except AttributeError:
        # Of a runtime context of another make (OTEL_PYTHON_CONTEXT).
        detach(token)
    except (ValueError, RuntimeError):
        return


def without_session_id(context: Context | None = None) -> Context:
    """A context whose baggage has no session."""
    return baggage.remove_baggage(BAGGAGE_SESSION_ID, context)
