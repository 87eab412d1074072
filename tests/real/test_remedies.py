"""What the findings say to type is typed into real servers, as it stands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any, ClassVar

import pymysql
import pytest

from aurora_wire.posture.probe import probe
from aurora_wire.posture.survey import OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.server_fixes import FORMS, MARIADB, MYSQL, SETTINGS
from aurora_wire.verdict.servers import fill, find_kind
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import has_forward_secrecy
from tests.real.certificates import SELF_SIGNED, Certificates
from tests.real.running import running
from tests.real.servers import APP, MariaDB, MySQL, NotThereError, Server, quiet_environment, quoted


@pytest.fixture(params=[MariaDB, MySQL], ids=["mariadb", "mysql"])
def own(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Server]:
    """A server of this test alone: its settings are changed."""
    with running(request.param, certificates, with_tls=True) as server:
        yield server


def commands(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.startswith("  ")]


def made_a_replica(server: Server) -> None:
    """It has a source, which is not there: what replication is told it takes or refuses all the same."""
    word = "MASTER" if server.kind == "mariadb" else "REPLICATION SOURCE"
    prefix = word.rpartition(" ")[2]
    server.sql(f"CHANGE {word} TO {prefix}_HOST = '127.0.0.1', {prefix}_PORT = 1, {prefix}_USER = 'nobody'")


def test_every_line_is_taken_by_the_server_that_it_is_told_for(own: Server) -> None:
    made_a_replica(own)
    kind = find_kind(own.version)
    assert kind == (MARIADB if own.kind == "mariadb" else MYSQL)
    options = []
    for setting in SETTINGS:
        for command in commands(fill(f"{{{setting}}}", [kind])):
            typed = command.replace("'user'@'host'", f"{quoted(APP.user)}@'%'")
            if command.endswith(";"):
                own.sql(typed)
            else:
                name, _, value = typed.partition(" = ")
                options.append(f"--{name}={value}")
    assert own.sql("SELECT @@GLOBAL.require_secure_transport").strip() == "1"
    assert own.sql("SELECT @@GLOBAL.local_infile").strip() == "0"
    assert own.running
    if options:
        done = subprocess.run(
            [*own.program()[:1], "--no-defaults", *options, "--verbose", "--help"], capture_output=True,
            env=quiet_environment(), check=False, timeout=60,
        )  # fmt: skip
        assert b"unknown" not in done.stderr.lower(), done.stderr[-400:]


def test_no_rule_tells_a_server_what_it_does_not_know(own: Server) -> None:
    made_a_replica(own)
    kind = find_kind(own.version)
    for rule in RULES.values():
        for command in commands(rule.fix_for([kind])):
            if command.endswith(";") and not command.startswith("KILL"):
                typed = command.replace("'user'@'host'", f"{quoted(APP.user)}@'%'")
                if command.startswith("DROP USER"):
                    own.sql("CREATE USER ''@'host'")
                own.sql(typed.replace("new password", "New-Secret-1!"))


@pytest.mark.parametrize("own", [MariaDB], ids=["mariadb"], indirect=True)
def test_set_persist_is_no_statement_of_mariadb(own: Server) -> None:
    with pytest.raises(RuntimeError, match="syntax"):
        own.sql("SET PERSIST require_secure_transport = ON;")


class FromFile:
    """A server that is started with a configuration file alone: what it is told goes under [mysqld]."""

    lines: ClassVar[list[str]] = []

    def program(self: Any) -> list[str]:
        path = self.folder / "my.cnf"
        path.write_text("\n".join(["[mysqld]", *self.lines]) + "\n")
        path.chmod(0o644)
        argv: list[str] = super().program()  # type: ignore[misc]
        return [word if word != "--no-defaults" else f"--defaults-file={path}" for word in argv]

    def tls_options(self: Any) -> list[str]:
        return []  # the file says it


class MariaDBFromFile(FromFile, MariaDB):
    pass


class MySQLFromFile(FromFile, MySQL):
    pass


def lines_for_the_file(kind: str, server: Server) -> list[str]:
    """All that the table has for a configuration file, with this server's own certificate in the place of the names."""
    found = []
    for setting, forms in SETTINGS.items():
        found += [line for line in commands(fill(f"{{{setting}}}", [kind])) if not line.endswith(";")]
        found += [
            text for where, text in FORMS.get(setting, {}).get(kind, {}).items() if where.startswith("configuration")
        ]
        assert forms
    shown = server.folder / "shown"
    ours = {"/etc/mysql/ca.pem": server.certificates.bundle, "/etc/mysql/server-cert.pem": shown / "cert.pem",
            "/etc/mysql/server-key.pem": shown / "key.pem"}  # fmt: skip
    for path, own in ours.items():
        found = [line.replace(path, str(own)) for line in found]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("base", "kind"), [
    (MariaDBFromFile, MARIADB), (MySQLFromFile, MYSQL),
], ids=["mariadb", "mysql"])  # fmt: skip
def test_what_goes_into_the_configuration_file_takes_effect(
    base: type[Server], kind: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        server = base(certificates)
    except NotThereError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (in CI it has to be)")
        pytest.skip(str(missing))
    lines = lines_for_the_file(kind, server)
    monkeypatch.setattr(base, "lines", lines)
    # `--local-infile=1` on the command line outweighs the file.
    told = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in lines} | {"local_infile": "1"}
    try:
        server.start()
        for name, value in told.items():
            shown = server.sql(f"SELECT @@GLOBAL.{name}").strip()
            assert shown.lower() in (value.lower(), {"on": "1", "off": "0"}.get(value.lower(), "")), name
        found = probe(Target(server.host, server.port), limit=200).addresses[0]
        assert found.tls is not None
        offered = {version_name(each.version) for each in found.tls.versions if each.status == OFFERED}
        assert offered == {"TLSv1.2", "TLSv1.3"}
        assert all(has_forward_secrecy(suite) for each in found.tls.versions for suite in each.suites)
        assert login(server, tls=True) == ""
        assert login(server, tls=False) != ""
    finally:
        server.stop()


def login(server: Server, *, tls: bool, user: str = APP.user, password: str = APP.password) -> str:
    """Why a login is refused; empty: it is taken."""
    try:
        pymysql.connect(
            host=server.host, port=server.port, user=user, password=password, ssl_disabled=not tls,
            ssl={"ca": str(server.certificates.ca)} if tls else None,
        ).close()
    except (pymysql.err.MySQLError, RuntimeError) as error:
        return str(error) or "refused"
    return ""


@pytest.mark.parametrize("setting", ["require_tls", "account_tls", "account_password_tls"])
def test_what_is_to_refuse_logins_in_the_clear_does(setting: str, own: Server) -> None:
    assert login(own, tls=False) == ""
    kind = find_kind(own.version)
    for command in commands(fill(f"{{{setting}}}", [kind])):
        if command.endswith(";"):
            typed = command.replace("'user'@'host'", f"{quoted(APP.user)}@'%'")
            own.sql(typed.replace("new password", APP.password))
    assert login(own, tls=False) != ""
    assert login(own, tls=True) == ""


def test_a_certificate_is_replaced_without_a_restart(own: Server) -> None:
    (command,) = [line for line in commands(fill("{certificate}", [find_kind(own.version)])) if line.endswith(";")]
    own._show(SELF_SIGNED)
    own.sql(command)
    found = probe(Target(own.host, own.port), limit=200).addresses[0]
    assert found.chain[0].is_self_signed
