"""The compressed protocol masked: what is inside is masked like any other, and packed again into as many bytes.

Source: MySQL Server docs, "Compression". A masked text is shorter when it is compressed, mostly: what is left over is
padding behind the compressed data, which readers leave alone. Where it does not fit, values become the filler alone;
where that does not either, the packet is masked whole and cannot be opened any more.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from aurora_wire.evidence import patches
from aurora_wire.evidence.masked_client import ClientMask
from aurora_wire.evidence.masked_server import COUNT, DEFINITIONS, ServerMask
from aurora_wire.evidence.patches import FILL, Patch
from aurora_wire.inflaters import optional_inflaters
from aurora_wire.wire import labels
from aurora_wire.wire.mysql import commands
from aurora_wire.wire.mysql.compressed import HEADER, ZSTD
from aurora_wire.wire.mysql.replies import parse_prepare_ok

PACKET_HEADER: Final = 4
LONGEST: Final = 0xFFFFFF
ZLIB_START: Final = 0x78
ZSTD_LEVELS: Final = (3, 9, 19)
SKIPPABLE: Final = b"\x50\x2a\x4d\x18"  # a frame that readers of zstd skip: magic and length (4)
MAX_INNER: Final = 1 << 30              # bytes of one direction


@dataclass(slots=True)
class Packed:
    """One compressed packet: its body in the outer bytes, and what it holds in the inner ones."""

    start: int
    end: int
    plain: bool
    inner_start: int
    inner_end: int


class Lost(Exception):  # noqa: N818 - never leaves this module
    """From here on the packets cannot be opened."""


def looks_compressed(data: bytes) -> bool:
    """Is there a compressed packet at the beginning: one that inflates to what it says, or holds a whole packet?"""
    size = int.from_bytes(data[4:7], "little")
    body = data[HEADER : HEADER + int.from_bytes(data[:3], "little")]
    if size == 0:
        return len(body) > PACKET_HEADER and int.from_bytes(body[:3], "little") == len(body) - PACKET_HEADER
    try:
        return len(body) > 2 and bool(_inflated(body, size))
    except Lost:
        return False


def masked(data: bytes, mask: ClientMask | ServerMask, *, fetches: bool, is_start: bool) -> list[Patch]:
    """What to replace of one direction's bytes, which begin with a compressed packet.

    fetches: the client fetched rows by COM_STMT_FETCH, so rows may come where a reply is due. is_start: they are the
    first of their direction; else a packet may have begun before them.
    """
    packets, inner, at = _open(data)
    if not is_start and not _begins_with_command(inner, mask):
        whole = [one for packet in packets for one in patches.fill(packet.start, packet.end)]
        return whole + patches.fill(at, len(data))
    found = sorted(_inner_patches(inner, mask, fetches=fetches))
    result: list[Patch] = []
    for packet in packets:
        low, high = packet.inner_start, packet.inner_end
        own = [one for one in found if one.start < high and one.end > low]
        if not own:
            continue
        piece = bytearray(inner[low:high])
        bare = bytearray(piece)
        for one in own:
            start, end = max(one.start, low), min(one.end, high)
            piece[start - low : end - low] = one.new[start - one.start : end - one.start]
            bare[start - low : end - low] = FILL * (end - start)
        result += _packed(packet, data, bytes(piece), bytes(bare))
    return result + patches.fill(at, len(data))


def _begins_with_command(inner: bytes, mask: ClientMask | ServerMask) -> bool:
    length = int.from_bytes(inner[:3], "little")
    first = inner[PACKET_HEADER] if len(inner) > PACKET_HEADER else -1
    return (
        isinstance(mask, ClientMask)
        and inner[3:4] == b"\0"
        and first >= 0
        and commands.is_command(first)
        and commands.fits_command(first, length)
    )


def _open(data: bytes) -> tuple[list[Packed], bytes, int]:
    """The packets that can be opened, what they hold, and where the rest begins."""
    packets: list[Packed] = []
    inner = bytearray()
    at = 0
    while at + HEADER <= len(data) and len(inner) <= MAX_INNER:
        length = int.from_bytes(data[at : at + 3], "little")
        size = int.from_bytes(data[at + 4 : at + 7], "little")
        start, end = at + HEADER, at + HEADER + length
        if end > len(data):
            break
        try:
            piece = data[start:end] if size == 0 else _inflated(data[start:end], size)
        except Lost:
            break
        packets.append(Packed(start, end, size == 0, len(inner), len(inner) + len(piece)))
        inner += piece
        at = end
    return packets, bytes(inner), at


def _inflated(body: bytes, size: int) -> bytes:
    try:
        if body[:1] == bytes([ZLIB_START]):
            some = zlib.decompressobj().decompress(body, size)
        else:
            some = optional_inflaters()[ZSTD]().decompress(body, size)
    except Exception as error:  # whatever the bytes do to a library
        raise Lost from error
    if len(some) != size:
        raise Lost
    return some


def _inner_patches(inner: bytes, mask: ClientMask | ServerMask, *, fetches: bool) -> Iterator[Patch]:
    at = 0
    changing_user = False
    while at + PACKET_HEADER <= len(inner):
        parts: list[tuple[int, int]] = []
        sequence = inner[at + 3]
        while True:
            length = int.from_bytes(inner[at : at + 3], "little")
            parts.append((at + PACKET_HEADER, min(at + PACKET_HEADER + length, len(inner))))
            at += PACKET_HEADER + length
            if length < LONGEST or at + PACKET_HEADER > len(inner):
                break
        data = b"".join(inner[start:end] for start, end in parts)
        if isinstance(mask, ClientMask):
            label = int(labels.AUTH if changing_user else labels.INFILE_DATA)
            if sequence == 0 and data:
                label = labels.COMMAND + data[0]
                changing_user = data[0] == commands.COM_CHANGE_USER
        else:
            label = _reply_label(data, mask, fetches=fetches)
        yield from patches.placed(mask.packet(label, data), parts)


def _reply_label(data: bytes, mask: ServerMask, *, fetches: bool) -> int:
    """What a packet of the server is, by its first byte and what came before it."""
    first = data[0] if data else -1
    if first == 0xFF:
        return int(labels.ERR)
    if mask.phase == DEFINITIONS:
        return int(labels.RESULT_SET)
    if first == 0xFE and (len(data) < 9 or mask.deprecates_eof):
        return int(labels.EOF)
    if mask.phase != COUNT:
        return int(labels.RESULT_SET)
    if first == 0:
        if parse_prepare_ok(data, 0, len(data)) is not None:
            return int(labels.PREPARE_OK)
        return int(labels.RESPONSE if fetches else labels.OK)
    if first == 0xFB and len(data) > 1:
        return int(labels.INFILE_REQUEST)
    return int(labels.RESULT_SET)


def _packed(packet: Packed, data: bytes, piece: bytes, bare: bytes) -> list[Patch]:
    """The packet with `piece` in it; else with `bare`; else none that can be opened."""
    if packet.plain:
        return [Patch(packet.start, packet.end, piece)]
    room = packet.end - packet.start
    is_zlib = data[packet.start] == ZLIB_START
    for content in (piece, bare):
        body = _zlib(content, room) if is_zlib else _zstd(content, room)
        if body is not None:
            return [Patch(packet.start, packet.end, body)]
    return patches.fill(packet.start, packet.end)


def _zlib(content: bytes, room: int) -> bytes | None:
    body = zlib.compress(content, 9)
    return body + bytes(room - len(body)) if len(body) <= room else None


def _zstd(content: bytes, room: int) -> bytes | None:
    compress = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd").compress
    bodies: list[bytes] = [compress(content, level) for level in ZSTD_LEVELS]
    for body in sorted(bodies, key=len):
        left = room - len(body)
        if left >= 8:
            return body + SKIPPABLE + (left - 8).to_bytes(4, "little") + bytes(left - 8)
        if left >= 0:
            return body + bytes(left)
    return None
