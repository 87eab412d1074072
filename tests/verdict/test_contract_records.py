"""Conditions 3, 4 and 5 of `proven`: without one it is `likely`, and the reason says where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conversations import Conversation, play, tls
from tests.conversations.judge import Row, check
from tests.conversations.sessions import (
    SECRET,
    Step,
    after,
    odd_at,
    offset_of,
    payload_of,
    since,
    tls12,
    tls13,
    until,
)

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


def closed_inside_a_record() -> Conversation:
    """Not the capture ends here, the stream does: its last record is not whole."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    talk.server(payload_of(steps, "server-data-3")[:2000])
    talk.fin("server")
    return talk


NOISE = tls.noise("odd", 60)
CONDITION_3 = [
    named("3: a record type that TLS does not have", odd_record(tls.record(99, NOISE))),
    named("3: a version that TLS does not have", odd_record(tls.record(tls.DATA, NOISE, 0x0305))),
    named("3: a major version that TLS does not have", odd_record(tls.record(tls.DATA, NOISE, 0x0403))),
    named("3: another version than the connection's, 1.3", odd_record(tls.record(tls.DATA, NOISE, tls.TLS10))),
    named(
        "3: another version than the connection's, 1.2",
        odd_record(tls.record(tls.DATA, NOISE, tls.TLS10), tls12()),
    ),
    named("3: longer than TLS 1.3 allows", odd_record(tls.record(tls.DATA, tls.noise("long", 16641)))),
    named("3: longer than TLS 1.2 allows", odd_record(tls.record(tls.DATA, tls.noise("long", 18433)), tls12())),
    named("3: an empty record in TLS 1.3", odd_record(tls.record(tls.DATA, b""))),
    named("3: a ChangeCipherSpec of two bytes", odd_record(tls.record(tls.CCS, b"\x01\x01"))),
    named("3: a ChangeCipherSpec that says something", odd_record(tls.record(tls.CCS, b"S"))),
    named("3: another ChangeCipherSpec in the clear, TLS 1.2", odd_record(tls.change_cipher_spec(), tls12())),
    named("3: an empty alert", odd_record(tls.record(tls.ALERT, b""))),
    Row(
        "3: alerts in the clear, a letter each",
        lambda: play(after(tls13(), "client-data-2", b"".join(tls.alert(1, letter) for letter in SECRET))),
        "encrypted",
        "likely",
        reasons=("bad-record",),
    ),
    Row(
        "3: closed inside a record",
        closed_inside_a_record,
        "encrypted",
        "likely",
        any_of=("bad-record", "gap"),
    ),
    named("3: bytes that are no record, of the server", odd_record(tls.noise("junk", 400))),
    named("3: bytes that are no record, of the client", odd_record(tls.noise("junk", 400), name="client-data-2")),
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
    elif how == "rst":
        talk.rst("server")
    else:
        talk.fin("server", both=False)
    return talk


def lost_byte(how: str) -> Conversation:
    """The last byte of a record, in a segment of its own, is missing: its number could be that of a FIN."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    record = payload_of(steps, "server-data-3")
    talk.server(record[:-1])
    talk.server(record[-1:], lost=True)
    if how == "ack":
        talk.ack("client")
    else:
        talk.rst("server")
    return talk


def lost_fin() -> Conversation:
    """The server's FIN alone is missing, and acknowledged."""
    talk = play(tls13(), close=False)
    talk.segment("client", ack=talk.offset["server"] + 1)
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
        "4: a RST behind bytes that were never seen",
        lambda: lost_tail("rst"),
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
    *(
        Row(
            f"4: a byte of a record that was never seen, and {said}",
            lambda how=how: lost_byte(how),  # type: ignore[misc]
            "encrypted",
            "likely",
            reasons=("gap",),
        )
        for how, said in (("ack", "its ACK"), ("rst", "a RST behind it"))
    ),
    Row("4: an ACK of a FIN that was never seen", lost_fin, "encrypted"),
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
    text = b"SELECT body, author, created FROM notes WHERE body LIKE 'Canary%' ORDER BY created DESC LIMIT 100"
    return after(tls13(), f"{sender}-data-2", tls.record(tls.DATA, text))


def of_type(kind: int, steps: list[Step]) -> list[Step]:
    text = b"SELECT body, author, created FROM notes WHERE body LIKE 'Canary%' ORDER BY created DESC"
    return after(steps, "client-data-2", tls.record(kind, text))


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
] + [
    Row(
        f"5: {name} that reads",
        lambda kind=kind, steps=steps: play(of_type(kind, steps)),  # type: ignore[misc]
        "encrypted",
        "likely",
        any_of=("readable-record", "bad-record"),
        at=("client", odd_at(of_type(kind, steps))),
    )
    for name, kind, steps in (
        ("an alert of TLS 1.2", tls.ALERT, tls12()),
        ("an alert of TLS 1.3", tls.ALERT, tls13()),
        ("a handshake record of TLS 1.2", tls.HANDSHAKE, tls12()),
        ("a heartbeat of TLS 1.2", tls.HEARTBEAT, tls12()),
    )
]


@pytest.mark.parametrize("row", CONDITION_3 + CONDITION_4 + CONDITION_5, ids=lambda row: row.name)
def test_a_broken_condition_makes_it_likely(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)
