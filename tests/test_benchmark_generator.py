"""The benchmark capture is fair: right in every number and checksum by the judgement of dpkt and tshark.

A small one stands for the big one: the same conversations, only fewer.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dpkt
import pytest

from aurora_wire import scan

GENERATE = Path(__file__).resolve().parent.parent / "benchmarks" / "generate.py"
PACKETS = 2000
SEED = 9  # gives IPv6, compression, retransmissions and segments out of order among so few connections


class Small(NamedTuple):
    path: Path
    truth: dict[str, Any]


def generate(path: Path, *, packets: int = PACKETS, seed: int = SEED, kinds: tuple[str, ...] = ()) -> Small:
    truth = path.with_suffix(".json")
    # Tests may run with PYTHONSAFEPATH, but a script finds its modules beside it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    numbers = ["--packets", str(packets), "--seed", str(seed), "--truth", str(truth)]
    numbers += [word for kind in kinds for word in ("--kind", kind)]
    subprocess.run(
        [sys.executable, str(GENERATE), str(path), *numbers], check=True, capture_output=True, env=environment
    )
    return Small(path, json.loads(truth.read_text()))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return generate(tmp_path_factory.mktemp("generated") / "small.pcap")


@pytest.fixture(scope="module")
def seen(small: Small) -> list[dict[str, str]]:
    """tshark's opinion, a dict of fields for each frame. Out-of-order segments are put in order first."""
    if shutil.which("tshark") is None:
        if os.environ.get("CI"):
            pytest.fail("tshark is not installed, and in CI it has to be")
        pytest.skip("tshark is not installed")
    fields = (
        "_ws.malformed", "tcp.stream", "tcp.dstport",
        "tcp.analysis.retransmission", "tcp.analysis.out_of_order", "tcp.analysis.ack_lost_segment",
        "tcp.analysis.duplicate_ack", "tcp.analysis.lost_segment", "ip.checksum.status",
        "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "mysql.query",
        "mysql.compressed_packet_length", "mysql.login_request", "tls.handshake.type", "http.request.method",
        "dns.id", "arp",
    )
    options = ["tcp.reassemble_out_of_order:TRUE"]
    options += [f"{name}.check_checksum:TRUE" for name in ("ip", "tcp", "udp")]
    command = ["tshark", "-r", str(small.path), "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
    for option in options:
        command += ["-o", option]
    for field in fields:
        command += ["-e", field]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in shown.splitlines()]


