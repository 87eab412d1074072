"""Samples of protected records: ciphertext passes, whatever else is dressed as records shows."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from math import comb
from pathlib import Path

import pytest

from aurora_wire.wire.tls.ciphertext_sample import (
    CIPHERTEXT,
    FEWEST,
    LIMIT,
    MOST,
    READABLE_RUN,
    RUN,
    SKEWED,
    SMALLEST,
    WINDOW,
    Sample,
    mix,
    skewed,
)
from tests.conversations import mysql, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import Step, inserted, tls13

TEXT = 8 * (
    b"Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani, tertiam qui ipsorum "
    b"lingua Celtae, nostra Galli appellantur. Hi omnes lingua, institutis, legibus inter se differunt. "
)
SIZES = (40, 41, 53, 64, 95, 96, 97, 150, 192, 193, 300, 1400, 16384)


def records(make: Callable[[random.Random, int], bytes], count: int) -> list[bytes]:
    rng = random.Random(9)
    return [make(rng, number) for number in range(count)]


def first_found(bodies: list[bytes]) -> tuple[int, int] | None:
    """Return after how many records something is found, and what."""
    sample = Sample()
    for number, body in enumerate(bodies, 1):
        found = sample.look(body, 0, len(body))
        if found != CIPHERTEXT:
            return number, found
    return None


def test_random_records_are_never_taken_for_text() -> None:
    rng = random.Random(20)
    for direction in range(40):
        sample = Sample()
        for _ in range(400):
            body = rng.randbytes(rng.choice(SIZES[:-1]))
            assert sample.look(body, 0, len(body)) == CIPHERTEXT, direction
            assert sample.part(body, 0, len(body)) == CIPHERTEXT, direction
        assert sample.judge() == CIPHERTEXT


def test_a_histogram_of_random_bytes_is_never_skewed() -> None:
    rng = random.Random(21)
    for _ in range(4000):
        size = rng.choice((40, 57, 96, 150, 192))
        assert not skewed(rng.randbytes(size), 0, size, size, size)


def is_skewed(data: bytes) -> bool:
    """As the docstring of `skewed` says it, in the plainest way."""
    high = sum(byte >> 7 for byte in data)
    size = len(data)
    most = max((data.count(value) for value in range(256)), default=0)
    alike = (size >= FEWEST and high == 0) or (size >= SMALLEST and high == size)
    return most >= MOST or alike or (size > 0 and (2 * high - size) ** 2 >= LIMIT * size)


def test_a_histogram_says_what_counting_says() -> None:
    rng = random.Random(24)
    said = set()
    for number in range(3000):
        data = bytearray(rng.randbytes(rng.choice((1, 39, 40, 96, 97, 191, 192))))
        times = min(rng.randrange(12, 20), len(data))
        # One value often, or values of one class in turns, or all of one half.
        alike = rng.randrange(256)
        for place in rng.sample(range(len(data)), times):
            data[place] = alike ^ (0 if number % 3 == 0 else rng.choice((0, 32, 64, 128)))
        if number % 7 == 0:
            data = bytearray(byte & 0x7F for byte in data)
        wanted = is_skewed(bytes(data))
        said.add(wanted)
        size = len(data)
        assert skewed(bytes(data), 0, size, size, size) == wanted
        # The same bytes in two windows, that meet or lie apart.
        cut = rng.randrange(size)
        assert skewed(bytes(data), 0, cut, cut, size) == wanted
        apart = data[:cut] + rng.randbytes(rng.randrange(1, 50)) + data[cut:]
        if cut > 0:
            assert skewed(bytes(apart), 0, cut, len(apart) - (size - cut), len(apart)) == wanted
    assert said == {True, False}


def test_records_that_begin_with_a_counter_are_no_text() -> None:
    """GCM of TLS 1.2, as some libraries count their nonces."""
    rng = random.Random(22)
    sample = Sample()
    for count in range(3000):
        body = count.to_bytes(8, "big") + rng.randbytes(rng.choice((40, 60, 200)))
        assert sample.look(body, 0, len(body)) == CIPHERTEXT, count


def chance_of_a_run(window: int, need: int) -> float:
    """That `need` printable bytes stand in a row among `window` random ones: exact, by the length of the run so far."""
    readable = 98 / 256
    chances = [1.0] + [0.0] * need
    for _ in range(window):
        after = [0.0] * (need + 1)
        after[need] = chances[need]
        for length in range(need):
            after[0] += chances[length] * (1 - readable)
            after[length + 1] += chances[length] * readable
        chances = after
    return chances[need]


def test_ciphertext_is_taken_for_text_less_than_once_in_a_thousand_million_records() -> None:
    """Of a record of which all is looked at: the first window, and a histogram with its windows. What is said in
    `sample`'s docstring, computed."""
    runs = chance_of_a_run(WINDOW, READABLE_RUN) + chance_of_a_run(2 * WINDOW, READABLE_RUN)
    one_value = 256 * sum(comb(2 * WINDOW, n) * 255 ** (2 * WINDOW - n) for n in range(MOST, 2 * WINDOW + 1))
    one_value /= 256 ** (2 * WINDOW)

    def lopsided(size: int) -> float:
        odd = [high for high in range(size + 1) if (2 * high - size) ** 2 >= LIMIT * size]
        odd += [high for high, least in ((0, FEWEST), (size, SMALLEST)) if size >= least and high not in odd]
        return sum(comb(size, high) for high in odd) / 2**size

    histogram = one_value + max(lopsided(size) for size in range(SMALLEST, 2 * WINDOW + 1))
    of_short = one_value + max(lopsided(size) for size in range(FEWEST, SMALLEST))
    # The sum over a direction is looked at when its probes have doubled. Of 4 probes among 32 bytes two may be the
    # same, which makes the spread of their sum 1 + 3 / 32 times as wide.
    summed = 2 * 2.718281828 ** (-LIMIT / 2 / (1 + 3 / 32))
    assert runs < 3.2e-10
    assert histogram < 2e-12
    assert summed < 2e-11
    assert of_short < 2.4e-10
    assert runs + of_short + summed < 6e-10


