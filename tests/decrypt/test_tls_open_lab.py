"""The lab's TLS captures, opened with the key logs beside them: what was inside is what the servers logged."""

from __future__ import annotations

import functools

import pytest

import aurora_wire
from aurora_wire.report import scan_json as json_report
from aurora_wire.report.text import report as text
from aurora_wire.verdict.result import ConnectionResult, DecryptionResult, Scan
from tests.conversations.judge import explain
from tests.decrypt.openings import need_cryptography
from tests.lab.truth import LAB, TEXTS, TRUTH, Truth, same_text
from tests.tshark import printed

pytestmark = pytest.mark.usefixtures("shared")

need_cryptography()

KEYED = [truth for truth in TRUTH if truth.line["keys"] and not truth.is_x_protocol]
MYSQL = [truth for truth in KEYED if truth.is_mysql]
WHOLE = [truth for truth in MYSQL if not truth.is_midstream]
SAID = [truth for truth in WHOLE if truth.line["statements"]]

# MySQL prepares a statement a second time by itself when its parameters' types become known, and logs that.
PREPARED_TWICE = {"mysql-9.7/connpy-types-tls.pcap"}


def of_lab(truths: list[Truth]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("truth", truths, ids=lambda truth: truth.file)


@functools.cache
def decrypted(file: str) -> Scan:
    truth = next(one for one in TRUTH if one.file == file)
    ports = (3306, 33060, truth.port) if truth.is_mysql else (3306, 33060)
    return aurora_wire.scan([LAB / file], aurora_wire.ScanOptions(ports, keylogs=[LAB / truth.line["keys"]]))


def over_tls(result: Scan) -> list[tuple[ConnectionResult, DecryptionResult]]:
    found = ((one, None if one.tls is None else one.tls.decrypted) for one in result.connections)
    return [(one, decrypted) for one, decrypted in found if decrypted is not None]


def sealed_texts(truth: Truth) -> list[str]:
    """What the server logged of the sessions over TLS."""
    texts = list(truth.line["statements"])
    if truth.verdict == "mixed":
        texts = [
            command["text"]
            for command in truth.line["commands"]
            if command["command"] in {"Query", "Prepare"}
            and truth.line["transports"][str(command["connection"])] != "clear"
        ]
    if truth.file in PREPARED_TWICE:
        texts = texts[:3] + texts[3:9:2] + texts[9:]
    if texts and texts[0] == "select @@version_comment limit 1" and truth.line["client"].startswith("mysql "):
        if truth.line["server"].startswith("MySQL"):
            texts.insert(1, "select $$")  # refused before it is logged
    return texts


def test_the_key_logs_are_there(shared: object) -> None:
    assert len(KEYED) == 58
    assert len(SAID) > 40


@of_lab(SAID)
def test_the_statements_inside_are_those_that_the_server_logged(truth: Truth) -> None:
    result = decrypted(truth.file)
    found = [one for _, inside in over_tls(result) for one in inside.statements if one.command in TEXTS]
    found.sort(key=lambda one: (one.frame, one.offset))
    expected = sealed_texts(truth)
    assert len(found) == len(expected), [one.sql for one in found]
    for statement, sql in zip(found, expected, strict=True):
        assert same_text(statement.sql, sql)
        assert statement.complete


@of_lab(SAID)
def test_the_canary_is_inside_and_not_among_what_crossed_in_the_clear(truth: Truth) -> None:
    result = decrypted(truth.file)
    canary = truth.line["canary"].encode()
    sealed = canary + b"-sealed" if truth.verdict == "mixed" else canary
    assert any(sealed in one.sql for _, inside in over_tls(result) for one in inside.statements), explain(result)
    for connection in result.connections:
        assert not any(sealed in one.sql for one in connection.statements), explain(result)


@of_lab(SAID)
def test_the_proof_is_the_key_logs(truth: Truth) -> None:
    result = decrypted(truth.file)
    for connection, inside in over_tls(result):
        assert (inside.failed, inside.cut, inside.without_keys, inside.not_decrypted) == (0, 0, 0, None)
        assert (inside.user, inside.protocol) == (truth.line["user"], "MySQL")
        assert (connection.verdict, connection.confidence, connection.proof) == ("encrypted", "proven", "key log")
        assert (connection.user, connection.statements_total) == (None, 0)


@of_lab([truth for truth in WHOLE if truth.verdict == "none"])
def test_a_handshake_that_was_refused_has_no_session_inside(truth: Truth) -> None:
    result = decrypted(truth.file)
    assert result.verdict == "no-session", explain(result)
    for _, inside in over_tls(result):
        assert (inside.statements_total, inside.user, inside.failed) == (0, None, 0)


@of_lab([truth for truth in MYSQL if truth.is_midstream])
def test_a_session_picked_up_later_is_not_opened_and_says_why(truth: Truth) -> None:
    result = decrypted(truth.file)
    ((connection, inside),) = over_tls(result)
    assert inside.records == 0
    assert "no ClientHello was captured" in str(inside.not_decrypted)
    assert (connection.confidence, connection.proof) == ("likely", "structure")


def test_the_tunnel_is_mysql_on_any_port() -> None:
    truth = next(one for one in TRUTH if one.file == "wire/tls-tunnel.pcap")
    result = aurora_wire.scan([LAB / truth.file], aurora_wire.ScanOptions(keylogs=[LAB / truth.line["keys"]]))
    ((connection, inside),) = over_tls(result)
    assert connection.server.port == truth.port
    assert (connection.verdict, connection.confidence, connection.proof) == ("encrypted", "proven", "key log")
    assert inside.server_version is not None
    assert aurora_wire.scan([LAB / truth.file]).verdict == "not-mysql"


def test_https_is_no_mysql_with_its_keys_either() -> None:
    result = decrypted("wire/not-mysql-https.pcap")
    assert (result.verdict, result.not_mysql, result.connections) == ("not-mysql", {"TLS": 1}, [])


@of_lab([truth for truth in SAID if any(name in truth.file for name in ("connpy-default", "tls12", "cli-default"))])
def test_tshark_finds_the_same_statements_in_the_same_frames(truth: Truth) -> None:
    keys = LAB / truth.line["keys"]
    said = printed(
        LAB / truth.file, "-o", f"tls.keylog_file:{keys}", "-d", f"tcp.port=={truth.port},mysql", "-Y", "mysql.query",
        "-T", "fields", "-e", "frame.number", "-e", "mysql.query", also_read=(keys,),
    ).decode()  # fmt: skip
    expected = [tuple(line.split("\t", 1)) for line in said.splitlines()]
    found = [
        (str(one.frame), one.sql.decode())
        for _, inside in over_tls(decrypted(truth.file))
        for one in inside.statements
        if one.command == "COM_QUERY"
    ]
    assert expected
    assert found == expected


@of_lab(SAID[:12])
def test_no_report_holds_a_secret(truth: Truth) -> None:
    result = decrypted(truth.file)
    shown = "".join(json_report.render(result)) + "".join(text.render(result))
    lines = (LAB / truth.line["keys"]).read_text().splitlines()
    secrets = [line.split()[2] for line in lines if line and not line.startswith("#")]
    assert secrets
    for secret in secrets:
        assert secret.lower() not in shown.lower()
        assert repr(bytes.fromhex(secret))[2:-1] not in shown
