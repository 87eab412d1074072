"""Statements as objects of `aurora-wire/scan/1`, written as text at once: there may be millions, and nobody looks at
the fields of one. Compiled. Objects that few statements have are dicts, as everywhere else, and written by `dump`.
"""

from __future__ import annotations

import base64
from json.encoder import encode_basestring_ascii
from typing import Final

from aurora_wire.redact.secrets import shown
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.json_leaked import place_fields
from aurora_wire.report.json_text import Fields, clean, dump, optional
from aurora_wire.report.timestamps import Clock
from aurora_wire.report.values import hash_value
from aurora_wire.verdict.answer_result import AnswerPart, AnswerResult, ColumnResult, ErrorResult
from aurora_wire.verdict.result import LeakedData, Parameter, StatementResult
from aurora_wire.wire.mysql.seven_bytes import is_plain

VALUE_SHOWN: Final = 10_000        # bytes of one value of a row
MAX_SHARED: Final = 1024           # lists of columns whose text is kept,
MAX_SHARED_TEXT: Final = 4 << 20   # and its characters, of all of them


class StatementWriter:
    """Writes statements. redact: mask literals; reveal: show passwords; key: for hashes of values that leaked."""

    def __init__(
        self, clock: Clock, names: FrameNames, *, redact: bool = False, reveal: bool = False, key: bytes = b""
    ) -> None:
        self._clock: Final = clock
        self._names: Final = names
        self._redact: Final = redact
        self._reveal: Final = reveal
        self._key: Final = key
        self._columns: Final[dict[int, tuple[list[ColumnResult], str]]] = {}  # with the list: its id stays its own
        self._size = 0

    def write(self, statement: StatementResult, before: str = "") -> str:
        """Return one line of ASCII, as `dump` writes it. before: fields that come first, each with a comma behind it.
        """
        one = shown(statement, redact=self._redact, reveal=self._reveal)
        parameters = ", ".join([_parameter(each) for each in one.parameters]) if one.parameters else ""
        shown_time = self._clock.show(one.frame, one.time_ns)
        time = "null" if shown_time is None else f'"{shown_time}"'
        text = (
            f'{{{before}"command": {quote(one.command)}, {quote_bytes("sql", one.sql)}, "parameters": [{parameters}], '
            f'"frame": {one.frame}, "time": {time}, "offset": {one.offset}, "length": {one.length}, '
            f'"compressed": {_bool(one.compressed)}, "complete": {_bool(one.complete)}'
        )
        if one.direction == "server":
            text += ', "direction": "server"'
        if one.guessed:
            text += ', "guessed": true'
        if one.leaked:
            text += f', "leaked": [{", ".join([_leaked(each, self._key) for each in one.leaked])}]'
        if one.schema is not None:
            text += f', "schema": {quote(one.schema)}'
        if one.charset is not None:
            text += f', "charset": {quote(one.charset)}'
        if one.fingerprint:
            text += f', {quote_bytes("fingerprint", one.fingerprint)}'
        if one.result is not None:
            text += f', "result": {self._answer(one.result)}'
        if self._names.several:
            text += _more(place_fields(self._names, one.frame))
        return f"{text}}}".replace("\x7f", "\\u007f")

    def _answer(self, answer: AnswerResult) -> str:
        """Return what answered a statement; each of its results where there are several."""
        parts = answer.parts
        if len(parts) == 1:
            part = parts[0]
            text = f'{{"columns": {self._shared(part.columns)}, {_counts(part)}'
        else:
            part = None
            text = f'{{"columns": {_columns(answer.columns)}, {_counts(answer)}'
        error = "null" if answer.error is None else dump(error_fields(answer.error))
        text += f', "error": {error}, "ms": {"null" if answer.ms is None else repr(answer.ms)}'
        if not answer.complete:
            text += ', "partial": true'
        if any(one.out_parameters for one in parts):
            text += ', "out_parameters": true'
        if part is not None:
            text += _values(part)
        elif parts:
            text += f', "results": [{", ".join([_part(one) for one in parts])}]'
        return text + "}"

    def _shared(self, columns: list[ColumnResult]) -> str:
        """Return columns as an array; of the same list, which nobody changes, the same text."""
        if not columns:
            return "[]"
        known = self._columns.get(id(columns))
        if known is not None:
            return known[1]
        text = _columns(columns)
        if len(self._columns) >= MAX_SHARED or self._size > MAX_SHARED_TEXT:
            self._columns.clear()
            self._size = 0
        self._columns[id(columns)] = columns, text
        self._size += len(text)
        return text


