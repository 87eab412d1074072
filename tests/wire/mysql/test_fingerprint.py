"""Fingerprints: statements that differ in literals alone have one, and it holds no byte of a literal."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import fingerprint as module
from aurora_wire.wire.mysql.fingerprint import CUT, MAX_SIZE, fingerprint
from aurora_wire.wire.mysql.sql_lexer import DOLLARS, GBK, NO_BACKSLASH_ESCAPES, SJIS

CASES = [
    (b"insert into Users values ('user01', 'password')", b"INSERT INTO Users VALUES (...)"),
    (b"INSERT INTO `Users` (`a`, b) VALUES (1,'x',null),( -2 , 'y', NULL)", b"INSERT INTO Users(a, b) VALUES (...)"),
    (b"select * from t where a in (1,2,3) and b = -5 and c is null and d=NULL limit 5,10;",
     b"SELECT * FROM t WHERE a IN (...) AND b = ? AND c IS NULL AND d = ? LIMIT ?, ?"),
    (b"select count(*), max( x ) from a.b -- hi\nwhere x>=5 and y<>'it''s'",
     b"SELECT COUNT(*), MAX(x) FROM a.b WHERE x >= ? AND y <> ?"),
    (b"select /*!40001 SQL_NO_CACHE */ * from `weird name`", b"SELECT SQL_NO_CACHE * FROM `weird name`"),
    (b"insert into t(a) values (1, now(), 'a'), (2, now(), 'b') on duplicate key update a=values(a)",
     b"INSERT INTO t(a) VALUES (?, NOW(), ?) ON DUPLICATE KEY UPDATE a = VALUES (a)"),
    (b"select a from t where (a,b) in ((1,2),(3,4))", b"SELECT a FROM t WHERE (a, b) IN (...)"),
    (b"select a from t where a in (select b from u where c = 3)",
     b"SELECT a FROM t WHERE a IN (SELECT b FROM u WHERE c = ?)"),
    (b"grant all on *.* to 'app'@'localhost' identified by 'secret'", b"GRANT ALL ON *.* TO ?@? IDENTIFIED BY ?"),
    (b"select _utf8mb4'abc' 'def', 'x' \"y\", N'z', x'00', b'01', 0x1F, 1.5e-3",
     b"SELECT ?, ?, ?, ?, ?, ?, ?"),
    (b"update t set a=-1, b = a - 1, c=-a where id=+7", b"UPDATE t SET a = ?, b = a - ?, c = - a WHERE id = ?"),
    (b"values row(1,2), row(3,4)", b"VALUES (...)"),
    (b"create table t (id int not null, n varchar(20) default null)",
     b"CREATE TABLE t(id INT NOT NULL, n VARCHAR (?) DEFAULT NULL)"),
    (b"call p(1,2)", b"CALL p(?, ?)"), (b"BEGIN", b"BEGIN"), (b"", b""), (b"/* only */", b""),
    (b";;select 1;; select 2;;", b"SELECT ?; SELECT ?"),
    (b"select 'open", b"SELECT ?"),
    (b"select t.*, a.b.c, @@session.x, @y := 3 from t", b"SELECT t.*, a.b.c, @@SESSION.x, @y := ? FROM t"),
    (b"execute p using ?, ?", b"EXECUTE p USING ?, ?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_statement_has_the_fingerprint_that_the_documentation_says(text: bytes, expected: bytes) -> None:
    assert fingerprint(text) == expected


@pytest.mark.parametrize(("_", "made"), CASES)
def test_a_fingerprint_is_its_own_fingerprint(_: bytes, made: bytes) -> None:
    again = fingerprint(made.replace(b"(...)", b"(?)"))
    assert again == made


SECRET = b"zqsecretqz"
NAMES = st.sampled_from([b"t", b"users", b"`order`", b"db.t", b"a_b"])
CONTENT = st.lists(st.sampled_from(
    [SECRET, b"''", b"\\'", b"\\\\", b"\\n", b'"', b"`", b" ", b",", b"(", b")", b";", b"/*", b"*/", b"-- ", b"#", b"@",
     b"$a$", b"$$", b" and ", b" or b = ", b"\n", b"\xc3\xa9", b"1", b"x", b"/*!50000 ", b"?"]
), max_size=6).map(b"".join)  # fmt: skip
TEXTS = CONTENT.map(lambda content: b"'" + content + b"'")
PLAIN = st.text("abc xyz019.,:()-/@", max_size=12).map(lambda text: b"'" + text.encode() + b"'")
NUMBERS = st.sampled_from([b"0", b"42", b"-7", b"+1", b"1.5", b".5", b"2e10", b"-1.5E+3", b"0x1F", b"x'00ff'", b"b'01'",
                           b"NULL", b"TRUE", b"false", b"?"])
VALUES = PLAIN | NUMBERS


def statements(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    """Return texts with `%b` where literals are, and their literals: as many as that takes."""
    lists = st.lists(values, min_size=1, max_size=4)
    one_row = st.lists(values, min_size=2, max_size=2)
    rows = st.lists(one_row, min_size=1, max_size=3)
    row_texts = rows.map(lambda found: (b", ".join(b"(%b, %b)" for _ in found), [one for row in found for one in row]))
    listed = lists.map(lambda found: (b"(" + b",".join([b"%b"] * len(found)) + b")", found))
    return st.one_of(
        st.tuples(NAMES, row_texts).map(lambda it: (b"INSERT INTO " + it[0] + b" (a, b) VALUES " + it[1][0], it[1][1])),
        st.tuples(NAMES, listed, values).map(
            lambda it: (b"SELECT * FROM " + it[0] + b" WHERE a IN " + it[1][0] + b" AND b = %b", [*it[1][1], it[2]])
        ),
        st.tuples(NAMES, values, values).map(
            lambda it: (b"UPDATE " + it[0] + b" SET a = %b WHERE b >= %b", [it[1], it[2]])
        ),
        st.tuples(NAMES, values).map(lambda it: (b"DELETE FROM " + it[0] + b" WHERE c LIKE %b OR c IS NULL", [it[1]])),
        values.map(lambda one: (b"SELECT f(%b), d - %b", [one, one])),
    )


@given(statements(VALUES), st.data())
@settings(max_examples=300, deadline=None)
def test_statements_that_differ_in_literals_alone_have_one_fingerprint(
    made: tuple[bytes, list[bytes]], data: st.DataObject
) -> None:
    text, literals = made
    others = [data.draw(VALUES) for _ in literals]
    assert fingerprint(text % tuple(literals)) == fingerprint(text % tuple(others))


@given(statements(TEXTS), st.data())
@settings(max_examples=300, deadline=None)
def test_where_escapes_are_known_any_text_is_one_literal(made: tuple[bytes, list[bytes]], data: st.DataObject) -> None:
    text, literals = made
    whole = text % tuple(literals)
    plain = text % tuple([b"'x'"] * len(literals))
    # What may be a comment of a version, or a quoting tag, is still doubtful.
    assume(whole.count(b"/*!") == 0 and whole.count(b"$") < 4)
    assert fingerprint(whole, escapes_known=True) == fingerprint(plain)


@given(st.lists(st.sampled_from([b" ", b"\n", b"\t", b" /* c */ ", b" -- c\n", b" # c\n"]), min_size=9, max_size=9),
       st.lists(st.booleans(), min_size=9, max_size=9))  # fmt: skip
def test_white_space_comments_and_the_case_of_keywords_say_nothing(between: list[bytes], upper: list[bool]) -> None:
    words = [b"select", b"a", b"from", b"users", b"where", b"b", b"=", b"1", b"limit"]
    text = b"".join(
        (word.upper() if big and word not in (b"a", b"b", b"users") else word) + space
        for word, space, big in zip(words, between, upper, strict=True)
    )
    assert fingerprint(text + b"3") == b"SELECT a FROM users WHERE b = ? LIMIT ?"


@given(statements(TEXTS), st.sampled_from([0, NO_BACKSLASH_ESCAPES, DOLLARS, GBK, SJIS]))
@settings(max_examples=500, deadline=None)
def test_no_byte_of_a_literal_is_in_a_fingerprint_whatever_the_mode(made: tuple[bytes, list[bytes]], mode: int) -> None:
    text, literals = made
    whole = text % tuple(literals)
    # Whole literals in this mode, so that the statement is one that a server of it would take.
    assume(all(module.literals(one, len(one), mode) == [0, len(one)] for one in literals))
    assume(all(module.is_closed(one, len(one), mode) for one in literals))
    assume(module.is_closed(whole, len(whole), mode))
    assert SECRET not in fingerprint(whole)
    assert SECRET not in fingerprint(whole, mode & (GBK | SJIS))
    assert SECRET not in fingerprint(whole, mode & (GBK | SJIS | NO_BACKSLASH_ESCAPES), escapes_known=True)


@given(st.binary(max_size=300) | CONTENT, st.integers(0, 15), st.booleans(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_bytes_have_a_fingerprint_that_is_bounded(text: bytes, mode: int, known: bool, cut: bool) -> None:
    made = fingerprint(text, mode, escapes_known=known, cut=cut)
    assert len(made) <= MAX_SIZE + module.MAX_NAME + len(CUT) + 2
    assert made == fingerprint(text, mode, escapes_known=known, cut=cut)
    assert made.endswith(CUT) or not cut


@pytest.mark.parametrize(
    "text",
    [b"(" * 300_000, b"insert into t values " + b"(1,now())," * 50_000, b"select " + b"a," * 300_000, b"'" * 500_001,
     b"select " + b"\\'" * 200_000, b"/*!" * 200_000, b"$a$" * 200_000, b"\x81\\" * 200_000, b"-" * 500_000,
     b"select 1 in (" + b"(1)," * 100_000, b"`" * 500_001, b"x" * 900_000, b"a in (" * 100_000, b"1," * 400_000],
)  # fmt: skip
def test_hostile_texts_take_bounded_work_and_room(text: bytes) -> None:
    assert len(fingerprint(text)) <= MAX_SIZE + module.MAX_NAME + len(CUT) + 2


def test_rows_alike_are_one_however_many_there_are() -> None:
    one = b"insert into t (a, b) values (1, now())"
    assert fingerprint(one + b", (2, now())" * 20_000) == fingerprint(one)


def test_what_is_cut_says_so() -> None:
    assert fingerprint(b"select a from t where b = 'x", cut=True) == b"SELECT a FROM t WHERE b = ? ..."


def test_a_prepared_statement_and_the_same_with_literals_have_one_fingerprint() -> None:
    assert fingerprint(b"insert into t (a) values (?, ?)") == fingerprint(b"INSERT INTO t (a) VALUES (1, 'x')")
    assert fingerprint(b"select a from t where b = ?") == fingerprint(b"select a from t where b = 'x'")


def test_the_memory_of_texts_is_bounded_and_changes_nothing() -> None:
    for number in range(2 * module.KEPT):
        assert fingerprint(b"select %d" % number) == b"SELECT ?"
    assert fingerprint(b"select 'it\\'s' and b", escapes_known=True) == b"SELECT ? AND b"
