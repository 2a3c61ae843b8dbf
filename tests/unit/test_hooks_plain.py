"""The tag in plain text: streams, lines of logging, structlog and loguru."""

from __future__ import annotations

import contextlib
import io
import threading

import pytest

from openreplay_otel.stamp.streams import TaggedStream

from .hooked import OTHER, SESSION, TAG, Ran
from .test_message_tag import foreign_tags


def test_lines_of_a_stream_get_the_tag() -> None:
    """Each line once, however it is written in parts; what has no session stays as it is."""
    ran = Ran(
        "print('before')\n"
        "with use_session(SESSION):\n"
        "    print('one')\n"
        "    sys.stdout.write('in '); sys.stdout.write('parts'); sys.stdout.write('\\n')\n"
        "    sys.stdout.write('two\\nthree\\n')\n"
        "    print()\n"
        "    sys.stdout.writelines(['a\\n', 'b\\n'])\n"
        "    print('10%\\r20%')\n"
        "    print('to stderr', file=sys.stderr)\n"
        "print('after')\n",
        stamp_streams="stdout",
    )
    assert (
        f"before\n{TAG}one\n{TAG}in parts\n{TAG}two\n{TAG}three\n\n{TAG}a\n{TAG}b\n"
        # The test reads it as text, in which a carriage return counts as a line's end.
        f"{TAG}10%\n20%\nafter\n"
    ) == ran.out
    assert "to stderr\n" == ran.err


def test_a_stream_is_the_real_one_in_all_else() -> None:
    """Its number, encoding, buffer, its return values and its errors."""
    ran = Ran(
        "real = sys.__stdout__\n"
        "assert sys.stdout is not real\n"
        "with use_session(SESSION):\n"
        "    assert sys.stdout.fileno() == real.fileno() and sys.stdout.isatty() == real.isatty()\n"
        "    assert sys.stdout.encoding == real.encoding and sys.stdout.errors == real.errors\n"
        "    assert isinstance(sys.stdout, io.TextIOWrapper)\n"
        "    assert sys.stdout.write('four') == 4\n"
        "    sys.stdout.flush()\n"
        "    sys.stdout.buffer.write(b'bytes\\n'); sys.stdout.buffer.flush()\n"
        "    try: sys.stdout.write(b'x')\n"
        "    except TypeError as error: assert 'str' in str(error)\n"
        "    sys.stdout.reconfigure(line_buffering=True)\n",
        stamp_streams="stdout",
    )
    assert f"{TAG}fourbytes\n" == ran.out


def test_two_threads_each_write_their_own_tag() -> None:
    """A line begun by one thread is no line of the other."""
    ran = Ran(
        "def work(word):\n"
        "    for _ in range(50): print(word)\n"
        "threads = []\n"
        "for session in (SESSION, OTHER):\n"
        "    with use_session(session):\n"
        "        threads.append(threading.Thread(target=work, args=('of ' + session + ';',)))\n"
        "for session, thread in zip((SESSION, OTHER), threads):\n"
        "    with use_session(session): thread.start()\n"
        "for thread in threads: thread.join()\n",
        stamp_streams="stdout",
    )
    for session in (SESSION, OTHER):
        whole = f"[openReplaySession.id={session}] of {session};"
        assert 50 == ran.out.count(whole) == ran.out.count(f"of {session};")


def test_a_printed_traceback_has_its_tag_once_on_a_tagged_stream() -> None:
    """The stream's tag is enough: none is put into the line besides."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    try: 1 / 0\n"
        "    except ZeroDivisionError: traceback.print_exc()\n",
        stamp_streams="stderr",
    )
    assert f"{TAG}ZeroDivisionError: division by zero\n" in ran.err
    assert all(1 == line.count(TAG) for line in ran.err.splitlines())


def test_forged_tags_are_made_harmless() -> None:
    """What a client sent does not get a line into a stranger's recording, by no way."""
    forged = f"[openReplaySession.id={OTHER}]"
    ran = Ran(
        f"with use_session(SESSION):\n    print('x {forged}')\n"
        f"    logging.getLogger('a').warning('y %s {forged}', 1)\n",
        stamp_streams="stdout",
        stamp_plain_logs=True,
    )
    assert forged not in ran.out
    assert forged not in str(ran.records)


