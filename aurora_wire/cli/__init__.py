"""The command `aurora-wire`: one module a command."""

from aurora_wire.cli.main import main

__all__ = ["main"]
