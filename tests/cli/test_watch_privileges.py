"""After the first line `aurora-wire watch` has no rights left, and needs none: everything was imported and opened."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import PACKAGE_ROOT, ended_within
from tests.cli.watching import SECONDS, Watching, owner_and_mode
from tests.loopback import Server, needs_root, until

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
        watch.until_told(b"LEAK")
        code, _, error = watch.end()
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Gid"].split() == ["65534"] * 4
    assert status["Groups"] == ""
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert (code, error) == (1, "")
    assert owner_and_mode(path) == (65534, 65534, "0o600")


@pytest.fixture
def callers_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 1234, 2345)
        yield Path(folder)


def test_with_sudo_it_becomes_who_called_and_the_file_is_theirs(server: Server, callers_folder: Path) -> None:
    path = callers_folder / "evidence.pcapng"
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
    assert sorted(handle.split(":")[0] for handle in handles) == [str(tmp_path), "socket"]
    until(lambda: has_ended(helper), "the helper's end")


def has_ended(process: Path) -> bool:
    """Say of a process in /proc whether it is gone, or only waits to be asked for its exit code."""
    try:
        return ") Z " in (process / "stat").read_text()
    except OSError:
        return True


@pytest.fixture(scope="module")
def private_python() -> Iterator[Path]:
    """An interpreter with this package, in a folder that only root may enter."""
    folder = Path("/root") if Path("/root").is_dir() else Path("/")
    place = folder / f".aurora-wire-test-private-{os.getpid()}"
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


TELLS_OF_LATE_IMPORTS = """
import os, runpy, sys
class Late:
    def find_spec(self, name, path=None, target=None):
        if os.geteuid():
            os.write(2, f"late import: {name}\\n".encode())
sys.meta_path.insert(0, Late())
sys.argv[0] = "aurora-wire"
runpy.run_module("aurora_wire", run_name="__main__")
"""


def private(python: Path) -> tuple[list[str], dict[str, str]]:
    """The command, and its environment. The libraries lie elsewhere, so a finder tells of what is imported late."""
    libraries = [entry for entry in sys.path if entry and Path(entry).name.endswith("packages")]
    environment = {"PYTHONPATH": ":".join([str(python), *libraries]), "PYTHONDONTWRITEBYTECODE": "1"}
    return [str(python / "venv" / "bin" / "python"), "-c", TELLS_OF_LATE_IMPORTS], environment


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_nothing_is_imported_after_the_drop_and_files_go_where_only_root_may_write(
    server: Server, private_python: Path, form: str
) -> None:
    path = private_python / f"{form}.pcapng"
    command, environment = private(private_python)
    with Server(tls=True) as hidden:
        ports = f"{server.port},{hidden.port}"
        with Watching(
            "-i", "lo", "--port", ports, "-w", str(path), "--format", form, "--window", "0.3", "--redact",
            command=command, environment=environment, cwd=private_python,
        ) as watch:  # fmt: skip
            status = watch.status()
            server.query(INSERT, b"SELECT 1", b"\xe6\xbc\xa2")
            hidden.query(INSERT)
            watch.until_all_told(b"SELECT", b"encrypted", b'"status"' if form == "jsonl" else b" 0 dropped, ")
            code, out, error = watch.end(signal.SIGTERM)
    assert error == ""
    assert status["Uid"].split() == ["65534"] * 4
    assert code == 1
    assert "INSERT INTO cards" in out
    assert owner_and_mode(path) == (65534, 65534, "0o600")
    assert path.stat().st_size > 3000


def test_nothing_is_imported_after_the_drop_for_the_screen(server: Server, private_python: Path) -> None:
    command, environment = private(private_python)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, "watch", "-i", "lo", "--port", str(server.port)], stdout=theirs, stderr=subprocess.PIPE,
        env={**os.environ, **environment, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}, cwd=private_python,
    ) as process, ended_within(process, 2 * SECONDS):  # fmt: skip
        os.close(theirs)
        shown = b""
        asked = ended = False
        try:
            while select.select([ours], [], [], SECONDS)[0]:
                shown += os.read(ours, 1 << 16)
                if not asked and b"no MySQL connection yet" in shown:
                    asked = True
                    server.query(INSERT)
                if not ended and b"1 statement in the clear" in shown:
                    ended = True
                    process.send_signal(signal.SIGINT)
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 1
    assert b"PLAINTEXT (proven)" in shown
