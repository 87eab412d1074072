"""Compiles the hot path with mypyc. Everything else about the package is in pyproject.toml.

AURORA_WIRE_PURE=1 leaves the compiling out; AURORA_WIRE_REQUIRE_COMPILED=1 makes a failed one an error
(continuous integration sets it). Otherwise an install without a C compiler falls back to plain Python.
"""

import gc
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

from distutils.command.install_data import install_data  # isort: skip  # setuptools' own copy, once that is loaded

ROOT = Path(__file__).parent
PACKAGE = "aurora_wire"
CORES = os.cpu_count() or 1
REQUIRED = os.environ.get("AURORA_WIRE_REQUIRE_COMPILED") == "1"

# One library, whose functions call each other directly, as nobody outside calls or replaces them. A newer compiler's
# warning is no reason to run interpreted.
FLAGS = ["-fvisibility=hidden", "-fno-semantic-interposition", "-g0", "-Wno-error"] if os.name == "posix" else []
# Where each packet counts, small functions are put where they are called. It takes the compiler twice the time.
FLAGS_EACH_PACKET = ["-O3"] if os.name == "posix" else []
# All else is three quarters of the C and a tenth of what runs. These take the compiler half the time of -O2.
FLAGS_OTHER = ["-O1"] if os.name == "posix" else []
if sys.platform == "linux" and "clang" not in os.environ.get("CC", ""):  # as gcc has it
    FLAGS += ["-fno-plt", "-Wno-attributes"]
    FLAGS_OTHER += ["-freorder-blocks-and-partition", "-fpeephole2", "-fstrict-aliasing", "-finline-small-functions"]
    FLAGS_OTHER += ["-fcaller-saves", "-fipa-ra", "-foptimize-sibling-calls"]
    FLAGS_EACH_PACKET += ["--param", "max-inline-insns-auto=60", "--param", "inline-unit-growth=100"]
    # Loops here are short, and what fills the gaps before aligned ones is run, too, and takes room in the cache.
    FLAGS_EACH_PACKET += ["-fno-align-loops", "-fno-align-jumps", "-fno-align-labels"]

# What runs for each packet is one C unit, what `redact` runs for each is another, all else is four more: compiled side
# by side. Chosen by callgrind: nine tenths of the instructions that a scan has in the core.
EACH_PACKET = (
    "binary", "analysis.pump", "capture.frame_source", "capture.files.pcap", "capture.files.pcapng_packets",
    "capture.live.ring_frames",
    *(f"wire.decoding.{name}" for name in ("connection_log", "decoder", "readable_run", "segment")),
    *(f"wire.flows.{name}" for name in (
        "connection", "engine", "facts", "flow_buckets", "flow_cache", "overlap_history", "soundness", "tcp_flags",
        "tcp_stream",
    )),
    *(f"wire.net.{name}" for name in ("checksum", "cursor", "dissect", "ip", "link")),
    *(f"wire.tls.{name}" for name in ("ciphertext_sample", "data_records", "record_runs", "record_shape", "records")),
    *(f"wire.mysql.{name}" for name in (
        "answers", "client", "definitions", "facts", "framing", "lenenc", "reply_frames", "results", "server",
        "seven_bytes", "sql_lexer", "sql_secrets", "sql_text", "statements", "values",
    )),
    *(f"wire.mysql.leaked.{name}" for name in ("rows", "statements", "tally", "values")),
)  # fmt: skip

BUILD = Path("build")  # where mypyc writes its files
UNIT_EACH_PACKET, UNIT_REDACT, UNIT_RUNTIME = "unit_each_packet.c", "unit_redact.c", "unit_runtime.c"
UNITS_OTHER = [f"unit_other_{number}.c" for number in range(1, 5)]   # so many that no core is idle long at the end

UNIT_FLAGS = dict.fromkeys(UNITS_OTHER, FLAGS_OTHER) | dict.fromkeys((UNIT_EACH_PACKET, UNIT_REDACT), FLAGS_EACH_PACKET)

INCLUDED = re.compile(r'^#include "(.*)"$', re.MULTILINE)

# A third of the C is what a module does once, when it is imported: nothing gains if that is fast.
RUNS_ONCE = re.compile(r"^(char CPyDef_\w*_____top_level__|int CPyGlobalsInit)\(void\)(?: \{)?$", re.MULTILINE)
ONCE = """#if defined(__GNUC__) && !defined(__clang__)
#define ONCE __attribute__((cold, optimize("O0")))
#else
#define ONCE
#endif
"""

