"""MySQL in the clear: greeting, login, statements, result sets, prepared statements, the compressed protocol.

Source: MySQL Server docs, "Connection Phase", "Command Phase", "Compression".
"""

import zlib
from random import Random
from typing import NamedTuple

from traffic import sql
from traffic.tcp import Session

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, COMPRESS = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5
PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION = 1 << 9, 1 << 11, 1 << 13, 1 << 15
MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS = 1 << 16, 1 << 17, 1 << 18
PLUGIN_AUTH, CONNECT_ATTRS, LENENC_AUTH, DEPRECATE_EOF = 1 << 19, 1 << 20, 1 << 21, 1 << 24

CLIENT_BASE = (
    LONG_PASSWORD | LONG_FLAG | CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION
    | MULTI_STATEMENTS | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH | LENENC_AUTH
)
AUTOCOMMIT = b"\x02\x00"
COM_QUIT, COM_QUERY, COM_PING, COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_CLOSE = 1, 3, 14, 22, 23, 25
MIN_COMPRESSED = 50         # a shorter payload is sent as it is
POOLED_ROWS = 256           # rows of a table that result sets are cut from


class Server(NamedTuple):
    version: str
    capabilities: int
    charset: int
    plugin: str


SERVERS = (
    Server("8.0.36", 0xDFFFFFFF, 255, "caching_sha2_password"),
    Server("5.7.44-log", 0xC1FFFFFF, 8, "mysql_native_password"),
    Server("5.5.5-10.11.6-MariaDB-log", 0x81FFFFFE, 45, "mysql_native_password"),
)


def lenenc(number: int) -> bytes:
    if number < 251:
        return bytes((number,))
    return b"\xfc" + number.to_bytes(2, "little")  # nothing here is longer than 65,535


def lestr(text: bytes) -> bytes:
    return lenenc(len(text)) + text


def packets(payloads: list[bytes], sequence_id: int) -> bytes:
    parts = []
    for payload in payloads:
        parts.append(len(payload).to_bytes(3, "little") + bytes((sequence_id & 0xFF,)) + payload)
        sequence_id += 1
    return b"".join(parts)


def greeting(rng: Random, server: Server, thread_id: int) -> bytes:
    nonce = bytes([rng.choice(_NONCE_BYTES) for _ in range(20)])
    caps = server.capabilities.to_bytes(4, "little")
    extended = bytes(6) + (b"\x0d\0\0\0" if server.capabilities & LONG_PASSWORD == 0 else bytes(4))
    payload = (
        b"\x0a" + server.version.encode() + b"\0" + thread_id.to_bytes(4, "little") + nonce[:8] + b"\0"
        + caps[:2] + bytes((server.charset,)) + AUTOCOMMIT + caps[2:] + b"\x15" + extended + nonce[8:] + b"\0"
        + server.plugin.encode() + b"\0"
    )
    return packets([payload], 0)


_NONCE_BYTES = [byte for byte in range(1, 127) if byte != ord("$")]


def ssl_request(capabilities: int) -> bytes:
    flags = (capabilities | SSL).to_bytes(4, "little")
    payload = flags + (1 << 24).to_bytes(4, "little") + b"\x2d" + bytes(23)
    return packets([payload], 1)


def login(rng: Random, server: Server, capabilities: int, user: str) -> bytes:
    auth = rng.randbytes(32 if server.plugin == "caching_sha2_password" else 20)
    payload = (
        capabilities.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little") + b"\x2d" + bytes(23)
        + user.encode() + b"\0" + lestr(auth) + b"shop\0" + server.plugin.encode() + b"\0"
    )
    if capabilities & CONNECT_ATTRS:
        pairs = (("_client_name", "libmysql"), ("_os", "Linux"), ("_pid", str(rng.randrange(300, 32768))),
                 ("program_name", "shop-worker"))
        payload += lestr(b"".join(lestr(key.encode()) + lestr(text.encode()) for key, text in pairs))
    return packets([payload], 1)


