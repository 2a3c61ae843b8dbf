"""Makes the configuration files of this folder of what stands in templates/ and parts/.

A person copies one file, so each has to be whole; what they share stands once, in parts/. A line `#include NAME` in a
template becomes parts/NAME.yaml, as far to the right as that line; `#include file:NAME` takes the whole file NAME.yaml.
A line `#define NAME text` in a part names a piece of a regular expression, which stands for `@NAME@` there.

    python collector-config/make_files.py --write     after a change of a template or a part
    python collector-config/make_files.py --check     tells whether all files are in step (the tests ask this)
"""  # noqa: INP001 - a script

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
HEADER = "# Made by make_files.py of templates/{name} and parts/: a change belongs there.\n"
_DEFINED = re.compile(r"^#define (\w+) (.*)$", re.MULTILINE)
_INCLUDE = re.compile(r"( *)#include ((?:file:)?[\w-]+)")


def made() -> dict[Path, str]:
    """All files with what should stand in them."""
    return {
        HERE / template.relative_to(TEMPLATES): HEADER.format(
            name=template.relative_to(TEMPLATES).as_posix()
        )
        + _filled(template)
        for template in sorted(TEMPLATES.rglob("*.yaml"))
    }


def _filled(template: Path) -> str:
    lines: list[str] = []
    for line in template.read_text(encoding="utf-8").splitlines():
        match = _INCLUDE.fullmatch(line)
        if match is None:
            lines.append(line)
            continue
        indent, name = match.groups()
        lines += [indent + part_line if part_line else "" for part_line in _part(name)]
    return "\n".join(lines) + "\n"


def _part(name: str) -> list[str]:
    if name.startswith("file:"):
        lines = _filled(TEMPLATES / f"{name.removeprefix('file:')}.yaml").splitlines()
        # Without the words to those who copy that file.
        return lines[next(n for n, line in enumerate(lines) if not line.startswith("#")) :]
    text = (HERE / "parts" / f"{name}.yaml").read_text(encoding="utf-8")
    for word, pattern in reversed(_DEFINED.findall(text)):
        # From the last one up: each may use those above it.
        text = text.replace(f"@{word}@", pattern)
    return _DEFINED.sub("", text).lstrip("\n").splitlines()


def main() -> None:
    """Write the files, or tell which of them are out of step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write all files")
    what.add_argument(
        "--check", action="store_true", help="write nothing; 1 where one is out of step"
    )
    arguments = parser.parse_args()
    outdated = [
        path
        for path, text in made().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if arguments.write:
        for path in outdated:
            path.write_text(made()[path], encoding="utf-8")
    elif outdated:
        names = ", ".join(path.name for path in outdated)
        sys.exit(f"out of step: {names}; run `python {Path(__file__).name} --write`")


if __name__ == "__main__":
    main()
