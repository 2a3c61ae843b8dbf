"""A service that nobody has named is called by what its program was started with."""

from __future__ import annotations

import pytest

from openreplay_otel.service_name import service_name_of

from .processes import run_python

STARTED = {
    "gunicorn shop:app": "shop",
    "gunicorn -w 4 -b 127.0.0.1:8000 shop.wsgi:application": "shop",
    "/srv/shop/.venv/bin/gunicorn --config gunicorn.py shop.wsgi": "shop",
    "uvicorn src.shop.main:app --port 80": "shop",
    "uvicorn --factory shop:create_app": "shop",
    "hypercorn --bind 0.0.0.0:8000 shop.asgi:app": "shop",
    "granian --interface asgi shop.main:app": "shop",
    "waitress-serve --listen=*:8080 shop:app": "shop",
    "gunicorn --workers=3 shop.wsgi": "shop",
    "sanic shop.server --fast": "shop",
    "daphne -b 0.0.0.0 shop.asgi:application": "shop",
    "uwsgi --http :8000 --module shop.wsgi:app": "shop",
    "celery -A shop worker -l info": "shop",
    "celery --app=shop.tasks beat": "shop",
    "dramatiq shop.tasks": "shop",
    "flask --app shop run": "shop",
    "flask --app shop/app.py run": "app",
    "fastapi run shop.py": "shop",
    "python -m shop": "shop",
    "python -m shop.cli --port 1": "shop",
    "python3.12 -X dev -W error shop.py": "shop",
    "python -u /srv/shop.py x:y": "shop",
    "python /srv/shop/manage.py runserver": "shop",
    "/srv/.venv/bin/python /srv/.venv/bin/gunicorn shop:app": "shop",
    "python -m gunicorn shop:app": "shop",
    "/srv/shop/__main__.py": "shop",
    "shop-worker --all": "shop-worker",
    "flask run": "flask",
    "python -c pass": None,
    "python": None,
    "python -": None,
    "": None,
}


@pytest.mark.parametrize("command", STARTED)
def test_a_service_is_called_by_its_command(command: str) -> None:
    """The app's name where a server runs it, else the program's."""
    assert service_name_of(command.split(), {}) == STARTED[command]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"FLASK_APP": "shop.web:app"}, "shop"),
        ({"FLASK_APP": "shop", "OTEL_SERVICE_NAME": "till"}, None),
        ({"FLASK_APP": "shop", "OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=till"}, None),
        ({"FLASK_APP": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=x"}, "shop"),
    ],
)
def test_the_environment_counts(environ: dict[str, str], expected: str | None) -> None:
    """Flask's own variable names its app; where OpenTelemetry's name the service, nothing is guessed."""
    assert service_name_of(["flask", "run"], environ) == expected


def test_a_provider_made_here_has_it(tmp_path: object) -> None:
    """No record of a first try is of ``unknown_service``; what the app or the environment says counts more."""
    script = """
import sys, openreplay_otel
from opentelemetry._logs import get_logger_provider
sys.orig_argv[:] = ["gunicorn", "shop:app"]
openreplay_otel.configure("sqlite:///" + sys.argv[1] + "/logs.db", spool_dir=sys.argv[1])
print(get_logger_provider().resource.attributes["service.name"])
"""
    assert run_python(script, {}, str(tmp_path)).stdout.strip() == "shop"
    named = run_python(script, {"OTEL_SERVICE_NAME": "till"}, str(tmp_path))
    assert named.stdout.strip() == "till"
