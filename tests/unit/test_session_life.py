"""How long a session counts where it was inherited, and what ends it; each script runs in a fresh process."""

from __future__ import annotations

import contextvars

import pytest

from openreplay_otel import OpenReplayWSGIMiddleware, current_session, use_session
from openreplay_otel.context import session_context

from .hooked import SESSION, Ran

_THREAD = """
from opentelemetry import propagate
from opentelemetry.context import attach, detach, get_current
log, log.level = logging.getLogger("shop"), logging.INFO
step, done = threading.Semaphore(0), threading.Semaphore(0)
def work():
    for number in (1, 2, 3):
        step.acquire()
        log.info("step %d", number)
        print(number, "session" in str(inject()), current_session())
        done.release()
def inject():
    carrier = {}
    propagate.inject(carrier)
    return carrier
def go_on():
    step.release()
    done.acquire()
"""
_BEGIN = "thread = threading.Thread(target=work)\nthread.start()\ngo_on()\n"


def _block(*, begins: str, ends: str) -> str:
    inside = "".join(f"    {line}\n" for line in _BEGIN.splitlines())
    return _THREAD + f"{begins}\n{inside}{ends}\ngo_on()\ngo_on()\nthread.join()\n"


_REQUESTS = {
    "use_session": ("with use_session(SESSION):", ""),
    "an instrumentation": (
        "token = attach(propagate.extract({'openReplaySession.id': SESSION}))\nif True:", "detach(token)",
    ),
    "the baggage alone": (
        "token = attach(propagate.extract({'baggage': f'openreplay.session.id={SESSION}'}))\nif True:",
        "detach(token)",
    ),
    "one in another": (
        "token = attach(propagate.extract({'openReplaySession.id': OTHER}))\nwith use_session(SESSION):",
        "detach(token)",
    ),
    "an inner one that nobody takes back": (
        "with use_session(OTHER):\n attach(propagate.extract({'openReplaySession.id': SESSION}))\n if True:", "",
    ),
    "the middleware": (
        "def app(environ, start_response):",
        "openreplay_otel.OpenReplayWSGIMiddleware(app)({'HTTP_OPENREPLAYSESSION_ID': SESSION}, None)",
    ),
}  # fmt: skip
"""What begins a request, around an indented block, and what ends it."""


@pytest.mark.parametrize("request_of", _REQUESTS)
def test_a_thread_has_the_session_until_its_request_has_ended(request_of: str) -> None:
    """Then its lines are nobody's, although they are emitted in the very same context."""
    begins, ends = _REQUESTS[request_of]
    script = _block(begins=begins, ends=ends)
    if "middleware" in request_of:
        script = script.replace("thread = ", "global thread\n    thread = ")
        script = script.replace("{'HTTP_OPENREPLAYSESSION_ID'", "{'HTTP_OPENREPLAYSESSION.ID'")
    ran = Ran(script, session_after_request=0)
    assert [SESSION, None, None] == [record[0] for record in ran.records]


def test_the_default_leaves_time_for_what_a_request_leaves_behind() -> None:
    """Half a minute, unless the setting says otherwise."""
    begins, ends = _REQUESTS["use_session"]
    ran = Ran(_block(begins=begins, ends=ends))
    assert [SESSION] * 3 == [record[0] for record in ran.records]


@pytest.mark.parametrize("propagators", ["openreplay,baggage", "baggage,openreplay", "baggage"])
def test_other_services_do_not_get_a_session_that_has_ended(propagators: str) -> None:
    """Neither in our header nor in the baggage, whichever propagator comes first."""
    begins, ends = _REQUESTS["use_session"]
    names = {"openreplay": "openreplay_otel.OpenReplayPropagator()", "baggage": "W3CBaggagePropagator()"}  # fmt: skip
    made = ", ".join(names[name] for name in propagators.split(","))
    setup = (
        "from opentelemetry.baggage.propagation import W3CBaggagePropagator\n"
        "from opentelemetry.propagators.composite import CompositePropagator\n"
        "from opentelemetry import propagate\n"
        f"propagate.set_global_textmap(CompositePropagator([{made}]))\n"
    )
    ran = Ran(setup + _block(begins=begins, ends=ends), session_after_request=0)
    assert [
        f"1 True Session(id='{SESSION}')", "2 False None", "3 False None",
    ] == [line for line in ran.out.splitlines() if line]  # fmt: skip


