"""Whatever root writes, another account's links lead it nowhere: planted before, and in a race."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.capture.live.rotation import CaptureFiles
from aurora_wire.capture.relay.recording import RelayRecording
from aurora_wire.cli.main import main
from aurora_wire.cli.output import Output
from aurora_wire.errors import AuroraWireError
from aurora_wire.prove.keep import Keeper
from aurora_wire.rights.privileges import account_to_become
from tests.attacker import SECRET, UID, Attack, as_root, called_by, raced
from tests.conftest import ROOT

pytestmark = as_root
CAPTURE = str(sorted((ROOT / "captures").rglob("*.pcap"))[0])


def output(path: Path) -> None:
    with Output(str(path), force=True) as file:
        file.write("report")


def recording(path: Path) -> None:
    RelayRecording(str(path), application="test", listen="a", target="b").close()


def watched(path: Path) -> None:
    files = CaptureFiles(str(path), account_to_become(), several=True)
    try:
        for number in (0, 1, 2):
            files.make(number).close()
    finally:
        files.close()


def kept(path: Path) -> None:
    keeper = Keeper(str(path.parent))
    try:
        keeper._write(path.name, b"capture")
    finally:
        keeper.close()


def command(*words: str) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        # Where the attacker may read it, whose rights it is read with.
        source = Path(os.path.normpath(path)).parent.parent / "in.pcap"
        shutil.copyfile(CAPTURE, source)
        source.chmod(0o644)
        named = {"PATH": str(path), "CAPTURE": str(source)}
        if main([re.sub("PATH|CAPTURE", lambda found: named[found[0]], word) for word in words]) not in (0, 1, 3):
            raise AuroraWireError

    return call


WRITERS: dict[str, Callable[[Path], None]] = {
    "output": output,
    "relay -w": recording,
    "watch -w --rotate": watched,
    "prove --keep": kept,
    "report -o": command("report", "CAPTURE", "-o", "PATH"),
    "scan -o": command("scan", "CAPTURE", "-o", "PATH", "--format", "sarif=PATH"),
    "redact -o": command("redact", "CAPTURE", "-o", "PATH"),
    "evidence create -o": command("evidence", "create", "CAPTURE", "-o", "PATH"),
    "evidence keygen -o": command("evidence", "keygen", "-o", "PATH"),
}
FAST = ("output", "relay -w", "watch -w --rotate", "prove --keep")
CALLERS = pytest.mark.parametrize("caller", [UID, None], ids=["sudo", "root"])
NAME = "out.pcapng"
NAMES = (NAME, "out.00001.pcapng", "out.00002.pcapng", "out.pcapng.pub")


def tried(write: Callable[[Path], None], path: Path) -> bool:
    try:
        write(path)
    except AuroraWireError:
        return False
    return True


@CALLERS
@pytest.mark.parametrize("name", WRITERS)
def test_planted_links_lead_root_nowhere(name: str, caller: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with called_by(monkeypatch, caller), Attack(NAMES) as attack:
        for each in NAMES:
            (attack.place / each).symlink_to(attack.precious)
            os.chown(attack.place / each, UID, UID, follow_symlinks=False)
        tried(WRITERS[name], attack.place / NAME)
        attack.check()


@CALLERS
@pytest.mark.parametrize("name", WRITERS)
def test_a_link_to_a_folder_of_roots_leads_root_nowhere(
    name: str, caller: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with called_by(monkeypatch, caller), Attack(()) as attack:
        link = attack.home / "link"
        link.symlink_to(attack.roots)
        os.chown(link, UID, UID, follow_symlinks=False)
        assert not tried(WRITERS[name], link / NAME)
        attack.check()


@CALLERS
@pytest.mark.parametrize("name", FAST)
def test_a_race_is_never_won(name: str, caller: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with called_by(monkeypatch, caller), Attack(NAMES) as attack:
        raced(attack, lambda: tried(WRITERS[name], attack.place / NAME))
        for path in (path for path in attack.home.rglob("*") if path.is_file() and not path.is_symlink()):
            assert SECRET not in path.read_bytes()


@CALLERS
def test_a_race_for_a_bundle_is_never_won(caller: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with called_by(monkeypatch, caller), Attack(("out.zip",)) as attack:
        write = WRITERS["evidence create -o"]
        raced(attack, lambda: tried(write, attack.place / "out.zip"))


@pytest.mark.parametrize("name", FAST)
def test_through_sudo_files_are_the_callers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with called_by(monkeypatch, UID), Attack(()) as attack:
        WRITERS[name](attack.place / NAME)
        for path in attack.place.iterdir():
            assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (UID, 0o600)
        assert not tried(WRITERS[name], attack.roots / NAME)
        attack.check()


def test_root_itself_follows_its_own_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").symlink_to("link/report")
    with called_by(monkeypatch, None):
        output(tmp_path / "link" / "report")
        output(tmp_path / "file")
        monkeypatch.chdir(tmp_path)
        output(Path("link/../link/other"))
    assert (tmp_path / "real" / "report").read_text() == "report"
    assert (tmp_path / "real" / "other").read_text() == "report"
    assert (tmp_path / "file").is_symlink()


def test_a_pipe_of_another_account_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with called_by(monkeypatch, None), Attack(()) as attack:
        pipe = attack.place / NAME
        os.mkfifo(pipe)
        os.chown(pipe, UID, UID)
        assert not tried(recording, pipe)
        assert not tried(output, pipe)
