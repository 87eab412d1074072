"""Feed Engine with frames of your own: here those of a pcap file, read by a few lines of struct.

    python examples/engine_on_frames.py captures/article-1-mysql-client-plaintext.pcap

The engine reads no files and no clocks. It is given frames, from wherever they are, and hands out connections.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import aurora_wire


def frames(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield each frame of a little-endian pcap file: captured bytes, original length, time in ns, link type."""
    link_type = struct.unpack_from("<I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, micros, captured, original = struct.unpack_from("<4I", data, at)
        yield data[at + 16 : at + 16 + captured], original, (seconds * 1_000_000 + micros) * 1000, link_type
        at += 16 + captured


def take(engine: aurora_wire.Engine) -> Iterator[aurora_wire.ConnectionResult]:
    """Yield the result of each connection that has ended since the last call."""
    ended, engine.ended = engine.ended, []
    for connection in ended:
        yield aurora_wire.describe(connection)
        connection.dispose()  # gives its memory back at once


def show(result: aurora_wire.ConnectionResult) -> None:
    print(f"{result.client.address} -> {result.server.address}: {result.verdict} ({result.confidence})")
    for statement in result.statements:
        print(f"  frame {statement.frame}: {statement.sql!r}")


def main(path: str) -> None:
    engine = aurora_wire.Engine([3306, 33060])
    for data, original, time_ns, link_type in frames(Path(path).read_bytes()):
        engine.feed(data, 0, len(data), original, time_ns, link_type)
        if engine.waits_to_be_taken():
            for result in take(engine):
                show(result)
    engine.finish()
    for result in take(engine):
        show(result)


if __name__ == "__main__":
    main(sys.argv[1])
