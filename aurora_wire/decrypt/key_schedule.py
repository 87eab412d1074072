"""Keys from secrets.

Sources: RFC 2246 section 5 and RFC 5246 section 5 (PRF), 6.3 (key block); RFC 8446 sections 7.1 to 7.3.
"""

from __future__ import annotations

import hmac

from aurora_wire.wire.tls.names import TLS_1_2


def prf(version: int, hash_name: str, secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """Compute the pseudorandom function of TLS 1.0 to 1.2."""
    if version >= TLS_1_2:
        return _p_hash(hash_name, secret, label + seed, size)
    half = (len(secret) + 1) // 2
    md5 = _p_hash("md5", secret[:half], label + seed, size)
    sha1 = _p_hash("sha1", secret[-half:], label + seed, size)
    return bytes(a ^ b for a, b in zip(md5, sha1, strict=True))


def _p_hash(hash_name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    made = b""
    a = seed
    while len(made) < size:
        a = hmac.digest(secret, a, hash_name)
        made += hmac.digest(secret, a + seed, hash_name)
    return made[:size]


def expand_label(hash_name: str, secret: bytes, label: bytes, size: int) -> bytes:
    """Compute HKDF-Expand-Label of TLS 1.3 with an empty context."""
    name = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    made = block = b""
    counter = 1
    while len(made) < size:
        block = hmac.digest(secret, block + info + bytes([counter]), hash_name)
        made += block
        counter += 1
    return made[:size]
