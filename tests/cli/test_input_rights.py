"""Whatever root reads for somebody who called it, they may read themselves: planted links and races lead nowhere."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aurora_wire.capture.files.open import open_capture
from aurora_wire.cli import main
from aurora_wire.decrypt.key_log import KeyLog
from aurora_wire.errors import AuroraWireError
from aurora_wire.rights.inputs import private_folder, read_input
from aurora_wire.rights.privileges import Account, account_to_become, caller, is_caller, nobody
from tests.attacker import SECRET, UID, Attack, as_root, called_by, raced
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.conftest import ROOT

pytestmark = as_root
CAPTURE = sorted((ROOT / "captures").rglob("*.pcap"))[0]
BYTES = CAPTURE.read_bytes()
NAME = "in.pcap"

# Each reads PATH; OUT is a file that may be written.
READERS: dict[str, tuple[str, ...]] = {
    "scan": ("scan", "PATH"),
    "scan a folder": ("scan", "FOLDER"),
    "scan a pattern": ("scan", "FOLDER/*.pcap"),
    "scan --keylog": ("scan", "MINE", "--keylog", "PATH"),
    "packets": ("packets", "PATH"),
    "report": ("report", "PATH", "-o", "OUT"),
    "redact": ("redact", "PATH", "OUT"),
    "redact --key": ("redact", "MINE", "OUT", "--key", "PATH"),
    "compare": ("compare", "PATH", "MINE"),
    "impact": ("impact", "PATH"),
    "evidence create": ("evidence", "create", "PATH", "-o", "OUT"),
    "evidence create --key": ("evidence", "create", "MINE", "--key", "PATH", "-o", "OUT"),
    "evidence verify": ("evidence", "verify", "PATH"),
    "probe --hosts": ("probe", "--hosts", "PATH"),
}


@pytest.fixture
def attack() -> Iterator[Attack]:
    with Attack((NAME,)) as made:
        made.precious.write_bytes(BYTES)
        mine = made.home / "mine.pcap"
        mine.write_bytes(BYTES)
        yield made


def words(command: tuple[str, ...], attack: Attack, path: Path) -> list[str]:
    named = {
        "PATH": str(path), "MINE": str(attack.home / "mine.pcap"), "OUT": str(attack.home / "out"),
        "FOLDER": str(path.parent),
    }  # fmt: skip
    out: list[str] = []
    for word in command:
        for name, text in named.items():
            word = word.replace(name, text)  # noqa: PLW2901
        out.append(word)
    return out


@pytest.mark.parametrize("direct", [True, False], ids=["named", "by a link"])
@pytest.mark.parametrize("name", READERS)
def test_what_only_root_may_read_is_not_read_for_who_called_sudo(
    name: str, direct: bool, attack: Attack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = attack.roots / "precious.pcap"
    attack.precious.rename(path)
    if not direct:
        path = attack.place / NAME
        path.symlink_to(attack.roots / "precious.pcap")
        os.chown(path, UID, UID, follow_symlinks=False)
    with called_by(monkeypatch, UID):
        code = main(words(READERS[name], attack, path))
    said = capsys.readouterr()
    assert code in (2, 3), said
    told = said.out + said.err
    assert "ermission" in told or "no file matches" in told or "no such file" in told or "cannot be read" in told
    assert "Canary" not in told
    assert "SELECT" not in told
    assert not (attack.home / "out").exists()


@pytest.mark.parametrize("name", READERS)
def test_what_the_caller_may_read_is_read(
    name: str, attack: Attack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = attack.place / NAME
    path.write_bytes(BYTES)
    path.chmod(0o600)
    os.chown(path, UID, UID)
    with called_by(monkeypatch, UID):
        main(words(READERS[name], attack, path))
    assert "ermission" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scan", "evidence create", "redact"])
def test_root_itself_reads_what_is_roots(
    name: str, attack: Attack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with called_by(monkeypatch, None):
        assert main(words(READERS[name], attack, attack.precious)) in (0, 1)
    assert "ermission" not in capsys.readouterr().err


def test_a_bundle_is_made_and_verified_for_who_called_sudo(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, out = str(attack.home / "mine.pcap"), str(attack.home / "case.zip")
    with called_by(monkeypatch, UID):
        assert main(["evidence", "create", mine, "-o", out, "--redact-captures"]) == 0
        assert main(["evidence", "verify", out, "--allow-unsigned", "--original", mine]) == 0, capsys.readouterr()
        Path(out).unlink()
        assert main(["evidence", "create", mine, "-o", out]) == 0
        assert main(["evidence", "verify", out, "--allow-unsigned", "--original", mine]) == 0, capsys.readouterr()


def test_the_original_of_a_bundle_is_read_with_the_callers_rights_each_time(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with called_by(monkeypatch, UID), private_folder("aurora-wire-") as folder:
        link = folder / "001.pcap"
        link.symlink_to(attack.precious)
        with pytest.raises(PermissionError):
            read_input(link)
        (folder / "own").write_bytes(b"own")
        assert read_input(folder / "own") == b"own"
        with pytest.raises(PermissionError):
            read_input(f"{folder}/../{attack.roots.relative_to('/tmp')}/precious")


def opened(path: Path) -> None:
    with open_capture(str(path)) as capture:
        assert capture.source.buffer not in (b"", BYTES)


def key_log(path: Path) -> None:
    KeyLog().read(path)


@pytest.mark.parametrize("read", [read_input, opened, key_log], ids=lambda one: one.__name__)
def test_a_race_is_never_won(
    read: Callable[[Path], object], attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack.precious.write_bytes(SECRET)
    attack.precious.chmod(0o600)

    def work() -> bool:
        try:
            return read(attack.place / NAME) == SECRET
        except (OSError, AuroraWireError) as error:
            return SECRET.decode() in str(error)

    with called_by(monkeypatch, UID):
        assert raced(attack, work) == 0


def account_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Account | None:
    with called_by(monkeypatch, None), monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        found = caller()
        assert found is None or found.uid == nobody().uid or is_caller(found)
        assert account_to_become() == (found or nobody())
        return found


def test_who_called_is_told_by_sudo_pkexec_and_doas(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = pwd.getpwnam("daemon")
    expected = Account(daemon.pw_uid, daemon.pw_gid)
    assert account_of(monkeypatch, SUDO_UID=str(daemon.pw_uid), SUDO_GID=str(daemon.pw_gid)) == expected
    assert account_of(monkeypatch, PKEXEC_UID=str(daemon.pw_uid)) == expected
    assert account_of(monkeypatch, DOAS_USER="daemon") == expected
    assert account_of(monkeypatch, PKEXEC_UID=str(UID)) == Account(UID, nobody().gid)
    assert account_of(monkeypatch) is None
    assert account_of(monkeypatch, SUDO_UID="0", SUDO_GID="0", DOAS_USER="root", PKEXEC_UID="0") is None


def test_variables_that_name_different_accounts_leave_nobodys_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """With doas and `keepenv` the caller sets SUDO_UID as they like; with sudo and `env_keep` DOAS_USER."""
    daemon = pwd.getpwnam("daemon")
    assert account_of(monkeypatch, SUDO_UID=str(UID), SUDO_GID=str(UID), DOAS_USER="daemon") == nobody()
    assert account_of(monkeypatch, SUDO_UID=str(UID), PKEXEC_UID=str(daemon.pw_uid)) == nobody()
    assert account_of(monkeypatch, DOAS_USER="no such account") == nobody()
    assert account_of(monkeypatch, SUDO_UID="0", DOAS_USER="daemon") == Account(daemon.pw_uid, daemon.pw_gid)


@pytest.mark.parametrize("variable", [{"DOAS_USER": "daemon"}, {"PKEXEC_UID": "1"}], ids=["doas", "pkexec"])
def test_through_doas_and_pkexec_files_are_read_and_written_with_the_callers_rights(
    variable: dict[str, str], attack: Attack
) -> None:
    environment = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("SUDO_")} | variable
    for command in (["scan", str(attack.precious)], ["scan", str(attack.home / "mine.pcap"), "-o", "OUT"]):
        out = attack.roots / "out"
        run = subprocess.run(
            [*COMMAND, *(word.replace("OUT", str(out)) for word in command)], env=environment, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode in (2, 4), run
        assert "ermission" in run.stderr, run
        assert not out.exists()


def test_standard_input_is_the_callers_own_however_it_is_named(attack: Attack) -> None:
    """What the shell opened for the caller, or `sudo cat FILE |` hands over."""
    environment = {**ENVIRONMENT, "SUDO_UID": str(UID), "SUDO_GID": str(UID)}
    for name in ("-", "/dev/stdin"):
        with attack.precious.open("rb") as file:
            run = subprocess.run(
                [*COMMAND, "scan", name], stdin=file, env=environment, capture_output=True, text=True, timeout=60,
                check=False,
            )  # fmt: skip
        assert run.returncode in (0, 1), run.stderr


def test_the_error_says_whose_rights_count(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with called_by(monkeypatch, UID):
        assert main(["scan", str(attack.precious)]) == 2
    assert f"with the rights of {UID}, who called" in capsys.readouterr().err
