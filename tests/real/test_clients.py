"""Every client in every mode against a real MariaDB, four of them against a real MySQL: by the session's own words."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.prove.drivers.driver import Ability, Client, ErrorKind, Mode, Outcome, Task
from aurora_wire.prove.drivers.registry import OWN
from tests.real.certificates import WRONG_NAME
from tests.real.servers import ODD, MySQL, Server
from tests.real.tasks import task_for

# What goes in the clear though the server offers TLS; for the rest of the modes there is TLS.
CLEAR_BY_DEFAULT = frozenset(("connector-j", "connector-j-aurora", "django", "mysql2"))
ON_MYSQL = ("pymysql", "mysql", "mariadb", "connector-python")

GetClient = Callable[[str], Client]


def check_story(outcome: Outcome, task: Task, *, tls: bool) -> None:
    assert outcome.error is None
    assert outcome.complete
    assert outcome.rows == (task.text_canary, task.prepared_canary)
    assert outcome.connection_id is not None
    assert outcome.connection_id > 0
    assert outcome.table_left == ""
    assert (outcome.tls_version or "").startswith("TLSv1.") == tls
    assert bool(outcome.tls_cipher) == tls
    assert outcome.server_version
    assert any(task.text_canary in sql for sql in outcome.sql)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", list(OWN))
def test_each_client_in_each_mode_against_mariadb(
    name: str, mode: Mode, client: GetClient, mariadb: Server, tmp_path: Path
) -> None:
    driver = client(name)
    key_log = tmp_path / "keys"
    task = task_for(mariadb, mode, key_log=key_log)
    outcome = driver.run(task)
    tls = mode != Mode.OFF and not (mode == Mode.DEFAULT and name in CLEAR_BY_DEFAULT)
    check_story(outcome, task, tls=tls)
    assert outcome.server_version == mariadb.version
    assert mariadb.tables() == []
    found = driver.find()
    assert found is not None
    assert outcome.asked == found.asks[mode]
    assert ("CLIENT_TRAFFIC_SECRET_0" in key_log.read_text()) == (tls and Ability.KEY_LOG in found.abilities)
    assert stat.S_IMODE(key_log.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", ON_MYSQL)
def test_clients_in_each_mode_against_mysql(name: str, mode: Mode, client: GetClient, mysql: MySQL) -> None:
    driver = client(name)
    mysql.forget_passwords()
    task = task_for(mysql, mode)
    outcome = driver.run(task)
    if (name, mode) == ("connector-python", Mode.OFF):  # it does not send MySQL's password without TLS
        assert outcome.error is not None
        assert outcome.error.kind == ErrorKind.TLS_REQUIRED
        return
    check_story(outcome, task, tls=mode != Mode.OFF)
    assert outcome.connection_type == ("TCP/IP" if mode == Mode.OFF else "SSL/TLS")
    assert mysql.tables() == []


@pytest.mark.parametrize("name", list(OWN))
def test_a_password_of_odd_characters_is_quoted_right(name: str, client: GetClient, mariadb: Server) -> None:
    task = task_for(mariadb, Mode.OFF, account=ODD)
    check_story(client(name).run(task), task, tls=False)


def test_pymysql_before_1_2_does_not_ask_for_tls_by_itself(client: GetClient, mariadb: Server) -> None:
    driver = client("pymysql==1.1.1")
    task = task_for(mariadb, Mode.DEFAULT)
    outcome = driver.run(task)
    check_story(outcome, task, tls=False)
    assert outcome.version == "PyMySQL 1.1.1"


@pytest.mark.parametrize("name", ["pymysql", "mysql2"])
def test_a_server_behind_a_relay_is_verified_by_its_own_name(name: str, client: GetClient, mariadb: Server) -> None:
    with mariadb.showing(WRONG_NAME):
        task = task_for(mariadb, Mode.VERIFY_IDENTITY, host="db.example.com", connect_to=(mariadb.host, mariadb.port))
        check_story(client(name).run(task), task, tls=True)


def test_a_client_that_cannot_be_told_the_name_says_so(client: GetClient, mariadb: Server) -> None:
    relay = (mariadb.host, mariadb.port)
    outcome = client("mariadb").run(task_for(mariadb, Mode.VERIFY_IDENTITY, host="db.example.com", connect_to=relay))
    assert outcome.error is not None
    assert outcome.error.kind == ErrorKind.MODE_NOT_AVAILABLE
    assert "not available through the relay" in outcome.error.text
    task = task_for(mariadb, Mode.REQUIRED, host="db.example.com", connect_to=relay)
    check_story(client("mariadb").run(task), task, tls=True)