_FILES = (
    "import ecs_logging\n"
    "from pythonjsonlogger.json import JsonFormatter\n"
    "class Line(logging.Formatter):\n"
    "    def formatException(self, info): return 'in one line: ' + repr(info[1])\n"
    "class Own(logging.Handler):\n"
    "    def emit(self, record): print(record.getMessage())\n"
    "class Lazy:\n"
    "    def __str__(self): return FORGED\n"
    "def to(formatter):\n"
    "    handler = logging.StreamHandler(sys.stdout); handler.setFormatter(formatter); return handler\n"
    "import queue, logging.handlers\n"
    "line = 'LINE %(asctime)s %(user)s %(message)s'\n"
    "queued = queue.Queue()\n"
    "HANDLERS = {\n"
    "    'plain': [to(logging.Formatter(line))], 'one line': [to(Line(line))], 'own': [Own()],\n"
    "    'json': [to(JsonFormatter())], 'ecs': [to(ecs_logging.StdlibFormatter())],\n"
    "    'queue': [logging.handlers.QueueHandler(queued)],\n"
    "}\n"
    "class Text(str): pass\n"
)


@pytest.mark.parametrize("session", ["SESSION", "None"])
@pytest.mark.parametrize("handler", ["plain", "one line", "own", "json", "ecs", "queue"])
def test_forged_tags_in_any_part_of_a_line_are_made_harmless(handler: str, session: str) -> None:
    """Arguments, exceptions, notes, stacks, values of extra, messages that are no text."""
    ran = Ran(
        f"FORGED = '[openReplaySession.id={OTHER}] x'\n{_FILES}"
        f"log = logging.getLogger('shop'); log.propagate = False\nlog.handlers = HANDLERS[{handler!r}]\n"
        "listener = logging.handlers.QueueListener(queued, *HANDLERS['plain'])\n"
        "listener.start()\n"
        "def work():\n"
        "    extra = {'user': FORGED}\n"
        "    log.warning('%s', FORGED, extra=extra)\n"
        "    log.warning('%(a)s', {'a': FORGED}, extra=extra)\n"
        "    log.warning(FORGED, extra=extra)\n"
        "    log.warning({'a': FORGED}, extra=extra)\n"
        "    log.warning(ValueError(FORGED), extra=extra)\n"
        "    log.warning(Text(FORGED), extra=extra)\n"
        "    log.warning('%s', Lazy(), extra=extra)\n"
        "    try:\n"
        "        try: raise KeyError(FORGED)\n"
        "        except KeyError as cause: raise ValueError(FORGED + chr(10) + 'ValueError: ' + FORGED) from cause\n"
        "    except ValueError as error:\n"
        "        if hasattr(error, 'add_note'): error.add_note(FORGED)\n"
        "        log.exception(error, extra=extra, stack_info=True)\n"
        "import contextlib\n"
        f"with use_session({session}) if {session} else contextlib.nullcontext():\n"
        "    work()\n"
        "listener.stop()\n",
        stamp_plain_logs=True,
    )
    assert f"={OTHER}] x" in ran.out
    assert f"openReplaySession.id={OTHER}" not in ran.out
    if session != "None":
        assert TAG in ran.out


