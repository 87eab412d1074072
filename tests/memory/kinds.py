"""TCP conversations made to take memory, each kind as a stream of frames: nothing is held while they are written.

Raw IPv4 and headers without options, so that as many segments as can be fit into a file. `kinds_of_frames` has what
lies below TCP, `kinds_of_files` what lies around frames.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conversations import mysql, tls

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
IP_TCP = struct.Struct("!BBHHHBBHIIHHIIBBHHH")
RECORD = struct.Struct("<IIII")
PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)
SERVER = 0x0A000001
MSS = 60_000

Frames = Iterator[bytes]


def segment(
    client: int, payload: bytes = b"", *, up: bool = True, seq: int = 1, ack: int = 1, flags: int = ACK,
    port: int = 3306,
) -> bytes:  # fmt: skip
    """A frame of the connection `client`: a number that its address and port are made of."""
    address, source = 0x0B000000 + client // 50_000, 10_000 + client % 50_000
    ends = (address, SERVER, source, port) if up else (SERVER, address, port, source)
    return IP_TCP.pack(
        0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0, *ends, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags,
        64240, 0, 0,
    ) + payload  # fmt: skip


class Talk:
    """The frames of one connection, with its sequence numbers."""

    def __init__(self, client: int, port: int = 3306) -> None:
        self.client, self.port = client, port
        self.seq = {True: 1, False: 1}

    def syn(self) -> Frames:
        yield segment(self.client, seq=0, ack=0, flags=SYN, port=self.port)
        yield segment(self.client, up=False, seq=0, ack=1, flags=SYN | ACK, port=self.port)

    def say(self, up: bool, payload: bytes, size: int = MSS) -> Frames:
        for at in range(0, len(payload), size):
            piece = payload[at : at + size]
            yield segment(
                self.client, piece, up=up, seq=self.seq[up], ack=self.seq[not up], port=self.port
            )
            self.seq[up] += len(piece)

    def greet(self, **of_greeting: object) -> Frames:
        yield from self.syn()
        yield from self.say(False, mysql.greeting(**of_greeting))  # type: ignore[arg-type]

    def login(self) -> Frames:
        yield from self.greet()
        yield from self.say(True, mysql.login())
        yield from self.say(False, mysql.ok(2))

    def fin(self) -> Frames:
        yield segment(self.client, seq=self.seq[True], ack=self.seq[False], flags=FIN | ACK, port=self.port)
        yield segment(
            self.client, up=False, seq=self.seq[False], ack=self.seq[True] + 1, flags=FIN | ACK, port=self.port
        )


def write(path: Path, frames: Frames, size: int, header: bytes = PCAP) -> None:
    """Write a pcap of `size` bytes, or until the frames end."""
    written = len(header)
    number = 0
    with path.open("wb") as file:
        file.write(header)
        for frame in frames:
            number += 1
            file.write(RECORD.pack(1_700_000_000 + number // 1_000_000, number % 1_000_000, len(frame), len(frame)))
            file.write(frame)
            written += 16 + len(frame)
            if written >= size:
                break


def out_of_order() -> Frames:
    """Segments of one byte, every second one lost: nothing of it can be handed on."""
    client = 0
    while True:
        client += 1
        yield from Talk(client).greet()
        for number in range(1000):
            yield segment(client, b"x", seq=3 + 2 * number)


def out_of_order_elsewhere() -> Frames:
    """The same in the server's direction, large."""
    client = 0
    body = bytes(2000)
    while True:
        client += 1
        yield from Talk(client).login()
        for number in range(200):
            yield segment(client, body, up=False, seq=3000 + 2100 * number)


def one_byte() -> Frames:
    """A connection a frame, one byte each."""
    client = 0
    while True:
        client += 1
        yield segment(client, b"\x16")


def one_byte_elsewhere() -> Frames:
    client = 0
    while True:
        client += 1
        yield segment(client, b"\x16", port=8080)


def syn_flood() -> Frames:
    client = 0
    while True:
        client += 1
        yield segment(client, seq=client * 77777, ack=0, flags=SYN)


