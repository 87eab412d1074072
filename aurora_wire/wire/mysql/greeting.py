"""The server's greeting: what it says, and whether a stream begins with one.

Sources: MySQL Server docs, "Protocol::HandshakeV10" and "HandshakeV9"; MariaDB KB, "Connecting".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.mysql.capabilities import EXTENDED_MASK
from aurora_wire.wire.mysql.layout import (
    AUTH_PLUGIN,
    CAPABILITIES,
    CAPABILITIES_EXTENDED,
    CAPABILITIES_HIGH,
    CHARSET,
    SCRAMBLE,
    SERVER_VERSION,
    STATUS,
    THREAD_ID,
    greeting_fields,
)

HEADER_LEN: Final[i64] = 4
MIN_PAYLOAD: Final[i64] = 20       # 10, `5.1` NUL, connection id, 8 nonce bytes, filler, low flags
MAX_PAYLOAD: Final[i64] = 1024     # ours: the longest seen has 130 bytes
MAX_VERSION_LEN: Final[i64] = 255  # ours: MySQL's own are below 60, proxies write what they like
MARIADB_PREFIX: Final = b"5.5.5-"  # MariaDB < 11.0.1 puts it before its version for old replicas


@mypyc_attr(acyclic=True)
class Greeting:
    """capabilities: 64 bits, MariaDB's extended ones from bit 32. What a short greeting lacks is 0 or empty.

    server_version: without MariaDB's `5.5.5-`. scramble: the nonce without its final NUL, 20 bytes (8 in V9).
    """

    __slots__ = (
        "auth_plugin", "capabilities", "charset", "is_mariadb", "protocol_version", "scramble",
        "server_version", "status", "thread_id",
    )

    def __init__(
        self,
        protocol_version: i64,
        server_version: bytes,
        thread_id: i64,
        capabilities: i64,
        charset: i64,
        status: i64,
        scramble: bytes,
        auth_plugin: bytes,
        is_mariadb: bool,
    ) -> None:
        self.protocol_version: Final[i64] = protocol_version
        self.server_version: Final = server_version
        self.thread_id: Final[i64] = thread_id
        self.capabilities: Final[i64] = capabilities
        self.charset: Final[i64] = charset
        self.status: Final[i64] = status
        self.scramble: Final = scramble
        self.auth_plugin: Final = auth_plugin
        self.is_mariadb: Final = is_mariadb


def parse_greeting(data: bytes, at: i64, end: i64) -> Greeting | None:
    """Return the greeting whose payload is data[at:end]. None unless it has version, connection id and a nonce."""
    if end - at < 2:
        return None
    protocol_version: i64 = data[at]
    if protocol_version not in (9, 10):
        return None
    fields = greeting_fields(data, at, end)
    version = b""
    scramble = b""
    plugin = b""
    thread_id: i64 = -1
    capabilities: i64 = 0
    extended: i64 = 0
    charset: i64 = 0
    status: i64 = 0
    for field in fields:
        kind = field.kind
        at = field.at
        if not field.whole:
            break
        if kind == SERVER_VERSION:
            version = data[field.start : field.end]
        elif kind == THREAD_ID:
            thread_id = u32(data, at)
        elif kind == SCRAMBLE:
            scramble += data[field.start : field.end]
        elif kind == CAPABILITIES:
            capabilities = u16(data, at)
        elif kind == CHARSET:
            charset = data[at]
        elif kind == STATUS:
            status = u16(data, at)
        elif kind == CAPABILITIES_HIGH:
            capabilities |= u16(data, at) << 16
        elif kind == CAPABILITIES_EXTENDED:
            extended = u32(data, at) & EXTENDED_MASK
        elif kind == AUTH_PLUGIN:
            plugin = data[field.start : field.end]
    if thread_id < 0 or len(scramble) == 0:
        return None
    prefixed = version.startswith(MARIADB_PREFIX) and len(version) > 6 and 48 <= version[6] <= 57
    is_mariadb = prefixed or extended != 0 or b"MariaDB" in version
    return Greeting(
        protocol_version, version[6:] if prefixed else version, thread_id, capabilities | extended << 32, charset,
        status, scramble, plugin, is_mariadb,
    )


def looks_like_greeting(data: bytes, at: i64, end: i64) -> i64:
    """Tell whether the packet whose 4-byte header is at `at` is a V10 greeting: 1 yes, 0 no, -1 more bytes are needed.

    Strict, as it is asked of any stream on any port: a `no` comes with the first byte that does not fit. What
    follows the packet is not looked at. V9 (MySQL 3.21 and older) is too weak a pattern to be found this way.
    """
    have: i64 = end - at
    if have >= 2 and data[at + 1] > MAX_PAYLOAD >> 8:
        return 0
    if have >= 3 and data[at + 2] != 0:
        return 0
    if have >= 4 and data[at + 3] != 0:
        return 0
    if have >= 5 and data[at + 4] != 10:
        return 0
    if have < 5:
        return -1
    length = u24(data, at)
    if length < MIN_PAYLOAD or length > MAX_PAYLOAD:
        return 0
    stop: i64 = at + HEADER_LEN + length  # end of the packet, as it claims
    shown: i64 = stop if stop < end else end
    nul = _end_of_version(data, at + HEADER_LEN + 1, shown)
    if nul < 0:
        return 0 if nul == -2 or shown == stop else -1
    return _fixed_part_fits(data, nul + 1, stop, shown)


def _end_of_version(data: bytes, at: i64, end: i64) -> i64:
    """Return the offset of the NUL after a printable `digits.digits...`; -1 if it is not there yet, -2 if it is none.
    """
    start: i64 = at
    dot: i64 = -1
    while at < end:
        byte: i64 = data[at]
        if byte == 0:
            return at if dot >= 0 and at > dot + 1 else -2
        if dot < 0:
            if byte == 46:
                if at == start:
                    return -2
                dot = at
            elif byte < 48 or byte > 57:
                return -2
        elif at == dot + 1:
            if byte < 48 or byte > 57:
                return -2
        elif byte < 32 or byte > 126:
            return -2
        at += 1
        if at - start > MAX_VERSION_LEN:
            return -2
    return -1


def _fixed_part_fits(data: bytes, at: i64, stop: i64, shown: i64) -> i64:
    """Check the fields after the version: lengths add up, filler is 0, at least six reserved bytes are 0."""
    if stop - at < 15:
        return 0  # connection id, 8 nonce bytes, filler, low flags
    if shown > at + 12 and data[at + 12] != 0:
        return 0
    if stop - at == 15:
        return 1 if shown == stop else -1
    if stop - at < 31:
        return 0  # a greeting ends after the low flags, or after the reserved bytes
    reserved: i64 = at + 21
    while reserved < at + 27:
        if reserved >= shown:
            return -1
        if data[reserved] != 0:
            return 0
        reserved += 1
    return 1
