"""Where a bound was reached something was not looked at: it is counted, named, and never `proven`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.verdict.result import Scan
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.engine import Engine
from tests.conversations import Conversation, Packet, interleave, mysql, pcap, play
from tests.conversations.judge import explain
from tests.conversations.sessions import payload_of, plaintext, since, tls13, until
from tests.conversations.tcp import SYN


def scan(folder: Path, packets: Sequence[Packet], engine: Engine) -> Scan:
    path = folder / "one.pcap"
    path.write_bytes(pcap(packets))
    analysis = Analysis(ScanOptions([3306, 33060]))
    analysis.engine = engine
    analysis.read(str(path))
    return analysis.finish()


def talk(number: int, *, server: int = 3306) -> Conversation:
    return Conversation(("10.0.0.5", 40_000 + number), ("10.0.0.9", server), client_isn=number * 7919)


def test_a_connection_that_was_evicted_is_never_proven(tmp_path: Path) -> None:
    talks = [play(tls13(), talk(number), close=False) for number in range(6)]
    result = scan(tmp_path, interleave(*talks), Engine([3306], max_connections=3))
    said = explain(result)
    assert len(result.connections) >= 6, said
    evicted = [one for one in result.connections if "evicted" in {reason.id for reason in one.reasons}]
    assert evicted, said
    assert all(one.confidence != "proven" for one in evicted if one.verdict == "encrypted"), said
    assert "AW507" in {finding.rule for finding in result.findings}, said


def test_connections_within_the_bound_are_not_evicted(tmp_path: Path) -> None:
    talks = [play(tls13(), talk(number)) for number in range(6)]
    result = scan(tmp_path, interleave(*talks), Engine([3306], max_connections=6))
    assert {(one.verdict, one.confidence) for one in result.connections} == {("encrypted", "proven")}, explain(result)


def test_connections_one_after_the_other_do_not_evict_each_other(tmp_path: Path) -> None:
    packets = [packet for number in range(12) for packet in play(tls13(), talk(number)).packets]
    result = scan(tmp_path, packets, Engine([3306], max_connections=2))
    assert {(one.verdict, one.confidence) for one in result.connections} == {("encrypted", "proven")}, explain(result)
    assert len(result.connections) == 12


def test_an_overlap_that_could_not_be_compared_takes_the_proof(tmp_path: Path) -> None:
    steps = tls13()
    one = play(until(steps, "client-data-3"), close=False)
    at, payload = one.offset["server"], payload_of(steps, "server-data-3")
    one.server(payload)
    one.again("server", at, payload[:1460])
    one.ack("client")
    play(since(steps, "client-data-4"), one, syn=False)
    compared = scan(tmp_path, one.packets, Engine([3306]))
    assert compared.confidence == "proven", explain(compared)
    unchecked = scan(tmp_path, one.packets, Engine([3306], budget=Budget(history=0)))
    said = explain(unchecked)
    assert (unchecked.verdict, unchecked.confidence) == ("encrypted", "likely"), said
    assert "overlap-unchecked" in {reason.id for reason in unchecked.connections[0].reasons}, said


def test_segments_that_could_not_wait_are_missing_and_named(tmp_path: Path) -> None:
    packets = play(tls13(), sizes=200).packets
    first = next(
        at
        for at in range(30, 90)
        if all(packet.sender == "server" and packet.length == 200 for packet in packets[at : at + 4])
    )
    packets.insert(first + 3, packets.pop(first))
    result = scan(tmp_path, packets, Engine([3306], budget=Budget(held=0)))
    said = explain(result)
    assert result.confidence != "proven", said
    for side in (result.connections[0].client_coverage, result.connections[0].server_coverage):
        assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen, said


def test_statements_beyond_the_bound_are_counted(tmp_path: Path) -> None:
    talks = [play(plaintext(), talk(number)) for number in range(20)]
    result = scan(tmp_path, interleave(*talks), Engine([3306], budget=Budget(statements=900)))
    said = explain(result)
    assert sum(one.statements_total for one in result.connections) == 40, said
    assert 0 < sum(len(one.statements) for one in result.connections) < 40, said
    assert (result.verdict, result.exit_code) == ("plaintext", 1), said


def test_first_bytes_that_could_not_wait_are_judged_as_they_are(tmp_path: Path) -> None:
    talks = [talk(number, server=5555) for number in range(30)]
    for one in talks:
        one.syn()
        for _ in range(20):
            one.client(b"\x80")
    whole = play(plaintext(), talk(99))
    budget = Budget(held=20_000)
    result = scan(tmp_path, [*interleave(*talks), *whole.packets], Engine([3306], budget=budget))
    assert result.verdict == "plaintext", explain(result)
    assert budget.held == 20_000


def test_a_statement_of_which_no_more_could_be_kept_is_marked(tmp_path: Path) -> None:
    one = Conversation()
    play(until(plaintext(), "query"), one, close=False)
    one.client(mysql.query(b"SELECT '" + b"x" * 40_000 + b"'"))
    budget = Budget(held=5_000)
    result = scan(tmp_path, one.packets, Engine([3306], budget=budget))
    said = explain(result)
    assert result.verdict == "plaintext", said
    assert not result.connections[0].statements[-1].complete, said
    assert "AW507" in {finding.rule for finding in result.findings}, said
    assert budget.held == 5_000


def test_attributes_beyond_the_bound_are_left_out_and_the_login_is_not(tmp_path: Path) -> None:
    one = Conversation()
    one.syn()
    one.server(mysql.greeting(caps=mysql.CONNECT_ATTRS))
    one.client(mysql.login(attributes=[(b"k%d" % number, b"v" * 100) for number in range(300)]))
    one.server(mysql.ok(2))
    one.fin()
    budget = Budget()
    before = budget.open
    result = scan(tmp_path, one.packets, Engine([3306], budget=budget))
    said = explain(result)
    kept = result.connections[0]
    assert (kept.verdict, kept.user, kept.attributes) == ("plaintext", "app", {}), said
    assert "AW507" in {finding.rule for finding in result.findings}, said
    assert budget.open == before


def test_connections_without_a_byte_are_given_up_before_those_that_were_silent(tmp_path: Path) -> None:
    one = play(tls13(), talk(0), close=False)
    flood = [talk(number) for number in range(1, 200)]
    for each in flood:
        each.segment("client", flags=SYN, offset=-1)
    packets = [*one.packets[:-2], *(packet for each in flood for packet in each.packets), *one.packets[-2:]]
    result = scan(tmp_path, packets, Engine([3306], budget=Budget(open_connections=100_000)))
    said = explain(result)
    kept = result.connections[0]
    assert (kept.verdict, kept.confidence) == ("encrypted", "proven"), said
    assert "AW507" in {finding.rule for finding in result.findings}, said


def test_what_was_charged_is_given_back(tmp_path: Path) -> None:
    budget = Budget()
    before = (budget.open, budget.held, budget.history, budget.prepared, budget.inflating)
    sessions = (tls13(), plaintext()) * 4
    talks = [play(steps, talk(number), close=number % 3 == 0) for number, steps in enumerate(sessions)]
    for one in talks:
        one.client(mysql.prepare(b"SELECT ?, ?") + mysql.command(24, b"\1\0\0\0\0\0abc"))
        one.server(mysql.prepare_ok(1, 2), lost=[0])
        one.client(mysql.query(b"SELECT 'never ends")[:-3])
    scan(tmp_path, interleave(*talks), Engine([3306], budget=budget))
    assert (budget.open, budget.held, budget.history, budget.prepared, budget.inflating) == before
