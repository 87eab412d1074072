"""What `doctor` looks at: what is installed, what this process may do, and the command that gets what is missing.

`look` asks the machine; the checks are functions of what it found, so that each can be tried for any machine.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aurora_wire.errors import AuroraWireError

OK, MISSING, OPTIONAL = "ok", "missing", "optional"  # optional: not there, and without it only little is not to be had
STATUSES: Final = (OK, MISSING, OPTIONAL)
CAPTURE, EXTRAS, CLIENTS, PROGRAM = "live capture", "extras", "clients", "program"
AREAS: Final = (PROGRAM, CAPTURE, EXTRAS, CLIENTS)

RELAY: Final = "aurora-wire relay --listen 127.0.0.1:3307 --to HOST:3306"
CAP_NET_RAW: Final = 1 << 13  # linux/capability.h
INTERFACE_UP: Final = 1       # linux/if.h

# Each extra of pyproject.toml: what it is for, and its packages: as they are imported, and the oldest one that will do.
EXTRA_PACKAGES: Final[dict[str, tuple[str, dict[str, tuple[str, str]]]]] = {
    "keylog": (
        "decrypt TLS records with a key log",
        {"cryptography": ("cryptography", "42"), "brotli": ("brotli", "1.2")},
    ),
    "report": ("the HTML report", {"Jinja2": ("jinja2", "3.1")}),
    "evidence": (
        "sign and check bundles, pseudonyms of addresses",
        {"cryptography": ("cryptography", "42"), "securesystemslib": ("securesystemslib", "1.2")},
    ),
    "demo": (
        "the demo's server and certificates",
        {
            "cryptography": ("cryptography", "42"), "mysql-mimic": ("mysql_mimic", "2.5"),
            "trustme": ("trustme", "1.1"),
        },
    ),
    "aws": ("fleet: Amazon's API", {"boto3": ("boto3", "1.34")}),
    "timestamp": (
        "time-stamps on signatures",
        {"cryptography": ("cryptography", "42"), "rfc3161-client": ("rfc3161_client", "1.0")},
    ),
    "sensor": ("watch --metrics", {"prometheus-client": ("prometheus_client", "0.20")}),
    "remote": (
        "captures at s3://, gs://, abfs://",
        {"pyarrow": ("pyarrow", "16")},
    ),
    "spark": (
        "aurora_wire.spark: captures by the thousand; needs Java 17",
        {"pyspark": ("pyspark", "4.0"), "pyarrow": ("pyarrow", "16"), "pandas": ("pandas", "2.2")},
    ),
    "parquet": ("tables as Parquet files", {"pyarrow": ("pyarrow", "16")}),
    "ids": ("scan, report: national ids of more countries", {"python-stdnum": ("stdnum", "2.2")}),
    "sql": ("--group: tables and columns of statements", {"sqlglot": ("sqlglot", "30")}),
}  # fmt: skip

# Families of systems, by ID and ID_LIKE of /etc/os-release: what installs, and what packages are called there.
DEBIAN, FEDORA, ALPINE, SUSE, ARCH, MACOS = "debian", "fedora", "alpine", "suse", "arch", "macos"
FAMILIES: Final = {
    "debian": DEBIAN, "ubuntu": DEBIAN, "fedora": FEDORA, "rhel": FEDORA, "centos": FEDORA, "amzn": FEDORA,
    "alpine": ALPINE, "suse": SUSE, "opensuse": SUSE, "arch": ARCH,
}  # fmt: skip
INSTALLERS: Final = {
    DEBIAN: "apt-get install", FEDORA: "dnf install", ALPINE: "apk add", SUSE: "zypper install", ARCH: "pacman -S",
    MACOS: "brew install",
}  # fmt: skip
PACKAGES: Final = {
    "libpcap": {DEBIAN: "libpcap0.8", SUSE: "libpcap1"},
    "compiler": {
        DEBIAN: "gcc python3-dev", FEDORA: "gcc python3-devel", ALPINE: "gcc musl-dev python3-dev",
        SUSE: "gcc python3-devel", ARCH: "gcc", MACOS: "",  # there: xcode-select
    },
    # Clients of `prove` that systems have packages of; Debian's and Alpine's `mysql` is MariaDB's.
    "mariadb": {
        DEBIAN: "mariadb-client", ALPINE: "mariadb-client", SUSE: "mariadb-client", ARCH: "mariadb-clients",
    },
    "mysql": {DEBIAN: "", ALPINE: "", SUSE: "", ARCH: "", MACOS: "mysql-client"},
    "connector-j": {
        DEBIAN: "default-jdk-headless libmariadb-java", FEDORA: "java-devel mariadb-java-client", ALPINE: "", SUSE: "",
        ARCH: "", MACOS: "",
    },
    "setcap": {DEBIAN: "libcap2-bin", FEDORA: "libcap", ALPINE: "libcap", SUSE: "libcap-progs", ARCH: "libcap"},
}  # fmt: skip


@dataclass(slots=True, frozen=True)
class Check:
    """One thing that was looked at. get: commands that get it, each a choice; none where there is nothing to run."""

    area: str
    name: str
    status: str
    detail: str
    get: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Machine:
    """What was found. Nothing here is guessed: what cannot be read is empty."""

    system: str                         # "Linux", "Darwin"
    family: str = ""                    # one of INSTALLERS
    release: str = ""                   # "Debian GNU/Linux 12 (bookworm)"
    is_root: bool = False
    effective: int = 0                  # capabilities of this process
    bounding: int = 0                   # those that it could have
    no_new_privileges: bool = False
    container: str = ""                 # "docker", "kubernetes": by the files and variables that these leave
    refused: str | None = ""            # why capture does not work; None where it does
    interfaces: list[str] = field(default_factory=list)     # those that are up, without loopback
    libpcap: str = ""
    programs: dict[str, str] = field(default_factory=dict)  # tcpdump, sudo, setcap: where they are
    granted_copy: str = ""              # an interpreter beside ours that was given the capability
    versions: dict[str, str] = field(default_factory=dict)  # of packages that can be imported
    compiled: bool = True
    python: str = "python3"
    called: list[str] = field(default_factory=lambda: ["aurora-wire"])
    installer: list[str] = field(default_factory=lambda: ["pip", "install"])


def look() -> Machine:
    """Return what this machine has. Opens a capture for an instant and closes it; starts no other program."""
    from aurora_wire._build import compiled  # noqa: PLC0415 - the core is loaded only here

    status = _process_status()
    family, release = _release()
    return Machine(
        system=platform.system(), family=family, release=release, is_root=os.geteuid() == 0,
        effective=int(status.get("CapEff", "0"), 16), bounding=int(status.get("CapBnd", "0"), 16),
        no_new_privileges=status.get("NoNewPrivs") == "1", container=_container(), refused=_try_to_capture(),
        interfaces=_interfaces(), libpcap=_libpcap(),
        programs={name: where for name in ("tcpdump", "sudo", "setcap", "cc") if (where := shutil.which(name))},
        granted_copy=_granted_copy(), versions=_versions(), compiled=compiled(), python=sys.executable,
        called=called_as(), installer=_pip(),
    )  # fmt: skip


def called_as() -> list[str]:
    """Return the words that call this program: those of sudo need a whole path."""
    program = Path(sys.argv[0])
    return [str(program.absolute())] if program.name == "aurora-wire" else [sys.executable, "-m", "aurora_wire"]


def copy_with_the_right(python: str) -> tuple[str, str]:
    """Return a name for a copy of the interpreter, and the command that gives it the one capability."""
    copy = str(Path(python).with_name("python-capture"))
    as_root = "" if os.access(Path(python).parent, os.W_OK) else "sudo "
    quoted = shlex.quote(copy)
    return copy, f"{as_root}cp {shlex.quote(python)} {quoted} && sudo setcap cap_net_raw+ep {quoted}"


def checks(machine: Machine) -> Iterator[Check]:
    """Yield all but the clients: program, live capture, extras."""
    yield from _program(machine)
    yield from _capture(machine)
    for name, (purpose, packages) in EXTRA_PACKAGES.items():
        yield _extra(machine, name, purpose, packages)


def packages_command(machine: Machine, what: str) -> list[str]:
    """Return the command that installs a system's package, as this system says it; none where it has none."""
    names = PACKAGES.get(what, {}).get(machine.family, what)
    if machine.family not in INSTALLERS or not names:
        return []
    as_root = "" if machine.is_root or machine.family == MACOS else "sudo "
    return [f"{as_root}{INSTALLERS[machine.family]} {names}"]


