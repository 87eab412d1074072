"""The field layout of the connection phase's packets, for parsers, `--explain` and redaction alike.

`greeting_fields`, `ssl_request_fields`, `login_fields` and `change_user_fields` return a packet's fields in order.
A field that begins where the payload ends is missing, not broken: servers and clients leave out what comes last.
The first field that runs past the end is the last one returned, and is not whole.

Sources: MySQL Server docs, "Protocol::HandshakeV10" and "HandshakeV9", "Protocol::SSLRequest",
"HandshakeResponse41" and "320", "COM_CHANGE_USER"; MariaDB KB, "Connecting".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u32
from aurora_wire.wire.mysql.capabilities import (
    CONNECT_ATTRS,
    CONNECT_WITH_DB,
    LONG_PASSWORD,
    PLUGIN_AUTH,
    PLUGIN_AUTH_LENENC_CLIENT_DATA,
    PROTOCOL_41,
    SECURE_CONNECTION,
    ZSTD_COMPRESSION_ALGORITHM,
)
from aurora_wire.wire.mysql.lenenc import find_nul, read_lenenc, read_lestr

SSL_REQUEST_LEN: Final[i64] = 32     # bytes of payload; a 4.1 login has at least two more
SSL_REQUEST_320_LEN: Final[i64] = 5  # before 4.1
FILLER_LEN: Final[i64] = 23          # of SSLRequest and login; MariaDB's clients use the last four
MAX_ATTRIBUTES: Final[i64] = 1024    # ours; clients send about ten

# What a field is.
COMMAND: Final[i64] = 1
CAPABILITIES: Final[i64] = 2           # of a greeting: the lower half
CAPABILITIES_HIGH: Final[i64] = 3
CAPABILITIES_EXTENDED: Final[i64] = 4  # MariaDB's alone
MAX_PACKET: Final[i64] = 5
CHARSET: Final[i64] = 6
FILLER: Final[i64] = 7
USER: Final[i64] = 8
AUTH_RESPONSE: Final[i64] = 9
DATABASE: Final[i64] = 10
AUTH_PLUGIN: Final[i64] = 11
ATTRIBUTES: Final[i64] = 12            # only the length of those that follow
ATTRIBUTE_NAME: Final[i64] = 13
ATTRIBUTE_VALUE: Final[i64] = 14
ZSTD_LEVEL: Final[i64] = 15
PROTOCOL_VERSION: Final[i64] = 16
SERVER_VERSION: Final[i64] = 17
THREAD_ID: Final[i64] = 18
SCRAMBLE: Final[i64] = 19              # in a greeting twice: 8 bytes, and the others further on
SCRAMBLE_LEN: Final[i64] = 20
STATUS: Final[i64] = 21


@mypyc_attr(acyclic=True)
class Field:
    """data[at:stop] is the field, data[start:end] its value: without length before it, without NUL behind it.

    Text that should end with NUL and lacks it has stop == end: the last field of a payload may.
    whole: False where the payload ends inside it; what is there of the value is then data[start:end] all the same.
    """

    __slots__ = ("at", "end", "kind", "start", "stop", "whole")

    def __init__(self, kind: i64, at: i64, start: i64, end: i64, stop: i64, whole: bool) -> None:
        self.kind: Final[i64] = kind
        self.at: Final[i64] = at
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.stop: Final[i64] = stop
        self.whole: Final = whole


def greeting_fields(data: bytes, at: i64, end: i64) -> list[Field]:
    """Return the fields of the greeting whose payload is data[at:end], V10 or V9 by its first byte."""
    walk = _Walk(data, at, end)
    walk.fixed(PROTOCOL_VERSION, 1)
    walk.nul_text(SERVER_VERSION)
    walk.fixed(THREAD_ID, 4)
    if at < end and data[at] != 10:
        walk.nul_text(SCRAMBLE)
        return walk.fields
    walk.fixed(SCRAMBLE, 8)
    walk.fixed(FILLER, 1)
    low = walk.fixed(CAPABILITIES, 2)
    walk.fixed(CHARSET, 1)
    walk.fixed(STATUS, 2)
    high = walk.fixed(CAPABILITIES_HIGH, 2)
    length_at = walk.fixed(SCRAMBLE_LEN, 1)
    if length_at < 0:
        return walk.fields
    flags = u16(data, low) | u16(data, high) << 16
    if flags & LONG_PASSWORD:
        walk.fixed(FILLER, 10)
    else:
        walk.fixed(FILLER, 6)
        walk.fixed(CAPABILITIES_EXTENDED, 4)
    length: i64 = data[length_at]
    rest: i64 = 13
    if length > 21:
        rest = length - 8
    walk.padded(SCRAMBLE, rest)
    if flags & PLUGIN_AUTH:
        walk.nul_text(AUTH_PLUGIN)
    return walk.fields


def ssl_request_fields(data: bytes, at: i64, end: i64) -> list[Field]:
    """Return the fields of the SSLRequest whose payload is data[at:end]: 32 bytes, or 5 before 4.1."""
    walk = _Walk(data, at, end)
    if end - at == SSL_REQUEST_320_LEN:
        walk.fixed(CAPABILITIES, 2)
        walk.fixed(MAX_PACKET, 3)
    else:
        _client_start(walk)
    return walk.fields


def login_fields(data: bytes, at: i64, end: i64, server_capabilities: i64) -> list[Field]:
    """Return the fields of the login whose payload is data[at:end]: of 4.1 or older by its own flags.

    The fields after the user go by the flags of both sides; server_capabilities: the greeting's, or UNKNOWN.
    """
    walk = _Walk(data, at, end)
    if end - at >= 2 and not u16(data, at) & PROTOCOL_41:
        walk.fixed(CAPABILITIES, 2)
        walk.fixed(MAX_PACKET, 3)
        walk.nul_text(USER)
        walk.nul_text(AUTH_RESPONSE)
        if u16(data, at) & CONNECT_WITH_DB:
            walk.nul_text(DATABASE)
        return walk.fields
    if not _client_start(walk):
        return walk.fields
    agreed: i64 = u32(data, at) & server_capabilities
    walk.nul_text(USER)
    if agreed & PLUGIN_AUTH_LENENC_CLIENT_DATA:
        walk.lenenc_text(AUTH_RESPONSE)
    elif agreed & SECURE_CONNECTION:
        walk.byte_text(AUTH_RESPONSE)
    else:
        walk.nul_text(AUTH_RESPONSE)
    if agreed & CONNECT_WITH_DB:
        walk.nul_text(DATABASE)
    _plugin_and_attributes(walk, agreed)
    if agreed & ZSTD_COMPRESSION_ALGORITHM and walk.whole:
        walk.fixed(ZSTD_LEVEL, 1)
    return walk.fields


def change_user_fields(data: bytes, at: i64, end: i64, capabilities: i64) -> list[Field]:
    """Return the fields of the COM_CHANGE_USER whose command byte is data[at]. capabilities: agreed, or UNKNOWN."""
    walk = _Walk(data, at, end)
    walk.fixed(COMMAND, 1)
    walk.nul_text(USER)
    # The length is one byte whatever PLUGIN_AUTH_LENENC_CLIENT_DATA says.
    if capabilities & SECURE_CONNECTION:
        walk.byte_text(AUTH_RESPONSE)
    else:
        walk.nul_text(AUTH_RESPONSE)
    walk.nul_text(DATABASE)
    walk.fixed(CHARSET, 2)
    _plugin_and_attributes(walk, capabilities)
    return walk.fields


def _client_start(walk: "_Walk") -> bool:
    """Walk over the 32 bytes that SSLRequest and login share. Return whether all of them are there."""
    flags_at = walk.fixed(CAPABILITIES, 4)
    walk.fixed(MAX_PACKET, 4)
    walk.fixed(CHARSET, 1)
    if flags_at < 0:
        return False
    if u32(walk.data, flags_at) & LONG_PASSWORD:
        return walk.fixed(FILLER, FILLER_LEN) >= 0
    walk.fixed(FILLER, FILLER_LEN - 4)
    return walk.fixed(CAPABILITIES_EXTENDED, 4) >= 0


def _plugin_and_attributes(walk: "_Walk", agreed: i64) -> None:
    if agreed & PLUGIN_AUTH:
        walk.nul_text(AUTH_PLUGIN)
    if agreed & CONNECT_ATTRS:
        walk.attributes()


@mypyc_attr(acyclic=True)
class _Walk:
    """Walks over one field after the other. whole turns False at one that runs past the end: none comes after it."""

    __slots__ = ("at", "data", "end", "fields", "whole")

    def __init__(self, data: bytes, at: i64, end: i64) -> None:
        self.data: Final = data
        self.at: i64 = at
        self.end: Final[i64] = end
        self.fields: Final[list[Field]] = []
        self.whole = True

    def fixed(self, kind: i64, size: i64) -> i64:
        """Walk over a field of `size` bytes. Return where it begins, -1 if it is not all there."""
        at = self.at
        return at if self._counted(kind, at, at, at + size) else -1

    def nul_text(self, kind: i64) -> None:
        """Walk over text up to NUL; the last field of a payload may lack it."""
        at = self.at
        if at >= self.end:
            return
        nul = find_nul(self.data, at, self.end)
        if nul < 0:
            self._add(kind, at, at, self.end, self.end)
        else:
            self._add(kind, at, at, nul, nul + 1)

    def byte_text(self, kind: i64) -> None:
        """Walk over text behind one byte that is its length."""
        at = self.at
        if at < self.end:
            length: i64 = self.data[at]
            self._counted(kind, at, at + 1, at + 1 + length)

    def lenenc_text(self, kind: i64) -> None:
        """Walk over text behind its length-encoded length."""
        at = self.at
        if at >= self.end:
            return
        start, stop = read_lestr(self.data, at, self.end)
        if start < 0:
            self._broken(kind, at, at)
        else:
            self._add(kind, at, start, stop, stop)

    def padded(self, kind: i64, size: i64) -> None:
        """Walk over `size` bytes of which the last may be NUL and those at the end may be missing."""
        at = self.at
        stop: i64 = min(at + size, self.end)
        if at >= stop:
            return
        self._add(kind, at, at, stop - 1 if self.data[stop - 1] == 0 else stop, stop)

    def attributes(self) -> None:
        """Walk over the connection attributes: their length in all, then names and values."""
        at = self.at
        if at >= self.end:
            return
        total, start = read_lenenc(self.data, at, self.end)
        fits = total >= 0 and total <= self.end - start
        stop = self.end
        if fits:
            stop = start + total
        # What is there of attributes that are said to go further is walked over all the same.
        self.fields.append(Field(ATTRIBUTES, at, at, start, start, fits))
        self.whole = fits
        self.at = start
        found: i64 = 0
        while self.at < stop and found < MAX_ATTRIBUTES:
            name, name_end = read_lestr(self.data, self.at, stop)
            value: i64 = -1
            value_end: i64 = -1
            if name >= 0:
                value, value_end = read_lestr(self.data, name_end, stop)
            if value < 0:
                self._broken(ATTRIBUTE_NAME, self.at, self.at)
                return
            self.fields.append(Field(ATTRIBUTE_NAME, self.at, name, name_end, name_end, True))
            self.fields.append(Field(ATTRIBUTE_VALUE, name_end, value, value_end, value_end, True))
            self.at = value_end
            found += 1
        self.at = stop

    def _counted(self, kind: i64, at: i64, start: i64, stop: i64) -> bool:
        if at >= self.end:
            return False
        if stop > self.end:
            self._broken(kind, at, start)
            return False
        self._add(kind, at, start, stop, stop)
        return True

    def _add(self, kind: i64, at: i64, start: i64, end: i64, stop: i64) -> None:
        self.fields.append(Field(kind, at, start, end, stop, True))
        self.at = stop

    def _broken(self, kind: i64, at: i64, start: i64) -> None:
        self.fields.append(Field(kind, at, start, self.end, self.end, False))
        self.at = self.end
        self.whole = False
