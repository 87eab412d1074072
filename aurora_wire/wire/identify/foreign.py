"""Other protocols, known by how a direction begins. Precision before recall: what may be MySQL has no name.

A signature either has bytes that cannot be a MySQL packet (text: the fourth byte, a sequence id, is 32 or
more, and the length it would give is over 2 MiB), or has a length of its own that agrees with the bytes at
hand, where a MySQL packet's would not. None begins as a TLS record does. A name is given only for that
protocol's opening: what is picked up in its middle is unknown, and so are Kafka and ZooKeeper, whose openings
say too little.

    name        side    signature                                                             bytes needed
    HTTP        client  method, target, HTTP/1.0 or 1.1 in one line; the preface of HTTP/2    the line, or 512
                server  HTTP/1. digit, space, three digits                                    12
    SSH         both    SSH-2.0- or SSH-1. digit                                              8
    PostgreSQL  client  u32 length, 80877102 to 80877104                                      8
                client  u32 length, 3.0, parameters with `user`                               the message
                server  R, an authentication request as long as its kind has it               9 to 15
                server  E, u32 length, S, FATAL or ERROR                                      12
    Redis       client  *digits CRLF $digits CRLF                                             8
                server  +OK CRLF, +PONG CRLF, -ERR, -NOAUTH, -DENIED, -WRONGPASS              5 to 11
    SMTP        client  EHLO or HELO and one word                                             the line
                server  220 ... with SMTP in the line                                         the line
    FTP         client  AUTH TLS, AUTH SSL                                                    10
                server  220 ... with FTP or FileZilla in the line                             the line
    IMAP        server  * OK ... with IMAP in the line, * PREAUTH ...                         the line
    POP3        client  CAPA, STLS                                                            6
                server  +OK and a text                                                        the line
    memcached   client  a command with as many words as it has, stats, version                the line
    AMQP        both    AMQP and one of its versions                                          8
    VNC         both    RFB 003. three digits, LF                                             12
    MongoDB     both    i32 length, OP_MSG with a whole BSON document; OP_QUERY of $cmd       the message
    LDAP        client  a BER sequence as long as the data: bind of version 3, or extended    the message
    RDP         both    TPKT as long as the data, X.224 connection request or confirm         the message
    SMB         both    u24 length of whole data, FFh or FEh SMB                              the message
    DNS         both    u16 length of whole data, header with one question, its name, IN      the message
    TDS         client  prelogin as long as the data and its table of options                 the message
    Oracle TNS  client  connect as long as the data, (DESCRIPTION= or (CONNECT_DATA=          the message
    BitTorrent  both    13h, `BitTorrent protocol`                                            20
    STUN        both    binding, length as long as the data, magic cookie                     20
    MQTT        client  CONNECT as long as the data, MQTT 3 to 5 or MQIsdp 3                  the message
    Cassandra   client  version 3 to 5, STARTUP as long as the data, with CQL_VERSION         the message
                server  version 3 to 5, SUPPORTED, beginning with one of its keys             24

Source: RFC 9112, 9113, 4253, 5321, 959, 9051, 1939, 4511, 1035, 8489, 6143; PostgreSQL "Message Formats",
RESP, MongoDB "Wire Protocol", MS-TDS, MS-RDPBCGR, MS-SMB2, OASIS MQTT and AMQP, CQL native protocol, BEP 3,
memcached's protocol.txt.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32, u32_be

LINE_MAX: Final[i64] = 512     # how far the end of a first line is looked for
ENOUGH: Final[i64] = 512       # with so many bytes "" is the last word

CLIENT: Final[i64] = 0
SERVER: Final[i64] = 1
EITHER: Final[i64] = -1        # the caller does not know who speaks

_HTTP_METHODS: Final = (
    b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"PATCH ", b"TRACE ",
    b"PROPFIND ",
)
_REDIS_REPLIES: Final = (b"+OK\r\n", b"+PONG\r\n", b"-ERR ", b"-NOAUTH ", b"-DENIED ", b"-WRONGPASS ")
_MEMCACHED_STORAGE: Final = (b"set", b"add", b"replace", b"append", b"prepend")
_AMQP: Final = (
    b"AMQP\x00\x00\x09\x01", b"AMQP\x01\x01\x00\x0a", b"AMQP\x01\x01\x08\x00", b"AMQP\x01\x01\x09\x01",
    b"AMQP\x00\x01\x00\x00", b"AMQP\x02\x01\x00\x00", b"AMQP\x03\x01\x00\x00",
)
_CQL_KEYS: Final = (b"CQL_VERSION", b"COMPRESSION", b"PROTOCOL_VERSIONS")


def foreign_protocol(data: bytes, at: i64, end: i64, from_server: i64) -> str:
    """Return the name of the protocol whose opening is at `at`, or "". from_server: SERVER, CLIENT or EITHER."""
    if end - at < 5:
        return ""
    first: i64 = data[at]
    if 0x20 < first < 0x7F:
        name = _text(data, at, end, from_server)
        if name:
            return name
    return _binary(data, at, end, from_server)


def _text(data: bytes, at: i64, end: i64, from_server: i64) -> str:
    stop = at + LINE_MAX if end - at > LINE_MAX else end
    head = data[at:stop]
    if head.startswith(b"SSH-2.0-"):
        return "SSH"
    if head.startswith(b"SSH-1.") and head[6:7].isdigit():
        return "SSH"
    if head.startswith(b"RFB 003.") and head[8:11].isdigit() and head[11:12] == b"\n":
        return "VNC"
    if head.startswith(_AMQP):
        return "AMQP"
    line = _line(head)
    if from_server != SERVER:
        name = _client_text(head, line)
        if name:
            return name
    return _server_text(head, line) if from_server != CLIENT else ""


def _client_text(head: bytes, line: bytes) -> str:
    """Return the name of a text protocol. head: the first bytes; line: their first line without CRLF, or b""."""
    if head.startswith(_HTTP_METHODS) and line and len(line.split(b" ")) == 3:
        if line.endswith((b" HTTP/1.1", b" HTTP/1.0")):
            return "HTTP"
    if head.startswith((b"GET /", b"POST /")) and len(head) == LINE_MAX and len(head.split(b" ")) == 2:
        return "HTTP"  # a target that goes on
    if head.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        return "HTTP"
    if not line:
        return ""
    if line.startswith(b"*") and line[1:].isdigit():
        bulk = _line(head[len(line) + 2 :])
        if bulk.startswith(b"$") and bulk[1:].isdigit():
            return "Redis"
    if _is_memcached_storage(line.split(b" ")):
        return "memcached"
    if len(line) + 2 < len(head):
        return ""  # the rest are commands that wait for an answer
    words = line.split(b" ")
    if words[0].upper() in (b"EHLO", b"HELO") and len(words) == 2:
        return "SMTP"
    if line in (b"AUTH TLS", b"AUTH SSL"):
        return "FTP"
    if line in (b"CAPA", b"STLS"):
        return "POP3"
    return "memcached" if _is_memcached(words) else ""


def _is_memcached(words: list[bytes]) -> bool:
    """Return whether a line of these words is a command that carries no data. SQL has some of the verbs too."""
    if b"" in words:
        return False
    verb = words[0]
    count = len(words)
    if verb in (b"get", b"gets"):
        return count >= 2
    if verb == b"delete":
        return count == 2
    if verb in (b"incr", b"decr", b"touch"):
        return count == 3 and words[2].isdigit()
    return count == 1 and verb in (b"stats", b"version")


def _is_memcached_storage(words: list[bytes]) -> bool:
    """Return whether it is `set key flags exptime bytes [noreply]`; the data comes after the line."""
    if len(words) not in (5, 6) or words[0] not in _MEMCACHED_STORAGE or not words[1]:
        return False
    if len(words) == 6 and words[5] != b"noreply":
        return False
    return words[2].isdigit() and words[3].isdigit() and words[4].isdigit()


def _server_text(head: bytes, line: bytes) -> str:
    if head.startswith(b"HTTP/1.") and head[7:8].isdigit() and head[8:9] == b" ":
        if len(head) >= 12 and head[9:12].isdigit():
            return "HTTP"
    if head.startswith(_REDIS_REPLIES):
        return "Redis"
    if not line:
        return ""
    if line.startswith((b"220 ", b"220-")):
        upper = line.upper()
        if b"SMTP" in upper:
            return "SMTP"
        return "FTP" if b"FTP" in upper or b"FILEZILLA" in upper else ""
    if line.startswith(b"* PREAUTH ") or (line.startswith(b"* OK ") and b"IMAP" in line.upper()):
        return "IMAP"
    return "POP3" if line.startswith(b"+OK ") else ""


def _binary(data: bytes, at: i64, end: i64, from_server: i64) -> str:
    first: i64 = data[at]
    have = end - at
    if first == 0x13:
        return "BitTorrent" if data[at : end if have < 20 else at + 20] == b"\x13BitTorrent protocol" else ""
    if _is_mongodb(data, at, end):
        return "MongoDB"
    if _is_smb(data, at, end):
        return "SMB"
    if _is_stun(data, at, end):
        return "STUN"
    if _is_dns(data, at, end):
        return "DNS"
    if _is_rdp(data, at, end, from_server):
        return "RDP"
    if _is_cassandra(data, at, end, from_server):
        return "Cassandra"
    if from_server != SERVER:
        if _is_postgresql_client(data, at, end):
            return "PostgreSQL"
        if first == 0x30 and _is_ldap(data, at, end):
            return "LDAP"
        if first == 0x12 and _is_tds(data, at, end):
            return "TDS"
        if first == 0x10 and _is_mqtt(data, at, end):
            return "MQTT"
        if _is_tns(data, at, end):
            return "Oracle TNS"
    if from_server != CLIENT and _is_postgresql_server(data, at, end):
        return "PostgreSQL"
    return ""


def _line(head: bytes) -> bytes:
    """Return the first line without its CRLF, if it has ended and is printable; else b""."""
    size: i64 = 0
    while size < len(head) and 0x20 <= head[size] < 0x7F:
        size += 1
    return head[:size] if head[size : size + 2] == b"\r\n" else b""


def _is_postgresql_client(data: bytes, at: i64, end: i64) -> bool:
    """SSLRequest, GSSENCRequest, CancelRequest, StartupMessage: u32 length, u32 code, all big-endian."""
    if end - at < 8 or data[at] != 0 or data[at + 1] != 0:
        return False
    length = u32_be(data, at)
    code = u32_be(data, at + 4)
    if code in {80877103, 80877104}:
        return length == 8
    if code == 80877102:
        return length == 16 and end - at == 16
    if code != 0x30000 or end - at != length or length < 14 or data[end - 1] != 0:
        return False
    return data[at + 8 : at + 13] == b"user\x00" or b"\x00user\x00" in data[at + 8 : end]


def _is_postgresql_server(data: bytes, at: i64, end: i64) -> bool:
    """AuthenticationRequest with a kind that goes with its length, or ErrorResponse with a severity first."""
    if end - at < 9:
        return False
    length = u32_be(data, at + 1)
    kind: i64 = data[at]
    if kind == 0x45:
        severity = data[at + 5 : end if end - at < 12 else at + 12]
        return 12 < length < 8192 and severity in (b"SFATAL\x00", b"SERROR\x00")
    if kind != 0x52:
        return False
    code = u32_be(data, at + 5)
    if code in {3, 7, 9}:
        return length == 8 and end - at == 9
    if code == 5:
        return length == 12 and end - at == 13
    if code == 10:
        return length >= 23 and end - at == length + 1 and data[at + 9 : at + 14] == b"SCRAM"
    if code != 0 or length != 8 or end - at < 15:
        return False
    return data[at + 9] == 0x53 and u32_be(data, at + 10) < 1024  # Ok, and ParameterStatus at once


def _is_mongodb(data: bytes, at: i64, end: i64) -> bool:
    """Header i32 length, i32 request, i32 response to, i32 opcode; then what an opening message has."""
    if end - at < 30:
        return False
    length = u32(data, at)
    if length < 26 or length > 48000000 or end - at == length + 4:
        return False
    opcode = u32(data, at + 12)
    if opcode == 2013:  # OP_MSG: u32 flags, then sections; kind 0 is one BSON document
        flags = u32(data, at + 16)
        size = u32(data, at + 21)
        element: i64 = data[at + 25]
        if flags & 0xFFFEFFFC != 0 or data[at + 20] != 0 or size > length - 21 or size < 5:
            return False
        if at + 21 + size > end or data[at + 20 + size] != 0:
            return False
        return 1 <= element <= 0x13
    if opcode == 2004:  # OP_QUERY: u32 flags, collection; only `admin.$cmd` and such open a connection
        name = data[at + 20 : end if end - at < 80 else at + 80]
        return data[at + 18 : at + 20] == b"\x00\x00" and b".$cmd\x00" in name and end - at >= length
    return False


def _is_ldap(data: bytes, at: i64, end: i64) -> bool:
    """BER: SEQUENCE, INTEGER message id, then bindRequest (60h) of version 3 or an extended request (77h)."""
    place = at + 1
    size: i64 = data[place]
    place += 1
    if size == 0x84:
        if end - place < 4:
            return False
        size = u32_be(data, place)
        place += 4
    elif size > 0x7F:
        return False
    if place + size != end or end - place < 10:
        return False
    if data[place] != 2 or data[place + 1] != 1:
        return False
    operation: i64 = data[place + 3]
    place += 5 if data[place + 4] < 0x80 else 9
    if place + 5 > end:
        return False
    if operation == 0x60:
        return data[place : place + 3] == b"\x02\x01\x03" and data[place + 3] == 4
    return operation == 0x77 and data[place] == 0x80 and data[place + 2 : place + 4] == b"1."


def _is_rdp(data: bytes, at: i64, end: i64, from_server: i64) -> bool:
    """TPKT (3, 0, u16 length), X.224 length, E0h request or D0h confirm, destination 0 in a request."""
    if end - at < 11 or data[at] != 3 or data[at + 1] != 0 or u16_be(data, at + 2) != end - at:
        return False
    if data[at + 4] != end - at - 5:
        return False
    code: i64 = data[at + 5]
    if code == 0xE0 and from_server != SERVER:
        if u16_be(data, at + 6) != 0:
            return False
        return end - at == 11 or data[at + 11] == 1 or data[at + 11 : at + 19] == b"Cookie: "
    if code == 0xD0 and from_server != CLIENT:
        return end - at == 11 or (end - at == 19 and data[at + 11] in {2, 3} and data[at + 13] == 8)
    return False


def _is_smb(data: bytes, at: i64, end: i64) -> bool:
    """NetBIOS session message (0, u24 length), then the magic of SMB 1, or of SMB 2 and its header's size."""
    if end - at < 12 or data[at] != 0 or end - at < 4 + (u32_be(data, at) & 0xFFFFFF):
        return False
    if u32_be(data, at) < 32:
        return False
    if data[at + 4 : at + 8] == b"\xffSMB":
        return True
    return data[at + 4 : at + 10] == b"\xfeSMB\x40\x00"


