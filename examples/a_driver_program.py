"""The program that a_driver.py starts: a nightly batch, which prints what happens as JSON lines.

It is given the task as one line of JSON; docs/clients.md describes both. It knows nothing of aurora_wire.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pymysql


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def run(task: dict[str, Any]) -> None:
    tls = {"ssl_ca": task["ca"], "ssl_verify_identity": True} if task["mode"] == "verify-identity" else {}
    connection = pymysql.connect(
        host=task["address"]["host"], port=task["address"]["port"], user=task["user"], password=task["password"],
        database=task["database"], autocommit=True, **tls,
    )  # fmt: skip
    say(connected=True)
    with connection, connection.cursor() as cursor:

        def ask(sql: str, *values: str) -> Any:
            say(sql=sql)
            cursor.execute(sql, values or None)
            return cursor.fetchall()

        if task["cleanup"]:
            cursor.execute("DROP TABLE IF EXISTS " + task["table"])
            return
        sql = task["statements"]
        number, version = ask(sql["session"])[0]
        say(connection_id=number, server_version=version)
        session = dict(ask(sql["tls"]))
        say(tls_version=session["Ssl_version"], tls_cipher=session["Ssl_cipher"])
        ask(sql["create"])
        say(created=True)
        try:
            ask(sql["insert"])
            ask(sql["insert_prepared"].replace("?", "%s"), task["prepared_canary"])
            say(rows=[row[0] for row in ask(sql["select"])])
        finally:
            ask(sql["drop"])
            say(dropped=True)


if __name__ == "__main__":
    say(version=f"batch 1.0, PyMySQL {pymysql.VERSION_STRING}")
    try:
        run(json.loads(sys.stdin.readline()))
    except pymysql.MySQLError as error:
        say(error={"code": error.args[0], "text": str(error.args[-1])})
