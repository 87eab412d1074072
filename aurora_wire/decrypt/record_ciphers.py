"""One direction's record protection: body in, plaintext out, or None where it does not authenticate.

Sources: RFC 5246 section 6.2.3 (CBC), RFC 7366 (encrypt-then-MAC), RFC 5288 (GCM), RFC 6655 (CCM), RFC 7905
(ChaCha20-Poly1305), RFC 8446 section 5.2 (TLS 1.3). `cryptography` is imported when the first key is set.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Protocol

from aurora_wire.decrypt.suite_parameters import Mode, Protection
from aurora_wire.wire.tls.names import TLS_1_0, TLS_1_3

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

BLOCK = 16          # bytes of AES
EXPLICIT_NONCE = 8  # of GCM and CCM before TLS 1.3
NONCE = 12


class RecordCipher(Protocol):
    """Decrypts the records of one direction under one key."""

    def open(self, sequence: int, kind: int, version: int, body: bytes) -> bytes | None:
        """Return the plaintext, or None. Changes nothing: several sequence numbers may be tried."""

    def count_skipped(self, body: bytes | None) -> None:
        """Note that a record has been dealt with; None: it was not captured whole."""

    def is_ready(self) -> bool:
        """Return False if the next record cannot be decrypted for want of the one before it."""


def _aead(mode: Mode, key: bytes) -> AESCCM | AESGCM | ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305  # noqa: PLC0415

    if mode == "GCM":
        return AESGCM(key)
    if mode == "POLY1305":
        return ChaCha20Poly1305(key)
    return AESCCM(key, tag_length=8 if mode == "CCM_8" else 16)


class Aead:
    """GCM, CCM and ChaCha20-Poly1305, of TLS 1.2 and 1.3. iv: 4 bytes where the record brings the rest of the nonce."""

    __slots__ = ("_aead", "_in_1_3", "_invalid", "_iv", "_tag")

    def __init__(self, mode: Mode, key: bytes, iv: bytes, version: int) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        self._aead = _aead(mode, key)
        self._invalid = InvalidTag
        self._iv = iv
        self._tag = 8 if mode == "CCM_8" else 16
        self._in_1_3 = version == TLS_1_3

    def open(self, sequence: int, kind: int, version: int, body: bytes) -> bytes | None:
        if len(self._iv) == NONCE:
            number = int.from_bytes(self._iv, "big") ^ sequence
            nonce = number.to_bytes(NONCE, "big")
        else:
            nonce = self._iv + body[:EXPLICIT_NONCE]
            body = body[EXPLICIT_NONCE:]
        size = len(body) - self._tag
        if size < 0:
            return None
        if self._in_1_3:
            also = bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big")
        else:
            also = sequence.to_bytes(8, "big") + bytes([kind]) + version.to_bytes(2, "big") + size.to_bytes(2, "big")
        try:
            return self._aead.decrypt(nonce, body, also)
        except self._invalid:
            return None

    def count_skipped(self, body: bytes | None) -> None:
        """Each record has a nonce of its own: nothing is lost with another."""

    def is_ready(self) -> bool:
        return True


class Cbc:
    """AES-CBC with HMAC, the MAC inside (of the plaintext) or, encrypt_then_mac, outside."""

    __slots__ = ("_chain", "_chained", "_key", "_mac", "_mac_key", "_mac_size", "_outside")

    def __init__(
        self, protection: Protection, key: bytes, mac_key: bytes, iv: bytes, version: int, *, encrypt_then_mac: bool
    ) -> None:
        self._key = key
        self._mac = protection.mac
        self._mac_size = protection.mac_size
        self._mac_key = mac_key
        self._outside = encrypt_then_mac
        self._chained = version == TLS_1_0      # the IV is the last block of the record before
        self._chain = iv

    def open(self, sequence: int, kind: int, version: int, body: bytes) -> bytes | None:
        head = sequence.to_bytes(8, "big") + bytes([kind]) + version.to_bytes(2, "big")
        tag = b""
        if self._outside:
            body, tag = body[: -self._mac_size], body[-self._mac_size :]
        iv, secret = (self._chain, body) if self._chained else (body[:BLOCK], body[BLOCK:])
        if not secret or len(secret) % BLOCK or len(iv) != BLOCK:
            return None
        if self._outside and not self._authentic(head, body, tag):
            return None
        plain = self._decrypt(iv, secret)
        padding = plain[-1] + 1
        size = len(plain) - padding - (0 if self._outside else self._mac_size)
        if size < 0 or plain[-padding:] != bytes([padding - 1]) * padding:
            return None
        if self._outside or self._authentic(head, plain[:size], plain[size : size + self._mac_size]):
            return plain[:size]
        return None

    def count_skipped(self, body: bytes | None) -> None:
        if self._outside and body is not None:
            body = body[: -self._mac_size]
        self._chain = body[-BLOCK:] if body is not None else b""

    def is_ready(self) -> bool:
        return not self._chained or len(self._chain) == BLOCK

    def _authentic(self, head: bytes, data: bytes, tag: bytes) -> bool:
        made = hmac.digest(self._mac_key, head + len(data).to_bytes(2, "big") + data, self._mac)
        return hmac.compare_digest(made, tag)

    def _decrypt(self, iv: bytes, secret: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: PLC0415

        decryptor = Cipher(AES(self._key), CBC(iv)).decryptor()
        return decryptor.update(secret) + decryptor.finalize()
