"""PyMySQL plays the story."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pymysql

if TYPE_CHECKING:
    from aurora_wire.prove.drivers.runners import story
else:
    import story  # beside this script


class Session:
    def __init__(self, task: story.Task) -> None:
        self.connection = pymysql.connect(
            # The password as bytes: PyMySQL would encode a text as latin1, and the other clients do not.
            host=task.name, port=task.port, user=task.user, password=task.password.encode(), database=task.database,
            connect_timeout=max(1, int(task.timeout)), autocommit=True, charset="utf8mb4", defer_connect=True,
            **tls_arguments(task),
        )  # fmt: skip
        relay = None
        if task.host != task.name:  # the socket leads to a relay, and the certificate still has to name the server
            relay = socket.create_connection((task.host, task.port), timeout=task.timeout)
            relay.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.connect(relay)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def insert_prepared(self, sql: str, value: str) -> None:
        """PyMySQL has no prepared statements of the protocol: it puts the value into the text."""
        with self.connection.cursor() as cursor:
            text = cursor.mogrify(sql.replace("?", "%s"), (value,))
            story.say(sql=text)
            cursor.execute(text)

    def close(self) -> None:
        self.connection.close()


def tls_arguments(task: story.Task) -> dict[str, object]:
    """Return what a program would write for the mode; a context of our own, so that it means the same in all versions.
    """
    if task.mode == "off":
        return {"ssl_disabled": True} if pymysql.VERSION[:2] >= (0, 10) else {}  # before, it was off by itself
    if task.mode == "default":
        return {}
    context = ssl.create_default_context(cafile=task.ca)
    if task.mode == "required":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif task.mode == "verify-ca":
        context.check_hostname = False
    return {"ssl": context}


if __name__ == "__main__":
    # Not `__version__`: that is the version of mysqlclient that it can stand for.
    story.main(Session, "PyMySQL " + ".".join(str(part) for part in pymysql.VERSION[:3]))
