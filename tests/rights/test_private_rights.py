"""Through sudo, a capture's file is made with the rights of who called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aurora_wire.capture.live.rotation import CaptureFiles
from aurora_wire.errors import OutputError
from aurora_wire.rights.new_files import create_private
from aurora_wire.rights.privileges import Account

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
CALLER = Account(65_534, 65_534)


def test_the_caller_gets_no_file_in_a_folder_of_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    with pytest.raises(OutputError):
        create_private(tmp_path / "planted", CALLER)
    for folder in (tmp_path, *tmp_path.parents):  # the caller may go there, and make nothing
        folder.chmod(0o755)
        if folder.name.startswith("pytest-of-"):
            break
    files = CaptureFiles(str(tmp_path / "series"), CALLER, several=True)
    try:
        with pytest.raises(OutputError):
            files.make(1)
    finally:
        files.close()
    assert not list(tmp_path.iterdir())
    assert os.geteuid() == 0


def test_root_that_nobody_called_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    create_private(tmp_path / "file", CALLER).close()
    assert (tmp_path / "file").stat().st_uid == CALLER.uid
