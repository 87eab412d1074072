"""The key log's reader: what counts, what is ignored and counted, and that no bytes raise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.decrypt.key_log import CLIENT_TRAFFIC, MASTER_SECRET, SERVER_TRAFFIC, KeyLog
from aurora_wire.errors import UsageError

RANDOM, OTHER = bytes(range(32)), bytes(range(1, 33))
SECRET, MASTER = b"\xab" * 48, b"\xcd" * 48


def line(label: str = CLIENT_TRAFFIC, random: bytes = RANDOM, secret: bytes = SECRET) -> bytes:
    return f"{label} {random.hex()} {secret.hex()}\n".encode()


def test_the_secrets_of_a_connection_are_found_by_its_client_random() -> None:
    log = KeyLog()
    source = log.add(line() + line(SERVER_TRAFFIC) + line(MASTER_SECRET, OTHER, MASTER), "keys")
    assert log.look_up(RANDOM) == {CLIENT_TRAFFIC: SECRET, SERVER_TRAFFIC: SECRET}
    assert log.look_up(OTHER) == {MASTER_SECRET: MASTER}
    assert log.look_up(bytes(32)) == {}
    assert (len(log), source.secrets, source.ignored) == (2, 3, 0)


def test_comments_blank_lines_line_ends_and_upper_case_hex_are_as_programs_write_them() -> None:
    log = KeyLog()
    text = b"\xef\xbb\xbf# a comment\r\n\r\n \n" + line().replace(b"\n", b"\r\n") + line(SERVER_TRAFFIC)[:-1]
    source = log.add(text.replace(b"ab", b"AB"), "keys")
    assert log.look_up(RANDOM).keys() == {CLIENT_TRAFFIC, SERVER_TRAFFIC}
    assert source.ignored == 0


def test_labels_that_open_no_records_are_counted_apart() -> None:
    source = KeyLog().add(line("EXPORTER_SECRET") + line("EARLY_EXPORTER_SECRET") + line("A_NEW_ONE"), "keys")
    assert (source.secrets, source.unused, source.ignored) == (0, 3, 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"garbage",
        line()[:-3],
        line()[: len(CLIENT_TRAFFIC) + 20],
        line(random=RANDOM[:31]),
        line(secret=SECRET[:47]),
        line(MASTER_SECRET, secret=SECRET[:32]),
        line().replace(b" ", b";"),
        line().replace(b"ab", b"xy"),
        line().replace(b"\n", b" and more\n"),
        b"\0" * 100,
        b"A" * 5000 + b" " + line(),
    ],
)
def test_a_line_that_is_none_is_counted_and_those_around_it_are_read(bad: bytes) -> None:
    log = KeyLog()
    source = log.add(line() + bad.rstrip(b"\n") + b"\n" + line(SERVER_TRAFFIC), "keys")
    assert log.look_up(RANDOM) == {CLIENT_TRAFFIC: SECRET, SERVER_TRAFFIC: SECRET}
    assert (source.secrets, source.ignored) == (2, 1)


def test_where_a_secret_is_logged_twice_the_last_counts() -> None:
    log = KeyLog()
    log.add(line(secret=bytes(48)) + line(), "keys")
    assert log.look_up(RANDOM) == {CLIENT_TRAFFIC: SECRET}


def test_logs_are_put_together(tmp_path: Path) -> None:
    first, second, path = KeyLog(), KeyLog(), tmp_path / "keys"
    first.add(line(), "memory")
    path.write_bytes(line(SERVER_TRAFFIC))
    second.read(path)
    first.include(second)
    assert first.look_up(RANDOM) == {CLIENT_TRAFFIC: SECRET, SERVER_TRAFFIC: SECRET}
    assert [source.path for source in first.sources] == ["memory", str(path)]


def test_the_number_of_connections_is_bounded_and_what_is_beyond_is_counted() -> None:
    log = KeyLog(max_connections=1)
    source = log.add(line() + line(random=OTHER) + line(SERVER_TRAFFIC), "keys")
    assert (len(log), source.secrets, source.left_out) == (1, 2, 1)


def test_a_file_without_an_end_is_read_up_to_the_bound() -> None:
    source = KeyLog(max_file=1 << 20).read("/dev/zero")
    assert (source.secrets, source.left_out) == (0, 1)


def test_an_empty_file_is_a_key_log_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"# nothing yet\n")
    assert KeyLog().read(path).secrets == 0


def test_a_file_of_other_lines_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-1.7\nobj\n")
    with pytest.raises(UsageError, match=r"report\.pdf: no TLS key log: none of its 2 lines") as caught:
        KeyLog().read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="this key log cannot be read"):
        KeyLog().read(tmp_path / name)


def test_no_secret_is_in_what_is_shown_of_a_log() -> None:
    log = KeyLog()
    log.add(line(), "keys")
    shown = f"{log!r} {log} {log.sources!r}"
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown


@settings(max_examples=200)
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([line(), line(SERVER_TRAFFIC)[:-9], b"\n"]))))
def test_no_bytes_raise_and_each_line_is_counted_once(parts: list[bytes]) -> None:
    data = b"".join(parts)
    source = KeyLog().add(data, "keys")
    lines = [one.removeprefix(b"\xef\xbb\xbf").strip() for one in data.split(b"\n")]
    telling = [one for one in lines if one and not one.startswith(b"#")]
    assert source.secrets + source.unused + source.ignored + source.left_out == len(telling)
