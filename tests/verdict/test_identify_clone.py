"""CLONE in mid-stream: told by what InnoDB says of itself, by the donor's names, by commands and answers in turns."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.redact.capture import redact_capture
from aurora_wire.redact.masker import Masker
from aurora_wire.verdict.result import ConnectionResult
from tests.conversations import Conversation, mysql
from tests.conversations.judge import explain, scan_of
from tests.conversations.tcp import pcap
from tests.test_recorded import CAPTURES
from tests.verdict.test_identify_recordings import frames, judged, moved
from tests.wire.mysql import clone_packets as made

PORTS = [3306, 6033]
RECORDING = CAPTURES / "depth" / "clone-mysql.pcapng"
FILE = random.Random(5).randbytes(60_000) + bytes(16_800)


def in_mid_stream(port: int) -> Conversation:
    return Conversation(server=("10.0.0.9", port))


def recorded() -> tuple[int, list[bytes]]:
    data, found, at = RECORDING.read_bytes(), [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            captured, = struct.unpack_from("<I", data, at + 20)
            found.append(data[at + 28 : at + 28 + captured])
        at += length
    return 1, found


def only(talk: Conversation, folder: Path) -> ConnectionResult:
    scan = scan_of(folder, talk)
    assert scan.connections, explain(scan)
    (one,) = scan.connections
    return one


Say = Callable[[Conversation], None]


def descriptors(talk: Conversation) -> None:
    for _ in range(3):
        talk.server(made.descriptor() + made.data(FILE))
        talk.ack("client")


def middle_of_a_file(talk: Conversation) -> None:
    talk.server(made.data(FILE)[1000:] + made.descriptor() + made.data(FILE) + made.descriptor() + made.data(FILE))
    talk.ack("client")


def acknowledgements(talk: Conversation) -> None:
    talk.client(made.ack())
    talk.server(made.complete())


def the_beginning(talk: Conversation) -> None:
    talk.client(made.init())
    for name in (b"binlog", b"InnoDB"):
        talk.server(made.named(7, name, b""))
    talk.server(made.locators() + made.complete())


def names_alone(talk: Conversation) -> None:
    talk.server(made.named(6, b"latin1_bin"))
    talk.server(made.named(6, b"utf8mb4_0900_ai_ci"))
    talk.server(made.named(6, b"binary"))


def a_setting(talk: Conversation) -> None:
    talk.server(made.named(5, b"innodb_page_size", b"16384"))


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "say", [descriptors, middle_of_a_file, acknowledgements, the_beginning, names_alone, a_setting]
)
def test_it_is_told_on_any_port(say: Say, port: int, tmp_path: Path) -> None:
    talk = in_mid_stream(port)
    say(talk)
    one = only(talk, tmp_path)
    assert (one.verdict, one.confidence, one.server.port) == ("plaintext", "likely", port)
    assert one.clone is not None
    assert one.statements == []
    assert one.clone.frame > 0


@pytest.mark.parametrize("port", PORTS)
def test_what_crossed_is_counted_from_the_first_descriptor_on(port: int, tmp_path: Path) -> None:
    talk = in_mid_stream(port)
    middle_of_a_file(talk)
    talk.server(made.complete())
    scan = scan_of(tmp_path, talk)
    one = scan.connections[0].clone
    assert one is not None
    assert (one.bytes, one.packets, one.descriptors, one.complete) == (2 * len(FILE), 2, 2, True)
    hit, = (one for one in scan.findings if one.rule == "AW118")
    assert hit.detail == "the data folder crossed: 153,600 bytes"


def test_a_gap_in_a_file_is_followed_by_the_next_descriptor(tmp_path: Path) -> None:
    for begin in (0, 1):
        talk = in_mid_stream(3306)
        for _ in range(3):
            talk.server(made.descriptor() + made.data(FILE))
            talk.ack("client")
        packets = list(talk.packets)
        held = [number for number, one in enumerate(packets) if one.sender == "server"]
        del packets[held[begin + 1]]
        one = scan_of(tmp_path, packets).connections[0]
        assert one.clone is not None
        assert one.clone.descriptors >= 1
        assert one.verdict == "plaintext"


@pytest.mark.parametrize("port", PORTS)
def test_exit_ends_it_and_commands_follow(port: int, tmp_path: Path) -> None:
    talk = in_mid_stream(port)
    acknowledgements(talk)
    talk.client(made.leave())
    talk.server(made.complete())
    talk.client(mysql.query(b"SELECT 'afterwards'"))
    talk.server(mysql.result_set([b"a"], [[b"afterwards"]]))
    one = only(talk, tmp_path)
    assert [statement.sql for statement in one.statements] == [b"SELECT 'afterwards'"]
    assert one.clone is not None
    assert one.clone.commands == {"ack": 1, "exit": 1}
    assert one.confidence == "proven"


def test_the_donor_alone_goes_on_with_replies_after_its_last_word(tmp_path: Path) -> None:
    talk = in_mid_stream(6033)
    descriptors(talk)
    talk.server(made.complete())
    talk.server(mysql.ok(1))
    one = only(talk, tmp_path)
    assert one.clone is not None
    assert one.clone.complete
    assert one.server_coverage.unknown == 0


def test_an_error_of_the_donor_is_told_without_its_number(tmp_path: Path) -> None:
    talk = in_mid_stream(3306)
    talk.client(made.init())
    talk.server(made.error(3862, b"Clone Donor Error: 1045"))
    one = only(talk, tmp_path)
    assert one.clone is not None
    assert one.clone.error == "Clone Donor Error: 1045"


def bare(talk: Conversation) -> None:
    for _ in range(3):
        talk.client(made.execute())
        talk.client(made.execute())
        talk.server(mysql.packet(0, b"\x62"))


def zeros(talk: Conversation) -> None:
    for _ in range(5):
        talk.server(bytes(3000))
        talk.client(made.sent(b"\x05" + bytes(93)))


def almost(talk: Conversation) -> None:
    for _ in range(5):
        talk.server(made.sent(b"\x02\x0c\0" + made.innodb(5, version=99)) + made.sent(b"\x03" + FILE[:900]))


def names_of_others(talk: Conversation) -> None:
    for name in (b"get_user", b"list-items", b"ping.me", b"close", b"get_user"):
        talk.client(made.named(4, name))
        talk.server(made.named(7, name, b""))


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("say", [bare, zeros, almost, names_of_others])
def test_what_has_only_its_headers_is_no_clone(say: Say, port: int, tmp_path: Path) -> None:
    talk = in_mid_stream(port)
    say(talk)
    scan = scan_of(tmp_path, talk)
    assert scan.verdict in ("inconclusive", "not-mysql"), explain(scan)
    assert not any(one.clone for one in scan.connections)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("name", ["depth-clone-conn2-mysql9", "depth-clone-head-mysql9"])
def test_recordings_of_the_field_cut_at_each_frame(name: str, port: int, shared: Path) -> None:
    link, whole = frames(shared / "field" / f"{name}.pcap")
    holds(link, whole, 3316, port, 1)


@pytest.mark.parametrize("port", PORTS)
def test_a_recorded_clone_cut_at_each_frame(port: int) -> None:
    link, whole = recorded()
    (before,) = (one.server.port for one in judged(link, whole)[:1])
    holds(link, whole, before, port, 7)


def holds(link: int, whole: list[bytes], old: int, port: int, step: int) -> None:
    """Whatever frame the capture begins at, a certain packet tells, and no statement is made up."""
    packets = [moved(frame, link, old, port) for frame in whole]
    certain = [number for number, frame in enumerate(packets) if b"\0\0\0d\0\0\0" in frame]
    for begin in range(0, len(packets), step):
        found = judged(link, packets[begin:])
        assert not any(one.verdict in ("encrypted", "mixed") for one in found)
        assert not any(statement for one in found for statement in one.statements)
        if certain and begin <= certain[-1]:
            assert any(one.verdict == "plaintext" and one.clone is not None for one in found), begin


def test_redaction_of_a_clone_in_mid_stream_leaves_nothing_of_the_files(tmp_path: Path) -> None:
    secret = b"Carol's card is 4111111111111111"
    talk = in_mid_stream(6033)
    talk.server(made.data(secret * 400)[600:] + made.descriptor(made.FILE, b"./shop/people.ibd\0") + made.data(secret))
    talk.client(made.ack())
    talk.server(made.complete() + made.descriptor() + made.data(secret * 99))
    source = tmp_path / "clone.pcap"
    source.write_bytes(pcap(talk.packets))
    target = tmp_path / "masked.pcap"
    redact_capture(str(source), str(target), Masker(b"k" * 16))
    masked = target.read_bytes()
    for at in range(len(secret) - 5):
        assert secret[at : at + 6] not in masked
    assert b"people" not in masked
    assert aurora_wire.scan([target]).verdict == "plaintext"
