"""Checks the keys of apps and OpenReplay; where none is given, keys like them, made for a moment."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from ..cluster.api_keys import create_key, invalidate
from ..cluster.keys import READER, WRITER, KeyRequest, default_indexes
from ..errors import StoreAccessError, StoreError
from ..names import SESSIONLESS_DATA_STREAM
from .examination import has_privileges, sentence

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .examination import Examination
    from .result import Result

_MOST_NAMED: Final = 3
_MOST_ASKED: Final = 200
_FORBIDDEN: Final = (403, 404)


@contextlib.contextmanager
def keys_for_a_moment(examination: Examination) -> Generator[None]:
    """Set the examination's reader and writer: keys that were given, or ones that end with this."""
    made: list[str] = []
    can_make = examination.may is not None and examination.may.can_make_keys
    given = examination.reader_key
    if given is not None:
        key_id, secret = given
        connection = examination.connect(f"{key_id}:{secret}")
        examination.reader = (connection, f"the key {key_id}")
    elif can_make:
        examination.reader = _made(examination, READER, made)
    if examination.writer_key is not None:
        connection = examination.connect(examination.writer_key)
        examination.writer = (connection, "the key of --writer-key")
    elif can_make:
        examination.writer = _made(examination, WRITER, made)
    try:
        yield
    finally:
        for pair in (examination.reader, examination.writer):
            if pair is not None:
                pair[0].close()
        if made:
            # They end by themselves in ten minutes.
            with contextlib.suppress(StoreError):
                invalidate(examination.connection, made)


def _made(examination: Examination, kind: str, made: list[str]) -> tuple[Any, str] | None:
    request = KeyRequest(
        kind=kind,
        name=f"openreplay-otel-doctor-{kind}",
        indexes=(
            examination.names if kind == READER else default_indexes(kind, examination.prefixes)
        ),
        expiration="10m",
        for_old_form=examination.version.reads_tokens and kind == READER,
    )
    try:
        key = create_key(examination.connection, request)
    except StoreError:
        return None
    made.append(key.id)
    return examination.connect(key.encoded), f"a {kind} key made for a moment"


def check_writer(examination: Examination) -> Iterator[Result]:
    """The apps' key: adds records, and reads none."""
    if examination.writer is None:
        yield examination.found("writer.untested")
        return
    connection, whose = examination.writer
    names = [*examination.patterns, SESSIONLESS_DATA_STREAM]
    asked = ["create_doc", "read", "delete", "manage"]
    try:
        answer = has_privileges(connection, {"index": [{"names": names, "privileges": asked}]})
    except StoreAccessError as error:
        yield examination.found("writer.invalid", whose=whose, reason=sentence(error))
        return
    has: dict[str, dict[str, bool]] = answer["index"]
    cannot = [name for name in names if not has.get(name, {}).get("create_doc")]
    if cannot:
        yield examination.found("writer.cannot", whose=whose, names=", ".join(cannot))
        return
    more = [name for name in asked[1:] if any(has[index].get(name) for index in names)]
    if more:
        yield examination.found("writer.wide", whose=whose, what=", ".join(more))
    else:
        yield examination.found("writer.ok", whose=whose)


def check_reader(examination: Examination) -> Iterator[Result]:
    """OpenReplay's key: reads ``logs``, and nothing else."""
    if examination.reader is None:
        yield examination.found("reader.untested")
        return
    connection, whose = examination.reader
    try:
        wide = list(_too_wide(examination))
        asked = {
            "names": [*examination.names, *examination.patterns],
            "privileges": ["read"],
        }
        may_read: dict[str, dict[str, bool]] = has_privileges(connection, {"index": [asked]})[
            "index"
        ]
    except StoreAccessError as error:
        yield examination.found("reader.invalid", whose=whose, reason=sentence(error))
        return
    names = ", ".join(examination.names)
    lacking = [name for name in examination.names if not may_read.get(name, {}).get("read")]
    if lacking:
        if _reads_a_target(examination) or any(
            may_read.get(pattern, {}).get("read") for pattern in examination.patterns
        ):
            yield examination.found("reader.target", whose=whose, names=names)
        else:
            reason = f"it lacks read on {', '.join(lacking)}"
            yield examination.found("reader.refused", whose=whose, names=names, reason=reason)
        return
    if examination.version.reads_tokens:
        answer = connection.request("HEAD", "/", expected=_FORBIDDEN)
        if answer.status >= 300:
            yield examination.found("reader.no-monitor", whose=whose)
            return
    if wide:
        yield examination.found("reader.wide", whose=whose, what=", ".join(wide))
    else:
        yield examination.found("reader.ok", whose=whose, names=names)


def _reads_a_target(examination: Examination) -> bool:
    """Whether OpenReplay's key may read an index behind ``logs``."""
    assert examination.reader is not None  # noqa: S101 - asked by the caller
    path = f"/{examination.pattern}/_search?size=0&filter_path=_shards.total"
    answer = examination.reader[0].request("POST", path, {}, expected=_FORBIDDEN)
    return answer.status < 300 and bool(answer.body.get("_shards", {}).get("total"))


def _too_wide(examination: Examination) -> Iterator[str]:
    """What OpenReplay's key may do beyond reading ``logs``, in a few words each."""
    assert examination.reader is not None  # noqa: S101 - asked by the caller
    connection = examination.reader[0]
    others = _other_names(examination)[:_MOST_ASKED]
    body = {
        "cluster": ["all", "manage", "manage_security"],
        "index": [
            {"names": list(examination.names), "privileges": ["write", "manage"]},
            {"names": ["*", "*log*"], "privileges": ["read"]},
            *([{"names": others, "privileges": ["read"]}] if others else []),
        ],
    }
    answer = has_privileges(connection, body)
    cluster = [name for name, has in answer["cluster"].items() if has]
    if cluster:
        yield f"cluster privilege {'all' if 'all' in cluster else cluster[0]}"
    has: dict[str, dict[str, bool]] = answer["index"]
    for alias in examination.names:
        changes = [name for name in ("write", "manage") if has[alias].get(name)]
        if changes:
            yield f"{' and '.join(changes)} on {alias}"
    patterns = [name for name in ("*", "*log*") if has[name].get("read")]
    if patterns:
        yield f"read on {patterns[0]}"
    readable = [name for name in others if has.get(name, {}).get("read")]
    if readable:
        more = f" and {len(readable) - _MOST_NAMED} more" if len(readable) > _MOST_NAMED else ""
        yield f"read on {', '.join(readable[:_MOST_NAMED])}{more}"


def _other_names(examination: Examination) -> list[str]:
    """Indexes, aliases and data streams but those for OpenReplay, as far as the credentials see them."""
    answer = examination.connection.request("GET", "/_resolve/index/*", expected=_FORBIDDEN)
    if answer.status >= 300:
        return []
    names = [
        entry["name"]
        for kind in ("indices", "aliases", "data_streams")
        for entry in answer.body.get(kind, ())
    ]
    return [name for name in names if name not in examination.names and not name.startswith(".")]
