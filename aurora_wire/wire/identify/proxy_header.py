"""The PROXY protocol: one header in front of everything else that a proxy's connection carries.

Taken strictly, so that nothing of MySQL or TLS is skipped for a header. Only the optional fields at the end
of version 2 may be broken, as servers don't mind either: the header's own length says where it ends.
Source: "The PROXY protocol, versions 1 & 2" (HAProxy, doc/proxy-protocol.txt).
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16_be

V1_START: Final = b"PROXY "
V1_MAX: Final[i64] = 107           # with its CRLF
V2_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V2_FIXED: Final[i64] = 16          # signature (12), version and command, family, u16 length

MORE: Final[i64] = -1              # the bytes there are could begin a header
NO: Final[i64] = 0

TLV_AUTHORITY: Final[i64] = 0x02
TLV_UNIQUE_ID: Final[i64] = 0x05
TLV_SSL: Final[i64] = 0x20
TLV_AWS: Final[i64] = 0xEA         # Elastic Load Balancing's: a byte 1, then the id of a VPC endpoint
TLV_AZURE: Final[i64] = 0xEE       # Private Link's: a byte 1, then a number (little-endian)
TLV_GCP: Final[i64] = 0xE0         # Private Service Connect's: a number of 64 bits
ENDPOINT: Final[i64] = 1
MAX_FIELD: Final[i64] = 255        # bytes kept of a field; a unique id has 128 at most
SUB_VERSION: Final[i64] = 0x21
SUB_COMMON_NAME: Final[i64] = 0x22
SUB_CIPHER: Final[i64] = 0x23


@mypyc_attr(acyclic=True)
class ProxyHeader:
    """version: 1 or 2. length: bytes of the header, all of it.

    is_local: the proxy speaks for itself (health checks), the addresses say nothing. family: `TCP4`,
    `TCP6`, `UDP4`, `UDP6`, `UNIX` or `UNKNOWN`; source and destination are addresses as text (paths for
    UNIX), "" where unknown, ports -1. says_tls: there is a field about TLS; tls: the client's leg, in
    front of the proxy, was TLS; tls_version, tls_cipher and the common name in the client's certificate
    are in the proxy's words, "" where it has none. unique_id: bytes that name the connection in the
    proxy's logs; authority: the host name that the client asked for; endpoint: of a cloud's private
    network, by which the client came in (`vpce-...` of AWS).
    """

    __slots__ = (
        "authority", "destination", "destination_port", "endpoint", "family", "is_local", "length", "says_tls",
        "source", "source_port", "tls", "tls_cipher", "tls_common_name", "tls_version", "unique_id", "version",
    )  # fmt: skip

    def __init__(self, version: i64, length: i64, family: str) -> None:
        self.version: Final = version
        self.length: Final = length
        self.family: str = family
        self.is_local: bool = False
        self.source: str = ""
        self.destination: str = ""
        self.source_port: i64 = -1
        self.destination_port: i64 = -1
        self.says_tls: bool = False
        self.tls: bool = False
        self.tls_version: str = ""
        self.tls_cipher: str = ""
        self.tls_common_name: str = ""
        self.unique_id: bytes = b""
        self.authority: str = ""
        self.endpoint: str = ""


def proxy_length(data: bytes, at: i64, end: i64) -> i64:
    """Return the length of the header that begins at `at`; NO; or MORE where the bytes up to `end` could become one.

    Version 1 needs at most 107 bytes, version 2 says its length in the first 16.
    """
    if at >= end:
        return MORE
    if data[at] == 0x50:
        return _v1_length(data, at, end)
    if data[at] == 0x0D:
        return _v2_length(data, at, end)
    return NO


def parse_proxy(data: bytes, at: i64, end: i64) -> ProxyHeader | None:
    """Return the header at `at`, whole (`proxy_length` is above 0), or None."""
    length = proxy_length(data, at, end)
    if length <= 0:
        return None
    if data[at] == 0x50:
        words = data[at : at + length - 2].split(b" ")
        header = ProxyHeader(1, length, _text(words[1]))
        if header.family != "UNKNOWN":
            header.source = _address(words[2], words[1])
            header.destination = _address(words[3], words[1])
            header.source_port = _port(words[4])
            header.destination_port = _port(words[5])
        return header
    header = ProxyHeader(2, length, _family_name(data[at + 13]))
    header.is_local = data[at + 12] == 0x20
    place = at + V2_FIXED
    if header.is_local:
        return header
    size = _address_len(data[at + 13])
    if header.family == "UNIX":
        header.source = _path(data, place, place + 108)
        header.destination = _path(data, place + 108, place + 216)
    elif size > 0:
        half = (size - 4) // 2
        header.source = _address_text(data[place : place + half])
        header.destination = _address_text(data[place + half : place + 2 * half])
        header.source_port = u16_be(data, place + 2 * half)
        header.destination_port = u16_be(data, place + 2 * half + 2)
    _read_fields(header, data, place + size, at + length)
    return header


def _v1_length(data: bytes, at: i64, end: i64) -> i64:
    have = end - at
    if have < 6:
        return MORE if V1_START.startswith(data[at:end]) else NO
    if data[at : at + 6] != V1_START:
        return NO
    stop = at + V1_MAX if have > V1_MAX else end
    place = at + 6
    while place < stop and 0x20 <= data[place] < 0x7F:
        place += 1
    if place == stop:
        return MORE if have < V1_MAX else NO
    if data[place] != 0x0D:
        return NO
    if place + 1 >= stop:
        return MORE if have < V1_MAX else NO
    if data[place + 1] != 0x0A:
        return NO
    words = data[at:place].split(b" ")
    kind = words[1]
    if kind == b"UNKNOWN":
        return place + 2 - at
    if kind not in (b"TCP4", b"TCP6") or len(words) != 6:
        return NO
    if not _address(words[2], kind) or not _address(words[3], kind):
        return NO
    if _port(words[4]) < 0 or _port(words[5]) < 0:
        return NO
    return place + 2 - at


def _v2_length(data: bytes, at: i64, end: i64) -> i64:
    have = end - at
    if have < 12:
        return MORE if V2_SIGNATURE.startswith(data[at:end]) else NO
    if data[at : at + 12] != V2_SIGNATURE:
        return NO
    if have >= 13 and data[at + 12] != 0x20 and data[at + 12] != 0x21:
        return NO
    if have >= 14 and _address_len(data[at + 13]) < 0:
        return NO
    if have < V2_FIXED:
        return MORE
    length = u16_be(data, at + 14)
    if data[at + 12] == 0x21 and length < _address_len(data[at + 13]):
        return NO
    if have < V2_FIXED + length:
        return MORE
    return V2_FIXED + length


def _address_len(family: i64) -> i64:
    """Return the size in bytes of the addresses and ports that this family byte announces; -1 for no such family."""
    if family == 0:
        return 0
    transport = family & 0x0F
    if transport not in {1, 2}:
        return -1
    kind = family >> 4
    if kind == 1:
        return 12
    if kind == 2:
        return 36
    return 216 if kind == 3 else -1


def _family_name(family: i64) -> str:
    kind = family >> 4
    if kind == 0:
        return "UNKNOWN"
    if kind == 3:
        return "UNIX"
    transport = "TCP" if family & 0x0F == 1 else "UDP"
    return transport + ("4" if kind == 1 else "6")


def _read_fields(header: ProxyHeader, data: bytes, at: i64, end: i64) -> None:
    """Take what says more of the client out of the fields (u8 type, u16 length), up to one that does not fit."""
    while at + 3 <= end:
        kind: i64 = data[at]
        start = at + 3
        stop = start + u16_be(data, at + 1)
        if stop > end:
            return
        kept = data[start : stop if stop - start <= MAX_FIELD else start + MAX_FIELD]
        if kind == TLV_SSL and stop - start >= 5:
            _read_ssl(header, data, start, stop)
        elif kind == TLV_UNIQUE_ID:
            header.unique_id = kept
        elif kind == TLV_AUTHORITY:
            header.authority = _text(kept)
        elif kind == TLV_AWS and stop - start > 1 and data[start] == ENDPOINT:
            header.endpoint = _text(kept[1:])
        elif kind == TLV_AZURE and stop - start == 5 and data[start] == ENDPOINT:
            header.endpoint = f"Azure private endpoint {int.from_bytes(kept[1:], 'little')}"
        elif kind == TLV_GCP and stop - start == 8:
            header.endpoint = f"GCP PSC connection {int.from_bytes(kept, 'big')}"
        at = stop


def _read_ssl(header: ProxyHeader, data: bytes, start: i64, stop: i64) -> None:
    """Read PP2_TYPE_SSL: u8 client bits, u32 verify, fields again."""
    header.says_tls = True
    header.tls = data[start] & 1 == 1
    place = start + 5
    while place + 3 <= stop:
        value = place + 3
        last = value + u16_be(data, place + 1)
        if last > stop:
            break
        if data[place] == SUB_VERSION:
            header.tls_version = _text(data[value:last])
        elif data[place] == SUB_COMMON_NAME:
            header.tls_common_name = _text(data[value:last])
        elif data[place] == SUB_CIPHER:
            header.tls_cipher = _text(data[value:last])
        place = last


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _path(data: bytes, at: i64, end: i64) -> str:
    return _text(data[at:end].partition(b"\0")[0])


def _port(text: bytes) -> i64:
    """Return a port, a decimal number without sign or leading zeros; -1 where it is none."""
    if not text.isdigit() or len(text) > 5 or (text[0] == 0x30 and len(text) > 1):
        return -1
    value = int(text)
    return value if value <= 65535 else -1


def _address(text: bytes, kind: bytes) -> str:
    """Return an address of version 1 as text, empty where it is none of its kind (TCP4 or TCP6)."""
    import ipaddress  # noqa: PLC0415 - few captures have a proxy in them

    if b"%" in text:
        return ""  # a zone
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return ""
    return _address_text(address.packed) if address.version == (4 if kind == b"TCP4" else 6) else ""


def _address_text(raw: bytes) -> str:
    """Return an address as inet_ntop writes it (RFC 5952)."""
    import ipaddress  # noqa: PLC0415

    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(address) if mapped is None else f"::ffff:{mapped}"
