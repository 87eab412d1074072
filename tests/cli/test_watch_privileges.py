"""After the first line `aurora-wire watch` has no rights left, and needs none: everything was imported and opened."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import PACKAGE_ROOT
from tests.cli.watching import Watching, owner_and_mode
from tests.loopback import Server, needs_root

INSERT = b"INSERT INTO cards VALUES ('4111 \xff \xe6\xbc\xa2 \x1b')"


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def test_nothing_is_left_of_root_when_the_first_packet_is_decoded(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with Watching("-i", "lo", "--port", str(server.port), "-w", str(path)) as watch:
        status = watch.status()
        server.query(INSERT)
        time.sleep(0.3)
        code, _, error = watch.end()
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Gid"].split() == ["65534"] * 4
    assert status["Groups"] == ""
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert (code, error) == (1, "")
    assert owner_and_mode(path) == (65534, 65534, "0o600")


def test_with_sudo_it_becomes_who_called_and_the_file_is_theirs(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    sudo = {"SUDO_UID": "1234", "SUDO_GID": "2345", "SUDO_USER": "somebody"}
    with Watching("-i", "lo", "--port", str(server.port), "-w", str(path), environment=sudo) as watch:
        status = watch.status()
        watch.end()
    assert status["Uid"].split() == ["1234"] * 4
    assert status["Gid"].split() == ["2345"] * 4
    assert owner_and_mode(path) == (1234, 2345, "0o600")


@pytest.mark.parametrize("uid", ["0", "-1", "x", "4294967296", ""])
def test_a_sudo_uid_that_is_nobodys_makes_it_nobody(server: Server, uid: str) -> None:
    sudo = {"SUDO_UID": uid, "SUDO_GID": "2345"}
    with Watching("-i", "lo", "--port", str(server.port), environment=sudo) as watch:
        assert watch.status()["Uid"].split() == ["65534"] * 4
        watch.end()


def test_the_helper_that_makes_the_next_files_may_do_that_and_nothing_else(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with Watching("-i", "lo", "--port", str(server.port), "-w", str(path), "--rotate", "1M") as watch:
        children = Path(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children").read_text().split()
        assert len(children) == 1
        helper = Path(f"/proc/{children[0]}")
        status = dict(line.split(":", 1) for line in (helper / "status").read_text().splitlines())
        handles = [str(handle.readlink()) for handle in (helper / "fd").iterdir()]
        watch.end()
    assert int(status["CapEff"], 16) == 0b11  # to make files anywhere, and to give them away
    assert status["NoNewPrivs"].strip() == "1"
    assert len(handles) == 1
    assert handles[0].startswith("socket:")
    end = time.monotonic() + 5
    while helper.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not helper.exists() or "Z" in (helper / "stat").read_text()


@pytest.fixture(scope="module")
def private_python() -> Iterator[Path]:
    """An interpreter with this package, in a folder that only root may enter."""
    folder = Path("/root") if Path("/root").is_dir() else Path("/")
    place = folder / ".aurora-wire-test-private"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        make = [sys.executable, "-m", "venv", "--without-pip", "--copies", str(place / "venv")]
        subprocess.run(make, check=True, timeout=60)
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE_ROOT / "aurora_wire", place / "aurora_wire", ignore=caches)
        for library in PACKAGE_ROOT.glob("aurora_wire__mypyc*.so"):
            shutil.copy(library, place)
        yield place
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_nothing_is_imported_after_the_drop_and_files_go_where_only_root_may_write(
    server: Server, private_python: Path, form: str
) -> None:
    """The libraries lie elsewhere, so a finder tells of every module that is looked for after the drop."""
    path = private_python / f"{form}.pcapng"
    libraries = [entry for entry in sys.path if entry and Path(entry).name.endswith("packages")]
    environment = {"PYTHONPATH": ":".join([str(private_python), *libraries]), "PYTHONDONTWRITEBYTECODE": "1"}
    program = (
        "import builtins, os, runpy, sys\n"
        "class Late:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if os.geteuid():\n"
        "            os.write(2, f'late import: {name}\\n'.encode())\n"
        "sys.meta_path.insert(0, Late())\n"
        "sys.argv = ['aurora-wire', *sys.argv[1:]]\n"
        "runpy.run_module('aurora_wire', run_name='__main__')\n"
    )
    with Server(tls=True) as hidden:
        ports = f"{server.port},{hidden.port}"
        with Watching(
            "-i", "lo", "--port", ports, "-w", str(path), "--format", form, "--window", "0.3", "--redact",
            command=[str(private_python / "venv" / "bin" / "python"), "-c", program], environment=environment,
            cwd=private_python,
        ) as watch:  # fmt: skip
            status = watch.status()
            server.query(INSERT, b"SELECT 1", b"\xe6\xbc\xa2")
            hidden.query(INSERT)
            time.sleep(0.8)
            code, out, error = watch.end(signal.SIGTERM)
    assert error == ""
    assert status["Uid"].split() == ["65534"] * 4
    assert code == 1
    assert "INSERT INTO cards" in out
    assert owner_and_mode(path) == (65534, 65534, "0o600")
    assert path.stat().st_size > 3000