def _is_stun(data: bytes, at: i64, end: i64) -> bool:
    """RFC 8489: u16 type of binding, u16 length, 2112A442; over TCP it has no other framing."""
    if end - at < 20 or u32_be(data, at + 4) != 0x2112A442:
        return False
    if u16_be(data, at) not in {0x0001, 0x0101, 0x0111}:
        return False
    length = u16_be(data, at + 2)
    return length & 3 == 0 and end - at == 20 + length


def _is_dns(data: bytes, at: i64, end: i64) -> bool:
    """RFC 1035, 4.2.2: u16 length, header, one question: labels of a host name, a known type, class IN."""
    if end - at < 19 or u16_be(data, at) != end - at - 2:
        return False
    flags = u16_be(data, at + 4)
    if flags & 0x7840 != 0 or u16_be(data, at + 6) != 1:
        return False
    answers = u16_be(data, at + 8)
    if not flags & 0x8000 and (answers > 0 or flags & 0x068F):
        return False
    if not flags & 0x8000 and (u16_be(data, at + 10) > 0 or u16_be(data, at + 12) > 2):
        return False
    place = at + 14
    while place < end and data[place] != 0:
        stop = place + 1 + data[place]
        if data[place] > 63 or stop > end:
            return False
        place += 1
        while place < stop:
            letter: i64 = data[place] | 0x20 if data[place] > 0x20 else 0
            if not (0x61 <= letter <= 0x7A or 0x30 <= letter <= 0x39 or letter in {0x2D, 0x7F}):
                return False  # - and _
            place += 1
    if place + 5 > end or place == at + 14:
        return False
    kind = u16_be(data, place + 1)
    known = kind in {1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 46, 48, 64, 65, 251, 252, 255, 257}
    return known and u16_be(data, place + 3) == 1