def _program(machine: Machine) -> Iterator[Check]:
    if machine.compiled:
        yield Check(PROGRAM, "core", OK, "compiled")
        return
    detail = "interpreted: the same results, some 35 times slower. Wheels have it compiled; from source it takes gcc"
    again = shlex.join(
        [*machine.installer, "--force-reinstall", "--no-deps", "--no-binary", "aurora_wire", "aurora_wire"]
    )
    if machine.installer[0] in ("pipx", "uv") and machine.installer[1:2] != ["pip"]:
        again = shlex.join([*machine.installer, "aurora_wire"])
    compiler = [] if "cc" in machine.programs else packages_command(machine, "compiler")
    if not compiler and "cc" not in machine.programs and machine.family == MACOS:
        compiler = ["xcode-select --install"]
    yield Check(PROGRAM, "core", OPTIONAL, detail, [" && ".join([*compiler, again])])


def _capture(machine: Machine) -> Iterator[Check]:
    if machine.system != "Linux":
        yield Check(
            CAPTURE, "system", MISSING, f"{machine.system or 'this system'} has no AF_PACKET: live capture needs "
            "Linux. Captures that other programs write are judged here",
            ["sudo tcpdump -U -w - 'tcp port 3306' | aurora-wire scan -", RELAY],
        )  # fmt: skip
        return
    yield _right(machine)
    if machine.interfaces:
        yield Check(CAPTURE, "interfaces", OK, ", ".join(machine.interfaces))
    else:
        yield Check(
            CAPTURE, "interfaces", MISSING, "none is up but loopback: there is nothing of others to capture",
            ["ip link"],
        )  # fmt: skip
    if machine.libpcap:
        yield Check(CAPTURE, "libpcap", OK, machine.libpcap)
    else:
        yield Check(
            CAPTURE, "libpcap", OPTIONAL, "not found: watch --filter needs it, --port and --host do not",
            packages_command(machine, "libpcap"),
        )  # fmt: skip
    tcpdump = machine.programs.get("tcpdump", "")
    if tcpdump:
        yield Check(CAPTURE, "tcpdump", OK, tcpdump)
    else:
        yield Check(
            CAPTURE, "tcpdump", OPTIONAL, "not installed: nothing here needs it; it records where only it may",
            packages_command(machine, "tcpdump"),
        )  # fmt: skip