def with_field(seen: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [frame for frame in seen if frame[name]]


def packets(path: Path) -> Iterator[dpkt.ethernet.Ethernet]:
    with path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            yield dpkt.ethernet.Ethernet(frame)


def test_as_many_packets_and_bytes_as_promised_in_order_of_time(small: Small) -> None:
    with small.path.open("rb") as file:
        times = [seconds for seconds, _ in dpkt.pcap.Reader(file)]
    assert len(times) == PACKETS == small.truth["packets"]
    assert times == sorted(times)
    assert small.path.stat().st_size == small.truth["bytes"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small: Small, tmp_path: Path) -> None:
    digests = [
        hashlib.sha256(generate(tmp_path / f"{seed}.pcap", seed=seed).path.read_bytes()).hexdigest()
        for seed in (SEED, SEED + 1)
    ]
    assert digests[0] == hashlib.sha256(small.path.read_bytes()).hexdigest() != digests[1]


@pytest.mark.parametrize("count", [1, 2, 51, 333])
def test_any_number_of_packets_is_met_exactly(count: int, tmp_path: Path) -> None:
    made = generate(tmp_path / "few.pcap", packets=count)
    assert len(list(packets(made.path))) == count == made.truth["packets"]


def test_nine_of_ten_packets_are_mysql_and_half_of_these_in_tls(small: Small) -> None:
    share = {kind: facts["packets"] / PACKETS for kind, facts in small.truth["kinds"].items()}
    assert share["mysql_tls"] == pytest.approx(0.45, abs=0.03)
    assert share["mysql_plaintext"] == pytest.approx(0.45, abs=0.03)
    assert small.truth["compressed_connections"]
    assert small.truth["ipv6_connections"]


def test_of_one_kind_there_is_no_other(tmp_path: Path) -> None:
    made = generate(tmp_path / "tls.pcap", packets=400, kinds=("mysql_tls",))
    assert made.truth["kinds"]["mysql_tls"]["packets"] > 350  # what is left at the end is filled up with ARP
    assert {name for name, kind in made.truth["kinds"].items() if kind["packets"]} <= {"mysql_tls", "arp"}


def test_every_checksum_is_right_by_dpkt(small: Small) -> None:
    judged = {"ip": 0, "tcp": 0, "udp": 0}
    for frame in packets(small.path):
        packet = frame.data
        if isinstance(packet, dpkt.ip.IP):
            assert dpkt.in_cksum(bytes(packet)[:20]) == 0
            judged["ip"] += 1
        elif not isinstance(packet, dpkt.ip6.IP6):
            continue
        body = packet.data
        if isinstance(body, dpkt.tcp.TCP | dpkt.udp.UDP):
            protocol = 6 if isinstance(body, dpkt.tcp.TCP) else 17
            pseudo = packet.src + packet.dst + bytes((0, protocol)) + len(bytes(body)).to_bytes(2, "big")
            assert dpkt.in_cksum(pseudo + bytes(body)) == 0
            judged["tcp" if protocol == 6 else "udp"] += 1
    assert judged["ip"] > 1500
    assert judged["tcp"] > 1800
    assert judged["udp"]


def test_tshark_finds_nothing_malformed_and_no_wrong_checksum(seen: list[dict[str, str]]) -> None:
    assert with_field(seen, "_ws.malformed") == []
    bad = "0"
    for layer in ("ip", "tcp", "udp", "icmp"):
        assert [frame for frame in seen if frame[f"{layer}.checksum.status"] == bad] == []


def test_tshark_sees_the_retransmissions_and_swaps_that_were_meant_and_no_loss(
    seen: list[dict[str, str]], small: Small
) -> None:
    swapped = with_field(seen, "tcp.analysis.out_of_order")
    assert len(swapped) == small.truth["out_of_order"] > 0
    assert len(with_field(seen, "tcp.analysis.lost_segment")) == len(swapped)  # until the other one comes
    assert len(with_field(seen, "tcp.analysis.retransmission")) == small.truth["retransmissions"] > 0
    assert with_field(seen, "tcp.analysis.ack_lost_segment") == []
    assert with_field(seen, "tcp.analysis.duplicate_ack") == []


def test_tshark_sees_each_statement_that_was_sent(seen: list[dict[str, str]], small: Small) -> None:
    # tshark 4.0 does not open compressed packets, and shows of them what was too short to compress.
    queries = with_field(seen, "mysql.query")
    shown = [frame for frame in queries if not frame["mysql.compressed_packet_length"]]
    truth = small.truth
    asked = truth["com_query"] - truth["com_query_compressed"]
    prepared = truth["stmt_prepare"] - truth["stmt_prepare_compressed"]
    assert len(shown) == asked + prepared


def test_tshark_sees_as_many_logins_and_handshakes_as_connections(
    seen: list[dict[str, str]], small: Small
) -> None:
    truth = small.truth
    assert len({frame["tcp.stream"] for frame in with_field(seen, "tcp.stream")}) == truth["tcp_connections"]
    logins = {frame["tcp.stream"] for frame in with_field(seen, "mysql.login_request")}
    assert len(logins) == truth["kinds"]["mysql_plaintext"]["count"] + truth["kinds"]["mysql_tls"]["count"]
    hellos = Counter(frame["tcp.dstport"] for frame in seen if "1" in frame["tls.handshake.type"].split(","))
    assert hellos == {"3306": truth["verdicts"]["encrypted"], "443": truth["kinds"]["https"]["count"]}


def test_the_rest_of_a_network_is_there(seen: list[dict[str, str]]) -> None:
    for field in ("http.request.method", "dns.id", "arp"):
        assert with_field(seen, field)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_scan_finds_what_was_generated(seed: int, tmp_path: Path) -> None:
    path, truth = generate(tmp_path / "generated.pcap", seed=seed)
    result = scan([path])
    found = Counter((connection.verdict, connection.confidence) for connection in result.connections)
    assert found == {
        ("plaintext", "proven"): truth["verdicts"]["plaintext"],
        ("encrypted", "proven"): truth["verdicts"]["encrypted"],
    }
    assert sum(result.not_mysql.values()) == truth["verdicts"]["not-mysql"]
    commands = Counter(
        statement.command for connection in result.connections for statement in connection.statements
    )
    assert commands == {
        "COM_QUERY": truth["com_query"], "COM_STMT_PREPARE": truth["stmt_prepare"],
        "COM_STMT_EXECUTE": truth["stmt_execute"],
    }
    compressed = [connection for connection in result.connections if connection.compression]
    assert len(compressed) == truth["compressed_connections"]
    sides = [(connection.client_coverage, connection.server_coverage) for connection in result.connections]
    for coverage in [side for both in sides for side in both]:
        assert coverage.missing == coverage.truncated == coverage.unknown == 0