def _is_tds(data: bytes, at: i64, end: i64) -> bool:
    """MS-TDS 2.2.6.5: 12h, 1, u16 length, 0 0, packet id, 0; a table of 5-byte options that ends with FFh."""
    if end - at < 20 or data[at + 1] != 1 or u16_be(data, at + 2) != end - at:
        return False
    if u16_be(data, at + 4) != 0 or data[at + 7] != 0 or data[at + 8] != 0:
        return False
    place = at + 8
    while place + 5 <= end and data[place] != 0xFF:
        if data[place] > 7 or 8 + u16_be(data, place + 1) + u16_be(data, place + 3) > end - at:
            return False
        place += 5
    return place < end and data[place] == 0xFF and u16_be(data, at + 9) == place + 1 - at - 8


def _is_mqtt(data: bytes, at: i64, end: i64) -> bool:
    """CONNECT: 10h, length in groups of 7 bits, u16 4 `MQTT` and its level, or u16 6 `MQIsdp` 3."""
    place = at + 1
    length: i64 = 0
    shift: i64 = 0
    while place < end and shift < 28:
        byte: i64 = data[place]
        place += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if place + length != end or length < 12:
        return False
    if data[place : place + 6] == b"\x00\x04MQTT":
        return 3 <= data[place + 6] <= 5
    return data[place : place + 9] == b"\x00\x06MQIsdp\x03"


