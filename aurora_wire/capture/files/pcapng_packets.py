"""Packets as the bytes of pcapng blocks: the hot part of the writer, compiled.

Source: draft-ietf-opsawg-pcapng, "Enhanced Packet Block".
"""

from typing import Final

from librt.strings import BytesWriter, write_i32_le, write_i64_le
from mypy_extensions import i64

ENHANCED_PACKET: Final[i64] = 6
FIXED_LEN: Final[i64] = 32  # of an Enhanced Packet Block without its packet and options

PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")  # by length modulo 4


class PacketBlocks:
    """Blocks in the order they were put, until they are taken. Little-endian, times in nanoseconds."""

    def __init__(self) -> None:
        self.out = BytesWriter()

    def size(self) -> i64:
        return len(self.out)

    def block(self, data: bytes) -> None:
        """Add a block that somebody else has made."""
        self.out.write(data)

    def packet(
        self, interface: i64, time_ns: i64, buffer: bytes, at: i64, captured_len: i64, original_len: i64,
        options: bytes,
    ) -> None:  # fmt: skip
        """Add an Enhanced Packet Block; captured_len bytes are at `at`, options end on a multiple of 4 bytes.

        A time before 1970 (none is known) is written as 0.
        """
        time_ns = max(time_ns, 0)
        padding = PADDING[captured_len & 3]
        length = FIXED_LEN + captured_len + len(padding) + len(options)
        out = self.out
        write_i64_le(out, ENHANCED_PACKET | length << 32)
        write_i64_le(out, interface | time_ns >> 32 << 32)
        write_i64_le(out, (time_ns & 0xFFFFFFFF) | captured_len << 32)
        write_i32_le(out, int(original_len))
        out.write(buffer[at : at + captured_len])
        if padding:
            out.write(padding)
        if options:
            out.write(options)
        write_i32_le(out, int(length))

    def take(self) -> bytes:
        """Return all blocks so far; none is left."""
        data = self.out.getvalue()
        self.out.truncate(0)  # keeps its memory: growing anew for each megabyte costs more than all else
        return data
