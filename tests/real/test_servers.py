"""The servers of the tests are what they say they are."""

from __future__ import annotations

import socket

import pytest

from tests.real.certificates import OTHER_CA, Certificates
from tests.real.servers import DATABASE, MariaDB, MySQL, Server


def test_mariadb_offers_tls_and_holds_the_database(mariadb: Server) -> None:
    assert "MariaDB" in mariadb.version
    assert mariadb.sql("SHOW VARIABLES LIKE 'have_ssl'").split()[1] == "YES"
    assert DATABASE in mariadb.sql("SHOW DATABASES").split()
    assert mariadb.tables() == []


def test_mariadb_without_tls_offers_none(mariadb_bare: Server) -> None:
    assert mariadb_bare.sql("SHOW VARIABLES LIKE 'have_ssl'").split()[1] != "YES"


def test_mysql_offers_tls(mysql: MySQL) -> None:
    assert "MariaDB" not in mysql.version
    assert "TLSv1.3" in mysql.sql("SHOW VARIABLES LIKE 'tls_version'")


def test_another_certificate_can_be_shown_for_a_while(mariadb: Server, mysql: MySQL) -> None:
    for server in (mariadb, mysql):
        with server.showing(OTHER_CA):
            assert server.sql("SELECT 1").strip() == "1"


def test_nothing_is_left_of_a_stopped_server(certificates: Certificates) -> None:
    server = MariaDB(certificates)
    server.start()
    port = server.port
    server.stop()
    server.stop()
    assert not server.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, port), timeout=60)
