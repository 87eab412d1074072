"""The packet list of recorded captures, held against tcpdump's lines and tshark's dissection."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.packets import PacketView, packets
from aurora_wire.report.packets.tcpdump.line import TcpdumpLines
from aurora_wire.wire.decoding import labels
from tests.conftest import SHARED
from tests.lab.truth import TRUTH, Truth
from tests.report.tcpdump_runs import tcpdump_lines
from tests.tshark import printed

# One of each kind: tshark takes its time to start.
JUDGED = (
    "wire/cable-plain.pcap",
    "wire/cable-tls13.pcap",
    "wire/cable-large-insert.pcap",
    "wire/any-interface.pcap",
    "wire/pcapng.pcapng",
    "wire/trickle-plain.pcap",
    "wire/trickle-tls13.pcap",
    "mysql-9.7/pymysql-tls12.pcap",
)
CONTENT_TYPES = {
    20: "TLS change cipher spec",
    21: "TLS alert",
    22: "TLS handshake",
    23: "TLS application data",
}


def views_of(truth: Truth) -> list[PacketView]:
    ports = (3306, 33060, truth.port) if truth.is_mysql else (3306, 33060)
    return list(packets([SHARED / "lab" / truth.file], ScanOptions(ports)))


def test_every_frame_of_the_lab_is_listed_once_in_order_and_each_byte_has_a_label(shared: Path) -> None:
    assert TRUTH
    for truth in TRUTH:
        views = views_of(truth)
        assert [view.number for view in views] == list(range(1, len(views) + 1)), truth.file
        for view in views:
            assert all(one[1] == two[0] for one, two in pairwise(view.spans)), (truth.file, view.number)
            if view.payload_at is not None:
                assert view.spans[0][0] == 0
                # What follows the payload is padding: a frame of Ethernet has at least 60 bytes.
                end = view.payload_at + view.spans[-1][1]
                assert end == len(view.data) or len(view.data) <= 60, (truth.file, view.number)
            unknown = any(span[2] == labels.UNKNOWN for span in view.spans)
            assert not unknown or truth.is_midstream or truth.snaplen, (truth.file, view.number)


def test_the_lines_are_tcpdumps(shared: Path) -> None:
    for truth in TRUTH:
        tcpdump = TcpdumpLines()
        ours = [
            tcpdump.header_line(view.data, view.link_type, view.time_ns, view.original_len, view.undated)
            for view in views_of(truth)
        ]
        assert ours == tcpdump_lines(shared / "lab" / truth.file), truth.file


def test_what_leaked_in_the_lab_is_where_the_truth_has_it(shared: Path) -> None:
    """The first statement of each connection in the clear lies in marked bytes; of encrypted ones none is."""
    found = 0
    for truth in TRUTH:
        if truth.is_x_protocol or not truth.is_mysql:
            continue
        marked = b"".join(view.data[low:high] for view in views_of(truth) for low, high in view.leaked)
        if truth.verdict == "encrypted":
            assert marked == b"", truth.file
        for text in truth.clear_statements[:1]:
            if "compress" in truth.file or "zstd" in truth.file or "zlib" in truth.file or truth.snaplen:
                assert marked, truth.file
            else:
                assert text.encode() in marked, truth.file
                found += 1
    assert found > 60


class Judged(NamedTuple):
    number: int
    query: bool
    types: tuple[int, ...]


def tshark(file: str) -> list[Judged]:
    port = next(truth.port for truth in TRUTH if truth.file == file)
    fields = ["-e", "frame.number", "-e", "mysql.query", "-e", "tls.record.content_type"]
    fields += ["-e", "tls.record.opaque_type"]  # of encrypted records of TLS 1.3
    told = printed(SHARED / "lab" / file, "-d", f"tcp.port=={port},mysql", "-T", "fields", *fields)
    judged = []
    for line in told.decode("utf-8", "replace").splitlines():
        if not line[:1].isdigit():
            continue  # the second line of a statement
        number, query, *types = line.split("\t")
        kinds = [int(kind) for some in types for kind in some.split(",") if kind.isdigit()]
        judged.append(Judged(int(number), bool(query), tuple(kinds)))
    return judged


def test_where_tshark_finds_a_query_or_tls_records_so_do_the_labels(shared: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        answers = dict(zip(JUDGED, pool.map(tshark, JUDGED), strict=True))
    queries = records = 0
    for file, judged in answers.items():
        views = views_of(next(truth for truth in TRUTH if truth.file == file))
        for one in judged:
            found = views[one.number - 1].labels
            if one.query:
                queries += 1
                assert "COM_QUERY" in found, (file, one)
            for kind in one.types:
                records += 1
                assert CONTENT_TYPES[kind] in found, (file, one)
    assert queries > 20
    assert records > 50
