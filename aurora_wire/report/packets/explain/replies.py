"""What the server answers, in words: OK, ERR, EOF, results, and the rarer replies.

Source: MySQL Server docs, "OK_Packet", "ERR_Packet", "EOF_Packet", "Text Resultset", "ColumnDefinition41",
"COM_STMT_PREPARE Response", "LOCAL INFILE Request".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aurora_wire.binary import u32
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.login import status_words
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.wire.decoding import roles
from aurora_wire.wire.mysql import capabilities, replies
from aurora_wire.wire.mysql.lenenc import NULL, read_lenenc, read_lestr
from aurora_wire.wire.mysql.parameters import UNSIGNED
from aurora_wire.wire.mysql.types import type_name
from aurora_wire.wire.mysql.values import Value, read_value

if TYPE_CHECKING:
    from aurora_wire.analysis.packets import Packet

MAX_VALUES: Final = 30              # shown of one row
VALUE_LIMIT: Final = 200            # characters of each

CODES: Final = {
    1040: "too many connections", 1043: "bad handshake", 1044: "no access to the database",
    1045: "access denied: user or password", 1064: "syntax error", 1129: "host blocked",
    1130: "host not allowed to connect", 1146: "no such table", 1251: "client too old for the authentication",
    3159: "TLS is required here (the login was sent in the clear all the same)",
    4031: "closed after being idle too long",
}


def explain_reply(fields: FieldReader, agreed: int, known: Packet) -> None:
    """Explain the payload of any packet of the server after the login, by its role."""
    data, at, end, role = fields.rows.data, fields.at, fields.end, known.role
    if fields.left == 0:
        fields.rows.note("An empty packet.")
    elif role in (roles.ERR, roles.EARLY_ERR):
        explain_error(fields)
    elif role == roles.PREPARE_OK and replies.parse_prepare_ok(data, at, end) is not None:
        _explain_prepare_ok(fields)
    elif role == roles.EOF and replies.parse_eof(data, at, end) is not None and fields.whole:
        _explain_eof(fields)
    elif role in (roles.OK, roles.EOF) and fields.whole and replies.parse_ok(data, at, end, agreed) is not None:
        explain_ok(fields, agreed)
    elif role == roles.INFILE_REQUEST and replies.is_infile_request(data, at, end):
        fields.number(1, lambda _: "LOCAL INFILE: the server asks for a file of the client")
        fields.rest(lambda raw: f"file name: {show_bytes(raw, limit=TEXT_LIMIT)}")
    elif role == roles.DEFINITION and replies.is_column_definition(data, at, end):
        if known.number:
            fields.rows.note(f"Definition {known.number} of {known.of}.")
        _explain_column(fields)
    elif role == roles.HEAD and fields.whole and replies.parse_column_count(data, at, end, agreed).count > 0:
        count = replies.parse_column_count(data, at, end, agreed).count
        fields.rest(f"head of a result: {plural(count, 'column')}")
    elif role == roles.BINARY_ROW:
        _explain_binary_row(fields, known.kinds)
    elif role == roles.TEXT_ROW:
        _explain_row(fields)
    elif role == roles.STATISTICS:
        fields.rest(lambda raw: f"a text: {show_bytes(raw, limit=TEXT_LIMIT)}")
    else:
        fields.rows.note("What it answers was not captured, so nobody can tell what it is in its place.")
        fields.rest(lambda raw: f"{plural(len(raw), 'byte')}: {show_bytes(raw, limit=VALUE_LIMIT)}")


def _explain_binary_row(fields: FieldReader, kinds: Sequence[int]) -> None:
    """Explain a zero, a bit for each NULL, and the values, each in the form of its column's type."""
    values = _binary_row(fields, kinds) if fields.whole else None
    if values is None:
        fields.rest(
            lambda raw: f"a row in binary form, {plural(len(raw), 'byte')}: {show_bytes(raw, limit=VALUE_LIMIT)}"
        )
        return
    fields.rest(f"a row of {plural(len(values), 'value')} in binary form, readable:")
    for value in values[:MAX_VALUES]:
        words = "NULL" if value is None else f"{show_bytes(value.literal(), limit=VALUE_LIMIT)} ({value.type_name()})"
        fields.rows.more(words)
    if len(values) > MAX_VALUES:
        fields.rows.more(f"and {len(values) - MAX_VALUES:,} more")


