"""The client's side of the connection phase: SSLRequest, login, COM_CHANGE_USER; and what COM_REGISTER_SLAVE tells.

Sources: MySQL Server docs, "Protocol::SSLRequest", "HandshakeResponse41" and "320", "COM_CHANGE_USER".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.mysql.capabilities import EXTENDED_MASK, PROTOCOL_41, SSL, UNKNOWN
from aurora_wire.wire.mysql.commands import COM_CHANGE_USER
from aurora_wire.wire.mysql.layout import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_VALUE,
    AUTH_PLUGIN,
    AUTH_RESPONSE,
    CAPABILITIES,
    CAPABILITIES_EXTENDED,
    CHARSET,
    DATABASE,
    FILLER,
    MAX_PACKET,
    SSL_REQUEST_320_LEN,
    SSL_REQUEST_LEN,
    USER,
    ZSTD_LEVEL,
    Field,
    change_user_fields,
    login_fields,
    ssl_request_fields,
)


@mypyc_attr(acyclic=True)
class SSLRequest:
    """Announces TLS, proves nothing. extended: MariaDB's flags alone (bits 32 and up of capabilities)."""

    __slots__ = ("capabilities", "charset", "extended", "max_packet")

    def __init__(self, capabilities: i64, max_packet: i64, charset: i64, extended: i64) -> None:
        self.capabilities: Final[i64] = capabilities
        self.max_packet: Final[i64] = max_packet
        self.charset: Final[i64] = charset
        self.extended: Final[i64] = extended


@mypyc_attr(acyclic=True)
class Login:
    """HandshakeResponse. capabilities: the client's own, 64 bits; zstd_level: -1 where there is none.

    complete: False where the payload ends inside a field; what came before it is given.
    """

    __slots__ = (
        "attributes", "auth_plugin", "auth_response", "capabilities", "charset", "complete", "database",
        "max_packet", "protocol_320", "user", "zstd_level",
    )

    def __init__(
        self,
        capabilities: i64,
        max_packet: i64,
        charset: i64,
        user: bytes,
        auth_response: bytes,
        database: bytes,
        auth_plugin: bytes,
        attributes: list[tuple[bytes, bytes]],
        zstd_level: i64,
        protocol_320: bool,
        complete: bool,
    ) -> None:
        self.capabilities: Final[i64] = capabilities
        self.max_packet: Final[i64] = max_packet
        self.charset: Final[i64] = charset
        self.user: Final = user
        self.auth_response: Final = auth_response
        self.database: Final = database
        self.auth_plugin: Final = auth_plugin
        self.attributes: Final = attributes
        self.zstd_level: Final[i64] = zstd_level
        self.protocol_320: Final = protocol_320
        self.complete: Final = complete

    def shortened(self, longest: i64) -> "Login":
        """Return the login without attributes, and with no more than this of each name."""
        return Login(
            self.capabilities, self.max_packet, self.charset, self.user[:longest], self.auth_response[:longest],
            self.database[:longest], self.auth_plugin[:longest], [], self.zstd_level, self.protocol_320, self.complete,
        )  # fmt: skip


@mypyc_attr(acyclic=True)
class ChangeUser:
    """COM_CHANGE_USER. charset: -1 where the client sends none; complete: as in Login."""

    __slots__ = ("attributes", "auth_plugin", "auth_response", "charset", "complete", "database", "user")

    def __init__(
        self,
        user: bytes,
        auth_response: bytes,
        database: bytes,
        charset: i64,
        auth_plugin: bytes,
        attributes: list[tuple[bytes, bytes]],
        complete: bool,
    ) -> None:
        self.user: Final = user
        self.auth_response: Final = auth_response
        self.database: Final = database
        self.charset: Final[i64] = charset
        self.auth_plugin: Final = auth_plugin
        self.attributes: Final = attributes
        self.complete: Final = complete


