"""More conversations made to take memory: what servers and clients say in them, and TLS that a key log opens."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conversations import mysql, tls
from tests.conversations.real_tls import Endpoint, Session
from tests.memory.kinds import Frames, Talk, segment
from tests.memory.kinds_of_files import SECRETS, block, interface, packet, section

MEGABYTE = 1_000_000


def each(of_one: Callable[[Talk], Frames], port: int = 3306) -> Frames:
    """Yield the frames of one connection after the other, each as `of_one` has it."""
    client = 0
    while True:
        client += 1
        yield from of_one(Talk(client, port))


def tiny_statements() -> Frames:
    """Statements of one letter in one connection that never ends."""
    talk = Talk(1)
    yield from talk.login()
    many = mysql.query(b"x") * 10_000
    while True:
        yield from talk.say(True, many)


def tiny_statements_answered() -> Frames:
    talk = Talk(1)
    yield from talk.login()
    many, answers = mysql.query(b"x") * 1000, mysql.ok(1) * 1000
    while True:
        yield from talk.say(True, many)
        yield from talk.say(False, answers)


def tiny_statements_each() -> Frames:
    def one(talk: Talk) -> Frames:
        yield from talk.login()
        yield from talk.say(True, mysql.query(b"x") * 40)

    return each(one)


def tiny_records() -> Frames:
    """TLS of records of a byte, in one connection."""
    talk = Talk(1)
    yield from talk.greet()
    yield from talk.say(True, mysql.ssl_request() + tls.client_hello())
    yield from talk.say(False, tls.server_hello())
    many = tls.records(tls.DATA, bytes(range(256)) * 40, size=1)
    while True:
        yield from talk.say(True, many)
        yield from talk.say(False, many)


def tiny_records_each() -> Frames:
    def one(talk: Talk) -> Frames:
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + tls.client_hello())
        yield from talk.say(False, tls.server_hello())
        for up in (True, False):
            yield from talk.say(up, tls.records(tls.DATA, bytes(range(20)), size=1))

    return each(one)


def encrypted_sessions() -> Frames:
    """Whole encrypted connections, never closed."""

    def one(talk: Talk) -> Frames:
        yield from talk.greet()
        yield from talk.say(True, mysql.ssl_request() + tls.client_hello(seed=talk.client))
        yield from talk.say(False, tls.server_hello() + flights[1])
        yield from talk.say(True, flights[0])

    flights = tls.data("up", 100), tls.data("down", 100)
    return each(one)


def users() -> Frames:
    """Logins, each of a user, a schema and a program of its own."""

    def one(talk: Talk) -> Frames:
        name = b"%d" % talk.client
        yield from talk.greet(caps=mysql.CONNECT_ATTRS, thread_id=talk.client)
        yield from talk.say(True, mysql.login(b"u" * 60 + name, b"d" * 60 + name, attributes=[(b"program_name", name)]))
        yield from talk.say(False, mysql.err(1045, b"Access denied for user " + name))
        yield from talk.fin()

    return each(one)


def schemas() -> Frames:
    """One connection that goes from schema to schema."""
    talk = Talk(1)
    yield from talk.login()
    number = 0
    while True:
        yield from talk.say(True, b"".join(mysql.init_db(b"schema%d" % one) for one in range(number, number + 1000)))
        number += 1000
        yield from talk.say(False, mysql.ok(1) * 1000)


def errors() -> Frames:
    """Errors, each with a text of its own."""

    def one(talk: Talk) -> Frames:
        yield from talk.login()
        for number in range(100):
            yield from talk.say(True, mysql.query(b"S"))
            yield from talk.say(False, mysql.err(1000 + number, b"%d" % talk.client + b"e" * 400, seq=1))
        yield from talk.fin()

    return each(one)


def long_prepared() -> Frames:
    """Prepared statements of a megabyte."""

    def one(talk: Talk) -> Frames:
        yield from talk.login()
        for number in range(1, 20):
            yield from talk.say(True, mysql.prepare(b"SELECT '" + b"x" * MEGABYTE + b"'"))
            yield from talk.say(False, mysql.packet(1, b"\0" + struct.pack("<IHHBH", number, 0, 1, 0, 0)))

    return each(one)


def query_attributes() -> Frames:
    """Statements with thousands of named attributes."""
    count = 4000
    names = b"".join(b"\xfd\0" + mysql.lestr(b"n%d" % number) for number in range(count))
    text = mysql.lenenc(count) + b"\1" + bytes((count + 7) // 8) + b"\1" + names + b"\0" * count + b"SELECT 1"

    def one(talk: Talk) -> Frames:
        yield from talk.greet(caps=mysql.QUERY_ATTRIBUTES)
        yield from talk.say(True, mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.QUERY_ATTRIBUTES))
        yield from talk.say(False, mysql.ok(2))
        for _ in range(20):
            yield from talk.say(True, mysql.command(3, text))
            yield from talk.say(False, mysql.ok(1))

    return each(one)


def types_of_parameters() -> Frames:
    """Executions with as many parameters as can be, their types kept for the next one."""
    many = mysql.execute(1, [None] * 65_000)

    def one(talk: Talk) -> Frames:
        yield from talk.login()
        yield from talk.say(True, mysql.prepare(b"SELECT ?"))
        yield from talk.say(False, mysql.packet(1, b"\0" + struct.pack("<IHHBH", 1, 0, 65_000, 0, 0)))
        yield from talk.say(True, many)

    return each(one)


def many_results() -> Frames:
    """Results of results, with rows, that never end."""
    talk = Talk(1)
    yield from talk.login()
    yield from talk.say(True, mysql.query(b"CALL p()"))
    rows: list[list[bytes | None]] = [[b"r%d" % number] for number in range(1000)]
    result = mysql.result_set([b"c"], rows)[:-4] + b"\x0a\0\0\0"
    while True:
        yield from talk.say(False, result)


def rows_elsewhere() -> Frames:
    """Rows in mid-stream, a few to each connection, on ports that are not MySQL's."""

    def one(talk: Talk) -> Frames:
        rows = [[b"name%d" % number, b"value"] for number in range(8)]
        body = mysql.result_set([b"a", b"b"], rows)  # type: ignore[arg-type]
        yield from talk.say(False, body[20:])

    return each(one, 9200)


