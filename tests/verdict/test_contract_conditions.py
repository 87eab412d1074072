"""The five numbered conditions: a conversation that breaks one is `likely`, and the reason says where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conversations import Conversation, Packet, mysql, play, tls
from tests.conversations.judge import Row, check, explain, scan_of
from tests.conversations.sessions import (
    Step,
    changed,
    inserted,
    offset_of,
    opening,
    payload_of,
    since,
    tls12,
    tls13,
    until,
    without,
)
from tests.conversations.tcp import pcap


def after(steps: list[Step], name: str, payload: bytes) -> list[Step]:
    """One more step of the same sender behind the named one."""
    sender = next(step.sender for step in steps if step.name == name)
    return inserted(steps, name, Step("odd", sender, payload))


def odd_at(steps: list[Step]) -> int:
    return offset_of(steps, "odd")


# -- 1: greeting and SSLRequest, each the first bytes of its direction


def bytes_before_the_ssl_request() -> Conversation:
    """The greeting acknowledges none of them, so they were sent between the two, and were not captured."""
    steps = tls13()
    talk = Conversation()
    talk.server(payload_of(steps, "greeting"))
    talk.client(bytes(50), lost=True)
    return play(since(steps, "ssl-request"), talk, syn=False)


def no_greeting(lost: bool) -> Conversation:
    steps = tls13()
    return play(steps, lost=["greeting"]) if lost else play(without(steps, "greeting"))


def one_direction(sender: str) -> list[Packet]:
    return [packet for packet in play(tls13()).packets if packet.sender == sender]


def mid_record() -> Conversation:
    steps = [
        *tls13(),
        *(
            step
            for number in range(6)
            for step in (
                Step(f"more-{number}", "client", tls.data(number, 70)),
                Step(f"answer-{number}", "server", tls.data((number, "answer"), 300)),
            )
        ),
    ]
    talk = Conversation()
    talk.server(payload_of(steps, "server-data-3")[1460:])
    return play(since(steps, "client-data-4"), talk, syn=False, close=False)


CONDITION_1 = [
    Row(
        "1: the greeting was not captured",
        lambda: no_greeting(lost=True),
        "encrypted",
        "likely",
        any_of=("no-greeting", "gap"),
    ),
    Row(
        "1: no greeting was sent before the SSLRequest",
        lambda: no_greeting(lost=False),
        "encrypted",
        "likely",
        reasons=("no-greeting",),
    ),
    Row(
        "1: the SSLRequest was not captured",
        lambda: play(tls13(), lost=["ssl-request"]),
        "encrypted",
        "likely",
        any_of=("no-ssl-request", "gap"),
    ),
    Row(
        "1: no SSLRequest was sent",
        lambda: play(without(tls13(), "ssl-request")),
        "encrypted",
        "likely",
        reasons=("no-ssl-request",),
    ),
    Row(
        "1: TLS from the first byte, as a tunnel has it",
        lambda: play(since(tls13(), "client-hello")),
        "encrypted",
        "likely",
        reasons=("no-greeting",),
    ),
    Row(
        "1: TLS from the first byte on a port that was named",
        lambda: play(since(tls12(), "client-hello"), Conversation(server=("10.0.0.9", 3342))),
        "encrypted",
        "likely",
        reasons=("no-greeting",),
        ports=(3306, 3342),
    ),
    Row(
        "1: picked up in mid-stream",
        lambda: play(since(tls13(), "client-data-2"), syn=False),
        "encrypted",
        "likely",
        reasons=("mid-stream",),
    ),
    Row(
        "1: picked up in mid-stream inside a record",
        mid_record,
        "encrypted",
        "likely",
        reasons=("mid-stream",),
    ),
    Row(
        "1: bytes before the SSLRequest that were not captured",
        bytes_before_the_ssl_request,
        "encrypted",
        "likely",
        any_of=("gap", "no-ssl-request", "mid-stream"),
    ),
    Row(
        "1: only the client's direction was captured",
        lambda: one_direction("client"),
        "encrypted",
        "likely",
        reasons=("one-direction",),
    ),
    Row(
        "1: only the server's direction was captured",
        lambda: one_direction("server"),
        "encrypted",
        "likely",
        reasons=("one-direction",),
    ),
]


# -- 2: the handshake was completed


def not_offered() -> list[Step]:
    return tls12(suite=tls.ECDHE_RSA_AES_256_GCM, offered=(0x002F, 0x0035))


def not_offered_13() -> list[Step]:
    return changed(tls13(), server_hello=tls.server_hello(suite=0x1303))


def lacking(sender: str, *, ccs: bool) -> list[Step]:
    """TLS 1.2 in which one side sends no ChangeCipherSpec, or no Finished behind it."""
    steps = tls12()
    name = f"{sender}-finished"
    gone = tls.change_cipher_spec() if ccs else tls.finished(sender)
    payload = payload_of(steps, name)
    assert gone in payload
    return changed(steps, **{name: payload.replace(gone, b"")})


def handshake_record_in_13() -> list[Step]:
    return after(tls13(), "server-flight", tls.record(tls.HANDSHAKE, tls.noise("odd", 60)))


def data_of_one_side(sender: str) -> list[Step]:
    steps = tls12()
    names = [step.name for step in steps if "-data-" in step.name and step.sender != sender]
    return without(steps, *names, "client-close")


CONDITION_2 = [
    Row(
        "2: the ClientHello was not captured",
        lambda: play(tls13(), lost=["client-hello"]),
        "encrypted",
        "likely",
        reasons=("gap",),
        at=("client", 36),
    ),
    Row(
        "2: the ServerHello was not captured",
        lambda: play(tls13(), lost=["server-hello"]),
        "encrypted",
        "likely",
        reasons=("gap",),
        at=("server", len(mysql.greeting())),
    ),
    Row(
        "2: a suite that was not offered, TLS 1.2",
        lambda: play(not_offered()),
        "encrypted",
        "likely",
        reasons=("suite-not-offered",),
    ),
    Row(
        "2: a suite that was not offered, TLS 1.3",
        lambda: play(not_offered_13()),
        "encrypted",
        "likely",
        reasons=("suite-not-offered",),
    ),
    Row(
        "2: no ChangeCipherSpec of the client",
        lambda: play(lacking("client", ccs=True)),
        "encrypted",
        "likely",
        any_of=("handshake-incomplete", "bad-record"),
    ),
    Row(
        "2: no ChangeCipherSpec of the server",
        lambda: play(lacking("server", ccs=True)),
        "encrypted",
        "likely",
        any_of=("handshake-incomplete", "bad-record"),
    ),
    Row(
        "2: no Finished of the client",
        lambda: play(lacking("client", ccs=False)),
        "encrypted",
        "likely",
        reasons=("handshake-incomplete",),
    ),
    Row(
        "2: no Finished of the server",
        lambda: play(lacking("server", ccs=False)),
        "encrypted",
        "likely",
        reasons=("handshake-incomplete",),
    ),
    Row(
        "2: a handshake record after ServerHello in TLS 1.3",
        lambda: play(handshake_record_in_13()),
        "encrypted",
        "likely",
        any_of=("bad-record", "handshake-incomplete"),
        at=("server", odd_at(handshake_record_in_13())),
    ),
    Row(
        "2: application data of the client alone",
        lambda: play(data_of_one_side("client")),
        "encrypted",
        "likely",
        reasons=("no-application-data",),
    ),
    Row(
        "2: application data of the server alone",
        lambda: play(data_of_one_side("server")),
        "encrypted",
        "likely",
        reasons=("no-application-data",),
    ),
]


# -- 3: every byte lies in well-formed records of an allowed type, version and length


def odd_record(record: bytes, steps: Sequence[Step] = tuple(tls13()), name: str = "server-data-2") -> Row:
    session = after(list(steps), name, record)
    sender = next(step.sender for step in session if step.name == "odd")
    return Row(
        "",
        lambda: play(session),
        "encrypted",
        "likely",
        any_of=("bad-record", "unknown-bytes"),
        at=(sender, odd_at(session)),
    )


def named(name: str, row: Row) -> Row:
    return replace(row, name=name)


NOISE = tls.noise("odd", 60)
CONDITION_3 = [
    named("3: a record type that TLS does not have", odd_record(tls.record(99, NOISE))),
    named("3: a version that TLS does not have", odd_record(tls.record(tls.DATA, NOISE, 0x0305))),
    named("3: a major version that TLS does not have", odd_record(tls.record(tls.DATA, NOISE, 0x0403))),
    named(
        "3: another version than the connection's, 1.3", odd_record(tls.record(tls.DATA, NOISE, tls.TLS10))
    ),
    named(
        "3: another version than the connection's, 1.2",
        odd_record(tls.record(tls.DATA, NOISE, tls.TLS10), tls12()),
    ),
    named("3: longer than TLS 1.3 allows", odd_record(tls.record(tls.DATA, tls.noise("long", 16641)))),
    named(
        "3: longer than TLS 1.2 allows", odd_record(tls.record(tls.DATA, tls.noise("long", 18433)), tls12())
    ),
    named("3: an empty record in TLS 1.3", odd_record(tls.record(tls.DATA, b""))),
    named("3: a ChangeCipherSpec of two bytes", odd_record(tls.record(tls.CCS, b"\x01\x01"))),
    named("3: an empty alert", odd_record(tls.record(tls.ALERT, b""))),
    named("3: bytes that are no record, of the server", odd_record(tls.noise("junk", 400))),
    named(
        "3: bytes that are no record, of the client", odd_record(tls.noise("junk", 400), name="client-data-2")
    ),
    named(
        "3: bytes that are no record, at the very end, TLS 1.2",
        odd_record(tls.noise("junk", 3), tls12(), "client-close"),
    ),
]


# -- 4: no gap, no truncated segment, no conflicting overlap


def lost_segment(sender: str, name: str) -> Row:
    steps = tls13()
    return Row(
        "",
        lambda: play(steps, lost=[name]),
        "encrypted",
        "likely",
        reasons=("gap",),
        at=(sender, offset_of(steps, name)),
    )  # type: ignore[arg-type]


def lost_middle() -> Conversation:
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    talk.server(payload_of(steps, "server-data-3"), lost=(1,))
    talk.ack("client")
    return play(since(steps, "client-data-4"), talk, syn=False)


def lost_tail(how: str) -> Conversation:
    """The last segments of the server are missing, and only a number tells."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    talk.server(payload_of(steps, "server-data-3"), lost=True)
    if how == "ack":
        talk.ack("client")
    else:
        talk.fin("server", both=False)
    return talk


