"""Lets all programs write their files and shows what `ship` makes of them: ``python -m tests.real_files``.

With ``--only NAME`` (part of one) only some; with ``--show`` also what is wrong; with ``--folder`` they are kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.unit.shipping import ship_files

from .judging import judge, table
from .writing import NAMES, write_all


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.real_files", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the file's name")
    parser.add_argument("--show", action="store_true", help="show what is wrong")
    parser.add_argument("--folder", type=Path, help="where to keep the files")
    options = parser.parse_args()
    names = [name for name in NAMES if options.only.lower() in name.lower()]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        judged = [judge(file, ship_files(file.path).sources) for file in write_all(folder, names)]
    print(table(judged))
    for one in judged:
        for kind, found in one.faults.items():
            for fault in found if options.show else ():
                print(f"{one.file.name}: {kind}: {fault}")
    return any(one.faults for one in judged)


if __name__ == "__main__":
    sys.exit(main())
