"""Real servers audited by accounts that may read all, and by poor ones."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from aurora_wire.cli.main import main
from aurora_wire.posture.audit import AuditResult, audit
from aurora_wire.posture.database import CannotLogIn, log_in
from aurora_wire.posture.target import Target
from tests.real.certificates import Certificates
from tests.real.servers import APP, HOST, READER, TLS_ONLY, Account, Server

RICH = Account("auditor", "auditor-Secret-9")


@contextmanager
def accounts(server: Server) -> Iterator[None]:
    """An account that may read all, and kinds of accounts to be found."""
    server.sql(
        f"CREATE USER {RICH.user}@'%' IDENTIFIED BY '{RICH.password}' REQUIRE SSL; GRANT ALL ON *.* TO {RICH.user}@'%';"
        "CREATE USER ''@'198.51.100.%' IDENTIFIED BY 'x'; CREATE USER locked@'%' IDENTIFIED BY 'x' ACCOUNT LOCK;"
        "CREATE USER here@'localhost' IDENTIFIED BY 'x';"
    )
    try:
        yield
    finally:
        server.sql(f"DROP USER {RICH.user}@'%', ''@'198.51.100.%', locked@'%', here@'localhost'")


def audited(server: Server, account: Account = RICH, mode: str = "required", ca: str = "") -> AuditResult:
    target = Target("localhost" if mode == "verify" else HOST, server.port)
    with log_in(target, account.user, account.password, mode=mode, ca=ca) as database:
        return audit(target, database)


@pytest.fixture(params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_accounts_that_may_come_in_the_clear_are_those_that_can(server: Server) -> None:
    with accounts(server):
        found = audited(server)
        assert found.accounts is not None
        free = {each.user for each in found.accounts if each.may_come_in_the_clear}
        assert {APP.user, READER.user, ""} <= free
        assert not free & {TLS_ONLY.user, RICH.user, "locked", "here", "mysql.sys", "mariadb.sys"}
        # The server is asked the same by logging in without TLS.
        for account, comes in ((APP, True), (TLS_ONLY, False)):
            try:
                plain = pymysql.connect(
                    host=HOST, port=server.port, user=account.user, password=account.password, ssl_disabled=True
                )
            except pymysql.err.OperationalError:
                assert not comes
            else:
                plain.close()
                assert comes


def test_who_is_connected_in_the_clear_is_said_and_weighed(server: Server) -> None:
    with accounts(server):
        plain = pymysql.connect(host=HOST, port=server.port, user=APP.user, password=APP.password, ssl_disabled=True)
        try:
            with_it = audited(server)
        finally:
            plain.close()
    assert with_it.connected is not None
    kinds = {(each.user, each.kind) for each in with_it.connected}
    assert (APP.user, "TCP/IP") in kinds
    assert (RICH.user, "SSL/TLS") in kinds
    rules = [each.rule for each in with_it.findings]
    assert {"AW621", "AW622", "AW623", "AW625"} <= set(rules)
    assert with_it.grade == "D"


def test_the_settings_are_the_articles_table(server: Server) -> None:
    with accounts(server):
        found = audited(server)
        listed = {line.split("\t")[0] for line in server.sql("SHOW VARIABLES LIKE '%ssl%'").splitlines()}
    assert {each.name for each in found.settings} >= {name for name in listed if "performance_schema" not in name}
    meanings = {each.name: each.meaning for each in found.settings}
    assert meanings["tls_version"] == "nothing obsolete"
    assert "taken" in meanings["require_secure_transport"]
    assert found.session[0] == "TLSv1.3"
    assert found.not_after is not None


def test_a_server_that_requires_tls_gets_a_good_grade(server: Server) -> None:
    with accounts(server):
        server.sql("SET GLOBAL require_secure_transport = ON; SET GLOBAL local_infile = OFF")
        try:
            found = audited(server)
        finally:
            server.sql("SET GLOBAL require_secure_transport = OFF; SET GLOBAL local_infile = ON")
    assert found.requires_tls
    assert not {"AW621", "AW622", "AW623"} & {each.rule for each in found.findings}


def test_a_poor_account_says_what_it_may_not_see_and_how_it_could(server: Server) -> None:
    poor = audited(server, READER)
    assert poor.accounts is None
    assert "AW621" in {each.rule for each in poor.findings}, "what anybody may see is judged all the same"
    grants = [each.grant for each in poor.denied]
    assert grants
    server.sql(" ".join(grants))
    try:
        assert audited(server, READER).accounts is not None
        assert not audited(server, READER).denied
    finally:
        server.sql(" ".join(grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM ") for grant in grants))


def test_nothing_is_sent_but_show_and_select(mysql: Server) -> None:
    with accounts(mysql):
        mysql.sql("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
        try:
            audited(mysql)
        finally:
            mysql.sql("SET GLOBAL general_log = OFF")
        said = mysql.sql(
            f"SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type = 'Query' "
            f"AND user_host LIKE '{RICH.user}%'"
        ).splitlines()
    assert len(said) > 5
    assert all(line.upper().startswith(("SELECT", "SHOW", "SET AUTOCOMMIT", "SET NAMES")) for line in said), said


def test_a_certificate_that_does_not_verify_is_refused(mariadb: Server, certificates: Certificates) -> None:
    assert audited(mariadb, APP, "verify", str(certificates.ca)).grade
    with pytest.raises(CannotLogIn, match="certificate"):
        audited(mariadb, APP, "verify", str(certificates.other_ca))


def test_no_password_is_sent_to_a_server_without_tls(mariadb_bare: Server) -> None:
    with pytest.raises(CannotLogIn, match="--tls off"):
        audited(mariadb_bare, APP)
    assert audited(mariadb_bare, APP, "off").session == ("", "")


def test_the_command_writes_text_and_json(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", RICH.password)
    with accounts(server):
        arguments = ["audit", "-H", HOST, "-P", str(server.port), "-u", RICH.user]
        assert main(arguments) == 1
        text = capsys.readouterr().out
        monkeypatch.setenv("AURORA_WIRE_PASSWORD", RICH.password)  # it was taken out of the environment
        assert main([*arguments, "--format", "json", "-o", str(tmp_path / "a.json")]) == 1
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["schema"] == "aurora-wire/audit/1"
    assert RICH.password not in text + json.dumps(found)
    assert "AW621" in text
    assert any(each["user"] == APP.user and each["may_come_in_the_clear"] for each in found["accounts"])


def test_a_wrong_password_is_one_line(
    mariadb: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", "wrong")
    assert main(["audit", "--host", f"{HOST}:{mariadb.port}", "--user", APP.user]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "1045" in said


def test_a_server_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", "x")
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["audit", "--host", f"{HOST}:{port}", "--user", "x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
