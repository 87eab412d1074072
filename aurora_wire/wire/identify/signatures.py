"""What is this stream? Judged from the bytes of one segment, without having seen what came before.

Each function answers NO, WEAK (fits, but so do one in a million random segments, or another protocol) or STRONG
(less than one in 10^9). Source: arithmetic on uniformly random bytes; real bytes are not uniform, which is why what
has few fixed bits counts only where both ends of a length agree with the segment.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.decoding.readable_run import readable_run
from aurora_wire.wire.mysql.auth import BEFORE_LOGIN
from aurora_wire.wire.mysql.commands import (
    COM_CREATE_DB,
    COM_DROP_DB,
    COM_INIT_DB,
    COM_QUERY,
    COM_STMT_PREPARE,
    fits_command,
    is_command,
)
from aurora_wire.wire.mysql.layout import SSL_REQUEST_LEN
from aurora_wire.wire.mysql.login import YES, opens_login
from aurora_wire.wire.mysql.plausibility import NOTHING, command_tells, is_event, may_be_command, reply_tells
from aurora_wire.wire.mysql.sql_text import is_text, reads_like_sql
from aurora_wire.wire.tls.record_shape import RECORD_HEADER, is_hello, record_length

NO: Final[i64] = 0
WEAK: Final[i64] = 1
STRONG: Final[i64] = 2

DEFINITION: Final = b"\x03def"        # the catalog of a column definition
READABLE_RUN: Final[i64] = 24        # printable bytes in a row: 5e-9 in 96 random bytes


def tls_records(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Return whether a chain of TLS records begins at `at`: NO, WEAK (one header) or STRONG."""
    links: i64 = 0
    stop = end + cut
    while at + RECORD_HEADER <= end:
        length = record_length(data, at)
        if length < 0:
            return NO
        links += 1
        if links == 1 and is_hello(data, at, end):
            return STRONG
        at += RECORD_HEADER + length
        if at == stop or links >= 3:
            return STRONG
        if at > end:
            break
    if links == 0:
        return NO
    return STRONG if links >= 2 else WEAK


