"""Masks what a server answered: texts of errors, names of columns that are no names but values, values of rows.

A text of an error repeats what a client sent or what a row holds, in quotes that do not nest, and where a procedure
signals it, without any. So of such a text only words stay that servers' own texts are made of.
Source: MySQL 9 Error Message Reference; MariaDB Error Codes.
"""

from __future__ import annotations

import re
from typing import Final

from aurora_wire.immutable import replace
from aurora_wire.verdict.answer_result import AnswerPart, AnswerResult, ColumnResult, ErrorResult

SYNTAX_ERROR: Final = 1064    # its text repeats the statement from some place on

_WORDS: Final = frozenset((
    b"a about access account action active add after all allowed already alter an and another any are argument "
    b"arguments as at auto be because been before blob blocked but by call called can cannot cant change changed "
    b"character charset check child clause client cluster collation column columns command commands commit "
    b"configuration connect connection connections constraint contains converting corresponds could couldn count "
    b"create current cursor data database datetime deadlock decimal default delete denied did different do does "
    b"doesn don double drop duplicate during each eliminate empty engine entry error errors event exceeded exceeds "
    b"execute executed exist existing exists expected expression failed failing fails field fields file float for "
    b"foreign found from full function get global grant group handler has have host id identifier if illegal in "
    b"incorrect index innodb input insert instead int integer internal interrupted into invalid is isn it its json "
    b"key keys large length level limit line list local lock locked long lost manual many mariadb match matching "
    b"max maximum may missing mix mixed more multiple must mysql name near need needs no non not null number "
    b"object of off on one only operand operation option or order orderby out outside packet parameter parent "
    b"parse partition password permission please plugin position possible prepare prepared preparing primary "
    b"privilege privileges procedure query range read recursive reference referenced references rejected "
    b"replication resource restarting result retry return right role rollback row rows running savepoint schema "
    b"select server session set should shut shutdown sigkill size so some specified sql statement statements "
    b"storage string subquery supported syntax system t table tables than that the there this time timeout to too "
    b"transaction trigger truncated trx try trying type unable unblock undeclared unique unknown unsigned update "
    b"updating upgrade use used user users uses using value values variable version view violated violates wait "
    b"waiting was were when where which with within without work write wrong yes you your"
).split())  # fmt: skip
_WORD: Final = re.compile(rb"[^\s'\"`(),;:.?!*]+")
_QUOTED: Final = re.compile(rb"'[^']*'|\"[^\"]*\"|`[^`]*`")
_STARS: Final = re.compile(rb"[^\s'\"`]")
_NAME: Final = re.compile(rb"[A-Za-z0-9_$\x80-\xff]")


def redact_message(text: str) -> str:
    """Return the text of an error with all masked but the words that such texts are made of."""
    raw = text.encode("utf-8", "surrogatepass")
    raw = _QUOTED.sub(lambda found: found[0][:1] + _STARS.sub(b"*", found[0][1:-1]) + found[0][-1:], raw)
    return _WORD.sub(_masked_word, raw).decode("utf-8", "replace")


def _masked_word(found: re.Match[bytes]) -> bytes:
    word = found[0]
    return word if word.lower() in _WORDS else b"*" * len(word)


def redact_error(error: ErrorResult) -> ErrorResult:
    return replace(error, text=redact_message(error.text))


def redact_answer(answer: AnswerResult, shown_sql: bytes) -> AnswerResult:
    """Mask what came back. shown_sql: the statement as it will be shown; names that stand in it may be shown, too."""
    known: dict[ColumnResult, ColumnResult] = {}
    parts = [
        replace(part, columns=[_column(one, shown_sql, known) for one in part.columns], values=[])
        for part in answer.parts
    ]
    return replace(answer, parts=parts, error=None if answer.error is None else redact_error(answer.error))


def _column(column: ColumnResult, shown_sql: bytes, known: dict[ColumnResult, ColumnResult]) -> ColumnResult:
    """Mask a column's names where they are no names: of an expression, or as the statement calls it."""
    masked = known.get(column)
    if masked is not None:
        return masked
    name, org_name = column.name, column.org_name
    if not column.org_table or name.lower() != org_name.lower():
        name = name if stands_in(name, shown_sql) else "*" * len(name)
    if not column.org_table:
        org_name = org_name if stands_in(org_name, shown_sql) else "*" * len(org_name)
    masked = replace(column, name=name, org_name=org_name)
    known[column] = masked
    return masked


def stands_in(name: str, shown_sql: bytes) -> bool:
    """Return whether a text shows this name already, as a whole."""
    raw = name.encode("utf-8", "surrogatepass")
    at = shown_sql.find(raw) if raw else -1
    while at >= 0:
        before, after = shown_sql[:at][-1:], shown_sql[at + len(raw) :][:1]
        if not (_NAME.match(raw) and before and _NAME.match(before)) and not (
            _NAME.match(raw[-1:]) and after and _NAME.match(after)
        ):
            return True
        at = shown_sql.find(raw, at + 1)
    return False


def without(answer: AnswerResult, secrets: set[bytes]) -> AnswerResult:
    """Mask secrets of a statement where the answer repeats them: in an error's text, and in names of expressions."""

    def clear(text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        for secret in sorted(secrets, key=len, reverse=True):
            raw = raw.replace(secret, b"*" * len(secret))
        return raw.decode("utf-8", "replace")

    def part(one: AnswerPart) -> AnswerPart:
        columns = [replace(column, name=clear(column.name), org_name=clear(column.org_name)) for column in one.columns]
        return replace(one, columns=columns)

    error = answer.error
    if error is not None:
        # A syntax error's text may begin in the middle of one.
        error = redact_error(error) if error.code == SYNTAX_ERROR else replace(error, text=clear(error.text))
    return replace(answer, parts=[part(one) for one in answer.parts], error=error)
