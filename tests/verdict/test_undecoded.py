"""What was not decoded, and how to capture it."""

from __future__ import annotations

import pytest

from aurora_wire.verdict.result import CaptureResult
from aurora_wire.verdict.undecoded import Losses, list_undecoded


@pytest.mark.parametrize(
    ("form", "reason", "unit", "remedy"),
    [
        ("pcap", "unreadable or cut file: x", "files", "copy the file again"),
        ("unreadable", "unreadable or cut file: x", "files", "copy the file again"),
        ("live", "capture that ended early: x", "captures", "start it again"),
        ("relay", "capture that ended early: x", "captures", "start it again"),
    ],
)
def test_an_interface_that_vanished_is_no_file_to_be_copied_again(
    form: str, reason: str, unit: str, remedy: str
) -> None:
    capture = CaptureResult("x", form, None, None, 0, complete=False)
    (row,) = list_undecoded(Losses(), [capture])
    assert (row.reason, row.count, row.unit, row.remedy) == (reason, 1, unit, remedy)


def test_of_a_capture_that_is_whole_there_is_nothing_to_say() -> None:
    assert list_undecoded(Losses(), [CaptureResult("x", "live", None, None, 0)]) == []