# What makes an exception, or cleans up behind one, hardly ever runs. Told so, the compiler puts all that leads there
# into a section of its own, and the caches hold what runs for each packet.
RARE = """#include <Python.h>
#if defined(__GNUC__)
__attribute__((cold)) static void CPy_DecRef(PyObject *);
#endif
#include "__native_internal_aurora_wire.h"
#if defined(__GNUC__)
#define RARE(function) extern __typeof__(function) function __attribute__((cold));
RARE(CPy_AddTraceback)
RARE(CPy_AttributeError)
RARE(CPy_TypeError)
RARE(CPy_TypeErrorTraceback)
RARE(CPyBytes_ReadError)
RARE(PyErr_Occurred)
RARE(PyErr_SetString)
#endif
"""

# What each usual frame goes through, in the order of calls. In one piece it saves no registers between the steps, and
# lies in one place of the cache.
USUAL = """#if defined(__GNUC__)
#define USUAL(function) extern __typeof__(function) function __attribute__((always_inline));
USUAL(CPyDef_dissect___Locator____fast_ipv4)
USUAL(CPyDef_dissect___Locator___locate)
USUAL(CPyDef_soundness___is_sound)
USUAL(CPyDef_checksum___tcp_checksum_state)
USUAL(CPyDef_checksum___ipv4_checksum_is_right)
USUAL(CPyDef_tcp_stream___Stream___acknowledge)
USUAL(CPyDef_tcp_stream___Stream___take)
USUAL(CPyDef_overlap_history___History___add)
USUAL(CPyDef_overlap_history___History____point_at)
USUAL(CPyDef_record_runs___take_run)
USUAL(CPyDef_ciphertext_sample___Sample___look)
USUAL(CPyDef_ciphertext_sample___Sample____places)
#endif
"""

# mypyc's own raises SystemError for b[2:1], which is b"" everywhere else, and copies what is whole.
SLICES = """#include <Python.h>
#include <CPy.h>
static PyObject *slice_of_bytes(PyObject *bytes, CPyTagged start, CPyTagged end)
{
    if (!PyBytes_CheckExact(bytes) || !CPyTagged_CheckShort(start) || !CPyTagged_CheckShort(end))
        return CPyObject_GetSlice(bytes, start, end);
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    Py_ssize_t first = CPyTagged_ShortAsSsize_t(start);
    Py_ssize_t behind = CPyTagged_ShortAsSsize_t(end);
    if (first < 0 && (first += size) < 0)
        first = 0;
    if (behind < 0)
        behind += size;
    else if (behind > size)
        behind = size;
    if (first == 0 && behind == size)
        return Py_NewRef(bytes);
    if (behind < first)
        first = behind = 0;
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(bytes) + first, behind - first);
}
#define CPyBytes_GetSlice slice_of_bytes
"""

# After a read at an offset, mypyc asks of the number itself whether it stands for an error, and any number may. What
# tells is whether the offset was too large, which was asked before: the number needs no second look.
READS = """void CPyBytes_ReadError(int64_t index, Py_ssize_t size);
static inline char reads_beyond(PyObject *bytes, int64_t index, Py_ssize_t width)
{
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    if (unlikely(index < 0 || index > size - width)) {
        CPyBytes_ReadError(index, size);
        return 1;
    }
    return 0;
}
#define read_unless(beyond, read, bytes, index) \\
    ((beyond) ? CPY_LL_INT_ERROR : read##Unsafe((const unsigned char *)PyBytes_AS_STRING(bytes) + (index)))
"""
READ = re.compile(
    r"^( +)(cpy_r_\w+) = (CPyBytes_ReadI(16|32|64)[LB]E)\((cpy_r_\w+), ([\w-]+)\);\n +(cpy_r_\w+) = \2 == -113;$",
    re.MULTILINE,
)

