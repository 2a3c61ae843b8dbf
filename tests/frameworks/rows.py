"""The rows of the table: a framework and a server, and the command that starts them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

_BIN: Final = Path(sys.executable).parent
_APPS: Final = "tests.frameworks.apps"


class Row(NamedTuple):
    """A framework on a server.

    Attributes:
        framework: As the table shows it.
        server: The same.
        command: The program and its arguments; ``{port}`` stands for the port.
        logs_access: Whether this server, so started, logs a line for each request.
    """

    framework: str
    server: str
    command: tuple[str, ...]
    logs_access: bool = True

    @property
    def name(self) -> str:
        """Both, for a test's name."""
        return f"{self.framework} on {self.server}".replace(" ", "-")


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


def _module(app: str, argument: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{_APPS}.{app}", argument)


ROWS: Final = (
    Row("Flask", "gunicorn sync", _gunicorn("flask_app:app", "--workers=2")),
    Row("Flask", "gunicorn gthread, preload", _gunicorn("flask_app:app", "--threads=4", "--preload")),
    Row("Flask", "waitress", _waitress("flask_app:app"), logs_access=False),
    Row("Flask", "flask run", ("flask", f"--app={_APPS}.flask_app:app", "run", "--port={port}")),
    Row("Django", "gunicorn sync", _gunicorn("django_app:wsgi", "--workers=2")),
    Row("Django", "runserver", _module("django_app", "127.0.0.1:{port}")),
    Row("Django ASGI", "uvicorn", _uvicorn("django_app:asgi")),
    Row("FastAPI", "uvicorn", _uvicorn("fastapi_app:app")),
    Row("FastAPI", "uvicorn, 2 workers", _uvicorn("fastapi_app:app", "--workers=2")),
    Row(
        "FastAPI", "gunicorn, uvicorn workers",
        _gunicorn("fastapi_app:app", "--worker-class=uvicorn_worker.UvicornWorker"),
    ),
    Row("FastAPI", "hypercorn", _hypercorn("fastapi_app:app")),
    Row("Starlette", "uvicorn", _uvicorn("starlette_app:app")),
    Row("aiohttp", "its own", _module("aiohttp_app", "{port}")),
    Row("Falcon", "gunicorn gthread", _gunicorn("falcon_app:app", "--threads=4")),
    Row("bare WSGI", "gunicorn gthread", _gunicorn("wsgi_app:app", "--threads=4")),
    Row("bare WSGI", "waitress", _waitress("wsgi_app:app"), logs_access=False),
    Row("bare WSGI", "wsgiref", _module("wsgi_app", "{port}"), logs_access=False),
    Row("bare ASGI", "uvicorn", _uvicorn("asgi_app:app")),
    Row("bare ASGI", "hypercorn", _hypercorn("asgi_app:app")),
)  # fmt: skip
CORE: Final = tuple(
    row for row in ROWS
    if (row.framework, row.server) in {
        ("Flask", "gunicorn sync"), ("Django", "gunicorn sync"), ("FastAPI", "uvicorn"),
    }
)  # fmt: skip
"""The rows that are run beside other distros, and on a real Elasticsearch, too."""


def program_of(row: Row, port: int) -> list[str]:
    """The command line of a row, with the program of this environment."""
    program, *arguments = (part.format(port=port) for part in row.command)
    return [program if "/" in program else str(_BIN / program), *arguments]