def _is_tns(data: bytes, at: i64, end: i64) -> bool:
    """u16 length, checksum 0, connect (1), flags, header checksum 0; at 26 the place of the connect data."""
    if end - at < 58 or u16_be(data, at) != end - at or u16_be(data, at + 2) != 0:
        return False
    if data[at + 4] != 1 or data[at + 5] > 4 or u16_be(data, at + 6) != 0:
        return False
    offset = u16_be(data, at + 26)
    if offset < 34 or at + offset + 13 > end:
        return False
    opening = data[at + offset : at + offset + 13].upper()
    return opening.startswith((b"(DESCRIPTION=", b"(CONNECT_DATA"))


def _is_cassandra(data: bytes, at: i64, end: i64, from_server: i64) -> bool:
    """u8 version, u8 flags, i16 stream, u8 opcode, u32 length; a map: u16 entries, u16 + key ..."""
    if end - at < 24:
        return False
    is_reply = data[at] >= 0x80
    version: i64 = data[at] & 0x7F
    opcode: i64 = data[at + 4]
    if version < 3 or version > 5 or data[at + 1] > 0x1F or data[at + 2] != 0:
        return False
    length = u32_be(data, at + 5)
    entries = u16_be(data, at + 9)
    if length < 15 or length > 4096 or entries < 1 or entries > 16:
        return False
    size = u16_be(data, at + 11)
    if at + 13 + size > end:
        return False
    if is_reply:
        return opcode == 6 and from_server != CLIENT and data[at + 13 : at + 13 + size] in _CQL_KEYS
    if opcode != 1 or from_server == SERVER or end - at != length + 9:
        return False
    return b"CQL_VERSION" in data[at + 13 : end]