# Two loops over all bytes of a segment, or of a sample. mypyc's own ask at each read whether it lies in the bytes;
# these are called where that was asked once, for all. They return what the Python code does; a sum of words may differ
# by a multiple of 0xFFFF, as no checksum sees that.
LOOPS = """
static inline int lies_in(PyObject *bytes, int64_t at, int64_t end)
{
    return 0 <= at && at <= end && end <= PyBytes_GET_SIZE(bytes);
}
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SUMS_WORDS 1
static inline uint64_t word_at(const char *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}
#define ADD_WORD(at) carries += __builtin_add_overflow(total, word_at(at), &total)
static __attribute__((noinline)) int64_t sum_of_words(PyObject *bytes, int64_t at, int64_t end)
{
    const char *next = PyBytes_AS_STRING(bytes) + at;
    const char *behind = PyBytes_AS_STRING(bytes) + end;
    uint64_t total = 0;
    uint64_t carries = 0;
    for (; behind - next >= 64; next += 64) {
        ADD_WORD(next);
        ADD_WORD(next + 8);
        ADD_WORD(next + 16);
        ADD_WORD(next + 24);
        ADD_WORD(next + 32);
        ADD_WORD(next + 40);
        ADD_WORD(next + 48);
        ADD_WORD(next + 56);
    }
    for (; behind - next >= 8; next += 8)
        ADD_WORD(next);
    if (next < behind) {
        // Of the last eight bytes those that were not added; before the first byte is the object's own head.
        uint64_t last = word_at(behind - 8) >> (64 - 8 * (behind - next));
        carries += __builtin_add_overflow(total, last, &total);
    }
    return (int64_t)((total & 0xFFFFFFFF) + (total >> 32) + carries);
}
#endif
static inline void count_bytes(unsigned char *counts, PyObject *bytes, int64_t at, int64_t end)
{
    const unsigned char *next = (const unsigned char *)PyBytes_AS_STRING(bytes) + at;
    const unsigned char *behind = (const unsigned char *)PyBytes_AS_STRING(bytes) + end;
    for (; behind - next >= 8; next += 8) {
        counts[next[0]]++;
        counts[next[1]]++;
        counts[next[2]]++;
        counts[next[3]]++;
        counts[next[4]]++;
        counts[next[5]]++;
        counts[next[6]]++;
        counts[next[7]]++;
    }
    for (; next < behind; next++)
        counts[*next]++;
}
static inline char one_value_in(
    PyObject *bytes, int64_t at, int64_t end, int64_t more_at, int64_t more_end, int64_t most)
{
    unsigned char counts[256] = {0};
    unsigned char all = 0;
    count_bytes(counts, bytes, at, end);
    count_bytes(counts, bytes, more_at, more_end);
    for (int value = 0; value < 256; value++)
        all |= counts[value];
    return all >= most;
}
"""
FASTER = (  # how a function begins in C, and what it does first
    (
        r"^int64_t CPyDef_checksum___word_sum\(PyObject \*(\w+), int64_t (\w+), int64_t (\w+)\) \{$",
        r"""\g<0>
#ifdef SUMS_WORDS
    if (likely(lies_in(\1, \2, \3)))
        return sum_of_words(\1, \2, \3);
#endif""",
    ),
    (
        r"^char CPyDef_ciphertext_sample___one_value_in\(PyObject \*(\w+)" + 5 * r", int64_t (\w+)" + r"\) \{$",
        r"""\g<0>
    if (likely(lies_in(\1, \2, \3) && lies_in(\1, \4, \5)))
        return one_value_in(\1, \2, \3, \4, \5, \6);""",
    ),
)

# A hundred small files import a module from the library. To read what they need of Python.h takes a tenth of the time.
SHIM_NEEDS = """#include <stddef.h>
typedef struct _object PyObject;
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#define Py_DECREF Py_DecRef
void Py_DecRef(PyObject *);
void PyErr_Clear(void);
void *PyCapsule_GetPointer(PyObject *, const char *);
PyObject *Py_BuildValue(const char *, ...);
PyObject *PyObject_GetAttrString(PyObject *, const char *);
PyObject *PyImport_ImportModuleLevel(const char *, PyObject *, PyObject *, PyObject *, int);
"""

