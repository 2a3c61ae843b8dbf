"""Parses all statements of the Collector's files with a newer OTTL than that of the Collector that is tested.

A newer Collector cannot be built in every place; its language can: tests/servers/statement_parser/go.mod says which.
By hand: `python -m tests.collector.statements`; Go is needed, and its module proxy.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.servers.collector import CONFIG

PARSER = Path(__file__).parents[1] / "servers" / "statement_parser"
_VARIABLE = re.compile(r"\$\{env:\w+(?::-([^}]*))?\}")


def groups() -> list[dict[str, Any]]:
    """All groups of statements, as the Collector reads them where no variable is set but those that have to be."""
    found: list[dict[str, Any]] = []
    for file in sorted(CONFIG.glob("*.yaml")):
        processors = yaml.safe_load(file.read_text(encoding="utf-8")).get("processors", {})
        if not isinstance(processors, dict):
            continue
        for name, processor in processors.items():
            if name.startswith("transform"):
                found += [_as_read(group) for group in processor["log_statements"]]
    return found


def _as_read(group: dict[str, Any]) -> dict[str, Any]:
    lists = {
        name: [_VARIABLE.sub(lambda match: match[1] or "shop", text).replace("$$", "$") for text in group[name]]
        for name in ("conditions", "statements")
        if name in group
    }  # fmt: skip
    return {"context": group["context"], **lists}


def main() -> int:
    """Build the parser, and print what it says."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "statements"
        environment = {**os.environ, "GOFLAGS": "-buildvcs=false -p=2", "CGO_ENABLED": "0"}
        subprocess.run(["go", "build", "-o", program, "."], cwd=PARSER, env=environment, check=True)
        said = subprocess.run(
            [program], input=json.dumps(groups()), text=True, stdout=subprocess.PIPE, check=False
        )
    print(said.stdout, end="")
    return said.returncode


if __name__ == "__main__":
    sys.exit(main())
