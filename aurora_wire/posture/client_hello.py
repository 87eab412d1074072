"""ClientHellos of our own, so that "not offered" is a fact about the server and not about the local OpenSSL.

A hello names what it wants to know and nothing else: one version, the suites and groups that are left to try. No key
is made: with TLS 1.3 the list of key shares is empty, which a server answers with a HelloRetryRequest that names the
suite and the group of its choice (RFC 8446, section 4.1.4); up to TLS 1.2 the ServerHello names the suite and the
ServerKeyExchange the group (RFC 8422, section 5.4) before the client has to show a key.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import Final

from aurora_wire.wire.tls import names

SSL3: Final = 0x0300
TLS10: Final = 0x0301
TLS11: Final = 0x0302
TLS12: Final = 0x0303
TLS13: Final = 0x0304

# The groups that servers are asked for, in this order.
GROUPS: Final = {
    group: names.GROUPS[group] for group in (
        *range(0x0015, 0x0022), *range(0x0100, 0x0105), *range(0x0200, 0x0203), *range(0x11EB, 0x11EE),
    )
}  # fmt: skip
CURVES_OF_12: Final = tuple(group for group in GROUPS if group < 0x1F)

# ECDSA and RSA, with the hashes of each time; a server that signs with none of them is not to be had.
SIGNATURES: Final = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
    0x0904, 0x0905, 0x0906, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202,
)  # fmt: skip

_HANDSHAKE_RECORD: Final = 22
_RENEGOTIATION_INFO: Final = 0xFF01


def client_hello(version: int, suites: Sequence[int], groups: Sequence[int], host: str = "") -> bytes:
    """Return a record with a ClientHello that offers this version, these suites and groups, in this order.

    host: sent as server name; empty (an address has none): the extension is left out.
    """
    legacy = min(version, TLS12)
    body = struct.pack(">H", legacy) + os.urandom(32)
    body += _vector8(os.urandom(32) if version >= TLS13 else b"")
    body += _vector16(b"".join(struct.pack(">H", suite) for suite in suites))
    body += _vector8(b"\0")
    if version > SSL3:  # SSL 3.0 knows no extensions
        body += _vector16(_extensions(version, groups, host))
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    # The record says TLS 1.0, as all clients do: some servers refuse more before a version is agreed (RFC 8446, 5.1).
    return struct.pack(">BHH", _HANDSHAKE_RECORD, min(legacy, TLS10), len(message)) + message


def _extensions(version: int, groups: Sequence[int], host: str) -> bytes:
    parts = []
    if host:
        name = host.encode("idna") if not host.isascii() else host.encode()
        parts.append((names.SERVER_NAME, _vector16(b"\0" + _vector16(name))))
    if groups:
        parts.append((names.SUPPORTED_GROUPS, _vector16(b"".join(struct.pack(">H", group) for group in groups))))
        parts.append((names.EC_POINT_FORMATS, b"\x01\0"))
    if version >= TLS12:
        listed = b"".join(struct.pack(">H", scheme) for scheme in SIGNATURES)
        parts.append((names.SIGNATURE_ALGORITHMS, _vector16(listed)))
    if version >= TLS13:
        parts.append((names.SUPPORTED_VERSIONS, _vector8(struct.pack(">H", version))))
        parts.append((names.KEY_SHARE, _vector16(b"")))
    else:
        parts.append((_RENEGOTIATION_INFO, b"\0"))
        parts.append((names.EXTENDED_MASTER_SECRET, b""))
    return b"".join(struct.pack(">H", int(kind)) + _vector16(content) for kind, content in parts)


def _vector8(content: bytes) -> bytes:
    return bytes([len(content)]) + content


def _vector16(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content
