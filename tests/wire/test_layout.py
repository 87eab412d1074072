"""The field layout of the connection phase: fields lie one behind another, whatever the bytes and flags."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aurora_wire.wire.mysql import layout
from aurora_wire.wire.mysql.capabilities import UNKNOWN
from tests.conversations import mysql

LOGIN = mysql.login(user=b"app", database=b"shop")[4:]
GREETING = mysql.greeting()[4:]
FLAGS = st.one_of(st.just(UNKNOWN), st.integers(0, 2**62))
NEAR_LOGINS = st.builds(
    lambda at, put, end: (LOGIN[:at] + put + LOGIN[at + len(put) :])[:end],
    st.integers(0, len(LOGIN)), st.binary(max_size=4), st.integers(0, len(LOGIN) + 4),
)  # fmt: skip

Layout = Callable[[bytes, int, int, int], list[layout.Field]]
LAYOUTS: tuple[Layout, ...] = (
    lambda data, at, end, _: layout.greeting_fields(data, at, end),
    lambda data, at, end, _: layout.ssl_request_fields(data, at, end),
    layout.login_fields,
    layout.change_user_fields,
)


@pytest.mark.parametrize("fields_of", LAYOUTS)
@given(data=st.one_of(st.binary(max_size=120), NEAR_LOGINS), flags=FLAGS, before=st.integers(0, 3))
@example(data=b"", flags=UNKNOWN, before=0)
def test_fields_lie_one_behind_another(fields_of: Layout, data: bytes, flags: int, before: int) -> None:
    end = before + len(data)
    at = before
    found = fields_of(bytes(before) + data + b"\0behind", before, end, flags)
    for field in found:
        assert at == field.at <= field.start <= field.end <= field.stop <= end
        at = field.stop
    # Of attributes that are said to go further, those that are there follow; any other broken field is the last.
    assert all(field.whole or field.kind == layout.ATTRIBUTES for field in found[:-1])


def test_what_is_cut_off_leaves_the_fields_before_it_as_they_were() -> None:
    whole = layout.login_fields(LOGIN, 0, len(LOGIN), UNKNOWN)
    assert [LOGIN[field.start : field.end] for field in whole if field.kind == layout.USER] == [b"app"]
    for end in range(len(LOGIN)):
        part = layout.login_fields(LOGIN, 0, end, UNKNOWN)
        before = [(field.kind, field.at, field.stop) for field in whole if field.stop <= end]
        assert [(field.kind, field.at, field.stop) for field in part if field.stop <= end][: len(before)] == before


def test_a_greeting_has_its_challenge_in_two_parts() -> None:
    found = layout.greeting_fields(GREETING, 0, len(GREETING))
    assert [field.kind for field in found if field.whole].count(layout.SCRAMBLE) == 2
    assert found[-1].kind == layout.AUTH_PLUGIN
    assert found[-1].stop == len(GREETING)
