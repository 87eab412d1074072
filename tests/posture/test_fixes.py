"""What to paste for what was found at a server."""

from __future__ import annotations

import pytest

from aurora_wire.posture.assess import posture_finding
from aurora_wire.posture.fixes import MAX_ACCOUNTS, collect_fixes, find_fix, kind_of_server
from aurora_wire.report.text.grades import fix_lines
from aurora_wire.report.wording import Style
from aurora_wire.verdict.product import Product
from aurora_wire.verdict.rules import posture as rules
from aurora_wire.verdict.server_fixes import AURORA, MARIADB, MYSQL, PROXYSQL, RDS, RDS_PROXY


def test_there_is_a_statement_for_each_account() -> None:
    accounts = ("'app'@'%'", "'o''brien'@'10.0.0.%'")
    told = find_fix(posture_finding(rules.ACCOUNTS_WITHOUT_TLS, "two", accounts), MYSQL)
    assert "  ALTER USER 'app'@'%' REQUIRE SSL;\n  ALTER USER 'o''brien'@'10.0.0.%' REQUIRE SSL;" in told
    assert "'user'@'host'" not in told
    anonymous = find_fix(posture_finding(rules.ANONYMOUS_ACCOUNT, "one", ("''@'%'",)), MARIADB)
    assert "  DROP USER ''@'%';" in anonymous


def test_of_many_accounts_the_first_are_named_and_the_rest_counted() -> None:
    accounts = tuple(f"'u{number}'@'%'" for number in range(MAX_ACCOUNTS + 1_203))
    told = find_fix(posture_finding(rules.ACCOUNTS_WITHOUT_TLS, "many", accounts), MARIADB)
    assert told.count("ALTER USER") == MAX_ACCOUNTS
    assert "1,203 more accounts" in told


@pytest.mark.parametrize(("version", "host", "product", "kind"), [
    ("8.4.3", "db.example.com", None, MYSQL),
    ("10.11.4-MariaDB", "db.example.com", Product("MariaDB", ""), MARIADB),
    ("8.0.36", "db.example.com", Product("Amazon RDS or Aurora for MySQL", "its certificate", "eu-west-1"), RDS),
    ("8.0.36", "db.example.com", Product("Amazon Aurora MySQL", "", "eu-west-1"), AURORA),
    ("8.0.36", "db.example.com", Product("Amazon RDS Proxy", "", "eu-west-1"), RDS_PROXY),
    ("8.0.36", "s.cluster-abc.eu-west-1.rds.amazonaws.com", None, AURORA),
    ("8.0.11 (ProxySQL)", "db.example.com", Product("ProxySQL", ""), PROXYSQL),
])  # fmt: skip
def test_the_kind_is_told_by_what_the_probe_saw(version: str, host: str, product: Product | None, kind: str) -> None:
    assert kind_of_server(version, host, product) == kind


def test_one_text_is_told_once_with_all_its_rules() -> None:
    hits = [
        posture_finding(rules.CERTIFICATE_EXPIRED, "a"), posture_finding(rules.CERTIFICATE_EXPIRES, "b"),
        posture_finding(rules.CERTIFICATE_EXPIRED, "c"),
    ]
    assert list(collect_fixes(hits, MARIADB).values()) == [["AW607", "AW608"]]


def test_names_of_accounts_are_escaped_and_commands_not_wrapped() -> None:
    hit = posture_finding(rules.ACCOUNTS_WITHOUT_TLS, "x", ("'a\x1b[31m" + "b" * 90 + "'@'%'",))
    lines = list(fix_lines([hit], MYSQL, Style(width=60)))
    assert "\x1b" not in "".join(lines)
    assert any(line.lstrip().startswith("ALTER USER") and line.endswith("REQUIRE SSL;") for line in lines)
