"""DeepFlow's captures, against what its agent prints: texts, logins and the values of EXECUTE."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conversations.judge import explain
from tests.corpus.logs import CORPUS, files, scanned, statements

KINDS = {3: "COM_QUERY", 22: "COM_STMT_PREPARE"}
LOGS = files("deepflow/*.expected.txt")


def rows(log: str) -> list[dict[str, Any]]:
    decode = json.JSONDecoder().raw_decode
    return [decode(line)[0] for line in (CORPUS / log).read_text(encoding="utf-8").splitlines() if line.strip()]


def requests(log: str, *kinds: int) -> list[dict[str, Any]]:
    return [row for row in rows(log) if row["msg_type"] == "Request" and row["request_type"] in kinds]


def capture_of(log: str) -> str:
    return log.replace(".expected.txt", ".pcap")


def test_each_capture_has_its_log_or_is_known_to_have_none() -> None:
    assert {capture_of(log) for log in LOGS} == set(files("deepflow/*.pcap"))


@pytest.mark.parametrize("log", LOGS)
def test_all_of_it_is_plaintext_and_proven(log: str) -> None:
    result = scanned(capture_of(log))
    said = explain(result)
    assert (result.verdict, result.confidence, result.exit_code) == ("plaintext", "proven", 1), said


@pytest.mark.parametrize("log", LOGS)
def test_the_texts_are_those_of_the_agent(log: str) -> None:
    result = scanned(capture_of(log))
    found = [(one.command, one.sql) for one in statements(result, *KINDS.values())]
    expected = [(KINDS[row["request_type"]], row["request_resource"]) for row in requests(log, *KINDS)]
    said = explain(result)
    assert [command for command, _ in found] == [command for command, _ in expected], said
    for (_, ours), (_, theirs) in zip(found, expected, strict=True):
        assert same(ours, theirs), (ours, theirs)


def same(ours: bytes, theirs: str) -> bool:
    """The agent prints bytes that are no UTF-8 as replacement characters, and cuts long texts."""
    text = ours.decode("utf-8", "replace")
    return text == theirs or (len(theirs) > 500 and text.startswith(theirs))


@pytest.mark.parametrize("log", [log for log in LOGS if requests(log, 23)])
def test_the_values_of_execute_are_those_of_the_agent(log: str) -> None:
    result = scanned(capture_of(log))
    said = explain(result)
    found = [[value.value for value in one.parameters] for one in statements(result, "COM_STMT_EXECUTE")]
    expected = [values(row["request_resource"]) for row in requests(log, 23)]
    assert len(found) == len(expected), said
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[: len(theirs)] == theirs, said


def values(printed: str) -> list[bytes]:
    """`LongLong(5) , text` as literals."""
    out = []
    for one in printed.split(" , "):
        number = re.fullmatch(r"(?:LongLong|Long|Short|Tiny|Int24)\((-?\d+)\)", one.strip())
        out.append(number[1].encode() if number else b"'" + one.strip().encode() + b"'")
    return out


@pytest.mark.parametrize("log", [log for log in LOGS if requests(log, 0)])
def test_user_and_database_are_those_of_the_agent(log: str) -> None:
    result = scanned(capture_of(log))
    found = {(one.user, one.database) for one in result.connections}
    for row in requests(log, 0):
        hit = re.fullmatch(r"Login username: (\S+)(?: db: (\S+))?", row["request_resource"])
        assert hit is not None
        assert hit[1] in {user for user, _ in found}, explain(result)
        if hit[2]:
            assert hit[2] in {database for _, database in found}, explain(result)
