"""MySQL Connector/Python plays the story: its C extension, or the pure Python that the environment asks for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

PURE = bool(os.environ.get("AURORA_WIRE_PURE_CONNECTOR"))
if not PURE:
    with suppress(ImportError):  # before Python's ssl: it brings an OpenSSL of its own
        import _mysql_connector  # noqa: F401

import mysql.connector  # noqa: E402
from mysql.connector import HAVE_CEXT  # noqa: E402

if TYPE_CHECKING:
    from aurora_wire.prove.drivers.runners import story
else:
    import story  # beside this script


class Session:
    def __init__(self, task: story.Task) -> None:
        pure = {"use_pure": True} if PURE else {}
        self.connection = mysql.connector.connect(
            host=task.host, port=task.port, user=task.user, password=task.password, database=task.database,
            connection_timeout=max(1, int(task.timeout)), autocommit=True, **pure, **tls_arguments(task),
        )  # fmt: skip

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.with_rows else []
        finally:
            cursor.close()

    def insert_prepared(self, sql: str, value: str) -> None:
        story.say(sql=sql)
        cursor = self.connection.cursor(prepared=True)
        try:
            cursor.execute(sql, (value,))
        finally:
            cursor.close()

    def close(self) -> None:
        self.connection.close()


def tls_arguments(task: story.Task) -> dict[str, object]:
    ca = {"ssl_ca": task.ca} if task.ca else {}
    options: dict[str, dict[str, object]] = {
        "off": {"ssl_disabled": True},
        "default": {},
        "required": {"ssl_disabled": False},
        "verify-ca": {**ca, "ssl_verify_cert": True},
        "verify-identity": {**ca, "ssl_verify_cert": True, "ssl_verify_identity": True},
    }
    return options[task.mode]


if __name__ == "__main__":
    kind = "pure Python" if PURE or not HAVE_CEXT else "C extension"
    story.main(Session, f"mysql-connector-python {mysql.connector.__version__} ({kind})")
