"""Parquet: what pyarrow and DuckDB read is what JSON says, masked unless it is revealed, in bounded row groups."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

import aurora_wire
from aurora_wire.cli import main
from aurora_wire.errors import OutputError, UsageError
from aurora_wire.report import parquet
from aurora_wire.report.tables import TABLES
from tests.conversations import mysql, sessions
from tests.conversations.tcp import pcap
from tests.report import scans

CAPTURES = sorted(
    path for path in (Path(__file__).parent.parent.parent / "captures").rglob("*.pcap*") if path.is_file()
)
NAMES = {"connections": "parquet", **{name: f"parquet:{name}" for name in ("statements", "findings", "captures")}}
Rows = list[dict[str, Any]]
Capsys = pytest.CaptureFixture[str]


def written(folder: Path, inputs: list[str], *options: str) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Return the JSON and the tables of one scan."""
    told = [f"--format={name}={folder / table}.parquet" for table, name in NAMES.items()]
    main(["scan", *inputs, *told, f"--format=json={folder / 'json'}", "--quiet", "--no-progress", "--force", *options])
    tables = {
        table: pq.read_table(folder / f"{table}.parquet").to_pylist(maps_as_pydicts="strict") for table in TABLES
    }
    return json.loads((folder / "json").read_text()), tables


def time_of(row: dict[str, Any], name: str) -> str | None:
    """Return what JSON says of a time of a row."""
    ns = row[f"{name}_ns"]
    if row[name] is None or ns is None:
        return None
    assert row[name] == datetime.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1000 % 1_000_000)
    return f"{row[name]:%Y-%m-%dT%H:%M:%S}.{ns % 1_000_000_000:09d}Z"


def check_connection(row: dict[str, Any], told: dict[str, Any], rules: list[str]) -> None:
    for name in ("id", "verdict", "confidence", "proof", "protocol", "user", "database", "auth_plugin", "thread_id",
                 "server_version", "compression", "first_frame", "last_frame", "packets", "statements_total",
                 "attributes", "commands"):
        assert row[name] == told[name], name
    for side in ("client", "server"):
        assert (row[f"{side}_address"], row[f"{side}_port"]) == (told[side]["address"], told[side]["port"])
        for name, value in told["coverage"][side].items():
            assert name == "at_least" or row[f"{side}_{name}"] == value
    for name in ("first_time", "last_time"):
        assert time_of(row, name) in (told[name], None)
    tls = told["tls"] or {}
    for name in ("version", "cipher", "sni", "resumed"):
        assert row[f"tls_{name}"] == tls.get(name)
    assert [one["id"] for one in row["reasons"]] == [one["id"] for one in told["reasons"]]
    assert [one["offset"] for one in row["reasons"]] == [one["offset"] for one in told["reasons"]]
    assert row["rows"] == told.get("results", {"rows": 0})["rows"]
    assert row["errors_total"] == told.get("errors_total", 0)
    assert row["rules"] == rules


def check_statement(row: dict[str, Any], told: dict[str, Any]) -> None:
    for name in ("command", "sql", "frame", "offset", "length", "compressed", "complete"):
        assert row[name] == told[name], name
    encoded = told.get("sql_base64")
    assert row["sql_bytes"] == (None if encoded is None else base64.b64decode(encoded))
    assert row["direction"] == told.get("direction", "client")
    assert [(p["type"], p["value"]) for p in row["parameters"]] == [(p["type"], p["value"]) for p in told["parameters"]]
    assert time_of(row, "time") in (told["time"], None)
    answer = told.get("result")
    assert row["answered"] == (answer is not None)
    if answer is not None:
        for name in ("rows", "bytes", "affected", "warnings", "ms"):
            assert row[name] == answer[name], name
        assert [one["name"] for one in row["columns"]] == [one["name"] for one in answer["columns"]]
        assert row["error_code"] == (None if answer["error"] is None else answer["error"]["code"])
        assert row["error_text"] == (None if answer["error"] is None else answer["error"]["text"])
    assert [(one["class"], one["count"]) for one in row["leaked"] or []] == [
        (one["class"], one["count"]) for one in told.get("leaked", [])
    ]


