"""The recordings in captures/depth: what is read out of each file is what its client was given, and what it sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.result import ConnectionResult, Scan, StatementResult
from tests.test_recorded import CAPTURES

FOLDER = CAPTURES / "depth"
NAMES = sorted(path.stem for path in FOLDER.glob("*.pcapng"))


def truth_of(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return truth


def scanned(name: str) -> tuple[dict[str, Any], Scan]:
    truth = truth_of(name)
    return truth, aurora_wire.scan([FOLDER / f"{name}.pcapng"], aurora_wire.ScanOptions([truth["port"]], keep_rows=10))


def named(feature: str) -> list[str]:
    found = [name for name in NAMES if feature in truth_of(name)]
    assert found
    return found


def only(scan: Scan) -> ConnectionResult:
    (connection,) = scan.connections
    return connection


@pytest.mark.parametrize("name", NAMES)
def test_each_session_is_plaintext_and_decoded_whole(name: str) -> None:
    truth, scan = scanned(name)
    assert (scan.verdict, scan.confidence) == ("plaintext", "proven")
    for connection in scan.connections:
        for side in (connection.client_coverage, connection.server_coverage):
            assert (side.unknown, side.missing) == (0, 0)
    if "protocol" in truth:
        assert only(scan).protocol == truth["protocol"]


@pytest.mark.parametrize("name", named("statements"))
def test_each_statement_has_the_result_that_its_client_was_given(name: str) -> None:
    truth, scan = scanned(name)
    crossed = list(only(scan).statements)
    for told in truth["statements"]:
        found = take(crossed, told)
        assert found.result is not None, told
        result = found.result
        if "columns" in told:
            assert [one.name for one in result.columns] == told["columns"]
        if "rows" in told:
            assert result.rows == told["rows"]
        if "values" in told:
            shown = [[one if one is None else one.decode("latin-1") for one in row] for row in result.parts[0].values]
            assert shown == told["values"]
        for key in ("affected", "warnings"):
            if key in told:
                assert getattr(result, key) == told[key]
        assert (result.error.code if result.error is not None else None) == told.get("error")
        assert result.ms is not None
        assert result.complete


def take(statements: list[StatementResult], told: dict[str, Any]) -> StatementResult:
    """Return the first that reads so, and drop those before it: they come in order."""
    while statements:
        one = statements.pop(0)
        if one.sql.decode() == told["sql"] and told.get("command", one.command) == one.command:
            return one
    raise AssertionError(told)


@pytest.mark.parametrize("name", named("replica"))
def test_a_replica_is_named_with_what_it_was_sent(name: str) -> None:
    truth, scan = scanned(name)
    connection = only(scan)
    found = connection.replication
    assert found is not None
    replica = truth["replica"]
    assert (found.server_id, found.host, found.user) == (replica["server_id"], replica["host"], replica["user"])
    tables = {f"{one.schema}.{one.table}": vars_of(one) for one in found.tables}
    assert tables == truth["tables"]
    assert {"AW112", "AW117"} <= {one.rule for one in scan.findings}
    assert any(b"INSERT INTO people" in one.sql for one in connection.statements) == ("mariadb" in name)


def vars_of(table: Any) -> dict[str, int]:
    return {key: getattr(table, key) for key in ("inserted", "updated", "deleted")}


@pytest.mark.parametrize("name", named("file"))
def test_a_file_of_the_client_is_named_with_what_crossed_of_it(name: str) -> None:
    truth, scan = scanned(name)
    (file,) = only(scan).files
    assert (file.path, file.bytes, file.outcome) == (truth["file"]["name"], truth["file"]["bytes"], "sent")


@pytest.mark.parametrize("name", named("secrets"))
def test_passwords_in_statements_are_found_and_not_shown(name: str) -> None:
    truth, scan = scanned(name)
    assert [one.rule for one in scan.findings].count("AW113") >= 1
    shown = "".join(aurora_wire.render(scan, "json"))
    for secret in truth["secrets"]:
        assert secret.encode() in (FOLDER / f"{name}.pcapng").read_bytes()
        assert secret not in shown
    assert only(scan).user == truth["user"]


@pytest.mark.parametrize("name", named("refusal"))
def test_an_error_in_place_of_a_greeting_is_told(name: str) -> None:
    truth, scan = scanned(name)
    refusals = [one.refusal for one in scan.connections if one.refusal is not None]
    assert [one.code for one in refusals] == [truth["refusal"]]


@pytest.mark.parametrize("name", named("compressed"))
def test_compressed_statements_are_read(name: str) -> None:
    truth, scan = scanned(name)
    algorithm = "zstd" if "zstd" in truth["compressed"] else "zlib"
    assert only(scan).compression == algorithm
    assert "4111111111111111" in "".join(render(scan, "json", ReportOptions(reveal=True)))


@pytest.mark.parametrize("name", named("clone"))
def test_a_clone_is_told_with_what_its_donor_is(name: str) -> None:
    truth, scan = scanned(name)
    copied, other = (connection.clone for connection in scan.connections)
    assert copied is not None
    assert other is not None
    assert sorted(copied.plugins) == sorted(truth["clone"]["plugins"])
    assert 0 < copied.bytes < truth["clone"]["network"]
    assert (copied.settings, copied.error, copied.complete, other.bytes) == (9, None, False, 0)
    assert [one.connection for one in scan.findings if one.rule == "AW118"] == [1, 2]
