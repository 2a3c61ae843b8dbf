"""use_session, current_session and the middleware."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import propagate

from openreplay_otel import (
    InvalidSessionError,
    OpenReplayASGIMiddleware,
    OpenReplayPropagator,
    OpenReplayWSGIMiddleware,
    Session,
    current_session,
    no_session,
    use_session,
)

from .hooked import OTHER, SESSION

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator


def current() -> str | None:
    """The id of the current session."""
    session = current_session()
    return None if session is None else session.id


@pytest.mark.parametrize(
    "given", [SESSION, f"https://openreplay.example.com/1/session/{SESSION}", Session(SESSION)]
)
def test_a_block_has_its_session(given: Any) -> None:
    """An id, a link or a session; before and after there is none."""
    assert current() is None
    with use_session(given) as session:
        assert Session(SESSION) == session == current_session()
    assert current() is None


def test_blocks_nest_and_one_object_can_be_used_again() -> None:
    """The inner one counts; an exception goes through."""
    outer = use_session(SESSION)
    with outer:
        with use_session(OTHER):
            assert OTHER == current()
        with pytest.raises(ValueError, match="x"), outer:
            raise ValueError("x")
        assert SESSION == current()
    assert current() is None


def test_what_is_no_session_is_an_error_that_does_not_repeat_it() -> None:
    """It may hold a credential."""
    with pytest.raises(InvalidSessionError, match="not a session") as error:
        use_session("secret.token")
    assert "secret" not in str(error.value)


def test_it_decorates_functions_of_both_kinds() -> None:
    """Their names and results stay; an async one has the session while it runs, not while it is made."""

    @use_session(SESSION)
    def plain(number: int) -> tuple[int, str | None]:
        return number, current()

    @use_session(SESSION)
    async def later(number: int) -> tuple[int, str | None]:
        await asyncio.sleep(0)
        return number, current()

    assert (1, SESSION) == plain(1)
    assert (2, SESSION) == asyncio.run(later(2))
    assert ("plain", "later") == (plain.__name__, later.__name__)
    assert current() is None


def test_calls_to_other_services_carry_the_session_on() -> None:
    """By the propagator, as in a request."""
    headers: dict[str, str] = {}
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(OpenReplayPropagator())
    try:
        with use_session(SESSION):
            propagate.inject(headers)
    finally:
        propagate.set_global_textmap(before)
    assert SESSION == headers["openReplaySession.id"]


def _start(*_: Any) -> None:
    """A server's start_response."""


def environ(session: str | None = SESSION) -> dict[str, Any]:
    """What a server hands a WSGI app."""
    return {} if session is None else {"HTTP_OPENREPLAYSESSION.ID": session}


def test_the_wsgi_middleware_makes_the_session_the_current_one() -> None:
    """In the app's call, and while a body is produced; in between and afterwards there is none."""
    seen: list[str | None] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        seen.append(current())

        def body() -> Iterator[bytes]:
            try:
                seen.append(current())
                yield b"a"
                seen.append(current())
                yield b"b"
            finally:
                seen.append(current())

        return body()

    answer = OpenReplayWSGIMiddleware(app)(environ(), _start)
    parts = iter(answer)
    assert b"a" == next(parts)
    assert current() is None
    answer.close()
    assert [SESSION] * 3 == seen
    assert current() is None


def test_the_wsgi_middleware_leaves_bodies_alone_that_are_there_already() -> None:
    """A list, and what a server sends as a file; and all of a request without a session."""

    class Wrapper:
        pass

    for body in ([b"a"], (b"a",), Wrapper()):
        app = OpenReplayWSGIMiddleware(lambda *_, body=body: body)
        assert body is app(environ() | {"wsgi.file_wrapper": Wrapper}, _start)
    made = iter([b"a"])
    assert made is OpenReplayWSGIMiddleware(lambda *_: made)(environ(None), _start)


def test_settings_of_the_middleware_count() -> None:
    """A header of one's own."""
    app = OpenReplayWSGIMiddleware(lambda *_: [str(current()).encode()], headers="X-Own")
    assert [SESSION.encode()] == app({"HTTP_X_OWN": SESSION}, _start)


def test_a_request_that_leaves_its_context_behind_does_no_harm() -> None:
    """What an instrumentation attached and never took back is gone with the request."""
    from opentelemetry.context import attach

    from openreplay_otel.context import with_session_id

    def forgets(*_: Any) -> list[bytes]:
        attach(with_session_id(OTHER))
        return []

    for session in (SESSION, None):
        OpenReplayWSGIMiddleware(forgets)(environ(session), _start)
        assert current() is None


