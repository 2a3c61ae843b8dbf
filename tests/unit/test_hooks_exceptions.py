"""Exceptions that nobody logs: one error record with the session, and the tag in what is printed."""

from __future__ import annotations

import sys

import pytest

from .hooked import OTHER, SESSION, TAG, Ran


def test_an_exception_that_ends_the_program_is_one_record() -> None:
    """With the session in which it was raised, though nothing of it is current any more."""
    ran = Ran("with use_session(SESSION):\n    raise ValueError('boom')", status=1)
    assert [(SESSION, "ValueError")] == ran.errors
    assert f"\nValueError: {TAG}boom\n" in ran.err
    assert 1 == ran.err.count("Traceback (most recent call last):")


def test_without_a_session_all_is_as_without_the_package() -> None:
    """No record and no tag."""
    ran = Ran("raise ValueError('boom')", status=1)
    assert [] == ran.records
    assert ran.err.endswith("\nValueError: boom\n")


def test_an_exception_that_was_logged_is_not_recorded_again() -> None:
    """Once: by the app's own logging call."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    try:\n        1 / 0\n"
        "    except ZeroDivisionError:\n        logging.exception('caught')\n        raise",
        status=1,
    )
    assert [[SESSION, f"{TAG}caught", "ZeroDivisionError"]] == ran.records


def test_an_exit_is_no_error() -> None:
    """Neither sys.exit nor Ctrl-C is a record."""
    ran = Ran("with use_session(SESSION):\n    sys.exit(3)", status=3)
    assert [] == ran.records


def test_a_thread_belongs_to_the_session_that_started_it() -> None:
    """Also its exception."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    thread = threading.Thread(target=lambda: 1 / 0)\n    thread.start()\n"
        "thread.join()"
    )
    assert [(SESSION, "ZeroDivisionError")] == ran.errors
    assert f"ZeroDivisionError: {TAG}division by zero" in ran.err


def test_an_exception_in_del_belongs_to_the_session() -> None:
    """What Python cannot raise it gives to sys.unraisablehook."""
    ran = Ran(
        "class Closes:\n    def __del__(self):\n        raise OSError('late')\n"
        "with use_session(SESSION):\n    Closes()"
    )
    assert [(SESSION, "OSError")] == ran.errors
    assert f"OSError: {TAG}late" in ran.err


def test_a_task_that_nobody_awaits_belongs_to_the_session() -> None:
    """Asyncio reports it when the task is gone, long after the request."""
    ran = Ran(
        "async def fails():\n    raise KeyError('lost')\n"
        "async def main():\n"
        "    with use_session(SESSION):\n        task = asyncio.create_task(fails())\n"
        "    await asyncio.sleep(0.01)\n    del task\n    gc.collect()\n"
        "asyncio.run(main())"
    )
    assert [(SESSION, "KeyError")] == ran.errors
    assert f"{TAG}Task exception was never retrieved" in str(ran.records)


def test_a_handler_of_asyncio_of_the_apps_own_leaves_a_record_too() -> None:
    """It sees the session, and what it does not log is recorded."""
    ran = Ran(
        "async def fails():\n    raise KeyError('lost')\n"
        "async def main():\n"
        "    loop = asyncio.get_running_loop()\n"
        "    loop.set_exception_handler(lambda loop, context: print(current_session().id))\n"
        "    with use_session(SESSION):\n        task = asyncio.create_task(fails())\n"
        "    await asyncio.sleep(0.01)\n    del task\n    gc.collect()\n"
        "asyncio.run(main())"
    )
    assert f"{SESSION}\n" == ran.out
    assert [(SESSION, "KeyError")] == ran.errors


_PRINTS = (
    "traceback.print_exc()",
    "traceback.print_exc(limit=1)",
    "traceback.print_exception(error)",
    "traceback.print_exception(type(error), error, error.__traceback__)",
    "traceback.print_exception(error, limit=0, chain=False)",
    "traceback.print_exception(None, error, error.__traceback__, None, sys.stderr, True)",
    "traceback.print_exception(error, file=sys.stderr)",
)


@pytest.mark.parametrize("call", _PRINTS)
def test_what_is_printed_has_the_tag_and_is_recorded_once(call: str) -> None:
    """The documented monkey patch's purpose, in all forms of the call; the exception stays the same object."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    try:\n        raise ValueError('boom')\n"
        f"    except ValueError as error:\n        {call}\n"
        "        assert error.args == ('boom',) and type(error) is ValueError"
    )
    assert ran.err.endswith(f"ValueError: {TAG}boom\n")
    assert [(SESSION, "ValueError")] == ran.errors


def test_into_a_text_of_its_own_is_not_recorded() -> None:
    """A log's formatter prints into a text: the tag is there, and the app's own record is the only one."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    try:\n        raise ValueError('boom')\n"
        "    except ValueError as error:\n"
        "        text = io.StringIO()\n        traceback.print_exc(file=text)\n"
        "        assert TAG + 'boom' in text.getvalue()"
    )
    assert [] == ran.records


