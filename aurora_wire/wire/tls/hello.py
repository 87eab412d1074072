"""What the TLS handshake says in the clear: hellos, key exchange, and where the certificates lie.

All functions are given a handshake message's body, `data[at:end]`, without its 4-byte header. They read
nothing outside of it and answer None where a peer would refuse the message: lists that don't fit, extensions
twice. An extension whose own content is odd is kept as a number; only supported_versions and pre_shared_key,
which decide, must be right.
Source: RFC 8446 section 4.1, RFC 5246 section 7.4, RFC 8422 section 5.4, RFC 4279 sections 2 and 3; for SSLv2 framing
RFC 5246 appendix E.2.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16_be, u24_be
from aurora_wire.wire.decoding.readable_run import readable_run
from aurora_wire.wire.tls.names import (
    ALPN,
    EARLY_DATA,
    EC_POINT_FORMATS,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    PRE_SHARED_KEY,
    SERVER_NAME,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    is_grease,
)

FIXED_LEN: Final[i64] = 34          # version (2) and random (32), in both hellos
MAX_SESSION_ID: Final[i64] = 32
NUMBER_COST: Final[i64] = 40         # bytes that a number in a list takes
READABLE: Final[i64] = 28            # printable bytes in a row; random ones are once in 2^40 times

# Extensions that may hold text: server_name, trusted_ca_keys, status_request, user_mapping, srp, ALPN,
# status_request_v2, token_binding, cached_info, session_ticket, pre_shared_key, cookie, certificate_authorities,
# oid_filters, connection_id, external ids, QUIC's and those of applications (NPN, ALPS).
WITH_TEXT: Final = frozenset({
    0, 3, 5, 6, 12, 16, 17, 24, 25, 35, 41, 44, 47, 48, 54, 55, 56, 57, 13172, 17513, 17613,
})  # fmt: skip
MAX_CERTIFICATES: Final[i64] = 100  # our bound; chains have 1 to 5
NAMED_CURVE: Final[i64] = 3          # the only curve type in use

# SHA-256 of "HelloRetryRequest": the random of a ServerHello that asks for another ClientHello.
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
DOWNGRADE_TO_12: Final = b"DOWNGRD\x01"  # the last 8 of the random, where a 1.3 server agrees to less
DOWNGRADE_TO_11: Final = b"DOWNGRD\x00"


@mypyc_attr(acyclic=True)
class ClientHello:
    """Lists are in the order sent, GREASE included, but `versions` has none.

    version: the number in the hello itself (0x0303 also for TLS 1.3); versions: those of supported_versions,
    or else [version]; sni: None without that extension; session_ticket: a ticket of TLS <= 1.2 was shown, not
    merely asked for.
    """

    __slots__ = (
        "alpn", "compressions", "extensions", "groups", "has_early_data", "has_psk", "is_v2_framed",
        "point_formats", "random", "reads", "session_id", "session_ticket", "signature_algorithms", "sni", "suites",
        "version", "versions",
    )

    def __init__(self, version: i64, random: bytes, session_id: bytes) -> None:
        self.version: Final = version
        self.random: Final = random
        self.session_id: Final = session_id
        self.suites: list[int] = []
        self.compressions: bytes = b""
        self.extensions: list[int] = []
        self.versions: list[int] = [version]
        self.sni: bytes | None = None
        self.alpn: list[bytes] = []
        self.groups: list[int] = []
        self.point_formats: list[int] = []
        self.signature_algorithms: list[int] = []
        self.has_early_data: bool = False
        self.has_psk: bool = False
        self.session_ticket: bool = False
        self.is_v2_framed: bool = False
        self.reads: bool = False  # text where no hello has any

    def cost(self) -> i64:
        """Return about how many bytes it takes."""
        numbers: i64 = len(self.suites) + len(self.extensions) + len(self.versions) + len(self.groups)
        numbers += len(self.point_formats) + len(self.signature_algorithms)
        size: i64 = 600 + NUMBER_COST * numbers
        for name in self.alpn:
            size += len(name) + NUMBER_COST
        if self.sni is not None:
            size += len(self.sni)
        return size

    def shorten(self) -> None:
        """Let go of what it offers: there are too many like it."""
        self.suites = []
        self.extensions = []
        self.versions = self.versions[:1]
        self.groups = []
        self.point_formats = []
        self.signature_algorithms = []
        self.alpn = []
        self.sni = None

    def offers(self, suite: i64) -> bool:
        """Return whether a server may pick this suite. GREASE is offered to be refused."""
        return suite in self.suites and not is_grease(suite)


@mypyc_attr(acyclic=True)
class ServerHello:
    """version: what was agreed (supported_versions, or else legacy_version).

    resumed_by_psk: pre_shared_key was accepted: TLS 1.3 goes on with an earlier session, and no certificate
    crosses. In TLS <= 1.2 resumption is told by session id and missing Certificate, not from here alone.
    downgrade_marker: the server knows more than the version it agreed to (RFC 8446 section 4.1.3); group: of its
    key_share, or the one that a HelloRetryRequest asks for; -1: none.
    """

    __slots__ = (
        "alpn", "compression", "downgrade_marker", "encrypt_then_mac", "extended_master_secret", "extensions",
        "group", "is_retry_request", "legacy_version", "random", "reads", "resumed_by_psk", "session_id", "suite",
        "version",
    )

    def __init__(
        self, legacy_version: i64, random: bytes, session_id: bytes, suite: i64, compression: i64
    ) -> None:
        self.legacy_version: Final = legacy_version
        self.random: Final = random
        self.session_id: Final = session_id
        self.suite: Final = suite
        self.compression: Final = compression
        self.version: i64 = legacy_version
        self.extensions: list[int] = []
        self.is_retry_request: bool = random == RETRY_RANDOM
        self.resumed_by_psk: bool = False
        self.encrypt_then_mac: bool = False
        self.extended_master_secret: bool = False
        self.alpn: bytes | None = None
        self.group: i64 = -1
        self.reads: bool = False  # text where no hello has any
        self.downgrade_marker: bool = random.endswith((DOWNGRADE_TO_12, DOWNGRADE_TO_11))


def parse_client_hello(data: bytes, at: i64, end: i64) -> ClientHello | None:
    """Return None if it is no whole and well-formed ClientHello."""
    if not _fixed_part_fits(data, at, end):
        return None
    version = u16_be(data, at)
    place = at + FIXED_LEN
    id_len: i64 = data[place]
    suites_at = place + 1 + id_len
    hello = ClientHello(version, data[at + 2 : place], data[place + 1 : suites_at])
    if suites_at + 2 > end:
        return None
    suites_len = u16_be(data, suites_at)
    place = suites_at + 2 + suites_len
    if suites_len < 2 or suites_len & 1 or place + 1 > end:
        return None
    hello.suites = _numbers(data, suites_at + 2, place)
    count: i64 = data[place]
    if count < 1 or place + 1 + count > end:
        return None
    hello.compressions = data[place + 1 : place + 1 + count]
    place += 1 + count
    starts = _extensions(data, place, end)
    if starts is None:
        return None
    for one in starts:
        start: i64 = one
        kind = u16_be(data, start - 4)
        hello.extensions.append(kind)
        hello.reads = hello.reads or extension_reads(kind, data, start)
        if not _client_extension(hello, kind, data, start, start + u16_be(data, start - 2)):
            return None
    return hello


def _extensions(data: bytes, place: i64, end: i64) -> list[int] | None:
    """Return where each extension's content begins, behind its kind and length; a hello may end without any.

    None if they do not fill the hello, or one comes twice (RFC 8446, section 4.2).
    """
    starts: list[int] = []
    if place == end:
        return starts
    if place + 2 > end or place + 2 + u16_be(data, place) != end:
        return None
    place += 2
    seen: set[int] = set()
    while place < end:
        if place + 4 > end:
            return None
        kind = u16_be(data, place)
        start = place + 4
        place = start + u16_be(data, place + 2)
        if place > end or kind in seen:
            return None
        seen.add(kind)
        starts.append(start)
    return starts


def extension_reads(kind: i64, data: bytes, at: i64) -> bool:
    """Return whether the extension whose content begins at `at` holds text, and is none of those that may.

    Numbers, points and padding never do; names, tickets, cookies and identities are what their makers want.
    """
    return kind not in WITH_TEXT and readable_run(data, at, at + u16_be(data, at - 2), READABLE)


def _client_extension(hello: ClientHello, kind: i64, data: bytes, at: i64, end: i64) -> bool:
    """Note what the extension says. False where that makes the hello unusable."""
    if kind == SUPPORTED_VERSIONS:
        if at == end or at + 1 + data[at] != end:
            return False
        hello.versions = []
        for number in _numbers(data, at + 1, end):
            if not is_grease(number):
                hello.versions.append(number)
        return len(hello.versions) > 0 and (end - at) & 1 == 1
    if kind == SERVER_NAME:
        hello.sni = _host_name(data, at, end)
    elif kind == ALPN:
        hello.alpn = _protocol_names(data, at, end)
    elif kind in (SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS):
        if at + 2 > end or at + 2 + u16_be(data, at) != end or (end - at) & 1:
            return True
        if kind == SUPPORTED_GROUPS:
            hello.groups = _numbers(data, at + 2, end)
        else:
            hello.signature_algorithms = _numbers(data, at + 2, end)
    elif kind == EC_POINT_FORMATS:
        if at < end and at + 1 + data[at] == end:
            hello.point_formats = list(data[at + 1 : end])
    elif kind == SESSION_TICKET:
        hello.session_ticket = end > at
    elif kind == PRE_SHARED_KEY:
        hello.has_psk = True
    elif kind == EARLY_DATA:
        hello.has_early_data = True
    return True


def parse_server_hello(data: bytes, at: i64, end: i64) -> ServerHello | None:
    """Return None if it is no whole and well-formed ServerHello."""
    if not _fixed_part_fits(data, at, end):
        return None
    place = at + FIXED_LEN
    id_len: i64 = data[place]
    suite_at = place + 1 + id_len
    if suite_at + 3 > end:
        return None
    session_id = data[place + 1 : suite_at]
    compression: i64 = data[suite_at + 2]
    suite = u16_be(data, suite_at)
    hello = ServerHello(u16_be(data, at), data[at + 2 : place], session_id, suite, compression)
    place = suite_at + 3
    starts = _extensions(data, place, end)
    if starts is None:
        return None
    for one in starts:
        start: i64 = one
        kind = u16_be(data, start - 4)
        hello.reads = hello.reads or extension_reads(kind, data, start)
        length = u16_be(data, start - 2)
        hello.extensions.append(kind)
        if kind == SUPPORTED_VERSIONS:
            if length != 2:
                return None
            hello.version = u16_be(data, start)
        elif kind == PRE_SHARED_KEY:
            if length != 2:
                return None
            hello.resumed_by_psk = True
        elif kind == ENCRYPT_THEN_MAC:
            hello.encrypt_then_mac = True
        elif kind == EXTENDED_MASTER_SECRET:
            hello.extended_master_secret = True
        elif kind == KEY_SHARE and length >= 2:
            hello.group = u16_be(data, start)
        elif kind == ALPN:
            names = _protocol_names(data, start, start + length)
            if len(names) == 1:
                hello.alpn = names[0]
    return hello


def looks_like_v2_hello(data: bytes, at: i64, end: i64) -> i64:
    """Tell whether a stream opens with an SSLv2-framed ClientHello for SSLv3 or TLS: 1, 0, or -1 for more bytes.

    11 bytes decide: `80 len`, `01`, `03 0x`, u16 length of the cipher specs (3 bytes each), u16 length of the
    session id (0: RFC 5246), u16 length of the challenge (16-32), and the four must add up. Read as a MySQL
    packet that would be one of more than 64 KiB with a sequence id of 3.
    """
    have = end - at
    if have >= 1 and data[at] != 0x80:
        return 0
    if have >= 3 and data[at + 2] != 1:
        return 0
    if have >= 4 and data[at + 3] != 3:
        return 0
    if have >= 5 and data[at + 4] > 3:
        return 0
    if have < 11:
        return -1
    specs = u16_be(data, at + 5)
    challenge = u16_be(data, at + 9)
    if specs < 3 or specs % 3 != 0 or u16_be(data, at + 7) != 0 or challenge < 16 or challenge > 32:
        return 0
    length: i64 = data[at + 1]
    return 1 if length == 9 + specs + challenge else 0


def parse_v2_client_hello(data: bytes, at: i64, end: i64) -> ClientHello | None:
    """Parse an SSLv2-framed ClientHello, given with its 2-byte header. Return None if it is none or not whole.

    `random` is the challenge, with zeros before it to 32 bytes; suites are those that SSLv3 and TLS know.
    """
    if looks_like_v2_hello(data, at, end) != 1:
        return None
    length: i64 = data[at + 1]
    if at + 2 + length > end:
        return None
    stop = at + 2 + length
    place = at + 11
    specs_end = place + u16_be(data, at + 5)
    hello = ClientHello(u16_be(data, at + 3), data[specs_end:stop].rjust(32, b"\0"), b"")
    hello.is_v2_framed = True
    hello.compressions = b"\x00"
    while place < specs_end:
        if data[place] == 0:
            hello.suites.append(u16_be(data, place + 1))
        place += 3
    return hello


def read_key_exchange(suite: str, data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return the group of a ServerKeyExchange of TLS <= 1.2, and the bits of its prime; -1 for what it has not.

    suite: the name of the cipher suite, which says how the message is laid out.
    """
    if "_PSK_" in suite:
        if at + 2 > end:
            return -1, -1
        at += 2 + u16_be(data, at)  # a hint at the identity comes first
    if "ECDH" in suite:
        return (u16_be(data, at + 1) if at + 3 <= end and data[at] == NAMED_CURVE else -1), -1
    if ("_DHE_" not in suite and "_DH_anon_" not in suite) or at + 2 > end or at + 2 + u16_be(data, at) > end:
        return -1, -1
    stop = at + 2 + u16_be(data, at)
    at += 2
    while at < stop and data[at] == 0:
        at += 1
    if at == stop:
        return -1, -1
    bits = 8 * (stop - at)
    first: i64 = data[at]
    while first < 0x80:
        first <<= 1
        bits -= 1
    return -1, bits