def _right(machine: Machine) -> Check:
    """Return whether a capture could be opened, else why not: the first cause that explains it."""
    name = "right to capture"
    if machine.refused is None:
        how = "as root, given up before the first packet" if machine.is_root else "CAP_NET_RAW"
        return Check(CAPTURE, name, OK, f"a capture could be opened ({how})")
    if machine.effective & CAP_NET_RAW:
        detail = f"{machine.refused}, though this process has CAP_NET_RAW: a seccomp profile or the like"
        return Check(CAPTURE, name, MISSING, detail, [RELAY])
    in_container = {
        "docker": ["docker run --cap-add NET_RAW ..."],
        "kubernetes": ["kubectl debug -it POD --profile netadmin --image IMAGE --target CONTAINER"],
    }.get(machine.container, [])
    if machine.bounding and not machine.bounding & CAP_NET_RAW:
        detail = f"{machine.refused}: CAP_NET_RAW was taken from all that runs here, root's processes too"
        return Check(CAPTURE, name, MISSING, detail, [*in_container, RELAY])
    if machine.granted_copy:
        again = [machine.granted_copy, "-m", "aurora_wire", "watch"]
        detail = f"{machine.refused} for this interpreter; a copy of it has the capability"
        return Check(CAPTURE, name, MISSING, detail, [shlex.join(again)])
    if machine.no_new_privileges:
        detail = f"{machine.refused}, and this process can get no more rights (no_new_privs): start it from elsewhere"
        return Check(CAPTURE, name, MISSING, detail, [*in_container, RELAY])
    ways = list(in_container)
    if "sudo" in machine.programs:
        ways.append(f"sudo {shlex.join(machine.called)} watch")
    copy, grant = copy_with_the_right(machine.python)
    if "setcap" not in machine.programs:
        grant = " && ".join([*packages_command(machine, "setcap"), grant])
    ways += [f"{grant} && {shlex.quote(copy)} -m aurora_wire watch", RELAY]
    return Check(CAPTURE, name, MISSING, f"{machine.refused}: this account has no CAP_NET_RAW", ways)


