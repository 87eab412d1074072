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
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from aurora_wire.redact.answers import redact_answer
from aurora_wire.verdict.result import ConnectionResult, Parameter, StatementResult

MAX_UNMATCHED: Final = 16  # `$tag$` without its end: each costs a search to the end of the text

# What the text of a command is: SQL, a name (which stays), or data (all of it masked). Data is the rest.
SQL_COMMANDS: Final = frozenset(
    {"COM_QUERY", "COM_STMT_PREPARE", "COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE",
     "StmtExecute", "Find", "Insert", "Update", "Delete", "CreateView", "ModifyView", "DropView", "Prepare",
     "PrepareExecute", "CursorOpen"}  # messages of X Protocol, as they are written here
)  # fmt: skip
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
_FOREIGN_PAIR: Final = re.compile(rb"[\x81-\xfe][\x5c\x60]")  # `\` or a backtick that may be half a character
_PAIR: Final = rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]"


def _rest(quote: bytes, escapes: bool, pairs: bool) -> re.Pattern[bytes]:
    """Return what follows an opening quote: the content, with a group for the closing quote if there is one."""
    pair = _PAIR + b"|" if pairs else b""
    escape = rb"\\.|" if escapes else b""
    plain = rb"[^%b\\]" % quote if escapes else b"[^%b]" % quote
    return re.compile(b"(?:%b%b%b|%b)*+(%b?)" % (pair, escape, plain, quote * 2, quote), re.DOTALL)


_REST: Final = {
    (quote, escapes, pairs): _rest(quote, escapes, pairs)
    for quote, escapes, pairs in product((b"'", b'"', b"`"), (True, False), (True, False))
}
_FOREIGN: Final = re.compile(b"(?:%b|[\x80-\xff])+" % _PAIR)

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

EXECUTED, SKIPPED, SKIPPED_WITH_NESTED = range(3)  # what became of a `/*! ... */`


class _Reading(NamedTuple):
    """One way in which the server may have read the text."""

    escaping: bytes         # the quotes in which a backslash escapes
    versions: int
    dollars: bool           # `$tag$` quotes
    pairs: bool             # a character may have two bytes, of which the second looks like ASCII


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


def _readings(sql: bytes) -> Iterator[_Reading]:
    """Yield the readings of a text: nearly always one, others only if they would make a difference to it."""
    versioned = b"/*!" in sql or b"/*M!" in sql
    for reading in product(
        (b"'\"", b"'", b"") if b"\\" in sql else (b"'\"",),
        (EXECUTED, SKIPPED, SKIPPED_WITH_NESTED) if versioned else (EXECUTED,),
        (False, True) if sql.count(b"$") >= 4 else (False,),
        (False, True) if _FOREIGN_PAIR.search(sql) and not _is_utf8(sql) else (False,),
    ):
        yield _Reading(*reading)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _hidden(sql: bytes, reading: _Reading) -> Iterator[tuple[int, int]]:
    """Yield ranges to mask in one reading: ascending, not overlapping."""
    at, size, unmatched = 0, len(sql), 0
    while (token := _TOKEN.search(sql, at)) is not None:
        kind, start, at = token.lastgroup, token.start(), token.end()
        if kind in ("quote", "name"):
            escapes = token.group() in reading.escaping
            rest = _REST[token.group(), escapes, reading.pairs].match(sql, at)
            if rest is None or not rest.group(1):  # it ends nowhere: whatever it is, it is masked
                yield start if kind == "name" else at, size
                return
            if kind == "quote":
                yield at, rest.end() - 1
            at = rest.end()
        elif kind == "line":
            end = sql.find(b"\n", at)
            yield at, size if end < 0 else end
            at = size if end < 0 else end
        elif kind == "comment":
            end = sql.find(b"*/", at)
            yield at, size if end < 0 else end
            at = size if end < 0 else end + 2
        elif kind == "version" and reading.versions != EXECUTED:
            at = _end_of_version(sql, at, nested=reading.versions == SKIPPED_WITH_NESTED)
        elif kind == "dollar" and reading.dollars:
            end = sql.find(token.group(), at)
            if end >= 0:
                yield at, end
                at = end + len(token.group())
                continue
            unmatched += 1
            if unmatched > MAX_UNMATCHED:
                yield start, size
                return
        elif kind == "number":
            if _EXPONENT.match(token.group()) and (sign := _DIGITS.match(sql, at)) is not None:
                at = sign.end()
            yield start, at
        elif kind == "foreign":
            if reading.pairs and (pairs := _FOREIGN.match(sql, start)) is not None:
                at = pairs.end()
            yield start, at
        elif kind == "control":  # outside of quotes no statement has one: what follows is no SQL
            yield start, size
            return


def _end_of_version(sql: bytes, at: int, *, nested: bool) -> int:
    """Return the place behind the `*/` of a `/*! ... */` that the server skipped; comments inside it count."""
    while True:
        end = sql.find(b"*/", at)
        if end < 0:
            return len(sql)
        inner = sql.find(b"/*", at, end) if nested else -1
        if inner < 0:
            return end + 2
        close = sql.find(b"*/", inner + 2)
        if close < 0:
            return len(sql)
        at = close + 2


def redact_statement(statement: StatementResult) -> StatementResult:
    """Return a copy with its literals masked. What is neither SQL nor a name (such as long data) is masked whole."""
    if statement.command in SQL_COMMANDS:
        sql = redact_sql(statement.sql)
    elif statement.command in NAME_COMMANDS:
        sql = statement.sql
    else:
        sql = b"*" * len(statement.sql)
    parameters = [Parameter(p.type, redact_sql(p.value), p.name) for p in statement.parameters]
    result = statement.result
    if result is not None:
        result = redact_answer(result, sql)
    return replace(statement, sql=sql, parameters=parameters, result=result)


def redact_attributes(connection: ConnectionResult) -> dict[str, str]:
    """Mask connection attributes: those that the application made up itself (without `_`) lose their values."""
    return {
        name: value if name.startswith("_") or name == "program_name" else "*" * len(value)
        for name, value in connection.attributes.items()
    }
