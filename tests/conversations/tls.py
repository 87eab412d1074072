"""TLS records and handshake messages that are right in structure; ciphertext is seeded random bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

TLS10, TLS11, TLS12, TLS13 = 0x0301, 0x0302, 0x0303, 0x0304
CCS, ALERT, HANDSHAKE, DATA, HEARTBEAT = 20, 21, 22, 23, 24

AES_256_GCM_1_3 = 0x1302  # TLS_AES_256_GCM_SHA384
AES_128_GCM_1_3 = 0x1301
ECDHE_RSA_AES_256_GCM = 0xC030  # TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
ECDHE_RSA_AES_256_CBC = 0xC014  # TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
RSA_RC4_SHA = 0x0005  # TLS_RSA_WITH_RC4_128_SHA
RSA_NULL_SHA256 = 0x003B  # TLS_RSA_WITH_NULL_SHA256
ECDH_ANON_AES_256 = 0xC019  # TLS_ECDH_anon_WITH_AES_256_CBC_SHA
SHA256_SHA256_1_3 = 0xC0B4  # TLS_SHA256_SHA256: integrity only (RFC 9150)

RETRY_RANDOM = bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")


def noise(seed: object, size: int) -> bytes:
    """Bytes as ciphertext looks; the same for the same seed."""
    return random.Random(repr(seed)).randbytes(size)


def record(kind: int, body: bytes, version: int = TLS12) -> bytes:
    return struct.pack("!BHH", kind, version, len(body)) + body


def records(kind: int, body: bytes, version: int = TLS12, *, size: int = 16384) -> bytes:
    return b"".join(record(kind, body[at : at + size], version) for at in range(0, len(body), size))


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def vector(body: bytes, width: int) -> bytes:
    return len(body).to_bytes(width, "big") + body


def client_hello(
    *,
    suites: Sequence[int] = (AES_256_GCM_1_3, AES_128_GCM_1_3, ECDHE_RSA_AES_256_GCM, ECDHE_RSA_AES_256_CBC),
    versions: Sequence[int] = (TLS13, TLS12),
    sni: bytes | None = b"db.example",
    session_id: bytes = noise("sid", 32),
    legacy_version: int = TLS12,
    record_version: int = TLS10,
    resume_13: bool = False,
    seed: object = "client hello",
) -> bytes:
    """A record with a ClientHello. `versions` empty: no supported_versions, as up to TLS 1.2."""
    out = b""
    if sni is not None:
        out += extension(0, vector(b"\0" + vector(sni, 2), 2))
    out += extension(10, vector(struct.pack("!HH", 0x001D, 0x0017), 2))
    out += extension(13, vector(struct.pack("!HHH", 0x0403, 0x0804, 0x0401), 2))
    if versions:
        out += extension(43, vector(b"".join(struct.pack("!H", version) for version in versions), 1))
    if TLS13 in versions:
        out += extension(45, vector(b"\x01", 1))
        out += extension(51, vector(struct.pack("!H", 0x001D) + vector(noise((seed, "share"), 32), 2), 2))
    if resume_13:
        identities = vector(vector(noise("ticket", 192), 2) + noise("age", 4), 2)
        out += extension(41, identities + vector(vector(noise("binder", 48), 1), 2))
    body = struct.pack("!H", legacy_version) + noise(seed, 32) + vector(session_id, 1)
    body += vector(b"".join(struct.pack("!H", suite) for suite in suites), 2) + vector(b"\0", 1) + vector(out, 2)
    return record(HANDSHAKE, message(1, body), record_version)


def server_hello_message(
    *,
    version: int = TLS13,
    suite: int = AES_256_GCM_1_3,
    session_id: bytes = noise("sid", 32),
    resume_13: bool = False,
    random_bytes: bytes = noise("server hello", 32),
) -> bytes:
    out = b""
    if version == TLS13:
        out += extension(43, struct.pack("!H", TLS13))
        if random_bytes == RETRY_RANDOM:
            out += extension(51, struct.pack("!H", 0x0017))
        else:
            out += extension(51, struct.pack("!H", 0x001D) + vector(noise("server share", 32), 2))
        if resume_13:
            out += extension(41, b"\0\0")
    else:
        out += extension(0xFF01, b"\0") + extension(23, b"")
    body = struct.pack("!H", min(version, TLS12)) + random_bytes + vector(session_id, 1)
    return message(2, body + struct.pack("!HB", suite, 0) + vector(out, 2))


def server_hello(**how: object) -> bytes:
    version = how.get("version", TLS13)
    assert isinstance(version, int)
    return record(HANDSHAKE, server_hello_message(**how), min(version, TLS12))  # type: ignore[arg-type]


def hello_retry_request(suite: int = AES_256_GCM_1_3) -> bytes:
    return server_hello(suite=suite, random_bytes=RETRY_RANDOM)


def certificate_message() -> bytes:
    """A Certificate whose DER only has the outer shape: no test here looks inside."""
    der = b"\x30\x82" + struct.pack("!H", 700) + noise("certificate", 700)
    return message(11, vector(vector(der, 3), 3))


def server_key_exchange_message() -> bytes:
    return message(
        12, b"\x03\x00\x1d" + vector(noise("point", 32), 1) + b"\x04\x01" + vector(noise("signature", 256), 2)
    )


def server_flight(version: int, suite: int, *, session_id: bytes = b"") -> bytes:
    """ServerHello to ServerHelloDone, up to TLS 1.2: one record each message."""
    parts = [server_hello_message(version=version, suite=suite, session_id=session_id), certificate_message()]
    parts += [server_key_exchange_message(), message(14, b"")]
    return b"".join(record(HANDSHAKE, part, version) for part in parts)


def client_key_exchange(version: int = TLS12) -> bytes:
    return record(HANDSHAKE, message(16, vector(noise("client point", 32), 1)), version)


def change_cipher_spec(version: int = TLS12) -> bytes:
    return record(CCS, b"\x01", version)


def finished(seed: object, version: int = TLS12) -> bytes:
    """An encrypted Finished: a handshake record of 40 bytes (GCM), or 48 (CBC, before TLS 1.1)."""
    return record(HANDSHAKE, noise(("finished", seed), 40 if version == TLS12 else 48), version)


def data(seed: object, size: int, version: int = TLS12) -> bytes:
    """Application data records holding `size` bytes of ciphertext."""
    return records(DATA, noise(("data", seed), size), version)


def alert(level: int, code: int, version: int = TLS12) -> bytes:
    return record(ALERT, bytes([level, code]), version)


def encrypted_alert(seed: object, version: int = TLS12) -> bytes:
    """TLS 1.2 with GCM: an alert record of 26 bytes."""
    return record(ALERT, noise(("alert", seed), 26), version)