def _binary_row(fields: FieldReader, kinds: Sequence[int]) -> list[Value | None] | None:
    """Return the values, or None where the columns' types are not known or do not fit."""
    data, end = fields.rows.data, fields.end
    nulls = fields.at + 1
    at = nulls + (len(kinds) + 9) // 8
    if not kinds or at > end:
        return None
    values: list[Value | None] = []
    for number, kind in enumerate(kinds, 2):
        if data[nulls + number // 8] >> number % 8 & 1:
            values.append(None)
            continue
        value, at = read_value(data, at, end, kind & 0xFF, kind & UNSIGNED != 0)
        if value is None:
            return None
        values.append(value)
    return values if at == end else None


def explain_ok(fields: FieldReader, agreed: int) -> None:
    ok = replies.parse_ok(fields.rows.data, fields.at, fields.end, agreed)
    if ok is None:
        fields.rest(lambda raw: f"{plural(len(raw), 'byte')} that are no OK packet")
        return
    fields.number(1, lambda number: "OK: done" if number == 0 else "OK: the result ends here")
    _take_count(fields, "rows affected")
    _take_count(fields, "last inserted id")
    if agreed & capabilities.PROTOCOL_41:
        fields.number(2, status_words)
        fields.number(2, lambda number: plural(number, "warning"))
    fields.rest(lambda raw: f"what the server adds: {show_bytes(raw, limit=TEXT_LIMIT)}")


def _take_count(fields: FieldReader, what: str) -> None:
    value, after = read_lenenc(fields.rows.data, fields.at, fields.end)
    fields.take(after - fields.at, lambda _: f"{what}: {value:,}" if value >= 0 else f"{what}: above 2^62")


def explain_error(fields: FieldReader) -> None:
    fields.number(1, lambda _: "ERR: refused, or failed")
    code = fields.number(2, lambda number: f"error code {number}{_code_words(number)}")
    if code is None:
        return
    if fields.left >= 6 and fields.rows.data[fields.at : fields.at + 1] == b"#":
        fields.take(6, lambda raw: f"SQLSTATE {show_bytes(raw[1:])}")
    fields.rest(lambda raw: f"message: {show_bytes(raw, limit=TEXT_LIMIT)}")


def _code_words(code: int) -> str:
    if code == replies.PROGRESS_CODE:
        return ": no error, a progress report of MariaDB"
    words = CODES.get(code)
    return f": {words}" if words else ""


def _explain_eof(fields: FieldReader) -> None:
    fields.number(1, lambda _: "EOF: the columns or the rows end here")
    if fields.left:
        fields.number(2, lambda number: plural(number, "warning"))
        fields.number(2, status_words)


def _explain_prepare_ok(fields: FieldReader) -> None:
    fields.number(1, lambda _: "OK: the statement is prepared")
    fields.number(4, lambda number: f"statement id {number}: COM_STMT_EXECUTE refers to it")
    fields.number(2, lambda number: f"its result has {plural(number, 'column')}")
    fields.number(2, lambda number: f"it takes {plural(number, 'parameter')}")
    if fields.left:
        fields.take(1, "filler")
        fields.number(2, lambda number: plural(number, "warning"))
    if fields.left:
        fields.number(1, lambda number: f"definitions {'follow' if number else 'are left out'}")


def _explain_column(fields: FieldReader) -> None:
    data = fields.rows.data
    texts = []
    at = fields.at
    for _ in range(6):              # catalog, schema, table, original table, name, original name
        start, at = read_lestr(data, at, fields.end)
        texts.append(show_bytes(data[start:at], limit=VALUE_LIMIT))
    place = ".".join(text for text in (texts[1], texts[2]) if text)
    fields.take(at - fields.at, f"column {texts[4] or '(no name)'}{f' of {place}' if place else ''}")
    # MariaDB may put a string with more about the type here; then the fixed part follows it.
    if fields.left > 13 and data[fields.at] != 0x0C:
        _, after = read_lestr(data, fields.at, fields.end)
        fields.take(after - fields.at, "MariaDB's further words about the type")
    if fields.left >= 8:
        fields.rest(lambda raw: f"its type: {type_name(raw[7])}, at most {u32(raw, 3):,} bytes")
    else:
        fields.rest(lambda raw: plural(len(raw), "byte"))


def _explain_row(fields: FieldReader) -> None:
    data, at, end = fields.rows.data, fields.at, fields.end
    values = _text_row(data, at, end) if fields.whole else None
    if values is None:
        what = "a row whose form is not known here" if fields.whole else "the beginning of a row"
        fields.rest(lambda raw: f"{what}, {plural(len(raw), 'byte')}: {show_bytes(raw, limit=VALUE_LIMIT)}")
        return
    fields.rest(f"a row of {plural(len(values), 'value')}, readable:")
    for value in values[:MAX_VALUES]:
        fields.rows.more("NULL" if value is None else show_bytes(value, limit=VALUE_LIMIT))
    if len(values) > MAX_VALUES:
        fields.rows.more(f"and {len(values) - MAX_VALUES:,} more")


def _text_row(data: bytes, at: int, end: int) -> list[bytes | None] | None:
    """Return the values of a text row, or None where the bytes are none."""
    values: list[bytes | None] = []
    while at < end:
        start, after = read_lestr(data, at, end)
        if start == NULL:
            values.append(None)
            after = at + 1
        elif start < 0:
            return None
        else:
            values.append(data[start:after])
        at = after
    return values