def same_ports() -> Frames:
    """The same addresses and ports with ever other sequence numbers: connections of their own."""
    number = 0
    while True:
        client, space = divmod(number, 9)
        number += 1
        yield segment(client, b"\x03\0\0\0\x0e", seq=(space * 0x1234_5678) & 0xFFFFFFFF, ack=space * 0x0876_5432)


def undecided() -> Frames:
    """One byte at a time, on a port that is not MySQL's, 400 to a connection: who speaks first is waited for."""
    first = 0
    while True:
        for number in range(400):
            for client in range(first, first + 500):
                if number == 0:
                    yield segment(client, seq=0, ack=0, flags=SYN, port=9999)
                yield segment(client, b"\x80", seq=1 + number, port=9999)
        first += 500


def unacknowledged() -> Frames:
    """Bytes that nobody acknowledges, one at a time: kept to compare retransmissions with."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        seq = talk.seq[True]
        whole = mysql.packet(0, b"\x03" + b"SELECT " + b"x" * 900)
        for number in range(len(whole) - 10):
            yield segment(client, whole[number : number + 1], seq=seq + number, ack=1)


def set_aside() -> Frames:
    """Each byte is repeated as another one: both are read."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        for number in range(0, 400, 2):
            yield segment(client, b"a", seq=talk.seq[True] + number + 1)
            yield segment(client, b"b", seq=talk.seq[True] + number + 1)


def attributes() -> Frames:
    """Logins with 60 KB of connection attributes."""
    many = [(b"k%03d" % number, b"v" * 200) for number in range(280)]
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(caps=mysql.CONNECT_ATTRS)
        yield from talk.say(True, mysql.login(attributes=many))


def small_attributes() -> Frames:
    many = [(b"%04d" % number, b"") for number in range(1000)]
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(caps=mysql.CONNECT_ATTRS)
        yield from talk.say(True, mysql.login(attributes=many))


def names() -> Frames:
    """Long names of users, schemas and plugins, and of a hundred users after the first."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(version=b"8" * 200)
        yield from talk.say(True, mysql.login(b"u" * 20_000, b"d" * 20_000))
        yield from talk.say(False, mysql.ok(2))
        for number in range(100):
            body = b"%d" % number + b"w" * 10_000 + b"\0" + b"\0" + b"schema\0" + b"\x2d\0" + mysql.PLUGIN + b"\0"
            yield from talk.say(True, mysql.command(17, body))
            yield from talk.say(False, mysql.ok(1))


def open_statements() -> Frames:
    """Statements of half a MiB whose end does not come."""
    client = 0
    half = mysql.query(b"SELECT '" + b"x" * 1_000_000)[:520_000]
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, half)


def open_statements_in_small() -> Frames:
    """The same, of 900 bytes, a byte a segment."""
    client = 0
    half = mysql.query(b"SELECT '" + b"x" * 1000)[:900]
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, half, 1)


def statements() -> Frames:
    client = 0
    many = b"".join(mysql.query(b"SELECT %d" % number) for number in range(2000))
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, many)


def values() -> Frames:
    """Executions with a thousand parameters of one byte."""
    client = 0
    many = mysql.execute(1, [b""] * 1000)
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, mysql.prepare(b"SELECT " + b"?," * 999 + b"?"))
        yield from talk.say(False, mysql.prepare_ok(1, 1000))
        for _ in range(50):
            yield from talk.say(True, many)
            yield from talk.say(False, mysql.ok(1))


def prepared() -> Frames:
    """Statements that are prepared and never closed."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        for number in range(1, 1000):
            yield from talk.say(True, mysql.prepare(b"SELECT ?"))
            yield from talk.say(False, mysql.packet(1, b"\0" + struct.pack("<IHHBH", number, 0, 0, 0, 0)))


