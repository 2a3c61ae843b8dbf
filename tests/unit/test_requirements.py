"""What the package says it needs: Pythons and dependencies, the same wherever it is said."""

from __future__ import annotations

import ast
import re
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DEPENDENCIES = [Requirement(text) for text in requires("openreplay-otel") or []]


def supported() -> list[str]:
    """The Pythons that noxfile.py tests with."""
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SUPPORTED":
            return list(ast.literal_eval(node.value))
    return []


def test_the_classifiers_name_the_pythons_that_are_tested() -> None:
    """A Python that is claimed is tested, and the other way round."""
    classifiers = metadata("openreplay-otel").get_all("Classifier") or []
    claimed = [one.rpartition(" ")[2] for one in classifiers if re.search(r":: 3\.\d+$", one)]
    assert supported() == claimed
    assert f">={claimed[0]}" == metadata("openreplay-otel")["Requires-Python"]


@pytest.mark.parametrize("workflow", ["ci", "release"])
def test_the_workflows_run_each_of_them(workflow: str) -> None:
    """In CI and before a release."""
    text = (ROOT / f".github/workflows/{workflow}.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"^ +python: (\[.*\])$", text, flags=re.MULTILINE)
    assert supported() == ast.literal_eval(matrix)


@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=str)
def test_each_dependency_has_a_floor_and_a_ceiling(dependency: Requirement) -> None:
    """Without a floor resolvers go back for years; without a ceiling the next major release comes unasked."""
    operators = {one.operator for one in dependency.specifier}
    assert operators in ({">=", "<"}, {">=", "=="})
    # "==" stands for a ceiling only: exact pins shut out the app's own choice.
    assert all(one.version.endswith(".*") for one in dependency.specifier if one.operator == "==")


def test_opentelemetry_has_one_floor() -> None:
    """Its packages are released together and pin each other, so that one old one pulls back all."""
    floors = {
        one.version.partition(".")[0]: one.version
        for dependency in DEPENDENCIES
        if dependency.name.startswith("opentelemetry-")
        for one in dependency.specifier
        if one.operator == ">="
    }
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    written = re.findall(r'"opentelemetry-[a-z-]+(?:\[[a-z]+\])?>=([0-9.b]+)', declared)
    assert set(floors.values()) == set(written)
    assert {"0", "1"} == set(floors)


def test_what_the_package_is_built_on_is_in_the_plain_install() -> None:
    """The Collector and a client that is handed over need no extra."""
    plain = {one.name for one in DEPENDENCIES if one.marker is None}
    assert {
        "elasticsearch",
        "opentelemetry-exporter-otlp",
        "opentelemetry-instrumentation-wsgi",
        "opentelemetry-sdk",
        "wrapt",
    } <= plain
