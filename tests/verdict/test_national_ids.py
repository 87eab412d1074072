"""National ids of more countries: found where a library checks them, and nobody asked about anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.cli import main
from aurora_wire.verdict import national_ids
from aurora_wire.verdict.national_ids import use_national_ids
from aurora_wire.wire.mysql.leaked.national import use_check
from aurora_wire.wire.mysql.leaked.values import next_value
from tests.conversations import play
from tests.conversations.judge import write
from tests.conversations.sessions import plaintext
from tests.wire.mysql.test_leaked import classes_in

IDS = (
    b"131052-308T", b"131052A308T", b"390.533.447-05", b"BOXW310820HNERXN09", b"756.9217.0769.85", b"85.07.30-033.28",
    b"360426199101010071", b"11010519491231002X", b"12.531.909-2",
)  # fmt: skip
NONE = (
    b"131052-308U", b"390.533.447-06", b"BOXW310820HNERXN08", b"756.9217.0769.86", b"85.07.30-033.29",
    b"360426199101010072", b"12.531.909-3", b"192.168.101.001", b"12.50", b"2024-05-06", b"131052-308T1",
    b"1.12.531.909-2",
)  # fmt: skip


@pytest.fixture
def checked() -> Iterator[None]:
    if not use_national_ids():
        pytest.skip("python-stdnum is not installed")
    yield
    use_check(None)


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize("value", IDS)
def test_a_national_id_is_found_alone_and_in_a_text(value: bytes) -> None:
    assert classes_in(value) == [("national-id", value)]
    assert classes_in(b"id " + value + b", paid") == [("national-id", value)]


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize("value", [b"454111111111111111", b"07:454111111111111111"])
def test_digits_that_the_library_fails_on_are_none(value: bytes) -> None:
    assert "national-id" not in [kind for kind, _ in classes_in(value)]


@pytest.mark.usefixtures("checked")
@given(
    st.from_regex(rb"[0-9]{17}[0-9X]|[A-Z]{4}[0-9]{6}[A-Z0-9]{8}|[0-9]{6}[-+A][0-9]{3}[0-9A-Z]", fullmatch=True)
    | st.from_regex(rb"[0-9]{2}\.[0-9]{3}\.[0-9]{3}-[0-9kK]|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", fullmatch=True)
    | st.from_regex(rb"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", fullmatch=True)
    | st.from_regex(rb"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", fullmatch=True)
)
def test_no_value_of_such_a_form_raises(value: bytes) -> None:
    assert national_ids.is_national_id(value) in (True, False)


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize("value", NONE)
def test_what_only_looks_like_one_is_none(value: bytes) -> None:
    assert classes_in(value) == []


@pytest.mark.parametrize("value", IDS)
def test_without_the_library_none_is_found(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(national_ids, "find_spec", lambda name: None)
    assert not use_national_ids()
    assert classes_in(value) == []


def test_nobody_is_asked_about_what_has_another_form() -> None:
    asked: list[bytes] = []

    def check(value: bytes) -> bool:
        asked.append(value)
        return False

    use_check(check)
    try:
        others = (b"hello", b"12.5", b"10.0.0.1", b"2024-05-06 12:00:00", b"a@example.com", b"1" * 11)
        for value in (*others, b"123456-7890"):
            classes_in(value)
        assert asked == [b"123456-7890"]
        assert classes_in(b"x 131052-308T") == []
        assert asked[1:] == [b"131052-308T"]
    finally:
        use_check(None)


@given(st.binary(max_size=40) | st.text("0123456789.-+AX", max_size=24).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_looked_at_and_what_is_found_is_inside(text: bytes) -> None:
    use_check(lambda value: True)
    try:
        at = 0
        while (one := next_value(text, at, len(text), 0)) is not None:
            assert at <= one.start < one.stop <= len(text)
            at = one.stop
    finally:
        use_check(None)


@pytest.mark.usefixtures("checked")
def test_scan_finds_them_and_the_library_alone_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    use_check(None)
    path = write(tmp_path / "1.pcap", play(plaintext(sql=b"INSERT INTO t (a) VALUES ('756.9217.0769.85')")))
    assert aurora_wire.scan([path]).leaked == []
    main(["scan", "--no-progress", str(path)])
    assert "1 national id" in capsys.readouterr().out
