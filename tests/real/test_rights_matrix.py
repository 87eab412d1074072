"""Each command that gives up rights: with and without the extras, for root itself and through sudo, by an interpreter
that everybody may run and by one in a folder that only root may enter."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.attacker import UID, as_root
from tests.cli.running import PACKAGE_ROOT, ended_within
from tests.loopback import Server
from tests.real.servers import APP, DATABASE
from tests.real.servers import Server as Database

pytestmark = as_root
SECONDS = 60
BASE = ("librt", "mypy_extensions", "backports.zstd", "lz4", "PyMySQL", "rich")
EXTRAS = ("cryptography", "Jinja2", "mysql-mimic", "trustme", "securesystemslib")
WORDS_OF_A_FAULT = ("Traceback", "unknown encoding", "ModuleNotFoundError", "LookupError", "ImportError")
INSERT = "INSERT INTO cards VALUES ('4111 \xe9\u6f22')".encode()


@dataclass(frozen=True)
class Python:
    program: Path
    extras: bool

    def start(self, caller: int | None, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("SUDO_", "PYTHON", "XDG_", "TMPDIR", "LC_", "LANG"))
        } | {"HOME": "/root", "AURORA_WIRE_PASSWORD": APP.password}  # fmt: skip
        if caller is not None:
            environment |= {"SUDO_UID": str(caller), "SUDO_GID": str(caller)}
        return subprocess.Popen(
            [str(self.program), "-m", "aurora_wire", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=folder, env=environment,
        )  # fmt: skip

    def run(self, caller: int | None, folder: Path, *arguments: str) -> tuple[int, str, str]:
        process = self.start(caller, folder, *arguments)
        with ended_within(process, SECONDS):
            out, said = process.communicate()
        without_faults(out, said)
        return process.returncode, out.decode(), said.decode()


def without_faults(*texts: bytes) -> None:
    for text in texts:
        for word in WORDS_OF_A_FAULT:
            assert word not in text.decode(), text.decode()


def needed_by(names: tuple[str, ...]) -> set[str]:
    """These distributions and what they require, without extras of theirs."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name.lower() in found:
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue
        found.add(name.lower())
        left += [re.split(r"[^\w.-]", one)[0] for one in there.requires or () if "extra ==" not in one]
    return found


def install(names: tuple[str, ...], site: Path) -> None:
    """As pip would, from what is here: no index is asked."""
    for name in needed_by(names):
        there = distribution(name)
        for file in there.files or ():
            source = Path(str(there.locate_file(file)))
            if ".." not in file.parts and source.is_file() and source.suffix != ".pyc":
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, site / file)


