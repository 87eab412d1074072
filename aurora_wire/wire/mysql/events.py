"""What a connection said in MySQL's protocol, in the clear. One small class an event."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.mysql.commands import COM_STMT_BULK_EXECUTE, COM_STMT_EXECUTE
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.login import Login
from aurora_wire.wire.mysql.results import Result
from aurora_wire.wire.mysql.values import Value

STATEMENT_COST: Final[i64] = 400   # bytes that a statement takes besides its text, with its result
VALUE_COST: Final[i64] = 150       # and each of its values besides what is in it


@mypyc_attr(acyclic=True)
class GreetingSeen(Event):
    __slots__ = ("greeting",)

    def __init__(
        self, connection: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, greeting: Greeting
    ) -> None:
        super().__init__(connection, from_client, frame, time_ns, offset)
        self.greeting: Final = greeting


@mypyc_attr(acyclic=True)
class TLSRequested(Event):
    """SSLRequest: announces TLS, proves nothing."""

    __slots__ = ()


@mypyc_attr(acyclic=True)
class LoggedIn(Event):
    """A login in the clear."""

    __slots__ = ("login",)

    def __init__(
        self, connection: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, login: Login
    ) -> None:
        super().__init__(connection, from_client, frame, time_ns, offset)
        self.login: Final = login


@mypyc_attr(acyclic=True)
class ServerError(Event):
    """An ERR packet in the clear."""

    __slots__ = ("code", "message")

    def __init__(
        self, connection: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, code: i64, message: bytes
    ) -> None:
        super().__init__(connection, from_client, frame, time_ns, offset)
        self.code: Final[i64] = code
        self.message: Final = message


@mypyc_attr(acyclic=True)
class Statement(Event):
    """A command in the clear that carries a text or values.

    text: the SQL as bytes, with a statement's parameters not yet in place; length: bytes of the text on the wire,
    more than len(text) where it was cut. values: bound parameters, or query attributes of a COM_QUERY. guessed: where
    text and values begin was judged from the content, as what tells it was not captured. schema: the default one when
    it was sent, None where that is not known; charset: a collation's id of the character set in which it was sent, -1
    where that is not known; escapes: as `MySQLFacts.escapes` was. waits: its reply is not over. result: the first of
    its results, None while or where nothing of its reply was seen, or nobody knows which reply is its own. A server's
    is of a binlog event. end: stream offset behind its packet, -1 where that is not known.
    """

    __slots__ = (
        "charset", "command", "complete", "compressed", "end", "escapes", "guessed", "length", "result", "schema",
        "statement_id", "text", "values", "waits",
    )  # fmt: skip

    def __init__(
        self,
        connection: i64,
        frame: i64,
        time_ns: i64,
        offset: i64,
        command: i64,
        text: bytes,
        length: i64,
        values: list[Value] | None,
        complete: bool,
        compressed: bool,
        statement_id: i64,
        guessed: bool = False,
        schema: bytes | None = None,
        charset: i64 = -1,
        from_client: bool = True,
    ) -> None:
        super().__init__(connection, from_client, frame, time_ns, offset)
        self.command: Final[i64] = command
        self.text = text
        self.length: Final[i64] = length
        self.values = values
        self.complete: bool = complete
        self.compressed: Final[bool] = compressed
        self.statement_id: Final[i64] = statement_id
        self.guessed: Final[bool] = guessed
        self.schema: Final = schema
        self.charset: Final[i64] = charset
        self.escapes: i64 = -1
        self.waits = False
        self.result: Result | None = None
        self.end: i64 = -1

    def cut_at(self, seam: i64) -> None:
        """Keep what of it comes before `seam`, a stream offset inside it: what follows may be another sender's."""
        self.complete = False
        if self.command in (COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE):
            self.values = None  # its text is that of another packet
            return
        keep: i64 = 0
        if self.end >= 0:
            keep = seam - (self.end - self.length)
        if keep <= 0:
            self.text = b""
            self.values = None
        elif keep < len(self.text):
            self.text = self.text[:keep]

    def cost(self) -> i64:
        """Return the bytes of memory that it takes, with its values, roughly."""
        size: i64 = len(self.text) + STATEMENT_COST
        values = self.values
        if values is not None:
            for value in values:
                size += len(value.raw) + VALUE_COST
        return size
