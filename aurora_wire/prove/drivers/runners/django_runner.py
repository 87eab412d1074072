"""Django plays the story: its schema editor makes the table, its ORM writes and reads the notes."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import django
import MySQLdb
from django.conf import settings

if TYPE_CHECKING:
    from aurora_wire.prove.drivers.runners import story
else:
    import story  # beside this script


def options(task: story.Task) -> dict[str, object]:
    ssl = {"ssl": {"ca": task.ca}} if task.ca else {}
    tls: dict[str, dict[str, object]] = {
        "off": {"ssl_mode": "DISABLED"},
        "default": {},
        "required": {"ssl_mode": "REQUIRED"},
        "verify-ca": {"ssl_mode": "VERIFY_CA", **ssl},
        "verify-identity": {"ssl_mode": "VERIFY_IDENTITY", **ssl},
    }
    return tls[task.mode] | {"connect_timeout": max(1, int(task.timeout))}


class Database:
    """Django's connection, for the questions of the story."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def insert_prepared(self, sql: str, value: str) -> None:
        raise NotImplementedError("the ORM writes the notes")

    def close(self) -> None:
        self.connection.close()


def run(task: story.Task) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"
    settings.DATABASES["default"] |= {
        # The C library takes `localhost`, so written, for a Unix socket; names in certificates have no case.
        "HOST": "LOCALHOST" if task.host == "localhost" else task.host, "PORT": task.port,
        "USER": task.user, "PASSWORD": task.password, "NAME": task.database, "OPTIONS": options(task),
    }  # fmt: skip
    django.setup()
    from django.db import connection  # noqa: PLC0415 - after setup, as Django wants it
    from django_project.notes.models import Note  # noqa: PLC0415

    Note._meta.db_table = task.table
    connection.ensure_connection()
    story.say(connected=True)
    database = Database(connection)
    if task.cleanup:
        database.query(f"DROP TABLE IF EXISTS {task.table}")
        return
    connection.execute_wrappers.append(tell)
    story.describe_session(task, Quiet(database))
    with connection.schema_editor() as editor:
        editor.create_model(Note)
    story.say(created=True)
    try:
        for body in (task.text_canary, task.prepared_canary):
            Note.objects.create(body=body)
        story.say(rows=[note.body for note in Note.objects.order_by("id")])
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Note)
        story.say(dropped=True)
        connection.close()


class Quiet(Database):
    """`story.ask` says the statement, and the wrapper would say it again."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.connection)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        wrappers, self.connection.execute_wrappers = self.connection.execute_wrappers, []
        try:
            return super().query(sql)
        finally:
            self.connection.execute_wrappers = wrappers


def tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Say each statement of the ORM; mysqlclient puts the values into the text."""
    connection = context["connection"].connection
    values = [connection.literal(value).decode() for value in params or ()]
    story.say(sql=sql % tuple(values) if values else sql)
    return execute(sql, params, many, context)


if __name__ == "__main__":
    story.play(
        run, f"Django {django.get_version()}, mysqlclient {version('mysqlclient')}, "
             f"client library {MySQLdb.get_client_info()}",
    )  # fmt: skip