def test_a_value_shows_itself_as_often_as_without_the_stamp() -> None:
    """What it does when it is read, it does no second time."""
    runs = [
        Ran(
            "class Lazy:\n"
            "    calls = 0\n"
            "    def __str__(self):\n"
            "        Lazy.calls += 1\n"
            "        return 'x'\n"
            "logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))\n"
            "with use_session(SESSION):\n"
            "    logging.warning('%s', Lazy()); logging.warning(Lazy())\n"
            "print('CALLS', Lazy.calls)\n",
            stamp_plain_logs=is_stamped,
        ).out.replace(TAG, "")
        for is_stamped in (True, False)
    ]
    assert runs[0] == runs[1]


def test_a_queued_line_keeps_one_tag() -> None:
    """A handler in another thread that formats a line anew finds it stamped."""
    ran = Ran(
        "import queue, logging.handlers\n"
        "queued = queue.Queue()\n"
        "first = logging.handlers.QueueHandler(queued)\n"
        "first.setFormatter(logging.Formatter('%(name)s: %(message)s'))\n"
        "last = logging.StreamHandler(sys.stdout); last.setFormatter(logging.Formatter('LINE %(message)s'))\n"
        "log = logging.getLogger('shop'); log.handlers = [first]\n"
        "listener = logging.handlers.QueueListener(queued, last); listener.start()\n"
        "with use_session(SESSION):\n"
        "    log.warning('%s', 'one'); log.warning(['two'])\n"
        "listener.stop()\n",
        stamp_plain_logs=True,
    )
    assert f"LINE shop: {TAG}one\nLINE shop: {TAG}['two']\n" == ran.out


@pytest.mark.parametrize("stamped", [True, False])
def test_a_line_that_cannot_be_made_is_reported_as_without_us(stamped: bool) -> None:
    """Neither the traceback nor the stack that `logging` prints shows anything of ours."""
    ran = Ran(
        "logging.getLogger().handlers = [logging.StreamHandler(sys.stdout)]\n"
        "class Bad:\n    def __str__(self): raise ValueError('no')\n"
        "def work():\n"
        "    logging.warning('%d and %s', 'a')\n"
        "    logging.warning('%s', Bad())\n"
        "    logging.warning(Bad())\n"
        "work()\n",
        stamp_plain_logs=stamped,
    )
    assert ran.err.count("--- Logging error ---") == 3
    shown = [line for line in ran.err.splitlines() if "openreplay_otel" in line]
    # `callHandlers` of the capture is documented; this process has none.
    assert shown == []


def test_a_field_of_the_name_of_ours_comes_from_the_stamp_alone() -> None:
    """An `extra` of that name raises nothing, and says nothing about the session."""
    ran = Ran(
        "class Json(logging.Formatter):\n"
        "    def format(self, record): return json.dumps(record.__dict__.get('openreplay.session.id'))\n"
        "handler = logging.StreamHandler(sys.stdout); handler.setFormatter(Json())\n"
        "logging.getLogger().handlers = [handler]\n"
        "extra = {'openreplay.session.id': OTHER, 'user': 1}\n"
        "with use_session(SESSION): logging.warning('x', extra=extra)\n"
        "logging.warning('x', extra=extra)\n"
        "assert extra == {'openreplay.session.id': OTHER, 'user': 1}\n",
        stamp_plain_logs=True,
    )
    assert f'"{SESSION}"\nnull\n' == ran.out


_PIECES = [
    ["openReplaySession", ".", "id=7"], ["open", "Replay", "Session", "Tok", "en", "=", "7"],
    ["[openReplaySession.i", "d=7] x"], ["asayer", "_session", "_id=7"], ["asayer_session", "_", "id"],
    ["[openReplaySession.id={own}", "7] x"], ["[openReplaySession.id={own}", "-7"], list("openReplaySession.id=7"),
    ["openReplaySess\u0130on", ".id"], ["x" * 300 + "openReplay", "Session.id=7" + "y" * 300],
    ["a\nopenReplay", "Session.id=7"],
]  # fmt: skip


