"""Times from integer nanoseconds, exact to the last digit."""

import pytest

from aurora_wire.report.timestamps import Clock, rfc3339, time_of_day
from tests.report import scans

DAY = 86_400 * 1_000_000_000


@pytest.mark.parametrize(
    ("time_ns", "shown"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_615_971_601_000_000_123, "2021-03-17T09:00:01.000000123Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**63, "2262-04-11T23:47:16.854775808Z"),
        (-62_135_596_800 * 10**9, "0001-01-01T00:00:00.000000000Z"),
        (253_402_300_800 * 10**9 - 1, "9999-12-31T23:59:59.999999999Z"),
        (253_402_300_800 * 10**9, None),
        (10**40, None),
    ],
)
def test_a_time_is_shown_in_utc_unless_no_calendar_has_it(time_ns: int, shown: str | None) -> None:
    assert rfc3339(time_ns) == shown


def test_a_time_of_day_begins_again_each_midnight() -> None:
    assert time_of_day(DAY - 1) == "23:59:59.999999999"
    assert time_of_day(DAY + 5) == "00:00:00.000000005"


def test_a_frame_has_a_date_if_its_capture_has() -> None:
    clock = Clock([scans.capture(undated=True), scans.capture(first_frame=61)])
    assert [clock.undated(frame, DAY) for frame in (1, 60, 61, 99)] == [True, True, False, False]
    assert clock.show(60, None) is None
    assert not Clock().undated(1, DAY)


def test_a_frame_with_a_date_keeps_it_beside_frames_without_one() -> None:
    clock = Clock([scans.capture(undated=True)])
    assert clock.show(1, DAY + 5) == "00:00:00.000000005"
    assert clock.show(2, scans.START) == "2021-03-17T09:00:01.000000000Z"


def test_while_no_capture_is_known_a_time_of_the_first_day_is_a_time_of_day() -> None:
    assert Clock().show(1, DAY - 1) == "23:59:59.999999999"
    assert Clock().show(1, DAY) == "1970-01-02T00:00:00.000000000Z"
    assert Clock([scans.capture()]).show(1, 0) == "1970-01-01T00:00:00.000000000Z"