def long_data() -> Frames:
    client = 0
    body = b"".join(
        mysql.command(24, struct.pack("<IH", 1, number % 4000) + b"x") for number in range(4000)
    )
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, mysql.prepare(b"SELECT " + b"?," * 4000 + b"?"))
        yield from talk.say(False, mysql.packet(1, b"\0" + struct.pack("<IHHBH", 1, 0, 4001, 0, 0)))
        yield from talk.say(True, body)


def executions_of_unknown() -> Frames:
    """Executions of statements whose PREPARE was not captured."""
    client = 0
    many = b"".join(mysql.execute(number, [b"abc"] * 3) for number in range(1, 1020))
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, many)


def unanswered() -> Frames:
    client = 0
    many = mysql.ping() * 1024
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, many)


def all_commands() -> Frames:
    client = 0
    answered_alone = (3, 11, 17, 18, 30)
    many = b"".join(mysql.command(number, bytes(5)) for number in range(2, 33) if number not in answered_alone)
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, many)


def files() -> Frames:
    """Files that the server asks for, with long names."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        for number in range(100):
            yield from talk.say(True, mysql.query(b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t"))
            yield from talk.say(False, mysql.packet(1, b"\xfb" + b"n%d" % number + b"n" * 500))
            yield from talk.say(True, mysql.packet(2, b"") + mysql.packet(3, b""))
            yield from talk.say(False, mysql.ok(4))


def open_compression(kind: bytes) -> Frames:
    client = 0
    body = (5000).to_bytes(3, "little") + b"\0" + (9_000_000).to_bytes(3, "little") + kind
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(caps=mysql.COMPRESS)
        yield from talk.say(True, mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS))
        yield from talk.say(False, mysql.ok(2))
        yield from talk.say(True, body)


def zlib_unfinished() -> Frames:
    return open_compression(zlib.compress(random.Random(1).randbytes(3000))[:2000])


def zstd_unfinished() -> Frames:
    return open_compression(b"\x28\xb5\x2f\xfd\x00\x68" + b"\0\0\0" + bytes(60))


def zlib_bombs() -> Frames:
    """Packets that inflate to 16 MiB, of a statement and of a result."""
    bomb = zlib.compress(mysql.query(b"SELECT '" + b"x" * 16_000_000)[: 0xFFFFF0])
    packed = len(bomb).to_bytes(3, "little") + b"\0" + (0xFFFFF0).to_bytes(3, "little") + bomb
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(caps=mysql.COMPRESS)
        yield from talk.say(True, mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS))
        yield from talk.say(False, mysql.ok(2))
        yield from talk.say(True, packed)


def ip_fragments() -> Frames:
    """Fragments of eight bytes, of datagrams that are never whole."""
    number = 0
    while True:
        number += 1
        for at in range(1, 500):
            head = struct.pack(
                "!BBHHHBBHII", 0x45, 0, 28, number & 0xFFFF, 0x2000 | at, 64, 6, 0, 0x0B000000 + number // 60_000,
                SERVER,
            )  # fmt: skip
            yield head + b"fragment"


def handshakes() -> Frames:
    """Handshake messages of 60 KB that never end, in records and in one."""
    client = 0
    body = tls.records(tls.HANDSHAKE, tls.message(1, b"\x03\x03" + bytes(65_000))[:60_000])
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + body)


def handshakes_in_small() -> Frames:
    client = 0
    body = tls.records(tls.HANDSHAKE, tls.message(1, b"\x03\x03" + bytes(65_000))[:2_000], size=1)
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + body)


def open_records() -> Frames:
    """Records of 16 KB without their last byte, in both directions."""
    client = 0
    body = tls.data("open", 16_384)[:-1]
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + tls.client_hello())
        yield from talk.say(False, tls.server_hello() + body)
        yield from talk.say(True, body)


def hellos() -> Frames:
    """ClientHellos with as many suites, versions and names of protocols as fit."""
    suites = struct.pack("!32000H", *range(32_000))
    names = b"\x01a" * 15_000
    out = tls.extension(16, tls.vector(names, 2)) + tls.extension(43, tls.vector(struct.pack("!127H", *range(127)), 1))
    body = b"\x03\x03" + bytes(32) + b"\0" + tls.vector(suites[:30_000], 2) + b"\x01\0" + tls.vector(out, 2)
    hello = tls.records(tls.HANDSHAKE, tls.message(1, body))
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + hello)


def extensions() -> Frames:
    """ClientHellos of sixteen thousand extensions."""
    out = b"".join(tls.extension(number, b"") for number in range(100, 15_000))
    body = b"\x03\x03" + bytes(32) + b"\0" + tls.vector(b"\x13\x01", 2) + b"\x01\0" + tls.vector(out, 2)
    hello = tls.records(tls.HANDSHAKE, tls.message(1, body))
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + hello)


def certificates() -> Frames:
    """Chains of certificates that fill a handshake message."""
    chain = b"".join(tls.vector(b"\x30\x82\x00\xf0" + bytes(240), 3) for _ in range(90))
    flight = tls.server_hello(version=tls.TLS12, suite=tls.ECDHE_RSA_AES_256_GCM) + tls.records(
        tls.HANDSHAKE, tls.message(11, tls.vector(chain, 3)), tls.TLS12
    )
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + tls.client_hello(versions=()))
        yield from talk.say(False, flight)


def x_protocol() -> Frames:
    client = 0
    frame = struct.pack("<IB", 100_000, 12) + bytes(900)
    while True:
        client += 1
        talk = Talk(client, 33060)
        yield from talk.syn()
        yield from talk.say(False, struct.pack("<IB", 5, 11) + b"\x08\x05\x1a\x00")
        yield from talk.say(True, struct.pack("<IB", 1, 1) + frame)


def proxy_headers() -> Frames:
    """PROXY v2 headers of 4 KB before a login."""
    rest = struct.pack("!IIHH", 1, 2, 3, 4) + (b"\xee\x00\x01a" * 1010)
    header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(rest)) + rest
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.syn()
        yield from talk.say(True, header)
        yield from talk.say(False, mysql.greeting())
        yield from talk.say(True, mysql.login())


def many_findings() -> Frames:
    """Short connections, each with as many things to say about it as can be."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.greet(version=b"5.0.1")
        yield from talk.say(True, mysql.login(b"root", b"mysql"))
        yield from talk.say(False, mysql.ok(2))
        yield from talk.say(True, mysql.query(b"SET PASSWORD = 'x'"))
        yield segment(client, b"y" * 9, seq=talk.seq[True] - 9)
        talk.seq[True] += 5
        yield from talk.say(True, mysql.query(b"SELECT 1"))
        yield from talk.say(False, mysql.err(1045, b"no"))
        yield from talk.fin()


