"""Builds MySQL messages field by field by the manual, apart from the package: the parsers' other side."""

from __future__ import annotations

import struct


def lenenc(value: int) -> bytes:
    if value < 0xFB:
        return bytes([value])
    if value < 1 << 16:
        return b"\xfc" + value.to_bytes(2, "little")
    if value < 1 << 24:
        return b"\xfd" + value.to_bytes(3, "little")
    return b"\xfe" + value.to_bytes(8, "little")


def lestr(data: bytes) -> bytes:
    return lenenc(len(data)) + data


def packet(payload: bytes, sequence: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def greeting(
    version: bytes = b"8.0.36",
    capabilities: int = 0xDFFFFFFF,
    extended: int = 0,
    plugin: bytes = b"caching_sha2_password",
) -> bytes:
    return b"".join(
        [
            b"\x0a", version, b"\0",
            struct.pack("<I", 42), b"abcdefgh", b"\0",
            struct.pack("<H", capabilities & 0xFFFF), b"\xff", struct.pack("<H", 2),
            struct.pack("<H", capabilities >> 16), bytes([21]), bytes(6), struct.pack("<I", extended),
            b"ijklmnopqrst\0", plugin, b"\0",
        ]
    )  # fmt: skip


def login(
    flags: int,
    user: bytes = b"app",
    auth: bytes = b"h" * 32,
    database: bytes = b"shop",
    plugin: bytes = b"caching_sha2_password",
    attributes: tuple[tuple[bytes, bytes], ...] = ((b"_os", b"Linux"), (b"program_name", b"mysql")),
    zstd_level: int = 3,
    extended: int = 0,
) -> bytes:
    """HandshakeResponse41; the fields that the flags name, in the manual's order."""
    parts = [struct.pack("<IIB", flags, 1 << 24, 45), bytes(19), struct.pack("<I", extended), user, b"\0"]
    if flags & 1 << 21:
        parts.append(lestr(auth))
    elif flags & 1 << 15:
        parts.append(bytes([len(auth)]) + auth)
    else:
        parts.append(auth + b"\0")
    if flags & 1 << 3:
        parts.append(database + b"\0")
    if flags & 1 << 19:
        parts.append(plugin + b"\0")
    if flags & 1 << 20:
        parts.append(lestr(b"".join(lestr(key) + lestr(value) for key, value in attributes)))
    if flags & 1 << 26:
        parts.append(bytes([zstd_level]))
    return b"".join(parts)


class Parameter:
    """A value to send: type, bytes in binary encoding (None is NULL), and the literal that must come out."""

    def __init__(
        self, kind: int, wire: bytes | None, literal: bytes, *, unsigned: bool = False, name: bytes = b""
    ) -> None:
        self.kind = kind
        self.wire = wire
        self.literal = literal
        self.unsigned = unsigned
        self.name = name

    def __repr__(self) -> str:
        return f"Parameter({self.kind}, {self.wire!r}, {self.literal!r}, unsigned={self.unsigned})"


def parameter_block(parameters: list[Parameter], *, named: bool, new_types: bool = True) -> bytes:
    """Null bitmap, flag, types (with names), values."""
    bitmap = bytearray((len(parameters) + 7) // 8)
    for index, parameter in enumerate(parameters):
        if parameter.wire is None:
            bitmap[index // 8] |= 1 << index % 8
    types = b""
    if new_types:
        for parameter in parameters:
            types += bytes([parameter.kind, 0x80 if parameter.unsigned else 0])
            if named:
                types += lestr(parameter.name)
    values = b"".join(parameter.wire for parameter in parameters if parameter.wire is not None)
    return bytes(bitmap) + bytes([1 if new_types else 0]) + types + values


def execute(
    parameters: list[Parameter], *, counted: bool = False, new_types: bool = True, statement_id: int = 7
) -> bytes:
    """COM_STMT_EXECUTE; counted: as with CLIENT_QUERY_ATTRIBUTES."""
    head = b"\x17" + struct.pack("<IBI", statement_id, 8 if counted else 0, 1)
    if counted:
        head += lenenc(len(parameters))
    if not parameters:
        return head
    return head + parameter_block(parameters, named=counted, new_types=new_types)