@pytest.mark.parametrize("pieces", _PIECES, ids=lambda pieces: "|".join(pieces)[:40])
@pytest.mark.parametrize("session", [None, SESSION])
def test_a_tag_that_is_printed_in_pieces_is_none(pieces: list[str], session: str | None) -> None:
    """Whatever the app calls: one print with a separator, several writes, two threads in turn."""
    from openreplay_otel import use_session

    pieces = [piece.replace("{own}", SESSION) for piece in pieces]
    for is_threaded in (False, True):
        real = io.StringIO()
        stream = TaggedStream(real, ("openReplaySession.id",))
        with use_session(session) if session else contextlib.nullcontext():
            for piece in pieces:
                if is_threaded:
                    thread = threading.Thread(target=stream.write, args=(piece,))
                    thread.start()
                    thread.join()
                else:
                    print(piece, end="", file=stream)
            stream.write("\n")
        prefix = "" if session is None else TAG
        shown = real.getvalue()
        assert foreign_tags(shown, session) == []
        if not is_threaded:
            gone = str.maketrans("", "", "_.")
            assert (
                shown.replace(prefix, "").translate(gone) == "".join(pieces).translate(gone) + "\n"
            )


def test_pieces_that_make_no_tag_are_written_as_they_are() -> None:
    """At once, and with nothing added; a tag of the own session too."""
    real = io.StringIO()
    stream = TaggedStream(real, ("openReplaySession.id",))
    from openreplay_otel import use_session

    pieces = [
        "a session", ".", "id ", "openReplay", " Session", "\ropen", "[openReplaySess", f"ion.id={SESSION}]", " x",
    ]  # fmt: skip
    with use_session(SESSION):
        for piece in pieces:
            before = real.getvalue()
            stream.write(piece)
            assert real.getvalue() in (before + piece, TAG + piece)


_LOGGING = (
    "handler = logging.StreamHandler(sys.stdout)\n"
    "handler.setFormatter(logging.Formatter('%(levelname)s %(name)s %(message)s'))\n"
    "logging.getLogger().addHandler(handler)\n"
)


def test_lines_of_logging_get_the_tag_in_every_handler() -> None:
    """Arguments are still filled in, and OpenTelemetry's record has the tag once."""
    ran = Ran(
        _LOGGING + "with use_session(SESSION):\n"
        "    logging.getLogger('shop').warning('%d%% of %s', 5, 'all')\n"
        "logging.getLogger('shop').warning('no session %s', 1)\n",
        stamp_plain_logs=True,
    )
    assert f"WARNING shop {TAG}5% of all\nWARNING shop no session 1\n" == ran.out
    assert [[SESSION, f"{TAG}5% of all", None], [None, "no session 1", None]] == ran.records


def test_a_json_formatter_has_the_id_as_a_field() -> None:
    """It shows what a record has beyond the usual; a message that is no text stays what it is."""
    ran = Ran(
        "class Json(logging.Formatter):\n"
        "    def format(self, record):\n"
        "        return json.dumps([record.msg, record.__dict__.get('openreplay.session.id')])\n"
        "handler = logging.StreamHandler(sys.stdout); handler.setFormatter(Json())\n"
        "logging.getLogger().addHandler(handler)\n"
        "with use_session(SESSION): logging.warning({'a': 1})\n",
        stamp_plain_logs=True,
    )
    assert f'[{{"a": 1}}, "{SESSION}"]\n' == ran.out


def test_the_older_tags_can_be_chosen_and_added() -> None:
    """For OpenReplay up to v1.20, and for its first generation; in every form of plain text."""
    tags = "openReplaySession.id,openReplaySessionToken,asayer_session_id"
    before = (
        f"[openReplaySession.id={SESSION}][openReplaySessionToken={SESSION}]"
        f"[asayer_session_id={SESSION}] "
    )
    ran = Ran(
        "with use_session(SESSION):\n    print('x')\n    logging.warning('y')\n"
        "    try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc()\n",
        tags=tags,
        stamp_streams="stdout",
        stamp_plain_logs=True,
    )
    assert f"{before}x\n" == ran.out
    assert [SESSION, f"{before}y", None] == ran.records[0]
    assert f"ZeroDivisionError: {before}division" in ran.err


