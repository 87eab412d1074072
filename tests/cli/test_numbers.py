"""Times as options take them."""

from __future__ import annotations

import argparse

import pytest

from aurora_wire.cli.numbers import seconds


@pytest.mark.parametrize(
    ("text", "found"), [("90", 90), ("0.5", 0.5), ("90s", 90), ("1m", 60), ("1.5m", 90), ("2h", 7200), ("1d", 86_400)]
)
def test_a_time_is_seconds_or_has_its_unit(text: str, found: float) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "m", "0", "-1", "1w", "nan", "inf", "1e9", "20000d", "1 m m", "5M"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of seconds"):
        seconds(text)
