"""The rows of the table: a framework and a server, and the command that starts them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Final, NamedTuple

_BIN: Final = Path(sys.executable).parent
_APPS: Final = "tests.frameworks.apps"
# Where many servers start at once a worker may be slow to answer.
_PATIENT: Final = "--timeout-worker-healthcheck=60"
# Development servers know it alone: SIGTERM would end them without Python's own end.
_CTRL_C: Final = signal.SIGINT


class Row(NamedTuple):
    """A framework on a server.

    Attributes:
        framework: As the table shows it.
        server: The same.
        command: The program and its arguments; ``{port}`` stands for the port.
        logs_access: Whether this server, so started, logs a line for each request.
        client: How it is asked: a name in ``CLIENTS``, or ``lambda``.
        environ: Further variables and their values; in these too ``{port}`` stands for the port.
        end: The signal at which it ends as it does for an operator.
        instrumented: Names of the instrumentations that are on; those of the framework where None.
    """

    framework: str
    server: str
    command: tuple[str, ...]
    logs_access: bool = True
    client: str = "http"
    environ: tuple[tuple[str, str], ...] = ()
    end: signal.Signals = signal.SIGTERM
    instrumented: tuple[str, ...] | None = None

    @property
    def disabled(self) -> str:
        """The instrumentations that a user who has only this framework has not installed: a start loads them all."""
        on = self.instrumented
        if on is None:
            names = [name for name in _INSTRUMENTATIONS if self.framework.startswith(name)]
            on = _INSTRUMENTATIONS[max(names, key=len)] if names else ()
        return ",".join({name for all_ in _INSTRUMENTATIONS.values() for name in all_} - set(on))

    @property
    def name(self) -> str:
        """Both, for a test's name."""
        return f"{self.framework} on {self.server}".replace(" ", "-")


_INSTRUMENTATIONS: Final = {
    "Flask": ("flask",),
    "Django": ("django",),
    "FastAPI": ("fastapi",),
    "Starlette": ("starlette",),
    "aiohttp": ("aiohttp-server",),
    "Falcon": ("falcon",),
    "Tornado": ("tornado",),
    "Channels": ("django",),
    "Lambda": ("aws-lambda",),
    "Lambda with Mangum": ("aws-lambda", "fastapi"),
    "gRPC": ("grpc_server", "grpc_client", "grpc_aio_server", "grpc_aio_client"),
    "Pyramid": ("pyramid",),
    "Connexion": ("flask",),
    "Strawberry": ("fastapi",),
    "Celery": ("celery",),
}
"""Those of a framework, by the longest name that its row's begins with."""


def _gunicorn(app: str, *arguments: str) -> tuple[str, ...]:
    return (
        "gunicorn",
        "--bind=127.0.0.1:{port}",
        "--access-logfile=-",
        *arguments,
        f"{_APPS}.{app}",
    )


def _uvicorn(app: str, *arguments: str) -> tuple[str, ...]:
    return ("uvicorn", "--host=127.0.0.1", "--port={port}", *arguments, f"{_APPS}.{app}")


def _hypercorn(app: str) -> tuple[str, ...]:
    return ("hypercorn", "--bind=127.0.0.1:{port}", "--access-logfile=-", f"{_APPS}.{app}")


def _waitress(app: str) -> tuple[str, ...]:
    return ("waitress-serve", "--listen=127.0.0.1:{port}", f"{_APPS}.{app}")


