"""The demo's server as root: nothing is written into a folder that is another account's already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aurora_wire.prove.demo_server.mariadb import Embedded
from aurora_wire.prove.drivers.environments import find_node
from aurora_wire.rights.privileges import Account


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_planted_link_is_neither_written_nor_given_away(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"root's")
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "first.sql").symlink_to(precious)
    server = Embedded(_account=Account(65_534, 65_534))
    server._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(FileExistsError):
            server._write("first.sql", b"CREATE USER")
    finally:
        server.stop()
    assert precious.read_bytes() == b"root's"
    assert precious.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a user may run what lies in the current folder")
def test_root_takes_no_node_package_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "node_modules" / "mysql2"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "666.0.0"}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODE_PATH", str(tmp_path))
    assert find_node("mysql2", "mysql2", "666.0.0") is None
