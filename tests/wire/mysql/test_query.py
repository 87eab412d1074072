from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql.query import Query, parse_query
from tests.wire.mysql import built
from tests.wire.mysql.built import Parameter
from tests.wire.mysql.strategies import parameters

TEXT = b"SELECT 'caf\xc3\xa9'"
PLAIN = b"\x03" + TEXT
NO_ATTRIBUTES = b"\x03\x00\x01" + TEXT
ATTRIBUTES = b"\x03" + bytes.fromhex(
    "02 01 00 01"                   # two attributes, one set, none NULL, types follow
    "fe 00 05 74 72 61 63 65"       # STRING "trace"
    "08 80 01 6e"                   # LONGLONG UNSIGNED "n"
    "04 61 62 27 63"                # "ab'c"
    "ff ff ff ff ff ff ff ff"
) + TEXT  # fmt: skip


def query_of(payload: bytes, agreed: int) -> Query:
    found = parse_query(b"<" + payload + b">", 1, 1 + len(payload), agreed)
    assert found is not None
    assert (b"<" + payload)[found.text_at : found.text_end] == TEXT
    return found


@pytest.mark.parametrize(
    ("payload", "agreed", "attributes"),
    [
        (PLAIN, 0, 0),
        (PLAIN, -1, 0),
        (NO_ATTRIBUTES, 1, 0),
        (NO_ATTRIBUTES, -1, 0),
        (ATTRIBUTES, 1, 2),
        (ATTRIBUTES, -1, 2),
    ],
)
def test_the_text_is_found_with_and_without_attributes(payload: bytes, agreed: int, attributes: int) -> None:
    assert len(query_of(payload, agreed).attributes) == attributes


def test_attributes_have_name_type_and_value() -> None:
    trace, number = query_of(ATTRIBUTES, 1).attributes
    assert (trace.name, trace.type_name(), trace.literal()) == (b"trace", "STRING", b"'ab\\'c'")
    assert (number.name, number.type_name(), number.literal()) == (
        b"n",
        "LONGLONG UNSIGNED",
        b"18446744073709551615",
    )


def test_a_text_that_begins_like_a_count_is_a_text_when_nothing_is_known() -> None:
    for text in (b"\n\x01 SELECT 1", b"\x00\x02SELECT 1", b"\n\nSELECT 1"):
        found = parse_query(b"\x03" + text, 0, 1 + len(text), -1)
        assert found is not None
        assert (found.text_at, found.text_end) == (1, 1 + len(text))


def test_attributes_that_were_agreed_and_do_not_fit_are_told() -> None:
    assert parse_query(PLAIN, 0, len(PLAIN), 1) is None
    for cut in range(2, len(ATTRIBUTES) - len(TEXT)):
        assert parse_query(ATTRIBUTES, 0, cut, 1) is None


def test_a_query_without_text_and_another_command() -> None:
    empty = parse_query(b"\x03SELECT", 0, 1, 0)
    assert empty is not None
    assert empty.text_at == empty.text_end == 1
    assert parse_query(b"\x16SELECT", 0, 7, 0) is None
    assert parse_query(b"", 0, 0, -1) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(parameters(), min_size=1, max_size=20), st.binary(max_size=20))
def test_what_was_built_is_read(sent: list[Parameter], name: bytes) -> None:
    for parameter in sent:
        parameter.name = name
    payload = b"\x03" + built.lenenc(len(sent)) + b"\x01" + built.parameter_block(sent, named=True) + TEXT
    for agreed in (1, -1):
        found = query_of(payload, agreed)
        assert [value.literal() for value in found.attributes] == [parameter.literal for parameter in sent]
        assert {value.name for value in found.attributes} == {name}
