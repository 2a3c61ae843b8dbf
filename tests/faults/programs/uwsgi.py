"""uWSGI as a module of this Python: ``python -m tests.faults.programs.uwsgi OPTION…``."""

from __future__ import annotations

import sys

import pyuwsgi

if __name__ == "__main__":
    pyuwsgi.run(sys.argv[1:])
