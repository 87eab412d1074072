"""TLS 1.2 and 1.3 connections: real handshake messages, random bytes where there would be ciphertext.

Source: RFC 5246 and 8446 (messages), RFC 5288 (AES-GCM records), RFC 8422 (X25519), RFC 5280 (certificate).
"""

from random import Random

from traffic.tcp import Session, Side

HANDSHAKE, CHANGE_CIPHER_SPEC, ALERT, APPLICATION_DATA = 22, 20, 21, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE = 1, 2, 11, 12
SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE = 14, 16
SUITES_13 = (0x1302, 0x1303, 0x1301)
SUITES_12 = (0xC030, 0xC02F, 0xC02C, 0xC02B, 0x009F, 0x009E)
X25519, RSA_PSS_SHA256 = 29, 0x0804
SIGNATURES = (0x0403, 0x0503, RSA_PSS_SHA256, 0x0805, 0x0401, 0x0501)
SPOKEN_12 = b"\x14\x03\x03\x00\x01\x01"  # ChangeCipherSpec, whole


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _vector(body: bytes) -> bytes:
    return _u16(len(body)) + body


def _extension(number: int, body: bytes) -> bytes:
    return _u16(number) + _vector(body)


def record(content_type: int, body: bytes, version: int = 0x0303) -> bytes:
    return bytes((content_type,)) + _u16(version) + _vector(body)


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def client_hello(rng: Random, name: str | None, alpn: bool, newest: int) -> bytes:
    versions = (0x0304, 0x0303) if newest == 0x0304 else (0x0303,)
    suites = (*SUITES_13, *SUITES_12) if newest == 0x0304 else SUITES_12
    extensions = b""
    if name is not None:
        extensions += _extension(0, _vector(b"\0" + _vector(name.encode())))
    extensions += _extension(11, b"\x01\0") + _extension(10, _vector(_u16(X25519) + _u16(23) + _u16(24)))
    extensions += _extension(35, b"")
    if alpn:
        extensions += _extension(16, _vector(b"\x02h2\x08http/1.1"))
    extensions += _extension(22, b"") + _extension(23, b"")
    extensions += _extension(13, _vector(b"".join(map(_u16, SIGNATURES))))
    if newest == 0x0304:
        extensions += _extension(43, bytes((2 * len(versions),)) + b"".join(map(_u16, versions)))
        extensions += _extension(45, b"\x01\x01")
        extensions += _extension(51, _vector(_u16(X25519) + _vector(rng.randbytes(32))))
    session_id = rng.randbytes(32) if newest == 0x0304 else b""
    body = (
        b"\x03\x03" + rng.randbytes(32) + bytes((len(session_id),)) + session_id
        + _vector(b"".join(map(_u16, suites))) + b"\x01\0" + _vector(extensions)
    )
    return record(HANDSHAKE, message(CLIENT_HELLO, body), 0x0301)


def server_hello(rng: Random, suite: int, version: int, echo: bytes) -> bytes:
    if version == 0x0304:
        extensions = _extension(43, _u16(0x0304)) + _extension(51, _u16(X25519) + _vector(rng.randbytes(32)))
    else:
        extensions = _extension(0xFF01, b"\0") + _extension(11, b"\x01\0") + _extension(23, b"")
    session_id = bytes((len(echo),)) + echo
    body = b"\x03\x03" + rng.randbytes(32) + session_id + _u16(suite) + b"\0" + _vector(extensions)
    return record(HANDSHAKE, message(SERVER_HELLO, body))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + _u16(len(body)) + body


