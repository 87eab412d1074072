"""The compiled core reads numbers as Python does: those too that mypyc's own C takes for the sign of an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aurora_wire.binary import u16, u16_be, u32, u32_be
from aurora_wire.wire.net.checksum import word_sum

SIGN = -113  # what mypyc's functions return for an error, or for a number that is just that
READS = {(u16, "little"): 2, (u16_be, "big"): 2, (u32, "little"): 4, (u32_be, "big"): 4}
EVERY_SIGN = b"".join(SIGN.to_bytes(8, order, signed=True) for order in ("little", "big"))


@given(st.binary(min_size=4, max_size=24))
@example(EVERY_SIGN)
def test_a_number_is_read_at_each_place_where_there_is_room_for_it(data: bytes) -> None:
    for (read, order), width in READS.items():
        for at in range(len(data) - width + 1):
            assert read(data, at) == int.from_bytes(data[at : at + width], order)


@pytest.mark.parametrize(
    ("at", "error"), [(-(1 << 62), ValueError), (-1, ValueError), (5, IndexError), (8, IndexError)]
)
def test_a_number_that_would_begin_or_end_outside_of_the_bytes_is_an_error(at: int, error: type[Exception]) -> None:
    for read in (u32, u32_be):
        with pytest.raises(error):
            read(bytes(8), at)


@given(st.binary(max_size=200), st.integers(0, 16), st.integers(0, 16))
@example(8 * SIGN.to_bytes(8, "little", signed=True), 0, 0)
def test_words_are_summed_wherever_they_begin_and_end(data: bytes, before: int, behind: int) -> None:
    around = b"\xff" * before + data + b"\xff" * behind
    padded = data + bytes(len(data) % 2)
    whole = sum(int.from_bytes(padded[at : at + 2], "little") for at in range(0, len(padded), 2))
    assert word_sum(around, before, before + len(data)) % 0xFFFF == whole % 0xFFFF