def _extra(machine: Machine, name: str, purpose: str, packages: dict[str, tuple[str, str]]) -> Check:
    absent, old = [], []
    for package, (_, least) in packages.items():
        version = machine.versions.get(package)
        if version is None:
            absent.append(package)
        elif version_key(version) < version_key(least):
            old.append(f"{package} {version} is older than {least}")
    if not absent and not old:
        return Check(EXTRAS, name, OK, purpose)
    why = [f"{', '.join(absent)} not installed"] if absent else []
    get = [*machine.installer, f"aurora_wire[{name}]"]
    if machine.installer[:2] == ["pipx", "inject"]:
        get = [*machine.installer, *absent, *(one.partition(" ")[0] for one in old)]
    return Check(EXTRAS, name, OPTIONAL, f"{purpose}: {'; '.join([*why, *old])}", [shlex.join(get)])


def version_key(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, to be compared."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _try_to_capture() -> str | None:
    """Return why a capture cannot be opened, None where it can: the very one of `watch`, closed at once."""
    from aurora_wire.capture.live.bpf import DROP_ALL, Filter  # noqa: PLC0415
    from aurora_wire.capture.live.ring import LiveCapture  # noqa: PLC0415 - not for what needs no capture

    try:
        with LiveCapture([], Filter("nothing", DROP_ALL, DROP_ALL), buffer=1):
            return None
    except AuroraWireError as error:
        return str(error).rpartition(": ")[2].rstrip(".")


def _process_status() -> dict[str, str]:
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {}


def _release() -> tuple[str, str]:
    """Return the family of the system and its own name."""
    if platform.system() == "Darwin":
        return MACOS, f"macOS {platform.mac_ver()[0]}"
    with suppress(OSError):
        said = platform.freedesktop_os_release()
        for word in [said.get("ID", ""), *said.get("ID_LIKE", "").split()]:
            if word.partition("-")[0] in FAMILIES:
                return FAMILIES[word.partition("-")[0]], said.get("PRETTY_NAME", word)
        return "", said.get("PRETTY_NAME", "")
    return "", platform.system()


def _container() -> str:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    return "docker" if any(Path(name).exists() for name in ("/.dockerenv", "/run/.containerenv")) else ""


def _interfaces() -> list[str]:
    found = []
    for _, name in socket.if_nameindex():
        with suppress(OSError, ValueError):
            if int(Path(f"/sys/class/net/{name}/flags").read_text(encoding="ascii"), 16) & INTERFACE_UP:
                found.append(name)
    return [name for name in found if name != "lo"]


def _libpcap() -> str:
    from aurora_wire.capture.live.bpf import LIBPCAP  # noqa: PLC0415 - not for what needs no capture

    for name in LIBPCAP:
        with suppress(OSError, AttributeError):
            version = ctypes.CDLL(name).pcap_lib_version
            version.restype = ctypes.c_char_p
            return str(version().decode("ascii", "replace")).partition(" (")[0]
    return ""


def _granted_copy() -> str:
    copy = Path(sys.executable).with_name("python-capture")
    with suppress(OSError, AttributeError):  # AttributeError: a system without extended attributes
        os.getxattr(copy, "security.capability")
        return str(copy)
    return ""


def _versions() -> dict[str, str]:
    found = {}
    for _, packages in EXTRA_PACKAGES.values():
        for package, (module, _) in packages.items():
            if find_spec(module) is not None:
                try:
                    found[package] = metadata.version(package)
                except metadata.PackageNotFoundError:
                    found[package] = ""
    return found


def _pip() -> list[str]:
    """Return what installs packages where this program is installed."""
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return ["pipx", "inject", prefix.name]
    if (prefix / "uv-receipt.toml").is_file():
        return ["uv", "tool", "install", "--force"]
    if find_spec("pip") is None and shutil.which("uv"):
        return ["uv", "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def summary(found: Sequence[Check], needed: Sequence[str]) -> list[Check]:
    """Return what is missing of what is needed: by name or area; with nothing named, what has status `missing`."""
    if not needed:
        return [check for check in found if check.status == MISSING]
    return [check for check in found if check.status != OK and (check.name in needed or check.area in needed)]
