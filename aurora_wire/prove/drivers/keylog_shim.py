"""A small library that makes programs on OpenSSL write their TLS secrets: compiled on demand, optional."""

from __future__ import annotations

from pathlib import Path

from aurora_wire.prove.drivers.environments import built
from aurora_wire.prove.drivers.interpreter import reached
from aurora_wire.prove.drivers.programs import find_program

SOURCE = Path(__file__).parent / "runners" / "keylog.c"


def compiler() -> str | None:
    return find_program("cc") or find_program("gcc") or find_program("clang")


def shim() -> Path | None:
    """Return the library, compiled where it is not in the cache yet; None where there is no compiler."""
    program = compiler()
    if program is None:
        return None
    argv = [program, "-shared", "-fPIC", "-O1", "-o", "keylog.so", reached(str(SOURCE)), "-ldl"]
    folder = built("keylog", SOURCE, argv)
    return folder / "keylog.so" if folder is not None else None


def environment(key_log: str) -> dict[str, str]:
    """Return what a program is started with so that it writes the file: GnuTLS only needs the name, OpenSSL the shim.
    """
    if not key_log:
        return {}
    library = shim()
    preload = {"LD_PRELOAD": str(library)} if library is not None else {}
    return {"SSLKEYLOGFILE": key_log, **preload}
