"""dramatiq's actors; run as a script it sends them messages, each for a session."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

import openreplay_otel

log = logging.getLogger("shop.jobs")

broker = RedisBroker(url=os.environ["BROKER"])
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor
def plain(number: str) -> None:
    """Logs a line."""
    log.warning("plain %s", number)


@dramatiq.actor(max_retries=0)
def fails(number: str) -> None:
    """Fails: the worker logs the traceback."""
    raise RuntimeError(f"job failed {number}")


@dramatiq.actor(max_retries=1, min_backoff=10)
def retried(number: str) -> None:
    """Fails once and is tried again."""
    message = CurrentMessage.get_current_message()
    tries = 0 if message is None else message.options.get("retries", 0)
    log.warning("try %d of %s", tries, number)
    if tries == 0:
        raise RuntimeError(f"once {number}")


if __name__ == "__main__":
    for word in sys.argv[1:]:
        name, number, session = word.split("=")
        actor = {"plain": plain, "fails": fails, "retried": retried}[name]
        with openreplay_otel.use_session(session) if session else nullcontext():
            actor.send(number)
