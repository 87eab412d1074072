"""Another account attacks the demo, the proof and what they load, while root runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.prove.demo_server.mariadb import Embedded
from aurora_wire.prove.drivers.programs import find_program, is_trusted, without_foreign_code
from aurora_wire.rights.privileges import Account
from tests.attacker import TRIES, UID, Attack, as_root, called_by
from tests.cli.running import COMMAND, ENVIRONMENT

pytestmark = as_root
CALLERS = pytest.mark.parametrize("caller", [UID, None], ids=["sudo", "root"])
NAMES = ("first.sql", "ca.pem", "server.pem", "server.key", "error.log")


@CALLERS
def test_the_race_for_the_servers_folder_is_never_won(caller: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is the attacker's from the start: worse than it ever is."""
    with called_by(monkeypatch, caller), Attack(NAMES) as attack:
        attack.start()
        for _ in range(TRIES):
            server = Embedded(_account=Account(UID, UID))
            try:
                server._handle = os.open(attack.place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                for name in NAMES:
                    try:
                        server._write(name, b"secret")
                    except OSError:
                        continue
            finally:
                server.stop()
        attack.check()


@CALLERS
@pytest.mark.parametrize("command", ["demo", "prove"])
def test_what_is_kept_leads_root_nowhere(command: str, caller: int | None) -> None:
    """The folder of --keep is the attacker's, links are laid in it, and again and again."""
    names = (
        "pymysql-off.pcapng", "pymysql-off.json", "pymysql-verify-identity.pcapng", "pymysql-verify-identity.json",
        "report.txt", "report.json",
    )  # fmt: skip
    with Attack(names) as attack:
        attack.start()
        arguments = ["demo"] if command == "demo" else [
            "prove", "--host", "127.0.0.1", "--port", "1", "--user", "u", "--mode", "off",
            "-o", str(attack.place / "report.txt"),
        ]  # fmt: skip
        for _ in range(3):
            subprocess.run(
                [*COMMAND, *arguments, "--keep", str(attack.place)], capture_output=True, timeout=60, check=False,
                env={**as_called(caller), "AURORA_WIRE_PASSWORD": "x"},
            )  # fmt: skip
        attack.check()


def as_called(caller: int | None) -> dict[str, str]:
    kept = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("SUDO_")}
    return kept | ({} if caller is None else {"SUDO_UID": str(caller), "SUDO_GID": str(caller)})


@pytest.fixture
def trap() -> Iterator[Path]:
    """A folder of the attacker's with programs and modules that tell whether root has run them."""
    with tempfile.TemporaryDirectory(prefix="aw-trap-") as made:
        folder = Path(made)
        for name in ("java", "javac", "node", "npm", "cc", "gcc", "mysql", "mariadb", "mariadbd", "setpriv",
                     "mariadb-install-db"):  # fmt: skip
            (folder / name).write_text(f"#!/bin/sh\necho x >> {folder}/ran-$(id -u)\n")
            (folder / name).chmod(0o755)
        for name in ("pymysql", "mysql_mimic", "trustme", "compression", "backports", "story", "sitecustomize"):
            (folder / f"{name}.py").write_text(f"import os; open('{folder}/ran-%d' % os.getuid(), 'a')\n")
        for path in (folder, *folder.iterdir()):
            os.chown(path, UID, UID)
        folder.chmod(0o777)
        yield folder


@CALLERS
@pytest.mark.parametrize("arguments", [
    ["clients"], ["demo"], ["demo", "--server", "mysql-mimic", "--via-relay"],
    ["prove", "--host", "127.0.0.1", "--port", "1", "--user", "u", "--client", "every", "--mode", "off"],
], ids=["clients", "demo", "mimic", "prove"])  # fmt: skip
def test_root_runs_nothing_of_the_attackers(arguments: list[str], caller: int | None, trap: Path) -> None:
    """The current folder and the PATH are the attacker's; what a virtual machine or Node would load, too."""
    code = "import sys; from aurora_wire.cli import program; sys.path[0] = ''; program()"
    done = subprocess.run(
        [COMMAND[0], "-c", code, *arguments], capture_output=True, timeout=90, check=False, cwd=trap,
        env={
            **as_called(caller), "PATH": f"{trap}:{os.environ['PATH']}", "NODE_PATH": str(trap), "TMPDIR": str(trap),
            "CLASSPATH": str(trap), "NODE_OPTIONS": f"--require {trap}/x.js", "AURORA_WIRE_PASSWORD": "x",
        },
    )  # fmt: skip
    for kept in re.findall(rb" are in (/\S+)", done.stderr):  # where no folder was asked for, one stays
        shutil.rmtree(kept)
    assert not (trap / "ran-0").exists()


def test_programs_that_others_may_change_are_passed_over(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_wire.prove.drivers.programs.TRUSTED_PATH", f"{trap}:/usr/bin")
    monkeypatch.setenv("PATH", str(trap))
    assert find_program("setpriv") == "/usr/bin/setpriv"
    assert not is_trusted(trap / "java")
    link = trap / "link"
    link.symlink_to("/usr/bin/setpriv")
    assert not is_trusted(link)


def test_what_root_starts_gets_no_code_of_others_by_its_environment() -> None:
    names = ("PYTHONPATH", "NODE_OPTIONS", "LD_PRELOAD", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS",
             "CLASSPATH")  # fmt: skip
    assert set(without_foreign_code(dict.fromkeys((*names, "HOME"), "x"))) == {"HOME", "PATH"}


def test_a_caller_in_the_group_of_root_is_not_taken_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    from aurora_wire.rights.privileges import account_to_become, caller

    monkeypatch.setenv("SUDO_UID", str(UID))
    monkeypatch.setenv("SUDO_GID", "0")
    found = caller()
    assert found is not None
    assert (found.uid, found.gid != 0) == (UID, True)
    assert account_to_become() == found