def web() -> Frames:
    """HTTP, never closed."""

    def one(talk: Talk) -> Frames:
        yield from talk.syn()
        yield from talk.say(True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        yield from talk.say(False, b"HTTP/1.1 200 OK\r\n\r\n")

    return each(one, 80)


def web_to_mysql() -> Frames:
    """HTTP to MySQL's port."""

    def one(talk: Talk) -> Frames:
        yield from talk.greet()
        yield from talk.say(True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        yield from talk.fin()

    return each(one)


def proxy_after_proxy() -> Frames:
    """PROXY headers without end before the login, of both versions."""
    first = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 3306\r\n"
    rest = struct.pack("!IIHH", 1, 2, 3, 4) + b"\x02\x00\x10authority.exampl"
    second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(rest)) + rest

    def one(talk: Talk) -> Frames:
        yield from talk.syn()
        yield from talk.say(True, (first + second) * 200)
        yield from talk.say(False, mysql.greeting())

    return each(one)


def x_statements() -> Frames:
    """X Protocol's statements, in one connection."""
    talk = Talk(1, 33060)
    yield from talk.syn()
    body = b"\x0a\x08SELECT 1"
    many = struct.pack("<IB", 1 + len(body), 12) + body
    while True:
        yield from talk.say(True, many * 4000)
        yield from talk.say(False, struct.pack("<IB", 1, 17) * 4000)


def conflicts() -> Frames:
    """Segments of 60 KB, each repeated with other bytes."""

    def one(talk: Talk) -> Frames:
        yield from talk.login()
        for number in range(20):
            at = talk.seq[True]
            yield from talk.say(True, bytes([number]) * 60_000)
            for copy in range(3):
                yield segment(talk.client, bytes([copy + 100]) * 60_000, seq=at)

    return each(one)


def auth_switches() -> Frames:
    """Authentication that does not come to its end."""

    def one(talk: Talk) -> Frames:
        yield from talk.greet()
        yield from talk.say(True, mysql.login())
        for number in range(100):
            yield from talk.say(False, mysql.packet(2 + 2 * number, b"\xfep%d\0" % number + b"n" * 500))
            yield from talk.say(True, mysql.packet(3 + 2 * number, b"r" * 500))

    return each(one)


def compressed_small() -> Frames:
    """Compressed packets of nothing, and of a ping each, in one connection."""
    caps = mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS
    talk = Talk(1)
    yield from talk.greet(caps=mysql.COMPRESS)
    yield from talk.say(True, mysql.login(caps=caps))
    yield from talk.say(False, mysql.ok(2))
    many = (mysql.compressed(0, mysql.ping()) + mysql.compressed(0, mysql.query(b"S" * 60))) * 400
    while True:
        yield from talk.say(True, many)


def file_data() -> Frames:
    """A file that does not end, in small packets."""
    talk = Talk(1)
    yield from talk.login()
    yield from talk.say(True, mysql.query(b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t"))
    yield from talk.say(False, mysql.packet(1, b"\xfbx"))
    while True:
        yield from talk.say(True, b"".join(mysql.packet(2 + number, b"data") for number in range(2000)))


def binlog() -> Frames:
    """Replication: events of all numbers, of tables with long names."""
    talk = Talk(1)
    yield from talk.login()
    yield from talk.say(True, mysql.command(18, struct.pack("<IHI", 4, 0, 7) + b"binlog.000001"))
    number = 0
    while True:
        parts = []
        for _ in range(500):
            number += 1
            body = struct.pack("<QHB", number, 0, 6) + b"schema\0" + b"\x40" + b"t%063d" % number + b"\0"
            head = struct.pack("<IBIIIH", number, number % 42, 1, 19 + len(body), number, 0)
            parts.append(mysql.packet(number, b"\0" + head + body))
        yield from talk.say(False, b"".join(parts))


def ports_again() -> Frames:
    """The same addresses and ports, with a SYN each time."""
    number = 0
    while True:
        number += 1
        seq = number * 1_000_003
        yield segment(number % 100, seq=seq, ack=0, flags=2)
        yield segment(number % 100, up=False, seq=1, ack=seq + 1, flags=18)
        yield segment(number % 100, mysql.login(), seq=seq + 1)


KINDS: dict[str, Callable[[], Frames]] = {
    made.__name__.replace("_", " "): made
    for made in (
        tiny_statements, tiny_statements_answered, tiny_statements_each, tiny_records, tiny_records_each,
        encrypted_sessions, users, schemas, errors, long_prepared, query_attributes, types_of_parameters,
        many_results, rows_elsewhere, web, web_to_mysql, proxy_after_proxy, x_statements, conflicts, auth_switches,
        compressed_small, file_data, binlog, ports_again,
    )
}  # fmt: skip


def logged_session() -> tuple[Session, bytes]:
    """Return a session of OpenSSL's up to its login, and its secrets."""
    with tempfile.TemporaryDirectory() as folder:
        made = Session()
        client, server = made.contexts
        log = Path(folder) / "keys"
        client.keylog_filename = str(log)
        made.ends = {"client": Endpoint(client, server=False), "server": Endpoint(server, server=True)}
        assert made.handshake()
        made.say("client", mysql.login(seq=2, caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL))
        made.say("server", mysql.ok(3))
        return made, log.read_bytes()


def opened(inside: bytes, times: int = 1) -> Iterator[bytes]:
    """A pcapng with its secrets: the same session of each client, never closed; `inside` is what the client says."""
    made, secrets = logged_session()
    for _ in range(times):
        made.say("client", inside)
    yield section() + interface() + block(SECRETS, struct.pack("<II", 0x544C534B, len(secrets)) + secrets)
    number = 0
    while True:
        number += 1
        talk = Talk(number)
        for frame in talk.syn():
            yield packet(number, frame)
        for step in made.steps:
            for frame in talk.say(step.sender == "client", step.payload):
                yield packet(number, frame)


def opened_sessions() -> Iterator[bytes]:
    return opened(mysql.query(b"SELECT 1"))


def opened_statements() -> Iterator[bytes]:
    """Half a statement of half a megabyte inside each."""
    return opened(mysql.query(b"SELECT '" + b"x" * 1_000_000)[:520_000])


OF_FILES: dict[str, Callable[[], Iterator[bytes]]] = {
    made.__name__.replace("_", " "): made for made in (opened_sessions, opened_statements)
}
