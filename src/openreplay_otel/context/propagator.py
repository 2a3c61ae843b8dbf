"""The propagator: reads the session from a request into the baggage, and hands it to the next service."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opentelemetry import baggage
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    DefaultGetter,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from ..names import BAGGAGE_SESSION_ID, SESSION_ID_HEADER
from ..settings import Settings
from .session_context import session_id_of, with_session_id, without_session_id
from .session_sources import CarrierReader, baggage_values, lookup_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Unpack

    from ..settings import SettingsArguments
    from .session_sources import HeaderLookup

_logger = logging.getLogger(__name__)
_CarrierT = TypeVar("_CarrierT")
_ASGI: Final = "opentelemetry.instrumentation.asgi"
_WSGI: Final = "opentelemetry.instrumentation.wsgi"


class OpenReplayPropagator(TextMapPropagator):
    """Carries the OpenReplay session between services; ``openreplay`` in ``OTEL_PROPAGATORS``.

    It goes with ``tracecontext`` and ``baggage`` in any order. Only the decimal id enters the baggage
    and outgoing headers, never a token.

    Args:
        settings: Header names, cookie and token secret; read from the environment where None.
        clock: Gives the present in Unix seconds; tokens expire by it.
        **arguments: Single settings, such as ``headers`` or ``cookie``.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = time.time,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        settings = Settings.load(**arguments) if settings is None else settings
        self._reader = CarrierReader(
            headers=settings.headers, cookie=settings.cookie, token_secret=settings.token_secret
        )
        self._clock = clock

    def extract(
        self,
        carrier: _CarrierT,
        context: Context | None = None,
        getter: Getter[_CarrierT] = default_getter,
    ) -> Context:
        """Read the session of a request; never raises, never logs a value.

        Returns:
            The context with the session in its baggage; unchanged where the request names none.
        """
        context = get_current() if context is None else context
        try:
            return self._extract(self._lookup(carrier, getter), context)
        except Exception as error:  # noqa: BLE001 - a foreign getter must not fail the app's request
            _logger.debug("extracting the session failed: %s", type(error).__name__)
            return context

    def _lookup(self, carrier: Any, getter: Getter[Any]) -> HeaderLookup:
        kind = type(getter)
        # These look through all of a request's headers, or spell a name anew, each time they are asked.
        if kind.__name__ == "ASGIGetter" and kind.__module__ == _ASGI:
            return lookup_in(self._reader.of_pairs(carrier.get("headers") or ()))
        if kind.__name__ == "WSGIGetter" and kind.__module__ == _WSGI:
            return lookup_in(self._reader.of_environ(carrier))
        return _lookup(carrier, getter)

    def _extract(self, lookup: Callable[[str], Iterable[str]], context: Context) -> Context:
        now_ms = int(self._clock() * 1000)
        session_id = self._reader.session_id(lookup, now_ms=now_ms)
        if session_id is not None:
            return with_session_id(session_id, context, shadowed_baggage=baggage_values(lookup))
        already = baggage.get_baggage(BAGGAGE_SESSION_ID, context)
        if already is not None and session_id_of(context) is None:
            return without_session_id(context)
        return context

    def inject(
        self,
        carrier: _CarrierT,
        context: Context | None = None,
        setter: Setter[_CarrierT] = default_setter,
    ) -> None:
        """Write the session's id as ``openReplaySession.id``; nothing where there is no session."""
        try:
            session_id = session_id_of(context)
            if session_id is not None:
                setter.set(carrier, SESSION_ID_HEADER, session_id)
        except Exception as error:  # noqa: BLE001 - a foreign setter must not fail the app's request
            _logger.debug("injecting the session failed: %s", type(error).__name__)

    @property
    def fields(self) -> set[str]:
        """The header that :meth:`inject` writes."""
        return {SESSION_ID_HEADER}


def _lookup(carrier: _CarrierT, getter: Getter[_CarrierT]) -> Callable[[str], list[str]]:
    # A plain dict is looked up by exact name, while header names have no case.
    any_case = isinstance(getter, DefaultGetter)

    def lookup(name: str) -> list[str]:
        values = getter.get(carrier, name)
        if not values and any_case:
            values = getter.get(carrier, name.lower())
        return [text for value in _as_list(values) if (text := _as_text(value)) is not None]

    return lookup


def _as_list(values: object) -> list[object]:
    if isinstance(values, (str, bytes)):
        return [values]
    found = list(cast("Iterable[object]", values or ()))
    if found and all(isinstance(value, int) and 0 <= value <= 255 for value in found):
        # The default getter takes bytes for a list of numbers.
        return [bytes(cast("list[int]", found))]
    return found


def _as_text(value: object) -> str | None:
    # Message brokers and raw ASGI scopes hold header values as bytes.
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None
