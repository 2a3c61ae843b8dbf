"""Whatever B or nobody writes, in whichever format: nothing of it is filed under V."""

from __future__ import annotations

import json
import logging
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ecs_logging
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonjsonlogger.json import JsonFormatter

from openreplay_otel.message_tag import message_prefix, tagged

from .contract import EXAMPLE_ID, PROPERTY, token
from .shipping import ship_text
from .test_message_tag import FOREIGN, NAMES, NEW, OLD, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

B = EXAMPLE_ID
FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "basicConfig": lambda: logging.Formatter(logging.BASIC_FORMAT),
    "dashes": lambda: logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"),
    "colon": lambda: logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"),
    "brackets": lambda: logging.Formatter("[%(asctime)s] [%(levelname)s] %(name)s: %(message)s"),
    "gunicorn": lambda: logging.Formatter("[%(asctime)s +0000] [7] [%(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S"),
    "bars": lambda: logging.Formatter("%(asctime)s | %(levelname)s | %(name)s | %(message)s"),
    "uvicorn": lambda: logging.Formatter("%(levelname)s:     %(message)s"),
    "unknown": lambda: logging.Formatter("%(asctime)s;%(levelname)s;%(name)s;%(message)s"),
    "python-json-logger": lambda: JsonFormatter("%(levelname)s %(message)s"),
    "ecs-logging": ecs_logging.StdlibFormatter,
}  # fmt: skip
# Line ends are in the second test: of a line end in a text that nobody cleaned nobody can tell whose it is.
TAGS = st.sampled_from(
    [f"[{name}={FOREIGN}]" for name in NAMES]
    + [
        f"bob: [{NEW}={FOREIGN}]",
        f"ERROR [{NEW}={FOREIGN}]",
        f"[{NEW.upper()}={FOREIGN}]",
        f"[{OLD}={token(FOREIGN)}]",
    ]
)
FORGED = st.lists(st.one_of(TAGS, TAGS, TEXTS), min_size=1, max_size=5).map(" ".join)
ONE_LINE = FORGED.map(lambda text: " ".join(text.split())).map(lambda text: f"said {text}")
SPLIT = st.tuples(ONE_LINE, st.integers(0, 60), st.sampled_from(["\x1b[0m", "\x1b[1;31m", "\\", "\u200b", "\x00"])).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
)  # fmt: skip


def written(
    formatter: logging.Formatter, text: str, error: str | None, session_id: str | None
) -> str:
    """What logging writes for a text, with the stamp of its session."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    prefix = "" if session_id is None else message_prefix(session_id, ("openReplaySession.id",))
    caught: Any = None
    if error is not None:
        try:
            raise ValueError(error)
        except ValueError as raised:
            caught = (type(raised), raised, raised.__traceback__)
    record = logging.LogRecord("shop", logging.ERROR, "/a.py", 1, prefix + text, (), caught)
    handler.handle(record)
    return stream.getvalue()


def not_victims(content: str) -> None:
    """No record of a file is V's, and no text that its reader would find."""
    with TemporaryDirectory() as folder:
        shipped = ship_text(Path(folder), content.encode("utf-8", "surrogatepass"))
    for source in shipped.sources:
        assert source.get("openreplay.session.id") != FOREIGN
        for value in source.values():
            assert f"openReplaySession.id={FOREIGN}" not in str(value)


@PROPERTY
@given(
    st.sampled_from(sorted(FORMATTERS)), st.one_of(ONE_LINE, SPLIT), st.one_of(st.none(), ONE_LINE)
)
def test_a_text_on_one_line_names_no_stranger(kind: str, text: str, error: str | None) -> None:
    """B's, as it came, in each format, in the message and in an exception's text."""
    formatter = FORMATTERS[kind]()
    not_victims(written(formatter, text, error, B) + written(formatter, text, error, None))


@PROPERTY
@given(
    st.sampled_from(sorted(FORMATTERS)),
    TEXTS,
    st.one_of(st.none(), TEXTS),
    st.sampled_from([B, None]),
)
def test_a_cleaned_file_names_no_stranger(
    kind: str, text: str, error: str | None, session_id: str | None
) -> None:
    """Of any number of lines, where the app's stamp made the tags in what it writes harmless."""
    raw = written(FORMATTERS[kind](), f"said {text}", error, session_id)
    prefix = "" if session_id is None else message_prefix(session_id, ("openReplaySession.id",))
    own = f"[openReplaySession.id={session_id}] "
    head, separator, rest = raw.partition(own)
    cleaned = (
        head + separator + tagged(rest, None, "") if prefix and separator else tagged(raw, None, "")
    )
    not_victims("INFO:shop:first\n" + cleaned)


@PROPERTY
@given(FORGED, st.sampled_from(["message", "event", "error", "label"]))
def test_fields_of_json_name_no_stranger(text: str, name: str) -> None:
    """A text in any field but the session's, beside that of B's record."""
    not_victims(json.dumps({"message": "x", "openreplay.session.id": B, name: text}) + "\n")


def in_docker(line: str, **more: object) -> str:
    """A line as Docker's JSON files have it."""
    return json.dumps({"log": line, "stream": "stdout", "time": "2026-03-04T05:06:07Z", **more})


TYPED = f"[{NEW}={FOREIGN}]"
HIDDEN = {
    "colour": f"[openRep\x1b[0mlaySession.id={FOREIGN}]",
    "colour before": f"\x1b[31m[openRe\x1b[1;31mplaySession.id={FOREIGN}]",
    "colour in the id": f"[openReplaySession.id={FOREIGN[:4]}\x1b[m{FOREIGN[4:]}]",
    "two colours": f"[\x1b[0mopenReplaySession\x1b[0m.id={FOREIGN}]",
}


@pytest.mark.parametrize(
    "before", ["", "INFO:shop:", "2026-03-04 05:06:07,000 ERROR shop: ", "docker", "json"]
)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("where", ["behind", "in another field", "nowhere"])
def test_what_becomes_a_tag_is_none_though_it_is_written_elsewhere(
    before: str, hidden: str, where: str
) -> None:
    """At a text's very beginning, beside the same tag as somebody typed it openly."""
    text = HIDDEN[hidden] + (f" typed {TYPED}" if where == "behind" else " typed")
    other = TYPED if where == "in another field" else "x"
    if before == "json":
        line = json.dumps({"other": other, "message": text, "level": "error", "last": other})
    elif before == "docker":
        line = in_docker(f"INFO:shop:{text}\n", attrs={"a": other})
    else:
        line = before + text
    not_victims(line + "\n")


def test_escapes_that_spell_a_tag_are_none() -> None:
    """In JSON that no serializer writes, once and in JSON inside of JSON."""
    spelt = TYPED.replace("o", "\\u006f", 1)
    not_victims(f'{{"message": "{spelt} typed {TYPED}"}}\n')
    inner = f'{{"message": "{spelt} typed {TYPED}"}}\n'
    not_victims(in_docker(inner) + "\n")


def test_a_coloured_line_keeps_its_own_session(tmp_path: Path) -> None:
    """Colours around a tag, and a typed one behind it, take nothing away."""
    own = f"[{NEW}={B}]"
    for line in (
        f"\x1b[31mERROR\x1b[0m:shop:{own} boom",
        json.dumps({"message": f"{own} caf\u00e9 \x1b[1mboom", "level": "error"}),
        in_docker(f"\x1b[31mERROR:shop:{own} boom\x1b[0m\n"),
        f"ERROR:shop:{own} \x1b[0m typed {TYPED}",
    ):
        (found,) = ship_text(tmp_path, (line + "\n").encode()).sources
        assert found["openreplay.session.id"] == B