def parse_ssl_request(data: bytes, at: i64, end: i64) -> SSLRequest | None:
    """Return the SSLRequest whose payload is data[at:end]: 32 bytes, or 5 before 4.1. Flags must say so too."""
    length: i64 = end - at
    if length not in (SSL_REQUEST_LEN, SSL_REQUEST_320_LEN):
        return None
    flags: i64 = u32(data, at) if length == SSL_REQUEST_LEN else u16(data, at)
    is_41 = length == SSL_REQUEST_LEN
    if not flags & SSL or (flags & PROTOCOL_41 != 0) != is_41:
        return None
    start = _Start(data, ssl_request_fields(data, at, end))
    return SSLRequest(start.capabilities, start.max_packet, start.charset, start.capabilities >> 32)


def parse_login(data: bytes, at: i64, end: i64, server_capabilities: i64 = UNKNOWN) -> Login | None:
    """Return the login whose payload is data[at:end]: 4.1 or older by its own flags. None if not even a user begins.

    The fields after the user go by the flags of both sides; server_capabilities: the greeting's, or UNKNOWN.
    """
    if end - at < 6:
        return None
    is_320 = not u16(data, at) & PROTOCOL_41
    if not is_320 and end - at <= SSL_REQUEST_LEN:
        return None
    fields = login_fields(data, at, end, server_capabilities)
    start = _Start(data, fields)
    named = _Named(data, fields)
    level: i64 = -1
    last = fields[len(fields) - 1]
    if last.kind == ZSTD_LEVEL:
        level = data[last.at]
    return Login(
        start.capabilities, start.max_packet, start.charset, named.user, named.auth_response, named.database,
        named.auth_plugin, named.attributes, level, protocol_320=is_320, complete=named.complete,
    )


def parse_change_user(data: bytes, at: i64, end: i64, capabilities: i64 = UNKNOWN) -> ChangeUser | None:
    """Return the COM_CHANGE_USER whose command byte is data[at]. capabilities: those agreed, or UNKNOWN."""
    if end - at < 2 or data[at] != COM_CHANGE_USER:
        return None
    fields = change_user_fields(data, at, end, capabilities)
    named = _Named(data, fields)
    charset: i64 = -1
    for field in fields:
        if field.kind == CHARSET and field.whole:
            charset = u16(data, field.at)
    return ChangeUser(
        named.user, named.auth_response, named.database, charset, named.auth_plugin, named.attributes, named.complete
    )


@mypyc_attr(acyclic=True)
class _Start:
    """What SSLRequest and login begin with. capabilities: 64 bits."""

    __slots__ = ("capabilities", "charset", "max_packet")

    def __init__(self, data: bytes, fields: list[Field]) -> None:
        self.capabilities: i64 = 0
        self.max_packet: i64 = 0
        self.charset: i64 = 0
        for field in fields:
            kind = field.kind
            at = field.at
            if kind == CAPABILITIES:
                self.capabilities = u32(data, at) if field.stop - at == 4 else u16(data, at)
            elif kind == MAX_PACKET:
                self.max_packet = u32(data, at) if field.stop - at == 4 else u24(data, at)
            elif kind == CHARSET:
                self.charset = data[at]
            elif kind == CAPABILITIES_EXTENDED:
                self.capabilities |= (u32(data, at) & EXTENDED_MASK) << 32
            elif kind != FILLER:
                return


@mypyc_attr(acyclic=True)
class _Named:
    """What a login and COM_CHANGE_USER name. complete: False where the payload ends inside a field."""

    __slots__ = ("attributes", "auth_plugin", "auth_response", "complete", "database", "user")

    def __init__(self, data: bytes, fields: list[Field]) -> None:
        self.user = b""
        self.auth_response = b""
        self.database = b""
        self.auth_plugin = b""
        self.attributes: list[tuple[bytes, bytes]] = []
        self.complete = True
        name = b""
        for field in fields:
            kind = field.kind
            if not field.whole:
                self.complete = False
                continue
            if kind == USER:
                self.user = data[field.start : field.end]
            elif kind == AUTH_RESPONSE:
                self.auth_response = data[field.start : field.end]
            elif kind == DATABASE:
                self.database = data[field.start : field.end]
            elif kind == AUTH_PLUGIN:
                self.auth_plugin = data[field.start : field.end]
            elif kind == ATTRIBUTE_NAME:
                name = data[field.start : field.end]
            elif kind == ATTRIBUTE_VALUE:
                self.attributes.append((name, data[field.start : field.end]))


