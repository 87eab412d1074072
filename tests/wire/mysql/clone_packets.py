"""Packets of CLONE as MySQL 9.7 sends them, for tests."""

from __future__ import annotations

import struct

from tests.conversations import mysql

INNODB = 12
LOCATOR, TASK, STATE, FILE, BLOCK = 1, 2, 3, 4, 5


def innodb(kind: int, body: bytes = bytes(22), *, version: int = 100) -> bytes:
    return struct.pack(">III", version, 12 + len(body), kind) + body


def locator(room: int = 0) -> bytes:
    inner = innodb(LOCATOR)
    room = room or len(inner)
    return bytes([INNODB]) + struct.pack("<I", room) + inner.ljust(room, b"\0")


def sent(payload: bytes) -> bytes:
    return mysql.packet(0, payload)


def init(kind: int = 1) -> bytes:
    return sent(bytes([kind]) + struct.pack("<II", 0x0103, 0x8000012C) + locator(128))


def ack(error: int = 0) -> bytes:
    about = b"" if error else innodb(STATE, bytes(34))
    return sent(b"\x05" + struct.pack("<I", error) + locator() + struct.pack("<I", len(about)) + about)


def execute() -> bytes:
    return sent(b"\x04")


def leave() -> bytes:
    return sent(b"\x06")


def locators() -> bytes:
    return sent(b"\x01" + struct.pack("<I", 0x0103) + locator())


def descriptor(kind: int = BLOCK, body: bytes = bytes(40)) -> bytes:
    return sent(b"\x02" + bytes([INNODB, 0]) + innodb(kind, body))


def data(content: bytes) -> bytes:
    return sent(b"\x03" + content)


def named(kind: int, *texts: bytes) -> bytes:
    return sent(bytes([kind]) + b"".join(struct.pack("<I", len(text)) + text for text in texts))


def complete() -> bytes:
    return sent(b"\x63")


def error(number: int, text: bytes) -> bytes:
    return sent(b"\x64" + struct.pack("<I", number) + text)


COMMANDS = [init(), init(2), init(3), execute(), ack(), ack(3862), leave()]
ANSWERS = [
    locators(), descriptor(STATE), descriptor(FILE, bytes(20) + b"./ibdata1\0"), descriptor(), named(4, b"InnoDB"),
    named(5, b"version", b"9.7.4"), named(6, b"utf8mb4_0900_ai_ci"), named(7, b"clone", b"mysql_clone.so"),
    named(7, b"InnoDB", b""), named(8, b"clone_donor_timeout_after_network_failure", b"5"), named(9, b"other", b"1"),
    complete(), error(3862, b"Clone Donor Error"),
]  # fmt: skip
