"""Secrets in SQL text: each statement that carries one, what only looks like one, and any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import sql_secrets as secrets
from aurora_wire.wire.mysql.sql_lexer import GBK
from aurora_wire.wire.mysql.sql_secrets import find_all_secrets, find_secrets, is_stored_hash, may_hold_secret

STORED = "*" + "A" * 40
CASES: dict[str, list[tuple[int, str]]] = {
    "CREATE USER u@localhost IDENTIFIED BY 'x1'": [(secrets.PASSWORD, "'x1'")],
    "create user u identified with caching_sha2_password by \"x1\"": [(secrets.PASSWORD, '"x1"')],
    "CREATE USER a IDENTIFIED BY 'x1', b IDENTIFIED BY 'x2'": [(secrets.PASSWORD, "'x1'"), (secrets.PASSWORD, "'x2'")],
    "CREATE USER u IDENTIFIED WITH 'mysql_native_password' AS '" + STORED + "'": [(secrets.HASH, f"'{STORED}'")],
    "CREATE USER u IDENTIFIED BY PASSWORD '" + STORED + "'": [(secrets.HASH, f"'{STORED}'")],
    "CREATE USER u IDENTIFIED VIA unix_socket OR ed25519 USING PASSWORD('x1')": [(secrets.PASSWORD, "'x1'")],
    "CREATE USER u IDENTIFIED VIA pam USING 'mariadb'": [],
    "CREATE USER u IDENTIFIED WITH authentication_ldap_simple AS 'uid=u,ou=People'": [],
    "CREATE USER u IDENTIFIED BY 'x1' AND IDENTIFIED WITH authentication_ldap_sasl BY 'x2'": [
        (secrets.PASSWORD, "'x1'"), (secrets.PASSWORD, "'x2'"),
    ],
    "CREATE USER u IDENTIFIED BY RANDOM PASSWORD": [(secrets.RANDOM, "RANDOM")],
    "ALTER USER USER() IDENTIFIED BY 'x1' REPLACE 'x2' RETAIN CURRENT PASSWORD": [
        (secrets.PASSWORD, "'x1'"), (secrets.PASSWORD, "'x2'"),
    ],
    "ALTER USER u PASSWORD EXPIRE INTERVAL 90 DAY": [],
    "GRANT ALL ON *.* TO u IDENTIFIED BY 'x1' WITH GRANT OPTION": [(secrets.PASSWORD, "'x1'")],
    "SET PASSWORD = 'x1'": [(secrets.PASSWORD, "'x1'")],
    "SET PASSWORD FOR u@'10.0.0.%' = PASSWORD('x1')": [(secrets.PASSWORD, "'x1'")],
    "SET PASSWORD FOR u = '" + STORED + "'": [(secrets.HASH, f"'{STORED}'")],
    "SET PASSWORD FOR u TO RANDOM REPLACE 'x2'": [(secrets.RANDOM, "RANDOM"), (secrets.PASSWORD, "'x2'")],
    "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='x1', MASTER_PORT=3": [(secrets.REPLICATION, "'x1'")],
    "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'x1'": [(secrets.REPLICATION, "'x1'")],
    "START REPLICA USER='u' PASSWORD='x1'": [(secrets.REPLICATION, "'x1'")],
    "START GROUP_REPLICATION USER='u', PASSWORD='x1'": [(secrets.REPLICATION, "'x1'")],
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'x1')": [(secrets.SERVER, "'x1'")],
    "CREATE OR REPLACE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'x1')": [(secrets.SERVER, "'x1'")],
    "CLONE INSTANCE FROM u@'h':3306 IDENTIFIED BY 'x1'": [(secrets.DONOR, "'x1'")],
    "SELECT AES_ENCRYPT(CONCAT(a, ',', 'b'), 'x1', 'iv')": [(secrets.KEY, "'x1'")],
    "INSERT INTO t VALUES (aes_encrypt('v', UNHEX('0011')))": [(secrets.KEY, "'0011'")],
    "SELECT AES_DECRYPT(a, @key), b FROM t": [],
    "SELECT AES_ENCRYPT('v', x'0011')": [(secrets.KEY, "x'0011'")],
    "SELECT PASSWORD('x1')": [(secrets.FUNCTION, "'x1'")],
    "UPDATE t SET a = Password ( 'x1' )": [(secrets.FUNCTION, "'x1'")],
    "CREATE TABLE t (password VARCHAR(20), aes_encrypted INT)": [],
    "SELECT password, 'x' FROM t WHERE password = 'y'": [],
    "INSERT INTO t (user, password) VALUES ('a', 'b')": [],
    "SELECT 'IDENTIFIED BY ''x''' /* IDENTIFIED BY 'y' */ -- IDENTIFIED BY 'z'": [],
    "PREPARE s FROM 'CREATE USER u IDENTIFIED BY ''x1'''": [(secrets.PASSWORD, "x1")],
    "PREPARE s FROM 'SET PASSWORD = \\'x1\\''": [(secrets.PASSWORD, "x1")],
    "prepare s from \"ALTER USER u IDENTIFIED BY 'x1'\"; SET PASSWORD = 'x2'": [
        (secrets.PASSWORD, "x1"), (secrets.PASSWORD, "'x2'"),
    ],
    "PREPARE s FROM 'SELECT AES_ENCRYPT(a, \"x1\")'": [(secrets.KEY, "x1")],
    "PREPARE s FROM 'SET PASSWORD = ?'": [],
    "PREPARE s FROM @password": [],
    "/*!50001 CREATE USER u IDENTIFIED BY 'x1' */": [(secrets.PASSWORD, "'x1'")],
    "SELECT 1; SET PASSWORD = 'x1'; SELECT 2": [(secrets.PASSWORD, "'x1'")],
    "CREATE USER u IDENTIFIED BY 'it''s \\' x'": [(secrets.PASSWORD, "'it''s \\' x'")],
    "CREATE USER u IDENTIFIED BY _utf8mb4'x1'": [(secrets.PASSWORD, "'x1'")],
    "SET PASSWORD = _latin1 'x1'": [(secrets.PASSWORD, "'x1'")],
    "SELECT AES_ENCRYPT(a, _binary 0x4142), AES_ENCRYPT(b, _key)": [(secrets.KEY, "0x4142")],
    "SELECT AES_ENCRYPT(a, 'x1' /* and */ \"x2\"), 'x3'": [(secrets.KEY, "'x1' /* and */ \"x2\"")],
    "SET names utf8, password = 'x1'": [(secrets.PASSWORD, "'x1'")],
    "SET autocommit = 1, PASSWORD FOR u = PASSWORD('x1')": [(secrets.PASSWORD, "'x1'")],
    "SET @a = 1, @password := 'x1'": [(secrets.PASSWORD, "'x1'")],
    "SET @a = PASSWORD('x1'), @b = 'x2'": [(secrets.FUNCTION, "'x1'")],
    "SET STATEMENT max_statement_time = 1 FOR SET PASSWORD = 'x1'": [(secrets.PASSWORD, "'x1'")],
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET PASSWORD = 'x1'": [(secrets.PASSWORD, "'x1'")],
    "CREATE PROCEDURE p() BEGIN SET PASSWORD = 'x1'; END": [(secrets.PASSWORD, "'x1'")],
    "BEGIN NOT ATOMIC IF 1 THEN START SLAVE USER = 'u' PASSWORD = 'x1'; END IF; END": [(secrets.REPLICATION, "'x1'")],
    "EXECUTE IMMEDIATE 'SET PASSWORD = \"x1\"'": [(secrets.PASSWORD, "x1")],
    "SET @s = 'ALTER USER u IDENTIFIED BY \"x1\"', @t = 'x2'": [(secrets.PASSWORD, "x1")],
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (`PASSWORD` 'x1')": [(secrets.SERVER, "'x1'")],
    "CREATE TABLE t (a INT COMMENT 'x2') ENGINE=SPIDER COMMENT='wrapper \"mysql\", password \"x1\"'": [
        (secrets.SERVER, "x1"),
    ],
    "CREATE USER u IDENTIFIED BY ''": [],
    "CREATE USER u IDENTIFIED BY ?": [(secrets.PASSWORD, "?")],
}


@pytest.mark.parametrize("text", CASES)
def test_secrets_are_found_by_their_words(text: str) -> None:
    sql = text.encode()
    assert may_hold_secret(sql, 0, len(sql))
    assert [(one.kind, sql[one.start : one.end].decode()) for one in find_secrets(sql)] == CASES[text]


@pytest.mark.parametrize(
    "text", ["SELECT 1", "INSERT INTO orders (customer, price) VALUES ('x', 3)", "identi", "aes_en", "", "FROM SERVICE"]
)
def test_the_usual_text_is_passed(text: str) -> None:
    assert not may_hold_secret(text.encode(), 0, len(text))


def test_the_character_set_says_where_a_literal_ends() -> None:
    text = b"CREATE USER u IDENTIFIED BY 'x\xbf\\', v IDENTIFIED BY 'y'"
    assert [text[one.start : one.end] for one in find_secrets(text, GBK)] == [b"'x\xbf\\'", b"'y'"]
    assert [text[one.start : one.end] for one in find_secrets(text)] == [b"'x\xbf\\', v IDENTIFIED BY '"]


def test_a_placeholder_says_which_parameter_it_is() -> None:
    one, = find_secrets(b"UPDATE t SET a = ?, b = AES_ENCRYPT(?, ?)")
    assert (one.kind, one.parameter) == (secrets.KEY, 2)


WORDS = ["identified", "Password", "AES_ENCRYPT(", "aes_decrypt", "DES_encrypt"]


@given(st.text(max_size=40), st.sampled_from(WORDS), st.text(max_size=40), st.data())
def test_a_word_is_seen_wherever_it_stands_and_however_it_is_written(
    before: str, word: str, after: str, data: st.DataObject
) -> None:
    cased = "".join(data.draw(st.sampled_from([letter.upper(), letter.lower()])) for letter in word)
    text = before.encode() + cased.encode() + after.encode()
    assert may_hold_secret(b"?" + text + b"?", 1, len(text) + 1)


PIECES = st.sampled_from([
    b"IDENTIFIED ", b"BY ", b"WITH ", b"VIA ", b"AS ", b"USING ", b"OR ", b"AND ", b"PASSWORD", b"SET ", b"FOR ", b"=",
    b"(", b")", b",", b";", b"'x'", b"'", b'"', b"`", b"\\", b"/*", b"/*!5", b"*/", b"-- ", b"#", b"\n", b"?", b"@",
    b"PREPARE x FROM ", b"RANDOM ", b"REPLACE ", b"CREATE ", b"SERVER ", b"CLONE ", b"START ", b"REPLICA ",
    b"AES_ENCRYPT", b"\xff", b"0x41", b"_utf8", b"BEGIN ", b"EXECUTE IMMEDIATE ", b"CREATE TABLE t ", b"@a=",
])  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=4), max_size=60))
@settings(max_examples=600, deadline=None)
def test_any_text_has_secrets_inside_itself(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    found = find_secrets(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert [one.start for one in found] == sorted(one.start for one in found)


def test_a_text_of_many_secrets_is_bounded() -> None:
    assert len(find_secrets(b"SET PASSWORD = 'x'; " * 5000)) == secrets.MAX_FOUND


def test_what_is_shown_of_a_text_knows_no_bound() -> None:
    assert len(find_all_secrets(b"SET PASSWORD = 'x'; " * 5000)) == 5000
    text = b"SELECT '" + b"x" * secrets.MAX_SCANNED + b"'; SET PASSWORD = 'y'"
    assert not may_hold_secret(text, 0, len(text))
    assert may_hold_secret(text, 0, len(text), len(text))
    assert [text[one.start : one.end] for one in find_all_secrets(text)] == [b"'y'"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [(STORED.encode(), True), (b"$A$005$" + b"x" * 63, True), (b"0123456789abcdef", True), (b"secret", False),
     (b"m" * 43, True), (b"*" + b"x" * 40, False)],
)  # fmt: skip
def test_a_stored_hash_is_known_by_its_form(value: bytes, stored: bool) -> None:
    assert is_stored_hash(value) == stored