# Not in the list: `capture/` beyond the readers of binary captures (once a file, not once a frame), and all
# that lies above. `__init__.py` files only name things.
COMPILED = [
    ROOT / PACKAGE / "binary.py",
    *sorted((ROOT / PACKAGE / "wire").rglob("*.py")),
    ROOT / PACKAGE / "capture" / "frame_source.py",
    ROOT / PACKAGE / "capture" / "files" / "pcap.py",
    ROOT / PACKAGE / "capture" / "files" / "pcapng.py",
    ROOT / PACKAGE / "capture" / "files" / "pcapng_options.py",
    ROOT / PACKAGE / "capture" / "files" / "pcapng_packets.py",
    ROOT / PACKAGE / "capture" / "live" / "ring_frames.py",
    # So that all frame sources are compiled: where one was not, each field would be asked whether it is there.
    ROOT / PACKAGE / "capture" / "text_dump" / "source.py",
    ROOT / PACKAGE / "analysis" / "pump.py",
    # What `redact` asks for each packet in the clear.
    ROOT / PACKAGE / "redact" / "quick_sql.py",
    ROOT / PACKAGE / "redact" / "keyed_hash.py",
    ROOT / PACKAGE / "redact" / "replacements.py",
    ROOT / PACKAGE / "redact" / "conversation.py",
    ROOT / PACKAGE / "redact" / "packet_mask.py",
    ROOT / PACKAGE / "redact" / "mysql_client.py",
    ROOT / PACKAGE / "redact" / "mysql_server.py",
    ROOT / PACKAGE / "redact" / "direction.py",
    ROOT / PACKAGE / "redact" / "x_messages.py",
    ROOT / PACKAGE / "redact" / "held_frames.py",
    ROOT / PACKAGE / "redact" / "headers.py",
    ROOT / PACKAGE / "redact" / "proxy_header.py",
    ROOT / PACKAGE / "redact" / "block_notes.py",
    ROOT / PACKAGE / "redact" / "copier.py",
    # Once a statement, where all of them are written.
    ROOT / PACKAGE / "report" / "json_statements.py",
    ROOT / PACKAGE / "report" / "json_fields.py",
    ROOT / PACKAGE / "report" / "timestamps.py",
    ROOT / PACKAGE / "redact" / "secrets.py",
    ROOT / PACKAGE / "verdict" / "answers.py",
    # Once a connection, which is more often than a person would think.
    ROOT / PACKAGE / "verdict" / "describe.py",
    ROOT / PACKAGE / "verdict" / "grounds.py",
    *(ROOT / PACKAGE / "verdict" / "rules" / f"{name}.py" for name in (
        "capture", "certificates", "checks", "credentials", "data", "hit", "leaks", "negotiation",
        "replication", "tcp", "tls",
    )),
    ROOT / PACKAGE / "verdict" / "handshake.py",
    ROOT / PACKAGE / "verdict" / "hello_fingerprints.py",
    ROOT / PACKAGE / "verdict" / "judge.py",
    ROOT / PACKAGE / "verdict" / "leaked.py",
    ROOT / PACKAGE / "verdict" / "plausible.py",
    ROOT / PACKAGE / "verdict" / "shared_words.py",
    ROOT / PACKAGE / "verdict" / "tls_details.py",
]


class AllOrNone(build_ext):
    """Generates the C files where they are compiled: a build runs setup.py several times, and mypycify takes 10 s.

    All modules share one library: where it could not be built, the others could not be imported.
    """

    def finalize_options(self) -> None:
        self.swig_opts = None  # `run` does this a second time, and setuptools would split what it split before
        super().finalize_options()

    def run(self) -> None:
        self.distribution.ext_modules = generate()
        self.finalize_options()
        super().run()

    def build_extensions(self) -> None:
        self.compiler.compile = self._side_by_side
        self.parallel = self.parallel or CORES  # the many small ones too
        super().build_extensions()
        built = self._paths()
        if not all(path.exists() for path in built):
            for path in built:
                path.unlink(missing_ok=True)
            if built:
                say("not compiled, for the reason above: the package runs interpreted")

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
            began = time.monotonic()
            name = Path(source).name
            more = UNIT_FLAGS.get(name, [])
            compiler._compile(made, source, suffix, arguments, [*extra, *more], options)
            if len(build) > 1:
                say(f"{name} compiled in {time.monotonic() - began:.0f} s")

        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(compile_one, sorted(build, key=lambda made: -weight(Path(build[made][0])))))
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


class WithManual(install_data):
    """Installs man pages and completions below share/, made from the program's own options."""

    def run(self) -> None:
        made = ROOT / BUILD / "share"
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", f"{PACKAGE}.cli.man_pages", str(made)], check=False, capture_output=True, text=True,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        if done.returncode:
            if REQUIRED:
                sys.exit(done.stderr)
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            sys.stderr.write(f"no man pages and completions are installed: {said}\n")
        files = sorted(path for path in made.rglob("*") if path.is_file())
        self.data_files = [
            (f"share/{path.parent.relative_to(made)}", [str(path.relative_to(ROOT))]) for path in files
        ]
        super().run()


def without_python_h(shim: Path) -> None:
    """Declare what a shim calls, in place of Python.h; not where it calls something else."""
    text = shim.read_text()
    calls = set(re.findall(r"\b_?Py\w+(?=\()", text)) - set(re.findall(r"\bPyInit_\w+", text))
    if calls <= set(re.findall(r"\b_?Py\w+(?=\(| )", SHIM_NEEDS)):
        shim.write_text(text.replace("#include <Python.h>\n", SHIM_NEEDS, 1))


