"""MySQL packets, one function a packet. Source: the manual's pages of the same names."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, COMPRESS = 1, 2, 4, 8, 1 << 5
PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION = 1 << 9, 1 << 11, 1 << 13, 1 << 15
PLUGIN_AUTH, CONNECT_ATTRS, DEPRECATE_EOF, QUERY_ATTRIBUTES = 1 << 19, 1 << 20, 1 << 24, 1 << 27
BASE = LONG_PASSWORD | LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH
NONCE = b"abcdefghijklmnopqrst"
SCRAMBLE = bytes(range(0x80, 0x94))
PLUGIN = b"mysql_native_password"


def packet(seq: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([seq & 255]) + payload


def lenenc(number: int) -> bytes:
    if number < 0xFB:
        return bytes([number])
    if number < 1 << 16:
        return b"\xfc" + struct.pack("<H", number)
    return b"\xfd" + number.to_bytes(3, "little")


def lestr(text: bytes) -> bytes:
    return lenenc(len(text)) + text


def greeting(*, ssl: bool = True, version: bytes = b"8.0.36", thread_id: int = 11, caps: int = 0) -> bytes:
    """Protocol::HandshakeV10."""
    caps |= BASE | CONNECT_WITH_DB | (SSL if ssl else 0)
    return packet(
        0,
        b"".join(
            (
                b"\x0a",
                version,
                b"\0",
                struct.pack("<I", thread_id),
                NONCE[:8],
                b"\0",
                struct.pack("<H", caps & 0xFFFF),
                b"\x2d",
                struct.pack("<H", 2),
                struct.pack("<H", caps >> 16),
                bytes([21]),
                bytes(10),
                NONCE[8:],
                b"\0",
                PLUGIN,
                b"\0",
            )
        ),
    )


def greeting_v9(*, version: bytes = b"3.20.32") -> bytes:
    return packet(0, b"\x09" + version + b"\0" + struct.pack("<I", 7) + b"abcdefgh\0")


def ssl_request(caps: int = BASE | CONNECT_WITH_DB | SSL) -> bytes:
    return packet(1, struct.pack("<IIB23x", caps | SSL, 1 << 24, 45))


def login(
    user: bytes = b"app",
    database: bytes = b"shop",
    *,
    seq: int = 1,
    caps: int = BASE | CONNECT_WITH_DB,
    attributes: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """Protocol::HandshakeResponse41."""
    if attributes:
        caps |= CONNECT_ATTRS
    payload = struct.pack("<IIB23x", caps, 1 << 24, 45) + user + b"\0" + bytes([20]) + SCRAMBLE
    if caps & CONNECT_WITH_DB:
        payload += database + b"\0"
    payload += PLUGIN + b"\0"
    if attributes:
        payload += lestr(b"".join(lestr(key) + lestr(value) for key, value in attributes))
    return packet(seq, payload)


def login_320(user: bytes = b"app") -> bytes:
    """Protocol::HandshakeResponse320."""
    return packet(1, struct.pack("<H", LONG_PASSWORD) + (1 << 20).to_bytes(3, "little") + user + b"\0" + b"scramble\0")


def ok(seq: int = 2, *, affected: int = 0, status: int = 2) -> bytes:
    return packet(seq, b"\0" + lenenc(affected) + b"\0" + struct.pack("<HH", status, 0))


def err(code: int, message: bytes, *, seq: int = 2, state: bytes = b"HY000") -> bytes:
    marker = b"#" + state if state else b""
    return packet(seq, b"\xff" + struct.pack("<H", code) + marker + message)


def eof(seq: int) -> bytes:
    return packet(seq, b"\xfe" + struct.pack("<HH", 0, 2))


def command(number: int, body: bytes = b"", *, seq: int = 0) -> bytes:
    return packet(seq, bytes([number]) + body)


def query(sql: bytes) -> bytes:
    return command(3, sql)


def init_db(schema: bytes) -> bytes:
    return command(2, schema)


def ping() -> bytes:
    return command(14)


def leave() -> bytes:
    """COM_QUIT."""
    return command(1)


def prepare(sql: bytes) -> bytes:
    return command(22, sql)


def prepare_ok(statement: int, params: int, *, columns: int = 0) -> bytes:
    out = packet(1, b"\0" + struct.pack("<IHHBH", statement, columns, params, 0, 0))
    seq = 2
    for count in (params, columns):
        for number in range(count):
            out += packet(seq, column_definition(b"?" if count == params else b"c%d" % number))
            seq += 1
        if count:
            out += eof(seq)
            seq += 1
    return out


def execute(statement: int, values: Sequence[int | bytes | None]) -> bytes:
    """COM_STMT_EXECUTE with LONGLONG and VAR_STRING parameters."""
    body = struct.pack("<IBI", statement, 0, 1)
    if values:
        bitmap = bytearray((len(values) + 7) // 8)
        types, data = b"", b""
        for number, value in enumerate(values):
            if value is None:
                bitmap[number // 8] |= 1 << number % 8
                types += b"\x06\0"
            elif isinstance(value, int):
                types += b"\x08\0"
                data += struct.pack("<q", value)
            else:
                types += b"\xfd\0"
                data += lestr(value)
        body += bytes(bitmap) + b"\x01" + types + data
    return command(23, body)


def column_definition(name: bytes) -> bytes:
    return (
        lestr(b"def")
        + lestr(b"shop")
        + lestr(b"t")
        + lestr(b"t")
        + lestr(name)
        + lestr(name)
        + b"\x0c"
        + struct.pack("<HIBHBH", 45, 1020, 0xFD, 0, 0, 0)
    )


def result_set(columns: Sequence[bytes], rows: Sequence[Sequence[bytes | None]], *, seq: int = 1) -> bytes:
    """Text Resultset with EOF packets (no DEPRECATE_EOF)."""
    out = [packet(seq, lenenc(len(columns)))]
    for name in columns:
        seq += 1
        out.append(packet(seq, column_definition(name)))
    seq += 1
    out.append(eof(seq))
    for row in rows:
        seq += 1
        out.append(packet(seq, b"".join(b"\xfb" if value is None else lestr(value) for value in row)))
    out.append(eof(seq + 1))
    return b"".join(out)


def compressed(cseq: int, inner: bytes, *, threshold: int = 50) -> bytes:
    """One packet of the compressed protocol (zlib) around whole or cut ordinary packets."""
    if len(inner) < threshold:
        return len(inner).to_bytes(3, "little") + bytes([cseq]) + bytes(3) + inner
    data = zlib.compress(inner)
    return len(data).to_bytes(3, "little") + bytes([cseq]) + len(inner).to_bytes(3, "little") + data
