"""What is told to be typed is what the server at the other end takes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import aurora_wire
from aurora_wire.report.formats import render
from aurora_wire.report.html import render as html
from aurora_wire.report.text import report as text
from aurora_wire.verdict import server_fixes
from aurora_wire.verdict.product import derive_product
from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.server_fixes import KINDS, SETTINGS, UNKNOWN
from aurora_wire.verdict.servers import (
    fill,
    find_kind,
    kind_of_connection,
    product_of_connection,
    told_by,
)
from tests.conversations import mysql, play
from tests.conversations.judge import scan_of
from tests.conversations.sessions import Step, changed, plaintext, tls12


@pytest.mark.parametrize(
    ("version", "name", "kind"),
    [
        ("8.0.36", None, server_fixes.MYSQL),
        ("9.7.4-2", None, server_fixes.MYSQL),
        ("8.4.3-commercial", None, server_fixes.MYSQL),
        ("8.0.36-28", None, server_fixes.MYSQL),
        ("5.7.44-log", None, server_fixes.MYSQL_57),
        ("5.7.44-48-57", None, server_fixes.MYSQL_57),
        ("5.6.51", None, server_fixes.MYSQL_OLD),
        ("5.5.35-0ubuntu0.12.04.2", None, server_fixes.MYSQL_OLD),
        ("4.1.22-max-log", None, server_fixes.MYSQL_OLD),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1-log", None, server_fixes.MARIADB),
        ("11.8.9-MariaDB-4 from Debian-log", None, server_fixes.MARIADB),
        ("10.5.2-MariaDB", None, server_fixes.MARIADB),
        ("10.4.34-MariaDB", None, server_fixes.MARIADB_OLD),
        ("5.5.68-MariaDB", None, server_fixes.MARIADB_OLD),
        ("8.0.mysql_aurora.3.04.0", None, server_fixes.AURORA),
        ("8.0.39", "shop.cluster-abcdefgh.eu-west-1.rds.amazonaws.com", server_fixes.AURORA),
        ("8.0.39", "shop.cluster-ro-abcdefgh.eu-west-1.rds.amazonaws.com.", server_fixes.AURORA),
        ("8.0.39", "shop.abcdefgh.eu-west-1.rds.amazonaws.com", server_fixes.RDS),
        ("10.6.14-MariaDB-log", "shop.abcdefgh.eu-west-1.rds.amazonaws.com", server_fixes.RDS),
        ("8.0.39", "shop.proxy-abcdefgh.eu-west-1.rds.amazonaws.com", server_fixes.RDS_PROXY),
        ("8.0.39", "rds.amazonaws.com.example.org", server_fixes.MYSQL),
        ("8.0.37-azure", None, server_fixes.AZURE),
        ("5.6.42.0", "shop.mysql.database.azure.com", server_fixes.AZURE),
        ("8.0.31-google", None, server_fixes.CLOUD_SQL),
        ("8.0.11 (ProxySQL)", None, server_fixes.PROXYSQL),
        ("5.5.5-10.4.25 2.5.20-maxscale", None, server_fixes.MAXSCALE),
        ("10.6.16-MariaDB-MaxScale", None, server_fixes.MAXSCALE),
        (None, None, UNKNOWN),
        ("nothing that counts", None, UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_a_server_is_known_by_its_greeting_or_its_name(version: str | None, name: str | None, kind: str) -> None:
    assert find_kind(version, name) == kind


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
        for kind in (server_fixes.MARIADB, server_fixes.MARIADB_OLD, server_fixes.MYSQL_57, server_fixes.MYSQL_OLD):
            told = fill(f"{{{setting}}}", [kind])
            assert "PERSIST" not in told
            assert "ALTER INSTANCE" not in told
        for kind in (server_fixes.AURORA, server_fixes.RDS):
            told = fill(f"{{{setting}}}", [kind])
            assert "SET PERSIST" not in told or setting == "offer_tls"


def test_an_unknown_server_gets_what_either_kind_takes() -> None:
    said = fill("{require_tls}")
    assert "SET PERSIST require_secure_transport = ON;" in said
    assert "SET GLOBAL require_secure_transport = ON;" in said
    assert fill("{require_tls}", [UNKNOWN, server_fixes.MYSQL, server_fixes.MARIADB]) == said
    assert "maxscale" in fill("{offer_tls}", [UNKNOWN, server_fixes.MAXSCALE])


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
    found = derive_product(version, host)
    assert (found.name, found.why) == (product, why)


def scanned(steps: list[Step], folder: Path) -> ConnectionResult:
    (connection,) = scan_of(folder, play(steps)).connections
    return connection


def expression(name: bytes) -> bytes:
    """A result of one row with a column that is of no table."""
    definition = mysql.column_definition(name).replace(b"\x04shop\x01t\x01t", b"\0\0\0")
    return (
        mysql.packet(1, b"\x01") + mysql.packet(2, definition) + mysql.eof(3) + mysql.packet(4, b"\x063.08.0")
        + mysql.eof(5)
    )  # fmt: skip


@pytest.mark.parametrize("column", [b"@@aurora_version", b"AURORA_VERSION()", b"@@GLOBAL.aurora_version"])
def test_aurora_is_known_by_a_result_that_only_it_has(tmp_path: Path, column: bytes) -> None:
    steps = changed(plaintext(), **{"query-ok": expression(column)})
    connection = scanned(steps, tmp_path)
    assert (kind_of_connection(connection), told_by(connection)) == (server_fixes.AURORA, "column")
    product = product_of_connection(connection)
    assert (product.name, product.why) == ("Amazon Aurora MySQL", f"a result with the column {column.decode()}")


@pytest.mark.parametrize("column", [b"aurora_version", b"version()", b"@@aurora_versions"])
def test_another_column_makes_no_aurora(tmp_path: Path, column: bytes) -> None:
    connection = scanned(changed(plaintext(), **{"query-ok": expression(column)}), tmp_path)
    assert (kind_of_connection(connection), told_by(connection)) == (server_fixes.MYSQL, "version")


def certificate(issuer: str, *names: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])).public_key(key.public_key())
        .serial_number(7).not_valid_before(datetime(2024, 1, 1)).not_valid_after(datetime(2034, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    )  # fmt: skip
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CA = "Amazon RDS eu-west-1 Subordinate CA RSA2048 G1.A.1"
HOST = "shop.{}abcdefgh.eu-west-1.rds.amazonaws.com"


@pytest.mark.parametrize(("names", "issuer", "kind", "product"), [
    ([HOST.format(""), HOST.format("cluster-")], CA, server_fixes.AURORA, "Amazon Aurora MySQL"),
    ([HOST.format("")], CA, server_fixes.RDS, "Amazon RDS or Aurora instance"),
    ([HOST.format("proxy-")], "Amazon RSA 2048 M01", server_fixes.RDS_PROXY, "Amazon RDS Proxy"),
    (["db.example.org"], CA, server_fixes.RDS, "Amazon RDS or Aurora"),
    (["db.example.org"], "Example CA", server_fixes.MYSQL, "MySQL"),
])  # fmt: skip
def test_a_server_is_known_by_its_certificate_where_that_is_visible(
    tmp_path: Path, names: list[str], issuer: str, kind: str, product: str
) -> None:
    connection = scanned(tls12(), tmp_path)
    assert connection.tls is not None
    connection.tls.certificates = [certificate(issuer, *names)]
    assert kind_of_connection(connection) == kind
    assert product_of_connection(connection).name.startswith(product)
    assert told_by(connection) == ("version" if kind == server_fixes.MYSQL else "certificate")
    assert ("certificate" in product_of_connection(connection).why) == (kind != server_fixes.MYSQL)
