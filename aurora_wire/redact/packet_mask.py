"""What masks the packets of one side of a connection."""

from mypy_extensions import i64

from aurora_wire.redact.conversation import Talk
from aurora_wire.redact.replacements import Cut


class PacketMask:
    """Masks one connection's packets of a side, in order. certain: the packet's role is known beyond doubt."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    def payload(self, role: i64, certain: bool, data: bytes, at: i64, end: i64, total: i64) -> bytes:
        """Return as many bytes as data[at:end], of a payload of `total`; none where all of them stay."""
        cut = self.talk.words.cut
        cut.begin(data, at, end)
        self.mask(cut, role, certain, total)
        return cut.done()

    def mask(self, cut: Cut, role: i64, certain: bool, total: i64) -> None:
        """Mask a payload of `total` bytes, as many of them as were cut out."""
        raise NotImplementedError
