"""Every regular expression of the package, how it is used, and texts on which it could take long."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import openreplay_otel

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

SOURCE = Path(openreplay_otel.__file__).parent
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
_PARSER: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
_MOST_CHOICES = 3


class Expression(NamedTuple):
    """One expression.

    Attributes:
        pattern: Compiled, or None where the source makes it anew for each use.
        methods: Those by which the source uses it.
    """

    pattern: re.Pattern[Any] | None
    methods: frozenset[str]


def expressions() -> dict[str, Expression]:
    """All of them by module and name, or by module and function where they have no name of their own."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    known = {path: (_uses(tree), _imports(tree)) for path, tree in trees.items()}
    found: dict[str, Expression] = {}
    for path, tree in trees.items():
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        named = dict(_named(tree))
        for node, function in _calls(tree):
            name = named.get(node)
            if name is None:
                found[f"{module}:{function}()"] = Expression(None, frozenset())
                continue
            loaded = vars(importlib.import_module(f"openreplay_otel.{module}"))
            methods = {
                method
                for other, (uses, imports) in known.items()
                if other == path
                or (path.stem, name) in imports
                or (path.parent.name, path.stem) in imports
                for method in uses.get(name, ())
            }
            found[f"{module}.{name}"] = Expression(loaded[name], frozenset(methods or METHODS))
    return found


def _uses(tree: ast.Module) -> dict[str, set[str]]:
    """By which methods a module uses its names."""
    uses: dict[str, set[str]] = {}
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            uses.setdefault(name, set()).add(node.attr)
    for node in nodes:
        # One of several, chosen by a condition, and then used by another name.
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            target = getattr(node.targets[0], "id", "")
            for one in ast.walk(node.value):
                if isinstance(one, ast.Name) and target in uses:
                    uses.setdefault(one.id, set()).update(uses[target])
    return uses


def _imports(tree: ast.Module) -> set[tuple[str, str]]:
    """The names that a module takes from others: the last part of the other's name, and the name."""
    return {
        ((node.module or "").rpartition(".")[2], alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _named(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign):
            target: ast.expr = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        else:
            continue
        if statement.value is not None and isinstance(target, ast.Name):
            yield statement.value, target.id


def _makes_one(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in METHODS | {"compile"}
    )


def _calls(tree: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    for node in ast.iter_child_nodes(tree):
        inside = (
            node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
        )
        if _makes_one(node):
            yield node, inside
        yield from _calls(node, inside)


def pumps(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """For each repetition in an expression: what leads to it, and what it repeats."""
    text = (
        pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    )
    return set(_repeats(list(_PARSER.parse(text, pattern.flags)), ""))


def _repeats(nodes: list[Any], before: str) -> Iterator[tuple[str, str]]:
    for kind, argument in nodes:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            for one in _texts(list(argument[2])):
                if one:
                    yield before, one
            yield from _repeats(list(argument[2]), before)
        for inner in _inner(name, argument):
            yield from _repeats(inner, before)
        before += next(iter(_texts([(kind, argument)])), "")


def _inner(name: str, argument: Any) -> list[list[Any]]:
    if name == "SUBPATTERN":
        return [list(argument[-1])]
    if name == "BRANCH":
        return [list(branch) for branch in argument[1]]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [list(argument[1])]
    return [list(argument)] if name == "ATOMIC_GROUP" else []


def _texts(nodes: list[Any]) -> list[str]:
    """A few texts that fit, each as short as can be."""
    made = [""]
    for kind, argument in nodes:
        made = [text + part for text in made for part in _parts(str(kind), argument)][
            :_MOST_CHOICES
        ]
    return made


def _parts(name: str, argument: Any) -> list[str]:
    if name == "LITERAL":
        return [chr(argument)]
    if name in ("NOT_LITERAL", "ANY"):
        return ["a", " ", "-"] if argument != ord("a") else ["b"]
    if name == "IN":
        return _members(argument)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least = max(argument[0], 1)
        return [text * least for text in _texts(list(argument[2]))]
    if name == "BRANCH":
        return [text for branch in argument[1] for text in _texts(list(branch))[:1]] or [""]
    inner = _inner(name, argument) if name in ("SUBPATTERN", "ATOMIC_GROUP") else []
    return _texts(inner[0]) if inner else [""]


_CLASSES = {
    "DIGIT": "1",
    "SPACE": " \n",
    "WORD": "a1",
    "NOT_SPACE": "a-",
    "NOT_DIGIT": "a",
    "NOT_WORD": "-",
}


def _members(items: list[Any]) -> list[str]:
    if items and str(items[0][0]) == "NEGATE":
        return [c for c in 'a 1-.:=[]"\\\n' if not any(c in _listed(item) for item in items[1:])][
            :_MOST_CHOICES
        ]
    return list(dict.fromkeys(c for item in items for c in _listed(item)[:2]))[: 2 * _MOST_CHOICES]


def _listed(item: Any) -> str:
    kind, argument = str(item[0]), item[1]
    if kind == "LITERAL":
        return chr(argument)
    if kind == "RANGE":
        return "".join(map(chr, range(argument[0], min(argument[1], argument[0] + 200) + 1)))
    return _CLASSES.get(str(argument).removeprefix("CATEGORY_"), "a")
