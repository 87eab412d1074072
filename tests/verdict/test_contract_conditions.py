"""Conditions 1 and 2 of `proven`: without one it is `likely`, and the reason says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import Conversation, Packet, mysql, play, tls
from tests.conversations.judge import Row, check
from tests.conversations.sessions import (
    Step,
    after,
    changed,
    odd_at,
    payload_of,
    since,
    tls12,
    tls13,
    until,
    without,
)

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
        "2: a login in TLS 1.3 that was not answered",
        lambda: play(until(tls13(), "client-data-1")),
        "encrypted",
        "likely",
        reasons=("no-application-data",),
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


@pytest.mark.parametrize("row", CONDITION_1 + CONDITION_2, ids=lambda row: row.name)
def test_a_broken_condition_makes_it_likely(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)