def test_causes_and_notes_stay_whole() -> None:
    """The tag stands in the line of the exception itself, not in that of its cause."""
    ran = Ran(
        "with use_session(SESSION):\n"
        "    try:\n"
        "        try:\n            raise ValueError('inner')\n"
        "        except ValueError as inner:\n            raise ValueError('outer') from inner\n"
        "    except ValueError:\n        traceback.print_exc()"
    )
    assert "ValueError: inner\n" in ran.err
    assert f"ValueError: {TAG}outer\n" in ran.err
    assert "direct cause" in ran.err


if sys.version_info >= (3, 11):  # Groups and notes came with it.

    def test_a_group_stays_whole() -> None:
        """The tag stands in the line of the group; its parts and notes are there."""
        ran = Ran(
            "with use_session(SESSION):\n"
            "    try:\n"
            "        group = ExceptionGroup('several', [ValueError('one'), TypeError('two')])\n"
            "        group.add_note('a note')\n        raise group\n"
            "    except ExceptionGroup:\n        traceback.print_exc()"
        )
        assert f"ExceptionGroup: {TAG}several (2 sub-exceptions)" in ran.err
        assert "ValueError: one" in ran.err
        assert "TypeError: two" in ran.err
        assert "a note" in ran.err


_SPAN = (
    "from opentelemetry.sdk.trace import TracerProvider\n"
    "from opentelemetry.trace import SpanKind\n"
    "tracer = TracerProvider(shutdown_on_exit=False).get_tracer('t')\n"
    "def fail(kind, text='x'):\n"
    "    with tracer.start_as_current_span('work', kind=kind):\n        raise ValueError(text)\n"
)


@pytest.mark.parametrize("kind", ["SERVER", "CONSUMER"])
def test_an_exception_on_the_span_of_a_request_is_recorded_unless_it_is_logged(kind: str) -> None:
    """Answered with a 500 after the span noted it: one record, with the span. Logged afterwards: that one alone."""
    ran = Ran(
        _SPAN + "for log in (False, True):\n"
        "    with use_session(SESSION):\n"
        f"        try:\n            fail(SpanKind.{kind}, f'x{{log}}')\n"
        "        except ValueError:\n            if log: logging.exception('logged')\n"
    )
    assert sorted([
        [SESSION, f"{TAG}Exception on a span: ValueError: xFalse", "ValueError"],
        [SESSION, f"{TAG}logged", "ValueError"],
    ]) == sorted(ran.records)  # fmt: skip


@pytest.mark.parametrize("kind", ["INTERNAL", "CLIENT", "PRODUCER"])
def test_a_handled_exception_on_another_span_is_no_error(kind: str) -> None:
    """A cache that misses, a key that is not there: the app goes on, and nothing is recorded."""
    ran = Ran(
        _SPAN + "with use_session(SESSION):\n"
        f"    try:\n        fail(SpanKind.{kind})\n    except ValueError:\n        pass\n"
    )
    assert [] == ran.records


def test_an_exception_on_another_span_is_recorded_where_it_leaves_its_session() -> None:
    """Then nobody in the request has handled it; the record belongs to the span that noted it first."""
    ran = Ran(
        _SPAN + "try:\n    with use_session(SESSION):\n"
        "        with tracer.start_as_current_span('outer'):\n            fail(SpanKind.CLIENT)\n"
        "except ValueError:\n    pass\nsettle()\n"
        "print(exporter.get_finished_logs()[0].log_record.span_id != 0)"
    )
    assert [[SESSION, f"{TAG}Unhandled exception: ValueError: x", "ValueError"]] == ran.records
    assert "True\n" == ran.out


_UNTIL = (
    "import os, time\n"
    "def until(done):\n"
    "    end = time.monotonic() + 50\n"
    "    while not done():\n        assert time.monotonic() < end\n        time.sleep(0.01)\n"
    "threads = lambda: len(os.listdir('/proc/self/task'))\n"
    "stored = lambda: len(exporter.get_finished_logs())\n"
    "from openreplay_otel import OpenReplayWSGIMiddleware\n"
    "def fails(environ, start_response):\n    raise RuntimeError('unhandled')\n"
    "app = OpenReplayWSGIMiddleware(fails)\n"
    "def request():\n"
    "    try:\n        app({'HTTP_X_OPENREPLAY_SESSION_ID': SESSION}, None)\n"
    "    except RuntimeError as error:\n        return error\n"
)


