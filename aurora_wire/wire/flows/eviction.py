"""Which connections are given up when too many are open."""

from typing import cast

from mypy_extensions import i64

from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.tcp_stream import Stream


def choose(streams: dict[bytes, Stream]) -> tuple[list[Connection], i64]:
    """Return a tenth of the connections, and the frame up to which connections beside them go as well.

    First those without a byte, then those that are silent longest.
    """
    empty: list[int] = []
    others: list[int] = []
    for stream in streams.values():
        connection = cast(Connection, stream.receiver)
        if stream is connection.client:
            if connection.is_empty():
                empty.append(connection.last_frame)
            else:
                others.append(connection.last_frame)
    count: i64 = (len(empty) + len(others)) // 10 + 1
    only_empty = len(empty) >= count
    frames = empty if only_empty else others
    frames.sort()
    limit: i64 = frames[count - 1 if count <= len(frames) else len(frames) - 1]
    silent: list[Connection] = []
    for stream in streams.values():
        connection = cast(Connection, stream.receiver)
        if stream is connection.client and connection.last_frame <= limit:
            if not only_empty or connection.is_empty():
                silent.append(connection)
    return silent, limit
