"""An app that logs and prints forged texts in every way of plain text.

It is run as `python -m tests.forged.app TEXTS FOLDER STORE ID`, with the id of the attacker's session.
Every other text is of the attacker's session, the others are of none.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from pythonjsonlogger.json import JsonFormatter

import openreplay_otel

if TYPE_CHECKING:
    from typing import TextIO

TAGS = "openReplaySession.id,openReplaySessionToken"
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def main() -> None:
    """Write app.log, colon.log, json.log, errors.log and what is printed; and store the records of logging."""
    texts: list[str] = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    folder, store, attacker = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    pipeline = openreplay_otel.configure(
        store,
        stamp_plain_logs=True,
        stamp_streams="stdout",
        tags=TAGS,
        service_name="shop",
        shutdown_timeout=600,
    )
    log = logging.getLogger("shop")
    log.propagate = False
    for name, formatter in {
        "app.log": logging.Formatter(FORMAT),
        "colon.log": logging.Formatter(FORMAT.replace(" %(message)s", ": %(message)s")),
        "json.log": JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"),
    }.items():
        handler = logging.FileHandler(folder / name, encoding="utf-8")
        handler.setFormatter(formatter)
        log.addHandler(handler)
    source = random.Random(7)
    with (folder / "errors.log").open("w", encoding="utf-8") as errors:
        for number, text in enumerate(texts):
            session = (
                openreplay_otel.use_session(attacker) if number % 2 else contextlib.nullcontext()
            )
            with session:
                _write(log, text, number, source, errors)
    pipeline.force_flush(600_000)
    pipeline.shutdown()


def _write(
    log: logging.Logger, text: str, number: int, source: random.Random, errors: TextIO
) -> None:
    way = number // 2 % 4
    error = _failed(text)
    if way == 0:
        log.error("%s", text)
    elif way == 1:
        log.error({"said": text})
    elif way == 2:
        log.error("failed", exc_info=error)
    else:
        log.error(f"{text.replace('%', '%%')} %d", 1)  # noqa: G004 - in the template itself
    traceback.print_exception(type(error), error, error.__traceback__, None, errors)
    at = sorted(source.randint(0, len(text)) for _ in range(2))
    print("said", end=" ")
    print(text[: at[0]], text[at[0] : at[1]], text[at[1] :], sep="")


def _failed(text: str) -> BaseException:
    try:
        try:
            raise KeyError(text)
        except KeyError as cause:
            raise ValueError(text) from cause
    except ValueError as error:
        if sys.version_info >= (3, 11):
            error.add_note(text)
        return error


if __name__ == "__main__":
    main()
