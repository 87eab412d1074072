"""Small captures made byte by byte, and a reader of all frames of a source."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from aurora_wire.capture.frame_source import FrameSource


class Frame(NamedTuple):
    time_ns: int
    link_type: int
    data: bytes
    original_len: int


def frames(source: FrameSource, into: list[Frame] | None = None) -> list[Frame]:
    """All frames; `into` holds those before an error, too."""
    found = [] if into is None else into
    while source.advance():
        data = source.buffer[source.at:source.at + source.captured_len]
        assert len(data) == source.captured_len
        found.append(Frame(source.time_ns, source.link_type, data, source.original_len))
    assert source.count == len(found)
    return found


def in_blocks(data: bytes, size: int = 1 << 20) -> Callable[[], bytes]:
    """A reader that gives `data` in blocks of `size`."""
    blocks = iter([data[at:at + size] for at in range(0, len(data), size)])
    return lambda: next(blocks, b"")


def pcap_header(order: str = "<", magic: int = 0xA1B2C3D4, snaplen: int = 262144, network: int = 1) -> bytes:
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, network)


def pcap_record(
    data: bytes, order: str = "<", time: tuple[int, int] = (1, 2), original: int | None = None
) -> bytes:
    length = len(data) if original is None else original
    return struct.pack(order + "IIII", *time, len(data), length) + data


def pcap(payloads: list[bytes], order: str = "<") -> bytes:
    records = [pcap_record(data, order, (100 + number, 7)) for number, data in enumerate(payloads)]
    return pcap_header(order) + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", link_type: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(
    data: bytes, order: str = "<", number: int = 0, ticks: int = 0, original: int = -1, options: bytes = b""
) -> bytes:
    length = len(data) if original < 0 else original
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)
