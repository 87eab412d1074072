"""What is masked in a statement that is handed on, and what stays."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aurora_wire.redact.sql import redact_sql, redact_statement
from aurora_wire.verdict.result import Parameter, StatementResult

CASES = {
    b"SELECT name FROM t1 WHERE id = 42": b"SELECT name FROM t1 WHERE id = **",
    b"INSERT INTO t VALUES ('secret', \"two\")": b"INSERT INTO t VALUES ('******', \"***\")",
    b"SELECT 'it''s', 'x'": b"SELECT '*****', '*'",
    b"SELECT -1.5e+10, .5, 1e5": b"SELECT -*******, **, ***",
    b"SELECT 0xDEADBEEF, x'4D79', b'01'": b"SELECT **********, x'****', b'**'",
    b"SELECT `odd 'name`, 'x' FROM `t``2`": b"SELECT `odd 'name`, '*' FROM `t``2`",
    b"SELECT 1 -- key 7a\n+ 2": b"SELECT * --*******\n+ *",
    b"SELECT 5--3": b"SELECT *--*",
    b"SELECT 1 # secret": b"SELECT * #*******",
    b"SELECT /* trace=ab */ a": b"SELECT /*" + b"*" * 10 + b"*/ a",
    b"SELECT /*+ MAX_EXECUTION_TIME(10) */ a": b"SELECT /*" + b"*" * 25 + b"*/ a",
    b"/*!40101 SET NAMES 'utf8' */": b"/*!***** SET NAMES '****' */",
    b"SET @pin := 1234, @@x.y = 1": b"SET @pin := ****, @@x.y = *",
    b"SELECT _utf8mb4'abc', N'd', DATE '2021-03-17'": b"SELECT _utf8mb4'***', N'*', DATE '**********'",
    b"CREATE USER 'bob'@'%' IDENTIFIED BY 'pw'": b"CREATE USER '***'@'*' IDENTIFIED BY '**'",
    b"SELECT * FROM t2 WHERE a IN (?, ?)": b"SELECT * FROM t2 WHERE a IN (?, ?)",
    b"SELECT 'never closed, 1": b"SELECT '***************",
    b"SELECT `never closed": b"SELECT *************",
    b"SELECT /* never closed": b"SELECT /*" + b"*" * 13,
    b"CREATE FUNCTION f() AS $js$ return 'key' $js$": b"CREATE FUNCTION f() AS $js$**************$js$",
    b"": b"",
}

SHIFT_JIS = (b"\x83\\", b"\xb1", b"\xb1\\'", b"\\'", b"\x95\\", b"a", b"\xb1\\\\")


@pytest.mark.parametrize("sql", CASES)
def test_literals_and_comments_are_masked_and_names_stay(sql: bytes) -> None:
    assert redact_sql(sql) == CASES[sql]


# Each holds `secret` (or `7a7a`) in a literal for at least one way of reading it.
TWO_READINGS = [
    rb"SELECT 'a\', 'secret'",  # NO_BACKSLASH_ESCAPES: the first string ends at \'
    rb"SELECT 'a\' secret'",
    rb'SELECT "a\", "secret"',
    b"SELECT '\xbf\\', 'secret'",  # GBK: BF 5C is one character
    b"/*!99999 it's */ SELECT 'secret'",  # not executed: a comment, where a quote means nothing
    b"/*!50000 SELECT 'secret */ secret' */",
    b"SELECT '\\\\', 'secret', '\\'",
    b"SELECT $$ ' $$ , 'secret'",
    b"SELECT $$secret",
    b"CREATE FUNCTION f() AS $js$ return secret",
    b"SELECT a$$b ' , $$ secret'",
    b"/*!99999 /* ' */ ' */ SELECT 'secret'",  # not executed, and the comment inside it counts
    b"SELECT `\x83\x60` = 'secret', `b`",  # Shift JIS: 83 60 is one character
    b"SELECT \x83\x60, 'secret', `b`",
    rb"""SELECT 'y\'', "c'\", "'", 'secret'""",  # ANSI_QUOTES: no escapes in "..."
    b"SELECT '\xbf\\', 'it\\'s', 'secret', '\xbf\\'",
]


@pytest.mark.parametrize("sql", TWO_READINGS)
def test_what_is_a_literal_in_one_reading_is_masked_in_all(sql: bytes) -> None:
    assert b"secret" not in redact_sql(sql)


