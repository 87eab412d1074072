"""Zeek's captures, against what Zeek's analyzers log of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conversations.judge import explain
from tests.corpus.logs import CORPUS, files, scanned, statements, zeek_log

COMMANDS = {
    "query": "COM_QUERY",
    "init_db": "COM_INIT_DB",
    "field_list": "COM_FIELD_LIST",
    "ping": "COM_PING",
    "quit": "COM_QUIT",
    "change_user": "COM_CHANGE_USER",
    "statistics": "COM_STATISTICS",
}
CLEAR = [name for name in files("zeek/*.expected.mysql.log") if zeek_log(CORPUS / name)]
TLS = files("zeek/*.expected.ssl.log")

# Zeek logs the user of each login and COM_CHANGE_USER; a connection has one of them.
# Its `success` and `rows` of an answer are not compared: this tool judges what was readable.


def capture_of(log: str) -> str:
    return log.split(".expected", maxsplit=1)[0] + ".pcap"


def test_the_corpus_is_all_there(shared: Path) -> None:
    assert len(CLEAR) == 8
    assert len(TLS) == 2
    assert (shared / "corpus" / "INDEX.md").is_file()


def by_connection(log: str) -> dict[tuple[str, int], list[tuple[str, str]]]:
    """(cmd, arg) in order, for each client address and port."""
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for row in zeek_log(CORPUS / log):
        key = (row["id.orig_h"], int(row["id.orig_p"]))
        found.setdefault(key, []).append((row["cmd"], row["arg"]))
    return found


@pytest.mark.parametrize("log", CLEAR)
def test_queries_and_logins_are_those_of_zeek(log: str) -> None:
    result = scanned(capture_of(log))
    said = explain(result)
    ours = {(one.client.address, one.client.port): one for one in result.connections}
    expected = by_connection(log)
    assert set(expected) <= set(ours), said
    for key, rows in expected.items():
        one = ours[key]
        assert one.verdict == "plaintext", said
        assert one.confidence == "proven", said
        users = [arg for cmd, arg in rows if cmd in {"login", "change_user"}]
        if users:
            assert one.user in users, said
        queries = [arg.encode("latin-1") for cmd, arg in rows if cmd == "query"]
        assert [text.sql for text in one.statements if text.command == "COM_QUERY"] == queries, said
        counted = Counter(COMMANDS[cmd] for cmd, _ in rows if cmd != "login")
        assert {name: one.commands.get(name, 0) for name in counted} == dict(counted), said
        schemas = [arg.encode() for cmd, arg in rows if cmd == "init_db"]
        assert [text.sql for text in one.statements if text.command == "COM_INIT_DB"] in (schemas, []), said


@pytest.mark.parametrize("log", CLEAR)
def test_connections_that_zeek_does_not_log_had_no_login(log: str) -> None:
    result = scanned(capture_of(log))
    known = set(by_connection(log))
    for one in result.connections:
        if (one.client.address, one.client.port) not in known:
            assert one.verdict == "no-session", explain(result)


@pytest.mark.parametrize("log", TLS)
def test_version_and_cipher_are_those_of_zeek(log: str) -> None:
    result = scanned(capture_of(log))
    said = explain(result)
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "proven", 0), said
    for row, one in zip(zeek_log(CORPUS / log), result.connections, strict=True):
        assert one.tls is not None, said
        assert one.tls.version == row["version"].replace("TLSv1", "TLSv1."), said
        assert one.tls.cipher == row["cipher"], said
        assert one.tls.resumed == (row["resumed"] == "T"), said
        assert (one.tls.sni or "-") == row["server_name"], said
        assert statements(result) == [], said
