"""Uninstrumenting puts everything back, whoever else has patched the same places."""

from __future__ import annotations

from .hooked import SESSION, TAG, Ran

_LOOK = """
import asyncio.base_events, concurrent.futures, warnings, wsgiref.handlers
from opentelemetry import context, propagate
from opentelemetry.sdk.trace import Span
def places():
    return {
        "print_exception": traceback.print_exception, "excepthook": sys.excepthook,
        "unraisablehook": sys.unraisablehook, "threading.excepthook": threading.excepthook,
        "stdout": sys.stdout, "stderr": sys.stderr, "factory": logging.getLogRecordFactory(),
        "callHandlers": logging.Logger.__dict__["callHandlers"], "record_exception": Span.__dict__["record_exception"],
        "loop": asyncio.base_events.BaseEventLoop.__dict__["call_exception_handler"],
        "create_task": asyncio.base_events.BaseEventLoop.__dict__["create_task"],
        "detach": type(context._RUNTIME_CONTEXT).__dict__["detach"],
        "wsgiref": wsgiref.handlers.BaseHandler.__dict__["run"],
        "thread": threading.Thread.__dict__["run"], "start": threading.Thread.__dict__["start"],
        "pool": concurrent.futures.ThreadPoolExecutor.__dict__["submit"],
        "propagator": propagate.get_global_textmap(),
        "processors": provider._multi_log_record_processor._log_record_processors,
    }
instrumentor.uninstrument()
"""
_ALL = {"stamp_streams": "stdout,stderr", "stamp_plain_logs": True}


def test_uninstrument_restores_everything() -> None:
    """Each patched place has the very object that it had before, and nothing is stamped any more."""
    ran = Ran(
        _LOOK + "before = places()\n"
        f"instrumentor.instrument(**{_ALL!r})\n"
        "on = places()\n"
        "changed = {name for name in before if before[name] is not on[name]}\n"
        "assert changed >= set(before) - {'create_task'}, set(before) - changed\n"
        "instrumentor.uninstrument()\n"
        "after = places()\n"
        "assert [] == [name for name in before if before[name] != after[name]]\n"
        "with use_session(SESSION):\n    logging.warning('plain')\n    print('plain')\n"
    )
    assert [[None, "plain", None]] == ran.records
    assert "plain\n" == ran.out


def test_it_can_be_turned_on_again() -> None:
    """As often as one likes, and nothing is doubled."""
    ran = Ran(
        "for _ in range(3):\n    instrumentor.uninstrument()\n    instrumentor.instrument()\n"
        "with use_session(SESSION):\n    logging.warning('once')\n    raise ValueError('x')",
        status=1,
    )
    assert [SESSION, f"{TAG}once", None] == ran.records[0]
    assert [(SESSION, "ValueError")] == ran.errors
    assert 1 == ran.err.count(TAG)


def test_patches_of_others_over_ours_stay() -> None:
    """Ours lies below and calls on; theirs is on top, and still called."""
    ran = Ran(
        "calls = []\n"
        "below = sys.excepthook\n"
        "def theirs(*args):\n    calls.append('theirs'); below(*args)\n"
        "sys.excepthook = theirs\n"
        "printing = traceback.print_exception\n"
        "def print_theirs(*args, **kwargs):\n    calls.append('print'); printing(*args, **kwargs)\n"
        "traceback.print_exception = print_theirs\n"
        "instrumentor.uninstrument()\n"
        "assert sys.excepthook is theirs and traceback.print_exception is print_theirs\n"
        "atexit.register(lambda: print(calls))\n"
        "with use_session(SESSION):\n"
        "    try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc()\n"
        "    raise ValueError('boom')",
        status=1,
    )
    assert [] == ran.records
    assert TAG not in ran.err
    # From Python 3.13 on the interpreter itself prints what nobody caught by traceback.print_exception.
    assert ran.out in {"['print', 'theirs']\n", "['print', 'theirs', 'print']\n"}


def test_configure_and_the_instrumentor_share_the_hooks() -> None:
    """Whoever goes first leaves them to the other one; one stamp is enough for both."""
    ran = Ran(
        "import tempfile\n"
        "pipeline = openreplay_otel.configure('sqlite:///' + tempfile.mkdtemp() + '/logs.db')\n"
        "pipeline.shutdown()\n"
        "with use_session(SESSION):\n    logging.warning('still')\n"
        "    threading.Thread(target=lambda: logging.warning('thread')).start()\n"
    )
    assert [[SESSION, f"{TAG}still", None], [SESSION, f"{TAG}thread", None]] == ran.records
