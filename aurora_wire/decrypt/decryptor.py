"""The keys that decrypt a connection's records: from a key log to the decryptor that the wire asks for.

Sources: RFC 5246 sections 6.3 and 7.1 (keys, ChangeCipherSpec), RFC 8446 sections 4.6.3 (KeyUpdate), 5.2 and 7.
"""

from __future__ import annotations

import importlib.util

from aurora_wire.decrypt.compressed_certificates import open_certificates
from aurora_wire.decrypt.direction import Direction
from aurora_wire.decrypt.key_log import (
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    MASTER_SECRET,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    KeyLog,
)
from aurora_wire.decrypt.key_schedule import expand_label, prf
from aurora_wire.decrypt.record_ciphers import Aead, Cbc, RecordCipher
from aurora_wire.decrypt.suite_parameters import Protection, find_protection
from aurora_wire.errors import UsageError
from aurora_wire.wire.tls.decryption import DECRYPTED, FAILED, IGNORED, MESSAGES, NO_KEYS, RecordDecryptor
from aurora_wire.wire.tls.names import APPLICATION_DATA, CHANGE_CIPHER_SPEC, FINISHED, HANDSHAKE, KEY_UPDATE, TLS_1_3

Outcome = tuple[int, bytes]
MAX_UNTOLD = 64     # records of a direction whose handshake secret is not known, before its traffic has to decrypt
MISSING = "decrypting TLS records needs the package cryptography: pip install 'aurora_wire[keylog]'"


def is_available() -> bool:
    return importlib.util.find_spec("cryptography") is not None


class KeyLogDecryptors:
    """Makes decryptors for connections that the key log has secrets for.

    blocks: key logs inside the capture being read, growing while it is read; path: that capture.
    """

    def __init__(self, keylog: KeyLog) -> None:
        self.keylog = keylog
        self.blocks: list[bytes] = []
        self.path = ""
        self._taken = 0

    def of_capture(self, blocks: list[bytes], path: str) -> None:
        """Begin another capture: what it holds of key logs is in `blocks`, or will be."""
        self.blocks, self.path, self._taken = blocks, path, 0

    def any_keys(self) -> bool:
        """Return whether there is a secret at all. Asked for each connection."""
        while self._taken < len(self.blocks):
            self.keylog.add(self.blocks[self._taken], self.path)
            self._taken += 1
        return len(self.keylog) > 0

    def open_certificates(self, algorithm: int, data: bytes, size: int) -> bytes | None:
        """Return what compressed certificates hold, b"" if they are damaged; None where nothing here opens them."""
        return open_certificates(algorithm, data, size)

    def decryptor(
        self, client_random: bytes, server_random: bytes, version: int, suite: int, *, encrypt_then_mac: bool
    ) -> RecordDecryptor | None:
        """Return a decryptor; None if there are no keys, or none that can decrypt this suite."""
        if not self.any_keys() or not is_available():
            return None
        secrets = self.keylog.look_up(client_random)
        protection = find_protection(suite, version)
        if protection is None:
            return None
        if version == TLS_1_3:
            if not secrets.keys() - {MASTER_SECRET}:
                return None
            return DecryptorOf13(
                _Direction13(protection, secrets.get(CLIENT_HANDSHAKE), secrets.get(CLIENT_TRAFFIC)),
                _Direction13(protection, secrets.get(SERVER_HANDSHAKE), secrets.get(SERVER_TRAFFIC)),
            )
        master = secrets.get(MASTER_SECRET)
        if master is None:
            return None
        client_cipher, server_cipher = ciphers_of_12(
            protection, version, master, client_random, server_random, encrypt_then_mac=encrypt_then_mac
        )
        return DecryptorOf12(Direction(None, client_cipher), Direction(None, server_cipher))


def require_cryptography() -> None:
    """Raise UsageError if the extra is not installed."""
    if not is_available():
        raise UsageError(MISSING)


def ciphers_of_12(
    protection: Protection, version: int, master: bytes, client_random: bytes, server_random: bytes, *,
    encrypt_then_mac: bool,
) -> tuple[RecordCipher, RecordCipher]:  # fmt: skip
    """Return the ciphers of client and server, with their keys cut from the key block."""
    iv_size = {"POLY1305": 12, "CBC": 16}.get(protection.mode, 4)
    sizes = [protection.mac_size, protection.mac_size, protection.key_size, protection.key_size, iv_size, iv_size]
    block = prf(version, protection.hash, master, b"key expansion", server_random + client_random, sum(sizes))
    parts: list[bytes] = []
    for size in sizes:
        parts.append(block[:size])
        block = block[size:]
    if protection.mode != "CBC":
        return (
            Aead(protection.mode, parts[2], parts[4], version),
            Aead(protection.mode, parts[3], parts[5], version),
        )
    return (
        Cbc(protection, parts[2], parts[0], parts[4], version, encrypt_then_mac=encrypt_then_mac),
        Cbc(protection, parts[3], parts[1], parts[5], version, encrypt_then_mac=encrypt_then_mac),
    )


