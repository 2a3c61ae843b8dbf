"""Huey's tasks, which are handed the session by the app itself; run as a script it queues them."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext

from huey import RedisHuey

import openreplay_otel

log = logging.getLogger("shop.jobs")
huey = RedisHuey("shop", url=os.environ["BROKER"])


@huey.task()
def plain(number: str, session=None) -> None:
    """Logs a line."""
    with openreplay_otel.use_session(session) if session else nullcontext():
        log.warning("plain %s", number)


@huey.task()
def fails(number: str, session=None) -> None:
    """Fails: the consumer logs the traceback."""
    with openreplay_otel.use_session(session) if session else nullcontext():
        raise RuntimeError(f"job failed {number}")


def main() -> None:
    """Queue what the command line names; a task has the name of the module that it is imported from."""
    from tests.frameworks.apps import huey_app  # noqa: PLW0406 - see above

    for word in sys.argv[1:]:
        name, number, session = word.split("=")
        task = getattr(huey_app, name)
        with openreplay_otel.use_session(session) if session else nullcontext():
            task(number, session=openreplay_otel.current_session())


if __name__ == "__main__":
    main()