def test_bytes_that_are_no_sql_are_masked_to_the_end() -> None:
    assert redact_sql(b"SELECT a\x00\x01 secret words") == b"SELECT a" + b"*" * 15
    assert redact_sql("SELECT “secret”".encode("utf-16-le")).strip(b"*") == b"S"


def test_long_data_is_no_sql_and_is_masked_whole_while_a_database_name_stays() -> None:
    def of(command: str, sql: bytes) -> bytes:
        return redact_statement(StatementResult(command, sql, 1, None)).sql

    assert of("COM_STMT_SEND_LONG_DATA", b"Dear diary") == b"*" * 10
    assert of("COM_INIT_DB", b"shop") == b"shop"
    assert of("COM_QUERY", b"USE shop") == b"USE shop"


def test_parameters_are_masked_and_the_statement_itself_is_left_as_it_was() -> None:
    statement = StatementResult("COM_STMT_EXECUTE", b"SELECT 7, 'x'", 1, None)
    values = [("LONGLONG", b"7"), ("VAR_STRING", b"'x'"), ("NULL", b"NULL")]
    statement.parameters = [Parameter(type_, value) for type_, value in values]
    masked = redact_statement(statement)
    assert [p.value for p in masked.parameters] == [b"*", b"'*'", b"NULL"]
    assert masked.sql == b"SELECT *, '*'"
    assert statement.sql == b"SELECT 7, 'x'"


PIECES = [
    b"'",
    b'"',
    b"`",
    b"\\",
    b"/*",
    b"*/",
    b"/*!",
    b"-- ",
    b"#",
    b"\n",
    b"$$",
    b"1e",
    b"+5",
    b" ",
    b"x",
    b"\x00",
    b"\xe4\xbd",
    b"SELECT",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3)).map(b"".join))
@example(b"'" * 1000 + b"\\" * 1000)
def test_any_bytes_keep_their_length_and_are_shown_or_masked(sql: bytes) -> None:
    masked = redact_sql(sql)
    assert len(masked) == len(sql)
    assert all(m in (s, ord("*")) for m, s in zip(masked, sql, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.sampled_from([b"'", b'"']))
def test_no_content_of_a_well_quoted_string_is_shown(content: bytes, quote: bytes) -> None:
    quoted = content.replace(b"\\", b"\\\\").replace(quote, quote * 2)
    masked = redact_sql(b"SELECT a, " + quote + quoted + quote)
    start = len(b"SELECT a, ") + 1
    assert masked[start : start + len(quoted)].strip(b"*") in (b"", quote)
    assert not re.search(rb"[0-9A-Za-z\x80-\xff]", masked[start:])


def test_identifiers_in_utf_8_stay_beside_backslashes() -> None:
    sql = "SELECT `価格`, `é` FROM t WHERE a = 'x\\'y'".encode()
    assert redact_sql(sql) == "SELECT `価格`, `é` FROM t WHERE a = '****'".encode()


def test_a_long_statement_is_masked_in_linear_time() -> None:
    sql = b"INSERT INTO t VALUES " + b",".join(b"(1,'a\\'b','c')" for _ in range(20_000))
    assert len(redact_sql(sql)) == len(sql)
    assert len(redact_sql(b"$a$" * 30_000)) == 90_000
    assert len(redact_sql(b"`" * 100_001)) == 100_001
    assert len(redact_sql(b"/*!/*" * 10_000 + b"\\" + b"$1a$" * 5_000)) == 70_001


@given(st.lists(st.lists(st.sampled_from(SHIFT_JIS), max_size=4), min_size=1, max_size=3))
def test_no_literal_of_shift_jis_is_left_whose_characters_have_one_byte_or_two(literals: list[list[bytes]]) -> None:
    """A half-width character before a backslash is one byte, which GBK would take for the first of two."""
    text = b"SELECT " + b", ".join(b"'" + b"".join(pieces) + b"SECRET'" for pieces in literals)
    assert b"SECRET" not in redact_sql(text)


def test_a_half_width_character_before_a_pair_is_no_pair() -> None:
    assert b"SECRET" not in redact_sql(b"SELECT '\\'SECRET', '\\'\xb1\x83\\\\'SECRET'")
