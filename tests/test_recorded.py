"""The recordings of real clients that the project ships: judged again from the files alone, they say what was so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aurora_wire import scan

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
FOLDERS = ("mariadb", "mysql", "mariadb-without-tls")
MAX_SIZE = 5 << 20  # bytes, of all that is shipped


def truths(folder: str) -> list[tuple[Path, dict[str, Any]]]:
    paths = sorted((CAPTURES / folder).glob("*.pcapng"))
    return [(path, json.loads(path.with_suffix(".json").read_text())) for path in paths]


def test_all_captures_are_small_together() -> None:
    assert sum(path.stat().st_size for path in CAPTURES.rglob("*") if path.is_file()) < MAX_SIZE


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_recording_has_its_truth_and_gets_the_same_verdict_from_the_file_alone(folder: str) -> None:
    found = truths(folder)
    assert len(found) >= 10
    for path, truth in found:
        result = scan([path])
        (connection,) = [one for one in result.connections if one.thread_id == truth["connection_id"]] or (
            result.connections[-1:]
        )
        canary = truth["canary"].encode()
        with_canary = [one for one in connection.statements if canary in one.sql]
        assert connection.verdict == truth["verdict"], path
        assert bool(with_canary) == (truth["result"] == "plaintext"), path
        if truth["confidence"] == "proven":
            assert connection.confidence == "proven", path
        if truth["verdict"] == "encrypted":
            assert canary not in path.read_bytes()
            assert connection.tls is not None
            assert connection.tls.version == truth["session"]["tls_version"]
        if truth["connection_id"]:
            assert connection.thread_id == truth["connection_id"]
            assert connection.server_version == truth["server"]["version"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_statements_decoded_in_the_clear_are_those_that_were_issued(folder: str) -> None:
    for path, truth in truths(folder):
        if truth["result"] != "plaintext":
            continue
        decoded = [one.sql.decode() for connection in scan([path]).connections for one in connection.statements]
        for sql in truth["sql"]:
            # Drivers put in values themselves, and say the text before or after that.
            assert any(sql == one or sql.split("?")[0].split("%s")[0] in one for one in decoded), (path, sql)


def test_no_recording_holds_keys() -> None:
    for path in CAPTURES.rglob("*.pcapng"):
        assert b"CLIENT_TRAFFIC_SECRET" not in path.read_bytes()
        assert b"CLIENT_RANDOM" not in path.read_bytes()


def test_the_matrices_are_complete() -> None:
    for folder in FOLDERS:
        matrix = json.loads((CAPTURES / folder / "matrix.json").read_text())
        assert len(matrix["cells"]) == len(matrix["clients"]) * len(matrix["modes"])
        assert {cell["result"] for cell in matrix["cells"]} <= {"plaintext", "TLS", "refused", "declined"}
        assert all(cell["session"]["agreement"] == "same session" for cell in matrix["cells"] if not cell["error"])
