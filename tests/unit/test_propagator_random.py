"""Two hundred thousand random header values: the right session or none, and never a word about them."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.instrumentation.wsgi import WSGIGetter

from openreplay_otel import OpenReplayPropagator, Settings
from openreplay_otel.context import session_id_of

from .contract import (
    DAY_MS,
    LARGEST_ID,
    MINUTE_MS,
    NOW_MS,
    session_in_header,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

_VALUES = 200_000
_SEED = 20_240_124
_HEADERS = (
    "HTTP_OPENREPLAYSESSION.ID",
    "HTTP_X_OPENREPLAY_SESSION_ID",
    "HTTP_X_OPENREPLAY_SESSIONTOKEN",
    "HTTP_X_OPENREPLAY_SESSION_TOKEN",
)
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFZO.-_,;= \t\x00\x85\u00a0\u0660\u2160\u212a\u0130\ud800/"


def _valid(chance: random.Random) -> list[str]:
    """A stock of ids and tokens: of three and four parts, expired and not, with delays of each sign."""
    stock = [str(chance.randint(1, LARGEST_ID)) for _ in range(100)]
    stock += [str(1 << bits) for bits in range(65)] + [str((1 << bits) - 1) for bits in range(65)]
    for _ in range(300):
        stock.append(
            token(
                chance.randint(1, LARGEST_ID + 1000),
                delay=chance.choice([None, 0, chance.randint(-(10**6), 10**6)]),
                expires_ms=NOW_MS - 10 * MINUTE_MS + chance.choice([-DAY_MS, -1, 0, 1, DAY_MS]),
            )
        )
    return stock


def _mutated(value: str, chance: random.Random) -> str:
    """The value with one change."""
    place = chance.randrange(len(value) + 1)
    letter = _LETTERS[chance.randrange(len(_LETTERS))]
    kind = chance.randrange(6)
    if kind == 0:
        return value[:place] + letter + value[place:]
    if kind == 1:
        return value[:place] + letter + value[place + 1 :]
    if kind == 2:
        return value[:place] + value[place + 1 :]
    if kind == 3:
        return value[:place]
    if kind == 4:
        return value[place:]
    return value[:place] + value


def random_values(chance: random.Random) -> Iterator[str]:
    """Valid values, values with one, two or three changes, and noise."""
    stock = _valid(chance)
    for number in range(_VALUES):
        value = stock[chance.randrange(len(stock))]
        kind = number % 8
        if kind == 7:
            value = "".join(chance.choices(_LETTERS, k=chance.randrange(60)))
        elif kind:
            for _ in range((1, 1, 1, 2, 2, 3)[kind - 1]):
                value = _mutated(value, chance)
        yield value


def test_random_values_give_the_right_session_or_none(caplog: pytest.LogCaptureFixture) -> None:
    """The propagator agrees with a second reading of the contract, raises nothing and logs nothing."""
    propagator = OpenReplayPropagator(Settings(), clock=lambda: NOW_MS / 1000)
    getter, empty = WSGIGetter(), Context()
    found = 0
    with caplog.at_level(logging.DEBUG):
        for number, value in enumerate(random_values(random.Random(_SEED))):
            context = propagator.extract({_HEADERS[number & 3]: value}, empty, getter)
            expected = session_in_header(value)
            if expected is None:
                assert context is empty, value
            else:
                found += 1
                assert expected == session_id_of(context), value
                assert {"openreplay.session.id": expected} == baggage.get_all(context), value
    assert [] == caplog.records
    assert _VALUES * 0.1 < found < _VALUES * 0.9
