"""The lab: what real servers and clients say of themselves is what is read from their packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations.judge import explain
from tests.lab.truth import TRUTH, Truth, same_text, scanned, sessions, texts

# Differences from `verdict` in TRUTH.jsonl, each with its reason. (X Protocol has a test of its own.)
VERDICTS: dict[str, tuple[str, str]] = {}

# `user` of the connection is that of its last login or COM_CHANGE_USER.
USERS = {
    "change-user.pcap": "other",
    "change-user-connpy.pcap": "other",
    "connpy-change-user.pcap": "other",
    "fail-connpy-change-user.pcap": "other",
}

# The canary crossed in the clear, but in no statement.
CANARY_ELSEWHERE = {
    "load-data-local.pcap": "it is in the file's content",
    "replication-plain.pcap": "it is in the replicated events",
}

CUTS_THE_GREETING = 96  # this snaplen leaves 30 bytes of payload: neither greeting nor login is whole

MYSQL = [truth for truth in TRUTH if truth.is_mysql and not truth.is_x_protocol]
PLAINTEXT = [truth for truth in MYSQL if truth.verdict in {"plaintext", "mixed"}]
ENCRYPTED = [truth for truth in MYSQL if truth.verdict == "encrypted"]


def of_file(truth: Truth) -> str:
    return truth.file


def in_lab(truths: list[Truth]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("truth", truths, ids=of_file)


def test_the_lab_is_all_there(shared: Path) -> None:
    assert len(TRUTH) == 174
    assert all((shared / "lab" / truth.file).is_file() for truth in TRUTH)


@in_lab(MYSQL)
def test_the_verdict_is_true(truth: Truth) -> None:
    result = scanned(truth.file)
    said = explain(result)
    expected = VERDICTS.get(truth.file, (truth.verdict, ""))[0]
    if expected == "none":
        assert result.verdict in {"no-session", "not-mysql"}, said
        assert result.exit_code == 3, said
        return
    assert result.verdict == expected, said
    assert result.exit_code == {"plaintext": 1, "mixed": 1, "encrypted": 0}[expected], said


@in_lab(TRUTH)
def test_nothing_is_called_encrypted_that_was_not(truth: Truth) -> None:
    result = scanned(truth.file)
    if truth.verdict in {"plaintext", "none"}:
        assert "encrypted" not in {one.verdict for one in result.connections}, explain(result)


@in_lab([truth for truth in TRUTH if not truth.is_mysql])
def test_other_protocols_are_counted_by_name(truth: Truth) -> None:
    result = scanned(truth.file)
    names = {"http": "HTTP", "https": "TLS", "smtp": "SMTP"}
    kind = truth.file.removeprefix("wire/not-mysql-").removesuffix(".pcap")
    assert result.verdict == "not-mysql", explain(result)
    assert result.connections == [], explain(result)
    assert set(result.not_mysql) == {names[kind]}, explain(result)


@in_lab([truth for truth in TRUTH if truth.is_x_protocol])
def test_x_protocol_is_judged_by_the_same_contract(truth: Truth) -> None:
    result = scanned(truth.file)
    said = explain(result)
    assert {one.protocol for one in result.connections} == {"X Protocol"}, said
    assert (result.verdict, result.confidence) == (truth.verdict, "proven"), said
    assert result.exit_code == {"plaintext": 1, "encrypted": 0}[truth.verdict], said
    sides = [side for one in result.connections for side in (one.client_coverage, one.server_coverage)]
    assert sum(side.unknown for side in sides) == 0, said


@in_lab([truth for truth in TRUTH if truth.is_x_protocol])
def test_statements_of_x_protocol_are_those_that_the_server_logged(truth: Truth) -> None:
    """Where the server's log has what it made of a CRUD message, the client's own list has not the message."""
    result = scanned(truth.file)
    found = [one for connection in result.connections for one in connection.statements]
    if truth.verdict == "encrypted":
        assert found == [], explain(result)
        return
    texts = [one.sql.decode() for one in found if one.command == "StmtExecute" and not one.sql.startswith(b"/* mysqlx")]
    logged = [one["text"] for one in truth.line["commands"] if one["command"] == "Query"]
    said = {text for text in logged if not text.startswith("/* xplugin")}
    assert all(text in said for text in texts), texts
    assert len(texts) >= len(truth.clear_statements)
    shown = b" ".join(one.sql for one in found)
    assert (truth.line["canary"].encode() in shown) == truth.line["canary_in_clear"]
    assert {one.user for one in result.connections} == {truth.line["user"]}
    counted = [one.x for one in result.connections if one.x is not None]
    assert len(counted) == len(result.connections)
    refused = "fail" in truth.file
    assert all((one.rows > 0) != refused and (one.errors > 0) == refused for one in counted), counted
    assert {one.tls for one in counted} == {"offered"}


@in_lab(ENCRYPTED)
def test_a_whole_tls_session_is_proven_and_one_picked_up_later_is_not(truth: Truth) -> None:
    result = scanned(truth.file)
    tunnel = truth.file == "wire/tls-tunnel.pcap"  # TLS from the first byte: no greeting in the clear
    expected = "likely" if truth.is_midstream or tunnel else "proven"
    assert {one.confidence for one in sessions(result)} == {expected}, explain(result)
    if truth.is_midstream:
        assert "mid-stream" in {reason.id for one in sessions(result) for reason in one.reasons}, explain(result)
    if tunnel:
        assert "no-greeting" in {reason.id for one in sessions(result) for reason in one.reasons}, explain(result)


@in_lab(PLAINTEXT)
def test_a_session_in_the_clear_is_proven(truth: Truth) -> None:
    result = scanned(truth.file)
    assert result.confidence == "proven", explain(result)
    assert {one.confidence for one in sessions(result)} == {"proven"}, explain(result)


@in_lab(MYSQL)
def test_the_statements_are_those_that_the_server_logged(truth: Truth) -> None:
    result = scanned(truth.file)
    found = texts(result)
    expected = truth.clear_statements
    said = explain(result)
    assert len(found) == len(expected), said
    for statement, sql in zip(found, expected, strict=True):
        if truth.snaplen is None:
            assert same_text(statement.sql, sql), said
            assert statement.complete, said
        else:
            assert sql.encode().startswith(statement.sql), said
            assert len(statement.sql) >= min(len(sql), truth.snaplen - 71), said
            assert statement.complete == (statement.sql == sql.encode()), said
        assert statement.length == (len(statement.sql) if statement.complete else len(sql.encode())), said


@in_lab([truth for truth in MYSQL if truth.line["tls"] and truth.verdict in {"encrypted", "mixed"}])
def test_version_and_cipher_are_those_of_the_session(truth: Truth) -> None:
    result = scanned(truth.file)
    found = {(one.tls.version, one.tls.cipher) for one in sessions(result) if one.tls}
    if truth.is_midstream:
        assert found <= {(None, None)}, explain(result)
    else:
        assert found == {(truth.line["tls"]["version"], truth.cipher)}, explain(result)


@in_lab([truth for truth in PLAINTEXT if not truth.is_midstream and truth.snaplen != CUTS_THE_GREETING])
def test_user_and_database_are_those_of_the_login(truth: Truth) -> None:
    result = scanned(truth.file)
    clear = [one for one in sessions(result) if one.verdict == "plaintext"]
    user = USERS.get(Path(truth.file).name, truth.line["user"])
    assert {one.user for one in clear} <= {user, truth.line["user"]}, explain(result)
    assert {one.user for one in clear}, explain(result)
    if "commands" not in truth.file:
        assert {one.database or "" for one in clear} == {truth.line["database"] or ""}, explain(result)


@in_lab(ENCRYPTED)
def test_nothing_is_read_out_of_tls(truth: Truth) -> None:
    result = scanned(truth.file)
    for one in sessions(result):
        assert one.user is None, explain(result)
        assert one.statements == [], explain(result)
        assert (one.client_coverage.plaintext, one.server_coverage.plaintext) == (0, 0), explain(result)


@in_lab([truth for truth in MYSQL if truth.line["canary"]])
def test_the_canary_is_in_a_statement_where_it_crossed_in_the_clear(truth: Truth) -> None:
    result = scanned(truth.file)
    canary = truth.line["canary"].encode()
    found = any(canary in one.sql for connection in result.connections for one in connection.statements)
    if truth.line["canary_in_clear"] and Path(truth.file).name not in CANARY_ELSEWHERE:
        assert found, explain(result)
    if truth.verdict in {"encrypted", "none"}:
        assert not found, explain(result)


@in_lab(MYSQL)
def test_a_password_in_the_clear_is_a_finding_and_only_there(truth: Truth) -> None:
    result = scanned(truth.file)
    found = "AW103" in {finding.rule for finding in result.findings}
    assert found == truth.line["password_in_clear"], explain(result)


@in_lab(TRUTH)
def test_all_bytes_are_accounted_for(truth: Truth) -> None:
    result = scanned(truth.file)
    said = explain(result)
    for one in result.connections:
        for side in (one.client_coverage, one.server_coverage):
            assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen, said
            assert side.missing == 0, said
            assert (side.truncated > 0) <= (truth.snaplen is not None), said
            if one.protocol == "MySQL" and truth.snaplen is None:
                assert side.unknown == 0, said


@in_lab(MYSQL)
def test_server_version_and_thread_are_the_servers(truth: Truth) -> None:
    if truth.is_midstream or truth.file == "wire/tls-tunnel.pcap" or truth.snaplen == CUTS_THE_GREETING:
        return
    result = scanned(truth.file)
    number = truth.line["server"].split(" ", 1)[1]
    threads = {int(one) for one in truth.line["transports"] or {}}
    for one in result.connections:
        assert one.server_version is not None, explain(result)
        assert one.server_version.removeprefix("5.5.5-") == number, explain(result)
        if threads:
            assert one.thread_id in threads, explain(result)
