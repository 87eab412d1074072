"""Compiles the hot path with mypyc. Everything else about the package is in pyproject.toml.

AURORA_WIRE_PURE=1 leaves the compiling out; AURORA_WIRE_REQUIRE_COMPILED=1 makes a failed one an error
(continuous integration sets it). Otherwise an install without a C compiler falls back to plain Python.
"""

import os
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
PACKAGE = "aurora_wire"

# Not in the list: `capture/` beyond the readers of binary captures (once a file, not once a frame), and all that
# lies above. `__init__.py` files only name things.
COMPILED = [
    ROOT / PACKAGE / "reads.py",
    *sorted((ROOT / PACKAGE / "wire").rglob("*.py")),
    ROOT / PACKAGE / "capture" / "source.py",
    ROOT / PACKAGE / "capture" / "pcap.py",
    ROOT / PACKAGE / "capture" / "pcapng.py",
    ROOT / PACKAGE / "pump.py",
]


def extensions() -> list:  # type: ignore[type-arg]
    if os.environ.get("AURORA_WIRE_PURE") == "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415

    files = [str(f.relative_to(ROOT)) for f in COMPILED if f.name != "__init__.py" and f.exists()]
    modules = mypycify(files, opt_level="3", group_name=PACKAGE)
    for module in modules:
        module.optional = os.environ.get("AURORA_WIRE_REQUIRE_COMPILED") != "1"
    return modules


setup(ext_modules=extensions())

# Where nothing had to be compiled again the library keeps its date; it is up to date all the same, which is what
# the package asks of it when it starts in a checkout.
for library in ROOT.glob(f"{PACKAGE}__mypyc.*.so"):
    library.touch()
