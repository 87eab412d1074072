"""A server that speaks MySQL's protocol, inside Python: for the demo, where no database is installed.

Run as a program: it reads its settings as one line of JSON, says `ready` and the port, and ends when its standard
input does. It stores what it is told to store, in memory, for as long as it runs; it is no database.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import sys
from typing import Any, Final

from mysql_mimic import IdentityProvider, MysqlServer, NativePasswordAuthPlugin, Session, User
from mysql_mimic.stream import MysqlStream
from mysql_mimic.version import __version__ as mimic_version

VERSION: Final = f"8.0.29-mysql-mimic-{mimic_version}"
CREATE: Final = re.compile(r"CREATE TABLE (\w+) ", re.IGNORECASE)
INSERT: Final = re.compile(r"INSERT INTO (\w+) \(body\) VALUES \('([\w-]*)'\)", re.IGNORECASE)
SELECT: Final = re.compile(r"SELECT body FROM (\w+)", re.IGNORECASE)
DROP: Final = re.compile(r"DROP TABLE (?:IF EXISTS )?(\w+)", re.IGNORECASE)

Rows = tuple[list[tuple[Any, ...]], list[str]]
NOTHING: Final[Rows] = ([], [])

tables: dict[str, list[str]] = {}


class StoringSession(Session):  # type: ignore[misc]  # it comes without types
    """Answers what the clients of `prove` ask; the rest is left to mysql-mimic."""

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> object:
        return self.answer(sql) or await super().handle_query(sql, attrs)

    def answer(self, sql: str) -> Rows | None:
        if found := CREATE.match(sql):
            tables[found[1]] = []
            return NOTHING
        if found := INSERT.match(sql):
            tables[found[1]].append(found[2])
            return NOTHING
        if found := SELECT.match(sql):
            return [(body,) for body in tables[found[1]]], ["body"]
        if found := DROP.match(sql):
            tables.pop(found[1], None)
            return NOTHING
        if sql.startswith("SELECT CONNECTION_ID(), VERSION()"):
            return [(self.connection.connection_id, VERSION)], ["id", "version"]
        if sql.startswith("SHOW SESSION STATUS WHERE"):
            return self.tls(), ["Variable_name", "Value"]
        return None

    def tls(self) -> list[tuple[Any, ...]]:
        found = self.connection.stream.writer.get_extra_info("cipher")
        name, version = (found[0], found[1]) if found else ("", "")
        return [("Ssl_cipher", name), ("Ssl_version", version)]


class OneUser(IdentityProvider):  # type: ignore[misc]
    def __init__(self, name: str, password: str) -> None:
        plugin = NativePasswordAuthPlugin()
        self.user = User(name, plugin.create_auth_string(password), plugin.name)
        self.plugins = [plugin]

    def get_plugins(self) -> list[NativePasswordAuthPlugin]:
        return self.plugins

    async def get_user(self, username: str) -> User | None:
        return self.user if username == self.user.name else None


async def start_tls(stream: Any, context: ssl.SSLContext) -> None:
    """Start TLS in place of mysql-mimic's own, which loses a ClientHello that comes together with the SSLRequest.

    asyncio has it in the reader's buffer by then; it belongs to TLS, so it is handed over once TLS has begun.
    """
    transport = stream.writer.transport
    early = bytes(stream.reader._buffer)
    stream.reader._buffer.clear()
    beginning = asyncio.ensure_future(asyncio.get_running_loop().start_tls(
        transport, transport.get_protocol(), context, server_side=True
    ))  # fmt: skip
    await asyncio.sleep(0)  # it takes the transport over
    await asyncio.sleep(0)  # and is told so
    if early:
        protocol = transport.get_protocol()
        room = protocol.get_buffer(len(early))
        room[: len(early)] = early
        protocol.buffer_updated(len(early))
    stream.writer._transport = stream.reader._transport = await beginning


async def serve(settings: dict[str, Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"], settings["key"])
    server = MysqlServer(
        session_factory=StoringSession, ssl=context,
        identity_provider=OneUser(settings["user"], settings["password"]),
    )  # fmt: skip
    await server.start_server(host=settings["host"], port=settings["port"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    logging.disable()
    MysqlStream.start_tls = start_tls
    asyncio.run(serve(json.loads(sys.stdin.readline())))
