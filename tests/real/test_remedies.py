"""What the findings say to type is typed into real servers, as it stands."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from aurora_wire.verdict import servers
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.servers import SETTINGS, fill, kind_of
from tests.real.certificates import Certificates
from tests.real.conftest import _running
from tests.real.servers import APP, MariaDB, MySQL, Server, quiet_environment, quoted


@pytest.fixture(params=[MariaDB, MySQL], ids=["mariadb", "mysql"])
def own(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Server]:
    """A server of this test alone: its settings are changed."""
    yield from _running(request.param, certificates, with_tls=True)


def commands(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.startswith("  ")]


def test_every_line_is_taken_by_the_server_that_it_is_told_for(own: Server) -> None:
    kind = kind_of(own.version)
    assert kind == (servers.MARIADB if own.kind == "mariadb" else servers.MYSQL)
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
    kind = kind_of(own.version)
    for rule in RULES.values():
        if rule.id.startswith("AW6"):
            continue  # of audits: names of accounts and of another server are in them
        for command in commands(rule.fix_for([kind])):
            if command.endswith(";") and not command.startswith("KILL"):
                own.sql(command.replace("'user'@'host'", f"{quoted(APP.user)}@'%'"))


def test_set_persist_is_no_statement_of_mariadb(own: Server) -> None:
    if own.kind != "mariadb":
        pytest.skip("of MariaDB")
    with pytest.raises(RuntimeError, match="syntax"):
        own.sql("SET PERSIST require_secure_transport = ON;")
