"""What a packet of CLONE tells by its own fields: example by example, cut anywhere, and no bytes raise."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import clone_shape
from aurora_wire.wire.mysql.clone_shape import CERTAIN, KNOWN_NAME, command_bits, find_descriptor, response_bits
from tests.wire.mysql import clone_packets as made

HEADER = 4


def asked(packet: bytes) -> int:
    return int(command_bits(packet, HEADER, len(packet)))


def told(packet: bytes) -> int:
    return int(response_bits(packet, HEADER, len(packet)))


@pytest.mark.parametrize("packet", made.COMMANDS)
def test_a_command_tells_and_is_no_answer(packet: bytes) -> None:
    assert asked(packet) == (CERTAIN if len(packet) > 5 else clone_shape.BARE)
    assert told(packet) == 0


@pytest.mark.parametrize("packet", made.ANSWERS)
def test_an_answer_tells_and_is_no_command(packet: bytes) -> None:
    assert told(packet) > 0
    assert asked(packet) == 0


@pytest.mark.parametrize(
    ("packet", "bits"),
    [
        (made.locators(), CERTAIN), (made.descriptor(), CERTAIN), (made.named(5, b"version", b"9"), CERTAIN),
        (made.named(6, b"latin1_bin"), KNOWN_NAME), (made.named(4, b"binlog"), KNOWN_NAME),
        (made.named(4, b"somebody"), clone_shape.FITS), (made.named(5, b"key", b"value"), clone_shape.FITS),
        (made.named(4, b""), 0), (made.named(4, b"two words"), 0), (made.named(7, b"clone", b"a text"), 0),
        (made.data(b"InnoDB"), 0), (made.sent(b"\x04\0\0\0\0"), 0), (made.sent(b"\x63\0"), 0),
    ],
)  # fmt: skip
def test_only_what_nobody_else_has_counts_alone(packet: bytes, bits: int) -> None:
    assert told(packet) == bits


@pytest.mark.parametrize("packet", [one for one in made.COMMANDS + made.ANSWERS if len(one) > 5])
def test_a_packet_that_is_not_all_there_tells_nothing(packet: bytes) -> None:
    for end in range(HEADER + 1, len(packet)):
        assert command_bits(packet, HEADER, end) < CERTAIN
        assert response_bits(packet, HEADER, end) < CERTAIN or packet[4] == 2


@pytest.mark.parametrize("at", [0, 1, 7, 4000])
def test_a_descriptor_is_found_wherever_it_begins(at: int) -> None:
    packet = made.descriptor()
    stream = b"\0\0\0d\0\0\0" * (at // 7) + bytes(at % 7) + packet + made.data(b"file" * 99)
    assert find_descriptor(stream, 0, len(stream)) == at
    for cut in range(at, at + 19):
        assert find_descriptor(stream, 0, cut) == -1
    assert find_descriptor(stream, at + 1, len(stream)) == -1


@pytest.mark.parametrize(
    "spoiled",
    [
        made.sent(b"\x02\x0c\0" + made.innodb(5, version=99)), made.sent(b"\x02\x0c\0" + made.innodb(6)),
        made.sent(b"\x02\x0c\0" + made.innodb(5) + b"\0"), made.sent(b"\x02\x0c\x10" + made.innodb(5)),
        made.sent(b"\x02\x0c\0" + made.innodb(made.LOCATOR)), b"\x2b\0\0\x01" + made.descriptor()[4:],
    ],
)  # fmt: skip
def test_what_differs_in_one_field_is_no_descriptor(spoiled: bytes) -> None:
    assert find_descriptor(spoiled, 0, len(spoiled)) == -1


def test_a_locator_that_claims_more_than_there_is_tells_nothing() -> None:
    for size in (0, 11, 35, 0x7FFFFFFF, 0xFFFFFFFF):
        body = b"\x01" + struct.pack("<IIBI", 0x0103, 0, made.INNODB, size) + made.innodb(made.LOCATOR)
        assert asked(made.sent(body)) == 0


@given(st.binary(max_size=120), st.integers(0, 10) | st.sampled_from([99, 100]))
@settings(max_examples=500, deadline=None)
def test_no_bytes_raise_and_hardly_any_tell(body: bytes, kind: int) -> None:
    packet = made.sent(bytes([kind]) + body)
    for end in (HEADER, len(packet)):
        assert command_bits(packet, HEADER, end) < CERTAIN
        assert response_bits(packet, HEADER, end) < CERTAIN
    assert find_descriptor(packet, 0, len(packet)) == -1
