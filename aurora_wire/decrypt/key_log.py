"""TLS secrets as clients and servers log them (SSLKEYLOGFILE), or as a pcapng's Decryption Secrets Block holds them.

Source: RFC 9850, section 2: lines of `label, client random in hex, secret in hex`; `#` begins a comment.
Bounds: lines of 1 KiB, files of 256 MiB, 200,000 connections; what is beyond is counted. Nothing here shows a secret.
"""

from __future__ import annotations

import io
import os
import re
from typing import BinaryIO

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.errors import UsageError, describe_error
from aurora_wire.rights.inputs import input_file

MAX_LINE = 1024
MAX_FILE = 256 << 20
MAX_CONNECTIONS = 200_000

MASTER_SECRET = "CLIENT_RANDOM"  # noqa: S105 - the label of TLS up to 1.2
CLIENT_HANDSHAKE = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
SERVER_HANDSHAKE = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0"
SERVER_TRAFFIC = "SERVER_TRAFFIC_SECRET_0"

# Sizes in bytes that a secret can have: the master secret's, else those of SHA-256 and SHA-384.
SIZES: dict[str, tuple[int, ...]] = {
    MASTER_SECRET: (48,),
    CLIENT_HANDSHAKE: (32, 48),
    SERVER_HANDSHAKE: (32, 48),
    CLIENT_TRAFFIC: (32, 48),
    SERVER_TRAFFIC: (32, 48),
}

LABELS = {label.encode(): label for label in SIZES}  # one string each, however many lines there are

LINE = re.compile(rb"([A-Z][A-Z0-9_]*)[ \t]+([0-9A-Fa-f]{2,})[ \t]+([0-9A-Fa-f]{2,})\s*")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class KeyLog:
    """Secrets by client random, of any number of sources. Where one is logged twice, the last counts."""

    __slots__ = ("_max_connections", "_max_file", "_secrets", "sources")

    def __init__(self, *, max_connections: int = MAX_CONNECTIONS, max_file: int = MAX_FILE) -> None:
        self._max_connections = max_connections
        self._max_file = max_file
        self._secrets: dict[bytes, dict[str, bytes]] = {}
        self.sources: list[KeyLogResult] = []

    def __len__(self) -> int:
        """Return how many connections there are secrets for."""
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"<KeyLog of {len(self)} connections>"

    def look_up(self, client_random: bytes) -> dict[str, bytes]:
        """Return a connection's secrets by label; none if the log does not know it."""
        return self._secrets.get(client_random, {})

    def read(self, path: str | os.PathLike[str]) -> KeyLogResult:
        """Add a file's secrets. Raises UsageError where it cannot be read, or holds other lines and not one secret."""
        name = os.fspath(path)
        try:
            with input_file(name) as file:
                source = self._add(file, name)
        except (OSError, ValueError) as error:
            reason = describe_error(error)
            raise UsageError(f"{name}: this key log cannot be read ({reason}).") from error
        if source.ignored and not source.secrets + source.unused + source.left_out:
            raise UsageError(
                f"{name}: no TLS key log: none of its {source.ignored:,} lines is `LABEL client-random secret`, "
                "as SSLKEYLOGFILE makes a client write them. Is it the right file?"
            )
        return source

    def include(self, other: KeyLog) -> None:
        """Add what another one has."""
        self.sources += other.sources
        for client_random, secrets in other._secrets.items():
            self._secrets.setdefault(client_random, {}).update(secrets)

    def add(self, data: bytes, path: str) -> KeyLogResult:
        """Add the secrets of a key log that is in memory; path: where it comes from, for people."""
        return self._add(io.BytesIO(data), path)

    def _add(self, file: BinaryIO, path: str) -> KeyLogResult:
        source = KeyLogResult(path)
        self.sources.append(source)
        size = 0
        inside = False  # a line that is too long goes on
        while line := file.readline(MAX_LINE):
            size += len(line)
            if size > self._max_file:
                source.left_out += 1
                break
            ends = line.endswith(b"\n")
            if not inside:
                self._line(line, source)
            inside = not ends and len(line) == MAX_LINE
        return source

    def _line(self, line: bytes, source: KeyLogResult) -> None:
        line = line.removeprefix(BYTE_ORDER_MARK).strip()
        if not line or line.startswith(b"#"):
            return
        found = LINE.fullmatch(line)
        if found is None or len(found[2]) % 2 or len(found[3]) % 2:
            source.ignored += 1
            return
        label = LABELS.get(found[1])
        if label is None:
            source.unused += 1
            return
        client_random, secret = bytes.fromhex(found[2].decode("ascii")), bytes.fromhex(found[3].decode("ascii"))
        if len(client_random) != 32 or len(secret) not in SIZES[label]:
            source.ignored += 1
            return
        known = self._secrets.get(client_random)
        if known is None:
            if len(self._secrets) >= self._max_connections:
                source.left_out += 1
                return
            known = self._secrets[client_random] = {}
        known[label] = secret
        source.secrets += 1
