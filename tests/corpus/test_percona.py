"""Percona's dumps as text: each is read, and no COM_QUERY that another reader finds in the hex is missed."""

from __future__ import annotations

import re
from pathlib import Path

import dpkt
import pytest

from aurora_wire.errors import AuroraWireError
from tests.conversations.judge import explain
from tests.corpus.logs import CORPUS, files, scanned, statements

pytestmark = pytest.mark.usefixtures("shared")

DUMPS = files("percona/*.txt")
LINE = re.compile(r"^\s+0x[0-9a-f]{4}:\s{1,3}((?:[0-9a-f]{2,4} ?){1,8})")

# Nothing of MySQL in them, with the reason.
SILENT = {
    "percona/tcpdump020.txt": "one empty line: no packet at all",
}


def segments(name: str) -> list[tuple[tuple[bytes, int, bytes, int], int, bytes]]:
    """(flow, sequence number, payload) of each packet, read by this test's own parser and dpkt."""
    packets: list[str] = []
    fresh = True
    for line in (CORPUS / name).read_text(encoding="latin-1").splitlines():
        hit = LINE.match(line)
        if hit is None:
            fresh = True
            continue
        if fresh or line.lstrip().startswith("0x0000"):
            packets.append("")
        fresh = False
        packets[-1] += hit[1].replace(" ", "")
    out = []
    for packet in packets:
        data = bytes.fromhex(packet[: len(packet) // 2 * 2])
        version = data[0] >> 4
        try:
            ip = dpkt.ip.IP(data) if version == 4 else dpkt.ip6.IP6(data)
        except dpkt.UnpackError:
            continue
        segment = ip.data
        if isinstance(segment, dpkt.tcp.TCP) and segment.data:
            out.append(((ip.src, segment.sport, ip.dst, segment.dport), segment.seq, bytes(segment.data)))
    return out


def queries(name: str) -> list[bytes]:
    """Texts of COM_QUERY packets that begin a segment, once each; long ones as far as the segment goes."""
    seen = set()
    out = []
    for flow, seq, payload in segments(name):
        length = int.from_bytes(payload[:3], "little")
        if len(payload) < 6 or payload[3] != 0 or payload[4] != 3 or length < 2 or (flow, seq) in seen:
            continue
        text = payload[5 : 4 + length]
        printable = sum(byte >= 32 or byte in b"\t\r\n" for byte in text[:40])
        if length >= len(payload) - 4 and printable == len(text[:40]):
            seen.add((flow, seq))
            out.append(text)
    return out


def test_there_are_thirty_dumps(shared: Path) -> None:
    assert len(list((shared / "corpus" / "percona").glob("*.txt"))) == len(DUMPS) == 30


@pytest.mark.parametrize("name", [name for name in DUMPS if name not in SILENT])
def test_each_packet_of_the_text_is_read(name: str) -> None:
    result = scanned(name)
    said = explain(result)
    (capture,) = result.captures
    assert capture.format == "text", said
    assert capture.complete, capture.error
    headers = [line for line in (CORPUS / name).read_text(encoding="latin-1").splitlines() if line[:1].isdigit()]
    assert capture.packets == len(headers), said


# Where this test's reader of single segments sees other queries than those that crossed.
EXPLAINED: dict[str, tuple[list[bytes], str]] = {
    "percona/tcpdump013.txt": (
        [b"show databases"],
        "the compressed protocol: seven bytes come before the packet",
    ),
    "percona/tcpdump014.txt": ([b"show databases"], "the compressed protocol, in mid-stream"),
    "percona/tcpdump015.txt": ([b"select * from help_relation"], "the compressed protocol, with gaps"),
    "percona/tcpdump017.txt": (
        [b"select @@version_comment limit 1"],
        "made by hand: each repeat is one byte further on, so for TCP it is the same place with other bytes",
    ),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_queries_that_the_simple_reader_sees_otherwise(name: str) -> None:
    result = scanned(name)
    assert [one.sql for one in statements(result, "COM_QUERY")] == EXPLAINED[name][0], explain(result)


@pytest.mark.parametrize("name", [name for name in DUMPS if name not in SILENT and name not in EXPLAINED])
def test_no_query_is_missed_and_none_is_invented(name: str) -> None:
    result = scanned(name)
    said = explain(result)
    ours = [one.sql for one in statements(result, "COM_QUERY")]
    theirs = queries(name)
    for text in theirs:
        assert any(sql.startswith(text) or text.startswith(sql) for sql in ours if sql), (text[:80], said)
    assert len(ours) == len(theirs), (theirs, said)


@pytest.mark.parametrize("name", [name for name in DUMPS if name not in SILENT])
def test_nothing_in_them_is_called_encrypted(name: str) -> None:
    result = scanned(name)
    assert "encrypted" not in {one.verdict for one in result.connections}, explain(result)
    if queries(name):
        assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)


def test_an_empty_dump_is_no_capture() -> None:
    with pytest.raises(AuroraWireError) as raised:
        scanned("percona/tcpdump020.txt")
    assert raised.value.exit_code == 2