def results() -> Frames:
    """Results that are never finished, with as many columns as can be."""
    client = 0
    head = mysql.packet(1, mysql.lenenc(4096)) + b"".join(
        mysql.packet(2 + number, mysql.column_definition(b"")) for number in range(4096)
    )
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, mysql.query(b"SELECT 1"))
        yield from talk.say(False, head)


def logins() -> Frames:
    """Whole connections, short: what is kept of each."""
    client = 0
    while True:
        client += 1
        talk = Talk(client)
        yield from talk.login()
        yield from talk.say(True, mysql.query(b"SELECT 1"))
        yield from talk.fin()


KINDS: dict[str, Callable[[], Frames]] = {
    made.__name__.replace("_", " "): made
    for made in (
        out_of_order, out_of_order_elsewhere, one_byte, one_byte_elsewhere, syn_flood, same_ports, undecided,
        unacknowledged, set_aside, attributes, small_attributes, names, open_statements, open_statements_in_small,
        statements, values, prepared, long_data, executions_of_unknown, unanswered, all_commands, files,
        zlib_unfinished, zstd_unfinished, zlib_bombs, ip_fragments, handshakes, handshakes_in_small, open_records,
        hellos, extensions, certificates, x_protocol, proxy_headers, many_findings, results, logins,
    )
}  # fmt: skip