def conflicting(start: int, size: int, *, first: bool = False, sender: str = "server") -> Conversation:
    """Bytes again, others this time, before they were acknowledged; `first`: the others come first."""
    steps = tls13()
    name = "server-data-3" if sender == "server" else "client-data-2"
    before = steps[[step.name for step in steps].index(name) - 1].name
    talk = play(until(steps, before), close=False)
    at, payload = talk.offset[sender], payload_of(steps, name)  # type: ignore[index]
    others = tls.noise("others", size)
    if first:
        talk.again(sender, at + start, others)  # type: ignore[arg-type]
    talk.say(sender, payload)  # type: ignore[arg-type]
    if not first:
        talk.again(sender, at + start, others)  # type: ignore[arg-type]
    talk.ack("client" if sender == "server" else "server")
    following = steps[[step.name for step in steps].index(name) + 1].name
    return play(since(steps, following), talk, syn=False)


AT = offset_of(tls13(), "server-data-3")
CONDITION_4 = [
    named("4: a segment of the server is missing", lost_segment("server", "server-data-2")),
    named("4: a segment of the client is missing", lost_segment("client", "client-data-3")),
    named("4: the client's Finished is missing", lost_segment("client", "client-finished")),
    named("4: whole records are missing", lost_segment("server", "server-data-3")),
    Row(
        "4: a segment inside a record is missing",
        lost_middle,
        "encrypted",
        "likely",
        reasons=("gap",),
        at=("server", AT + 1460),
    ),
    Row(
        "4: an ACK of bytes that were never seen",
        lambda: lost_tail("ack"),
        "encrypted",
        "likely",
        reasons=("gap",),
        at=("server", AT),
    ),
    Row(
        "4: a FIN behind bytes that were never seen",
        lambda: lost_tail("fin"),
        "encrypted",
        "likely",
        reasons=("gap",),
        at=("server", AT),
    ),
    Row(
        "4: a segment cut by the snaplen",
        lambda: play(tls13(), keep={"server-data-3": 200}),
        "encrypted",
        "likely",
        reasons=("truncated",),
        at=("server", AT + 200),
    ),
    Row(
        "4: a segment of the client cut by the snaplen by one byte",
        lambda: play(tls13(), keep={"client-data-2": len(payload_of(tls13(), "client-data-2")) - 1}),
        "encrypted",
        "likely",
        reasons=("truncated",),
    ),
    Row(
        "4: all of a segment's payload cut off",
        lambda: play(tls13(), keep={"client-data-3": 0}),
        "encrypted",
        "likely",
        reasons=("truncated",),
    ),
    Row(
        "4: other bytes for a whole segment before its ACK",
        lambda: conflicting(0, 1460),
        "encrypted",
        "likely",
        reasons=("conflict",),
        findings=("AW401",),
    ),
    Row(
        "4: other bytes inside a segment before its ACK",
        lambda: conflicting(700, 40),
        "encrypted",
        "likely",
        reasons=("conflict",),
        findings=("AW401",),
    ),
    Row(
        "4: other bytes over two segments before their ACK",
        lambda: conflicting(1400, 100),
        "encrypted",
        "likely",
        reasons=("conflict",),
        findings=("AW401",),
    ),
    Row(
        "4: other bytes of the client before their ACK",
        lambda: conflicting(20, 30, sender="client"),
        "encrypted",
        "likely",
        reasons=("conflict",),
        findings=("AW401",),
    ),
]