def test_the_rest_of_the_baggage_is_handed_on() -> None:
    """Only the session ends."""
    ran = Ran(
        _THREAD
        + "from opentelemetry import baggage\n"
        + "def work():\n    step.acquire()\n    print(inject())\n    done.release()\n"
        + "with use_session(SESSION):\n"
        + "    token = attach(baggage.set_baggage('tenant', 'blue'))\n"
        + "    thread = threading.Thread(target=work)\n    thread.start()\n    detach(token)\n"
        + "go_on()\nthread.join()",
        session_after_request=0,
    )
    assert "{'baggage': 'tenant=blue'}" in ran.out


def test_a_request_that_waits_for_its_thread_has_not_ended() -> None:
    """However often the thread attaches and detaches its context: only what made it current first ends it."""
    ran = Ran(
        _THREAD
        + "def attach_often():\n"
        + "    for _ in range(3):\n        detach(attach(get_current()))\n    log.info('in the thread')\n"
        + "with use_session(SESSION):\n"
        + "    for _ in range(2):\n"
        + "        thread = threading.Thread(target=attach_often)\n        thread.start()\n        thread.join()\n"
        + "    log.info('in the request')\n",
        session_after_request=0,
    )
    assert [SESSION] * 3 == [record[0] for record in ran.records]


def test_a_forked_child_takes_the_fork_for_the_end() -> None:
    """It does not see the request's own."""
    script = (
        "import os\nlog = logging.getLogger('shop')\n"
        "with use_session(SESSION):\n"
        "    if not os.fork():\n        print('child', current_session())\n        sys.stdout.flush()\n"
        "        os._exit(0)\n"
        "    os.wait()\n    print('parent', current_session())\n"
    )
    ran = Ran(script, session_after_request=0)
    assert f"child None\nparent Session(id='{SESSION}')" in ran.out
    assert f"child Session(id='{SESSION}')" in Ran(script).out


def test_the_exception_of_a_task_that_has_lost_its_session_is_nobodys() -> None:
    """Also in Pythons whose tasks do not tell their context."""
    ran = Ran(
        "async def work():\n"
        "    await begun.wait()\n    raise ValueError('of nobody')\n"
        "async def main():\n"
        "    global begun\n    begun = asyncio.Event()\n"
        "    with use_session(SESSION):\n        task = asyncio.create_task(work())\n"
        "    begun.set()\n    await asyncio.sleep(0.01)\n    del task\n    gc.collect()\n"
        "asyncio.run(main())\n",
        session_after_request=0,
    )
    assert SESSION not in {record[0] for record in ran.records}


def _begin_the_next() -> contextvars.Context:
    with use_session(SESSION):
        return contextvars.copy_context()


def test_a_chain_of_tasks_keeps_nothing_of_those_before() -> None:
    """Each begins the next one in its own block: memory must not grow with their number."""
    last = contextvars.copy_context()
    for _ in range(100):
        # As a task begins: in a copy of the context of the one that has made it.
        last = last.run(_begin_the_next)
    life = last.run(session_context.life_of)
    assert life is not None
    assert life.outer is None


def test_without_hooks_the_middleware_ends_it_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As does a block: both say themselves what they begin."""
    monkeypatch.setattr(session_context.Life, "seconds_after", 0.0)
    contexts: list[session_context.Context] = []

    def app(environ: dict[str, str], start_response: object) -> list[bytes]:
        del environ, start_response
        contexts.append(session_context.get_current())
        assert current_session() is not None
        return []

    OpenReplayWSGIMiddleware(app)({"HTTP_X_OPENREPLAY_SESSION_ID": SESSION}, print)
    assert session_context.session_id_of(contexts[0]) is None
