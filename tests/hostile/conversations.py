"""Sessions with known truth: what each side writes, and which statements are in it.

A session is a list of turns (sender, bytes). Everything depends on the random generator given, and on nothing else.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

from tests.conversations import mysql, tls
from tests.conversations.tcp import Sender

WORDS = [b"alice", b"bob", b"carol", b"dora", b"emil", b"frida", b"gustav", b"hanna"]
NULL = b"NULL"


@dataclass(slots=True)
class Session:
    """turns: in the order sent. texts: every statement's text that a reader of the plaintext may report."""

    kind: str
    turns: list[tuple[Sender, bytes]] = field(default_factory=list)
    texts: set[bytes] = field(default_factory=set)
    commands: int = 0  # statements sent, each with a text

    def client(self, data: bytes) -> None:
        self.turns.append(("client", data))

    def server(self, data: bytes) -> None:
        self.turns.append(("server", data))

    def says(self, packet: bytes, text: bytes) -> None:
        """Send a command with a text."""
        self.client(packet)
        self.texts.add(text)
        self.commands += 1


def word(rng: random.Random) -> bytes:
    return rng.choice(WORDS) + b"-%06d" % rng.randrange(10**6)


def statement(rng: random.Random) -> bytes:
    kind = rng.randrange(5)
    if kind == 0:
        return b"SELECT id, body FROM notes WHERE name = '%s'" % word(rng)
    if kind == 1:
        return b"INSERT INTO cards (owner, pan) VALUES ('%s', '4111%012d')" % (word(rng), rng.randrange(10**12))
    if kind == 2:
        return b"UPDATE notes SET body = '%s' WHERE id = %d" % (word(rng), rng.randrange(1000))
    if kind == 3:
        return b"DELETE FROM notes WHERE name = '%s'" % word(rng)
    rows = b", ".join(b"('%s')" % word(rng) for _ in range(rng.choice((3, 40, 200))))
    return b"INSERT INTO notes (body) VALUES " + rows


def rows_for(rng: random.Random) -> bytes:
    """A result set. Now and then a row looks like something else: a request line, an OK packet."""
    odd = (b"GET / HTTP/1.1\r\nHost: x\r\n", b"SSH-2.0-OpenSSH_9.6", b"220 mail ESMTP", b"", b"*1\r\n$4\r\nPING\r\n")
    rows: list[list[bytes | None]] = []
    for _ in range(rng.choice((0, 1, 3, 30, 120))):
        body = rng.choice(odd) if rng.random() < 0.1 else word(rng)
        rows.append([b"%d" % rng.randrange(10**5), None if rng.random() < 0.1 else body])
    return mysql.result_set([b"id", b"body"], rows)


def commands(session: Session, rng: random.Random, count: int) -> None:
    """Statements and their answers, after a login."""
    prepared = 0
    for _ in range(count):
        kind = rng.randrange(10)
        if kind < 6:
            text = statement(rng)
            session.says(mysql.query(text), text)
            if text.startswith(b"SELECT"):
                session.server(rows_for(rng))
            elif rng.random() < 0.2:
                session.server(mysql.err(1062, b"Duplicate entry '%s' for key 'PRIMARY'" % word(rng), seq=1))
            else:
                session.server(mysql.ok(1, affected=rng.randrange(200)))
        elif kind < 8:
            prepared += 1
            text = b"INSERT INTO notes (body, n) VALUES (?, ?)"
            session.says(mysql.prepare(text), text)
            session.server(mysql.prepare_ok(prepared, 2))
            for _ in range(rng.randrange(1, 4)):
                value, number = word(rng), rng.randrange(10**6)
                session.says(
                    mysql.execute(prepared, [value, number]),
                    b"INSERT INTO notes (body, n) VALUES ('%s', %d)" % (value, number),
                )
                session.server(mysql.ok(1, affected=1))
        elif kind == 8:
            session.client(mysql.ping())
            session.server(mysql.ok(1))
        else:
            schema = b"shop%d" % rng.randrange(9)
            session.says(mysql.init_db(schema), schema)
            session.server(mysql.ok(1))


def plaintext(rng: random.Random, *, kind: str = "plaintext") -> Session:
    """A login in the clear, refused or with statements behind it."""
    session = Session(kind)
    offers_tls = rng.random() < 0.5
    session.server(mysql.greeting(ssl=offers_tls, thread_id=rng.randrange(1, 10**6), version=rng.choice(VERSIONS)))
    attributes = [(b"_pid", b"%d" % rng.randrange(99999))] if rng.random() < 0.5 else []
    login = mysql.login(user=word(rng), attributes=attributes)
    session.client(login)
    if rng.random() < 0.1:
        session.server(mysql.err(1045, b"Access denied for user", seq=2))
        return session
    session.server(mysql.ok(2))
    commands(session, rng, rng.randrange(1, 8))
    if rng.random() < 0.7:
        session.client(mysql.leave())
    return session


VERSIONS = (b"8.0.36", b"8.4.0", b"9.7.0", b"5.7.44-log", b"5.5.5-10.11.6-MariaDB", b"11.8.2-MariaDB")