def _module(app: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{_APPS}.{app}", *arguments)


def _granian(interface: str, app: str, *arguments: str) -> tuple[str, ...]:
    return (
        "granian",
        f"--interface={interface}",
        "--host=127.0.0.1",
        "--port={port}",
        "--access-log",
        *arguments,
        f"{_APPS}.{app}",
    )


def _daphne(app: str) -> tuple[str, ...]:
    return ("daphne", "--bind=127.0.0.1", "--port={port}", f"{_APPS}.{app}")


def _cheroot(app: str) -> tuple[str, ...]:
    return ("cheroot", "--bind=127.0.0.1:{port}", f"{_APPS}.{app}")


def _sanic(app: str, *arguments: str) -> tuple[str, ...]:
    return (
        "sanic", f"{_APPS}.{app}", "--host=127.0.0.1", "--port={port}", "--access-logs", "--no-motd", *arguments,
    )  # fmt: skip


def _uwsgi(app: str, *arguments: str) -> tuple[str, ...]:
    module, _, name = app.partition(":")
    return (
        "uwsgi",
        "--http-socket=127.0.0.1:{port}",
        "--master",
        "--processes=2",
        "--threads=2",
        "--die-on-term",
        *arguments,
        f"--module={_APPS}.{module}",
        f"--callable={name}",
    )


def _lambda(
    handler: str, *environ: tuple[str, str]
) -> tuple[tuple[str, ...], bool, str, tuple[tuple[str, str], ...]]:
    """A row's last four fields: Lambda's runtime client, and what the service tells it by variables."""
    where = f"{_APPS}.lambda_app.{handler}"
    return (
        (sys.executable, "-m", "awslambdaric", where),
        False,
        "lambda",
        (
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:{port}"),
            ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            ("_HANDLER", where),
            *environ,
        ),
    )


ROWS: Final = (
    Row("Flask", "gunicorn sync", _gunicorn("flask_app:app", "--workers=2")),
    Row("Flask", "gunicorn gthread, preload", _gunicorn("flask_app:app", "--threads=4", "--preload")),
    Row("Flask", "waitress", _waitress("flask_app:app"), logs_access=False, end=_CTRL_C),
    Row("Flask", "flask run", ("flask", f"--app={_APPS}.flask_app:app", "run", "--port={port}"), end=_CTRL_C),
    Row("Django", "gunicorn sync", _gunicorn("django_app:wsgi", "--workers=2")),
    Row("Django", "runserver", _module("django_app", "127.0.0.1:{port}"), end=_CTRL_C),
    Row("Django ASGI", "uvicorn", _uvicorn("django_app:asgi")),
    Row("FastAPI", "uvicorn", _uvicorn("fastapi_app:app")),
    Row("FastAPI", "uvicorn, 2 workers", _uvicorn("fastapi_app:app", "--workers=2", _PATIENT)),
    Row(
        "FastAPI", "gunicorn, uvicorn workers",
        _gunicorn("fastapi_app:app", "--worker-class=uvicorn_worker.UvicornWorker"),
    ),
    Row("FastAPI", "hypercorn", _hypercorn("fastapi_app:app")),
    Row("Starlette", "uvicorn", _uvicorn("starlette_app:app")),
    Row("aiohttp", "its own", _module("aiohttp_app", "{port}")),
    Row("Falcon", "gunicorn gthread", _gunicorn("falcon_app:app", "--threads=4")),
    Row("bare WSGI", "gunicorn gthread", _gunicorn("wsgi_app:app", "--threads=4")),
    Row("bare WSGI", "waitress", _waitress("wsgi_app:app"), logs_access=False, end=_CTRL_C),
    Row("bare WSGI", "wsgiref", _module("wsgi_app", "{port}"), logs_access=False, end=_CTRL_C),
    Row("bare ASGI", "uvicorn", _uvicorn("asgi_app:app")),
    Row("bare ASGI", "hypercorn", _hypercorn("asgi_app:app")),
    Row("bare ASGI", "granian", _granian("asgi", "asgi_app:app")),
    Row("bare ASGI", "daphne", _daphne("asgi_app:app"), logs_access=False),
    Row("bare WSGI", "granian", _granian("wsgi", "wsgi_app:app")),
    Row("bare WSGI", "cheroot", _cheroot("wsgi_app:app"), logs_access=False, end=_CTRL_C),
    Row("FastAPI", "granian", _granian("asgi", "fastapi_app:app", "--workers=2")),
    Row("FastAPI websocket", "uvicorn", _uvicorn("fastapi_websocket_app:app"), client="websocket"),
    Row("FastAPI websocket", "hypercorn", _hypercorn("fastapi_websocket_app:app"), client="websocket"),
    Row("FastAPI SSE", "uvicorn", _uvicorn("fastapi_events_app:app")),
    Row("Flask", "granian", _granian("wsgi", "flask_app:app")),
    Row("Flask", "cheroot", _cheroot("flask_app:app"), logs_access=False, end=_CTRL_C),
    Row("Litestar", "uvicorn", _uvicorn("litestar_app:app")),
    Row("Litestar", "granian", _granian("asgi", "litestar_app:app")),
    Row("Quart", "its own", _module("quart_app", "{port}")),
    Row("Quart", "uvicorn", _uvicorn("quart_app:app")),
    Row("Tornado", "its own", _module("tornado_app", "{port}"), end=_CTRL_C),
    Row("Tornado, not instrumented", "its own", _module("tornado_app", "{port}"), end=_CTRL_C, instrumented=()),
    Row("Sanic", "its own", _sanic("sanic_app:app", "--workers=2")),
    Row("Sanic", "its own, one process", _sanic("sanic_app:app", "--single-process")),
    Row("Django ASGI", "daphne", _daphne("django_app:asgi")),
    Row("Channels", "daphne", _daphne("channels_app:app"), client="websocket"),
    Row("Channels", "uvicorn", _uvicorn("channels_app:app"), client="websocket"),
    Row(
        "Django REST framework", "gunicorn sync", _gunicorn("drf_app:wsgi"),
        environ=(("DJANGO_SETTINGS_MODULE", f"{_APPS}.drf_settings"),),
    ),
    Row("Lambda with Mangum", "awslambdaric", *_lambda("api"))._replace(logs_access=True),
    Row("Lambda", "awslambdaric", *_lambda("plain")),
    Row("Lambda, not instrumented", "awslambdaric", *_lambda("plain"), instrumented=()),
    Row("gRPC", "its own", _module("grpc_app", "threads", "127.0.0.1:{port}"), logs_access=False, client="grpc"),
    Row("gRPC aio", "its own", _module("grpc_app", "aio", "127.0.0.1:{port}"), logs_access=False, client="grpc"),
    Row("Pyramid", "gunicorn gthread", _gunicorn("pyramid_app:app", "--threads=4")),
    Row("Pyramid", "waitress", _waitress("pyramid_app:app"), logs_access=False, end=_CTRL_C),
    Row(
        "Pyramid, not instrumented", "waitress", _waitress("pyramid_app:app"),
        logs_access=False, instrumented=(), end=_CTRL_C,
    ),
    Row("Bottle", "gunicorn sync", _gunicorn("bottle_app:app")),
    Row("Bottle", "cheroot", _cheroot("bottle_app:app"), logs_access=False, end=_CTRL_C),
    Row("Connexion", "uvicorn", _uvicorn("connexion_app:app")),
    Row("Strawberry", "uvicorn", _uvicorn("strawberry_app:app"), client="graphql"),
    Row(
        "Flask-SocketIO", "werkzeug", _module("socketio_app", "{port}"), logs_access=False,
        client="socketio", end=_CTRL_C,
    ),
    Row("Flask in the middleware", "uWSGI", _uwsgi("flask_middleware_app:app"), logs_access=False),
    Row(
        "Flask in the middleware, not instrumented", "uWSGI, lazy apps",
        _uwsgi("flask_middleware_app:app", "--lazy-apps"),
        logs_access=False, instrumented=(),
    ),
)  # fmt: skip
CORE: Final = tuple(
    row for row in ROWS
    if (row.framework, row.server) in {
        ("Flask", "gunicorn sync"), ("Django", "gunicorn sync"), ("FastAPI", "uvicorn"),
    }
)  # fmt: skip
"""The rows that are run beside other distros, and on a real Elasticsearch, too."""
ONE_OF_EACH_SERVER: Final = tuple(
    {
        (row.server, row.framework if row.server == "its own" else ""): row
        for row in reversed(ROWS)
    }.values()
)
"""The rows whose console is compared with a run without the package."""


def program_of(row: Row, port: int) -> list[str]:
    """The command line of a row, with the program of this environment."""
    program, *arguments = (part.format(port=port) for part in row.command)
    return [program if "/" in program else str(_BIN / program), *arguments]
