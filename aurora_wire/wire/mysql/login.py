"""The client's side of the connection phase: SSLRequest, login, COM_CHANGE_USER; and what COM_REGISTER_SLAVE tells.

Sources: MySQL Server docs, "Protocol::SSLRequest", "HandshakeResponse41" and "320", "COM_CHANGE_USER".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.mysql.capabilities import (
    CONNECT_ATTRS,
    CONNECT_WITH_DB,
    EXTENDED_MASK,
    LONG_PASSWORD,
    PLUGIN_AUTH,
    PLUGIN_AUTH_LENENC_CLIENT_DATA,
    PROTOCOL_41,
    SECURE_CONNECTION,
    SSL,
    UNKNOWN,
    ZSTD_COMPRESSION_ALGORITHM,
)
from aurora_wire.wire.mysql.commands import COM_CHANGE_USER
from aurora_wire.wire.mysql.lenenc import find_nul, read_lenenc, read_lestr

SSL_REQUEST_LEN: Final[i64] = 32     # bytes of payload; a 4.1 login has at least two more
SSL_REQUEST_320_LEN: Final[i64] = 5  # before 4.1
MAX_ATTRIBUTES: Final[i64] = 1024    # ours; clients send about ten


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
    if end - at == SSL_REQUEST_LEN:
        flags = u32(data, at)
        if not flags & SSL or not flags & PROTOCOL_41:
            return None
        extended: i64 = 0 if flags & LONG_PASSWORD else u32(data, at + 28) & EXTENDED_MASK
        charset: i64 = data[at + 8]
        return SSLRequest(flags | extended << 32, u32(data, at + 4), charset, extended)
    if end - at == SSL_REQUEST_320_LEN:
        old_flags = u16(data, at)
        if not old_flags & SSL or old_flags & PROTOCOL_41:
            return None
        return SSLRequest(old_flags, u24(data, at + 2), 0, 0)
    return None


def parse_login(data: bytes, at: i64, end: i64, server_capabilities: i64 = UNKNOWN) -> Login | None:
    """Return the login whose payload is data[at:end]: 4.1 or older by its own flags. None if not even a user begins.

    The fields after the user go by the flags of both sides; server_capabilities: the greeting's, or UNKNOWN.
    """
    if end - at < 6:
        return None
    if not u16(data, at) & PROTOCOL_41:
        return _parse_login_320(data, at, end)
    if end - at <= SSL_REQUEST_LEN:
        return None
    flags = u32(data, at)
    if not flags & LONG_PASSWORD:
        flags |= (u32(data, at + 28) & EXTENDED_MASK) << 32
    charset: i64 = data[at + 8]
    agreed: i64 = flags & server_capabilities
    fields = _Fields(data, at + SSL_REQUEST_LEN, end)
    user = fields.nulstr()
    auth_response = fields.auth_response(agreed)
    database = fields.nulstr() if agreed & CONNECT_WITH_DB else b""
    plugin = fields.nulstr() if agreed & PLUGIN_AUTH else b""
    attributes = fields.attributes() if agreed & CONNECT_ATTRS else []
    level: i64 = -1
    if agreed & ZSTD_COMPRESSION_ALGORITHM and fields.at < end and fields.complete:
        level = data[fields.at]
    return Login(
        flags, u32(data, at + 4), charset, user, auth_response, database, plugin, attributes, level,
        protocol_320=False, complete=fields.complete,
    )


def _parse_login_320(data: bytes, at: i64, end: i64) -> Login:
    flags = u16(data, at)
    fields = _Fields(data, at + 5, end)
    user = fields.nulstr()
    database = b""
    if flags & CONNECT_WITH_DB:
        auth_response = fields.nulstr()
        database = fields.nulstr()
    else:
        auth_response = fields.nulstr()
    return Login(
        flags, u24(data, at + 2), 0, user, auth_response, database, b"", [], -1,
        protocol_320=True, complete=fields.complete,
    )


def parse_change_user(data: bytes, at: i64, end: i64, capabilities: i64 = UNKNOWN) -> ChangeUser | None:
    """Return the COM_CHANGE_USER whose command byte is data[at]. capabilities: those agreed, or UNKNOWN."""
    if end - at < 2 or data[at] != COM_CHANGE_USER:
        return None
    fields = _Fields(data, at + 1, end)
    user = fields.nulstr()
    # The length is one byte whatever PLUGIN_AUTH_LENENC_CLIENT_DATA says.
    auth_response = fields.u8str() if capabilities & SECURE_CONNECTION else fields.nulstr()
    database = fields.nulstr()
    charset: i64 = -1
    if fields.complete and end - fields.at >= 2:
        charset = u16(data, fields.at)
        fields.at += 2
    plugin = fields.nulstr() if capabilities & PLUGIN_AUTH else b""
    attributes = fields.attributes() if capabilities & CONNECT_ATTRS else []
    return ChangeUser(user, auth_response, database, charset, plugin, attributes, fields.complete)


YES: Final[i64] = 1
NO: Final[i64] = 0
MORE: Final[i64] = -1            # what is there fits; more bytes are needed
MAX_LOGIN: Final[i64] = 65536    # bytes of payload: our bound
MAX_USER: Final[i64] = 256       # of a login before 4.1: our bound
QUIT: Final = b"\x01\x00\x00\x00\x01"


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
    return YES if data[at + 36] == 0 or data[at + 36] >= 32 else NO


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
    at: i64 = 0
    end: i64 = len(name)
    while at < end:
        byte: i64 = name[at]
        if byte < 32 or byte == 127:
            return False
        at += 1
    return True


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
    fields = _Fields(data, at + 5, end)
    fields.u8str()
    fields.u8str()
    return fields.u8str()


@mypyc_attr(acyclic=True)
class _Fields:
    """Reads one field after the other. A field that begins at the end is missing, and empty.

    complete turns False at a field that runs past the end; those after it are then empty.
    """

    __slots__ = ("at", "complete", "data", "end")

    def __init__(self, data: bytes, at: i64, end: i64) -> None:
        self.data: Final = data
        self.at: i64 = at
        self.end: Final[i64] = end
        self.complete = True

    def nulstr(self) -> bytes:
        """Read up to NUL; the last field of a payload may lack it."""
        start: i64 = self.at
        stop = find_nul(self.data, start, self.end)
        if stop < 0:
            self.at = self.end
            return self.data[start : self.end]
        self.at = stop + 1
        return self.data[start:stop]

    def u8str(self) -> bytes:
        if self.at >= self.end:
            return b""
        length: i64 = self.data[self.at]
        return self._take(self.at + 1, self.at + 1 + length)

    def auth_response(self, agreed: i64) -> bytes:
        if agreed & PLUGIN_AUTH_LENENC_CLIENT_DATA:
            if self.at >= self.end:
                return b""
            start, stop = read_lestr(self.data, self.at, self.end)
            return self._take(start, stop if start >= 0 else self.end + 1)
        if agreed & SECURE_CONNECTION:
            return self.u8str()
        return self.nulstr()

    def attributes(self) -> list[tuple[bytes, bytes]]:
        found: list[tuple[bytes, bytes]] = []
        if self.at >= self.end:
            return found
        total, at = read_lenenc(self.data, self.at, self.end)
        if total < 0 or total > self.end - at:
            total = self.end - at
            self.complete = False
        stop: i64 = at + total
        self.at = stop
        while at < stop and len(found) < MAX_ATTRIBUTES:
            key, key_end = read_lestr(self.data, at, stop)
            if key < 0:
                self.complete = False
                break
            value, value_end = read_lestr(self.data, key_end, stop)
            if value < 0:
                self.complete = False
                break
            found.append((self.data[key:key_end], self.data[value:value_end]))
            at = value_end
        return found

    def _take(self, start: i64, stop: i64) -> bytes:
        if stop > self.end:
            self.complete = False
            self.at = self.end
            return b""
        self.at = stop
        return self.data[start:stop]
