"""What every Python runner does: reads the task, plays it through a connection, says what happens as it happens."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol


class Connection(Protocol):
    """What a runner makes of its client: a login has taken place."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Send a text. Return all rows of its result."""

    def insert_prepared(self, sql: str, value: str) -> None:
        """`sql` has one `?`. Prepared in the protocol if the client can, else with what it offers instead.

        Says itself what it issues.
        """

    def close(self) -> None: ...


class Task:
    """The task as it comes on standard input, its fields as attributes."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.mode: str = fields["mode"]
        self.name: str = fields["host"]                 # what the certificate has to name
        self.host: str = fields["address"]["host"]
        self.port: int = fields["address"]["port"]
        self.user: str = fields["user"]
        self.password: str = fields["password"]
        self.database: str = fields["database"]
        self.ca: str | None = fields["ca"] or None
        self.key_log: str = fields["key_log"]
        self.timeout: float = fields["timeout"]
        self.table: str = fields["table"]
        self.statements: dict[str, str] = fields["statements"]
        self.prepared_canary: str = fields["prepared_canary"]
        self.text_canary: str = fields["text_canary"]
        self.cleanup: bool = fields["cleanup"]
        self.fields = fields


def say(**event: object) -> None:
    """Say one event, at once: the process may be ended before the next."""
    sys.stdout.write(json.dumps(event, default=str) + "\n")
    sys.stdout.flush()


def main(connect: Callable[[Task], Connection], version: str) -> None:
    """Run the whole program. `connect` logs in; errors of any kind end up as an event."""
    play(lambda task: tell(task, connect(task)), version)


def play(run: Callable[[Task], None], version: str) -> None:
    """Read the task and do it with `run`; whatever that raises is the error of the run."""
    task = Task(json.loads(sys.stdin.buffer.readline()))
    say(version=version)
    try:
        keep_keys(task.key_log)
        run(task)
    except Exception as error:  # whatever the client raises is the result
        say(error={"code": find_error_code(error), "text": format_error(error)})


def tell(task: Task, connection: Connection) -> None:
    """Tell the story: who am I, a table, the canary twice, read it back, and the table is gone whatever happens."""
    say(connected=True)
    try:
        if task.cleanup:
            connection.query(f"DROP TABLE IF EXISTS {task.table}")
            return
        sql = task.statements
        describe_session(task, connection)
        ask(connection, sql["create"])
        say(created=True)
        try:
            ask(connection, sql["insert"])
            connection.insert_prepared(sql["insert_prepared"], task.prepared_canary)
            say(rows=[text(row[0]) for row in ask(connection, sql["select"])])
        finally:
            ask(connection, sql["drop"])
            say(dropped=True)
    finally:
        with suppress(Exception):
            connection.close()


def describe_session(task: Task, connection: Connection) -> None:
    """Say what the server says of this session; performance_schema only if it may be read."""
    number, version = ask(connection, task.statements["session"])[0][:2]
    say(connection_id=int(number), server_version=text(version))
    status = {text(name): text(value) for name, value in ask(connection, task.statements["tls"])}
    say(tls_version=status.get("Ssl_version", ""), tls_cipher=status.get("Ssl_cipher", ""))
    with suppress(Exception):
        rows = ask(connection, task.statements["connection_type"])
        if rows and rows[0][0]:
            say(connection_type=text(rows[0][0]))


def ask(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    say(sql=sql)
    return connection.query(sql)


def text(value: object) -> str:
    return bytes(value).decode() if isinstance(value, bytes | bytearray) else str(value)


def find_error_code(error: BaseException) -> int:
    """MySQL's number of an error, of it or of what caused it; 0: it has none."""
    first = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    if isinstance(first, int) and first > 0 and not isinstance(error, OSError):
        return first
    return find_error_code(error.__cause__) if error.__cause__ is not None else 0


def format_error(error: BaseException) -> str:
    """Return the message without Python's decoration, on one line, after the name of its class."""
    last = error.args[-1] if error.args and isinstance(error.args[-1], str) else str(error)
    said = " ".join(str(getattr(error, "msg", None) or last).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def keep_keys(path: str) -> None:
    """Have every TLS connection that Python's ssl module makes in this process write its secrets to the file."""
    if not path:
        return
    original = ssl.SSLContext.wrap_socket

    def wrap_socket(self: ssl.SSLContext, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        self.keylog_filename = path
        return original(self, *arguments, **named)

    ssl.SSLContext.wrap_socket = wrap_socket  # type: ignore[method-assign]
