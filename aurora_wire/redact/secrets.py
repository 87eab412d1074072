"""Statements without the passwords and keys in them: what reports show unless they are asked to reveal them."""

from __future__ import annotations

import re
from typing import Final

from aurora_wire.immutable import replace
from aurora_wire.redact.answers import SYNTAX_ERROR, redact_error, without
from aurora_wire.redact.sql import SQL_COMMANDS, redact_statement
from aurora_wire.verdict.answer_result import ErrorResult
from aurora_wire.verdict.result import Parameter, StatementResult
from aurora_wire.wire.mysql.sql_secrets import find_all_secrets, may_hold_secret, read_content

# A password before the host of an address, as the engines FEDERATED and CONNECT have it: mysql://user:password@host/.
_IN_ADDRESS: Final = re.compile(rb"://[^\s/:@'\"]{0,256}:([^\s/@'\"]{1,256})@")


def shown(statement: StatementResult, *, redact: bool, reveal: bool = False) -> StatementResult:
    """Return the statement as a report may show it: masked, or as it crossed but for secrets, or with them."""
    if redact:
        return redact_statement(statement)
    return statement if reveal else without_secrets(statement)


def without_secrets(statement: StatementResult) -> StatementResult:
    """Return the statement with each password, hash and key in its text masked, byte for byte."""
    sql = statement.sql
    if statement.command not in SQL_COMMANDS:
        return statement
    announced = may_hold_secret(sql, 0, len(sql), len(sql))
    in_address = list(_IN_ADDRESS.finditer(sql)) if b"://" in sql else []
    if not announced and not in_address:
        return statement
    masked = bytearray(sql)
    values: set[bytes] = set()
    contents: set[bytes] = set()
    for address in in_address:
        masked[address.start(1) : address.end(1)] = b"*" * len(address[1])
        contents.add(address[1])
    for found in find_all_secrets(sql) if announced else []:
        literal = sql[found.start : found.end]
        content = read_content(literal, 0, len(literal))
        if found.parameter >= 0 or not content:
            continue
        begin = found.start + literal.find(content)
        masked[begin : begin + len(content)] = b"*" * len(content)
        values.add(literal)
        contents.add(content)
    if not contents:
        return statement
    parameters = [
        Parameter(one.type, b"'***'" if one.value in values else one.value, one.name) for one in statement.parameters
    ]
    result = statement.result
    if result is not None:
        result = without(result, contents)
    return replace(statement, sql=bytes(masked), parameters=parameters, result=result, raw=None)


def shown_error(error: ErrorResult, *, redact: bool, reveal: bool = False) -> ErrorResult:
    """Return an error as a report may show it. One that repeats a statement with a password in it is masked, too."""
    text = error.text.encode("utf-8", "surrogatepass")
    hides = error.code == SYNTAX_ERROR and not reveal and may_hold_secret(text, 0, len(text))
    return redact_error(error) if redact or hides else error
