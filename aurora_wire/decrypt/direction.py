"""One direction's keys in turn, and its count of records: what TLS 1.2 and 1.3 have in common.

After a gap the number of records in it is not known: some sequence numbers are tried, MAX_TRIES at most.
"""

from __future__ import annotations

from aurora_wire.decrypt.record_ciphers import RecordCipher

LEAST_RECORD = 5 + 17   # bytes on the wire, header included
MAX_TRIES = 1024        # sequence numbers tried after a gap


class Direction:
    """`cipher` is in force; `following` is the one that ChangeCipherSpec or Finished puts in its place."""

    __slots__ = ("cipher", "following", "sequence", "slack")

    def __init__(self, cipher: RecordCipher | None, following: RecordCipher | None) -> None:
        self.cipher = cipher
        self.following = following
        self.sequence = 0
        self.slack = 0          # records that may have gone by unseen

    def switch(self, following: RecordCipher | None = None) -> None:
        self.cipher, self.following = self.following, following
        self.sequence = 0

    def lost(self, count: int) -> None:
        """Widen the search: `count` bytes with record headers in them are missing."""
        self.slack = min(self.slack + count // LEAST_RECORD + 1, MAX_TRIES)
        if self.cipher is not None:
            self.cipher.count_skipped(None)

    def skip_record(self) -> None:
        """Count the next record, which was not captured whole."""
        self.sequence += 1
        if self.cipher is not None:
            self.cipher.count_skipped(None)

    def count_skipped(self, body: bytes) -> None:
        """Count the next record, which cannot be decrypted for want of the one before it."""
        self.sequence += 1
        if self.cipher is not None:
            self.cipher.count_skipped(body)

    def open(self, kind: int, version: int, body: bytes, *, may_have_switched: bool = False) -> bytes | None:
        """Return the record's plaintext and adopt the key and the count that fitted; None if none fits."""
        tried = 1 + self.slack
        plain = _search(self.cipher, self.sequence, tried, kind, version, body)
        if plain is not None:
            self.sequence = plain[0] + 1
        elif may_have_switched:
            plain = _search(self.following, 0, tried, kind, version, body)
            if plain is not None:
                self.switch()
                self.sequence = plain[0] + 1
        if plain is None:
            self.sequence += 1
        self.slack = 0
        if self.cipher is not None:
            self.cipher.count_skipped(body)
        return None if plain is None else plain[1]


def _search(
    cipher: RecordCipher | None, first: int, count: int, kind: int, version: int, body: bytes
) -> tuple[int, bytes] | None:
    """Return the first of `count` sequence numbers under which the record authenticates, and its plaintext."""
    if cipher is None or not cipher.is_ready():
        return None
    for sequence in range(first, first + count):
        plain = cipher.open(sequence, kind, version, body)
        if plain is not None:
            return sequence, plain
    return None