def certificate(rng: Random, name: str) -> bytes:
    """A well-formed X.509 certificate with an RSA key of random bytes and a signature to match."""
    algorithm = _der(0x30, _der(6, bytes.fromhex("2a864886f70d01010b")), b"\x05\0")  # sha256WithRSA
    rsa = _der(0x30, _der(6, bytes.fromhex("2a864886f70d010101")), b"\x05\0")
    attribute = _der(0x30, _der(6, bytes.fromhex("550403")), _der(0x0C, name.encode()))
    common_name = _der(0x30, _der(0x31, attribute))
    validity = _der(0x30, _der(0x17, b"240101000000Z"), _der(0x17, b"340101000000Z"))
    modulus = _der(2, b"\0\xc1" + rng.randbytes(255))
    key = _der(0x30, rsa, _der(3, b"\0", _der(0x30, modulus, _der(2, b"\x01\0\x01"))))
    serial = _der(2, b"\x11" + rng.randbytes(8))
    tbs = _der(0x30, _der(0xA0, _der(2, b"\x02")), serial, algorithm, common_name, validity, common_name, key)
    return _der(0x30, tbs, algorithm, _der(3, b"\0", rng.randbytes(256)))


class Tunnel:
    """A TLS connection after its first bytes: handshake, then records of given sizes, then the alerts."""

    def __init__(self, session: Session, rng: Random, version: int) -> None:
        self.session = session
        self.rng = rng
        self.version = version
        self.overhead = 17 if version == 0x0304 else 24  # tag and content type; explicit nonce and tag
        session.tally["tls_1.3" if version == 0x0304 else "tls_1.2"] += 1

    def handshake(self, *, name: str | None, alpn: bool, der: bytes) -> None:
        session, rng = self.session, self.rng
        hello = client_hello(rng, name, alpn, self.version)
        session.say(session.client, hello, 200)
        session.acknowledge(session.server)
        if self.version == 0x0304:
            answer = server_hello(rng, rng.choice(SUITES_13), self.version, hello[44:76]) + SPOKEN_12
            answer += self.sealed(23) + self.sealed(len(der) + 12) + self.sealed(264) + self.sealed(52)
            session.say(session.server, answer, 900)
            session.acknowledge(session.client)
            session.say(session.client, SPOKEN_12 + self.sealed(52), 500)
            session.say(session.server, self.sealed(230) + self.sealed(230), 150)  # session tickets
        else:
            answer = server_hello(rng, rng.choice(SUITES_12[:2]), self.version, rng.randbytes(32))
            chain = len(der).to_bytes(3, "big") + der
            answer += record(HANDSHAKE, message(CERTIFICATE, len(chain).to_bytes(3, "big") + chain))
            exchange = b"\x03" + _u16(X25519) + b"\x20" + rng.randbytes(32) + _u16(RSA_PSS_SHA256)
            answer += record(HANDSHAKE, message(SERVER_KEY_EXCHANGE, exchange + _vector(rng.randbytes(256))))
            answer += record(HANDSHAKE, message(SERVER_HELLO_DONE, b""))
            session.say(session.server, answer, 900)
            session.acknowledge(session.client)
            key = record(HANDSHAKE, message(CLIENT_KEY_EXCHANGE, b"\x20" + rng.randbytes(32)))
            finished = record(HANDSHAKE, rng.randbytes(16 + self.overhead))
            session.say(session.client, key + SPOKEN_12 + finished, 500)
            session.say(session.server, SPOKEN_12 + record(HANDSHAKE, rng.randbytes(16 + self.overhead)), 150)
        session.acknowledge(session.client)

    def sealed(self, size: int) -> bytes:
        """One application data record around `size` bytes."""
        return record(APPLICATION_DATA, self.rng.randbytes(size + self.overhead))

    def say(self, side: Side, size: int, wait_us: int) -> None:
        """`size` bytes in as many records as they need."""
        parts = []
        while size > 16384:
            parts.append(self.sealed(16384))
            size -= 16384
        parts.append(self.sealed(size))
        self.session.say(side, b"".join(parts), wait_us)

    def closing(self) -> bytes:
        """close_notify, encrypted."""
        content_type = APPLICATION_DATA if self.version == 0x0304 else ALERT
        return record(content_type, self.rng.randbytes(2 + self.overhead))
