"""A login that only reads: what it may not read is noted with the GRANT that would let it."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aurora_wire.errors import UsageError, describe_error
from aurora_wire.posture.target import Target

if TYPE_CHECKING:
    import pymysql

Row = tuple[Any, ...]

# Errors that say "you may not" (MySQL's and MariaDB's error lists).
_DENIED: Final = frozenset({1044, 1045, 1142, 1143, 1227, 1370, 1449})
# Errors that say "there is no such thing here": another version or product.
_ABSENT: Final = frozenset({1049, 1054, 1064, 1109, 1146, 1193, 1235, 1243, 1286, 1305, 1231, 1289})



class CannotLogIn(UsageError):  # noqa: N818 - what it is called where it is caught
    """The server cannot be reached, or refuses the login."""


@dataclass(slots=True)
class Denied:
    """One thing that the account may not read. grant: the statement that would let it."""

    what: str
    grant: str


@dataclass(slots=True)
class Database:
    """A session, in a `with` statement. denied: what could not be read, in the order asked."""

    connection: pymysql.Connection[Any]
    user: str
    denied: list[Denied] = field(default_factory=list)
    _columns: list[str] = field(default_factory=list)  # of the last statement

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.connection.close()
        except Exception:
            self.connection._force_close()

    def rows(self, sql: str, what: str = "", grant: str = "") -> list[Row] | None:
        """Return all rows; None where there is no such thing, or the account may not read it (then it is noted).

        what: what is read, in words; grant: the privilege that it takes, `SELECT ON mysql.user`.
        Raises UsageError where the connection is lost.
        """
        import pymysql  # noqa: PLC0415 - as in `log_in`

        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                self._columns = [str(column[0]).lower() for column in cursor.description or ()]
                return list(cursor.fetchall())
        except pymysql.err.MySQLError as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            if code in _DENIED:
                if what and all(each.what != what for each in self.denied):
                    self.denied.append(Denied(what, f"GRANT {grant} TO {self.user};"))
                return None
            if code in _ABSENT:
                return None
            raise UsageError(f"the connection was lost: {_said(error)}.") from error

    def named_rows(self, sql: str, what: str = "", grant: str = "") -> list[dict[str, str]]:
        """Return rows as dicts of text by lower-case column name, none as `rows` gives None."""
        rows = self.rows(sql, what, grant) or []
        return [{name: as_text(row, at) for at, name in enumerate(self._columns)} for row in rows]

    def value(self, sql: str, what: str = "", grant: str = "") -> str:
        """Return the first column of the first row as text; empty where there is none."""
        rows = self.rows(sql, what, grant)
        return "" if not rows or rows[0][0] is None else str(rows[0][0])

    def pairs(self, sql: str) -> list[tuple[str, str]]:
        """Return rows of name and value, as SHOW VARIABLES and SHOW STATUS give them."""
        return [(str(row[0]), "" if row[1] is None else str(row[1])) for row in self.rows(sql) or ()]


def log_in(
    target: Target, user: str, password: str, *, mode: str = "required", ca: str = "", seconds: float = 10.0
) -> Database:
    """Log in. mode: `verify` (the certificate too), `required` (TLS, whoever it is) or `off` (in the clear).

    ca: authorities to trust, empty: the system's. Raises CannotLogIn.
    """
    import pymysql  # noqa: PLC0415 - not for --help

    context: ssl.SSLContext | None = None
    if mode != "off":
        try:
            context = ssl.create_default_context(cafile=ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{ca}: no file of certificates ({describe_error(error)}).") from error
        if mode == "required":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    try:
        connection = pymysql.connect(
            host=target.host, port=target.port, user=user, password=password.encode(),
            connect_timeout=max(1, int(seconds)), read_timeout=max(1, int(seconds)), autocommit=True,
            charset="utf8mb4", ssl=context, ssl_disabled=context is None,
        )  # fmt: skip
    except pymysql.err.MySQLError as error:
        raise CannotLogIn(f"{target}: {_said(error)}.{_hint(error, mode)}") from error
    except (OSError, RuntimeError) as error:
        raise CannotLogIn(f"{target}: {error}.") from error
    session = Database(connection, "")
    current = session.value("SELECT CURRENT_USER()")
    name, _, host = current.rpartition("@")
    session.user = f"{quoted(name)}@{quoted(host)}"
    return session


def quoted(text: str) -> str:
    """Return a string literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _said(error: Exception) -> str:
    """Return what the server or the driver says, in one line, without a full stop at its end."""
    text = str(error.args[-1] if error.args else error)
    code = error.args[0] if len(error.args) > 1 else None
    return (f"error {code}: {text}" if code else text).replace("\n", " ").rstrip(".")


def _hint(error: Exception, mode: str) -> str:
    text = str(error)
    if "SSL" in text and mode == "required" and "doesn't support" in text:
        return " The server offers no TLS: --tls off logs in all the same, and sends everything in the clear."
    if "certificate verify failed" in text:
        return " The certificate is not accepted: `aurora-wire probe` says why; --ca names authorities to trust."
    return ""


def as_text(row: Sequence[Any], at: int) -> str:
    """Return a column as text, empty for NULL."""
    value = row[at]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return "" if value is None else str(value)
