"""Values that are of a class of data, and what only looks like one: alone, in statements, and in parameters."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql.commands import COM_QUERY, COM_STMT_EXECUTE
from aurora_wire.wire.mysql.leaked.classes import CLASSES
from aurora_wire.wire.mysql.leaked.columns import class_of_column
from aurora_wire.wire.mysql.leaked.statements import MAX_VALUES, columns_of_parameters, leaks_in_text
from aurora_wire.wire.mysql.leaked.tally import LeakedTally, read_leaks
from aurora_wire.wire.mysql.leaked.values import next_value
from aurora_wire.wire.mysql.sql_lexer import GBK
from aurora_wire.wire.mysql.types import LONGLONG, VAR_STRING
from aurora_wire.wire.mysql.values import Value

JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def classes_in(value: bytes) -> list[tuple[str, bytes]]:
    found, at = [], 0
    while (one := next_value(value, at, len(value), 0)) is not None:
        assert at <= one.start < one.stop <= len(value)
        found.append((CLASSES[one.kind].id, value[one.start : one.stop]))
        at = one.stop
    return found


TELLING = [
    ("card", b"4111111111111111"), ("card", b"4111 1111 1111 1111"), ("card", b"5555-5555-5555-4444"),
    ("card", b"378282246310005"), ("card", b"3782 822463 10005"), ("card", b"6011111111111117"),
    ("card", b"2223003122003222"), ("card", b"30569309025904"), ("card", b"3530111333300000"),
    ("iban", b"DE89370400440532013000"), ("iban", b"GB82 WEST 1234 5698 7654 32"), ("iban", b"no9386011117947"),
    ("email", b"maria.huber@example.com"), ("email", b"a+b@mail.example.co"),
    ("phone", b"+49 30 1234567"), ("phone", b"+1-202-555-0143"), ("phone", b"(202) 555-0143"), ("phone",
    b"202-555-0143"),
    ("national-id", b"078-05-1120"), ("national-id", b"12345678Z"), ("national-id", b"X1234567L"),
    ("national-id", b"AB123456C"), ("national-id", b"RSSMRA85T10A562S"), ("national-id", b"255081416802538"),
    ("key", b"AKIAIOSFODNN7EXAMPLE"), ("key", JWT), ("key", b"ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("password-hash", b"$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"),
    ("password-hash", b"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub"),
    ("password-hash", b"*" + b"A4B6157319038724E3560894F7F932C8886EBFCF"),
    ("password-hash", b"pbkdf2_sha256$260000$salt$1a2b3c4d5e6f7a8b9c0d"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), TELLING)
def test_a_value_that_tells_itself_is_found_alone_and_inside_a_text(kind: str, value: bytes) -> None:
    assert classes_in(value) == [(kind, value)]
    assert classes_in(b'{"x": "' + value + b'", "y": 1}') == [(kind, value)]


@pytest.mark.parametrize(
    "value",
    [b"4111111111111112", b"1234567890123452", b"0000000000000000", b"4444444444444444", b"411111111111111",
     b"41111111",
     b"2024-06-16 02:38:34", b"2024-06-16T02:38:34.123456Z", b"20240616023834", b"1718505514123", b"192.168.100.200",
     b"10.0.0.1:3306", b"550e8400-e29b-41d4-a716-446655440000", b"00-00-0000", b"666-12-1234", b"900-12-1234",
     b"123-00-1234", b"DE89370400440532013001", b"DE8937040044", b"user@host", b"@mention", b"a@b", b"3.14159265358979",
     b"+5", b"+12 apples", b"12+34567890123", b"12345678A", b"AKIA", b"eyJ", b"eyJhbGciOiJIUzI1NiJ9", b"$100",
     b"*bold*",
     b"-----BEGIN CERTIFICATE-----", b"AB12CD", b"v1.2.3", b"1,234,567,890,123", b"QQ123456C",
     b"Mozilla/5.0 (X11; Linux)"],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(value: bytes) -> None:
    assert classes_in(value) == []


def test_a_private_key_is_one_value_and_a_certificate_none() -> None:
    pem = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n"
    assert [kind for kind, _ in classes_in(pem)] == ["key"]


def test_rates_on_built_data() -> None:
    """Ids, times, hashes and decimals are nothing; random digits are cards as often as the check and prefixes let them.
    """
    rng = random.Random(7)
    plain = [
        *(uuid.UUID(int=rng.getrandbits(128)).hex.encode() for _ in range(1000)),
        *(str(uuid.UUID(int=rng.getrandbits(128))).encode() for _ in range(1000)),
        *(f"{datetime.fromtimestamp(rng.randrange(2**31), UTC):%Y-%m-%d %H:%M:%S}".encode() for _ in range(1000)),
        *(str(rng.randrange(2**31)).encode() for _ in range(1000)),
        *(str(rng.randrange(1_600_000_000_000, 1_900_000_000_000)).encode() for _ in range(1000)),
        *(f"{rng.random() * 1e9:.6f}".encode() for _ in range(1000)),
        *(b".".join(str(rng.randrange(256)).encode() for _ in range(4)) for _ in range(1000)),
        *(f"{rng.randrange(1000):03d}-{rng.randrange(10**6):06d}".encode() for _ in range(1000)),
    ]
    assert [value for value in plain if classes_in(value)] == []
    digits = [str(rng.randrange(10**15, 10**16)).encode() for _ in range(20_000)]
    cards = [value for value in digits if classes_in(value)]
    assert len(cards) < len(digits) * 0.03  # a tenth by Luhn, of some 17% of prefixes
    assert all(value[:1] in b"234566" for value in cards)
    right = []
    for start in (b"4", b"51", b"2221", b"6011", b"3528"):
        for _ in range(200):
            body = start + str(rng.randrange(10**14)).encode().rjust(15, b"7")[: 15 - len(start)]
            total = sum(sum(divmod(int(chr(d)) * (2 - i % 2), 10)) for i, d in enumerate(body))
            right.append(body + str(-total % 10).encode())
    assert [value for value in right if [kind for kind, _ in classes_in(value)] != ["card"]] == []


COLUMNS = [
    (b"full_name", "identity"), (b"customerLastName", "identity"), (b"BIRTH_DATE", "identity"), (b"phone", "phone"),
    (b"work_phone_number", "phone"), (b"user_password", "password"), (b"pwd", "password"), (b"api_key", "key"),
    (b"diagnosis", "health"), (b"blood_type", "health"), (b"ssn", "national-id"), (b"cardNumber", "card"),
    (b"id", None), (b"name", None), (b"password_changed_at", None), (b"phones_count", None), (b"title", None),
    (b"streetlight", None), (b"created_at", None), (b"", None), (b"\xff\xfe", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), COLUMNS)
def test_a_columns_name_tells_what_it_holds(name: bytes, expected: str | None) -> None:
    kind = class_of_column(name)
    assert (CLASSES[kind].id if kind else None) == expected


def leaked(text: bytes, mode: int = 0) -> list[tuple[str, str, str, str]]:
    found = leaks_in_text(text, 0, len(text), mode) or []
    return [(CLASSES[one.kind].id, one.table.decode(), one.column.decode("latin-1"), one.value.decode("latin-1"))
            for one in found]  # fmt: skip


STATEMENTS = [
    (b"INSERT INTO shop.users (id, full_name, email) VALUES (7, 'Ada', 'ada@example.com'), (8, 'Bo', NULL)",
     [("identity", "users", "full_name", "Ada"), ("email", "users", "email", "ada@example.com"),
      ("identity", "users", "full_name", "Bo")]),
    (b"insert into `users`(`id`,`diagnosis`)values(1,'J45')", [("health", "users", "diagnosis", "J45")]),
    (b"INSERT INTO t (a, pin_code) Values (1, 'x1')", []),
    (b"INSERT INTO t (a, b) VALUES (1, 4111111111111111)", [("card", "t", "b", "4111111111111111")]),
    (b"INSERT INTO t (a, ssn) VALUES (CONCAT('x', ','), '078051120') ON DUPLICATE KEY UPDATE ssn = '078051121'",
     [("national-id", "t", "ssn", "078051120"), ("national-id", "t", "ssn", "078051121")]),
    (b"INSERT INTO t SET email = 'a@example.com', b = 3", [("email", "t", "email", "a@example.com")]),
    (b"REPLACE INTO t (a, dob) VALUES ('x', '1999-01-01')", [("identity", "t", "dob", "1999-01-01")]),
    (b"UPDATE users SET phone = '030 1234567', note = 'n' WHERE id = 77 AND last_name = 'Kim'",
     [("phone", "users", "phone", "030 1234567"), ("identity", "users", "last_name", "Kim")]),
    (b"SELECT a FROM users AS u WHERE u.email IN ('a@example.com', 'b@example.com') OR u.`pwd` = 'abc'",
     [("email", "users", "email", "a@example.com"), ("email", "users", "email", "b@example.com"),
      ("password", "users", "pwd", "abc")]),
    (b"SELECT a FROM t WHERE first_name LIKE 'Ad%'", [("identity", "t", "first_name", "Ad%")]),
    (b"SELECT a FROM t WHERE password_hash = '5f4dcc3b5aa765d61d8327deb882cf99'",
     [("password-hash", "t", "password_hash", "5f4dcc3b5aa765d61d8327deb882cf99")]),
    (b"SELECT full_name, email FROM users WHERE id = 3", []),
    (b"/* it's a@example.com */ SELECT 'b@example.com' -- 'c@example.com'", [("email", "", "", "b@example.com")]),
    (b"SELECT 1; DELETE FROM t WHERE ssn = '078051120'; SELECT 'x'", [("national-id", "t", "ssn", "078051120")]),
    (b"SELECT `it's` FROM t WHERE dob = '2000-01-01'", [("identity", "t", "dob", "2000-01-01")]),
    (b"INSERT INTO t (email) VALUES ('a@example.com", [("email", "t", "email", "a@example.com")]),
    (b"INSERT INTO t VALUES ('x', 'a@example.com')", [("email", "t", "", "a@example.com")]),
    (b"UPDATE t SET full_name = ''", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STATEMENTS)
def test_values_are_found_with_their_tables_and_columns(text: bytes, expected: list[tuple[str, str, str, str]]) -> None:
    assert leaked(text) == expected
    assert leaked(text) == expected  # what was remembered says the same


@pytest.mark.parametrize(
    "text",
    [rb"SELECT a FROM t WHERE b = 'x\'y' AND hidden = 'a@example.com'", b"SET PASSWORD FOR bob = '*" + b"A" * 40 + b"'",
     b"SELECT /*! 1 */ 'x' AND hidden = 'a@example.com'", b"ALTER USER bob = 'a@example.com'",
     b"SELECT $$ x = 'a@example.com' $$",
     "SELECT a FROM t WHERE größe = 'a@example.com'".encode()],
)  # fmt: skip
def test_what_may_be_no_name_is_not_told_as_one(text: bytes) -> None:
    found = leaked(text)
    assert found
    assert all(column in ("", "b") for _, _, column, _ in found)


def test_the_character_set_says_where_a_value_ends() -> None:
    text = b"UPDATE t SET full_name = '\xbf\\', b = 'a@example.com'"
    assert [one[0] for one in leaked(text, GBK)] == ["identity", "email"]


def test_parameters_are_of_the_columns_of_their_placeholders() -> None:
    text = b"INSERT INTO users (id, full_name, card) VALUES (?, ?, ?)"
    assert columns_of_parameters(text) == [(b"users", b"id"), (b"users", b"full_name"), (b"users", b"card")]
    values = [Value(LONGLONG, False, bytes(8)), Value(VAR_STRING, False, b"Ada"),
              Value(LONGLONG, False, (4111111111111111).to_bytes(8, "little"))]  # fmt: skip
    found = read_leaks(COM_STMT_EXECUTE, text, 0, len(text), values, 0) or []
    assert [(CLASSES[one.kind].id, one.column) for one in found] == [("identity", b"full_name"), ("card", b"card")]
    twice = read_leaks(COM_STMT_EXECUTE, text, 0, len(text), values * 2, 0) or []
    assert [one.column for one in twice] == [b"full_name", b"card"] * 2
    compared = b"SELECT a FROM t WHERE email = ? AND x BETWEEN 1 AND ?"
    assert columns_of_parameters(compared) == [(b"t", b"email"), (b"t", b"")]


def test_a_tally_counts_by_column_and_keeps_the_first_different_values() -> None:
    tally = LeakedTally()
    for number, frame in ((b"4111111111111111", 5), (b"5555555555554444", 6)):
        text = b"UPDATE t SET card = '" + number + b"', email = 'a@example.com'"
        tally.add(read_leaks(COM_QUERY, text, 0, len(text), None, 0) or [], frame)
    rows = {(CLASSES[kind].id, column): row for (kind, _, column, _), row in tally.rows.items()}
    card = rows["card", b"card"]
    assert (card.count, card.statements, card.frame, card.values) == (
        2, 2, 5, [b"4111111111111111", b"5555555555554444"],
    )  # fmt: skip
    assert rows["email", b"email"].values == [b"a@example.com"]


PIECES = st.sampled_from([
    b"INSERT INTO t ", b"(a, email)", b" VALUES ", b"('x', 'a@b.de')", b"(", b")", b",", b";", b"'", b'"', b"`", b"\\",
    b"/*", b"*/", b"-- ", b"\n", b"email = ", b"ssn", b"= ", b"4111111111111111", b"4111 1111 ", b"+4930", b"@", b"eyJ",
    b"AKIA", b"-----BEGIN ", b"PRIVATE KEY-----", b"$2y$", b"?", b"DE89", b" IN ", b"FROM ", b"UPDATE ", b"ON ",
    b"2024-",
    b"123-45-6789", b"(202) ", b"*" * 3, b"{SSHA", b"values", b"\xff", b"\0",
])  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=4), max_size=40).map(b"".join), st.sampled_from([0, GBK]))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_classified_without_an_error_and_inside_themselves(text: bytes, mode: int) -> None:
    for one in leaks_in_text(text, 0, len(text), mode) or []:
        assert one.value
        assert one.value in text
    framed = b"'\x03" + text + b"' x"
    alone = leaks_in_text(text, 0, len(text), mode) or []
    assert len(leaks_in_text(framed, 2, 2 + len(text), mode) or []) == len(alone)
    columns_of_parameters(text)


@pytest.mark.parametrize(
    "text",
    [b"'" + b"@" * 300_000, b"'" + b"a@" * 200_000, b"'" + b"eyJa." * 100_000, b"'" + b"4111 " * 100_000,
     b"(" * 300_000 + b"'",
     b"'" + b"-----BEGIN PRIVATE KEY-----" * 20_000, b"''," * 100_000, b";" * 200_000 + b"'",
     b"insert " * 50_000 + b"'",
     b"'" + b"+1" * 200_000, b"'" + b"$2y$" * 100_000, b"x = 'a@example.com'," * 20_000, b"`" * 100_001 + b"'",
     b"'" + b"a." * 100_000 + b"@"],
)  # fmt: skip
def test_hostile_texts_take_linear_work_and_a_bounded_number_of_values(text: bytes) -> None:
    assert len(leaks_in_text(text, 0, len(text), 0) or []) <= MAX_VALUES