def quote(text: str) -> str:
    """Return text in ASCII, lone surrogates as U+FFFD; only DEL stays as it is, to be written for a whole line."""
    written: str = encode_basestring_ascii(text if text.isascii() else clean(text))
    return written


def quote_optional(text: str | None) -> str:
    return "null" if text is None else quote(text)


def quote_bytes(name: str, data: bytes) -> str:
    """Return `"name": "..."`; where the bytes are not valid UTF-8 with U+FFFD in it, and the bytes as `name_base64`."""
    if is_plain(data):
        return f'"{name}": "{data.decode("ascii")}"'
    try:
        return f'"{name}": {quote(data.decode("utf-8"))}'
    except UnicodeDecodeError:
        encoded = base64.b64encode(data).decode("ascii")
        return f'"{name}": {quote(data.decode("utf-8", "replace"))}, "{name}_base64": "{encoded}"'


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _optional(number: int | None) -> str:
    return "null" if number is None else str(number)


def _more(fields: Fields) -> str:
    """Return fields as they follow others."""
    return f", {dump(fields)[1:-1]}" if fields else ""


def _parameter(one: Parameter) -> str:
    return f'{{"type": {quote(one.type)}, {quote_bytes("value", one.value)}, {quote_bytes("name", one.name)}}}'


def _leaked(one: LeakedData, key: bytes) -> str:
    """Return what leaked in one column. key: for the hashes of values; empty where there are none."""
    text = (
        f'{{"class": "{one.data}", "table": {quote_optional(one.table)}, "column": {quote_optional(one.column)}, '
        f'"count": {one.count}, "from": "{one.origin}", "frame": {one.frame}'
    )
    if key and one.values:
        hashes = '", "'.join([hash_value(each, key) for each in one.values])
        text += f', "hashes": ["{hashes}"]'
    if one.last:
        text += f', "last": [{", ".join([quote(each) for each in one.last])}]'
    return text + "}"


def _counts(one: AnswerResult | AnswerPart) -> str:
    return (
        f'"rows": {one.rows}, "bytes": {one.bytes}, "affected": {_optional(one.affected)}, '
        f'"warnings": {_optional(one.warnings)}'
    )


def _part(part: AnswerPart) -> str:
    """Return one of several results of a statement."""
    text = f'{{"columns": {_columns(part.columns)}, {_counts(part)}'
    if not part.complete:
        text += ', "partial": true'
    if part.out_parameters:
        text += ', "out_parameters": true'
    return text + _values(part) + "}"


def _values(part: AnswerPart) -> str:
    """Return the values of the rows that were asked for; nothing where there are none."""
    if not part.values:
        return ""
    return _more({"values": [[None if one is None else value_text(one) for one in row] for row in part.values]})


def value_text(value: bytes) -> str:
    """Return a value of a row as text, bounded; bytes that are none as \\xNN."""
    return clean(value[:VALUE_SHOWN].decode("utf-8", "backslashreplace")) + ("..." if len(value) > VALUE_SHOWN else "")


def _columns(columns: list[ColumnResult]) -> str:
    return dump([column_fields(one) for one in columns])


def column_fields(column: ColumnResult) -> Fields:
    return {
        "schema": clean(column.schema),
        "table": clean(column.table),
        "org_table": clean(column.org_table),
        "name": clean(column.name),
        "org_name": clean(column.org_name),
        "type": clean(column.type),
    }


def error_fields(error: ErrorResult) -> Fields:
    return {"code": error.code, "sqlstate": optional(error.sqlstate), "text": clean(error.text)}
