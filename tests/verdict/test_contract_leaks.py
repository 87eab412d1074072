"""Cells `plaintext` and `mixed` of "Of a connection" in the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play
from tests.conversations.judge import Row, check, explain, scan_of
from tests.conversations.sessions import (
    SECRET,
    Step,
    compressed,
    inserted,
    opening,
    payload_of,
    plaintext,
    since,
    tls12,
    tls13,
    until,
    without,
)
from tests.conversations.tcp import Packet, Sender

SELECT = b"SELECT id, body FROM notes"
ANY = ("proven", "likely")
ON_9999 = ("10.0.0.9", 9999)


def of_one(steps: list[Step], sender: Sender, *, syn: bool = True) -> list[Packet]:
    return [packet for packet in play(steps, syn=syn).packets if packet.sender == sender]


# -- plaintext


def refused() -> list[Step]:
    return [
        *until(plaintext(), "login"),
        Step("refused", "server", mysql.err(1045, b"Access denied for user 'app'")),
    ]


def old() -> list[Step]:
    """A server and a client of before 4.1."""
    return [
        Step("greeting", "server", mysql.greeting_v9()),
        Step("login", "client", mysql.login_320()),
        Step("login-ok", "server", mysql.packet(2, b"\0\0\0")),
        Step("query", "client", mysql.query(SECRET)),
    ]


def prepared() -> list[Step]:
    return [
        *until(plaintext(), "login-ok"),
        Step("prepare", "client", mysql.prepare(b"INSERT INTO notes VALUES (?, ?)")),
        Step("prepare-ok", "server", mysql.prepare_ok(1, 2)),
        Step("execute", "client", mysql.execute(1, [7, b"Canary"])),
        Step("execute-ok", "server", mysql.ok(1, affected=1)),
    ]


def declined() -> list[Step]:
    """SSLRequest, and then a login in the clear: TLS was announced and not done."""
    return [*opening(), Step("login", "client", mysql.login(seq=2)), *since(plaintext(), "login-ok")]


def long_query(size: int = 6000) -> bytes:
    return mysql.query(b"INSERT INTO notes (body) VALUES ('" + b"abcdefghij " * (size // 11) + b"')")


def fragment() -> Conversation:
    """Picked up inside a long statement: only its later part, and the answer."""
    talk = Conversation()
    talk.client(long_query(), lost=(0, 1))
    talk.server(mysql.ok(1, affected=1))
    talk.ack("client")
    return talk


PLAINTEXT = [
    Row(
        "a session in the clear",
        lambda: play(plaintext()),
        "plaintext",
        statements=[SECRET, SELECT],
        findings=("AW101", "AW102", "AW201"),
        protocol="MySQL",
    ),
    Row(
        "a session in the clear with a server that offers no TLS",
        lambda: play(plaintext(ssl=False)),
        "plaintext",
        statements=[SECRET, SELECT],
        findings=("AW202",),
    ),
    Row("a login that is refused", lambda: play(refused()), "plaintext", statements=[], findings=("AW102",)),
    Row("a login that is not answered", lambda: play(until(plaintext(), "login")), "plaintext", statements=[]),
    Row(
        "a login whose greeting was not captured",
        lambda: play(plaintext(), lost=["greeting"]),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row("the old login to a V9 greeting", lambda: play(old()), "plaintext", statements=[SECRET]),
    Row(
        "SSLRequest, then a login in the clear",
        lambda: play(declined()),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row("a prepared statement", lambda: play(prepared()), "plaintext"),
    Row(
        "a statement in mid-stream",
        lambda: play(since(plaintext(), "query"), syn=False),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "one statement and nothing else",
        lambda: play([plaintext()[3]], syn=False, close=False, acks=False),
        "plaintext",
        statements=[SECRET],
    ),
    Row(
        "one statement on a port that nobody named",
        lambda: play([plaintext()[3]], Conversation(server=ON_9999), syn=False, close=False, acks=False),
        "plaintext",
        statements=[SECRET],
    ),
    Row(
        "a session on a port that nobody named",
        lambda: play(plaintext(), Conversation(server=ON_9999)),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "only the client's direction",
        lambda: of_one(plaintext(), "client"),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "only the server's direction, from the greeting on",
        lambda: of_one(plaintext(), "server"),
        "plaintext",
        ANY,
    ),
    Row(
        "a compressed session",
        lambda: play(compressed(b"SELECT '" + b"x" * 400 + b"'")),
        "plaintext",
        statements=[b"SELECT '" + b"x" * 400 + b"'"],
    ),
    Row(
        "a compressed session in mid-stream",
        lambda: play(since(compressed(b"SELECT '" + b"x" * 400 + b"'"), "query"), syn=False),
        "plaintext",
        statements=[b"SELECT '" + b"x" * 400 + b"'"],
    ),
    Row(
        "segments of one byte",
        lambda: play(plaintext(), sizes=1, acks=False),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "IPv6",
        lambda: play(plaintext(), Conversation(("2001:db8::5", 50152), ("2001:db8::9", 3306))),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "sequence numbers that wrap",
        lambda: play(plaintext(), Conversation(client_isn=2**32 - 90, server_isn=2**32 - 90)),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "ended by a reset",
        lambda: reset(play(plaintext(), close=False)),
        "plaintext",
        statements=[SECRET, SELECT],
    ),
    Row(
        "a statement cut by the snaplen",
        lambda: play(plaintext(), keep={"query": 30}),
        "plaintext",
        reasons=("truncated",),
    ),
    Row(
        "a result that is missing",
        lambda: play(plaintext(), lost=["rows"]),
        "plaintext",
        reasons=("gap",),
        statements=[SECRET, SELECT],
    ),
    Row(
        "responses alone, in mid-stream",
        lambda: of_one(since(plaintext(), "rows"), "server", syn=False),
        "plaintext",
        "likely",
        reasons=("responses-only",),
    ),
    Row(
        "a fragment of a statement, and its answer",
        fragment,
        "plaintext",
        "likely",
        any_of=("fragment", "responses-only"),
    ),
]


def reset(talk: Conversation) -> Conversation:
    talk.rst()
    return talk


# -- mixed


def then_plaintext() -> list[Step]:
    return [*without(tls12(), "client-close"), *since(plaintext(), "query")]


def injected(sender: str, payload: bytes) -> list[Step]:
    after = "ssl-request" if sender == "client" else "greeting"
    return inserted(tls13(), after, Step("injected", sender, payload))  # type: ignore[arg-type]


def plaintext_then_tls() -> list[Step]:
    """A login and a statement in the clear, and TLS after them."""
    return [*until(plaintext(), "query-ok"), *since(tls13(), "client-hello")]


MIXED = [
    Row(
        "statements after TLS",
        lambda: play(then_plaintext()),
        "mixed",
        any_of=("plaintext-after-tls",),
        findings=("AW203",),
    ),
    Row(
        "a statement of the client alone after TLS",
        lambda: play([*without(tls13(), "client-close"), plaintext()[3]]),
        "mixed",
        any_of=("plaintext-after-tls",),
        findings=("AW203",),
    ),
    Row(
        "statements between TLS records",
        lambda: play(inserted(tls12(), "server-data-2", plaintext()[3], plaintext()[4])),
        "mixed",
        any_of=("plaintext-after-tls",),
        findings=("AW203",),
    ),
    Row("statements before TLS", lambda: play(plaintext_then_tls()), "mixed"),
    Row(
        "a statement between SSLRequest and ClientHello",
        lambda: play(injected("client", mysql.query(SECRET))),
        "mixed",
        any_of=("injected-before-tls",),
        findings=("AW204",),
    ),
    Row(
        "a login between SSLRequest and ClientHello",
        lambda: play(injected("client", mysql.login(seq=2))),
        "mixed",
        any_of=("injected-before-tls",),
        findings=("AW204",),
    ),
    Row(
        "bytes of no protocol between SSLRequest and ClientHello",
        lambda: play(injected("client", b"\x11\x22\x33\x44\x55")),
        "mixed",
        ANY,
        any_of=("injected-before-tls",),
        findings=("AW204",),
    ),
    Row(
        "an OK of the server before its ServerHello",
        lambda: play(injected("server", mysql.ok(1))),
        "mixed",
        ANY,
        any_of=("injected-before-tls",),
        findings=("AW204",),
    ),
    Row(
        "an ERR of the server before its ServerHello, and TLS goes on",
        lambda: play(injected("server", mysql.err(1045, b"believe me", seq=1))),
        "mixed",
        ANY,
        any_of=("injected-before-tls",),
        findings=("AW204",),
    ),
]


@pytest.mark.parametrize("row", PLAINTEXT, ids=lambda row: row.name)
def test_plaintext(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


@pytest.mark.parametrize("row", MIXED, ids=lambda row: row.name)
def test_mixed(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


def test_a_prepared_statement_is_shown_with_its_values(tmp_path: Path) -> None:
    result = scan_of(tmp_path, play(prepared()))
    said = explain(result)
    found = [
        (one.command, one.sql, [value.value for value in one.parameters]) for one in result.connections[0].statements
    ]
    assert found == [
        ("COM_STMT_PREPARE", b"INSERT INTO notes VALUES (?, ?)", []),
        ("COM_STMT_EXECUTE", b"INSERT INTO notes VALUES (7, 'Canary')", [b"7", b"'Canary'"]),
    ], said


def test_bytes_in_the_syn_that_are_no_ssl_request_take_the_proof(tmp_path: Path) -> None:
    def statement_in_syn() -> Conversation:
        talk = Conversation()
        talk.syn(client_data=mysql.query(SECRET))
        return play(tls13(), talk, syn=False)

    check(Row("data in SYN", statement_in_syn, "mixed", ANY), tmp_path)


def test_the_rest_of_a_session_is_read_behind_a_gap(tmp_path: Path) -> None:
    steps = plaintext()
    result = scan_of(tmp_path, play(steps, lost=["query-ok"]))
    assert [one.sql for one in result.connections[0].statements] == [SECRET, SELECT], explain(result)
    assert result.connections[0].server_coverage.missing == len(payload_of(steps, "query-ok")), explain(result)