def statements_of(told: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for connection in told["connections"]:
        for one in connection["statements"]:
            yield connection["id"], "clear", one
        for one in ((connection["tls"] or {}).get("decrypted") or {}).get("statements", ()):
            yield connection["id"], "TLS", one


def check(told: dict[str, Any], tables: dict[str, Rows]) -> None:
    """Hold the tables of a scan against its JSON."""
    rules: dict[int, list[str]] = {}
    for one in sorted(told["findings"], key=lambda one: one["rule"]):
        rules.setdefault(one["connection"], []).append(one["rule"])
    rows = sorted(tables["connections"], key=lambda row: row["id"])
    assert len(rows) == len(told["connections"])
    for row, connection in zip(rows, told["connections"], strict=True):
        row["rules"] = sorted(row["rules"])
        check_connection(row, connection, sorted(dict.fromkeys(rules.get(connection["id"], []))))

    def place(row: dict[str, Any]) -> tuple[object, ...]:
        return row["connection"], row["crossed"], row["frame"], row["offset"]

    expected = sorted(statements_of(told), key=lambda one: (one[0], one[1], one[2]["frame"], one[2]["offset"]))
    found = sorted(tables["statements"], key=place)
    assert [(row["connection"], row["crossed"]) for row in found] == [one[:2] for one in expected]
    for row, (_, _, statement) in zip(found, expected, strict=True):
        check_statement(row, statement)

    def key(one: dict[str, Any]) -> tuple[object, ...]:
        return one["rule"], one["connection"] or 0, one["frame"] or 0, one["offset"] or 0, one["detail"]

    assert sorted(map(key, tables["findings"])) == sorted(map(key, told["findings"]))
    assert [row["capture"] for row in tables["captures"]] == [one["path"] for one in told["captures"]]
    for row, capture in zip(tables["captures"], told["captures"], strict=True):
        for name in ("sha256", "packets", "bytes", "complete", "error", "verdict", "skipped", "link_types"):
            assert row[name] == capture[name]


def test_tables_say_what_json_says_of_the_shipped_captures_and_a_broken_one(tmp_path: Path, capsys: Capsys) -> None:
    assert CAPTURES
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(CAPTURES[0].read_bytes()[:-3])
    told, tables = written(tmp_path, [*map(str, CAPTURES), str(broken)], "--reveal")
    capsys.readouterr()
    check(told, tables)
    assert [row["complete"] for row in tables["captures"]].count(False) == 1
    for row in tables["statements"]:
        at = next(one for one in told["captures"] if one["path"] == row["capture"])
        assert 1 <= row["capture_frame"] <= at["packets"]


def test_no_column_is_without_a_meaning_and_files_tell_them() -> None:
    for name, columns in TABLES.items():
        schema = parquet.arrow_schema(columns)
        assert len(set(schema.names)) == len(schema.names), name
        assert all(schema.field(column.name).metadata[b"description"].decode() == column.about for column in columns)
        assert schema.metadata[b"aurora_wire.schema"] == b"aurora-wire/tables/1"


def secret_capture(folder: Path) -> Path:
    steps = sessions.changed(
        sessions.plaintext(sql=b"INSERT INTO t VALUES ('Canary-4711')"), login=mysql.login(user=b"herbert")
    )
    path = folder / "secret.pcap"
    path.write_bytes(pcap(sessions.play(steps).packets))
    return path


def test_values_and_users_are_masked_unless_they_are_to_be_revealed(tmp_path: Path, capsys: Capsys) -> None:
    path = secret_capture(tmp_path)
    _, masked = written(tmp_path, [str(path)])
    shown = [row["sql"] for row in masked["statements"]], [row["user"] for row in masked["connections"]]
    assert "Canary-4711" not in str(masked)
    assert "herbert" not in str(masked)
    main(["scan", str(path), "--format=csv", "--quiet"])
    assert f'"{shown[1][0]}"' in capsys.readouterr().out    # the same token as in other reports
    _, revealed = written(tmp_path, [str(path)], "--reveal")
    assert revealed["statements"][0]["sql"] == "INSERT INTO t VALUES ('Canary-4711')"
    assert revealed["connections"][0]["user"] == "herbert"
    assert len(shown[0][0]) == len(revealed["statements"][0]["sql"])


def test_tables_are_the_same_by_several_processes(tmp_path: Path) -> None:
    paths = [str(path) for path in CAPTURES[:8]]

    def tables(jobs: int) -> list[Rows]:
        told = [f"--format={NAMES[name]}={tmp_path / name}" for name in ("connections", "findings", "captures")]
        main(["scan", *paths, *told, "--quiet", "--no-progress", "--force", f"--jobs={jobs}"])
        return [pq.read_table(tmp_path / name).to_pylist() for name in ("connections", "findings", "captures")]

    assert tables(2) == tables(1)


def test_what_comes_through_a_pipe_is_masked_with_stars(tmp_path: Path) -> None:
    path = secret_capture(tmp_path)
    out = tmp_path / "out.parquet"
    command = [sys.executable, "-m", "aurora_wire", "scan", "-", f"--format=parquet:statements={out}", "--quiet"]
    assert subprocess.run(command, input=path.read_bytes(), capture_output=True, check=False).returncode == 1
    assert pq.read_table(out).column("sql").to_pylist()[:1] == ["INSERT INTO t VALUES ('***********')"]


def test_duckdb_joins_the_tables(tmp_path: Path) -> None:
    written(tmp_path, [str(secret_capture(tmp_path))], "--reveal")
    query = (
        f"SELECT c.user, s.sql, f.rule FROM '{tmp_path}/connections.parquet' c"
        f" JOIN '{tmp_path}/statements.parquet' s ON s.connection = c.id"
        f" JOIN '{tmp_path}/findings.parquet' f ON f.connection = c.id "
        " WHERE c.verdict = 'plaintext' AND f.rule = 'AW101' ORDER BY s.frame LIMIT 1"
    )
    assert duckdb.sql(query).fetchall() == [("herbert", "INSERT INTO t VALUES ('Canary-4711')", "AW101")]


def test_row_groups_are_bounded_in_rows_and_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table"
    with path.open("wb") as file:
        table = parquet.Table(TABLES["findings"], file.write)
        row = ("AW101", "high", "t", 1, 1, 0, "d" * 1000, None, None, "c", 1)
        for _ in range(45_000):
            table.add(row, 1000)
        table.close({"verdict": "plaintext"})
    read = pq.ParquetFile(path)
    rows = [read.metadata.row_group(at).num_rows for at in range(read.num_row_groups)]
    assert sum(rows) == 45_000
    assert max(rows) <= parquet.GROUP_BYTES // 1000
    assert read.metadata.metadata[b"aurora_wire.verdict"] == b"plaintext"


def test_more_statements_than_a_result_keeps_are_all_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurora_wire.cli.scan.statements_for", lambda arguments: 1)
    told, tables = written(tmp_path, [str(secret_capture(tmp_path))], "--reveal")
    assert len(told["connections"][0]["statements"]) == 1
    assert len(tables["statements"]) == told["connections"][0]["statements_total"] == 2


@pytest.mark.parametrize("name", ["leaky", "undated", "hostile"])
def test_a_scan_from_python_is_written_with_one_call(tmp_path: Path, name: str) -> None:
    scan = getattr(scans, name)()
    for table in TABLES:
        aurora_wire.write_table(scan, table, tmp_path / table)
    rows = pq.read_table(tmp_path / "connections").to_pylist()
    assert [row["id"] for row in rows] == [one.id for one in scan.connections]
    if name == "undated":
        assert all(row["first_time"] is None for row in rows)
    with pytest.raises(UsageError, match="no text"):
        aurora_wire.render(scan, "parquet")


def test_a_file_that_is_there_stays_and_half_a_one_never_comes(tmp_path: Path, capsys: Capsys) -> None:
    path = secret_capture(tmp_path)
    out = tmp_path / "out.parquet"
    out.write_bytes(b"mine")
    assert main(["scan", str(path), f"--format=parquet={out}"]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert main(["scan", str(tmp_path / "nothing.pcap"), f"--format=parquet={out}", "--force"]) == 2
    assert out.read_bytes() == b"mine"
    assert main(["scan", str(path), f"--format=parquet={out}", "--force"]) == 1
    assert pq.read_table(out).num_rows == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.parquet", "secret.pcap"]


def test_a_full_disk_is_one_line(tmp_path: Path, capsys: Capsys) -> None:
    assert main(["scan", str(secret_capture(tmp_path)), "--format=parquet=/dev/full"]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failed_write_is_not_tried_again() -> None:
    calls = []

    def write(data: bytes) -> None:
        calls.append(len(data))
        raise OutputError("full")

    with pytest.raises(OutputError, match="full"):
        parquet.Table(TABLES["findings"], write).close({})
    assert len(calls) == 1


def test_without_pyarrow_the_command_that_installs_it_is_named_before_anything_is_read(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["scan", "nothing-there.pcap", f"--format=parquet={tmp_path / 'out'}"]) == 2
    assert "pip install 'aurora_wire[parquet]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