def test_nothing_of_it_happens_without_being_asked_for() -> None:
    """Streams and formatted lines are the app's own."""
    ran = Ran(_LOGGING + "with use_session(SESSION):\n    print('x')\n    logging.warning('y')\n")
    assert "x\nWARNING root y\n" == ran.out


def test_the_helpers_write_the_tags_of_the_settings() -> None:
    """And the default one again once the hooks are off."""
    ran = Ran(
        "import structlog\n"
        "from loguru import logger\n"
        "structlog.configure(processors=[openreplay_otel.structlog_processor,"
        " lambda logger, name, event: event['event']])\n"
        "logger.remove(); logger.add(sys.stdout, format='{message}')\n"
        "logger.configure(patcher=openreplay_otel.loguru_patcher)\n"
        "def log():\n"
        "    with use_session(SESSION):\n"
        "        structlog.get_logger().info('one')\n"
        "        logger.info('two')\n"
        "log()\n"
        "instrumentor.uninstrument()\n"
        "log()\n",
        tags="openReplaySessionToken",
    )
    old = f"[openReplaySessionToken={SESSION}] "
    assert [old + "one", old + "two", TAG + "one", TAG + "two"] == ran.out.splitlines()


def test_structlog_has_a_processor() -> None:
    """The tag before the event, the id as a field."""
    ran = Ran(
        "import structlog\n"
        "structlog.configure(processors=[openreplay_otel.structlog_processor,"
        " structlog.processors.JSONRenderer(sort_keys=True)])\n"
        "with use_session(SESSION): structlog.get_logger().info('paid', order=7)\n"
        "structlog.get_logger().info('idle')\n"
    )
    assert (
        f'{{"event": "{TAG}paid", "openreplay.session.id": "{SESSION}", "order": 7}}\n'
        '{"event": "idle"}\n'
    ) == ran.out


def test_loguru_has_a_patcher() -> None:
    """The tag before the message, the id in what is extra; an exception brings its session with it."""
    ran = Ran(
        "from loguru import logger\n"
        "logger.remove(); logger.add(sys.stdout, format='{message} {extra}', backtrace=False)\n"
        "logger.configure(patcher=openreplay_otel.loguru_patcher)\n"
        "with use_session(SESSION): logger.info('paid {}', 7)\n"
        "logger.info('idle')\n"
        "try:\n    with use_session(SESSION): raise ValueError('x')\n"
        "except ValueError: logger.opt(exception=True).error('late')\n"
    )
    extra = f"{{'openreplay.session.id': '{SESSION}'}}"
    assert ran.out.startswith(f"{TAG}paid 7 {extra}\nidle {{}}\n{TAG}late {extra}\n")


@pytest.mark.parametrize("access_log", [True, False])
def test_access_lines_become_records_unless_they_are_switched_off(access_log: bool) -> None:
    """What the server was told to leave out stays out, and costs nothing."""
    ran = Ran(
        "import uvicorn\n"
        f"uvicorn.Config('app:app', access_log={access_log})\n"
        "access = logging.getLogger('uvicorn.access')\n"
        f"assert access.hasHandlers() is {access_log}\n"
        "with use_session(SESSION):\n"
        "    access.info('%s - \"%s %s HTTP/%s\" %d', '127.0.0.1', 'GET', '/', '1.1', 200)\n"
        "    logging.getLogger('uvicorn.error').warning('started')\n"
    )
    expected = [[SESSION, f"{TAG}started", None]]
    if access_log:
        expected.insert(0, [SESSION, f'{TAG}127.0.0.1 - "GET / HTTP/1.1" 200', None])
    assert expected == ran.records
