"""What a server says in place of a session, and what else it gives away: code, text, kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.redact.masker import Masker
from aurora_wire.report.formats import ReportOptions, render
from tests.conversations import Step, mysql, play
from tests.conversations.judge import scan_of
from tests.conversations.sessions import plaintext, until


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("early-1040", 1040, "Too many connections"),
        ("early-1130", 1130, "Host '10.0.0.5' is not allowed to connect to this MySQL server"),
        ("errors-1129-mysql9", 1158, "Got an error reading communication packets"),
    ],
)
def test_an_error_before_a_login_is_told(shared: Path, name: str, code: int, text: str) -> None:
    scan = aurora_wire.scan([shared / "field" / f"depth-{name}.pcap"])
    found = [one.refusal for one in scan.connections if one.refusal is not None]
    assert {(one.code, one.text, one.early) for one in found} == {(code, text, True)}
    shown = "".join(render(scan, "text", ReportOptions(width=400)))
    assert f"error {code} before a login: {text}" in shown
    said = json.loads("".join(render(scan, "json")))["connections"][0]["refusal"]
    assert (said["code"], said["text"], said["early"]) == (code, text, True)


def refused() -> list[Step]:
    denied = mysql.err(1045, b"Access denied for user 'app'@'10.0.0.5' (using password: YES)")
    return [*until(plaintext(), "login"), Step("refused", "server", denied)]


def test_a_refused_login_is_told_and_masked_where_asked(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, play(refused()))
    one = scan.connections[0].refusal
    assert one is not None
    assert (one.code, one.sqlstate, one.early) == (1045, "HY000", False)
    assert "error 1045 to the login" in "".join(render(scan, "text"))
    for form in ("text", "json"):
        assert "'app'@" not in "".join(render(scan, form, ReportOptions(redact=True)))


def test_a_masked_result_quotes_no_user_of_a_refusal(tmp_path: Path) -> None:
    """Bundles and pages are made of it."""
    masked = Masker(bytes(32)).scan(scan_of(tmp_path, play(refused())))
    for form in ("text", "json"):
        shown = "".join(render(masked, form))
        assert "Access denied for user" in shown
        assert "'app'" not in shown
        assert "10.0.0.5'" not in shown


def test_a_session_has_no_refusal(tmp_path: Path) -> None:
    assert scan_of(tmp_path, play(plaintext())).connections[0].refusal is None


@pytest.mark.parametrize(
    ("name", "kind"), [("mariadb-10.11/pymysql-plain", "MariaDB"), ("mysql-9.7/connpy-plain", "MySQL")]
)
def test_the_kind_of_server_is_told_with_what_gave_it_away(shared: Path, name: str, kind: str) -> None:
    scan = aurora_wire.scan([shared / "lab" / f"{name}.pcap"])
    said = json.loads("".join(render(scan, "json")))["connections"][0]["server_kind"]
    assert (said["name"], said["by"]) == (kind, "version")
    assert said["product"].startswith(kind)
    assert said["why"].startswith("the version ")


def test_a_file_that_was_asked_for_is_told_with_the_statement(shared: Path) -> None:
    scan = aurora_wire.scan([shared / "field" / "depth-infile-rogue.pcap"])
    assert [(one.path, one.statement) for one in scan.connections[0].files] == [("/etc/passwd", b"SELECT 1")]
    two = aurora_wire.scan([shared / "field" / "depth-infile-two-maria10.pcap"])
    assert all(b"LOAD DATA LOCAL" in (one.statement or b"") for one in two.connections[0].files)