def read_once(source: Path) -> None:
    """Have the C of a module ask whether an offset lies in its bytes, and not the number that was read there too.

    Two functions ask it once for all that they read (`FASTER`).
    """

    def asks_offset(read: re.Match[str]) -> str:
        indent, number, function, bits, data, offset, beyond = read.groups()
        return (
            f"{indent}{beyond} = reads_beyond({data}, {offset}, {int(bits) // 8});\n"
            f"{indent}{number} = read_unless({beyond}, {function}, {data}, {offset});"
        )

    text = source.read_text()
    changed = READ.sub(asks_offset, text)
    for begins, first in FASTER:
        changed = re.sub(begins, first, changed, flags=re.MULTILINE)
    if changed != text:
        source.write_text(changed)


def weight(source: Path) -> int:
    """Return how much C is in a file or, for a unit, in those that it includes: twice, where that takes twice the time.
    """
    if not source.name.startswith("unit_"):
        return source.stat().st_size
    size = sum((source.parent / name).stat().st_size for name in INCLUDED.findall(source.read_text()))
    return 2 * size if UNIT_FLAGS.get(source.name) == FLAGS_EACH_PACKET else size


def say(text: str) -> None:
    """Report progress: `make build` and `pip install --verbose` show it."""
    sys.stderr.write(f"core: {text}\n")
    sys.stderr.flush()


def in_units(sources: list[str]) -> list[str]:
    """Return C files that include those of the modules, and one that includes the rest: mypyc's own."""
    units: dict[str, list[Path]] = {name: [] for name in (UNIT_EACH_PACKET, UNIT_REDACT, *UNITS_OTHER, UNIT_RUNTIME)}
    each_packet = {f"__native_{PACKAGE}___{name.replace('.', '___')}.c" for name in EACH_PACKET}
    filled = dict.fromkeys(UNITS_OTHER, 0)
    for source in sorted(map(Path, sources), key=lambda one: (-one.stat().st_size, one.name)):
        if not source.name.startswith(f"__native_{PACKAGE}___"):
            name = UNIT_RUNTIME
        elif source.name in each_packet:
            name = UNIT_EACH_PACKET
        elif source.name.startswith(f"__native_{PACKAGE}___redact___"):
            name = UNIT_REDACT
        else:
            name = min(filled, key=filled.__getitem__)
            filled[name] += source.stat().st_size
        units[name].append(source)
    made = []
    for name, unsorted in units.items():
        included = sorted(unsorted)
        unit = BUILD / name
        text = "".join(f'#include "{source.relative_to(unit.parent)}"\n' for source in included)
        once = [found for source in included for found in RUNS_ONCE.findall(source.read_text())]
        before = RARE + SLICES + READS + LOOPS if name != UNIT_RUNTIME else ""
        if name == UNIT_EACH_PACKET:
            before += USUAL
        for source in included:
            read_once(source)
        unit.write_text(ONCE + before + "".join(f"ONCE {function}(void);\n" for function in once) + text)
        made.append(str(unit))
    return made


def generate() -> list[Extension]:
    """Return the extension modules, their C files written by mypycify."""
    from mypyc.build import mypycify  # noqa: PLC0415

    files = [str(f.relative_to(ROOT)) for f in COMPILED if f.name != "__init__.py" and f.exists()]
    # What is not compiled is followed for its types, in silence: libraries that it imports need not be here.
    options = ["--follow-imports=silent"]
    say(f"{len(files)} modules become C")
    began = time.monotonic()
    gc.disable()  # it walks all types again and again, a sixth of the time, and finds next to nothing
    try:
        modules: list[Extension] = mypycify(options + files, opt_level="2", group_name=PACKAGE, multi_file=True)
    except SystemExit as refusal:  # a later mypy may be stricter; the plain files run all the same
        if REQUIRED:
            raise
        say(f"not compiled, as mypyc refuses the sources: {refusal}")
        return []
    finally:
        gc.enable()
    say(f"C written in {time.monotonic() - began:.0f} s; now the compiler, which takes longer")
    for module in modules:
        if len(module.sources) > 1:
            module.depends = [*module.depends, *module.sources]
            module.sources = in_units(module.sources)
        elif os.name == "posix":
            without_python_h(Path(module.sources[0]))
        module.optional = not REQUIRED
        module.extra_compile_args = [*module.extra_compile_args, *FLAGS]  # mypyc gives all modules the same list
    return modules


# One that stands for all, so that setuptools knows that the package is for one platform. `run` brings the others.
STAND_IN = [] if os.environ.get("AURORA_WIRE_PURE") == "1" else [Extension(f"{PACKAGE}__mypyc", [])]

# Files that are made at the end; one folder is named, so that setuptools asks for them.
setup(
    ext_modules=STAND_IN, data_files=[("share", [])], cmdclass={"build_ext": AllOrNone, "install_data": WithManual}
)
