"""Handshake messages that TLS 1.3 encrypts and a key log decrypts: the certificates are among them.

They say what the two sides showed each other, and count for nothing in the verdict.
Source: RFC 8446 sections 4.3.2 and 4.4.2, RFC 8879 section 4 (compressed certificates).
"""

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u24_be
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.tls import names
from aurora_wire.wire.tls.certificates import keep_certificates
from aurora_wire.wire.tls.decryption import DecryptorFactory
from aurora_wire.wire.tls.facts import TLSFacts, TLSSide
from aurora_wire.wire.tls.handshake import MAX_HANDSHAKE, Messages
from aurora_wire.wire.tls.hello import certificate_slices_1_3


class HiddenMessages(Messages):
    """Fed a direction's decrypted handshake bytes, in order; finds its certificates."""

    __slots__ = ("opener",)

    def __init__(
        self, side: DirectionAccount, tls: TLSFacts, mine: TLSSide, budget: Budget, opener: DecryptorFactory
    ) -> None:
        super().__init__(side, tls, mine, budget)
        self.opener = opener

    def odd(self, kind: i64, frame: i64, offset: i64) -> None:
        """Note nothing: what is inside TLS and odd weakens no verdict."""

    def feed(self, data: bytes, frame: i64, offset: i64) -> None:
        """Take what a record held. Beyond the bound a message is dropped, and what follows is not understood."""
        if self.size + len(data) > MAX_HANDSHAKE or not self.add(data):
            self.drop()
            return
        self.read(frame, offset)

    def _message(self, kind: i64, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> bool:
        if kind == names.CERTIFICATE_REQUEST and not self.side.from_client:
            self.tls.certificate_asked = True
        elif kind == names.CERTIFICATE:
            self._certificates(data, at, end, frame)
        elif kind == names.COMPRESSED_CERTIFICATE and end - at >= 8 and self.mine.certificate_count < 0:
            size = u24_be(data, at + 2)
            if size <= MAX_HANDSHAKE and at + 8 + u24_be(data, at + 5) == end:
                algorithm = u16_be(data, at)
                body = self.opener.open_certificates(int(algorithm), data[at + 8 : end], int(size))
                if body is None:
                    self.mine.compressed_with = algorithm
                else:
                    self._certificates(body, 0, len(body), frame)
        return False

    def _certificates(self, data: bytes, at: i64, end: i64, frame: i64) -> None:
        slices = certificate_slices_1_3(data, at, end)
        if slices is not None:
            keep_certificates(self.budget, self.mine, data, slices, frame)
