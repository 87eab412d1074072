"""`python -m aurora_wire` is the command `aurora-wire`."""

from aurora_wire.cli import program

if __name__ == "__main__":
    program()
