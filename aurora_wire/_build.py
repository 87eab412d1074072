"""Which form of the core runs, and whether it is the one that the sources say."""

import os

PACKAGE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(PACKAGE)
CORE = (  # what setup.py compiles besides wire/
    "reads.py", "pump.py",
    "capture/live_frames.py", "capture/pcap.py", "capture/pcapng.py", "capture/pcapng_blocks.py", "capture/source.py",
    "evidence/quick_sql.py", "evidence/words.py", "evidence/talk.py", "evidence/masked_client.py",
    "evidence/masked_server.py", "evidence/direction.py", "evidence/held.py", "evidence/copier.py",
    "verdict/describe.py", "verdict/evidence.py", "verdict/findings.py", "verdict/handshake.py",
)  # fmt: skip


def compiled() -> bool:
    """Does the core run as machine code (mypyc), not interpreted?"""
    from aurora_wire import reads  # noqa: PLC0415

    return not str(reads.__file__).endswith(".py")


def check_build() -> None:
    """In a checkout: an edited file beside its compiled one would silently run old code, so refuse to start.

    Raises ImportError. An installed package is not asked: its files are written in no certain order.
    """
    if not os.path.exists(os.path.join(CHECKOUT, "pyproject.toml")):
        return
    built = [name for name in os.listdir(CHECKOUT) if name.startswith("aurora_wire__mypyc.") and name.endswith(".so")]
    if not built:
        return
    made = os.stat(os.path.join(CHECKOUT, built[0])).st_mtime
    sources = [os.path.join(PACKAGE, name) for name in CORE]
    for folder, _, names in os.walk(os.path.join(PACKAGE, "wire")):
        sources += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".py")]
    for source in sources:
        if not source.endswith("__init__.py") and os.stat(source).st_mtime > made:
            raise ImportError(
                f"{source} is newer than the compiled core beside it. Run `make build`, or delete the .so files "
                "to run interpreted."
            )