def ok(affected: int = 0, last_id: int = 0) -> bytes:
    return b"\0" + lenenc(affected) + lenenc(last_id) + AUTOCOMMIT + b"\0\0"


EOF = b"\xfe\0\0" + AUTOCOMMIT
EOF_OK = b"\xfe\0\0" + AUTOCOMMIT + b"\0\0"  # what stands in its place with DEPRECATE_EOF
DUPLICATE = b"\xff" + (1062).to_bytes(2, "little") + b"#23000Duplicate entry '4711' for key 'PRIMARY'"


def column_definition(table: str, column: sql.Column) -> bytes:
    charset, length = (45, 1020) if column.type == sql.VARCHAR else (63, 19)
    names = (b"def", b"shop", b"t", table.encode(), column.name.encode(), column.name.encode())
    return (
        b"".join(lestr(name) for name in names) + b"\x0c" + charset.to_bytes(2, "little")
        + length.to_bytes(4, "little") + bytes((column.type,)) + b"\0\0\0\0\0"
    )


def binary_row(columns: tuple[sql.Column, ...], texts: list[str]) -> bytes:
    cells = [b"\0" + bytes((len(columns) + 9) // 8)]
    for column, text in zip(columns, texts, strict=True):
        if column.type == sql.LONG:
            cells.append(int(text).to_bytes(4, "little"))
        elif column.type == sql.DATETIME:
            parts = [int(text[at : at + 2]) for at in (5, 8, 11, 14, 17)]
            cells.append(b"\x07" + int(text[:4]).to_bytes(2, "little") + bytes(parts))
        else:
            cells.append(lestr(text.encode()))
    return b"".join(cells)


class Catalog:
    """Definitions and rows of all tables, made once: a result set is cut from them."""

    def __init__(self, rng: Random, row_counts: tuple[int, ...]) -> None:
        self.row_counts = row_counts
        self.definitions: dict[str, list[bytes]] = {}
        self.text_rows: dict[str, list[bytes]] = {}
        self.binary_rows: dict[str, list[bytes]] = {}
        for table in (*sql.TABLES, sql.SETTINGS):
            rows = [[sql.value(rng, column) for column in table.columns] for _ in range(POOLED_ROWS)]
            self.definitions[table.name] = [column_definition(table.name, column) for column in table.columns]
            self.text_rows[table.name] = [b"".join(lestr(text.encode()) for text in row) for row in rows]
            self.binary_rows[table.name] = [binary_row(table.columns, row) for row in rows]

    def result(self, rng: Random, table: sql.Table, *, binary: bool, deprecate_eof: bool) -> list[bytes]:
        rows = (self.binary_rows if binary else self.text_rows)[table.name]
        definitions = self.definitions[table.name]
        first, count = rng.randrange(POOLED_ROWS - 60), rng.choice(self.row_counts)
        shown = [rows[number % POOLED_ROWS] for number in range(first, first + count)]
        head = [lenenc(len(definitions)), *definitions]
        if deprecate_eof:
            return [*head, *shown, EOF_OK]
        return [*head, EOF, *shown, EOF]


class Client:
    """A connection in the clear, from greeting to COM_QUIT."""

    def __init__(
        self, session: Session, rng: Random, catalog: Catalog, compressed: bool, *, results_only: bool = False
    ) -> None:
        self.session = session
        self.rng = rng
        self.catalog = catalog
        self.compressed = compressed
        self.results_only = results_only
        self.deprecate_eof = False

    def run(self, server: Server, thread_id: int, commands: int) -> None:
        session = self.session
        session.open()
        self._authenticate(server, thread_id)
        for _ in range(commands):
            what = self.rng.random()
            if what < 0.88:
                self._query()
            elif what < 0.92:
                self._ask(bytes((COM_PING,)), [ok()])
            else:
                self._prepare_and_execute()
        if session.ends:
            session.say(session.client, self._framed([bytes((COM_QUIT,))], 0), 400)
            session.close()

    def _authenticate(self, server: Server, thread_id: int) -> None:
        session, rng = self.session, self.rng
        session.say(session.server, greeting(rng, server, thread_id), 150)
        session.acknowledge(session.client)
        capabilities = CLIENT_BASE
        if rng.random() < 0.5:
            capabilities |= CONNECT_ATTRS
        if "MariaDB" not in server.version and rng.random() < 0.6:
            capabilities |= DEPRECATE_EOF
        if self.compressed:
            capabilities |= COMPRESS
        self.deprecate_eof = bool(capabilities & DEPRECATE_EOF)
        session.say(session.client, login(rng, server, capabilities, rng.choice(_USERS)), 90)
        session.acknowledge(session.server)
        if server.plugin == "caching_sha2_password":
            session.say(session.server, packets([b"\x01\x03"], 2), 200)  # the fast path: the hash was cached
            session.say(session.server, packets([ok()], 3), 10)
        else:
            session.say(session.server, packets([ok()], 2), 200)

    def _query(self) -> None:
        statement = sql.statement(self.rng)
        while self.results_only and statement.table is None:
            statement = sql.statement(self.rng)
        self.session.tally["com_query"] += 1
        if self.compressed:
            self.session.tally["com_query_compressed"] += 1
        if statement.table is not None:
            answer = self._result(statement.table, binary=False)
        elif self.rng.random() < 0.03:
            answer = [DUPLICATE]
        else:
            answer = [ok(self.rng.randrange(3))]
        self._ask(bytes((COM_QUERY,)) + statement.text, answer)

    def _prepare_and_execute(self) -> None:
        rng, tally = self.rng, self.session.tally
        statement = sql.prepared(rng)
        if statement.table is None:
            raise ValueError("a prepared statement here reads a table")
        number = rng.randrange(1, 200).to_bytes(4, "little")
        columns = self.catalog.definitions[statement.table.name]
        placeholder = column_definition("", sql.Column("?", sql.LONG))
        eof = [] if self.deprecate_eof else [EOF]
        prepare_ok = b"\0" + number + len(columns).to_bytes(2, "little") + b"\x01\0" + b"\0\0\0"
        tally["stmt_prepare"] += 1
        if self.compressed:
            tally["stmt_prepare_compressed"] += 1
        described = [prepare_ok, placeholder, *eof, *columns, *eof]
        self._ask(bytes((COM_STMT_PREPARE,)) + statement.text, described)
        for _ in range(rng.randrange(1, 4)):
            tally["stmt_execute"] += 1
            bound = b"\0\x01" + bytes((sql.LONG, 0)) + rng.randrange(5_000_000).to_bytes(4, "little")
            execute = bytes((COM_STMT_EXECUTE,)) + number + b"\0\x01\0\0\0" + bound
            self._ask(execute, self._result(statement.table, binary=True))
        session = self.session
        session.say(session.client, self._framed([bytes((COM_STMT_CLOSE,)) + number], 0), 60)
        session.acknowledge(session.server)

    def _result(self, table: sql.Table, *, binary: bool) -> list[bytes]:
        return self.catalog.result(self.rng, table, binary=binary, deprecate_eof=self.deprecate_eof)

    def _ask(self, command: bytes, answer: list[bytes]) -> None:
        session, rng = self.session, self.rng
        session.say(session.client, self._framed([command], 0), rng.randrange(100, 30_000))
        if rng.random() < 0.1:  # a slow answer: the server's TCP acknowledges first
            session.now += 40_000
            session.acknowledge(session.server)
        session.say(session.server, self._framed(answer, 1), rng.randrange(80, 3000))
        if rng.random() < 0.6:
            session.now += session.round_trip_us >> 1
            session.acknowledge(session.client)

    def _framed(self, payloads: list[bytes], sequence_id: int) -> bytes:
        plain = packets(payloads, sequence_id)
        if not self.compressed:
            return plain
        body, length = plain, 0
        if len(plain) >= MIN_COMPRESSED:
            packed = zlib.compress(plain, 6)
            if len(packed) < len(plain):
                body, length = packed, len(plain)
        return len(body).to_bytes(3, "little") + bytes((sequence_id,)) + length.to_bytes(3, "little") + body


_USERS = ("shop", "report", "worker", "billing")
