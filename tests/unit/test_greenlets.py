"""gevent and eventlet: what is begun in a session belongs to it, and the process ends without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from openreplay_otel.auto.greenlets import greenlets_of
from openreplay_otel.lookup.session_logs import SessionLogs

from .hooked import SESSION
from .processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

_GEVENT = ("from gevent import monkey", "monkey.patch_all()")
_EVENTLET = ("import eventlet", "eventlet.monkey_patch()")
_BEGINS = {
    "gevent": """
import gevent, gevent.pool, gevent.threadpool
def begin(work):
    gevent.spawn(work, "spawn").join()
    gevent.Greenlet.spawn(work, "Greenlet.spawn").join()
    gevent.pool.Pool(2).map(work, ["map", "map too"])
    gevent.pool.Group().spawn(work, "group").join()
    gevent.spawn_later(0.01, work, "later").join()
    gevent.spawn(lambda: gevent.spawn(work, "nested").join()).join()
    gevent.get_hub().threadpool.apply(work, ("threadpool",))
    gevent.threadpool.ThreadPoolExecutor(1).submit(work, "executor").result()
    gevent.spawn_raw(work, "raw")
    gevent.sleep(0.01)
    thread = threading.Thread(target=work, args=("thread",)); thread.start(); thread.join()
outside = lambda work: gevent.spawn(work, "outside").join()
""",
    "eventlet": """
import eventlet, eventlet.tpool
def begin(work):
    eventlet.spawn(work, "spawn").wait()
    eventlet.greenthread.spawn(work, "greenthread.spawn").wait()
    pool = eventlet.GreenPool(2)
    pool.spawn_n(work, "pool.spawn_n"); pool.spawn(work, "pool.spawn"); list(pool.imap(work, ["imap"]))
    pool.waitall()
    eventlet.spawn_n(work, "spawn_n"); eventlet.sleep(0.01)
    eventlet.spawn_after(0.01, work, "after").wait()
    eventlet.tpool.execute(work, "tpool")
    eventlet.tpool.Proxy(Works(work)).work("proxy")
    thread = threading.Thread(target=work, args=("thread",)); thread.start(); thread.join()
class Works:
    def __init__(self, work): self.work = work
outside = lambda work: eventlet.spawn(work, "outside").wait()
""",
}
_NAMES = {
    "gevent": "spawn,Greenlet.spawn,map,map too,group,later,nested,threadpool,executor,raw,thread",
    "eventlet": "spawn,greenthread.spawn,pool.spawn_n,pool.spawn,imap,spawn_n,after,tpool,proxy,thread",
}


@pytest.mark.parametrize("is_late", [False, True], ids=["patched first", "patched later"])
@pytest.mark.parametrize("kind", ["gevent", "eventlet"])
def test_greenlets_carry_the_session(kind: str, is_late: bool, tmp_path: Path) -> None:
    """However they are begun, also in the native threads beside them; one of no session has none.

    Patched later, the delivery's thread began as a native one and ends as neither.
    """
    patch = "\n".join(_GEVENT if kind == "gevent" else _EVENTLET)
    store = f"sqlite:///{tmp_path}/logs.db"
    configure = (
        "import logging, threading, warnings\nwarnings.simplefilter('ignore')\n"
        "logging.basicConfig(format='%(message)s')\nimport openreplay_otel\n"
        f"openreplay_otel.configure(store={store!r}, spool_dir={str(tmp_path)!r})\n"
        "logging.warning('before')\n"
    )
    work = (
        "def work(name): logging.warning('did %s', name)\n"
        f"with openreplay_otel.use_session({SESSION!r}):\n    begin(work)\n"
        "outside(work)\n"
    )
    parts = (configure, patch, "\n") if is_late else (patch, "\n", configure)
    done = run_python("".join((*parts, _BEGINS[kind], work)))
    with SessionLogs(store) as logs:
        stored = {entry.message for entry in logs.logs(SESSION)}
    assert {f"did {name}" for name in _NAMES[kind].split(",")} == stored
    assert "did outside" in done.stderr
    for word in ("KeyError", "Exception ignored", "in thread started by"):
        assert word not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("celery -A shop worker -P gevent", "gevent"),
        ("celery -A shop worker -Pgevent", "gevent"),
        ("/venv/bin/celery -A shop worker --pool gevent -c 8", "gevent"),
        ("python -m celery -A shop worker --pool=gevent", "gevent"),
        ("python3.11 -X dev -m celery worker --pool=eventlet", "eventlet"),
        ("/venv/bin/python /venv/bin/celery worker -P eventlet", "eventlet"),
        ("gunicorn -k gevent shop:app", "gevent"),
        ("gunicorn --worker-class=gevent_pywsgi shop:app", "gevent"),
        ("python -m gunicorn --worker-class gunicorn.workers.ggevent.GeventWorker shop:app", "gevent"),
        ("gunicorn -keventlet shop:app", "eventlet"),
        ("huey_consumer.py shop.huey -k greenlet", "gevent"),
        ("dramatiq-gevent shop", "gevent"),
        ("celery -A shop worker -P prefork", None),
        ("celery -A gevent worker", None),
        ("celery -A shop worker -P gevent -P solo", None),
        ("celery multi start 2 -P gevent", None),
        ("celery -A shop worker -P", None),
        ("gunicorn gevent:app", None),
        ("gunicorn -k sync shop:app", None),
        ("python gevent.py -P gevent", None),
        ("python -c gevent", None),
        ("python", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_command_line_tells_of_greenlets(command: str, expected: str | None) -> None:
    """In each spelling that the programs take, and with their own interpreter before it."""
    assert expected == greenlets_of(command.split(), {})


def test_gunicorns_variable_tells_of_greenlets_too() -> None:
    """GUNICORN_CMD_ARGS; the command line goes before it, and a quote left open is gunicorn's to tell."""
    given = {"GUNICORN_CMD_ARGS": "--workers 2 --worker-class=gevent"}
    assert "gevent" == greenlets_of(["gunicorn", "shop:app"], given)
    assert greenlets_of(["gunicorn", "-k", "sync", "shop:app"], given) is None
    assert greenlets_of(["celery", "worker"], given) is None
    assert greenlets_of(["gunicorn", "shop:app"], {"GUNICORN_CMD_ARGS": "'-k gevent"}) is None
