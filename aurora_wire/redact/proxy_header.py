"""What of a PROXY header may be copied out: addresses, ports, and the kind of TLS; names and ids are filled.

Source: "The PROXY protocol, versions 1 & 2" (HAProxy, doc/proxy-protocol.txt), section 2.2.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.redact.replacements import FILL
from aurora_wire.wire.identify.proxy_header import SUB_CIPHER, SUB_VERSION, TLV_SSL, V1_START, V2_FIXED

UNKNOWN_V1: Final = b"PROXY UNKNOWN"
HEADER: Final[i64] = 3            # of a field: kind (1), length (2)
SSL_FIXED: Final[i64] = 5         # flags (1), result of the verification (4)
CRC32: Final[i64] = 3
# Kinds of TLS, by name.
TLS_KINDS: Final = frozenset((int(SUB_VERSION), int(SUB_CIPHER), 0x24, 0x25))
WORD: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+"
LONGEST: Final[i64] = 48
ADDRESSES: Final = (0, 12, 36, 216)  # bytes of them by family: none, IPv4, IPv6, Unix


def masked_proxy(data: bytes) -> bytes:
    """Return a whole header of the same length, which every receiver reads as before but for its names."""
    end: i64 = len(data)
    if data.startswith(V1_START):
        if not data.startswith(UNKNOWN_V1):
            return data
        rest = data[len(UNKNOWN_V1) : end - 2]
        return UNKNOWN_V1 + rest[:1] + FILL * max(0, len(rest) - 1) + data[end - 2 :]
    if end < V2_FIXED:
        return FILL * len(data)
    family: i64 = data[13] >> 4
    at = min(V2_FIXED + (ADDRESSES[int(family)] if family < len(ADDRESSES) else 0), end)
    parts = [data[:V2_FIXED]]
    addresses = data[V2_FIXED:at]
    # Paths of sockets may say anything; and a proxy that speaks for itself need not send addresses.
    parts.append(bytes(len(addresses)) if family == 3 or data[12] & 15 == 0 else addresses)
    _fields(parts, data, at, end, inside=False)
    return b"".join(parts)


def _fields(parts: list[bytes], data: bytes, at: i64, end: i64, *, inside: bool) -> None:
    while at + HEADER <= end:
        kind: i64 = data[at]
        value = at + HEADER
        stop = value + u16_be(data, at + 1)
        if stop > end:
            break
        parts.append(data[at:value])
        text = data[value:stop]
        if kind == TLV_SSL and not inside and len(text) >= SSL_FIXED:
            parts.append(text[:SSL_FIXED])
            _fields(parts, data, value + SSL_FIXED, stop, inside=True)
        elif inside and int(kind) in TLS_KINDS and len(text) <= LONGEST and len(text.translate(None, WORD)) == 0:
            parts.append(text if is_tls_word(text) else FILL * len(text))
        elif kind == CRC32 and len(text) == 4:
            parts.append(text)
        else:
            parts.append(FILL * len(text))
        at = stop
    parts.append(FILL * int(end - at))


# What names of versions, ciphers, signatures and keys are made of.
TLS_WORDS: Final = (
    b"TLS", b"SSL", b"AES", b"CHACHA", b"RSA", b"DES", b"ECDSA", b"RC4", b"ARIA", b"CAMELLIA", b"ED25519", b"ED448",
    b"EC", b"DSA", b"SHA",
)  # fmt: skip


def is_tls_word(text: bytes) -> bool:
    """Return whether a name begins as those of versions, ciphers, signatures and keys do."""
    return text.upper().startswith(TLS_WORDS)
