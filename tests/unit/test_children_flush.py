"""No program of the tests prints into a pipe and then leaves past Python's own end, which would flush it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
LEAVES = re.compile(
    r"\bos\s*\.\s*(_exit|abort|exec[lv]\w*)\s*\(|\bos\s*\.\s*kill\s*\(\s*os\s*\.\s*getpid\s*\(\s*\)"
    r"|\braise_signal\s*\(\s*(signal\s*\.\s*)?(SIGKILL|9)\b|(?<![\w.])_exit\s*\("
)
WRITES = re.compile(r"(?<![\w.])print\s*\(|\bstdout\s*\.\s*write(lines)?\s*\(")
FLUSHES = re.compile(r"\bflush\s*\(\s*\)|\bflush\s*=\s*True\b")


def lost(program: str) -> list[str]:
    """The calls that print without a flush before a leave, in the order in which they are written."""
    found = []
    leaves = [leave.start() for leave in LEAVES.finditer(program)]
    for write in WRITES.finditer(program):
        call = program[write.start() : _end_of_call(program, write.end())]
        after = write.start() + len(call)
        until = next((leave for leave in leaves if leave >= after), None)
        # Standard error is written line by line, whatever it is.
        if until is None or "stderr" in call or FLUSHES.search(program, write.start(), until):
            continue
        found.append(call)
    return found


def _end_of_call(program: str, opened: int) -> int:
    depth = 1
    for position in range(opened, len(program)):
        depth += {"(": 1, ")": -1}.get(program[position], 0)
        if depth == 0:
            return position + 1
    return len(program)


def programs(source: str) -> Iterator[str]:
    """The parts of a source that run one after the other: each statement of the module and of its classes.

    A program in a string is found with the statement that holds it, its line ends as real ones.
    """
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        parts = statement.body if isinstance(statement, ast.ClassDef) else [statement]
        for part in parts:
            text = "\n".join(lines[part.lineno - 1 : part.end_lineno])
            yield text.replace("\\n", "\n")


@pytest.mark.parametrize(
    "program",
    [
        "print(1)\nos._exit(0)",
        "print(json.dumps(collected()))\nfor one in (1, 2):\n    work(one)\nos . _exit(0)",
        "def child():\n    print(\n        1,\n        2,\n    )\n    os.kill(os.getpid(), signal.SIGKILL)",
        "sys.stdout.write('x')\nos.execv(a, b)",
        "print(1, flush=True)\nprint(2)\nos.abort()",
        "print(1)\nsignal.raise_signal(signal.SIGKILL)",
        "from os import _exit\nprint(f'{x}')\n_exit(3)",
    ],
)
def test_output_that_would_be_lost_is_found(program: str) -> None:
    """Whichever way out a child takes, and however the call is laid out."""
    assert len(lost(program)) == 1


@pytest.mark.parametrize(
    "program",
    [
        "print(1, flush=True)\nos._exit(0)",
        "print(1)\nsys.stdout.flush()\nos._exit(0)",
        "print(1, file=sys.stderr)\nos._exit(0)",
        "os.write(1, b'x')\nos._exit(0)",
        "print(1)\nsys.exit(0)",
        "if failed:\n    os._exit(1)\nprint(1)",
    ],
)
def test_output_that_arrives_is_none(program: str) -> None:
    """What is flushed, is not buffered, or is written by a program that ends as others do."""
    assert lost(program) == []


def test_programs_in_strings_and_methods_are_looked_at() -> None:
    """The strings that tests hand to an interpreter are programs as well."""
    in_string = 'def test_x():\n    run("print(1)\\nos._exit(0)\\n")\n'
    in_method = "class Test:\n    def x(self):\n        print(1)\n        os._exit(0)\n"
    for source in (in_string, in_method):
        assert [call for part in programs(source) for call in lost(part)] == ["print(1)"]


def test_no_program_of_the_tests_loses_its_output() -> None:
    """Not one prints, leaves by `os._exit` or a signal, and hopes for `PYTHONUNBUFFERED`."""
    files = [file for file in TESTS.rglob("*.py") if file != Path(__file__)]
    assert len(files) > 100
    found = [
        f"{file.relative_to(TESTS)}: {call}"
        for file in files
        for part in programs(file.read_text(encoding="utf-8"))
        for call in lost(part)
    ]
    assert found == []
