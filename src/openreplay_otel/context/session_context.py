"""The session in an OpenTelemetry context: it stands in the baggage, as the decimal id."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from opentelemetry import baggage
from opentelemetry.context import Context, create_key, get_value, set_value

from ..names import BAGGAGE_SESSION_ID
from ..session import session_id_or_none

_SHADOW_KEY = create_key("openreplay-shadowed-baggage")


class _Shadow(NamedTuple):
    """A request header that beats the request's own baggage entry.

    The W3C baggage propagator, where it runs after ours, writes that entry over the id found. As long
    as the baggage still holds just this value, the header's id counts.
    """

    session_id: str
    baggage_value: str


@lru_cache(maxsize=4096)
def _validated(value: str) -> str | None:
    # Properties of a baggage entry (after ";") stay in the value that the W3C propagator stores.
    return session_id_or_none(value.partition(";")[0])


def validated_baggage_value(value: object) -> str | None:
    """The session id in a value of the baggage, which a client may have sent; None for anything else."""
    return _validated(value) if isinstance(value, str) else None


def session_id_of(context: Context | None = None) -> str | None:
    """The session id of a context.

    Args:
        context: The context to look in; the current one where None.

    Returns:
        A valid decimal id, or None where there is no session.
    """
    value = baggage.get_baggage(BAGGAGE_SESSION_ID, context)
    if value is None:
        return None
    shadow = get_value(_SHADOW_KEY, context)
    if isinstance(shadow, _Shadow) and shadow.baggage_value == value:
        return shadow.session_id
    return _validated(value) if isinstance(value, str) else None


def with_session_id(
    session_id: str, context: Context | None = None, *, shadowed_baggage: str | None = None
) -> Context:
    """A context with the session in its baggage.

    Args:
        session_id: A valid decimal id.
        context: The context to start from; the current one where None.
        shadowed_baggage: Value of the request's own baggage entry, where it says something else.
    """
    context = baggage.set_baggage(BAGGAGE_SESSION_ID, session_id, context)
    if shadowed_baggage is not None and shadowed_baggage != session_id:
        context = set_value(_SHADOW_KEY, _Shadow(session_id, shadowed_baggage), context)
    return context


def without_session_id(context: Context | None = None) -> Context:
    """A context whose baggage has no session."""
    return baggage.remove_baggage(BAGGAGE_SESSION_ID, context)
