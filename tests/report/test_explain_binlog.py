"""A replication stream in words, and what compressed packets of zstd hold; no bytes break it."""

from __future__ import annotations

import random
import struct

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.decoding import labels
from tests.conversations import mysql
from tests.report.test_explain import COM_QUERY, explained, squeezed
from tests.wire.mysql.binlog_events import COLUMNS, event, packets, payload, query_body, rows_body, table_map


def told(made: bytes, *, semi_sync: bool = False) -> str:
    return explained(mysql.packet(4, payload(made, semi_sync=semi_sync)), labels.BINLOG, from_client=False)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (2, query_body(b"DROP TABLE a"), ["type 2: query", "schema shop", "statement: DROP TABLE a\n"]),
        (4, struct.pack("<Q", 4) + b"bin.000007", ["goes on at 4", "of the log bin.000007\n"]),
        (19, table_map(5, b"shop", b"orders", [COLUMNS[0]]), ["table number 5, for", "schema shop", "table orders"]),
        (30, rows_body(random.Random(1), 5, [COLUMNS[0]], 1), ["type 30: write rows", "of table number 5"]),
        (29, b"\x0cDROP TABLE a", ["statement: DROP TABLE a\n"]), (160, b"DROP TABLE a", ["statement: DROP TABLE a\n"]),
        (77, b"abc", ["type 77: not known here", "its content, 3 bytes"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("checksum", [False, True])
def test_an_event_is_told_field_by_field(kind: int, body: bytes, words: list[str], checksum: bool) -> None:
    shown = told(event(kind, body, checksum=checksum))
    assert all(one in shown for one in words), shown
    assert ("checksum, which is right" in shown) == checksum
    assert "written 2023-11-14T22:13:20" in shown


def test_semi_synchronous_events_and_what_acknowledges_them() -> None:
    assert "semi-synchronous: acknowledge it" in told(event(16, bytes(8)), semi_sync=True)
    ack = explained(mysql.packet(0, b"\xef" + struct.pack("<Q", 4711) + b"bin.000003"), labels.BINLOG)
    assert "up to 4711" in ack
    assert "of the log bin.000003" in ack


@given(st.binary(max_size=80), st.sampled_from([2, 4, 19, 23, 29, 30, 33, 40, 160]), st.integers(0, 70))
@settings(max_examples=300, deadline=None)
def test_no_event_breaks_it(body: bytes, kind: int, cut: int) -> None:
    whole = packets([event(kind, body)])
    explained(whole[: max(len(whole) - cut, 1)], labels.BINLOG, from_client=False)
    explained(mysql.packet(1, body or b"\0"), labels.BINLOG)


def in_zstd(inside: bytes) -> bytes:
    packed = zstd.compress(inside)
    return len(packed).to_bytes(3, "little") + b"\0" + len(inside).to_bytes(3, "little") + packed


def test_compressed_packets_of_zstd_are_opened() -> None:
    query = mysql.query(b"SELECT 'canary' -- " + b"x" * 200)
    whole = in_zstd(query)
    assert "SELECT 'canary'" in explained(whole, COM_QUERY, known=squeezed(whole, query, COM_QUERY))
    broken = whole[:16] + bytes(len(whole) - 16)
    assert "They cannot be decompressed." in explained(broken, COM_QUERY, known=squeezed(broken, b"", COM_QUERY))


def test_a_window_larger_than_any_packet_is_not_opened() -> None:
    inside = bytes(40 << 10)
    packed = zstd.compress(inside, options={zstd.CompressionParameter.window_log: 27})
    frame = bytearray(packed)
    frame[4] &= 0x1F          # no single segment and no size: the window's descriptor counts
    frame[5] = 17 << 3
    whole = len(frame).to_bytes(3, "little") + b"\0" + len(inside).to_bytes(3, "little") + bytes(frame)
    shown = explained(whole, COM_QUERY, known=squeezed(whole, b"", COM_QUERY))
    assert "more memory than any MySQL packet needs" in shown