YES: Final[i64] = 1
NO: Final[i64] = 0
MORE: Final[i64] = -1            # what is there fits; more bytes are needed
MAX_LOGIN: Final[i64] = 65536    # bytes of payload: our bound
MAX_USER: Final[i64] = 256       # of a login before 4.1: our bound
QUIT: Final = b"\x01\x00\x00\x00\x01"
CONTROLS: Final = bytes(range(32)) + b"\x7f"


def opens_login(data: bytes, at: i64, end: i64) -> i64:
    """Tell whether a login's packet begins at `at`, of a client that speaks first: YES, NO or MORE.

    From 4.1 on its fixed part says so: 19 bytes of filler are zero (MariaDB uses the last four of 23), however much
    of the rest is there. Before 4.1: flags, size, a printable user, and nothing or COM_QUIT behind the packet.
    """
    have = end - at
    if (have > 2 and data[at + 2] != 0) or (have > 3 and data[at + 3] > 3):
        return NO
    if have < 6:
        return MORE
    length = u24(data, at)
    if not data[at + 5] & 2:
        return NO if data[at + 3] == 0 else _opens_login_320(data, at, end, length)
    if length <= SSL_REQUEST_LEN or length > MAX_LOGIN:
        return NO
    place = at + 13
    while place < end and place < at + 32:
        if data[place] != 0:
            return NO
        place += 1
    if have < 37:
        return MORE
    if data[at + 3] == 0 and data[at + 12] == 0:
        return NO  # no packet's number, no character set: zeros
    return YES if data[at + 36] == 0 or data[at + 36] >= 32 else NO


def may_be_login(data: bytes, at: i64, end: i64, total: i64, sequence: i64) -> bool:
    """Return whether data[at:end] can begin the payload of a login, which is `total` bytes long."""
    packet = min(int(total), 0xFFFFFF).to_bytes(3, "little") + bytes([int(sequence)]) + data[at:end]
    return opens_login(packet, 0, len(packet)) != NO


def _opens_login_320(data: bytes, at: i64, end: i64, length: i64) -> i64:
    if length < 7 or length > 5 + 2 * MAX_USER or data[at + 3] != 1:
        return NO
    stop = at + 4 + length
    shown = stop if stop < end else end
    place = at + 9
    while place < shown and data[place] != 0:
        if data[place] < 32 or data[place] == 127:
            return NO
        place += 1
    if place == stop or (place == at + 9 and place < shown):
        return NO  # a user that does not end, or none
    if end < stop:
        return MORE
    if end == stop:
        return YES
    rest = data[stop : end if end < stop + 5 else stop + 5]
    if rest == QUIT:
        return YES
    return MORE if QUIT.startswith(rest) else NO


def is_name(name: bytes) -> bool:
    """Return whether it can be the name of a user: no control characters."""
    return len(name.translate(None, CONTROLS)) == len(name)


def has_filler(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the payload at `at` has the zero bytes that every login from 4.1 on has."""
    return end - at > SSL_REQUEST_LEN and data[at + 1] & 2 != 0 and data[at + 9 : at + 28] == bytes(19)


def is_plausible(login: Login) -> bool:
    """Return whether a client can have meant it: bytes that are no login parse as one of before 4.1, too."""
    return is_name(login.user) and (login.complete or not login.protocol_320)


def replica_password(data: bytes, at: i64, end: i64) -> bytes:
    """Return the password in the COM_REGISTER_SLAVE whose command byte is data[at], empty if it has none.

    A replica tells its source host, user and password (`report_password`), as they are.
    """
    place: i64 = at + 5
    before: i64 = 2  # host and user
    while place < end:
        length: i64 = data[place]
        stop: i64 = place + 1 + length
        if stop > end:
            return b""
        if before == 0:
            return data[place + 1 : stop]
        before -= 1
        place = stop
    return b""
