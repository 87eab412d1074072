"""Whatever part of a capture there is, a packet is never said to be what it is not.

Every capture of lab, corpus and field is cut at each frame, with each frame lost, and with each direction alone. The
truth is the account of the whole capture: what each packet of each frame is. A part may know less of a packet, and
then says that it is unknown: a row is no OK, ciphertext is no COM_QUERY. A run takes a sample, the same each time; all
of them: `AURORA_WIRE_ALL_CUTS=1 pytest tests/report/test_explain_cuts.py` (some minutes).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.packets import Packet, PacketView, packets
from aurora_wire.errors import CaptureError
from aurora_wire.report.packets.explain.frame import explain
from aurora_wire.wire.decoding import labels, roles
from tests.conversations import mysql
from tests.conversations.tcp import Conversation, pcap
from tests.redact.test_cut_captures import PORTS, captures, records

ALL = os.environ.get("AURORA_WIRE_ALL_CUTS") == "1"
EVERY = 60
COMPRESSED_HEADER = 7
# Labels that claim nothing of a MySQL packet, and those under which another may lie.
VAGUE = frozenset((
    labels.TCP_CONTROL, labels.KEEP_ALIVE, labels.RETRANSMISSION, labels.DISREGARDED, labels.UNKNOWN, labels.NOT_MYSQL,
    labels.PROXY_HEADER, labels.X_PROTOCOL, labels.RESPONSE, labels.COMPRESSED, labels.COMMAND_DATA,
))  # fmt: skip
ERRORS = (roles.ERR, roles.EARLY_ERR)


def told(view: PacketView) -> dict[int | tuple[int, int], int]:
    """The role of each packet that begins in a frame, by its offset; of compressed ones also by that inside."""
    found: dict[int | tuple[int, int], int] = {}
    for one in view.packets:
        if one.inside is None:
            if one.at == 0:
                found[one.start] = one.role
            continue
        for inner in one.inside:
            if inner.at == 0:
                found[one.start, inner.start] = inner.role
                found.setdefault(one.start + COMPRESSED_HEADER + inner.start, inner.role)
    return found


def is_impossible(view: PacketView, packet: Packet) -> bool:
    """Whether it is a row in binary form that begins with another byte than zero: a made-up capture."""
    at = (view.payload_at or 0) + packet.start + 4
    return packet.role == roles.BINARY_ROW and view.data[at : at + 1] != b"\0"


def wrong_claims(whole: PacketView, part: PacketView) -> Iterator[str]:
    """What `part` says of a frame that the whole capture contradicts."""
    if "disregarded" in whole.labels or "X Protocol" in whole.labels:
        return
    truth = told(whole)
    for one in whole.packets:
        if is_impossible(whole, one):
            truth[one.start] = roles.UNKNOWN
    names = dict(enumerate(_bytes(whole)))
    for place, role in told(part).items():
        true = truth.get(place)
        if role in (roles.UNKNOWN, true) or (role in ERRORS and true in ERRORS) or true == roles.UNKNOWN:
            continue
        offset = place if isinstance(place, int) else place[0]
        if true is None and names.get(offset) in VAGUE:
            continue
        if true is None and (names.get(offset) in _bytes(part)[offset : offset + 1] or is_tail(whole, offset)):
            continue
        yield f"{roles.NAMES[role]} at {place}, is {None if true is None else roles.NAMES[true]}"
    compressed = [one for one in (*whole.packets, *part.packets) if one.inside is not None]
    for at, label in enumerate(_bytes(part)):
        true_label = names[at]
        if label == true_label or label in VAGUE or true_label in VAGUE or compressed:
            continue
        if {label, true_label} <= {int(labels.ERR), int(labels.EARLY_ERROR)}:
            continue
        yield f"label {label} at {at}, is {true_label}"
        return


def is_tail(view: PacketView, offset: int) -> bool:
    """Whether a compressed packet whose header is in an earlier frame goes on here."""
    return any(one.inside is None and one.role == roles.UNKNOWN and one.at > 0 and one.start <= offset < one.end
               for one in view.packets)  # fmt: skip


def _bytes(view: PacketView) -> list[int]:
    """The label of each byte of the payload."""
    return [label for start, end, label in view.spans for _ in range(start, end)]


def words(view: PacketView) -> str:
    lines = explain(
        view.data, view.link_type, list(view.spans), view.from_client, view.capabilities, view.codec, view.packets
    )
    return "\n".join(lines)


def seen(view: PacketView) -> tuple[object, ...]:
    """All that an explanation is made of, besides the frame itself."""
    return view.label, view.spans, view.from_client, view.payload_at, view.capabilities, view.codec, view.packets


def parts(count: int, views: list[PacketView]) -> Iterator[tuple[str, list[int]]]:
    """Every part of a capture: what it is, and the frames that are left (from 0)."""
    for name, wanted in (("client alone", True), ("server alone", False)):
        yield name, [number for number in range(count) if views[number].from_client in (wanted, None)]
    for number in range(count):
        yield f"without frame {number + 1}", [one for one in range(count) if one != number]
        if number:
            yield f"from frame {number + 1} on", list(range(number, count))


def test_no_part_of_a_capture_says_what_the_whole_contradicts(shared: Path, tmp_path: Path) -> None:
    number = differing = 0
    wrong: list[str] = []
    target = tmp_path / "part.pcap"
    for path in captures():
        data = path.read_bytes()
        found = records(data)
        if found is None:
            continue
        try:
            views = list(packets([path], ScanOptions(PORTS), on_error=lambda _: None))
        except CaptureError:
            continue
        if len(views) != len(found):
            continue
        every = 1 if ALL else EVERY
        for what, left in parts(len(found), views):
            number += 1
            if number % every:
                continue
            target.write_bytes(data[:24] + b"".join(found[one] for one in left))
            for place, view in zip(left, packets([target], ScanOptions(PORTS), on_error=lambda _: None), strict=True):
                if seen(view) == seen(views[place]):
                    continue  # the same is known of it, so that the same is said
                differing += 1
                wrong += [f"{path.relative_to(shared)}, {what}: frame {place + 1}: {said}"
                          for said in wrong_claims(views[place], view)]  # fmt: skip
                said = words(view)
                if "OK: " in said and "OK: " not in words(views[place]) and "disregarded" not in views[place].labels:
                    wrong.append(f"{path.relative_to(shared)}, {what}: frame {place + 1}: {said}")
    assert number > 20_000
    assert differing > 1000
    assert not wrong, "\n".join(wrong[:40])


# Segments of ciphertext that could be packets by their first bytes.
LOOKALIKES = (
    b"\x05\0\0\0\x03Az?.", b"\x08\0\0\0\x16Qb+=%7.", b"\x06\0\0\0\x02tYq!_", b"\x09\0\0\0\x03\0\x01Kd~/:}",
    b"\x07\0\0\x01\0\x03\x9c\x71\x0b\xe4\x55",
)


@pytest.mark.parametrize("segment", LOOKALIKES)
@pytest.mark.parametrize("from_client", [True, False])
def test_ciphertext_in_mid_stream_that_begins_like_a_packet_is_unknown(
    tmp_path: Path, segment: bytes, from_client: bool
) -> None:
    """The middle of a record, on MySQL's port, whose beginning was not captured."""
    noise = bytes((index * 197 + 91 + (index >> 3) * 31) % 256 for index in range(4_000))
    conversation = Conversation()
    say = conversation.client if from_client else conversation.server
    say(noise[:1_400])
    say(segment)
    say(noise[1_400:2_000])
    say(segment + noise[2_000:2_700])
    path = tmp_path / "part.pcap"
    path.write_bytes(pcap(conversation.packets))
    for view in packets([path]):
        assert {one.role for one in view.packets} <= {roles.UNKNOWN}
        assert not any(label >= labels.COMMAND or labels.OK <= label <= labels.BINLOG for _, _, label in view.spans)
        assert "statement" not in words(view)
        assert "OK: " not in words(view)


def _asked(lost: int) -> bytes:
    """Statements and their answers, packet by packet; the `lost`th of the command phase was not captured."""
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    begin = len(conversation.packets)
    for _ in range(20):
        conversation.client(mysql.query(b"SELECT a, b FROM t"))
        conversation.server(mysql.result_set([b"a", b"b"], [[b"1", b"x"], [b"", b"\0\0\2\0\0"]]))
        conversation.client(mysql.query(b"DELETE FROM t"))
        conversation.server(mysql.ok(1))
    del conversation.packets[begin + lost]
    return pcap(conversation.packets)


@pytest.mark.parametrize("lost", range(12))
def test_after_one_more_question_and_answer_everything_is_told_again(tmp_path: Path, lost: int) -> None:
    """One lost frame does not make the rest of a connection unknown."""
    path = tmp_path / "part.pcap"
    path.write_bytes(_asked(lost))
    said = [words(view) for view in packets([path])]
    rest = "\n".join(said[-4:])  # the last two answers, and what was asked before
    assert rest.count("statement: ") >= 1
    assert rest.count("OK: done") == 1
