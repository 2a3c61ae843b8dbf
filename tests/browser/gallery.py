"""A shop's afternoon for the pictures in the docs: twenty sessions, a few with errors."""

from __future__ import annotations

import logging
import random

from openreplay_otel import OpenReplayLogExporter
from openreplay_otel.session import Session
from tests.emitting import App, now_ms, session_id_begun_at

_STEPS = (
    "GET /products/%d answered 200 in 31 ms",
    "cache miss for key product:%d, loaded in 8 ms",
    "stock of item %d checked",
    "cart priced, %d items",
)


def _charge(number: int) -> None:
    try:
        message = "[Errno 111] Connection refused"
        raise ConnectionRefusedError(message)
    except ConnectionRefusedError as error:
        message = f"the bank did not answer for order {number}"
        raise RuntimeError(message) from error


def fill_gallery(url: str) -> str:
    """Fill a store; returns the session that fails early on."""
    chance = random.Random(12)
    shop, payments = App("shop"), App("payments")
    now = now_ms()
    sessions = [
        session_id_begun_at(now - int(chance.uniform(0.2, 5) * 3_600_000), n + 1) for n in range(20)
    ]
    for number, session in enumerate(sessions):
        _visit(chance, shop, payments, session, fails=number != 3)
    exporter = OpenReplayLogExporter(url)
    exporter.export([*shop.take(), *payments.take()])
    assert exporter.force_flush()
    exporter.shutdown()
    return sessions[0]


def _visit(chance: random.Random, shop: App, payments: App, session: str, *, fails: bool) -> None:
    began = Session(session).started_at_ms
    length = chance.randrange(40, 400) * 1000
    count = chance.randrange(50, 150)
    failing = {4, *chance.sample(range(count), 2)} if fails else set()
    for n in range(count):
        at = began + 3_000 + length * n / count + chance.uniform(0, 300)
        if n in failing:
            payments.log(session, "charging the card, attempt %d", 1, level=logging.DEBUG, at_ms=at)
            payments.log(
                session, "card declined, trying again", level=logging.WARNING, at_ms=at + 210
            )
            try:
                _charge(1000 + n)
            except RuntimeError as error:
                shop.log(
                    session, "checkout of order %d failed", 1000 + n, level=logging.ERROR,
                    at_ms=at + 640, error=error,
                )  # fmt: skip
        else:
            shop.log(session, chance.choice(_STEPS), 7 + n * 13 % 90, at_ms=at)
