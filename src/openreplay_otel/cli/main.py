"""The entry point of the command ``openreplay-otel``."""

from __future__ import annotations

import sys
from typing import Final

_INTERRUPTED: Final = 130


def main() -> None:
    """Run the command of this process's arguments, and end the process."""
    try:
        # Imported here, so that a Ctrl-C meanwhile shows no traceback either.
        from .app import run
        from .output import tell_the_rest

        tell_the_rest()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = _INTERRUPTED
    sys.exit(status)


if __name__ == "__main__":
    main()
