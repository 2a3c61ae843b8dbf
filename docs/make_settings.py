"""Makes docs/settings.md of the table in settings.py: `python docs/make_settings.py --check` or `--write`."""  # noqa: INP001 - a script

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from made_page import check_or_write, escaped

from openreplay_otel.setting_values import as_written
from openreplay_otel.settings import Settings, table, variable

PAGE = Path(__file__).with_name("settings.md")

BEFORE = """\
<!-- Made by docs/make_settings.py of the table in src/openreplay_otel/settings.py: change that, not this page. -->

# Settings

A setting is an argument in code, an environment variable, or its default, in this order: the argument
beats the variable, the variable beats the default. An argument that is `None` and a variable that is
empty count as not given. Nothing is read when the package is imported; the variables are read when
`configure`, `open_store`, `SessionLogs` or one of the OpenTelemetry parts is made, and by the command.

```python
import openreplay_otel

openreplay_otel.configure(
    "sqlite:///logs.db",
    app_url="https://openreplay.example.com",
    project_id=1,
    sessionless="drop",
)
```

does the same as `openreplay_otel.configure()` with these variables:

```console
$ export OPENREPLAY_OTEL_STORE=sqlite:///logs.db
$ export OPENREPLAY_OTEL_APP_URL=https://openreplay.example.com
$ export OPENREPLAY_OTEL_PROJECT_ID=1
$ export OPENREPLAY_OTEL_SESSIONLESS=drop
```

The command `openreplay-otel` reads the same variables; `--store`, `--api-key`, `--ca-certs`, `--index`,
`--app-url`, `--project-id`, `--spool-dir` and, of `run`, `--collector` are the arguments of the same names.

## The table

"""

AFTER = """
Of the last column: *secret* settings are shown in no error message, log line or `repr`. Lists may be
Python lists or tuples in code, and are comma lists in a variable.

## Wrong values

A wrong **argument** raises `openreplay_otel.SettingsError` (a `ValueError`), which names the argument
and what was expected. So does an argument that does not exist, with the nearest name that does:

```python
import openreplay_otel

try:
    openreplay_otel.configure(app_uri="https://openreplay.example.com")
except openreplay_otel.SettingsError as error:
    assert str(error) == "app_uri: no such setting; did you mean app_url?"
```

A wrong **environment variable** is warned of on the logger `openreplay_otel.settings`, and the default is
taken. A variable that begins with the package's prefix and does not exist is warned of as well, with the
nearest name that does. That is for apps. A **command** ends with status 2 where a variable cannot be read, unless an
option takes its place: it would act on something else than you named. `run` goes on, as the app that it starts.

## OpenTelemetry's own variables

They work as always: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say who logs (they become
`service.*` and other fields, see [the document](document.md)). `OTEL_BLRP_*`, the SDK's
variables for its batch processor, count only where you put that one before the plain `OpenReplayLogExporter`.
`OTEL_SDK_DISABLED=true` also turns this package's logs off.
"""


def page() -> str:
    """The text of the page."""
    defaults = {field.name: field.default for field in fields(Settings)}
    rows = [
        ("argument", "variable", "expected", "default", "meaning"),
        ("---", "---", "---", "---", "---"),
    ]
    for name, row in table().items():
        meaning = f"{row.meaning} *Secret.*" if row.secret else row.meaning
        default = as_written(defaults[name])
        default = default if default == "none" else f"`{default}`"
        rows.append((f"`{name}`", f"`{variable(name)}`", row.expected, default, meaning))
    lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return BEFORE + "\n".join(lines) + "\n" + AFTER


if __name__ == "__main__":
    sys.exit(check_or_write(PAGE, page, __doc__))
