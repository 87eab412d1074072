r"""Masks what a statement says and leaves what it does: for outputs that are handed on (`--redact`).

Literals become `*`, byte for byte: the content of quotes, numbers and comments. Keywords, identifiers (in
backticks too) and operators stay. How the server read a text depends on what the text alone doesn't say:
whether `\` escapes (NO_BACKSLASH_ESCAPES, or the second byte of a character in GBK or Shift JIS) and
whether `/*! ... */` was executed (it depends on the version). So it is read in each way that is possible,
and a byte is shown only where it is outside of literals in all of them.

Source: MySQL 8.4 Reference Manual, "String Literals", "Numeric Literals", "Comments", "Schema Object Names".
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Final

from aurora_wire.verdict.result import ConnectionResult, Parameter, StatementResult

MAX_UNMATCHED: Final = 16  # `$tag$` without its end: each costs a search to the end of the text

# What the text of a command is: SQL, a name (which stays), or data (all of it masked). Data is the rest.
SQL_COMMANDS: Final = frozenset({"COM_QUERY", "COM_STMT_PREPARE", "COM_STMT_EXECUTE"})
NAME_COMMANDS: Final = frozenset({"COM_INIT_DB", "COM_CREATE_DB", "COM_DROP_DB", "COM_FIELD_LIST"})

_TOKEN: Final = re.compile(
    rb"""
      (?P<quote>['"])
    | (?P<name>`)
    | (?P<line>\#|--(?=[\x00-\x20]|\Z))
    | (?P<version>/\*M?!)
    | (?P<comment>/\*)
    | (?P<dollar>\$[A-Za-z0-9_]*\$)
    | (?P<number>(?:[0-9]|\.[0-9])[A-Za-z0-9_$.]*)
    | (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    | (?P<foreign>[\x80-\xff]+)
    | (?P<control>[\x00-\x08\x0e-\x1f\x7f])
    """,
    re.VERBOSE,
)
_EXPONENT: Final = re.compile(rb"[0-9.]+[eE]\Z")
_DIGITS: Final = re.compile(rb"[+-][0-9]+")
_STRING_END: Final = {
    # (quote, backslash escapes): the rest of a string, with its closing quote if there is one
    (b"'", True): re.compile(rb"(?:[^'\\]++|\\.|'')*+('?)", re.DOTALL),
    (b'"', True): re.compile(rb'(?:[^"\\]++|\\.|"")*+("?)', re.DOTALL),
    (b"'", False): re.compile(rb"(?:[^']++|'')*+('?)"),
    (b'"', False): re.compile(rb'(?:[^"]++|"")*+("?)'),
}


def redact_sql(sql: bytes) -> bytes:
    """As many bytes, literals and comments masked. Any bytes are allowed; what is no SQL is masked."""
    escapes = (True, False) if b"\\" in sql else (True,)
    executed = (True, False) if b"/*!" in sql or b"/*M!" in sql else (True,)
    dollars = (True, False) if sql.count(b"$") >= 4 else (False,)
    shown = bytearray(sql)
    for reading in product(escapes, executed, dollars):
        for start, end in _hidden(sql, *reading):
            shown[start:end] = b"*" * (end - start)
    return bytes(shown)


def _hidden(sql: bytes, escapes: bool, executed: bool, dollars: bool) -> list[tuple[int, int]]:
    """Ranges to mask in one reading of the text: ascending, not overlapping."""
    ranges: list[tuple[int, int]] = []
    at, size, unmatched = 0, len(sql), 0
    while (token := _TOKEN.search(sql, at)) is not None:
        kind, start, at = token.lastgroup, token.start(), token.end()
        if kind == "word":
            continue
        if kind == "quote":
            rest = _STRING_END[token.group(), escapes].match(sql, at)
            end = at if rest is None else rest.end()
            closed = rest is not None and rest.group(1) != b""
            ranges.append((at, end - 1 if closed else size))
            at = end if closed else size
        elif kind == "name":
            end = sql.find(b"`", at)
            if end < 0:  # no identifier ends here: it may be anything
                ranges.append((start, size))
                break
            at = end + 1
        elif kind == "line":
            end = sql.find(b"\n", at)
            at = size if end < 0 else end
            ranges.append((start + 1 if sql[start] == ord("#") else start + 2, at))
        elif kind == "comment" or (kind == "version" and not executed):
            end = sql.find(b"*/", at)
            if kind == "comment":
                ranges.append((at, size if end < 0 else end))
            at = size if end < 0 else end + 2
        elif kind == "dollar":
            end = sql.find(token.group(), at) if dollars else -1
            if end >= 0:
                ranges.append((at, end))
                at = end + len(token.group())
            elif dollars:
                unmatched += 1
                if unmatched > MAX_UNMATCHED:
                    ranges.append((start, size))
                    break
        elif kind == "number":
            if _EXPONENT.match(token.group()) and (sign := _DIGITS.match(sql, at)) is not None:
                at = sign.end()
            ranges.append((start, at))
        elif kind == "foreign":
            ranges.append((start, at))
        elif kind == "control":  # outside of quotes no statement has one: what follows is no SQL
            ranges.append((start, size))
            break
    return ranges


def redact_statement(statement: StatementResult) -> StatementResult:
    """A copy with its literals masked. What is neither SQL nor a name (such as long data) is masked whole."""
    if statement.command in SQL_COMMANDS:
        sql = redact_sql(statement.sql)
    elif statement.command in NAME_COMMANDS:
        sql = statement.sql
    else:
        sql = b"*" * len(statement.sql)
    parameters = [Parameter(p.type, redact_sql(p.value), p.name) for p in statement.parameters]
    return replace(statement, sql=sql, parameters=parameters)


def redact_attributes(connection: ConnectionResult) -> dict[str, str]:
    """Connection attributes; those that the application made up itself (without `_`) lose their values."""
    return {
        name: value if name.startswith("_") or name == "program_name" else "*" * len(value)
        for name, value in connection.attributes.items()
    }
