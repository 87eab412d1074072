"""The layout of the drawings: nothing is lost, nothing lies outside, and what is small is still seen."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from aurora_wire.report.html import svg_hosts, svg_timeline
from aurora_wire.report.html.frames import Step
from aurora_wire.report.html.svg_bytes import SLIVER, WIDTH, draw_bytes
from aurora_wire.report.html.svg_hosts import SIDE, counts_by_pair, draw_hosts
from aurora_wire.report.html.svg_timeline import BLOCKS, LEFT, draw_timeline
from aurora_wire.report.html.text import after, size
from aurora_wire.verdict.result import Endpoint, Verdict
from tests.report import scans

_total = st.integers(0, 2**50)
_step = st.builds(
    Step,
    st.integers(1, 10**9),
    st.none() | st.integers(0, 2**62),
    st.sampled_from([True, False, None]),
    st.sampled_from(["clear", "safe", "handshake", "open", "unsure"]),
    st.lists(st.sampled_from(["COM_QUERY", "OK", "result set", "greeting"]), min_size=1, max_size=4),
    st.integers(0, 2**40),
    st.just(0),
)
_verdicts = st.dictionaries(
    st.sampled_from(["plaintext", "mixed", "encrypted", "inconclusive", "no-session"]), st.integers(1, 10**9),
    min_size=1,
).map(Counter)
_pairs = st.dictionaries(
    st.tuples(st.integers(0, 40).map("10.0.0.{}".format), st.integers(0, 40).map("10.9.0.{}:3306".format)), _verdicts,
    max_size=60,
)  # fmt: skip


@given(st.tuples(_total, _total, _total, _total, _total))
def test_every_kind_of_byte_that_is_there_is_seen_and_the_bar_is_not_overfull(
    totals: tuple[int, int, int, int, int],
) -> None:
    parts = draw_bytes(totals)
    assert [part.bytes for part in parts] == list(totals)
    x = 0
    for part in parts:
        assert part.x == x
        assert part.width >= SLIVER if part.bytes else part.width == 0
        assert (part.share in ("0%", "100%")) == (part.bytes in (0, sum(totals)))
        x += part.width
    assert x <= WIDTH
    assert x > WIDTH - 10 or not any(totals)


@given(_pairs)
def test_every_connection_is_in_a_box_on_both_sides_and_in_a_line(
    pairs: dict[tuple[str, str], Counter[Verdict]],
) -> None:
    drawing = draw_hosts(pairs)
    for boxes in (drawing.clients, drawing.servers):
        assert len(boxes) <= SIDE
        for box in boxes:
            assert box.x >= 0
            assert box.y + svg_hosts.BOX_HEIGHT <= drawing.height
    counted = sum(int(line.says.rpartition(": ")[2].split()[0].replace(",", "")) for line in drawing.lines)
    assert counted == sum(verdicts.total() for verdicts in pairs.values())


def test_hosts_beyond_those_drawn_share_a_box_and_leaks_are_drawn_first() -> None:
    connections = []
    for number in range(40):
        one = scans.connection(number, "plaintext" if number == 39 else "encrypted")
        one.client = Endpoint(f"10.0.1.{number}", 40_000)
        connections.append(one)
    drawing = draw_hosts(counts_by_pair(connections))
    assert len(drawing.clients) == SIDE
    assert drawing.clients[0].name == "10.0.1.39"
    assert (drawing.clients[0].says, drawing.clients[0].tone) == ("1 in the clear", "clear")
    assert drawing.clients[-1].name == "27 more client hosts"
    assert drawing.clients[-1].says == "27 encrypted"
    assert drawing.says.startswith("40 client hosts and 1 server, connections: 1 in the clear, 39 encrypted.")


@given(st.lists(_step, min_size=1, max_size=150), st.none() | st.integers(0, 2**62), st.integers(0, 1000))
def test_blocks_follow_each_other_inside_the_drawing(steps: list[Step], start: int | None, more: int) -> None:
    line = draw_timeline(steps, start, more)
    left_out = max(len(steps) - BLOCKS, 0) + more
    assert len(line.blocks) == min(len(steps), BLOCKS) + (left_out > 0)
    x = LEFT
    for block in line.blocks:
        assert block.x >= x
        assert block.width > 0
        assert block.x + block.width <= svg_timeline.WIDTH
        assert block.y + block.height <= line.height
        x = block.x + block.width
    assert all(mark.x + svg_timeline.TIME <= svg_timeline.WIDTH for mark in line.marks)
    assert not left_out or line.blocks[-1].label == f"{left_out:,} more"


def test_the_client_is_above_the_server_and_tls_is_of_both() -> None:
    blocks = draw_timeline(
        [Step(1, 0, False, "open", ["greeting"], 80, 0), Step(2, 0, True, "open", ["SSLRequest"], 36, 0),
         Step(3, 0, None, "safe", ["TLS application data"], 900, 0, frames=7)], 0,
    ).blocks  # fmt: skip
    assert blocks[1].y + blocks[1].height < blocks[0].y
    assert (blocks[2].y, blocks[2].height) == (blocks[1].y, blocks[0].y + blocks[0].height)
    assert [block.label for block in blocks] == ["greeting", "SSLRequest", "inside TLS, 7 packets"]
    assert blocks[2].says == "+0.000000 s, both, inside TLS, 7 packets, 900 bytes"


def test_sizes_and_times_are_written_without_rounding_up() -> None:
    assert [size(number) for number in (0, 1, 9_999, 10_000, 999_999, 1_234_567, 10**18)] == [
        "0 bytes", "1 byte", "9,999 bytes", "10.0 kB", "999.9 kB", "1.2 MB", "1,000.0 PB",
    ]  # fmt: skip
    assert (after(1_999_999_999, 0), after(0, 1_500_000), after(None, 0)) == ("+1.999999 s", "-0.001500 s", "")