@pytest.mark.parametrize("is_kept", [False, True], ids=["gone", "still alive"])
def test_an_exception_that_the_server_does_not_log_is_recorded_by_itself(is_kept: bool) -> None:
    """Without another request, and before the process ends; the thread that waited for it is gone afterwards."""
    ran = Ran(
        _UNTIL + "before = threads()\n"
        f"kept = request() if {is_kept} else None\nif kept is None: request()\n"
        "until(lambda: stored() == 1)\nuntil(lambda: threads() <= before)\n"
        "request()\nuntil(lambda: stored() == 2)\n"
    )
    expected = [SESSION, f"{TAG}Unhandled exception: RuntimeError: unhandled", "RuntimeError"]
    assert [expected, expected] == ran.records


def test_a_forked_child_leaves_its_parents_exceptions_to_the_parent() -> None:
    """What waits at the fork is recorded once; the child's own exceptions are recorded by itself."""
    ran = Ran(
        _UNTIL + "request()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    settle()\n    inherited = stored()\n    request()\n    until(lambda: stored() == 1)\n"
        "    os._exit(inherited)\n"
        "assert 0 == os.waitpid(child, 0)[1]\nuntil(lambda: stored() == 1)\n"
    )
    assert 1 == len(ran.records)


def test_a_cause_is_not_recorded_beside_what_it_led_to() -> None:
    """The traceback of the second has that of the first."""
    ran = Ran(
        _SPAN + "with use_session(SESSION):\n"
        "    try:\n"
        "        with tracer.start_as_current_span('outer', kind=SpanKind.SERVER):\n"
        "            try:\n                fail(SpanKind.CONSUMER)\n"
        "            except ValueError as error:\n                raise KeyError('y') from error\n"
        "    except KeyError:\n        pass\n"
    )
    assert [(SESSION, "KeyError")] == ran.errors


def test_nothing_of_ours_travels_with_an_exception() -> None:
    """Pickled while it is remembered: byte for byte what a process without this package reads, and no attribute."""
    Ran(
        "import copy, pickle, pickletools\n"
        "from openreplay_otel.context.exception_memory import session_id_of_exception\n"
        "for make in (lambda: ValueError('x'), lambda: KeyError('x'), lambda: OSError(2, 'x', 'f'),\n"
        "             lambda: ImportError('x', name='n', path='p'), lambda: AttributeError('x'),\n"
        "             lambda: UnicodeDecodeError('ascii', b'x', 0, 1, 'r'), lambda: StopIteration(1)):\n"
        "    try:\n        with use_session(SESSION):\n            raise make()\n"
        "    except Exception as error:\n"
        "        assert session_id_of_exception(error) == SESSION\n"
        "        error.own = 'kept'\n"
        "        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):\n"
        "            data = pickle.dumps(error, protocol)\n"
        "            assert b'openreplay' not in data, data\n"
        "            again = pickle.loads(data)\n"
        "            assert (type(again), again.args, str(again)) == (type(error), error.args, str(error))\n"
        "            assert [k for k in vars(again) if k not in ('name', 'path', 'obj')] == ['own']\n"
        "            assert again.__traceback__ is None\n"
        "        assert error.__traceback__ is not None\n"
        "        assert session_id_of_exception(copy.copy(error)) == SESSION\n"
        "        assert session_id_of_exception(copy.deepcopy(error)) is None\n"
        "        assert [k for k in vars(copy.deepcopy(error)) if 'openreplay' in k] == []\n"
    )


def test_a_record_takes_the_session_of_its_exception() -> None:
    """As a server logs a request's exception after the request; also where it was wrapped in another."""
    ran = Ran(
        "errors = []\n"
        "for session in (SESSION, OTHER):\n"
        "    try:\n"
        "        with use_session(session):\n            raise ValueError(session)\n"
        "    except ValueError as error:\n        errors.append(error)\n"
        "assert current_session() is None\n"
        "for error in errors:\n    logging.error('handling', exc_info=error)\n"
        "try:\n    raise RuntimeError('of the server') from errors[1]\n"
        "except RuntimeError:\n    logging.exception('wrapped')"
    )
    assert [SESSION, OTHER, OTHER] == [session for session, _, _ in ran.records]


def test_the_app_sees_nothing_of_it() -> None:
    """Arguments, equality, hash and copies of an exception are as before."""
    Ran(
        "import copy\n"
        "class Equal(Exception):\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = None\n"
        "class Slots(Exception):\n    __slots__ = ()\n"
        "for kind in (ValueError, Equal, Slots, KeyError, UnicodeError):\n"
        "    try:\n"
        "        with use_session(SESSION):\n            raise kind('x')\n"
        "    except kind as error:\n"
        "        assert error.args == ('x',)\n"
        "        assert copy.copy(error).args == ('x',)\n"
    )


