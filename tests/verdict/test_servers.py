"""What is told to be typed is what the server at the other end takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.report.formats import render
from aurora_wire.report.html import render as html
from aurora_wire.report.text import report as text
from aurora_wire.verdict import servers
from aurora_wire.verdict.product import product_of
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.servers import KINDS, SETTINGS, UNKNOWN, fill, kind_of


@pytest.mark.parametrize(
    ("version", "name", "kind"),
    [
        ("8.0.36", None, servers.MYSQL),
        ("9.7.4-2", None, servers.MYSQL),
        ("8.4.3-commercial", None, servers.MYSQL),
        ("8.0.36-28", None, servers.MYSQL),
        ("5.7.44-log", None, servers.MYSQL_57),
        ("5.7.44-48-57", None, servers.MYSQL_57),
        ("5.6.51", None, servers.MYSQL_OLD),
        ("5.5.35-0ubuntu0.12.04.2", None, servers.MYSQL_OLD),
        ("4.1.22-max-log", None, servers.MYSQL_OLD),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1-log", None, servers.MARIADB),
        ("11.8.9-MariaDB-4 from Debian-log", None, servers.MARIADB),
        ("10.5.2-MariaDB", None, servers.MARIADB),
        ("10.4.34-MariaDB", None, servers.MARIADB_OLD),
        ("5.5.68-MariaDB", None, servers.MARIADB_OLD),
        ("8.0.mysql_aurora.3.04.0", None, servers.AURORA),
        ("8.0.39", "shop.cluster-abcdefgh.eu-west-1.rds.amazonaws.com", servers.AURORA),
        ("8.0.39", "shop.cluster-ro-abcdefgh.eu-west-1.rds.amazonaws.com.", servers.AURORA),
        ("8.0.39", "shop.abcdefgh.eu-west-1.rds.amazonaws.com", servers.RDS),
        ("10.6.14-MariaDB-log", "shop.abcdefgh.eu-west-1.rds.amazonaws.com", servers.RDS),
        ("8.0.39", "shop.proxy-abcdefgh.eu-west-1.rds.amazonaws.com", servers.RDS_PROXY),
        ("8.0.39", "rds.amazonaws.com.example.org", servers.MYSQL),
        ("8.0.37-azure", None, servers.AZURE),
        ("5.6.42.0", "shop.mysql.database.azure.com", servers.AZURE),
        ("8.0.31-google", None, servers.CLOUD_SQL),
        ("8.0.11 (ProxySQL)", None, servers.PROXYSQL),
        ("5.5.5-10.4.25 2.5.20-maxscale", None, servers.MAXSCALE),
        ("10.6.16-MariaDB-MaxScale", None, servers.MAXSCALE),
        (None, None, UNKNOWN),
        ("nothing that counts", None, UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_a_server_is_known_by_its_greeting_or_its_name(version: str | None, name: str | None, kind: str) -> None:
    assert kind_of(version, name) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_advice_for_every_kind_of_server(kind: str) -> None:
    for rule in RULES.values():
        said = rule.fix_for([kind])
        assert "{require" not in said
        assert "{" not in said.replace("ssl={...}", "")
        for line in said.split("\n"):
            assert line.isascii()
            assert line.strip()
            assert "  " not in line.removeprefix("  ")


def test_a_statement_that_a_server_does_not_know_is_not_told_for_it() -> None:
    for setting in SETTINGS:
        for kind in (servers.MARIADB, servers.MARIADB_OLD, servers.MYSQL_57, servers.MYSQL_OLD):
            told = fill(f"{{{setting}}}", [kind])
            assert "PERSIST" not in told
            assert "ALTER INSTANCE" not in told
        for kind in (servers.AURORA, servers.RDS):
            told = fill(f"{{{setting}}}", [kind])
            assert "SET PERSIST" not in told or setting == "offer_tls"


def test_an_unknown_server_gets_what_either_kind_takes() -> None:
    said = fill("{require_tls}")
    assert "SET PERSIST require_secure_transport = ON;" in said
    assert "SET GLOBAL require_secure_transport = ON;" in said
    assert fill("{require_tls}", [UNKNOWN, servers.MYSQL, servers.MARIADB]) == said
    assert "maxscale" in fill("{offer_tls}", [UNKNOWN, servers.MAXSCALE])


def test_each_finding_has_the_advice_for_its_own_server(shared: Path) -> None:
    mariadb = str(shared / "lab" / "mariadb-10.11" / "bare-cli-ssl.pcap")
    mysql = str(shared / "lab" / "mysql-9.7" / "bare-mysql-cli-default.pcap")
    for paths, persist, stays in (([mariadb], False, True), ([mysql], True, False), ([mariadb, mysql], True, True)):
        result = aurora_wire.scan(paths)
        shown = {
            name: "".join(render(result, name))
            for name in ("markdown", "sarif", "ocsf")
        }
        # SARIF describes every rule: those without a finding are told for any server.
        (run,) = json.loads(shown["sarif"])["runs"]
        shown["sarif"] = next(rule["help"]["text"] for rule in run["tool"]["driver"]["rules"] if rule["id"] == "AW101")
        shown["text"] = "".join(text.render(result))
        shown["html"] = "".join(html.render(result))
        for name, said in shown.items():
            assert ("SET PERSIST require_secure_transport" in said) is persist, name
            assert ("SET GLOBAL require_secure_transport" in said) is stays, name


@pytest.mark.parametrize(
    ("version", "host", "product", "why"),
    [
        ("8.0.11-TiDB-v7.5.1", "", "TiDB", "the version 8.0.11-TiDB-v7.5.1"),
        ("8.0.30-Vitess", "", "Vitess", "the version 8.0.30-Vitess"),
        ("8.0.36-28", "", "MySQL or Percona Server", "the version 8.0.36-28"),
        ("8.0.36-28-Percona", "", "Percona Server", "the version 8.0.36-28-Percona"),
        ("8.0.39", "shop.proxy-abcdefgh.eu-west-1.rds.amazonaws.com", "Amazon RDS Proxy", "the name of its endpoint"),
        ("", "", "cannot tell", "no greeting was captured"),
    ],
)  # fmt: skip
def test_the_product_is_told_with_what_gave_it_away(version: str, host: str, product: str, why: str) -> None:
    found = product_of(version, host)
    assert (found.name, found.why) == (product, why)