class DecryptorOf12:
    """TLS 1.0 to 1.2. Each direction's keys come into force with its ChangeCipherSpec.

    A second one (renegotiation) brings keys that are not followed: records after it stay shut.
    """

    def __init__(self, client: Direction, server: Direction) -> None:
        self._client = client
        self._server = server

    def record(self, from_client: bool, kind: int, version: int, body: bytes) -> Outcome:
        side = self._client if from_client else self._server
        if kind == CHANGE_CIPHER_SPEC:
            side.switch()
            return IGNORED, b""
        if side.cipher is None and side.following is None:
            return NO_KEYS, b""
        if side.cipher is not None and not side.cipher.is_ready():
            side.count_skipped(body)
            return NO_KEYS, b""
        plain = side.open(kind, version, body, may_have_switched=side.cipher is None)
        if plain is None:
            return FAILED, b""
        return DECRYPTED, plain if kind == APPLICATION_DATA else b""

    def skip_record(self, from_client: bool) -> None:
        (self._client if from_client else self._server).skip_record()

    def lost(self, from_client: bool, count: int) -> None:
        (self._client if from_client else self._server).lost(count)


class DecryptorOf13:
    """TLS 1.3: handshake keys up to Finished, then those of the traffic, which a KeyUpdate moves on."""

    def __init__(self, client: _Direction13, server: _Direction13) -> None:
        self._client = client
        self._server = server

    def record(self, from_client: bool, kind: int, version: int, body: bytes) -> Outcome:
        if kind != APPLICATION_DATA:
            return IGNORED, b""
        return (self._client if from_client else self._server).record(version, body)

    def skip_record(self, from_client: bool) -> None:
        (self._client if from_client else self._server).skip_record()

    def lost(self, from_client: bool, count: int) -> None:
        (self._client if from_client else self._server).lost(count)


class _Direction13:
    """Keys in turn, and the handshake messages among the records: only Finished and KeyUpdate matter."""

    __slots__ = ("_head", "_keys", "_left", "_protection", "_secret", "_shaking", "_untold")

    def __init__(self, protection: Protection, handshake: bytes | None, traffic: bytes | None) -> None:
        self._protection = protection
        self._secret = traffic or b""       # of the traffic; b"" where it is not known
        self._keys = Direction(
            self._cipher(handshake) if handshake else None, self._cipher(traffic) if traffic else None
        )
        self._shaking = True                # Finished has not come yet
        self._untold = 0                    # records that stayed shut for want of the handshake's secret
        self._head = b""                    # of a handshake message, up to 4 bytes
        self._left = 0                      # bytes of its body still to come

    def _cipher(self, secret: bytes) -> RecordCipher:
        hash_name = self._protection.hash
        key = expand_label(hash_name, secret, b"key", self._protection.key_size)
        return Aead(self._protection.mode, key, expand_label(hash_name, secret, b"iv", 12), TLS_1_3)

    def skip_record(self) -> None:
        self._keys.skip_record()
        self._forget()

    def lost(self, count: int) -> None:
        self._keys.lost(count)
        self._forget()

    def _forget(self) -> None:
        """Forget a handshake message, the rest of which is missing."""
        self._head, self._left = b"", 0

    def record(self, version: int, body: bytes) -> Outcome:
        keys = self._keys
        if not self._secret and (keys.cipher is None or not self._shaking):
            return NO_KEYS, b""
        before = keys.cipher
        plain = keys.open(APPLICATION_DATA, version, body, may_have_switched=self._shaking)
        if plain is None:
            if before is None and self._untold < MAX_UNTOLD:
                self._untold += 1
                return IGNORED, b""
            return FAILED, b""
        if keys.cipher is not before:
            self._shaking = False           # its Finished was missed
        content = plain.rstrip(b"\0")
        if not content:
            return FAILED, b""              # RFC 8446, 5.4: there has to be a type
        if content[-1] == HANDSHAKE:
            shaking = self._shaking
            self._messages(content[:-1])
            if shaking:
                return MESSAGES, content[:-1]
        return DECRYPTED, content[:-1] if content[-1] == APPLICATION_DATA else b""

    def _messages(self, data: bytes) -> None:
        """Read handshake messages. RFC 8446, section 4: a type, 3 bytes of length, the body. They may span records."""
        at = 0
        while at < len(data):
            if self._left == 0:
                some = data[at : at + 4 - len(self._head)]
                self._head += some
                at += len(some)
                if len(self._head) < 4:
                    return
                self._left = int.from_bytes(self._head[1:], "big")
            take = min(self._left, len(data) - at)
            self._left -= take
            at += take
            if self._left == 0:
                self._message(self._head[0])
                self._head = b""

    def _message(self, kind: int) -> None:
        if kind == FINISHED and self._shaking:
            self._shaking = False
            self._keys.switch()
        elif kind == KEY_UPDATE and not self._shaking and self._secret:
            protection = self._protection
            self._secret = expand_label(protection.hash, self._secret, b"traffic upd", len(self._secret))
            self._keys.following = self._cipher(self._secret)
            self._keys.switch()