def test_an_exception_is_not_kept_alive() -> None:
    """What is remembered of it goes with it, and so does what its traceback holds."""
    Ran(
        "import weakref\n"
        "class Held: pass\n"
        "def request(kind):\n"
        "    held = Held()\n    gone.append(weakref.ref(held))\n    raise kind('x')\n"
        "class Own(Exception): pass\n"
        "gone = []\n"
        "for kind in (ValueError, Own):\n"
        "    try:\n"
        "        with use_session(SESSION):\n            request(kind)\n"
        "    except kind:\n        pass\n"
        "gc.collect()\n"
        "assert [None, None] == [one() for one in gone]\n"
        "from openreplay_otel.context import exception_memory\n"
        "assert not exception_memory._by_id"
    )


def test_it_can_be_turned_off() -> None:
    """By the setting, Python prints as ever and nothing is recorded."""
    ran = Ran(
        "with use_session(SESSION):\n    raise ValueError('boom')",
        status=1,
        record_exceptions=False,
    )
    assert [] == ran.records
    assert ran.err.endswith("\nValueError: boom\n")


@pytest.mark.parametrize("sentry_first", [True, False])
def test_sentry_sees_the_exception_in_either_order(sentry_first: bool) -> None:
    """Both hooks run, whichever was there first; the tag is printed and the record is made."""
    sentry = (
        "import sentry_sdk\nseen = []\n"
        "sentry_sdk.init(dsn='http://a@127.0.0.1:9/1', before_send=lambda event, hint: seen.append(event))\n"
    )
    setup = "instrumentor.uninstrument()\n" + sentry + "instrumentor.instrument()\n"
    ran = Ran(
        (setup if sentry_first else sentry)
        + "atexit.register(lambda: print('seen', len(seen)))\n"
        + "with use_session(SESSION):\n    raise ValueError('boom')",
        status=1,
    )
    assert [(SESSION, "ValueError")] == ran.errors
    assert f"ValueError: {TAG}boom" in ran.err
    assert "seen 1" in ran.out


def test_each_session_keeps_to_itself() -> None:
    """Two threads that fail at the same time: each record has its own session."""
    ran = Ran(
        "barrier = threading.Barrier(2)\n"
        "def work(word):\n    barrier.wait()\n    raise ValueError(word)\n"
        "threads = []\n"
        "for session in (SESSION, OTHER):\n"
        "    with use_session(session):\n"
        "        threads.append(threading.Thread(target=work, args=(session,)))\n"
        "        threads[-1].start()\n"
        "for thread in threads: thread.join()"
    )
    assert {(SESSION, True), (OTHER, True)} == {
        (session, str(session) in str(text)) for session, text, _ in ran.records
    }


_RAISE = (
    "FORGED = '[openReplaySession.id=' + OTHER + '] x'\n"
    "def fail():\n"
    "    try:\n"
    "        try: raise KeyError(FORGED)\n"
    "        except KeyError as cause: raise ValueError(f'{FORGED}\\n{TAG}typed\\nValueError: {FORGED}') from cause\n"
    "    except ValueError as error:\n"
    "        if hasattr(error, 'add_note'): error.add_note(FORGED)\n"
    "        if GROUP and sys.version_info >= (3, 11): raise ExceptionGroup(FORGED, [error]) from error\n"
    "        raise\n"
    "def printed(**options):\n"
    "    try: fail()\n"
    "    except Exception: traceback.print_exc(**options)\n"
    "class Late:\n"
    "    def __del__(self): fail()\n"
)
_WAYS = {
    "print_exc": "printed()",
    "print_exc to a text": "out = io.StringIO(); printed(file=out); sys.stderr.write(out.getvalue())",
    "print_exc to stdout": "printed(file=sys.stdout)",
    "uncaught": "fail()",
    "thread": "thread = threading.Thread(target=fail); thread.start(); thread.join()",
    "unraisable": "late = Late(); del late; gc.collect()",
}


@pytest.mark.parametrize("session", ["SESSION", None])
@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("way", _WAYS)
def test_no_part_of_a_printed_exception_bears_a_strangers_tag(
    way: str, group: bool, session: str | None
) -> None:
    """Message, cause, note and group, in a session and in none; the own tag is in the exception's own line."""
    before = f"with use_session({session}):\n    " if session else ""
    ran = Ran(
        f"GROUP = {group}\n{_RAISE}{before}{_WAYS[way]}\n", status=1 if way == "uncaught" else 0
    )
    shown = ran.out + ran.err
    assert f"={OTHER}] x" in shown
    assert f"openReplaySession.id={OTHER}" not in shown
    if session:
        name = "ExceptionGroup" if group and sys.version_info >= (3, 11) else "ValueError"
        assert f"{name}: {TAG}" in shown
