"""The command `aurora-wire`: one module a command."""

from aurora_wire.cli.main import main, program

__all__ = ["main", "program"]