# -- 5: ciphertext does not read


def readable(sender: str) -> list[Step]:
    text = (
        b"SELECT body, author, created FROM notes WHERE body LIKE 'Canary%' ORDER BY created DESC LIMIT 100"
    )
    return after(tls13(), f"{sender}-data-2", tls.record(tls.DATA, text))


CONDITION_5 = [
    Row(
        f"5: a record of the {sender} that reads",
        lambda sender=sender: play(readable(sender)),  # type: ignore[misc]
        "encrypted",
        "likely",
        reasons=("readable-record",),
        findings=("AW304",),
        at=(sender, odd_at(readable(sender))),
    )  # type: ignore[arg-type]
    for sender in ("client", "server")
]


@pytest.mark.parametrize(
    "row", CONDITION_1 + CONDITION_2 + CONDITION_3 + CONDITION_4 + CONDITION_5, ids=lambda row: row.name
)
def test_a_broken_condition_makes_it_likely(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


# -- what a receiver would have dropped is no evidence


def only_dropped(how: str) -> Conversation:
    """Application data of the server that only came in segments a receiver would have dropped."""
    steps = until(tls12(), "client-data-1")
    talk = play(steps, close=False)
    payload = payload_of(tls12(), "server-data-1")
    if how == "bad checksum":
        talk.segment("server", payload, bad_checksum=True)
    elif how == "outside the window":
        talk.segment("server", payload, offset=talk.offset["server"] + (1 << 30))
    else:
        talk.rst("server")
        talk.segment("server", payload)
    return talk


@pytest.mark.parametrize(
    ("how", "reason", "rule"),
    [
        ("bad checksum", "bad-checksum", "AW403"),
        ("outside the window", "out-of-window", "AW404"),
        ("after RST", "after-rst", "AW405"),
    ],
)
def test_what_a_receiver_would_have_dropped_is_no_evidence_for_encrypted(
    how: str, reason: str, rule: str, tmp_path: Path
) -> None:
    row = Row(
        how,
        lambda: only_dropped(how),
        "encrypted",
        "likely",
        reasons=("no-application-data",),
        any_of=(reason,),
        findings=(rule,),
    )
    check(row, tmp_path)


def tls_after_rst() -> Conversation:
    talk = play(opening(), close=False)
    talk.rst("server")
    return play(since(tls13(), "client-hello"), talk, syn=False, close=False)


def test_tls_after_a_reset_is_no_session(tmp_path: Path) -> None:
    row = Row(
        "after RST", tls_after_rst, ("no-session", "inconclusive"), ("proven", None), any_of=("after-rst",)
    )
    check(row, tmp_path)


# -- a damaged file


def test_a_connection_open_where_a_file_breaks_off_is_likely(tmp_path: Path) -> None:
    whole = pcap(play(tls13(), close=False).packets)
    result = scan_of(tmp_path, whole + bytes(7))
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "likely")], said
    assert "damaged-file" in {reason.id for reason in result.connections[0].reasons}, said
    assert result.exit_code == 3, said
    assert not result.captures[0].complete, said


def test_a_connection_that_ended_before_the_file_breaks_off_is_proven(tmp_path: Path) -> None:
    result = scan_of(tmp_path, pcap(play(tls13()).packets) + bytes(7))
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")], said
    assert result.exit_code == 3, said
