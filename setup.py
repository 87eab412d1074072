"""Compiles the hot path with mypyc. Everything else about the package is in pyproject.toml.

AURORA_WIRE_PURE=1 leaves the compiling out; AURORA_WIRE_REQUIRE_COMPILED=1 makes a failed one an error
(continuous integration sets it). Otherwise an install without a C compiler falls back to plain Python.
"""

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
PACKAGE = "aurora_wire"
REQUIRED = os.environ.get("AURORA_WIRE_REQUIRE_COMPILED") == "1"

# One library, whose functions call each other directly, as nobody outside calls or replaces them; and the small ones
# are put where they are called.
CALLS_INSIDE = [
    "-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt", "-g0",
    "--param", "max-inline-insns-auto=60", "--param", "inline-unit-growth=100",
]  # fmt: skip

# What runs for each packet is one C unit, all else another: compiled side by side. Names as in mypyc's C files.
EACH_PACKET = re.compile(
    r"___(binary|analysis___pump|capture___|wire___(decoding|flows|net)___|wire___tls___(ciphertext_sample|facts|record)"
    r"|wire___mysql___(?!auth|capabilities|charsets|greeting|login|plausibility|reply_chain))"
)

# Not in the list: `capture/` beyond the readers of binary captures (once a file, not once a frame), and all
# that lies above. `__init__.py` files only name things.
COMPILED = [
    ROOT / PACKAGE / "binary.py",
    *sorted((ROOT / PACKAGE / "wire").rglob("*.py")),
    ROOT / PACKAGE / "capture" / "frame_source.py",
    ROOT / PACKAGE / "capture" / "files" / "pcap.py",
    ROOT / PACKAGE / "capture" / "files" / "pcapng.py",
    ROOT / PACKAGE / "capture" / "files" / "pcapng_packets.py",
    ROOT / PACKAGE / "capture" / "live" / "ring_frames.py",
    ROOT / PACKAGE / "analysis" / "pump.py",
    # What `redact` asks for each packet in the clear.
    ROOT / PACKAGE / "redact" / "quick_sql.py",
    ROOT / PACKAGE / "redact" / "replacements.py",
    ROOT / PACKAGE / "redact" / "conversation.py",
    ROOT / PACKAGE / "redact" / "mysql_client.py",
    ROOT / PACKAGE / "redact" / "mysql_server.py",
    ROOT / PACKAGE / "redact" / "direction.py",
    ROOT / PACKAGE / "redact" / "x_messages.py",
    ROOT / PACKAGE / "redact" / "held_frames.py",
    ROOT / PACKAGE / "redact" / "headers.py",
    ROOT / PACKAGE / "redact" / "proxy_header.py",
    ROOT / PACKAGE / "redact" / "block_notes.py",
    ROOT / PACKAGE / "redact" / "copier.py",
    # Once a connection, which is more often than a person would think.
    ROOT / PACKAGE / "verdict" / "describe.py",
    ROOT / PACKAGE / "verdict" / "grounds.py",
    *(ROOT / PACKAGE / "verdict" / "rules" / f"{name}.py" for name in (
        "capture", "checks", "credentials", "leaks", "negotiation", "tcp", "tls",
    )),
    ROOT / PACKAGE / "verdict" / "handshake.py",
]


class AllOrNone(build_ext):
    """All modules share one library: where it could not be built, the others could not be imported."""

    def build_extensions(self) -> None:
        self.compiler.compile = self._side_by_side
        self.parallel = self.parallel or os.cpu_count()  # the many small ones too
        super().build_extensions()
        built = self._paths()
        if not all(path.exists() for path in built):
            for path in built:
                path.unlink(missing_ok=True)

    def _side_by_side(  # as setuptools' own, but for the pool
        self, sources, output_dir=None, macros=None, include_dirs=None, debug=0,
        extra_preargs=None, extra_postargs=None, depends=None,
    ):  # type: ignore[no-untyped-def]  # fmt: skip
        compiler = self.compiler
        macros, objects, extra, options, build = compiler._setup_compile(
            output_dir, macros, include_dirs, sources, depends, extra_postargs
        )
        arguments = compiler._get_cc_args(options, debug, extra_preargs)

        def compile_one(made: str) -> None:
            source, suffix = build[made]
            compiler._compile(made, source, suffix, arguments, extra, options)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(compile_one, sorted(build, key=lambda made: -Path(build[made][0]).stat().st_size)))
        return objects

    def copy_extensions_to_source(self) -> None:
        """In a checkout: none is left of an earlier build, and what is up to date has a date that says so.

        Where nothing had to be compiled again the date would be an old one, and the package, when it starts,
        takes that for a forgotten build.
        """
        for path in self._paths():
            path.unlink(missing_ok=True)
        super().copy_extensions_to_source()
        for path in self._paths():
            if path.exists():
                path.touch()

    def _paths(self) -> list[Path]:
        return [Path(self.get_ext_fullpath(extension.name)) for extension in self.extensions]


def in_units(sources: list[str]) -> list[str]:
    """Return two files that include those of the modules, and the other sources as they are."""
    modules = [Path(name) for name in sources if Path(name).name.startswith(f"__native_{PACKAGE}___")]
    units = {"unit_each_packet.c": [], "unit_other.c": []}  # type: dict[str, list[Path]]
    for module in modules:
        units["unit_each_packet.c" if EACH_PACKET.search(module.name) else "unit_other.c"].append(module)
    made = []
    for name, included in units.items():
        unit = included[0].parent / name
        text = "".join(f'#include "{module.name}"\n' for module in sorted(included))
        newest = max(module.stat().st_mtime for module in included)
        if not unit.exists() or unit.read_text() != text or unit.stat().st_mtime < newest:
            unit.write_text(text)
        made.append(str(unit))
    return [*made, *(name for name in sources if Path(name) not in modules)]


def extensions() -> list:  # type: ignore[type-arg]
    if os.environ.get("AURORA_WIRE_PURE") == "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415

    files = [str(f.relative_to(ROOT)) for f in COMPILED if f.name != "__init__.py" and f.exists()]
    # What is not compiled is followed for its types, in silence: libraries that it imports need not be here.
    options = ["--follow-imports=silent"]
    try:
        modules = mypycify(options + files, opt_level="3", group_name=PACKAGE, multi_file=True)
    except SystemExit as refusal:  # a later mypy may be stricter; the plain files run all the same
        if REQUIRED:
            raise
        sys.stderr.write(f"Not compiled, as mypyc refuses the sources: {refusal}\n")
        return []
    for module in modules:
        if len(module.sources) > 1:
            module.depends = [*module.depends, *module.sources]
            module.sources = in_units(module.sources)
        module.optional = not REQUIRED
        module.extra_compile_args = [*module.extra_compile_args, *(CALLS_INSIDE if os.name == "posix" else [])]
    return modules


setup(ext_modules=extensions(), cmdclass={"build_ext": AllOrNone})
