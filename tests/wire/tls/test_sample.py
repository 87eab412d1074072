"""Samples of protected records: ciphertext passes, whatever else is dressed as records shows."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from math import comb
from pathlib import Path

import pytest

from aurora_wire.wire.tls.ciphertext_sample import (
    CERTAIN,
    CIPHERTEXT,
    FEW_IDS,
    FEWEST,
    LEAST_FRAMED,
    LIMIT,
    MOST,
    NONCE,
    READABLE_RUN,
    RUN,
    SKEWED,
    SMALLEST,
    WINDOW,
    Sample,
    framed,
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
        found = sample.look(body, 0, len(body), len(body))
        if found != CIPHERTEXT:
            return number, found
    return None


def test_random_records_are_never_taken_for_text() -> None:
    rng = random.Random(20)
    for direction in range(40):
        sample = Sample()
        for _ in range(400):
            body = rng.randbytes(rng.choice(SIZES[:-1]))
            assert sample.look(body, 0, len(body), len(body)) == CIPHERTEXT, direction
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
        assert sample.look(body, 0, len(body), len(body)) == CIPHERTEXT, count


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
        sample.look(body, 0, len(body), len(body))
    assert sample.judge() == SKEWED


PACKETS = {
    "COM_QUERY": mysql.query(b"SELECT 1 FROM"),
    "COM_QUERY, not all of it ASCII": mysql.query("SELECT 'né' FROM town".encode()),
    "COM_STMT_PREPARE": mysql.prepare(b"DELETE FROM t WHERE a"),
    "COM_STMT_EXECUTE": mysql.execute(1, [b"abc", 5]),
    "a row": mysql.packet(7, mysql.lestr(b"Ada") + mysql.lestr(b"1815-12-10")),
    "two answers": mysql.ok(1) + mysql.ok(1, affected=3),
    "compressed, as it is": mysql.compressed(0, mysql.query(b"SELECT 1 FROM t")),
    "compressed": mysql.compressed(0, mysql.query(b"SELECT 1 FROM t" * 20)),
    "X Protocol": (21).to_bytes(4, "little") + b"\x0c" + b"select a from tables",
    "long": mysql.query(b"INSERT INTO t VALUES ('" + bytes(range(32)) * 90 + b"')"),
}


@pytest.mark.parametrize("nonce", [0, NONCE])
@pytest.mark.parametrize("name", PACKETS)
@pytest.mark.parametrize("before", [0, 11, 500])
def test_a_record_that_is_a_packet_shows_wherever_it_stands(nonce: int, name: str, before: int) -> None:
    rng = random.Random(name)
    body = rng.randbytes(nonce) + PACKETS[name]
    assert len(body) >= LEAST_FRAMED
    bodies = [rng.randbytes(rng.choice((19, 28, 33, 64))) for _ in range(before)]
    found = first_found([*bodies, body])
    assert found is not None
    assert found[0] == before + 1


def test_short_records_in_a_row_that_read_show_though_each_alone_may_be_ciphertext() -> None:
    rng = random.Random(31)
    before = [rng.randbytes(30) for _ in range(100)]
    pieces = [TEXT[at : at + 19] for at in range(0, 190, 19)]
    alone = [part for piece in pieces for part in (rng.randbytes(30), piece)]
    assert first_found([*before, *pieces]) == (104, SKEWED)
    # The floor, as the docstring of `ciphertext_sample` says it. (Of more of them the sum of top bits tells.)
    assert first_found([*before, *alone[:4]]) is None


def test_a_nonce_that_looks_like_the_length_of_a_packet_is_none() -> None:
    """TLS 1.2 with GCM: a counter that begins anywhere. All but its last bytes stay the same."""
    rng = random.Random(32)
    sample = Sample()
    begin = bytes([36, 0, 0, 1])
    for count in range(20_000):
        body = begin + count.to_bytes(4, "big") + rng.randbytes(32)
        found = sample.look(body, 0, len(body), len(body))
        assert found == CIPHERTEXT or count == 0, count


def test_random_short_records_are_never_taken_for_text() -> None:
    rng = random.Random(33)
    sample = Sample()
    for number in range(30_000):
        body = rng.randbytes(rng.randrange(1, SMALLEST))
        assert sample.look(body, 0, len(body), len(body)) == CIPHERTEXT, number
    assert sample.judge() == CIPHERTEXT


def test_top_bits_of_short_records_are_counted_as_one_by_one() -> None:
    rng = random.Random(34)
    for size in range(LEAST_FRAMED, SMALLEST):
        for _ in range(50):
            body = rng.randbytes(size)
            sample = Sample()
            sample.look(body, 0, size, size)
            assert (sample.high, sample.probes) == (sum(byte >> 7 for byte in body[NONCE:]), size - NONCE)


def test_random_bytes_are_packets_less_than_once_in_two_to_the_39() -> None:
    """What `framed` says of itself, computed for each length."""
    for size in range(LEAST_FRAMED - NONCE, 600):
        behind = min(size, WINDOW) - 4
        allowed = (behind - CERTAIN) // 4
        calm = sum(comb(behind, high) for high in range(allowed + 1)) / 2**behind if behind >= CERTAIN else 0.0
        one = FEW_IDS / 2**32 * calm
        # Of a chain of n packets n - 1 lengths may be any that fit, and the last one is given by the record's.
        more = sum((size / 2**24) ** (count - 1) / 2**24 for count in range(2, 6)) * FEW_IDS / 256 * calm
        within = size / 2**24 / 2**24 * 3 / 2**16  # compressed: 0 or zlib's or zstd's first bytes
        assert one + more + within < 2**-39, size


def test_packets_are_seen_as_the_docstring_says() -> None:
    rng = random.Random(35)
    for _ in range(3000):
        made = b"".join(mysql.packet(at, rng.randbytes(rng.randrange(1, 9))) for at in range(rng.randrange(1, 4)))
        calm = bytes(byte & 0x7F for byte in made)
        size = len(made)
        if size >= LEAST_FRAMED:
            assert framed(calm, 0, size, size)
            assert not framed(calm, 0, size, size + 1)
            assert not framed(calm, 0, size - 1, size - 1) or size - 1 < LEAST_FRAMED
            assert not framed(calm[:3] + bytes([16]) + calm[4:], 0, size, size)


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


@pytest.mark.parametrize("sender", ["client", "server"])
@pytest.mark.parametrize("size", [1, 9, 1460])
def test_a_short_packet_among_many_records_of_a_session_is_not_proven(sender: str, size: int, tmp_path: Path) -> None:
    rng = random.Random(36)
    many = b"".join(tls.record(tls.DATA, rng.randbytes(30)) for _ in range(60))
    odd = many + tls.record(tls.DATA, mysql.query(b"SELECT pin FROM c")) + many
    steps = inserted(tls13(), f"{sender}-data-2", Step("odd", sender, odd))  # type: ignore[arg-type]
    result = scan_of(tmp_path, play(steps, sizes=size))
    assert (result.verdict, result.confidence) == ("encrypted", "likely"), explain(result)
    assert "readable-record" in {reason.id for reason in result.connections[0].reasons}, explain(result)
