"""Sends many forged texts on all ways: `python -m tests.forged [--number 131258] [--way WAY]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.forged.ways import WAYS, attack, found, unguarded
from tests.servers.elasticsearch import open_server

_NUMBER = 131_258


def main() -> int:
    """Print for each way what was stored and found; 1 where a text got into the victim's session."""
    parser = argparse.ArgumentParser(prog="python -m tests.forged", description=main.__doc__)
    parser.add_argument("--number", type=int, default=_NUMBER)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--way", action="append", choices=sorted(WAYS))
    arguments = parser.parse_args()
    failed = 0
    major = int(os.environ.get("OPENREPLAY_TEST_ES", "9"))
    with tempfile.TemporaryDirectory() as folder, open_server(major) as server:
        given = attack(arguments.number, Path(folder), arguments.seed)
        print(
            "| way | documents | of the attacker | of the victim | seconds |\n|---|---|---|---|---|",
            flush=True,
        )
        for name, way in {"none: as they are": unguarded, **WAYS}.items():
            if arguments.way and name not in arguments.way:
                continue
            server.wipe()
            began = time.monotonic()
            way(server, given)
            result = found(server, given)
            took = time.monotonic() - began
            victims = len(result.victims)
            print(
                f"| {name} | {result.documents} | {result.attackers} | {victims} | {took:.0f} |",
                flush=True,
            )
            if victims and way is not unguarded:
                failed = 1
                print(*result.victims[:5], sep="\n", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
