r"""Masks what a statement says and leaves what it does: for outputs that are handed on (`--redact`).

Literals become `*`, byte for byte: the content of quotes, numbers and comments. Keywords, identifiers (in
backticks too) and operators stay. How the server read a text depends on what the text alone doesn't say:
whether `\` escapes (NO_BACKSLASH_ESCAPES; in "..." not with ANSI_QUOTES either), whether `/*! ... */` was
executed (it depends on the version), whether `$tag$` quotes (since 9.0), and whether a backslash or
backtick is the second byte of a character (GBK, Shift JIS, Big5). So it is read in each way that is
possible, and a byte is shown only where it is outside of literals in all of them.

Source: MySQL 8.4 Reference Manual, "String Literals", "Numeric Literals", "Comments", "Schema Object Names".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from itertools import product
from typing import Final

from aurora_wire.immutable import replace
from aurora_wire.redact.answers import redact_answer
from aurora_wire.verdict.result import ConnectionResult, Parameter, StatementResult
from aurora_wire.wire.mysql.charsets import find_collation, readable
from aurora_wire.wire.mysql.sql_lexer import (
    ANSI_QUOTES,
    BIG5,
    BITS,
    COMMENT,
    CONTROL,
    DOLLAR,
    DOLLARS,
    GBK,
    HEX,
    NAME,
    NESTS,
    NO_BACKSLASH_ESCAPES,
    NUMBER,
    PAIRS,
    SJIS,
    SKIPS,
    TAG,
    TEXT,
    UNCLOSED,
    UNCLOSED_COMMENT,
    VERSION,
    WORD,
    content_bounds,
    is_utf8,
    read_token,
)

HASH: Final = 0x23
DOLLAR_SIGN: Final = 0x24
SLASH: Final = 0x2F
BACKTICK: Final = 0x60

# What the text of a command is: SQL, a name (which stays), or data (all of it masked). Data is the rest.
SQL_COMMANDS: Final = frozenset(
    {"COM_QUERY", "COM_STMT_PREPARE", "COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE",
     "BINLOG_QUERY", "BINLOG_LOAD_DATA", "BINLOG_ROWS_QUERY", "BINLOG_ANNOTATE_ROWS",
     "StmtExecute", "Find", "Insert", "Update", "Delete", "CreateView", "ModifyView", "DropView", "Prepare",
     "PrepareExecute", "CursorOpen"}  # messages of X Protocol, as they are written here
)  # fmt: skip
NAME_COMMANDS: Final = frozenset({"COM_INIT_DB", "COM_CREATE_DB", "COM_DROP_DB", "COM_FIELD_LIST"})

_FOREIGN_PAIR: Final = re.compile(rb"[\x81-\xfe][\x5c\x60]")  # `\` or a backtick that may be half a character
# What a word is made of that begins with `$` or is not ASCII. Nobody knows the character set: what is not ASCII is
# masked, and what follows it, or a `$tag$`, is read by itself.
_PART: Final = rb"\$[A-Za-z0-9_]*\$|(?P<number>[0-9][A-Za-z0-9_$]*)|[A-Za-z_$][A-Za-z0-9_$]*|(?P<foreign>(?:%b)+)"
_PARTS: Final = re.compile(_PART % rb"[\x80-\xff]")
_PARTS_IN_PAIRS: Final = re.compile(_PART % rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")

# Accounts, which are names of users without quotes: `grant select on *.* to app@localhost`. Read once literals are
# masked.
_ACCOUNT_AT: Final = re.compile(
    rb"""(?P<user>[A-Za-z0-9_$\x80-\xff*]+|`[^`]*`|'[^']*'|"[^"]*")@(?!@)(?P<host>[A-Za-z0-9_.$%:*-]+|`[^`]*`)?"""
)
_ACCOUNTS: Final = re.compile(
    rb"(?:\A|;|\*/)\s*(?:(?:create|alter|drop|rename)\s+(?:or\s+replace\s+)?(?:user|role)\b|set\s+password\b"
    rb"|set\s+(?:default\s+)?role\b|show\s+grants\b|show\s+create\s+user\b|(?:grant|revoke)\b[^;]*?\b(?:to|from)\b)"
    rb"(?P<rest>[^;]*)|\bdefiner\s*=(?P<definer>\s*[^\s;@]+)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(rb"[A-Za-z0-9_$\x80-\xff]+|`[^`]*`")
_ACCOUNT_WORDS: Final = frozenset(
    b"account admin all and any as attribute by cipher comment create current current_role current_user day default "
    b"discard every except exists expire factor failed_login_attempts for from grant grants history identified if "
    b"initial authentication interval issuer lock max_connections_per_hour max_queries_per_hour max_statement_time "
    b"max_updates_per_hour max_user_connections never none not old on option optional or password password_lock_time "
    b"random replace require retain reuse role ssl subject to unbounded unlock user using via with x509".split()
)

def redact_sql(sql: bytes) -> bytes:
    """Mask literals and comments; as many bytes are returned. Any bytes are allowed; what is no SQL is masked."""
    shown = bytearray(sql)
    for reading in _readings(sql):
        for start, end in _hidden(sql, reading):
            shown[start:end] = b"*" * (end - start)
    if b"@" in shown or _ACCOUNTS.search(shown):
        for start, end in list(_accounts(bytes(shown))):
            shown[start:end] = b"*" * (end - start)
    return bytes(shown)


def _accounts(shown: bytes) -> Iterator[tuple[int, int]]:
    """Return the names of users and hosts in a text whose literals are masked."""
    for found in _ACCOUNT_AT.finditer(shown):
        for part in ("user", "host"):
            start, end = found.span(part)
            if start >= 0 and shown[start : start + 1] in (b"`", b"'", b'"'):
                start, end = start + 1, end - 1
            if start < end:
                yield start, end
    for found in _ACCOUNTS.finditer(shown):
        group = "rest" if found["rest"] is not None else "definer"
        for name in _NAME.finditer(shown, *found.span(group)):
            if name[0].startswith(b"`"):
                yield name.start() + 1, name.end() - 1
            elif name[0].lower() not in _ACCOUNT_WORDS:
                yield name.span()


def _readings(sql: bytes) -> Iterator[int]:
    """Yield the modes in which a text may be read: nearly always one, others only if they would make a difference."""
    versioned = b"/*!" in sql or b"/*M!" in sql
    for modes in product(
        (0, ANSI_QUOTES, NO_BACKSLASH_ESCAPES) if b"\\" in sql else (0,),
        (0, SKIPS, SKIPS | NESTS) if versioned else (0,),
        (0, DOLLARS) if sql.count(b"$") >= 2 else (0,),
        (0, GBK, SJIS, BIG5) if _FOREIGN_PAIR.search(sql) and not is_utf8(sql) else (0,),
    ):
        yield sum(modes)


def _hidden(sql: bytes, mode: int) -> Iterator[tuple[int, int]]:
    """Yield ranges to mask in one reading: ascending, not overlapping."""
    at, size = 0, len(sql)
    while at < size:
        start = at
        kind, at = read_token(sql, start, size, mode)
        if kind == WORD:
            if sql[start] == DOLLAR_SIGN or not sql[start:at].isascii():
                at = yield from _parts(sql, start, at, mode)
        elif kind in (TEXT, HEX, BITS):
            yield content_bounds(sql, start, at)
        elif kind == NUMBER:
            yield start, at
        elif kind == NAME:
            if sql[start] != BACKTICK:
                yield start + 1, at - 1
        elif kind == COMMENT:
            yield start + (1 if sql[start] == HASH else 2), at - 2 if sql[start] == SLASH else at
        elif kind == UNCLOSED_COMMENT:
            yield start + 2, size
        elif kind == UNCLOSED:  # whatever it is, it is masked
            yield start if sql[start] == BACKTICK else content_bounds(sql, start, at)[0], size
        elif kind == VERSION:
            at = sql.index(b"!", start) + 1  # its number is masked as any other
        elif kind == CONTROL:  # outside of quotes no statement has one: what follows is no SQL
            yield start, size
            return
        elif kind == DOLLAR:
            tag_size = sql.index(b"$", start + 1) + 1 - start
            yield start + tag_size, at - tag_size
        elif kind == TAG:  # the text may be cut: all behind it is masked, as behind a quote that nothing closes
            yield at, size
            return


def _parts(sql: bytes, start: int, stop: int, mode: int) -> Generator[tuple[int, int], None, int]:
    """Yield what to mask of a word; returns where to go on: a number at its end may be longer than the word."""
    for part in (_PARTS_IN_PAIRS if mode & PAIRS else _PARTS).finditer(sql, start, stop):
        begin, end = part.span()
        if part["number"] is not None and end == stop:
            _, stop = read_token(sql, begin, len(sql), mode)
            yield begin, stop
        elif part["number"] is not None or part["foreign"] is not None:
            yield begin, end
    return stop


def redact_statement(statement: StatementResult) -> StatementResult:
    """Return a copy with its literals masked. What is neither SQL nor a name (such as long data) is masked whole."""
    if statement.command in SQL_COMMANDS:
        sql = masked_text(statement, redact_sql)
    elif statement.command in NAME_COMMANDS:
        sql = statement.sql
    else:
        sql = b"*" * len(statement.sql)
    parameters = [Parameter(p.type, redact_sql(p.value), p.name) for p in statement.parameters]
    result = statement.result
    if result is not None:
        result = redact_answer(result, sql)
    return replace(
        statement, sql=sql, parameters=parameters, result=result, raw=None,
        fingerprint=redact_sql(statement.fingerprint),
    )  # fmt: skip


def masked_text(statement: StatementResult, mask: Callable[[bytes], bytes]) -> bytes:
    """Return a statement's text masked. What crossed in another character set than UTF-8 is masked as it crossed, in
    all ways in which a server may have read it: that we were told of each change of it is not certain.
    """
    if statement.raw is None:
        return mask(statement.sql)
    return readable(mask(statement.raw), find_collation((statement.charset or "").encode()))


def redact_attributes(connection: ConnectionResult) -> dict[str, str]:
    """Mask connection attributes: those that the application made up itself (without `_`) lose their values."""
    return {
        name: value if name.startswith("_") or name == "program_name" else "*" * len(value)
        for name, value in connection.attributes.items()
    }