def compressed(rng: random.Random) -> Session:
    """The compressed protocol: as readable as any."""
    session = Session("compressed")
    session.server(mysql.greeting(caps=mysql.COMPRESS))
    login = mysql.login(user=word(rng), caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS)
    session.client(login)
    session.server(mysql.ok(2))
    for _ in range(rng.randrange(1, 5)):
        text = statement(rng)
        session.says(mysql.compressed(0, mysql.query(text)), text)
        session.server(mysql.compressed(1, mysql.ok(1, affected=1)))
    return session


def noise_records(rng: random.Random, size: int, version: int = tls.TLS12) -> bytes:
    """Application data of `size` bytes of ciphertext."""
    return tls.records(tls.DATA, rng.randbytes(size), version)


def talk_inside(session: Session, rng: random.Random, version: int = tls.TLS12) -> None:
    """Application data to and fro, as TLS shows it."""
    for _ in range(rng.randrange(2, 8)):
        session.client(noise_records(rng, rng.randrange(29, 400), version))
        session.server(noise_records(rng, rng.choice((36, 80, 700, 4200, 17000)), version))


def big_hello(rng: random.Random) -> bytes:
    """A ClientHello with a post-quantum key share: more than a segment."""
    suites = (tls.AES_256_GCM_1_3, tls.AES_128_GCM_1_3)
    shares = tls.vector(struct.pack("!H", 0x11EC) + tls.vector(rng.randbytes(1216), 2), 2)
    out = tls.extension(10, tls.vector(struct.pack("!HHH", 0x11EC, 0x1D, 0x17), 2))
    out += tls.extension(13, tls.vector(struct.pack("!HHH", 0x0403, 0x0804, 0x0401), 2))
    out += tls.extension(43, tls.vector(struct.pack("!HH", tls.TLS13, tls.TLS12), 1)) + tls.extension(51, shares)
    body = struct.pack("!H", tls.TLS12) + rng.randbytes(32) + tls.vector(tls.noise("sid", 32), 1)
    body += tls.vector(struct.pack("!HH", *suites), 2) + tls.vector(b"\0", 1) + tls.vector(out, 2)
    return tls.record(tls.HANDSHAKE, tls.message(1, body), tls.TLS10)


def tls13(rng: random.Random) -> Session:
    session = Session("TLS 1.3")
    session.server(mysql.greeting(thread_id=rng.randrange(1, 10**6), version=rng.choice(VERSIONS)))
    session.client(mysql.ssl_request())
    quantum, retry, resumed = rng.random() < 0.4, rng.random() < 0.2, rng.random() < 0.2
    session_id = tls.noise("sid", 32)
    hello = big_hello(rng) if quantum else tls.client_hello(seed=rng.random(), resume_13=resumed)
    resumed = resumed and not quantum
    session.client(hello)
    first = tls.change_cipher_spec()
    if retry and not quantum:
        session.server(tls.hello_retry_request() + first)
        session.client(first + tls.client_hello(seed=rng.random(), record_version=tls.TLS12, resume_13=resumed))
        first = b""
    flight = tls.server_hello(random_bytes=rng.randbytes(32), session_id=session_id, resume_13=resumed) + first
    flight += noise_records(rng, 32)
    if not resumed:
        flight += noise_records(rng, rng.choice((820, 2600, 4100))) + noise_records(rng, 281)
    session.server(flight + noise_records(rng, 69))
    session.client((b"" if retry and not quantum else tls.change_cipher_spec()) + noise_records(rng, 69))
    if rng.random() < 0.7:
        session.server(noise_records(rng, 234) + noise_records(rng, 234))
    talk_inside(session, rng)
    if rng.random() < 0.5:
        session.client(noise_records(rng, 19))
    return session


def tls12(rng: random.Random) -> Session:
    session = Session("TLS 1.2")
    session.server(mysql.greeting(thread_id=rng.randrange(1, 10**6), version=rng.choice(VERSIONS)))
    session.client(mysql.ssl_request())
    suite = tls.ECDHE_RSA_AES_256_GCM
    session_id = rng.randbytes(32) if rng.random() < 0.25 else b""
    session.client(tls.client_hello(versions=(), session_id=session_id, suites=(suite, 0x002F), seed=rng.random()))
    done = tls.change_cipher_spec() + tls.record(tls.HANDSHAKE, rng.randbytes(40))
    if session_id:
        hello = tls.server_hello_message(
            version=tls.TLS12, suite=suite, session_id=session_id, random_bytes=rng.randbytes(32)
        )
        session.server(tls.record(tls.HANDSHAKE, hello) + done)
        session.client(tls.change_cipher_spec() + tls.record(tls.HANDSHAKE, rng.randbytes(40)))
    else:
        session.server(tls.server_flight(tls.TLS12, suite))
        keys = tls.client_key_exchange() + tls.change_cipher_spec()
        session.client(keys + tls.record(tls.HANDSHAKE, rng.randbytes(40)))
        session.server(done)
    talk_inside(session, rng)
    if rng.random() < 0.5:
        session.client(tls.record(tls.ALERT, rng.randbytes(26)))
    return session


def encrypted(rng: random.Random) -> Session:
    return tls13(rng) if rng.random() < 0.6 else tls12(rng)


def readable(rng: random.Random) -> Session:
    return compressed(rng) if rng.random() < 0.15 else plaintext(rng)