def test_the_asgi_middleware_makes_the_session_the_current_one() -> None:
    """For requests and websockets; the lifespan goes through."""
    seen: list[tuple[str, str | None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        seen.append((scope["type"], current()))

    headers = [(b"host", b"x"), (b"openreplaysession.id", SESSION.encode())]

    async def requests() -> None:
        wrapped = OpenReplayASGIMiddleware(app)
        await wrapped({"type": "lifespan"}, None, None)
        await asyncio.gather(
            wrapped({"type": "http", "headers": headers}, None, None),
            wrapped({"type": "http", "headers": []}, None, None),
            wrapped({"type": "websocket", "headers": headers}, None, None),
        )

    asyncio.run(requests())
    assert [
        ("lifespan", None),
        ("http", SESSION),
        ("http", None),
        ("websocket", SESSION),
    ] == seen
    assert current() is None


def test_no_session_leads_out_of_a_request_and_back() -> None:
    """As a block and as a decorator; what is begun inside has none, for as long as it lives."""
    seen: list[str | None] = []

    @no_session()
    def begin() -> threading.Thread:
        seen.append(current())
        context = contextvars.copy_context()
        return threading.Thread(target=lambda: seen.append(context.run(current)))

    with use_session(SESSION):
        with no_session():
            assert current() is None
            with use_session(OTHER):
                assert OTHER == current()
            assert current() is None
        assert SESSION == current()
        thread = begin()
        thread.start()
        thread.join()
        assert SESSION == current()
    assert [None, None] == seen


def test_a_task_begun_without_a_session_has_none_later() -> None:
    """A task that reads a queue for everybody, begun in the first visitor's request."""

    async def main() -> list[str | None]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        seen: list[str | None] = []

        async def read() -> None:
            while await queue.get():
                seen.append(current())

        with use_session(SESSION), no_session():
            task = asyncio.create_task(read())
        with use_session(OTHER):
            await queue.put(1)
            await asyncio.sleep(0)
        await queue.put(0)
        await task
        return seen

    assert [None] == asyncio.run(main())


@pytest.mark.parametrize("scope", [use_session(SESSION), no_session()], ids=["use", "no"])
def test_a_decorated_generator_has_its_session_in_each_step_only(scope: Any) -> None:
    """Sent values, exceptions, the return value and the close go through; the caller keeps its own session."""
    inside = SESSION if isinstance(scope, use_session) else None
    seen: list[Any] = []

    @scope
    def steps(start: int) -> Any:
        seen.append(current())
        try:
            given = yield start
            seen.append((given, current()))
            yield from (7, 8)
        except KeyError as error:
            seen.append((type(error), current()))
            yield "caught"
        finally:
            seen.append(("end", current()))
        return "done"

    with use_session(OTHER):
        made = steps(1)
        assert (1, OTHER) == (next(made), current())
        assert (7, OTHER) == (made.send("hi"), current())
        assert ("caught", OTHER) == (made.throw(KeyError("x")), current())
        with pytest.raises(StopIteration) as ended:
            next(made)
        assert "done" == ended.value.value
        early = steps(2)
        next(early)
        early.close()
        assert OTHER == current()
    assert [
        inside, ("hi", inside), (KeyError, inside), ("end", inside), inside, ("end", inside),
    ] == seen  # fmt: skip


@pytest.mark.parametrize("scope", [use_session(SESSION), no_session()], ids=["use", "no"])
def test_a_decorated_async_generator_has_its_session_in_each_step_only(scope: Any) -> None:
    """Also where it is closed."""
    inside = SESSION if isinstance(scope, use_session) else None
    seen: list[Any] = []

    @scope
    async def steps() -> AsyncGenerator[Any, Any]:
        try:
            seen.append((await asyncio.sleep(0, "awaited"), current()))
            given = yield 1
            seen.append((given, current()))
            yield 2
        except KeyError:
            seen.append(("caught", current()))
            yield 3
        finally:
            seen.append(("end", current()))

    async def main() -> None:
        with use_session(OTHER):
            made = steps()
            assert (1, OTHER) == (await anext(made), current())
            assert (2, OTHER) == (await made.asend("hi"), current())
            assert (3, OTHER) == (await made.athrow(KeyError()), current())
            await made.aclose()
            assert OTHER == current()

    asyncio.run(main())
    assert [("awaited", inside), ("hi", inside), ("caught", inside), ("end", inside)] == seen


def test_an_async_generator_that_is_left_early_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is closed in another task, where its context is not the current one."""

    async def numbers() -> AsyncIterator[int]:
        with use_session(SESSION):
            yield 1
            yield 2

    async def leave_early() -> None:
        async for _ in numbers():
            break

    async def main() -> None:
        await asyncio.create_task(leave_early())
        gc.collect()
        await asyncio.sleep(0.01)
        assert current() is None

    asyncio.run(main())
    # asyncio itself tells what took long, under PYTHONDEVMODE.
    said = [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    assert [] == said
