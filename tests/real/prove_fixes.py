"""Run `aurora-wire` with the clients of tests/real/fix_clients.py: `python -m tests.real.prove_fixes prove ...`."""

from __future__ import annotations

import sys

import tests.real.fix_clients  # noqa: F401 - it registers them
from aurora_wire.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
