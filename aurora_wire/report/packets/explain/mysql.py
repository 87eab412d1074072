"""A run of MySQL bytes in words: packet by packet, compressed ones decompressed, fragments called by their name.

Source: MySQL Server docs, "Protocol::Packet", "Compression".
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from aurora_wire.analysis.packets import Packet, label_name
from aurora_wire.binary import u24
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.binlog import explain_event
from aurora_wire.report.packets.explain.clone import explain_clone
from aurora_wire.report.packets.explain.commands import explain_command
from aurora_wire.report.packets.explain.login import (
    explain_authentication,
    explain_greeting,
    explain_login,
    explain_ssl_request,
)
from aurora_wire.report.packets.explain.replies import explain_error, explain_reply
from aurora_wire.report.packets.explain.rows import MAX_MESSAGES, TEXT_LIMIT, FieldReader, Rows, plural
from aurora_wire.wire.decoding import labels, roles
from aurora_wire.wire.mysql.compressed import MAX_WINDOW, zstd_window
from aurora_wire.zstd import zstd_decompressor

HEADER: Final = 4
COMPRESSED_HEADER: Final = 7
MAX_INFLATED: Final = 1 << 20       # bytes of one compressed packet that are decompressed here

# Labels of packets by their roles; those of a result have one for all.
LABELS: Final = {
    roles.GREETING: labels.GREETING, roles.SSL_REQUEST: labels.SSL_REQUEST, roles.LOGIN: labels.LOGIN,
    roles.AUTH: labels.AUTH, roles.PREPARE_OK: labels.PREPARE_OK, roles.OK: labels.OK, roles.EOF: labels.EOF,
    roles.ERR: labels.ERR, roles.EARLY_ERR: labels.EARLY_ERROR, roles.INFILE_REQUEST: labels.INFILE_REQUEST,
    roles.FILE_DATA: labels.INFILE_DATA, roles.BINLOG: labels.BINLOG, roles.HEAD: labels.RESULT_SET,
    roles.DEFINITION: labels.RESULT_SET, roles.TEXT_ROW: labels.RESULT_SET, roles.BINARY_ROW: labels.RESULT_SET,
    roles.STATISTICS: labels.RESPONSE, roles.CLONE: labels.CLONE_DATA,
}  # fmt: skip
ANSWERS: Final = (labels.OK, labels.PREPARE_OK, labels.RESULT_SET, labels.EOF, labels.ERR)


class ExplainContext:
    """What is known of the connection. agreed: capabilities of both sides, -1 where not known."""

    def __init__(self, *, from_client: bool | None, agreed: int, codec: str) -> None:
        self.from_client = from_client
        self.agreed = agreed
        self.codec = codec

    def who(self) -> str:
        if self.from_client is None:
            return "direction not known"
        return "client to server" if self.from_client else "server to client"


def explain_packets(
    rows: Rows, start: int, end: int, label: int, talk: ExplainContext, known: Sequence[Packet], base: int
) -> None:
    """Explain the bytes data[start:end], which all have one label, packet by packet as the engine told them apart.

    base: where the offsets of `known` begin in `rows`.
    """
    at = start
    count = 0
    for one in known:
        low, high = max(at, base + one.start), min(base + one.end, end)
        if low >= high:
            continue
        count += 1
        if count > MAX_MESSAGES:
            break
        if at < low:
            _explain_fragment(rows, at, low, label, talk)
        begins = one.at == 0 and low == base + one.start
        if one.inside is not None and begins and high - low >= COMPRESSED_HEADER:
            _explain_compressed(rows, low, high, label, talk, one.inside)
        elif one.inside is None and begins and high - low >= HEADER:
            _explain_packet(rows, low, high, _choose_label(one.role, label, rows.data, low, high), talk, one)
        else:
            _explain_fragment(rows, low, high, label, talk)
        at = high
    if at < end:
        if count > MAX_MESSAGES:
            rows.title(f"{plural(end - at, 'byte')} more of the same")
        else:
            _explain_fragment(rows, at, end, label, talk)


def _choose_label(role: int, label: int, data: bytes, at: int, end: int) -> int:
    """Return what to call a packet: by its role, where the label may be that of what is around it."""
    if role == roles.COMMAND:
        return labels.COMMAND + data[at + HEADER] if at + HEADER < end else label
    if role in LABELS:
        return LABELS[role]
    return int(labels.RESPONSE) if label in ANSWERS else label


def _explain_packet(rows: Rows, at: int, end: int, label: int, talk: ExplainContext, known: Packet) -> None:
    length, sequence = u24(rows.data, at), rows.data[at + 3]
    stop = at + HEADER + length
    rows.title(f"MySQL {label_name(label)} ({talk.who()}), {plural(HEADER + length, 'byte')}")
    fields = FieldReader(rows, at, min(stop, end), whole=stop <= end)
    fields.take(3, f"length: {plural(length, 'byte')} after these four")
    fields.take(1, f"sequence id {sequence}")
    if length == 0:
        rows.note("An empty packet.")
    elif label == labels.GREETING:
        rows.note("The server speaks first, and always in the clear.")
        explain_greeting(fields)
    elif label == labels.SSL_REQUEST:
        explain_ssl_request(fields)
    elif label == labels.LOGIN:
        explain_login(fields, talk.agreed)
    elif label == labels.AUTH:
        explain_authentication(fields, from_client=talk.from_client)
    elif label == labels.EARLY_ERROR:
        rows.note("The server refuses before any login.")
        explain_error(fields)
    elif label == labels.INFILE_DATA:
        fields.rest(lambda raw: f"a piece of the client's file: {show_bytes(raw, talk.codec, TEXT_LIMIT)}")
    elif label == labels.BINLOG:
        explain_event(fields, talk.codec)
    elif label == labels.CLONE_DATA:
        explain_clone(fields, from_client=talk.from_client)
    elif label >= labels.COMMAND:
        explain_command(fields, talk.agreed, talk.codec)
    else:
        explain_reply(fields, talk.agreed, known)
    fields.rest(lambda raw: f"{plural(len(raw), 'byte')} after the last known field")
    if stop > end:
        rows.note(f"{plural(stop - end, 'byte')} of this packet are not in this frame.")


def _explain_fragment(rows: Rows, at: int, end: int, label: int, talk: ExplainContext) -> None:
    rows.title(f"MySQL {label_name(label)} ({talk.who()}), {plural(end - at, 'byte')} of it")
    text = show_bytes(rows.data[at:end], talk.codec, TEXT_LIMIT)
    rows.field(at, end, f"a packet that began in an earlier frame goes on: {text}")


def _explain_compressed(
    rows: Rows, at: int, end: int, label: int, talk: ExplainContext, known: Sequence[Packet]
) -> None:
    length, size, body = u24(rows.data, at), u24(rows.data, at + 4), at + COMPRESSED_HEADER
    stop = body + length
    rows.title(f"Compressed MySQL packet ({talk.who()}), {plural(COMPRESSED_HEADER + length, 'byte')}")
    rows.note("Compression hides nothing: anybody can undo it.")
    rows.field(at, at + 3, f"length: {plural(length, 'byte')} after these seven")
    rows.field(at + 3, at + 4, f"sequence id {rows.data[at + 3]}, of compressed packets")
    words = plural(size, "byte") if size else "0: they are as they were, being so few"
    rows.field(at + 4, at + 7, f"length before compression: {words}")
    if size == 0:
        explain_packets(rows, body, min(stop, end), label, talk, known, body)
        return
    rows.field(body, min(stop, end), "compressed bytes")
    if stop > end:
        rows.note(f"{plural(stop - end, 'byte')} of this packet are not in this frame.")
        return
    inflated = b""
    if rows.data[body] == 0x78:
        try:
            inflated = zlib.decompressobj().decompress(rows.data[body:stop], min(size, MAX_INFLATED))
        except zlib.error:
            rows.note("They cannot be decompressed.")
    else:
        inflated = _from_zstd(rows, rows.data[body:stop], min(size, MAX_INFLATED))
    if inflated:
        inner = Rows(inflated, 0)
        inner.title(f"Decompressed, {plural(len(inflated), 'byte')} (offsets are within them)")
        explain_packets(inner, 0, len(inflated), label, talk, known, 0)
        rows.lines += ["", *inner.lines]


def _from_zstd(rows: Rows, data: bytes, size: int) -> bytes:
    """Return up to `size` bytes of what a zstd frame holds; where there is nothing, a note says why."""
    if zstd_window(data) > MAX_WINDOW:
        rows.note("They ask for more memory than any MySQL packet needs: not decompressed.")
        return b""
    try:
        return zstd_decompressor().decompress(data, size)
    except ImportError:
        rows.note("Compressed with zstd, for which the package backports.zstd is missing.")
    except Exception:  # ZstdError: whatever the bytes do to a library
        rows.note("They cannot be decompressed.")
    return b""