def certificate_slices_1_3(data: bytes, at: i64, end: i64) -> list[tuple[int, int]] | None:
    """Return where in `data` the DER certificates of a TLS 1.3 Certificate message lie, as `certificate_slices`."""
    if at + 1 > end:
        return None
    context: i64 = data[at]
    return certificate_slices(data, at + 1 + context, end, has_extensions=True)


def certificate_slices(
    data: bytes, at: i64, end: i64, *, has_extensions: bool = False
) -> list[tuple[int, int]] | None:
    """Return where in `data` the DER certificates of a TLS <= 1.2 Certificate message lie: (start, end), leaf first.

    has_extensions: each has extensions behind it, as in TLS 1.3. An empty list is a client without a certificate.
    None: malformed, or more than MAX_CERTIFICATES.
    """
    if at + 3 > end or at + 3 + u24_be(data, at) != end:
        return None
    found: list[tuple[int, int]] = []
    place = at + 3
    while place < end:
        if place + 3 > end or len(found) == MAX_CERTIFICATES:
            return None
        start = place + 3
        place = start + u24_be(data, place)
        if place > end or place == start:
            return None
        found.append((start, place))
        if has_extensions:
            if place + 2 > end:
                return None
            place += 2 + u16_be(data, place)
    return found if place == end else None


