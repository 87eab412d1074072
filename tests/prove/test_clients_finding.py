"""Which drivers there are: the package's, those of others, and those that are broken. And where clients are kept."""

from __future__ import annotations

import json
import os
import pwd
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.cli import main
from aurora_wire.errors import UsageError
from aurora_wire.prove.drivers.environments import cache_folder, checked, find_node, find_python, install_python
from aurora_wire.prove.drivers.registry import OWN, load, load_all, names, ready

PLUGIN = """
from aurora_wire.prove.drivers.driver import Client, Found, Mode, Outcome

class Shop(Client):
    name = "shop"
    about = "the shop"
    how_to_get = "buy it"

    def find(self):
        return Found("shop 1", "/srv/shop", {Mode.OFF: "TLS=0"}, {Mode.REQUIRED: "it has no TLS"})

    def run(self, task):
        return Outcome(self.name, task.mode)
"""


@pytest.fixture(autouse=True)
def _stays_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command would become nobody, and the tests with it."""
    monkeypatch.setattr("aurora_wire.cli.clients.account_to_become", lambda: None)



@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """`register(module, entry points)`: as if a package with these had been installed."""

    def add(code: str, points: str) -> None:
        (tmp_path / "shop_plugin_for_tests.py").write_text(code)
        metadata = tmp_path / "shop_plugin-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-plugin\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[aurora_wire.clients]\n{points}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "shop_plugin_for_tests", raising=False)

    return add


def test_others_can_register_a_driver(register: Callable[[str, str], None]) -> None:
    register(PLUGIN, "shop = shop_plugin_for_tests:Shop")
    assert names() == [*OWN, "shop"]
    client = load("shop==2.1")
    assert (client.name, client.version, client.spec) == ("shop", "2.1", "shop==2.1")


def test_a_broken_driver_does_not_keep_the_others_away(
    register: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    register("raise ImportError('half of it is missing')", "shop = shop_plugin_for_tests:Shop")
    clients, broken = load_all()
    assert [client.name for client in clients] == list(OWN)
    assert [one.name for one in broken] == ["shop"]
    assert "half of it is missing" in broken[0].reason
    assert main(["clients"]) == 0
    assert "shop: its driver" in " ".join(capsys.readouterr().out.split())


def test_what_is_no_driver_is_refused(register: Callable[[str, str], None]) -> None:
    register("Shop = 7", "shop = shop_plugin_for_tests:Shop")
    with pytest.raises(UsageError, match="no subclass"):
        load("shop")


def test_the_packages_own_drivers_cannot_be_replaced(register: Callable[[str, str], None]) -> None:
    register(PLUGIN, "pymysql = shop_plugin_for_tests:Shop")
    assert names() == list(OWN)
    assert type(load("pymysql")).__module__ == "aurora_wire.prove.drivers.clients.pymysql"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no client has this name.*pymysql"):
        load("sqlplus")


def test_a_client_that_cannot_be_installed_by_us_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("aurora_wire.prove.drivers.programs.TRUSTED_PATH", "/nonexistent")
    with pytest.raises(UsageError, match="mariadb is not installed: apt-get install mariadb-client"):
        ready("mariadb", print)


def test_the_command_lists_what_is_there(
    register: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    register(PLUGIN, "shop = shop_plugin_for_tests:Shop")
    assert main(["clients", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "aurora-wire/clients/1"
    clients = {client["name"]: client for client in said["clients"]}
    assert list(clients) == [*OWN, "shop"]
    assert clients["pymysql"]["installed"]
    assert clients["pymysql"]["abilities"] == ["key-log", "server-name"]
    assert clients["shop"]["modes"] == {"off": "TLS=0"}
    assert clients["shop"]["unavailable"] == {"required": "it has no TLS"}
    assert main(["clients"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["client", "version", "modes", "key", "log", "where"]
    assert any(line.split()[:3] == ["shop", "shop", "1"] and line.endswith("/srv/shop") for line in lines)


@pytest.mark.parametrize("version", ["", "1; rm -rf", "--index-url=x", "1 2", "git+https://x"])
def test_a_version_is_a_version(version: str) -> None:
    with pytest.raises(UsageError, match="no version"):
        checked(version)


def test_a_failed_installation_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said: list[str] = []
    with pytest.raises(UsageError, match="failed"):
        install_python("pymysql", ("PyMySQL",), "99.0", said.append)
    assert said == [f"Installing PyMySQL==99.0 into {tmp_path}/aurora_wire/clients/pymysql-99.0"]
    assert [path.name for path in (tmp_path / "aurora_wire" / "clients").iterdir()] == [".lock"]


def test_a_package_of_the_running_python_is_found_by_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    python = find_python("pymysql", ("PyMySQL",), "")
    assert python is not None
    assert (python.program, python.own) == (sys.executable, False)
    assert find_python("pymysql", ("PyMySQL",), python.versions["PyMySQL"]) == python
    assert find_python("pymysql", ("PyMySQL",), "0.0.1") is None
    assert find_python("pymysql", ("PyMySQL", "no-such-package"), "") is None


def test_a_node_package_is_found_where_node_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # for root, the current folder does not count
    monkeypatch.chdir(tmp_path)
    assert find_node("mysql2", "mysql2", "") is None
    package = tmp_path / "node_modules" / "mysql2"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "3.1.0"}')
    assert find_node("mysql2", "mysql2", "") == (tmp_path / "node_modules", "3.1.0")
    assert find_node("mysql2", "mysql2", "3.1.1") is None


def test_the_cache_is_not_put_into_the_home_of_someone_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    folder = cache_folder()
    assert folder.parts[:2] != ("/", "nonexistent")
    home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    assert folder in {home / ".cache" / "aurora_wire", Path(tempfile.gettempdir()) / f"aurora_wire-{os.geteuid()}"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "aurora_wire"
