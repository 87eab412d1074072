"""MySQL's X Protocol: its messages by name, and how a stream of them is told from the classic protocol.

A frame is `u32 length` (little-endian, of what follows), `u8 type`, a protobuf message. A classic packet is
`u24 length, u8 sequence id` and its payload, so that a command, whose sequence id is 0, is laid out like a
frame of the same length: COM_QUIT and CapabilitiesGet are the same five bytes. Three things tell them
apart:

- the body. Each message has few fields, all of them numbered below 16, so each field begins with one of a
  few tag bytes and has a length of its own, and they fill the frame. SQL text, statement ids and packed
  parameters do not parse so; Close (3), which has COM_QUERY's number, has no body at all.
- replies. A classic server counts sequence ids up from 1, which as X lengths are 16 MiB and more. Its
  greeting has a sequence id of 0, but begins with 9, 10 or 255, none of which is a type of a server's
  message.
- order. X begins with a hello notice of the server (8.0 and later) or with capabilities or authentication
  of the client, which in the classic protocol have the numbers of COM_INIT_DB and COM_FIELD_LIST.

What a single empty frame is, bytes cannot say. On port 33060 a caller may take one link for proof; elsewhere
`looks_like_x` at the start of a direction, or two links in mid-stream.
Source: MySQL internals, "X Protocol"; mysqlx*.proto in the server's source.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32
from aurora_wire.wire.decoding.protocol import MORE, NO, YES, Shape

PORT: Final[i64] = 33060             # of a server that was not told another one
HEADER_LEN: Final[i64] = 5           # length and type
MAX_FRAME: Final[i64] = 1 << 30      # largest mysqlx_max_allowed_packet
MAX_FIRST: Final[i64] = 65536        # our bound for what opens a connection
MIN_LINKS: Final[i64] = 2            # whole frames that make a chain in mid-stream

CAPABILITIES_GET: Final[i64] = 1     # from the client
CAPABILITIES_SET: Final[i64] = 2
AUTHENTICATE_START: Final[i64] = 4
ERROR: Final[i64] = 1                # from the server
CAPABILITIES: Final[i64] = 2
NOTICE: Final[i64] = 11
NOTICE_HELLO: Final[i64] = 5         # a type of notice

CLIENT_MESSAGES: Final[dict[int, str]] = {
    1: "CapabilitiesGet", 2: "CapabilitiesSet", 3: "Close", 4: "AuthenticateStart", 5: "AuthenticateContinue",
    6: "Reset", 7: "SessionClose", 12: "StmtExecute", 17: "Find", 18: "Insert", 19: "Update", 20: "Delete",
    24: "ExpectOpen", 25: "ExpectClose", 30: "CreateView", 31: "ModifyView", 32: "DropView", 40: "Prepare",
    41: "PrepareExecute", 42: "PrepareDeallocate", 43: "CursorOpen", 44: "CursorClose", 45: "CursorFetch",
    46: "Compression",
}

SERVER_MESSAGES: Final[dict[int, str]] = {
    0: "Ok", 1: "Error", 2: "Capabilities", 3: "AuthenticateContinue", 4: "AuthenticateOk", 11: "Notice",
    12: "ColumnMetaData", 13: "Row", 14: "FetchDone", 15: "FetchSuspended", 16: "FetchDoneMoreResultsets",
    17: "StmtExecuteOk", 18: "FetchDoneMoreOutParams", 19: "Compression",
}

# The tag bytes (field number << 3 | wire type: 0 varint, 2 bytes) that each message may have.
CLIENT_TAGS: Final[dict[int, bytes]] = {
    1: b"", 2: b"\x0a", 3: b"", 4: b"\x0a\x12\x1a", 5: b"\x0a", 6: b"\x08", 7: b"", 12: b"\x0a\x12\x1a\x20",
    17: b"\x12\x18\x22\x2a\x32\x3a\x42\x4a\x5a\x60\x68\x72", 18: b"\x0a\x10\x1a\x22\x2a\x30",
    19: b"\x12\x18\x22\x2a\x32\x3a\x42\x4a", 20: b"\x0a\x10\x1a\x22\x2a\x32\x3a", 24: b"\x08\x12", 25: b"",
    30: b"\x0a\x12\x18\x20\x28\x32\x3a\x40", 31: b"\x0a\x12\x18\x20\x28\x32\x3a", 32: b"\x0a\x10",
    40: b"\x08\x12", 41: b"\x08\x12\x18", 42: b"\x08", 43: b"\x08\x22\x28", 44: b"\x08", 45: b"\x08\x28",
    46: b"\x08\x10\x18\x22",
}
SERVER_TAGS: Final[dict[int, bytes]] = {
    0: b"\x0a", 1: b"\x08\x10\x1a\x22", 2: b"\x0a", 3: b"\x0a", 4: b"\x0a", 11: b"\x08\x10\x1a",
    12: b"\x08\x12\x1a\x22\x2a\x32\x3a\x40\x48\x50\x58\x60", 13: b"\x0a", 14: b"", 15: b"", 16: b"", 17: b"",
    18: b"", 19: b"\x08\x10\x18\x22",
}
# All fields of these are optional, so they may be empty although they have fields.
CLIENT_MAY_BE_EMPTY: Final = frozenset({6, 24})
SERVER_MAY_BE_EMPTY: Final = frozenset({0, 2, 4})


def message_name(kind: i64, from_client: i64) -> str:
    """Return a message's name: `StmtExecute`, or `X message 99` for a type that this direction does not have."""
    name = CLIENT_MESSAGES.get(kind) if from_client else SERVER_MESSAGES.get(kind)
    return f"X message {int(kind)}" if name is None else name


