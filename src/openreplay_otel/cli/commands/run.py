"""``openreplay-otel run``: runs a program with its logs linked to sessions, without touching its code."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ...auto.greenlets import greenlets_of
from ...collector_url import collector_address
from ...errors import OpenReplayError, SettingsError
from ...names import ENTRY_POINT
from ...service_name import service_name_of
from ...settings import Settings, variable
from ..options import (
    ApiKeyOption,
    AppUrlOption,
    CaCertsOption,
    CollectorOption,
    ProjectIdOption,
    StoreOption,
)
from ..output import flush

if TYPE_CHECKING:
    from ...settings import SettingsArguments

HELP: Final = """Run a program with its logs linked to OpenReplay's sessions; its code stays as it is.

It sets the variables of OpenTelemetry that are not set, and calls opentelemetry-instrument with the
program. Logs go to the store, or with --collector to an OpenTelemetry Collector; traces and metrics go
nowhere unless OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER say so. What stands after -- is the program,
as you start it now; of a virtual environment, its own programs come first. Without --service the logs are
named after the app: shop for gunicorn shop.wsgi.

\b
Examples:
  openreplay-otel run -- python app.py
  openreplay-otel run --service shop -- gunicorn shop.wsgi
  openreplay-otel run --store https://es.example.com:9200 -- uvicorn shop:app --workers 2
  openreplay-otel run --collector http://127.0.0.1:4318 -- gunicorn shop:app
"""
_INSTRUMENT: Final = "opentelemetry-instrument"
_DEFAULT_DISTRO: Final = "opentelemetry-distro"
_GEVENT_PATCH: Final = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"
CONTEXT_SETTINGS: Final = {"allow_interspersed_args": False}
"""What stands behind the program's name is the program's, also without -- before it."""


def run(
    *,
    command: Annotated[
        list[str], typer.Argument(metavar="-- PROGRAM [ARGUMENTS]…", help="The program to run.")
    ],
    service: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the service in the logs.  [env: OTEL_SERVICE_NAME]"
        ),
    ] = None,
    collector: CollectorOption = None,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Become the program; this process is replaced by it.

    Raises:
        SettingsError: The program or an option cannot be used.
        OpenReplayError: ``opentelemetry-instrument`` is not there.
    """
    _put_own_programs_first()
    if shutil.which(command[0]) is None:
        raise SettingsError(f"there is no program {command[0]}; expected it as you start it now")
    others: SettingsArguments = {
        "collector": collector, "api_key": api_key, "ca_certs": ca_certs, "app_url": app_url,
        "project_id": project_id,
    }  # fmt: skip
    # Wrong options are told of here, not in the midst of the program's start.
    # Wrong variables are told of by the program itself.
    Settings.load({}, store=store, **others)
    if store is not None:
        os.environ.pop(variable("collector"), None)
    for name, value in {"store": store, **others}.items():
        if value is not None:
            os.environ[variable(name)] = str(value)
    service = service or service_name_of(command, os.environ)
    if service is not None:
        os.environ["OTEL_SERVICE_NAME"] = service
    # Beside Elastic's distro or another one that stays the chosen one, as always.
    if _has_other_distro():
        # Ours does it in the program itself, so that the program's own children are not patched as well.
        if greenlets_of(command, os.environ) == "gevent":
            os.environ.setdefault(_GEVENT_PATCH, "patch_all")
    else:
        os.environ.setdefault("OTEL_PYTHON_DISTRO", ENTRY_POINT)
        os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", ENTRY_POINT)
    _name_collector()
    os.environ.setdefault("OTEL_LOGS_EXPORTER", ENTRY_POINT)
    os.environ.setdefault("OTEL_TRACES_EXPORTER", "none")
    os.environ.setdefault("OTEL_METRICS_EXPORTER", "none")
    instrument = _instrument()
    flush()
    # Behind -- so that an option of the program, or the beginning of one, is not taken for its own.
    os.execv(instrument, [instrument, "--", *command])


def _name_collector() -> None:
    """Say in OpenTelemetry's own variables where the Collector is: another distro knows no others."""
    # One that cannot be used is told of by the program itself.
    with suppress(KeyError, SettingsError):
        address = collector_address(os.environ[variable("collector")])
        for name, value in address.variables.items():
            os.environ.setdefault(name, value)


def _put_own_programs_first() -> None:
    """Let ``python`` be the one of this virtual environment, though nobody has activated it.

    Another one would find neither this package nor OpenTelemetry.
    """
    if sys.prefix != sys.base_prefix:
        os.environ["PATH"] = os.pathsep.join([_own_folder(), os.environ.get("PATH", os.defpath)])


def _own_folder() -> str:
    return os.path.dirname(sys.executable)  # noqa: PTH120 - no symlink is to be followed


def _instrument() -> str:
    """The ``opentelemetry-instrument`` of this environment, else the first on the path."""
    beside = os.path.join(_own_folder(), _INSTRUMENT)  # noqa: PTH118 - a text is wanted
    found = beside if os.access(beside, os.X_OK) else shutil.which(_INSTRUMENT)
    if found is None:
        raise OpenReplayError(
            f"{_INSTRUMENT} is not there, though opentelemetry-instrumentation is installed with this"
            " package: install openreplay-otel again"
        )
    return found


def _has_other_distro() -> bool:
    from importlib.metadata import entry_points

    return any(
        found.name != ENTRY_POINT and getattr(found.dist, "name", "") != _DEFAULT_DISTRO
        for found in entry_points(group="opentelemetry_distro")
    )
