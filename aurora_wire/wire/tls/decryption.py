"""Interfaces of TLS decryption: what decrypts is given from outside, since it needs keys and a library.

The two protocols are what an injected object offers. `Decryption` is what a connection's records are handed to; the
wire's own (wire/flows/decrypted.py) feeds what comes out to decoders of its own.
"""

from typing import Final, Protocol

from mypy_extensions import i64

from aurora_wire.wire.tls.facts import TLSLog

# What became of a record.
DECRYPTED: Final = 0
FAILED: Final = 1    # it does not authenticate
IGNORED: Final = 2   # it is not protected, or of the handshake whose keys are not known
MESSAGES: Final = 4  # decrypted: handshake messages of TLS 1.3, up to Finished
NO_KEYS: Final = 3   # there are keys of the other direction only, or of the time before a renegotiation


class RecordDecryptor(Protocol):
    """Decrypts the records of one connection, whose keys it has."""

    def record(self, from_client: bool, kind: int, version: int, body: bytes) -> tuple[int, bytes]:
        """Decrypt the direction's next record. Return what became of it, and its application data or messages."""

    def skip_record(self, from_client: bool) -> None:
        """Pass the direction's next record, which was not captured whole."""

    def lost(self, from_client: bool, count: int) -> None:
        """Note that `count` bytes are missing in which records end and begin."""


class DecryptorFactory(Protocol):
    """Makes decryptors for connections that it has keys for."""

    def any_keys(self) -> bool: ...

    def decryptor(
        self, client_random: bytes, server_random: bytes, version: int, suite: int, *, encrypt_then_mac: bool
    ) -> RecordDecryptor | None: ...

    def open_certificates(self, algorithm: int, data: bytes, size: int) -> bytes | None:
        """Return the `size` bytes of a Certificate message that was sent compressed (RFC 8879), b"" if it is damaged;
        None where nothing here opens it.
        """


class Decryption:
    """Takes the records of one connection. `wanted`: there are keys, whole records are to be handed in."""

    def __init__(self) -> None:
        self.wanted = False
        self.foreign = False   # TLS on a port that is not MySQL's, followed to see what is inside
        self.gives_up = False  # it is not MySQL
        self.in_clear = False  # nothing is encrypted: what is inside counts as plaintext

    def hellos(self) -> None:
        """Go on with what a hello said, which was just read."""
        raise NotImplementedError

    def record(
        self, from_client: bool, kind: i64, version: i64, body: bytes, frame: i64, time_ns: i64, offset: i64
    ) -> None:
        """Take the direction's next record, which began in `frame` at stream offset `offset`."""
        raise NotImplementedError

    def skip_record(self, from_client: bool) -> None:
        """Pass the direction's next record, which was not captured whole."""
        raise NotImplementedError

    def lost(self, from_client: bool, count: i64) -> None:
        """Note that `count` bytes are missing in which records end and begin."""
        raise NotImplementedError

    def close(self) -> None:
        """End: no more records will come."""
        raise NotImplementedError


class DecryptionMaker:
    """Makes what takes a connection's records; asked when its TLS begins."""

    def make(self, facts: TLSLog) -> Decryption | None:
        """Return what takes the records; None if there are no keys at all."""
        raise NotImplementedError

    def guess(self, data: bytes, at: i64, end: i64) -> Decryption | None:
        """Return what takes the records if data[at:end], the body of one, shows by itself that they are readable."""
        return None
