"""A small client of X Protocol for recordings: what no library sends is sent by it, too (cursors, pipelines).

Source: MySQL internals, "X Protocol"; mysqlx*.proto in the server's source.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from pathlib import Path

OK, ERROR, AUTHENTICATE_CONTINUE, AUTHENTICATE_OK, EXECUTE_OK, FETCH_SUSPENDED = 0, 1, 3, 4, 17, 15
AUTHENTICATE_START, CONTINUE, CLOSE, STMT_EXECUTE = 4, 5, 7, 12
PREPARE, CURSOR_OPEN, CURSOR_CLOSE, CURSOR_FETCH = 40, 43, 44, 45
SECONDS = 30


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(value: str) -> bytes:
    """An Any of a string."""
    return number(1, 1) + part(2, number(1, 8) + part(9, part(1, value.encode())))


class XClient:
    """One session. Answers are lists of (message type, body), up to the one that ends a reply."""

    def __init__(self, address: tuple[str, int] | Path) -> None:
        if isinstance(address, Path):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(str(address))
        else:
            self.socket = socket.create_connection(address)
        self.socket.settimeout(SECONDS)
        self.messages: list[tuple[int, bytes]] = []

    def close(self) -> None:
        self.ask(CLOSE)
        self.socket.close()

    def send(self, *messages: tuple[int, bytes]) -> None:
        self.socket.sendall(b"".join(struct.pack("<IB", len(body) + 1, kind) + body for kind, body in messages))

    def receive(self) -> tuple[int, bytes]:
        length, kind = struct.unpack("<IB", self._exactly(5))
        message = (kind, self._exactly(length - 1))
        self.messages.append(message)
        return message

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data

    def answer(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        while not found or found[-1][0] not in (OK, ERROR, EXECUTE_OK, AUTHENTICATE_CONTINUE, AUTHENTICATE_OK):
            found.append(self.receive())
        return found

    def ask(self, kind: int, body: bytes = b"") -> list[tuple[int, bytes]]:
        self.send((kind, body))
        return self.answer()

    def log_in_on_a_socket(self, user: str, password: str, schema: str = "") -> None:
        """By PLAIN, which servers take from a socket: from then on they know the password by its hash."""
        said = f"{schema}\0{user}\0{password}".encode()
        self._agreed(self.ask(AUTHENTICATE_START, part(1, b"PLAIN") + part(2, said)))

    def log_in(self, user: str, password: str, schema: str = "") -> None:
        """By SHA256_MEMORY, without TLS."""
        challenge = self.ask(AUTHENTICATE_START, part(1, b"SHA256_MEMORY"))[-1][1]
        nonce = challenge[2 : 2 + challenge[1]]
        once = hashlib.sha256(password.encode()).digest()
        mask = hashlib.sha256(hashlib.sha256(once).digest() + nonce[:20]).digest()
        proof = bytes(a ^ b for a, b in zip(once, mask, strict=True)).hex().upper()
        self._agreed(self.ask(CONTINUE, part(1, f"{schema}\0{user}\0{proof}".encode())))

    def _agreed(self, answer: list[tuple[int, bytes]]) -> None:
        if answer[-1][0] != AUTHENTICATE_OK:
            raise ConnectionError(f"not logged in: {answer[-1][1]!r}")

    def sql(self, statement: str, *arguments: str) -> list[tuple[int, bytes]]:
        return self.ask(STMT_EXECUTE, self.statement(statement, *arguments))

    def statement(self, statement: str, *arguments: str) -> bytes:
        return part(1, statement.encode()) + b"".join(part(2, text(one)) for one in arguments) + part(3, b"sql")

    def cursor(self, statement: str, rows: int) -> int:
        """Prepare a statement, open a cursor on it and fetch all, `rows` at a time. Return how many fetches it took."""
        prepared = number(1, 1) + part(2, number(1, 5) + part(6, self.statement(statement)))
        self.ask(PREPARE, prepared)
        opened = number(1, 1) + part(4, number(1, 0) + part(2, number(1, 1))) + number(5, rows)
        answer = self.ask(CURSOR_OPEN, opened)
        fetches = 0
        while any(kind == FETCH_SUSPENDED for kind, _ in answer):
            answer = self.ask(CURSOR_FETCH, number(1, 1) + number(5, rows))
            fetches += 1
        self.ask(CURSOR_CLOSE, number(1, 1))
        return fetches