class XShape(Shape):
    """X Protocol, as identification knows it."""

    def opens(self, data: bytes, at: i64, end: i64, from_client: bool) -> i64:
        return looks_like_x(data, at, end, 1 if from_client else 0)

    def goes_on(self, data: bytes, at: i64, end: i64, from_client: bool) -> bool:
        return find_frames(data, at, end, 1 if from_client else 0)


def looks_like_x(data: bytes, at: i64, end: i64, from_client: i64) -> i64:
    """Tell whether a direction that begins at `at` begins as X Protocol does: YES, NO or MORE, on any port.

    From the server: hello notice, Capabilities (5.7, which has no hello) or an Error. From the client:
    CapabilitiesSet or AuthenticateStart, perhaps after CapabilitiesGet, which alone stays MORE: it may be
    COM_QUIT. Decides as soon as that first message is whole, and says NO as soon as it cannot become one.
    """
    while from_client and end - at >= HEADER_LEN and u32(data, at) == 1 and data[at + 4] == CAPABILITIES_GET:
        at += HEADER_LEN
    have = end - at
    if have < 4:
        return MORE if have < 3 or data[at + 2] == 0 else NO
    length = u32(data, at)
    if length > MAX_FIRST or (length < 3 and not (from_client and length == 1)):
        return NO
    if have < HEADER_LEN:
        return MORE
    kind: i64 = data[at + 4]
    body = at + HEADER_LEN
    if from_client:
        if kind not in {CAPABILITIES_SET, AUTHENTICATE_START} or length < 3:
            return NO
    elif kind not in {ERROR, CAPABILITIES, NOTICE}:
        return NO
    if body < end and not _is_first_tag(data[body], kind, from_client):
        return NO
    stop = at + 4 + length
    if stop > end:
        return MORE
    if not fields_fit(data, body, stop, CLIENT_TAGS[kind] if from_client else SERVER_TAGS[kind]):
        return NO
    if kind == CAPABILITIES_SET:  # in both directions
        return YES if _are_capabilities(data, body, stop, from_client) else NO
    if kind == AUTHENTICATE_START:
        return YES if _is_mechanism(data, body, stop) else NO
    if kind == NOTICE:
        return YES if stop - body >= 2 and data[body] == 0x08 and data[body + 1] == NOTICE_HELLO else NO
    return YES if _is_error(data, body, stop) else NO


def frame_chain(data: bytes, at: i64, end: i64, from_client: i64) -> i64:
    """Return how many frames lie one behind the other from `at`, whole and well-formed; 0 if any is broken.

    MIN_LINKS or more mean X Protocol on any port. Frames without a body are walked over: those of a client
    could be COM_QUIT and don't count, those of a server count as long as one has a body. A last frame that
    `end` cuts does not count, but breaks the chain where its beginning is wrong.
    """
    empty: i64 = 0
    full: i64 = 0
    while end - at >= HEADER_LEN:
        length = u32(data, at)
        kind: i64 = data[at + 4]
        tags = CLIENT_TAGS.get(kind) if from_client else SERVER_TAGS.get(kind)
        if tags is None or length == 0 or length > MAX_FRAME:
            return 0
        body = at + HEADER_LEN
        stop = at + 4 + length
        if length == 1:
            if tags and kind not in (CLIENT_MAY_BE_EMPTY if from_client else SERVER_MAY_BE_EMPTY):
                return 0
            empty += 1
        elif stop > end:
            if not tags or (body < end and data[body] not in tags):
                return 0
            break
        elif not fields_fit(data, body, stop, tags):
            return 0
        else:
            full += 1
        at = stop
    return full if from_client or full == 0 else full + empty


