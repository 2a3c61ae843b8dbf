"""The package's front door: what can be imported, and what an import costs."""

from __future__ import annotations

import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import openreplay_otel
from openreplay_otel import errors

from .processes import run_python

HEAVY = [
    "elastic_transport",
    "elasticsearch",
    "typer",
    "rich",
    "starlette",
    "jinja2",
    "uvicorn",
    "opentelemetry.sdk",
    "opentelemetry",
    "opentelemetry.exporter",
    "grpc",
    "google.protobuf",
    "orjson",
    "sqlite3",
]


@pytest.mark.parametrize("name", openreplay_otel.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    """Each name of ``__all__`` is there, the same object each time, and documented."""
    thing = getattr(openreplay_otel, name)
    assert getattr(openreplay_otel, name) is thing
    assert name in dir(openreplay_otel)
    if name != "__version__":
        assert thing.__module__.startswith("openreplay_otel.")
        assert name == thing.__name__
        assert inspect.getdoc(thing)


def test_a_star_import_gives_all_of_it() -> None:
    """``__all__`` is sorted and complete: it is what the type checker is told, too."""
    names: dict[str, object] = {}
    exec("from openreplay_otel import *", names)  # noqa: S102 - a star import is not allowed elsewhere
    names.pop("__builtins__")
    assert sorted(names) == sorted(openreplay_otel.__all__)
    source = Path(str(openreplay_otel.__file__)).read_text(encoding="utf-8")
    (typed,) = re.findall(r"if TYPE_CHECKING:\n(.*?)\n\n", source, flags=re.DOTALL)
    told = set(
        re.findall(
            r"\b(?!import\b|from\b)[A-Za-z_]+(?=,|\n|$)", re.sub(r"from \S+ import", "", typed)
        )
    )
    assert told == set(openreplay_otel.__all__) - {"__version__"}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="module 'openreplay_otel' has no attribute 'nothing'"):
        openreplay_otel.nothing  # noqa: B018 - the access is the test
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from openreplay_otel import nothing")  # noqa: S102 - it has to fail here, not at collection


def test_the_errors_are_one_tree() -> None:
    """Whatever is raised on purpose is an OpenReplayError; wrong values are ValueErrors as well."""
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ]
    assert all(issubclass(kind, openreplay_otel.OpenReplayError) for kind in kinds)
    assert {"InvalidSessionError", "SettingsError"} == {
        kind.__name__ for kind in kinds if issubclass(kind, ValueError)
    }
    assert {kind.__name__ for kind in kinds} - {"OpenReplayError"} <= set(openreplay_otel.__all__)


def test_an_import_loads_nothing_that_an_app_does_not_use() -> None:
    """``import openreplay_otel`` loads neither a client, the command's libraries nor the SDK."""
    script = f"import sys, openreplay_otel; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert "[]\n" == run_python(script).stdout


@pytest.mark.parametrize(
    ("use", "allowed"),
    [
        ("openreplay_otel.Session.parse('7').started_at", set()),
        ("openreplay_otel.Settings.load({})", set()),
        ("openreplay_otel.OpenReplayPropagator()", {"opentelemetry"}),
        (
            "openreplay_otel.OpenReplayLogRecordProcessor()",
            {"opentelemetry", "opentelemetry.sdk"},
        ),
        (
            "list(openreplay_otel.SessionLogs(sys.argv[1]).logs('7'))",
            {"opentelemetry", "opentelemetry.sdk", "orjson", "sqlite3"},
        ),
        (
            "openreplay_otel.configure(sys.argv[1])",
            {"opentelemetry", "opentelemetry.sdk", "orjson", "sqlite3"},
        ),
    ],
)
def test_a_use_loads_only_what_it_needs(use: str, allowed: set[str], tmp_path: Path) -> None:
    """Neither the command's libraries nor a client for Elasticsearch, as long as the store is a file."""
    script = f"""
import sys, openreplay_otel
try:
    {use}
except openreplay_otel.StoreError:
    pass
print(*[m for m in {HEAVY!r} if m in sys.modules])
"""
    loaded = set(run_python(script, None, f"sqlite:///{tmp_path}/x.db").stdout.split())
    assert loaded - allowed == set()


def test_an_import_reads_and_changes_nothing() -> None:
    """No variable is read, no handler added, no provider set, no thread or file made at import."""
    script = """
import logging, os, sys, threading
before = list(logging.getLogger().handlers), threading.active_count(), set(os.listdir("/proc/self/fd"))
os.environ["OPENREPLAY_OTEL_NO_SUCH"] = os.environ["OPENREPLAY_OTEL_INDEX"] = "/"
import openreplay_otel
from openreplay_otel import *
assert (list(logging.getLogger().handlers), threading.active_count(), set(os.listdir("/proc/self/fd"))) == before
from opentelemetry._logs import get_logger_provider
assert "Proxy" in type(get_logger_provider()).__name__, get_logger_provider()
"""
    done = run_python(script)
    assert ("", "") == (done.stdout, done.stderr)


def test_the_package_is_typed_and_versioned() -> None:
    """``py.typed`` lies in it, and the version is the distribution's."""
    from importlib.metadata import version

    assert (Path(str(openreplay_otel.__file__)).parent / "py.typed").is_file()
    assert openreplay_otel.__version__ == version("openreplay-otel")


def test_every_module_can_be_imported_by_itself() -> None:
    """No room needs another one to have been imported before it."""
    found = [
        m.name
        for m in pkgutil.walk_packages(openreplay_otel.__path__, "openreplay_otel.")
        if ".cli" not in m.name
    ]
    script = f"""
import importlib, sys
for name in {found!r}:
    for loaded in [m for m in sys.modules if m.split(".")[0] == "openreplay_otel"]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""
    assert len(found) > 20
    run_python(script)
