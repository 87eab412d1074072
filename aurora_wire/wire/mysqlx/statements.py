"""Messages that say what is to be done, as statements that people read: SQL with its arguments, CRUD with its values.

A CRUD message is written as the SQL that it stands for, near to what the server makes of it (`doc->'$.n' = 1`); what
has no SQL is written as a call. Nothing here is parsed again: it is for reading, and for finding values in it.
Source: mysqlx_crud.proto, mysqlx_expr.proto, mysqlx_datatypes.proto, mysqlx_sql.proto, mysqlx_prepare.proto.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.mysqlx.fields import BYTES, Fields
from aurora_wire.wire.mysqlx.values import (
    MAX_DEPTH,
    MAX_SIZE,
    first_number,
    first_string,
    read_any,
    read_scalar,
    write_json,
)

STMT_EXECUTE: Final[i64] = 12
FIND: Final[i64] = 17
INSERT: Final[i64] = 18
UPDATE: Final[i64] = 19
DELETE: Final[i64] = 20
CREATE_VIEW: Final[i64] = 30
MODIFY_VIEW: Final[i64] = 31
DROP_VIEW: Final[i64] = 32

DOCUMENTS: Final[i64] = 1            # the data model: a collection, and no table

# Types of an expression, a scalar, an Any, a step of a document path.
IDENTIFIER: Final[i64] = 1
LITERAL: Final[i64] = 2
VARIABLE: Final[i64] = 3
CALL: Final[i64] = 4
OPERATOR: Final[i64] = 5
PLACEHOLDER: Final[i64] = 6
OBJECT: Final[i64] = 7
ARRAY: Final[i64] = 8
UPDATES: Final = {
    1: b"SET", 2: b"JSON_REMOVE", 3: b"JSON_SET", 4: b"JSON_REPLACE", 5: b"JSON_MERGE_PRESERVE",
    6: b"JSON_ARRAY_INSERT", 7: b"JSON_ARRAY_APPEND", 8: b"JSON_MERGE_PATCH",
}  # fmt: skip
INFIX: Final = frozenset((
    b"==", b"!=", b"<>", b"<", b"<=", b">", b">=", b"&&", b"||", b"and", b"or", b"xor", b"+", b"-", b"*", b"/", b"%",
    b"div", b"&", b"|", b"^", b"<<", b">>", b"like", b"not_like", b"regexp", b"not_regexp", b"is", b"is_not",
))  # fmt: skip
WORDS: Final = {
    b"==": b"=", b"&&": b"AND", b"||": b"OR", b"and": b"AND", b"or": b"OR", b"xor": b"XOR", b"div": b"DIV",
    b"like": b"LIKE", b"not_like": b"NOT LIKE", b"regexp": b"REGEXP", b"not_regexp": b"NOT REGEXP", b"is": b"IS",
    b"is_not": b"IS NOT",
}  # fmt: skip


@mypyc_attr(acyclic=True)
class Read:
    """A statement as it is shown: text, and values that are bound to placeholders in it."""

    __slots__ = ("complete", "text", "values")

    def __init__(self, text: bytes, values: list[Value], complete: bool) -> None:
        self.text: Final = text
        self.values: Final = values
        self.complete: Final = complete


def read_statement(kind: i64, data: bytes, at: i64, end: i64, values: list[Value] | None = None) -> Read:
    """Return the statement in a message of this type; values: arguments that came by another way (PrepareExecute)."""
    if kind == STMT_EXECUTE:
        return _sql(data, at, end, values)
    writer = _Writer(data)
    writer.collect(kind, at, end)
    if values is not None:
        writer.arguments = values
    writer.message(kind, at, end)
    return Read(b"".join(writer.parts), [], not writer.broken)


def _sql(data: bytes, at: i64, end: i64, given: list[Value] | None) -> Read:
    text = b""
    namespace = b"sql"
    values: list[Value] = [] if given is None else given
    fields = Fields(data, at, end)
    while fields.next():
        if fields.number == 1 and fields.wire == BYTES:
            text = fields.raw()
        elif fields.number == 2 and fields.wire == BYTES and given is None:
            values.append(read_any(data, fields.start, fields.stop))
        elif fields.number == 3 and fields.wire == BYTES:
            namespace = fields.raw()
    if namespace != b"sql":
        # A command of the server's plugin, with an object of arguments.
        parts: list[bytes] = []
        inner = Fields(data, at, end)
        while inner.find(2):
            write_json(data, inner.start, inner.stop, parts, 0)
        text = b"/* " + namespace.replace(b"*/", b"* /") + b" */ " + text + b"(" + b"".join(parts)[:MAX_SIZE] + b")"
        values = []
    return Read(text, values, not fields.broken)


@mypyc_attr(acyclic=True)
class _Writer:
    """Writes a CRUD message: `parts` joined are the statement."""

    __slots__ = ("arguments", "broken", "data", "parts", "room")

    def __init__(self, data: bytes) -> None:
        self.data: Final = data
        self.parts: list[bytes] = []
        self.room: i64 = MAX_SIZE
        self.arguments: list[Value] = []
        self.broken = False

    def put(self, piece: bytes) -> None:
        if self.room <= 0:
            self.broken = True
            return
        self.room -= len(piece)
        self.parts.append(piece)

    def collect(self, kind: i64, at: i64, end: i64) -> None:
        """Collect the arguments of placeholders, which stand behind them."""
        number: i64 = 11 if kind == FIND else 5 if kind == INSERT else 8 if kind == UPDATE else 6
        fields = Fields(self.data, at, end)
        while fields.find(number):
            self.arguments.append(read_scalar(self.data, fields.start, fields.stop))

    def message(self, kind: i64, at: i64, end: i64) -> None:
        if kind == FIND:
            self._find(at, end)
        elif kind == INSERT:
            self._insert(at, end)
        elif kind == UPDATE:
            self._update(at, end)
        elif kind == DELETE:
            self.put(b"DELETE FROM ")
            self._collection(at, end, 1)
            self._conditions(at, end, first_number(self.data, at, end, 2) == DOCUMENTS, 3, 5, 4, 7)
        elif kind in (CREATE_VIEW, MODIFY_VIEW):
            self.put(b"CREATE VIEW " if kind == CREATE_VIEW else b"ALTER VIEW ")
            self._collection(at, end, 1)
            self.put(b" AS ")
            fields = Fields(self.data, at, end)
            while fields.find(7):
                self._find(fields.start, fields.stop)
        elif kind == DROP_VIEW:
            self.put(b"DROP VIEW ")
            self._collection(at, end, 1)

    def _collection(self, at: i64, end: i64, number: i64) -> None:
        fields = Fields(self.data, at, end)
        if not fields.find(number):
            self.broken = True
            return
        schema = first_string(self.data, fields.start, fields.stop, 2)
        if schema:
            self.put(quoted_name(schema) + b".")
        self.put(quoted_name(first_string(self.data, fields.start, fields.stop, 1)))

    def _find(self, at: i64, end: i64) -> None:
        documents = first_number(self.data, at, end, 3) == DOCUMENTS
        self.put(b"SELECT ")
        fields = Fields(self.data, at, end)
        between = b""
        while fields.find(4):
            self.put(between)
            between = b", "
            self._projection(fields.start, fields.stop, documents)
        if not between:
            self.put(b"doc" if documents else b"*")
        self.put(b" FROM ")
        self._collection(at, end, 2)
        self._conditions(at, end, documents, 5, 7, 6, 14)
        self._listed(at, end, documents, 8, b" GROUP BY ")
        self._listed(at, end, documents, 9, b" HAVING ")
        lock = first_number(self.data, at, end, 12)
        if lock > 0:
            self.put(b" FOR SHARE" if lock == 1 else b" FOR UPDATE")

    def _projection(self, at: i64, end: i64, documents: bool) -> None:
        fields = Fields(self.data, at, end)
        while fields.next():
            if fields.number == 1 and fields.wire == BYTES:
                self.expression(fields.start, fields.stop, documents, 0)
            elif fields.number == 2 and fields.wire == BYTES:
                self.put(b" AS " + quoted_name(fields.raw()))

    def _insert(self, at: i64, end: i64) -> None:
        documents = first_number(self.data, at, end, 2) == DOCUMENTS
        self.put(b"REPLACE INTO " if first_number(self.data, at, end, 6) > 0 else b"INSERT INTO ")
        self._collection(at, end, 1)
        names: list[bytes] = []
        fields = Fields(self.data, at, end)
        while fields.find(3):
            names.append(quoted_name(first_string(self.data, fields.start, fields.stop, 1)))
        if names or documents:
            self.put(b" (" + (b", ".join(names) if names else b"doc") + b")")
        self.put(b" VALUES ")
        rows = Fields(self.data, at, end)
        first = True
        while rows.find(4):
            self.put(b"(" if first else b", (")
            first = False
            self._listed(rows.start, rows.stop, documents, 1)
            self.put(b")")

    def _update(self, at: i64, end: i64) -> None:
        documents = first_number(self.data, at, end, 3) == DOCUMENTS
        self.put(b"UPDATE ")
        self._collection(at, end, 2)
        self.put(b" SET ")
        fields = Fields(self.data, at, end)
        between = b""
        while fields.find(7):
            self.put(between)
            between = b", "
            self._operation(fields.start, fields.stop, documents)
        self._conditions(at, end, documents, 4, 6, 5, 9)

    def _operation(self, at: i64, end: i64, documents: bool) -> None:
        """Write an UpdateOperation: `a = 1` of a column, `doc = JSON_SET(doc, '$.a', 1)` of a document."""
        data = self.data
        kind = first_number(data, at, end, 2)
        source = Fields(data, at, end)
        source.find(1)
        if kind == 1 or source.number != 1:
            self._identifier(source.start, source.stop, documents)
            self.put(b" = ")
        else:
            name = UPDATES.get(kind, b"UPDATE")
            self.put(b"doc = " + name + b"(doc, ")
            path = self._path(source.start, source.stop)
            self.put(b"'$" + path + b"'" if path or kind < 5 else b"'$'")
        fields = Fields(data, at, end)
        while fields.find(3):
            if kind != 1:
                self.put(b", ")
            self.expression(fields.start, fields.stop, documents, 0)
        if kind != 1:
            self.put(b")")

    def _conditions(
        self, at: i64, end: i64, documents: bool, criteria: i64, order: i64, limit: i64, expressed: i64
    ) -> None:
        """Write what follows a table: criteria, order and limit, at the fields of these numbers."""
        self._listed(at, end, documents, criteria, b" WHERE ")
        data = self.data
        fields = Fields(data, at, end)
        first = True
        while fields.find(order):
            self.put(b" ORDER BY " if first else b", ")
            first = False
            self._listed(fields.start, fields.stop, documents, 1)
            if first_number(data, fields.start, fields.stop, 2) == 2:
                self.put(b" DESC")
        limits = Fields(data, at, end)
        while limits.next():
            if limits.number == limit and limits.wire == BYTES:
                self.put(b" LIMIT " + str(first_number(data, limits.start, limits.stop, 1)).encode())
                offset = first_number(data, limits.start, limits.stop, 2)
                if offset >= 0:
                    self.put(b" OFFSET " + str(offset).encode())
            elif limits.number == expressed and limits.wire == BYTES:
                self._listed(limits.start, limits.stop, documents, 1, b" LIMIT ")
                self._listed(limits.start, limits.stop, documents, 2, b" OFFSET ")

    def _listed(
        self, at: i64, end: i64, documents: bool, number: i64, before: bytes = b"", between: bytes = b", ",
        depth: i64 = 0,
    ) -> None:  # fmt: skip
        """Write the expressions in all fields of this number, `before` the first of them and `between` the others."""
        fields = Fields(self.data, at, end)
        while fields.find(number):
            self.put(before)
            before = between
            self.expression(fields.start, fields.stop, documents, depth)

    def expression(self, at: i64, end: i64, documents: bool, depth: i64) -> None:
        if depth > MAX_DEPTH or self.room <= 0:
            self.put(b"...")
            self.broken = True
            return
        data = self.data
        kind = first_number(data, at, end, 1)
        fields = Fields(data, at, end)
        while fields.next():
            if fields.number == 7 and fields.wire == 0 and kind == PLACEHOLDER:
                position = fields.value
                known = position < len(self.arguments)
                self.put(self.arguments[position].literal() if known else b"?")
                return
            if fields.wire != BYTES:
                continue
            if kind == IDENTIFIER and fields.number == 2:
                self._identifier(fields.start, fields.stop, documents)
            elif kind == LITERAL and fields.number == 4:
                self.put(read_scalar(data, fields.start, fields.stop).literal())
            elif kind == VARIABLE and fields.number == 3:
                self.put(b"@" + fields.raw())
            elif kind == CALL and fields.number == 5:
                self._call(fields.start, fields.stop, documents, depth)
            elif kind == OPERATOR and fields.number == 6:
                self._operator(fields.start, fields.stop, documents, depth)
            elif kind == OBJECT and fields.number == 8:
                self._object(fields.start, fields.stop, documents, depth)
            elif kind == ARRAY and fields.number == 9:
                self.put(b"[")
                self._listed(fields.start, fields.stop, documents, 1, depth=depth + 1)
                self.put(b"]")
            else:
                continue
            return
        if kind == PLACEHOLDER:
            self.put(self.arguments[0].literal() if self.arguments else b"?")

    def _identifier(self, at: i64, end: i64, documents: bool) -> None:
        data = self.data
        path = self._path(at, end)
        name = first_string(data, at, end, 2)
        table = first_string(data, at, end, 3)
        schema = first_string(data, at, end, 4)
        if schema:
            self.put(quoted_name(schema) + b".")
        if table:
            self.put(quoted_name(table) + b".")
        if name:
            self.put(quoted_name(name))
        elif documents or path:
            self.put(b"doc")
        if path:
            self.put(b"->'$" + path + b"'")

    def _path(self, at: i64, end: i64) -> bytes:
        """Return a document path: `.name[0]`."""
        data = self.data
        parts: list[bytes] = []
        fields = Fields(data, at, end)
        while fields.find(1):
            kind = first_number(data, fields.start, fields.stop, 1)
            if kind == 1:
                parts.append(b"." + first_string(data, fields.start, fields.stop, 2))
            elif kind == 2:
                parts.append(b".*")
            elif kind == 3:
                parts.append(b"[" + str(first_number(data, fields.start, fields.stop, 3)).encode() + b"]")
            elif kind == 4:
                parts.append(b"[*]")
            elif kind == 5:
                parts.append(b"**")
        return b"".join(parts)

    def _call(self, at: i64, end: i64, documents: bool, depth: i64) -> None:
        fields = Fields(self.data, at, end)
        while fields.find(1):
            self.put(first_string(self.data, fields.start, fields.stop, 1))
        self.put(b"(")
        self._listed(at, end, documents, 2, depth=depth + 1)
        self.put(b")")

    def _operator(self, at: i64, end: i64, documents: bool, depth: i64) -> None:
        name = first_string(self.data, at, end, 1).lower()
        count: i64 = 0
        fields = Fields(self.data, at, end)
        while fields.next():
            if fields.number == 2:
                count += 1
        if count == 2 and name in INFIX:
            if depth > 0:
                self.put(b"(")
            self._listed(at, end, documents, 2, between=b" " + WORDS.get(name, name) + b" ", depth=depth + 1)
            if depth > 0:
                self.put(b")")
            return
        self.put(name.upper() + b"(")
        self._listed(at, end, documents, 2, depth=depth + 1)
        self.put(b")")

    def _object(self, at: i64, end: i64, documents: bool, depth: i64) -> None:
        data = self.data
        self.put(b"{")
        between = b""
        members = Fields(data, at, end)
        while members.find(1):
            self.put(between)
            between = b", "
            inner = Fields(data, members.start, members.stop)
            while inner.next():
                if inner.number == 1 and inner.wire == BYTES:
                    self.put(b'"' + inner.raw().replace(b'"', b'\\"') + b'": ')
                elif inner.number == 2 and inner.wire == BYTES:
                    self.expression(inner.start, inner.stop, documents, depth + 1)
        self.put(b"}")


def quoted_name(name: bytes) -> bytes:
    """Return a name in backticks."""
    return b"`" + name.replace(b"`", b"``") + b"`"