def mysql_commands(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Tell whether packets of a client's commands, each with sequence id 0, fill the segment: NO, WEAK or STRONG.

    STRONG only where one reads as SQL: other protocols' frames (u32 length, u8 type) have the same shape where the
    length is below 2^24.
    """
    stop = end + cut
    packets: i64 = 0
    sql = False
    while end - at >= 5:
        length = u24(data, at)
        command: i64 = data[at + 4]
        if data[at + 3] != 0 or length == 0 or not is_command(command) or not fits_command(command, length):
            return NO
        shown = at + 4 + length if at + 4 + length < end else end
        if not may_be_command(data, at + 4, shown, length):
            return NO
        carries_text = command in (COM_QUERY, COM_STMT_PREPARE)
        reads = carries_text and reads_like_sql(data, at + 5, shown)
        if carries_text and not reads and shown > at + 5 and not _has_attributes(data, at + 5, shown):
            return NO  # a header that any bytes may have, and no statement behind it
        if reads:
            sql = True
        packets += 1
        at += 4 + length
        if at == stop:
            return STRONG if sql else WEAK
        if at > end:
            # The rest is in segments to come: SQL that goes on, or nothing to hold on to.
            return STRONG if sql else NO
    return NO if at < end or packets == 0 else WEAK


def is_bare(data: bytes, at: i64, end: i64) -> bool:
    """Return whether all commands of a segment are told by a few fixed bytes: no fields, or a name."""
    while end - at >= 5:
        length = u24(data, at)
        if length > 2 and data[at + 4] not in (COM_INIT_DB, COM_CREATE_DB, COM_DROP_DB):
            return False
        at += 4 + length
    return True


def _has_attributes(data: bytes, at: i64, end: i64) -> bool:
    """Return whether query attributes can begin here: up to 16 of them, in one set."""
    return end - at >= 2 and 0 < data[at] <= 16 and data[at + 1] == 1


def mysql_replies(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Tell whether packets of a server fill the segment, ids counting up from one of 1..254: NO, WEAK or STRONG."""
    stop = end + cut
    links: i64 = 0
    previous: i64 = -1
    begins = False
    tells = False
    answered: i64 = 0  # the first byte: of an OK, whose fields have to tell, it is 0
    counts = False   # the packet before is a count of columns
    while end - at >= 5:
        length = u24(data, at)
        sequence: i64 = data[at + 3]
        if links == 0:
            # Sequence id 0: a server that closes a session says so unasked.
            if length == 0 or length > 1 << 20 or (sequence == 0 and data[at + 4] != 0xFF):
                return NO
            if not _is_reply_start(data, at + 4, end, length, sequence):
                return NO
            begins = sequence == 1
            answered = data[at + 4]
        elif sequence != (previous + 1) & 0xFF and sequence != 1:
            return NO
        if links == 1 and counts:
            shown = at + 8 if end >= at + 8 else end
            if data[at + 4 : shown] != DEFINITION[: shown - at - 4]:
                return NO  # a column count has definitions behind it
        counts = links == 0 and begins and length <= 2 and data[at + 4] < 0xFB and data[at + 4] > 0
        previous = sequence
        links += 1
        at += 4 + length
        if at <= end and length > 0 and not tells:
            tells = reply_tells(data, at - length, at, sequence) != NOTHING or is_event(data, at - length - 4, end)
        if at == stop:
            # Alone, and inside a reply: told by its own fields, or not.
            begins = begins and (tells or answered > 0)
            return STRONG if links >= 2 and (begins or tells) else (WEAK if begins or tells or links >= 3 else NO)
        if at > end:
            begins = begins and (tells or answered > 0)
            # Two links that begin anywhere come by chance once in 2^21 segments.
            return STRONG if links >= 3 else (WEAK if links == 2 and begins else NO)
    return NO if links < 3 else STRONG


def is_refusal(data: bytes, at: i64, end: i64) -> bool:
    """Return whether it is an ERR with its text, of a code that ends a connection before its login."""
    if end - at < 7 or not 0 < data[at + 3] < 4 or data[at + 4] != 0xFF:
        return False
    code = u16(data, at + 5)
    stop = at + 4 + u24(data, at)
    return code in BEFORE_LOGIN and is_text(data, at + 7, stop if stop < end else end)


def _is_reply_start(data: bytes, at: i64, end: i64, length: i64, sequence: i64) -> bool:
    """Return whether a packet of a reply can begin so. Sequence id 1 begins one, others go on with it."""
    first: i64 = data[at]
    if first == 0xFF:
        if length < 3 or end - at < 3:
            return False
        code = u16(data, at + 1)
        return 1000 <= code < 6000 or code == 0xFFFF
    if sequence != 1:
        return True
    if first == 0:
        return length >= 7
    if first == 0xFE:
        return length < 9
    if first == 0xFB:
        return length > 1
    # A count of columns, and perhaps whether their definitions follow (MariaDB).
    size: i64 = 1
    if first == 0xFC:
        size = 3
    elif first == 0xFD:
        size = 4
    return length == size or length == size + 1


def compressed_packets(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Tell whether a compressed packet fills the segment, with a zlib or zstd stream or a whole packet: NO or STRONG.
    """
    if end - at < 11:
        return NO
    length = u24(data, at)
    size = u24(data, at + 4)
    if at + 7 + length != end + cut:
        return NO
    if size == 0:
        inner = u24(data, at + 7)
        return STRONG if inner + 4 == length and data[at + 10] <= data[at + 3] + 1 else NO
    head: i64 = data[at + 7]
    flags: i64 = data[at + 8]
    if size > 1 << 24 or size <= length - 8:
        return NO
    if head == 0x78 and (head << 8 | flags) % 31 == 0:
        return STRONG
    zstd = head == 0x28 and flags == 0xB5 and data[at + 9] == 0x2F and data[at + 10] == 0xFD
    return STRONG if zstd else NO


# First words of statements that are long enough to mean something amid other bytes.
LONG_VERBS: Final = (
    b"select", b"insert", b"update", b"delete", b"replace", b"create", b"alter ", b"prepare", b"execute", b"revoke",
    b"explain", b"truncate", b"describe", b"handler",
)  # fmt: skip


def holds_sql(data: bytes, at: i64, end: i64) -> bool:
    """Return whether text with a statement's first word begins anywhere in these bytes, which are out of any framing.
    """
    text = data[at:end].lower()
    for verb in LONG_VERBS:
        found: i64 = text.find(verb)
        if found >= 0 and readable_run(text, found, min(found + 16, len(text)), 16):
            return True
    return False


def fills_with_packets(data: bytes, at: i64, end: i64) -> bool:
    """Return whether data[at:end] are whole packets, plain, compressed or of the X Protocol, to the last byte.

    For bytes that nobody can compare with what was delivered: random ones are so about once in 10^7 segments. What
    crosses in the clear by design, a greeting and an SSLRequest, does not count.
    """
    size = end - at
    if size < 5:
        return False
    length = u24(data, at)
    sequence: i64 = data[at + 3]
    if length + 4 == size and ((sequence == 0 and data[at + 4] in (9, 10)) or length == SSL_REQUEST_LEN):
        return False
    return _meets(data, at, end, 4) or _meets(data, at, end, 7) or _meets_x(data, at, end)


def _meets(data: bytes, at: i64, end: i64, header: i64) -> bool:
    """Do lengths of three bytes, each in a header of so many, lead exactly to `end`?"""
    while at + header < end:
        length = u24(data, at)
        if length == 0:
            return False
        at += header + length
    return at == end


def _meets_x(data: bytes, at: i64, end: i64) -> bool:
    """Return the same for the X Protocol: four bytes of length, which counts the type behind it."""
    while at + 4 < end:
        length = u32(data, at)
        if length == 0:
            return False
        at += 4 + length
    return at == end


def is_leak(data: bytes, at: i64, end: i64, from_client: bool) -> bool:
    """Return whether a segment alone is a login, a whole command told by its fields, or a chain of replies."""
    if not from_client:
        return mysql_replies(data, at, end, 0) == STRONG
    if opens_login(data, at, end) == YES:
        return True
    return end - at > 5 and u32(data, at) == end - at - 4 and command_tells(data, at + 4, end) != NOTHING
