"""Makes docs/doctor.md of the doctor's findings: `python docs/make_doctor.py --check` or `--write`."""  # noqa: INP001 - a script

from __future__ import annotations

import string
import sys
from pathlib import Path

from made_page import check_or_write, escaped

from openreplay_otel.doctor.findings import CHECKS, FINDINGS

PAGE = Path(__file__).with_name("doctor.md")

BEFORE = """\
<!-- Made by docs/make_doctor.py of src/openreplay_otel/doctor/findings.py: change that, not this page. -->

# What the doctor finds

`openreplay-otel doctor` checks every step of a record, from a request's header to OpenReplay's panel, and tells you how
to fix what fails. The exit code is 1 if anything fails. Give it an administrator's credentials
(`--store https://elastic:…@host:9200`): with fewer privileges it lists what it could not check.

<!-- test: none, made-up keys and addresses; tests/integration and tests/unit run the command -->
```console
$ openreplay-otel doctor
$ openreplay-otel doctor --key-id <id> --api-key <api_key>
$ openreplay-otel doctor --url https://shop.example.com/api/health --origin https://shop.example.com
$ openreplay-otel doctor --json
```

The second command tries the key that you gave to OpenReplay. The third asks your own app which headers arrive. The
doctor sends two records, reads them with the requests of OpenReplay's own readers, and removes them (`--no-probe` sends
none). Without a key it creates temporary ones, like OpenReplay's and the apps'. If it finds nothing, see
[troubleshooting](troubleshooting.md).
"""

# Sentences of which the index's own fault is the greater part.
_SAYS = {
    "alias.wired": "{cluster} has the wired stream 'logs' switched on, which owns that name",
    "indexes.analyzer": "{index} analyzes message by {analyzer}, which drops the digits of an id",
    "indexes.message": "{index} maps message as {type}, in which no words are found",
    "indexes.field": "{index} maps {field} as {type}, where {reader} needs another",
    "indexes.order": "{index} has @timestamp indexed",
    "indexes.stranger": "{index} maps {field} as {type}, or has another order; it is no index of a day",
    "indexes.blocked": "{index} refuses new records (index.blocks.{block})",
}
_MARKS = {"warning": "warns", "failed": "fails"}


def page() -> str:
    """The text of the page."""
    parts = [BEFORE]
    for check, title in CHECKS.items():
        rows = [
            (_SAYS.get(name, finding.says), _MARKS[finding.status], finding.means, finding.mend)
            for name, finding in FINDINGS.items()
            if finding.check == check and finding.status in _MARKS
        ]
        if rows:
            parts.append(
                f"\n## {title}\n\n| message | | why it matters | how to fix it |\n|---|---|---|---|\n"
            )
            parts += [_row(*row) for row in rows]
    return "".join(parts)


def _row(says: str, mark: str, means: str, mend: str) -> str:
    cells = (shown(says), mark, means, shown(mend))
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |\n"


def shown(template: str) -> str:
    """A sentence with … for what varies, without the options that the doctor adds to a command."""
    template = template.replace("{more}", "").replace("{of}", "")
    pieces = [
        text + ("" if name is None else "…")
        for text, name, _, _ in string.Formatter().parse(template)
    ]
    return "".join(pieces)


if __name__ == "__main__":
    sys.exit(check_or_write(PAGE, page, __doc__))