def find_frames(data: bytes, at: i64, end: i64, from_client: i64) -> bool:
    """Return whether a segment of X Protocol's port is frames from its first byte on, or, begun inside one, three of
    them.
    """
    return frame_start(data, at, end, from_client) >= 0


def frame_start(data: bytes, at: i64, end: i64, from_client: i64) -> i64:
    """Return where frames begin in a segment: at its first byte, or, begun inside one, where three of them do; -1 if
    nowhere.
    """
    if frame_chain(data, at, end, from_client) > 0:
        return at
    while end - at >= 3 * HEADER_LEN:
        if data[at + 3] == 0 and data[at + 2] < 16 and at + 4 + u32(data, at) < end:
            if frame_chain(data, at, end, from_client) > MIN_LINKS:
                return at
        at += 1
    return -1


def fields_fit(data: bytes, at: i64, end: i64, tags: bytes) -> bool:
    """Return whether data[at:end] is whole protobuf fields, varints and byte strings, with these tag bytes."""
    while at < end:
        tag: i64 = data[at]
        if tag not in tags:
            return False
        at += 1
        value: i64 = 0
        shift: i64 = 0
        while True:
            if at == end or shift > 63:
                return False
            byte: i64 = data[at]
            at += 1
            if shift < 35:
                value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if tag & 7 == 2:
            if shift > 35 or value > end - at:
                return False
            at += value
    return True


def _is_first_tag(tag: i64, kind: i64, from_client: i64) -> bool:
    """Return whether a field may be a message's first: writers put fields in the order of their numbers."""
    if from_client or kind == CAPABILITIES:
        return tag == 0x0A
    return tag == 0x08 or (kind == ERROR and tag == 0x10)


def _short_value(data: bytes, at: i64, end: i64, tag: i64) -> i64:
    """Return the length of the byte string below 128 bytes at `at` that has this tag, -1 where there is none."""
    if end - at < 2 or data[at] != tag:
        return -1
    length: i64 = data[at + 1]
    return length if length < 0x80 and at + 2 + length <= end else -1


def _are_capabilities(data: bytes, at: i64, end: i64, from_client: i64) -> bool:
    """Return whether the first entry has a capability's name (lower case, `.`, `_`) and then its value.

    CapabilitiesSet wraps a message Capabilities in its field 1, whose entries are its repeated field 1.
    """
    wrappers: i64 = 2 if from_client else 1
    while wrappers > 0:
        if at >= end or data[at] != 0x0A:
            return False
        at += 1
        value: i64 = 0
        shift: i64 = 0
        while at < end and shift <= 21:
            byte: i64 = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value > end - at:
            return False
        end = at + value
        wrappers -= 1
    length = _short_value(data, at, end, 0x0A)
    if length < 2:
        return False
    place = at + 2
    stop = place + length
    while place < stop:
        letter: i64 = data[place]
        if not (0x61 <= letter <= 0x7A or letter in {0x2E, 0x5F}):
            return False
        place += 1
    return stop < end and data[stop] == 0x12


def _is_mechanism(data: bytes, at: i64, end: i64) -> bool:
    """Return whether AuthenticateStart begins with a SASL mechanism's name: PLAIN, MYSQL41, SHA256_MEMORY ..."""
    length = _short_value(data, at, end, 0x0A)
    if length < 4 or length > 32:
        return False
    place = at + 2
    stop = place + length
    while place < stop:
        letter: i64 = data[place]
        if not (0x41 <= letter <= 0x5A or 0x30 <= letter <= 0x39 or letter in {0x5F, 0x2D}):
            return False
        place += 1
    return True


def _is_error(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a well-formed Error has a code, a text and an SQLSTATE of five characters."""
    has_code = False
    has_text = False
    has_state = False
    while at < end:
        tag: i64 = data[at]
        at += 1
        value: i64 = 0
        shift: i64 = 0
        while at < end:
            byte: i64 = data[at]
            at += 1
            if shift < 28:
                value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if tag == 0x10:
            has_code = 1000 <= value <= 65535
        elif tag == 0x1A:
            has_text = True
            at += value
        elif tag == 0x22:
            has_state = value == 5
            at += value
    return has_code and has_text and has_state
