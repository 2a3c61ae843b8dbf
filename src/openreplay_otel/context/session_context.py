"""The session in an OpenTelemetry context: it stands in the baggage, as the decimal id."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import baggage
from opentelemetry.context import (
    Context,
    attach,
    create_key,
    detach,
    get_current,
    get_value,
    set_value,
)

from ..names import BAGGAGE_SESSION_ID
from ..session import LONGEST_VALUE
from .session_sources import baggage_session_id_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Token

_SHADOW_KEY = create_key("openreplay-shadowed-baggage")
_LIFE_KEY = create_key("openreplay-session-life")
SECONDS_AFTER_REQUEST: Final = 30.0
"""What a request leaves to be done is mostly done by then: gunicorn's ``timeout`` and Kubernetes'
``terminationGracePeriodSeconds`` give no more to work that has to be finished."""


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


class Life:
    """How long a session counts where it was inherited: threads and tasks keep the context that they began in for life.

    Attributes:
        until: When it ends, by ``time.monotonic()``; None while its request is being worked on.
        owner: What made it the current one first, and ends it.
        outer: The life in whose request it was begun.
    """

    __slots__ = ("outer", "owner", "until")

    seconds_after: float = SECONDS_AFTER_REQUEST
    """How long it goes on after its request."""

    def __init__(self) -> None:
        self.until: float | None = None
        self.owner: Token[Context] | None = None
        self.outer: Life | None = None

    def own(self, token: Token[Context]) -> None:
        """Let it end with what made it the current one first; whoever does so later has inherited it."""
        if self.owner is None:
            self.owner = token
            # By what was current: the context itself is often made of none, as OpenTelemetry's propagators do.
            before: object = getattr(token, "old_value", None)
            outer = life_of(before) if isinstance(before, Context) else None
            self.outer = outer if outer is not None and outer.until is None else None

    def end_with(self, token: Token[Context]) -> None:
        """End what this token owns, and what was begun inside of that."""
        inner: list[Life] = []
        life: Life | None = self
        while life is not None:
            inner.append(life)
            if life.owner is token:
                for one in inner:
                    one.end()
                return
            life = life.outer

    def end(self) -> None:
        """End it as its request ends: what was begun in there goes on for a while."""
        if self.until is None:
            self.until = time.monotonic() + self.seconds_after
            self.outer = None

    def end_all(self) -> None:
        """End it, and all that it was begun in."""
        outer = self.outer
        self.end()
        if outer is not None:
            outer.end_all()

    def is_over(self) -> bool:
        """Tell whether the session counts no more."""
        return self.until is not None and self.until <= time.monotonic()


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
    life = life_of(context)
    if life is not None and life.is_over():
        return None
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
    context = set_value(_LIFE_KEY, Life(), context)
    if shadowed_baggage:
        context = set_value(_SHADOW_KEY, _Shadow(session_id, frozenset(shadowed_baggage)), context)
    elif get_value(_SHADOW_KEY, context) is not None:
        # Of an earlier request: it would take this id for one that does not count.
        context = set_value(_SHADOW_KEY, None, context)
    return context


def life_of(context: Context | None = None) -> Life | None:
    """The life of a context's session; None where nothing is known of its end.

    Args:
        context: The context to look in; the current one where None.
    """
    life = get_value(_LIFE_KEY, context)
    return life if isinstance(life, Life) else None


def attach_owned(context: Context) -> Token[Context]:
    """Make a context the current one, until :func:`detach_quietly`, which is then the end of its session's life."""
    token = attach(context)
    own(context, token)
    return token


def own(context: Context, token: Token[Context]) -> None:
    """Let the session of a context end with the token that its first ``attach`` gave."""
    life = life_of(context)
    if life is not None:
        life.own(token)


def end_life(token: Token[Context]) -> None:
    """End the life of the session that this token has made the current one, and of what was begun inside of it."""
    life = life_of()
    if life is not None:
        life.end_with(token)


def detach_quietly(token: Token[Context]) -> None:
    """Go back to the context before; where another one is current, leave that alone.

    A generator that is left early is closed wherever that happens, in another task mostly. OpenTelemetry's ``detach``
    would log that as an error, of whatever session is current there.

    Args:
        token: From OpenTelemetry's ``attach``.
    """
    end_life(token)
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


def without_ended_session(context: Context | None = None) -> Context:
    """The context, without the session in its baggage where that counts no more."""
    context = get_current() if context is None else context
    life = life_of(context)
    return without_session_id(context) if life is not None and life.is_over() else context