DRESSED: dict[str, tuple[Callable[[random.Random, int], bytes], int]] = {
    "text": (lambda rng, at: TEXT[at % 50 : at % 50 + 120], 1),
    "base64": (lambda rng, at: base64.b64encode(rng.randbytes(90)), 1),
    "hex": (lambda rng, at: rng.randbytes(50).hex().encode(), 1),
    "UTF-16": (lambda rng, at: TEXT[at : at + 50].decode().encode("utf-16-le"), 1),
    "Cyrillic in UTF-16": (lambda rng, at: ("съешь же ещё этих мягких булок " * 3).encode("utf-16-le"), 1),
    "Chinese in UTF-8": (lambda rng, at: ("这是一个很长的中文句子" * 4).encode(), 1),
    "runs shorter than the longest allowed": (
        lambda rng, at: b"".join(rng.randbytes(2) + TEXT[part : part + 20] for part in range(0, 200, 20)), 1
    ),
    "mostly zeros": (lambda rng, at: b"\0\0\0\7".join(rng.randbytes(1) for _ in range(40)), 1),
    "text behind 96 random bytes": (lambda rng, at: rng.randbytes(96) + TEXT[:300], 2),
    "half of it base64": (lambda rng, at: rng.randbytes(100) + base64.b64encode(rng.randbytes(75)), 100),
    "a fifth of it short runs": (
        lambda rng, at: b"".join(rng.randbytes(60) + TEXT[part : part + 15] for part in range(0, 60, 15)), 1200
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRESSED)
def test_what_is_dressed_as_records_shows(name: str) -> None:
    make, within = DRESSED[name]
    found = first_found(records(make, within))
    assert found is not None
    assert found[1] in (RUN, SKEWED)


ROWS = (
    mysql.query(b"SELECT id FROM t\0WHERE k = 'Canary-1'"),
    mysql.packet(4, mysql.lestr(b"1007") + mysql.lestr(b"Ada Lovelace-King") + mysql.lestr(b"ada@example.net")),
    mysql.packet(1, b"\0\1\0\2\0\0\0") + mysql.query(b"COMMIT") + mysql.query(b"SET autocommit=0"),
)


@pytest.mark.parametrize("number", range(3, 13))
@pytest.mark.parametrize("row", ROWS)
def test_a_short_readable_record_among_the_first_shows(number: int, row: bytes) -> None:
    """No run of 28 printable bytes, and one record of many: nothing of it is left to chance."""
    assert len(row) >= SMALLEST
    rng = random.Random(number)
    bodies = [rng.randbytes(80) for _ in range(number - 1)]
    assert first_found([*bodies, row[:24] + b"\0" + row[24:]]) == (number, SKEWED)


def test_the_shortest_readable_records_among_the_first_show_together() -> None:
    rng = random.Random(5)
    sample = Sample()
    for body in [rng.randbytes(80), rng.randbytes(80), *(mysql.query(b"SELECT %d, 'abcdefg'" % n) for n in range(6))]:
        sample.look(body, 0, len(body))
    assert sample.judge() == SKEWED


@pytest.mark.parametrize("sender", ["client", "server"])
def test_short_rows_dressed_as_records_are_not_proven(sender: str, tmp_path: Path) -> None:
    name = f"{sender}-data-2"
    odd = Step("odd", sender, tls.record(tls.DATA, ROWS[1][:20] + b"\0" + ROWS[1][20:]))  # type: ignore[arg-type]
    result = scan_of(tmp_path, play(inserted(tls13(), name, odd)))
    assert (result.verdict, result.confidence) == ("encrypted", "likely"), explain(result)
    assert "readable-record" in {reason.id for reason in result.connections[0].reasons}, explain(result)


def test_the_same_record_is_looked_at_in_the_same_places() -> None:
    assert [mix(word, 96) for word in (0, 1, 0xFFFFFFFF)] == [mix(word, 96) for word in (0, 1, 0xFFFFFFFF)]
    assert len({mix(word, size) for word in range(100) for size in range(100)}) == 10_000
    assert all(0 <= mix(word, 18432) < 1 << 48 for word in (0, 1 << 31, 0xFFFFFFFF))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("segment", [60, 1460])
def test_dressed_records_in_a_session_are_not_proven(size: int, segment: int, tmp_path: Path) -> None:
    hidden = base64.b64encode(tls.noise("hidden", size))[:size]
    steps = inserted(tls13(), "client-data-2", Step("odd", "client", tls.records(tls.DATA, hidden)))
    result = scan_of(tmp_path, play(steps, sizes=segment))
    assert (result.verdict, result.confidence) == ("encrypted", "likely"), explain(result)
    assert "readable-record" in {reason.id for reason in result.connections[0].reasons}, explain(result)


def test_text_in_the_middle_of_a_long_record_shows(tmp_path: Path) -> None:
    body = tls.noise("head", 1500) + TEXT * 9
    steps = inserted(tls13(), "client-data-2", Step("odd", "client", tls.record(tls.DATA, body[:16384])))
    result = scan_of(tmp_path, play(steps))
    assert (result.verdict, result.confidence) == ("encrypted", "likely"), explain(result)


def test_what_is_spread_unevenly_only_over_many_records_shows_at_the_end(tmp_path: Path) -> None:
    rng = random.Random(3)
    body = [rng.randbytes(48) + base64.b64encode(rng.randbytes(15)) + rng.randbytes(8) for _ in range(700)]
    odd = Step("odd", "server", b"".join(tls.record(tls.DATA, one) for one in body))
    result = scan_of(tmp_path, play(inserted(tls13(), "server-data-2", odd)))
    assert (result.verdict, result.confidence) == ("encrypted", "likely"), explain(result)
    assert "AW304" in {finding.rule for finding in result.findings}, explain(result)
