"""What could be taken for TLS and is not: no plaintext statement hides behind records, cuts or gaps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conversations import Conversation, Packet, mysql, play, tls
from tests.conversations.judge import Row, check
from tests.conversations.sessions import (
    SECRET,
    Step,
    after,
    changed,
    compressed,
    inserted,
    joined,
    opening,
    payload_of,
    plaintext,
    since,
    tls12,
    tls13,
    until,
    without,
)

ANY = ("proven", "likely")
QUERY, ANSWER = plaintext()[3], plaintext()[4]
ROWS = plaintext()[6]


def then(*steps: Step, version: int = 13) -> list[Step]:
    """A TLS session, and these steps behind it in the clear."""
    return [*without(tls13() if version == 13 else tls12(), "client-close"), *steps]


def in_one_segment() -> list[Step]:
    session = [*without(tls12(), "client-close"), QUERY, ANSWER]
    return joined(session, "client-data-4", "query")


def behind_a_gap(lost: int) -> Conversation:
    """Some records are not captured, and the statement begins the first segment behind them."""
    talk = play(without(tls13(), "client-close"), close=False)
    for number in range(lost):
        talk.client(tls.data(("lost", number), 700), lost=True)
        talk.server(tls.data(("lost too", number), 900), lost=True)
    return play([QUERY, ANSWER], talk, syn=False)


def behind_cut_records() -> Conversation:
    """The snaplen leaves 40 bytes of each segment: record headers, and the beginning of the statement."""
    talk = play(then(*since(plaintext(), "query")))
    talk.snaplen(94)
    return talk


def behind_a_lost_header(size: int) -> Conversation:
    """The header of a record is not captured, so that where the next begins is not known."""
    steps = tls13()
    talk = play(until(steps, "client-data-2"), close=False, sizes=size, acks=False)
    talk.client(payload_of(steps, "client-data-3"), sizes=size, lost=(0,))
    talk.client(QUERY.payload, sizes=size)
    return play(since(steps, "server-data-3"), talk, syn=False, sizes=size, acks=False)


def one_way(steps: list[Step], sender: str) -> list[Packet]:
    return [packet for packet in play(steps).packets if packet.sender == sender]


def long_as_a_record() -> bytes:
    """COM_QUERY whose header reads as a TLS record: 17 03 03 00 03."""
    sql = b"SELECT '" + b"a" * (0x030317 - 10) + b"'"
    packet = mysql.query(sql)
    assert packet[:5] == b"\x17\x03\x03\x00\x03"
    return packet


def blob_of_tls(sender: str) -> list[Step]:
    """The bytes of a whole TLS session, as a value in a statement or a row that crosses in the clear."""
    blob = b"".join(step.payload for step in tls13() if step.sender == sender and "greeting" not in step.name)
    if sender == "client":
        statement = mysql.query(b"INSERT INTO notes (body) VALUES (_binary'" + blob.replace(b"'", b"''") + b"')")
        return changed(plaintext(), query=statement)
    return changed(plaintext(), rows=mysql.result_set([b"body"], [[blob]]))


def lone_error() -> Step:
    return Step("error", "server", mysql.err(4031, b"The client was disconnected by the server", seq=0))


def during_the_handshake() -> list[Step]:
    return inserted(tls12(), "server-hello", QUERY)


def login_header_only() -> Conversation:
    return play(until(plaintext(), "login"), keep={"login": 4})


MIXED = [
    *(
        Row(
            f"statements after TLS in segments of {size} bytes",
            lambda size=size: play(then(*since(plaintext(), "query")), sizes=size, acks=False),  # type: ignore[misc]
            "mixed",
            ANY,
        )
        for size in (1, 2, 3, 4, 5, 6, 9, 20)
    ),
    Row("a statement in the segment of the last record", lambda: play(in_one_segment()), "mixed", ANY),
    Row("a statement behind lost records", lambda: behind_a_gap(1), "mixed", ANY),
    Row("a statement behind many lost records", lambda: behind_a_gap(20), "mixed", ANY),
    *(
        Row(
            f"a statement behind a lost record header, in segments of {size} bytes",
            lambda size=size: behind_a_lost_header(size),  # type: ignore[misc]
            "mixed",
            ANY,
        )
        for size in (5, 8, 12, 40)
    ),
    Row("a statement behind records that the snaplen cut", behind_cut_records, "mixed", ANY),
    Row(
        "a statement after TLS picked up in mid-stream",
        lambda: play(since(then(*since(plaintext(), "query")), "client-data-1"), syn=False),
        "mixed",
        ANY,
    ),
    Row("rows of the server alone after TLS", lambda: play(then(ROWS)), "mixed", ANY),
    Row("an ERR of the server after TLS", lambda: play(then(lone_error())), "mixed", ANY),
    Row(
        "a compressed statement after TLS",
        lambda: play(then(compressed()[3], compressed()[4])),
        "mixed",
        ANY,
    ),
    Row("a statement in the middle of the handshake", lambda: play(during_the_handshake()), "mixed", ANY),
    Row(
        "only the client's direction: a statement after TLS",
        lambda: one_way(then(QUERY), "client"),
        "mixed",
        ANY,
    ),
    Row(
        "only the server's direction: rows after TLS",
        lambda: one_way(then(ROWS), "server"),
        "mixed",
        ANY,
    ),
]

PLAINTEXT = [
    Row(
        "a statement whose header reads as a record",
        lambda: play(changed(plaintext(), query=long_as_a_record())),
        "plaintext",
    ),
    Row(
        "a statement whose header reads as a record, in mid-stream",
        lambda: play([Step("query", "client", long_as_a_record()), ANSWER], syn=False),
        "plaintext",
        ANY,
    ),
    Row("a TLS session inside a statement", lambda: play(blob_of_tls("client")), "plaintext"),
    Row("a TLS session inside a row", lambda: play(blob_of_tls("server")), "plaintext"),
    Row(
        "a TLS session inside a statement, segments of 100 bytes",
        lambda: play(blob_of_tls("client"), sizes=100),
        "plaintext",
    ),
    Row(
        "SSLRequest and ERR, then a login in the clear",
        lambda: play([*opening(), *since(plaintext(), "login")]),
        "plaintext",
    ),
    Row(
        "a login of which the snaplen leaves the header",
        login_header_only,
        ("plaintext", "inconclusive"),
        (*ANY, None),
    ),
]


@pytest.mark.parametrize("row", MIXED + PLAINTEXT, ids=lambda row: row.name)
def test_a_statement_in_the_clear_is_found(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


def readable_junk(sender: str) -> Sequence[Step]:
    text = b"id,body\n1,Canary-0001-7f3a\n2,a line of a file that somebody sent\n" * 4
    return after(tls12(), f"{sender}-data-3", text)


@pytest.mark.parametrize("sender", ["client", "server"])
def test_readable_bytes_outside_tls_are_not_called_encrypted(sender: str, tmp_path: Path) -> None:
    """Of no protocol that is known here, and they read: every doubt goes the other way."""
    row = Row("junk that reads", lambda: play(readable_junk(sender)), ("mixed", "inconclusive"), (*ANY, None))
    check(row, tmp_path)


def statement_as_record(steps: list[Step]) -> list[Step]:
    return changed(steps, client_data_2=tls.record(tls.DATA, mysql.query(SECRET + b" " * 60)))


@pytest.mark.parametrize("steps", [tls13(), tls12()], ids=["TLS 1.3", "TLS 1.2"])
def test_a_statement_dressed_up_as_a_record_is_not_proven(steps: list[Step], tmp_path: Path) -> None:
    row = Row(
        "dressed up",
        lambda: play(statement_as_record(steps)),
        ("encrypted", "mixed", "plaintext", "inconclusive"),
        ("likely", None),
        reasons=("readable-record",),
    )
    check(row, tmp_path)


def test_a_plaintext_session_dressed_up_as_records_is_not_proven(tmp_path: Path) -> None:
    """Greeting, SSLRequest, hellos, and then MySQL packets with record headers before them."""

    def dressed() -> list[Step]:
        steps = until(tls13(), "client-finished")
        for step in since(plaintext(), "login"):
            steps.append(step._replace(payload=tls.records(tls.DATA, step.payload)))
        return steps

    row = Row(
        "dressed up",
        lambda: play(dressed()),
        ("encrypted", "mixed", "plaintext", "inconclusive"),
        ("likely", None),
    )
    check(row, tmp_path)


def test_payloads_used_here_are_what_they_say() -> None:
    assert payload_of(plaintext(), "query") == QUERY.payload
    assert QUERY.payload[4] == 3
    assert ROWS.name == "rows"
