"""No bytes make a parser raise, and none looks at a byte at or after `end`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import auth, execute, greeting, lenenc, login, parameters, query, replies, values
from tests.wire.mysql import built, test_execute, test_greeting, test_login, test_query
from tests.wire.mysql.shown import shown


def _prepared(param_count: int) -> execute.Prepared:
    prepared = execute.Prepared(1, b"", param_count)
    prepared.types = [3, 254][:param_count]
    prepared.add_long_data(1, b"x", 0, 1)
    return prepared


PARSERS: dict[str, Callable[[bytes, int, int], object]] = {
    "read_lenenc": lenenc.read_lenenc,
    "read_lestr": lenenc.read_lestr,
    "parse_greeting": greeting.parse_greeting,
    "looks_like_greeting": greeting.looks_like_greeting,
    "parse_ssl_request": login.parse_ssl_request,
    "parse_login": login.parse_login,
    "parse_login without flags": lambda data, at, end: login.parse_login(data, at, end, 0),
    "parse_change_user": login.parse_change_user,
    "parse_auth_switch": auth.parse_auth_switch,
    "parse_auth_more_data": auth.parse_auth_more_data,
    "parse_auth_next_factor": auth.parse_auth_next_factor,
    "is_cleartext_password": lambda data, at, end: auth.is_cleartext_password(
        auth.CACHING_SHA2, True, data, at, end
    ),
    "parse_query": lambda data, at, end: query.parse_query(data, at, end, -1),
    "parse_query with attributes": lambda data, at, end: query.parse_query(data, at, end, 1),
    "parse_execute": lambda data, at, end: execute.parse_execute(data, at, end, None, -1),
    "parse_execute known": lambda data, at, end: execute.parse_execute(data, at, end, _prepared(2), 0),
    "parse_execute counted": lambda data, at, end: execute.parse_execute(data, at, end, _prepared(2), 1),
    "parse_bulk_execute": lambda data, at, end: execute.parse_bulk_execute(data, at, end, None),
    "parse_bulk_execute known": lambda data, at, end: execute.parse_bulk_execute(data, at, end, _prepared(2)),
    "read_long_data": lambda data, at, end: execute.read_long_data(data, at, end)[:2],
    "infer_count": parameters.infer_count,
    "parse_ok": replies.parse_ok,
    "parse_ok before 4.1": lambda data, at, end: replies.parse_ok(data, at, end, 0),
    "parse_err": replies.parse_err,
    "parse_eof": replies.parse_eof,
    "parse_prepare_ok": replies.parse_prepare_ok,
    "parse_column_count": replies.parse_column_count,
    "is_progress": replies.is_progress,
    "is_column_definition": replies.is_column_definition,
}

MESSAGES = [
    test_greeting.MYSQL_9,
    test_greeting.MARIADB_10,
    test_greeting.V9,
    built.packet(test_greeting.MYSQL_9),
    built.login(test_login.FULL),
    test_login.LOGIN_5_0,
    test_login.CHANGE_USER,
    test_query.ATTRIBUTES,
    test_execute.MYSQL2,
    test_execute.BATCH,
    built.execute([test_execute.NUMBER, test_execute.WORD]),
    b"\x00\x05\x03\x02\x00\x01\x00info",
    bytes.fromhex("00 37 00 00 00 00 00 61 00 00 15 00"),
    bytes.fromhex("ff 15 04 23 32 38 30 30 30 41"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with a few bytes changed, cut or lengthened; or plain noise."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    message = bytearray(draw(st.sampled_from(MESSAGES)))
    for _ in range(draw(st.integers(0, 3))):
        message[draw(st.integers(0, len(message) - 1))] = draw(st.integers(0, 255))
    return bytes(message[: draw(st.integers(0, len(message)))]) + draw(st.binary(max_size=3))


@settings(max_examples=400, deadline=None)
@given(damaged(), st.binary(max_size=5))
def test_no_parser_raises_or_looks_behind_the_end(message: bytes, head: bytes) -> None:
    for name, parse in PARSERS.items():
        at, end = len(head), len(head) + len(message)
        alone = shown(parse(head + message, at, end))
        for tail in (b"\x00" * 12, b"\xff" * 12, b"\x01'?def\x03abc"):
            assert shown(parse(head + message + tail, at, end)) == alone, name


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_every_cut_of_every_message_is_harmless(name: str) -> None:
    parse = PARSERS[name]
    for message in MESSAGES:
        for cut in range(len(message) + 1):
            assert shown(parse(message, 0, cut)) == shown(parse(message[:cut], 0, cut))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=30), st.integers(0, 255), st.booleans())
def test_a_value_of_any_type_and_bytes_has_a_literal(raw: bytes, kind: int, unsigned: bool) -> None:
    value, _ = values.read_value(raw + b"\xff" * 12, 0, len(raw), kind, unsigned)
    same, _ = values.read_value(raw, 0, len(raw), kind, unsigned)
    assert shown(value) == shown(same)
    if value is not None:
        for codec in ("utf-8", "cp1252", "gbk"):
            assert value.literal(codec)
        assert value.type_name()
        assert isinstance(value.number(), int)


@settings(deadline=None)
@given(st.binary(max_size=12), st.integers(0, 255))
def test_a_value_made_by_hand_with_too_few_bytes_has_a_literal(raw: bytes, kind: int) -> None:
    value = values.Value(kind, False, raw)
    assert value.literal()
    assert isinstance(value.number(), int)
