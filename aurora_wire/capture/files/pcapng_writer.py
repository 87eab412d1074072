"""Writer of pcapng files that Wireshark reads: interfaces, packets, statistics, comments, TLS secrets.

Source: draft-ietf-opsawg-pcapng. What is on the disk ends with a whole block at any moment between two calls,
also where the disk is full.
"""

from __future__ import annotations

import io
import os
import struct
from contextlib import suppress
from hashlib import sha256
from types import TracebackType
from typing import Final, Protocol

from aurora_wire.capture.files.pcapng import (
    BYTE_ORDER_MAGIC,
    INTERFACE,
    SECRETS,
    SECTION_HEADER,
    STATISTICS,
    TLS_KEY_LOG,
)
from aurora_wire.capture.files.pcapng_packets import PacketBlocks
from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import OutputError

# Options, by block.
COMMENT: Final = 1
SECTION_HARDWARE, SECTION_OS, SECTION_APPLICATION = 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_RESOLUTION, IF_FILTER, IF_OS = 2, 3, 9, 11, 12
PACKET_FLAGS: Final = 2
STAT_START, STAT_END, STAT_RECEIVED, STAT_DROPPED = 2, 3, 4, 5

NANOSECONDS: Final = b"\x09"
FILTER_IS_TEXT: Final = b"\0"
HELD: Final = 1 << 18       # bytes of blocks that wait for a write
MAX_OPTION: Final = 0xFFFF  # bytes
STANDARD_OUTPUT: Final = "standard output"   # the name of what was open already

INBOUND, OUTBOUND = 1, 2    # `flags` of a packet


class Sink(Protocol):
    """What is written to: a file opened with `buffering=0`, a BytesIO."""

    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class PcapngWriter:
    """Writes one section to `file`, which it owns from then on.

    Packets are held back up to HELD bytes; `flush` and `close` write them out. Raises OutputError where it
    cannot be written: the file is cut behind its last whole block, and from then on every call does nothing
    (`failed` is true), so that who writes may go on with other work.
    """

    def __init__(self, file: Sink, *, application: str, comment: str = "", name: str = "") -> None:
        self.file = file
        named = getattr(file, "name", "capture")
        self.name = name or (STANDARD_OUTPUT if isinstance(named, int) else str(named))
        self.blocks = PacketBlocks()
        self.size = 0          # bytes written
        self.packets = 0       # put by `packet`; not those put into `blocks` directly
        self.failed = False
        self._digest = sha256()
        self._interfaces = 0
        system = os.uname()
        options = (
            _text(COMMENT, comment)
            + _text(SECTION_HARDWARE, system.machine)
            + _text(SECTION_OS, f"{system.sysname} {system.release}")
            + _text(SECTION_APPLICATION, application)
        )
        body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        self.blocks.block(_block(SECTION_HEADER, body + _end(options)))
        self.flush()

    def interface(
        self, name: str, link_type: int, *, snaplen: int = 0, filter_text: str = "", description: str = "",
        comment: str = "",
    ) -> int:  # fmt: skip
        """Describe an interface; answers the id that its packets are written with."""
        system = os.uname()
        options = (
            _text(COMMENT, comment)
            + _text(IF_NAME, name)
            + _text(IF_DESCRIPTION, description)
            + _option(IF_RESOLUTION, NANOSECONDS)
            + (_option(IF_FILTER, FILTER_IS_TEXT + _utf8(filter_text)) if filter_text else b"")
            + _text(IF_OS, f"{system.sysname} {system.release}")
        )
        self.blocks.block(_block(INTERFACE, struct.pack("<HHI", link_type, 0, snaplen) + _end(options)))
        self._interfaces += 1
        return self._interfaces - 1

    def packet(
        self, interface: int, time_ns: int, data: bytes, original_len: int | None = None, *,
        comment: str = "", flags: int = 0,
    ) -> None:  # fmt: skip
        """Write a packet. time_ns: since 1970; original_len: on the wire, if less was captured; flags: such as INBOUND.
        """
        if self.failed:
            return
        options = b""
        if comment or flags:
            options = _end(
                _text(COMMENT, comment) + (_option(PACKET_FLAGS, struct.pack("<I", flags)) if flags else b"")
            )
        if original_len is None:
            original_len = len(data)
        self.blocks.packet(interface, time_ns, data, 0, len(data), original_len, options)
        self.packets += 1
        if self.blocks.size() >= HELD:
            self.flush()

    def statistics(
        self, interface: int, time_ns: int, *, received: int, dropped: int, start_ns: int | None = None,
        comment: str = "",
    ) -> None:  # fmt: skip
        """Write what was counted from the file's beginning to time_ns: packets received, and those lost of them."""
        options = _text(COMMENT, comment)
        if start_ns is not None:
            options += _option(STAT_START, _time(start_ns)) + _option(STAT_END, _time(time_ns))
        options += _option(STAT_RECEIVED, struct.pack("<Q", received))
        options += _option(STAT_DROPPED, struct.pack("<Q", dropped))
        self.blocks.block(_block(STATISTICS, struct.pack("<I", interface) + _time(time_ns) + _end(options)))

    def secrets(self, key_log: bytes) -> None:
        """Write TLS secrets in the format of SSLKEYLOGFILE, for the packets that follow."""
        padded = key_log + bytes(-len(key_log) % 4)
        self.blocks.block(_block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(key_log)) + padded))

    def sha256(self) -> str:
        """Return the SHA-256 of all that was written: of the file, once it is closed."""
        return self._digest.hexdigest()

    def flush(self) -> None:
        """Write what is held back."""
        data = self.blocks.take()
        if self.failed or not data:
            return
        written = 0
        try:
            while written < len(data):
                count = self.file.write(data[written:] if written else data)
                if count is None:
                    raise BlockingIOError(11, "the output takes no more for now")
                written += count
        except (OSError, ValueError) as error:
            self.failed = True
            whole = _whole(data, written)
            self.size += whole
            self._digest.update(data[:whole])
            self._cut()
            raise OutputError(
                f"{self.name}: {describe_disk_error(error, self.name)}. It ends with its last whole packet, "
                f"{self.size:,} bytes; later ones are not in it."
            ) from error
        self.size += written
        self._digest.update(data)

    def _cut(self) -> None:
        """Cut the file behind the last whole block: half a one would be damage. A pipe cannot be cut."""
        if isinstance(self.file, io.FileIO):
            with suppress(OSError, ValueError):
                self.file.seek(self.size)
                self.file.truncate(self.size)

    def close(self) -> None:
        try:
            self.flush()
        finally:
            with suppress(OSError):
                self.file.close()

    def __enter__(self) -> PcapngWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(OutputError):
                self.close()


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _text(code: int, text: str) -> bytes:
    """Return an option of text, none where it is empty."""
    return _option(code, _utf8(text)) if text else b""


def _utf8(text: str) -> bytes:
    """Return at most as much as an option holds with a byte before it, cut between characters."""
    return text.encode("utf-8", "backslashreplace")[: MAX_OPTION - 1].decode("utf-8", "ignore").encode()


def _end(options: bytes) -> bytes:
    return options + bytes(4) if options else b""


def _time(time_ns: int) -> bytes:
    return struct.pack("<II", time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)


def _whole(data: bytes, limit: int) -> int:
    """Return the offset in `data` at which the last block before `limit` ends."""
    at = 0
    while at + 8 <= limit:
        end = at + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > limit:
            break
        at = end
    return at
