"""Which form of the core runs, and whether it is the one that the sources say."""

from pathlib import Path

PACKAGE = Path(__file__).parent
CORE = ("reads.py", "pump.py", "capture/source.py", "capture/pcap.py", "capture/pcapng.py")


def compiled() -> bool:
    """Does the core run as machine code (mypyc), not interpreted?"""
    from aurora_wire import reads  # noqa: PLC0415

    return not str(reads.__file__).endswith(".py")


def check_build() -> None:
    """In a checkout: an edited file beside its compiled one would silently run old code, so refuse to start.

    Raises ImportError. An installed package is not asked: its files are written in no certain order.
    """
    if not (PACKAGE.parent / "pyproject.toml").exists():
        return
    library = next(PACKAGE.parent.glob("aurora_wire__mypyc.*.so"), None)
    if library is None:
        return
    made = library.stat().st_mtime
    for source in [PACKAGE / name for name in CORE] + sorted((PACKAGE / "wire").rglob("*.py")):
        if source.name != "__init__.py" and source.stat().st_mtime > made:
            raise ImportError(
                f"{source} is newer than the compiled core beside it. Run `make build`, or delete the .so files "
                "to run interpreted."
            )
