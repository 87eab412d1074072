"""`make bench-counts`: its captures have the habits that they are named after, and the counts are callgrind's."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import dpkt
import pytest

from aurora_wire import Scan, scan

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PACKETS = 4000
HABITS = ("standard", "short", "fat", "plaintext", "other", "open", "vxlan")


class Made:
    """A generated capture: its truth, and what a scan makes of it."""

    def __init__(self, folder: Path, habits: str) -> None:
        self.path = folder / f"{habits}.pcap"
        truth = folder / f"{habits}.json"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
        options = ["--habits", habits, "--packets", str(PACKETS), "--truth", str(truth)]
        subprocess.run(
            [sys.executable, str(BENCHMARKS / "generate.py"), str(self.path), *options], check=True,
            capture_output=True, env=environment,
        )  # fmt: skip
        self.truth: dict[str, Any] = json.loads(truth.read_text())
        self.result: Scan = scan([self.path])

    def share(self, *kinds: str) -> float:
        return sum(self.truth["kinds"][kind]["packets"] for kind in kinds) / PACKETS

    def a_connection(self) -> float:
        """Return packets a MySQL connection."""
        mysql = [self.truth["kinds"][kind] for kind in ("mysql_plaintext", "mysql_tls")]
        return sum(one["packets"] for one in mysql) / sum(one["count"] for one in mysql)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    folder = tmp_path_factory.mktemp("kinds")
    return {habits: Made(folder, habits) for habits in HABITS}


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("counts")


def test_these_are_all_habits(counts: ModuleType) -> None:
    assert set(counts.HABITS) == set(HABITS)


@pytest.mark.parametrize("habits", HABITS)
def test_scan_finds_what_was_generated(made: dict[str, Made], habits: str) -> None:
    truth, result = made[habits].truth, made[habits].result
    assert [(one.packets, one.complete) for one in result.captures] == [(PACKETS, True)]
    judged = {verdict: result.by_verdict.get(verdict, 0) for verdict in ("plaintext", "encrypted")}
    assert {**judged, "not-mysql": sum(result.not_mysql.values())} == truth["verdicts"]
    assert {one.confidence for one in result.connections} == {"proven"}
    sides = [side for one in result.connections for side in (one.client_coverage, one.server_coverage)]
    assert all(side.missing == side.truncated == side.unknown == 0 for side in sides)


def test_each_capture_is_what_it_is_called(made: dict[str, Made]) -> None:
    standard = made["standard"]
    assert standard.share("mysql_plaintext", "mysql_tls") == pytest.approx(0.9, abs=0.04)
    assert made["short"].a_connection() < standard.a_connection() / 1.8
    assert made["fat"].a_connection() > 10 * standard.a_connection()
    assert made["other"].share("mysql_plaintext", "mysql_tls") == pytest.approx(0.2, abs=0.04)
    assert set(made["plaintext"].truth["kinds"]) <= {"mysql_plaintext", "arp"}
    texts = [one.sql for connection in made["plaintext"].result.connections for one in connection.statements]
    assert texts
    assert all(text.startswith((b"SELECT", b"SHOW")) for text in texts)


def test_the_tunnel_is_vxlan_in_pcapng_and_holds_the_standard_capture(made: dict[str, Made]) -> None:
    with made["vxlan"].path.open("rb") as file:
        outer = list(dpkt.pcapng.Reader(file))
    with made["standard"].path.open("rb") as file:
        standard = list(dpkt.pcap.Reader(file))
    assert len(outer) == len(standard)
    for (time, frame), (standard_time, inner) in zip(outer, standard, strict=True):
        packet = dpkt.ethernet.Ethernet(frame).data
        assert dpkt.in_cksum(bytes(packet)[:20]) == 0
        assert (packet.data.dport, packet.data.ulen) == (4789, 16 + len(inner))
        assert bytes(packet.data.data) == b"\x08\0\0\0" + (5001).to_bytes(3, "big") + b"\0" + inner
        assert time == pytest.approx(standard_time, abs=2e-6)


def test_connections_that_stay_open_have_no_end_and_checksums_of_a_host_whose_card_fills_them_in(
    made: dict[str, Made],
) -> None:
    found: Counter[str] = Counter()
    with made["open"].path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.tcp.TCP):
                continue
            assert dpkt.in_cksum(bytes(packet)[:20]) == 0
            segment = packet.data
            assert not segment.flags & (dpkt.tcp.TH_FIN | dpkt.tcp.TH_RST)
            body = bytes(segment)
            pseudo = packet.src + packet.dst + bytes((0, 6)) + len(body).to_bytes(2, "big")
            if segment.sport in (80, 443, 3306):
                assert segment.sum == dpkt.in_cksum(pseudo) ^ 0xFFFF
                found["server"] += 1
            else:
                assert dpkt.in_cksum(pseudo + body) == 0
                found["client"] += 1
            if 3306 in (segment.sport, segment.dport) and segment.data[:3] == b"\x17\x03\x03":
                found["records" if 60 <= int.from_bytes(segment.data[3:5], "big") <= 600 else "others"] += 1
    assert found["others"] < found["records"] / 10   # of handshakes
    assert min(found["server"], found["client"], found["records"]) > 500
    assert made["open"].truth["tcp_connections"] > 20


PROFILE = """\
# callgrind format
version: 1
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw

fl=(1) obmalloc.c
fn=(1) _PyObject_Malloc
10 700 20 10 1 2

fn=(2) main
16 400 10 10 3 4 5
cfi=(1)
cfn=(1)
calls=7 10
16 700 20 10 1 2
cfn=(3) malloc'2
calls=2 0
+1 50
cfn=(4) EVP_DigestUpdate
calls=3 0
* 5000 100 100 10 20 30 1
fn=(4)
0 5000 100 100 10 20 30 1
fn=(3)
0 50

totals: 6150 130 120 14 26 35 1
"""


def test_counts_are_the_totals_without_the_hash(counts: ModuleType) -> None:
    cost = counts.read_profile(iter(PROFILE.splitlines(keepends=True)))
    assert cost.values() == (6150 - 5000, 14 - 10, 26 - 20 + 35 - 30, 9)


def test_a_packet_is_what_the_start_leaves(counts: ModuleType) -> None:
    cost = counts.Cost(1000, 50, 80, 12).per_packet(counts.Cost(400, 10, 20, 2), 10)
    assert cost.values() == (60, 4, 6, 1)


def test_what_became_worse_is_told_and_nothing_else(counts: ModuleType) -> None:
    before = counts.Cost(3000, 40.0, 50.0, 2.0)
    page = "\n".join(counts.table({"fat": before, "short": before}, {"fat": 900, "short": 90}))
    after = {"fat": counts.Cost(3100, 40.0, 53.0, 2.0), "short": before, "other": before}
    assert list(counts.worse(after, page)) == ["fat: L1 data misses a packet: 50.00 before, 53.00 now"]


def test_the_committed_counts_are_of_all_habits() -> None:
    page = (BENCHMARKS / "COUNTS.md").read_text()
    assert re.findall(r"^\| (\w+): ", page, re.MULTILINE) == list(HABITS)