@pytest.fixture(scope="session")
def interpreters() -> Iterator[dict[str, Python]]:
    """By `open`, `closed`: without the extras; with `+`: with them."""
    system = Path("/usr/bin/python3")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    same = system.exists() and version in subprocess.run(
        [str(system), "-V"], capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    base = Path(tempfile.mkdtemp(prefix="aw-matrix-"))
    base.chmod(0o755)
    found = {}
    try:
        for where in ("open", "closed"):
            outer = base / where
            outer.mkdir()
            outer.chmod(0o755 if where == "open" else 0o700)
            for mark in ("", "+"):
                place = outer / f"venv{len(mark)}"
                python = str(system) if same and where == "open" else sys.executable
                subprocess.run([python, "-m", "venv", "--without-pip", str(place)], check=True, timeout=SECONDS)
                site = place / "lib" / f"python{version}" / "site-packages"
                install(BASE + (EXTRAS if mark else ()), site)
                caches = shutil.ignore_patterns("__pycache__", "*.so")
                shutil.copytree(PACKAGE_ROOT / "aurora_wire", site / "aurora_wire", ignore=caches)
                found[where + mark] = Python(place / "bin" / "python", bool(mark))
        yield found
    finally:
        shutil.rmtree(base)


@pytest.fixture(params=["open", "open+", "closed", "closed+"])
def python(request: pytest.FixtureRequest, interpreters: dict[str, Python]) -> Python:
    return interpreters[request.param]


@pytest.fixture(params=[None, UID], ids=["root", "sudo"])
def caller(request: pytest.FixtureRequest) -> int | None:
    found: int | None = request.param
    return found


@pytest.fixture
def folder(caller: int | None) -> Iterator[Path]:
    """The caller's; only root may enter root's."""
    with tempfile.TemporaryDirectory(prefix="aw-matrix-folder-") as made:
        if caller is not None:
            os.chown(made, caller, caller)
        yield Path(made)


def uids(pid: int) -> set[str]:
    text = Path(f"/proc/{pid}/status").read_text()
    return set(text.split("Uid:", 1)[1].split("\n", 1)[0].split())


def line_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if not line:
        raise AssertionError(process.communicate()[1].decode())
    return line


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    out, said = process.communicate()
    without_faults(out, said)
    return process.returncode, out.decode()


def test_watch(python: Python, caller: int | None, folder: Path) -> None:
    with Server() as server:
        process = python.start(
            caller, folder, "watch", "-i", "lo", "--port", str(server.port), "-w", "out.pcapng", "--rotate", "1M"
        )
        with process, ended_within(process, SECONDS):
            line_of(process)
            assert uids(process.pid) == {str(caller or 65_534)}
            server.query(INSERT)
            for line in iter(lambda: line_of(process), ""):
                if "PLAINTEXT" in line:
                    break
            code, _ = ended(process)
    assert code == 1
    assert (folder / "out.pcapng").stat().st_size > 1000


def test_relay(python: Python, caller: int | None, folder: Path) -> None:
    with Server() as server:
        process = python.start(
            caller, folder, "relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.port}", "-w", "out.pcapng"
        )
        with process, ended_within(process, SECONDS):
            port = int(line_of(process).split()[1].rpartition(":")[2])
            assert uids(process.pid) == {str(caller or 65_534)}
            behind, server.port = server.port, port
            server.query(INSERT)
            server.port = behind
            line_of(process)
            code, out = ended(process)
    assert code == 1
    assert "PLAINTEXT (proven)" in out
    state = (folder / "out.pcapng").stat()
    assert (state.st_uid, state.st_size > 500) == (caller or 0, True)


@pytest.mark.parametrize("how", [(), ("--via-relay",)], ids=["live", "relay"])
def test_prove(python: Python, caller: int | None, folder: Path, mariadb: Database, how: tuple[str, ...]) -> None:
    if caller is None:  # root's own, which no client may read
        shutil.copy(mariadb.certificates.ca, folder / "ca.pem")
        (folder / "ca.pem").chmod(0o600)
    ca = folder / "ca.pem" if caller is None else mariadb.certificates.ca
    code, out, said = python.run(
        caller, folder, "prove", "--host", "localhost", "--port", str(mariadb.port), "--user", APP.user, "--database",
        DATABASE, "--ca", str(ca), "--mode", "off", "--mode", "verify-identity", "--keep", "kept", "-o", "report.txt",
        *how,
    )  # fmt: skip
    report = (folder / "report.txt").read_text() if (folder / "report.txt").exists() else ""
    assert "pymysql, off [ssl_disabled=True]: PLAINTEXT (proven)" in report, out + said + report
    assert code == 0
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert path.stat().st_uid == (caller or 0)
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("server", ["mariadb", "mysql-mimic"])
def test_demo(python: Python, caller: int | None, folder: Path, server: str) -> None:
    seen = Descendants()
    with seen:
        code, out, said = python.run(caller, folder, "demo", "--server", server, "--keep", "kept")
    if not python.extras:
        assert (code, said.count("\n")) == (2, 1)
        assert "pip install 'aurora_wire[demo]'" in said
        return
    assert code == 0, out + said
    assert "PLAINTEXT (proven)" in out
    assert (folder / "kept" / "report.json").stat().st_uid == (caller or 0)
    assert seen.programs == {str(caller or 65_534)}


def test_clients(python: Python, caller: int | None, folder: Path) -> None:
    code, out, said = python.run(caller, folder, "clients")
    assert (code, said) == (0, "")
    assert "PyMySQL" in out


class Descendants:
    """Looks, as long as the block lasts, at whose the clients and servers are that run."""

    WORDS = (b"mimic.py", b"pymysql_runner.py", b"--bind-address")

    def __init__(self) -> None:
        self.programs: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.005):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes()
                    is_ours = (any(word in words for word in self.WORDS) and b"aurora-wire-demo-server" in words) or (
                        b".py\0" in words and any(word in words for word in self.WORDS[:2])
                    )
                    if is_ours:
                        self.programs |= uids(int(path.parent.name))
                except (OSError, IndexError):
                    continue

    def __enter__(self) -> Descendants:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
