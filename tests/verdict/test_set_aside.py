"""Every captured byte is in somebody's account: what is in no stream is read, and takes the proof."""

from __future__ import annotations

from pathlib import Path

import pytest

import aurora_wire
from tests.conversations import Conversation, Packet, interleave, mysql, play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import SECRET, plaintext, since, tls13, until

HIDDEN = [
    "A1-spoofed-syn-then-plain-1.3",
    "A2-rst-bad-checksum-then-plain-1.3",
    "A2c-bad-checksum-rst-then-login",
    "A3-rst-old-seq-then-plain-1.3",
    "A5-bad-checksum-rst-then-session",
    "A8-decoy-tls-lowttl-forged-acks-then-real-plaintext",
    "A9-decoy-tls-bad-ip-checksum-then-real-plaintext",
    "K2-low-ttl-tls-decoys-without-acks-then-real-plaintext",
    "K4-zero-tcp-checksum-decoys-without-acks",
    "K6-overlapping-fragments-tls-first",
    "R1-reuse-syn-lost-refused-login",
    "R3-rst-then-hour-later-reuse-syn-lost-session",
    "R5-fin-then-hour-later-reuse-midstream-executes",
    "R6-reuse-syn-lost-lower-isn-session",
    "V1-vlan-two-tenants-same-tuple-login",
    "V1-vxlan-two-tenants-same-tuple-login",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_plaintext_beside_the_accepted_stream_is_told(name: str, shared: Path) -> None:
    result = aurora_wire.scan([shared / "field" / f"hostile-{name}.pcap"])
    assert result.exit_code == 1, explain(result)


@pytest.mark.parametrize("first", ["A", "B"])
def test_one_more_input_never_makes_plaintext_vanish(first: str, shared: Path) -> None:
    names = ["hostile-W1-siteA-tls.pcap", "hostile-W1-siteB-midstream-plaintext.pcap"]
    sites = [shared / "field" / name for name in names]
    result = aurora_wire.scan(sites if first == "A" else sites[::-1])
    assert result.exit_code == 1, explain(result)
    assert len(result.connections) == 2, explain(result)


def two_isns() -> tuple[Conversation, Conversation]:
    secret = play(plaintext(), Conversation(client_isn=3_000_000_000, server_isn=2_000_000_000))
    return play(tls13()), secret


@pytest.mark.parametrize("syn", [True, False])
def test_the_same_ports_with_other_numbers_are_another_connection(syn: bool, tmp_path: Path) -> None:
    first, second = two_isns()
    packets = interleave(first, second) if syn else [*first.packets, *second.packets[3:]]
    result = scan_of(tmp_path, packets)
    said = explain(result)
    assert sorted(one.verdict for one in result.connections) == ["encrypted", "plaintext"], said
    for one in result.connections:
        assert one.client_coverage.missing + one.server_coverage.missing == 0, said
    assert "Canary-0001-7f3a" in said


def conflicting() -> list[Packet]:
    """Records that were acknowledged, and a statement for the place of one of them afterwards."""
    steps = tls13()
    talk = play(until(steps, "server-data-2"), close=False)
    talk.again("client", talk.offset["client"] - 60, mysql.query(SECRET))
    return play(since(steps, "client-data-3"), talk, syn=False).packets


def test_the_copy_that_lost_is_read(tmp_path: Path) -> None:
    result = scan_of(tmp_path, conflicting())
    said = explain(result)
    assert [one.verdict for one in result.connections] == ["mixed"], said
    assert "AW407" in {one.rule for one in result.findings}, said


LONG = b"INSERT INTO notes (body) VALUES ('" + b"Canary-0001-7f3a, " * 12 + b"')"


@pytest.mark.parametrize("size", [60, 100, 200])
@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("answers", [20, 60])
def test_a_gap_that_is_filled_late_makes_its_statement_whole(
    size: int, lost: int, answers: int, tmp_path: Path
) -> None:  # fmt: skip
    """One segment comes after its gap was given up: it was acknowledged, and many packets went by."""
    steps = plaintext()
    talk = play(until(steps, "login-ok"), close=False)
    begin = len(talk.packets)
    talk.client(mysql.query(LONG), sizes=size)
    number = min(begin + lost, len(talk.packets) - 1)
    late = talk.packets.pop(number)
    talk.ack("server")
    for _ in range(answers):
        talk.server(mysql.ok(1))
        talk.client(mysql.ping())
    talk.packets.append(late)
    talk.fin()
    result = scan_of(tmp_path, talk)
    (one,) = result.connections
    assert one.verdict == "plaintext", explain(result)
    assert [(text.sql, text.complete) for text in one.statements if text.command == "COM_QUERY"] == [(LONG, True)]


FORGED_LATE = {
    "an execution": ("client", mysql.execute(1, [b"4111111111111111", 5])),
    "two commands": ("client", mysql.init_db(b"shop") + mysql.execute(1, [b"4111111111111111"])),
    "a compressed statement": ("client", mysql.compressed(0, mysql.query(SECRET + b" " * 60))),
    "rows": ("server", mysql.result_set([b"id", b"body"], [[b"1", b"4111111111111111"]])),
    "a message of the X Protocol": ("client", b"\x1a\0\0\0\x12" + bytes(5) + b"4111111111111111" + bytes(4)),
}


@pytest.mark.parametrize("name", FORGED_LATE)
@pytest.mark.parametrize("at", ["client-data-2", "client-data-4"])
def test_packets_at_a_place_whose_bytes_are_forgotten_take_the_proof(name: str, at: str, tmp_path: Path) -> None:
    """What was acknowledged long ago is not kept: nothing says that these bytes are a repetition."""
    who, payload = FORGED_LATE[name]
    talk = play(until(tls13(), at), close=False)
    talk.again(who, talk.offset[who] - 240 - len(payload), payload)  # type: ignore[arg-type]
    result = scan_of(tmp_path, play(since(tls13(), at)[1:], talk, syn=False))
    assert (result.verdict, result.confidence) != ("encrypted", "proven"), explain(result)


@pytest.mark.parametrize("number", range(3, 40))
def test_a_late_repetition_of_tls_takes_no_proof(number: int, tmp_path: Path) -> None:
    talk = play(tls13(), sizes=200, close=False)
    packet = talk.packets[number]
    talk.packets.append(packet)
    assert (scan_of(tmp_path, talk).confidence) == "proven", number


TAKEN_FIRST = {
    "a statement": ("client", mysql.query(SECRET)),
    "a login": ("client", mysql.login(user=b"eve")),
    "an execution": ("client", mysql.execute(1, [b"4111111111111111", 5])),
    "rows": ("server", mysql.result_set([b"id", b"body"], [[b"1", b"4111111111111111"]])),
}


@pytest.mark.parametrize("name", TAKEN_FIRST)
@pytest.mark.parametrize("at", ["client-data-1", "client-data-2"])
@pytest.mark.parametrize("ahead", [1, 5, 10])
def test_the_copy_that_was_taken_first_is_read_too(ahead: int, at: str, name: str, tmp_path: Path) -> None:
    """It came out of order, inside a record to be; what came in its place is ciphertext."""
    who, payload = TAKEN_FIRST[name]
    rest = since(tls13(), at)[1:]
    talk = play(until(tls13(), at), close=False)
    talk.again(who, talk.offset[who] + ahead, payload)  # type: ignore[arg-type]
    result = scan_of(tmp_path, play(rest, talk, syn=False))
    assert result.exit_code == 1, explain(result)


@pytest.mark.parametrize("name", TAKEN_FIRST)
@pytest.mark.parametrize("back", [0, 30, 240])
def test_a_command_or_rows_in_a_dropped_segment_are_told(back: int, name: str, tmp_path: Path) -> None:
    who, payload = TAKEN_FIRST[name]
    talk = play(until(tls13(), "client-data-3"), close=False)
    offset = talk.offset[who] - back - (len(payload) if back else 0)
    talk.again(who, offset, payload, bad_checksum=True)  # type: ignore[arg-type]
    result = scan_of(tmp_path, play(since(tls13(), "client-data-3")[1:], talk, syn=False))
    assert result.exit_code == 1, explain(result)