def _fixed_part_fits(data: bytes, at: i64, end: i64) -> bool:
    """Return whether version, random and session id are there, and the version is one of SSLv3 to TLS 1.3."""
    if at + FIXED_LEN + 1 > end or data[at] != 3 or data[at + 1] > 4:
        return False
    id_len: i64 = data[at + FIXED_LEN]
    return id_len <= MAX_SESSION_ID and at + FIXED_LEN + 1 + id_len <= end


def _numbers(data: bytes, at: i64, end: i64) -> list[int]:
    """Return the u16 numbers in data[at:end], which holds whole ones."""
    found: list[int] = []
    while at + 2 <= end:
        found.append(u16_be(data, at))
        at += 2
    return found


def _host_name(data: bytes, at: i64, end: i64) -> bytes | None:
    """Return the first entry of type host_name. None where the list is malformed or has none."""
    if at + 2 > end or at + 2 + u16_be(data, at) != end:
        return None
    place = at + 2
    while place + 3 <= end:
        start = place + 3
        stop = start + u16_be(data, place + 1)
        if stop > end:
            return None
        if data[place] == 0:
            return data[start:stop]
        place = stop
    return None


def _protocol_names(data: bytes, at: i64, end: i64) -> list[bytes]:
    """Return the names in an ALPN extension; none of them where one does not fit."""
    if at + 2 > end or at + 2 + u16_be(data, at) != end:
        return []
    found: list[bytes] = []
    place = at + 2
    while place < end:
        stop = place + 1 + data[place]
        if stop > end or stop == place + 1:
            return []
        found.append(data[place + 1 : stop])
        place = stop
    return found
