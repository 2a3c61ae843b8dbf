"""What to call a service that nobody has named: by what its program was started with. Pure."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SERVERS: Final = frozenset(
    {
        "celery", "daphne", "dramatiq", "dramatiq-gevent", "fastapi", "flask", "granian", "gunicorn", "huey_consumer",
        "hypercorn", "litestar", "quart", "sanic", "uvicorn", "uwsgi", "waitress-serve",
    }
)  # fmt: skip
"""Programs that run somebody's app: the app's name says more than theirs."""
_APP_OPTIONS: Final = ("-A", "--app", "-w", "--module", "--wsgi-file")
_FOLDERS: Final = frozenset({"src", "apps", "backend", "services"})
"""First parts of a module's name that say nothing of the service."""
_WITH_VALUE: Final = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_VERBS: Final = frozenset({"run", "dev", "worker", "beat"})
_MANAGE: Final = "manage"


def service_name_of(words: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Name a service by its command line.

    Args:
        words: The command line, with or without the interpreter: ``["gunicorn", "shop:app"]``.
        environ: The environment.

    Returns:
        ``shop`` for ``gunicorn shop.wsgi:app``, ``celery -A shop worker``, ``flask --app shop run``,
        ``python -m shop``, ``python shop.py`` and ``shop/manage.py``; the program's name where there is no
        more; None where OpenTelemetry's variables name the service already, or nothing does.
    """
    if environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        return None
    program, rest = _program(list(words))
    if program is None:
        return None
    name = _stem(program)
    if name == _MANAGE:
        return (
            PurePath(program).parent.name
            or _first_part(environ.get("DJANGO_SETTINGS_MODULE", ""))
            or name
        )
    if name == "django-admin":
        return _first_part(environ.get("DJANGO_SETTINGS_MODULE", "")) or name
    if name not in _SERVERS:
        return _first_part(name) or None
    variable = environ.get("FLASK_APP", "") if name == "flask" else environ.get("QUART_APP", "")
    return _first_part(_app(rest) or variable) or name


def _program(words: list[str]) -> tuple[str | None, list[str]]:
    """The program of a command line, a script's path or a module's name, and what stands behind it."""
    if not words or not PurePath(words[0]).name.lower().startswith(("python", "pypy")):
        return (words[0] if words else None), words[1:]
    words = words[1:]
    while words:
        word = words.pop(0)
        if word == "-m":
            return (words[0] if words else None), words[1:]
        if word.startswith("-c") or word == "-":
            return None, []
        if word in _WITH_VALUE:
            words = words[1:]
        elif not word.startswith("-"):
            return word, words
    return None, []


def _app(words: list[str]) -> str:
    """The app that a server is told to run, as it is written there."""
    positional: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        option, _, value = word.partition("=")
        if before in _APP_OPTIONS and not word.isdigit():  # gunicorn's -w is a number of workers
            return word
        if option in _APP_OPTIONS and value:
            return value
        module, colon, attribute = word.partition(":")
        if colon and _is_module(module) and attribute[:1].isidentifier():
            return word
        if _is_module(word.removesuffix(".py").replace("/", ".").strip(".")):
            is_value = before.startswith("-") and "=" not in before
            positional += [] if is_value else [word]
    # A module or a file without an attribute; what stands behind an option may be its value.
    apps = [word for word in positional if word not in _VERBS]
    return apps[0] if apps else ""


def _is_module(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _first_part(app: str) -> str:
    """``shop`` of ``shop.wsgi:app``, ``src.shop.main`` and ``/srv/shop.py``."""
    module = _stem(app.partition(":")[0])
    parts = [part for part in module.split(".") if part]
    if len(parts) > 1 and parts[0] in _FOLDERS:
        parts = parts[1:]
    return parts[0] if parts else ""


def _stem(path: str) -> str:
    """A script's name without folder and ending; ``shop`` of ``python -m shop`` as Python shows it, too."""
    pure = PurePath(path)
    if pure.name == "__main__.py":
        return pure.parent.name
    return pure.name.removesuffix(".py").removesuffix(".exe")
