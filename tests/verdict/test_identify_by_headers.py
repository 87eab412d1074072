"""Where it is not known whether TLS was begun, no packet is told by its header alone: several have to add up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import (
    SECRET,
    Step,
    changed,
    compressed,
    conversation_inside,
    opening,
    payload_of,
    plaintext,
    play,
    since,
    tls13,
    until,
)

ETHERNET_TO_TCP = 54
FORTY = b"\x28\0\0"


def cut(talk: Conversation, payload: int) -> list:  # type: ignore[type-arg]
    size = ETHERNET_TO_TCP + payload
    return [packet.cut(size) if len(packet.data) > size else packet for packet in talk.packets]


@pytest.mark.parametrize("first", [*range(34), 250])
def test_a_command_s_header_in_mid_stream_is_none(first: int, tmp_path: Path) -> None:
    rng = random.Random(first)
    talk = Conversation()
    for _ in range(6):
        talk.client(FORTY + bytes([0, first]) + rng.randbytes(39))
        talk.server(tls.data("answer", 90))
    result = scan_of(tmp_path, talk)
    assert result.verdict in ("inconclusive", "encrypted"), explain(result)


@pytest.mark.parametrize("first", [0, 1, 2, 5, 0xFB, 0xFE, 0xFF])
@pytest.mark.parametrize("sequence", [1, 2, 7])
def test_a_reply_s_header_in_mid_stream_is_none(first: int, sequence: int, tmp_path: Path) -> None:
    rng = random.Random(first * 256 + sequence)
    talk = Conversation()
    for _ in range(6):
        talk.client(tls.data("asks", 90))
        talk.server(FORTY + bytes([sequence, first]) + rng.randbytes(39))
    result = scan_of(tmp_path, talk)
    assert result.verdict in ("inconclusive", "encrypted"), explain(result)


def test_a_header_before_the_server_s_hello_is_none(tmp_path: Path) -> None:
    """The capture begins inside the ClientHello."""
    talk = Conversation()
    talk.client(tls.noise("rest", 500))
    talk.client(b"\x1e\0\0\0\x21" + tls.noise("end", 29))
    talk.server(tls.server_hello() + tls.data("flight", 400))
    for step in conversation_inside():
        talk.say(step.sender, step.payload)
    result = scan_of(tmp_path, talk)
    assert result.verdict in ("inconclusive", "encrypted"), explain(result)


@pytest.mark.parametrize("size", [0, 32])
def test_a_compressed_packet_s_header_in_mid_stream_is_none(size: int, tmp_path: Path) -> None:
    rng = random.Random(size)
    talk = Conversation()
    for _ in range(6):
        inner = b"\x1c\0\0\0" if size == 0 else b"\x78\x9c\xff\xff"
        talk.client(b"\x20\0\0\0" + size.to_bytes(2, "little") + b"\0" + inner + rng.randbytes(28))
    result = scan_of(tmp_path, talk)
    assert result.verdict == "inconclusive", explain(result)


@pytest.mark.parametrize("kept", [2, 4, 5, 6, 14, 33])
def test_a_cut_ssl_request_is_one(kept: int, tmp_path: Path) -> None:
    """So that nothing behind it is a command by its header."""
    talk = Conversation()
    talk.syn()
    for step in opening():
        talk.say(step.sender, step.payload)
    talk.client(tls.record(tls.HANDSHAKE, tls.noise("hello", 4000))[:60])
    talk.server(tls.server_flight(tls.TLS12, tls.ECDHE_RSA_AES_256_GCM)[:60])
    for _ in range(6):
        talk.client(FORTY + b"\0\x03" + b"a" + tls.noise("a", 38))
        talk.server(tls.noise("b", 44))
    result = scan_of(tmp_path, cut(talk, kept))
    assert result.verdict in ("inconclusive", "no-session", "encrypted"), explain(result)


@pytest.mark.parametrize("kept", [6, 8, 14, 40])
def test_a_cut_session_in_the_clear_is_told_by_its_login(kept: int, tmp_path: Path) -> None:
    result = scan_of(tmp_path, cut(play(plaintext()), kept))
    assert result.verdict == "plaintext", explain(result)


def test_short_cut_packets_in_turns_add_up(tmp_path: Path) -> None:
    talk = Conversation()
    for number in range(6):
        talk.client(mysql.query(b"UPDATE notes SET body = 'x' WHERE id = %d" % number))
        talk.server(mysql.ok(1, affected=1))
    result = scan_of(tmp_path, cut(talk, 6))
    assert (result.verdict, result.confidence) == ("plaintext", "likely"), explain(result)


@pytest.mark.parametrize("begin", range(2, 12))
def test_tls_picked_up_in_mid_stream_never_adds_up(begin: int, tmp_path: Path) -> None:
    talk = play([*tls13(), *conversation_inside(), *conversation_inside()])
    result = scan_of(tmp_path, cut(Conversation(), 6) + [p.cut(60) for p in talk.packets[begin:]])
    assert result.verdict in ("inconclusive", "encrypted", "no-session"), explain(result)


def like_a_command(first: int = 0x03) -> list[Step]:
    """A compressed session whose first packet holds 256 bytes and some: the second number of its header begins so."""
    sql = b"SELECT '" + b"long enough to shrink " * 12 + b"0001'"
    steps = compressed(sql[: 0x100 + first - 5 - 1] + b"'")
    assert payload_of(steps, "query")[3:5] == bytes([0, first])
    return steps


@pytest.mark.parametrize("kept", [6, 8, 9, 14])
def test_a_cut_compressed_packet_s_header_is_no_command(kept: int, tmp_path: Path) -> None:
    """The greeting is cut before it says whether the server compresses; the login asks for it."""
    result = scan_of(tmp_path, cut(play(like_a_command()), kept))
    assert result.verdict == "plaintext", explain(result)
    assert [text.sql for one in result.connections for text in one.statements] == [], explain(result)


def test_a_compressed_session_of_which_the_server_was_not_captured_is_read(tmp_path: Path) -> None:
    talk = play(like_a_command())
    talk.packets = [packet for packet in talk.packets if packet.sender == "client"]
    result = scan_of(tmp_path, talk)
    [only] = result.connections
    assert [len(text.sql) for text in only.statements] == [254], explain(result)
    assert result.verdict == "plaintext"


@pytest.mark.parametrize("alone", [False, True])
def test_a_client_that_asked_for_compression_and_did_not_get_it_is_read(alone: bool, tmp_path: Path) -> None:
    asks = mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS)
    talk = play(changed(plaintext(), login=asks))
    if alone:
        talk.packets = [packet for packet in talk.packets if packet.sender == "client"]
    result = scan_of(tmp_path, talk)
    [only] = result.connections
    assert [text.sql for text in only.statements][:1] == [SECRET], explain(result)


@pytest.mark.parametrize("first", [0x03, 0x16])
@pytest.mark.parametrize("also", [(), ("query",)])
def test_without_the_server_s_ok_compression_is_what_both_sides_can(
    first: int, also: tuple[str, ...], tmp_path: Path
) -> None:
    """The second number of the first packet's header begins with a command's byte: its id is 0, so it is no command's.

    An authentication's packets count on from the login's.
    """
    steps = like_a_command(first)
    again = [step._replace(name=f"{step.name}-2") for step in since(steps, "query")]
    talk = play([*until(steps, "query-ok"), *again], lost=("login-ok", *also))
    result = scan_of(tmp_path, talk)
    [only] = result.connections
    assert [len(text.sql) for text in only.statements] == [0x100 + first - 5] * (2 - len(also)), explain(result)
    assert (result.verdict, only.compression) == ("plaintext", "zlib"), explain(result)


def test_without_the_server_s_ok_a_client_that_leaves_at_once_is_no_compressed_one(tmp_path: Path) -> None:
    steps = changed(until(compressed(), "query"), query=mysql.leave())
    result = scan_of(tmp_path, play(steps, lost=["login-ok"]))
    [only] = result.connections
    assert only.compression is None, explain(result)
    assert only.commands == {"COM_QUIT": 1}, explain(result)
