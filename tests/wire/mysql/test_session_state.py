"""Which schema and character set are in force, and what a statement is in it, in every form of saying so."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aurora_wire.redact.secrets import shown
from aurora_wire.verdict.result import StatementResult
from aurora_wire.wire.mysql.charsets import CHARACTER_SETS, charset_name, find_collation, readable
from aurora_wire.wire.mysql.session_state import SessionState, may_change
from tests.conversations import mysql
from tests.wire.mysql.test_results import connection_of, session

OK = mysql.ok(1)
SESSION_TRACK = 1 << 23


def asked(*texts: bytes) -> list[tuple[bytes, bytes]]:
    return [(mysql.query(text), OK) for text in texts]


def statements_of(folder: Path, *exchanges: tuple[bytes, bytes], caps: int = 0) -> list[StatementResult]:
    return list(connection_of(folder, session(*exchanges, caps=caps)).statements)


def told(*changes: tuple[int, bytes]) -> bytes:
    """Return an OK that tells what changed."""
    state = b"".join(bytes([kind]) + mysql.lestr(body) for kind, body in changes)
    body = b"\0\0\0" + struct.pack("<HH", 2 | 0x4000, 0) + mysql.lestr(b"") + mysql.lestr(state)
    return mysql.packet(1, body)


def test_the_schema_follows_login_init_db_use_and_what_the_server_tells(tmp_path: Path) -> None:
    last = b"SELECT 1"
    found = statements_of(
        tmp_path,
        *asked(last),
        (mysql.init_db(b"second"), OK), *asked(last),
        *asked(b"/* a */ use `third`", last, b"USE fourth; SELECT 1", last),
        (mysql.query(b"USE nowhere"), mysql.err(1049, b"Unknown database 'nowhere'", seq=1)), *asked(last),
        (mysql.query(b"CALL moves()"), told((1, mysql.lestr(b"fifth")))), *asked(last),
        caps=SESSION_TRACK,
    )  # fmt: skip
    schemas = [one.schema for one in found if one.sql == last]
    assert schemas == ["shop", "second", "third", "fourth", "fourth", "fifth"]


@pytest.mark.parametrize(
    "text",
    [
        b"SET NAMES gbk", b"set names 'gbk' collate 'gbk_bin'", b"/*!40101 SET NAMES gbk */", b"SET CHARACTER SET gbk",
        b"SET autocommit=1, @@session.character_set_client = gbk, sql_mode=''", b"SET character_set_client='gbk'",
        b"SET @a = f(1, 2), NAMES gbk", b"-- made by a driver\nSET NAMES `gbk`", b"SET CHARSET gbk",
    ],
)  # fmt: skip
def test_each_way_to_choose_a_character_set_is_known(text: bytes) -> None:
    state = SessionState()
    assert may_change(text, 0, len(text))
    assert state.read_query(text)
    assert charset_name(state.charset) == "gbk"


@pytest.mark.parametrize(
    "text",
    [b"SET GLOBAL character_set_client = gbk", b"SET @names = 'gbk'", b"SELECT 'SET NAMES gbk'", b"SET x = names"],
)
def test_what_only_looks_like_it_changes_nothing(text: bytes) -> None:
    state = SessionState()
    state.read_query(text)
    assert state.charset == -1


@pytest.mark.parametrize(
    ("name", "words"),
    [("gbk", "价格 縗 誠"), ("big5", "許功蓋 中文"), ("cp932", "ソース 表示 ｱｲｳ"), ("latin1", "für Zoë €"),
     ("euckr", "한국어"), ("koi8r", "цена"), ("gb18030", "价格 \U0001f600")],
)  # fmt: skip
def test_statements_are_read_in_their_character_set(tmp_path: Path, name: str, words: str) -> None:
    codec = {charset: codec for charset, codec, _ in CHARACTER_SETS}[name]
    text = f"INSERT INTO t VALUES ('{words}', 'open sesame')"
    crossed = text.encode(codec)
    _, statement, _, executed = statements_of(
        tmp_path, *asked(b"SET NAMES " + name.encode(), crossed),
        (mysql.prepare(b"SELECT ?"), mysql.prepare_ok(1, 1)), (mysql.execute(1, [words.encode(codec)]), OK),
    )  # fmt: skip
    assert (statement.sql.decode(), statement.charset, statement.raw) == (text, name, crossed)
    assert executed.sql.decode() == f"SELECT '{words}'"
    masked = shown(statement, redact=True).sql
    assert b"sesame" not in masked
    assert masked.isascii()
    assert masked.startswith(b"INSERT INTO t VALUES ('")


@pytest.mark.parametrize(("name", "lead"), [("gbk", b"\xbf\x5c"), ("cp932", b"\x83\x5c"), ("big5", b"\xb3\x5c")])
def test_a_password_behind_a_character_that_ends_like_a_backslash_is_found(
    tmp_path: Path, name: str, lead: bytes
) -> None:
    text = b"CREATE USER '" + lead + b"' IDENTIFIED BY 'open sesame'"
    connection = connection_of(tmp_path, session(*asked(b"SET NAMES " + name.encode(), text)))
    statement = connection.statements[1]
    assert b"sesame" not in shown(statement, redact=False).sql
    assert any(one.exchange == "statement" for one in connection.credentials)


def test_latin1_that_is_valid_utf_8_is_left_so() -> None:
    assert readable("Zoë".encode(), find_collation(b"latin1")) == "Zoë".encode()
    assert readable("Zoë".encode("latin-1"), find_collation(b"latin1")) == "Zoë".encode()


def test_what_the_server_tells_of_variables_counts(tmp_path: Path) -> None:
    variable = mysql.lestr(b"character_set_client") + mysql.lestr(b"gbk")
    _, statement = statements_of(
        tmp_path, (mysql.query(b"CALL f()"), told((0, variable), (5, mysql.lestr(b"________")))),
        *asked("SELECT '价'".encode("gbk")), caps=SESSION_TRACK,
    )  # fmt: skip
    assert statement.sql.decode() == "SELECT '价'"


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=80), st.binary(max_size=60))
@example(b"", b"\x03\0\0")  # a GTID of no bytes
def test_no_bytes_raise(text: bytes, state: bytes) -> None:
    made = SessionState()
    may_change(text, 0, len(text))
    made.read_query(text)
    made.read_query(b"SET " + text)
    made.read_changes(state, 0, len(state))
    made.read_changes(b"\0" + bytes([len(state)]) + state, 0, len(state) + 2)
    for name, _, ids in CHARACTER_SETS:
        readable(text, ids[0])
        assert charset_name(find_collation(name.encode())) == name
