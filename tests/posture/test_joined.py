"""Configuration, answer and traffic of one server in one row, from results that were made one by one."""

from __future__ import annotations

from aurora_wire.posture.check import AMAZON, ANSWERS, SET, WIRE
from aurora_wire.posture.fleet import CLUSTER, Fleet, Member
from aurora_wire.posture.result import Posture
from aurora_wire.posture.target import Target
from aurora_wire.report.posture.joined import joined
from aurora_wire.verdict.result import Endpoint
from tests.posture import results
from tests.report import scans


def settings(*members: Member) -> Posture:
    return Posture("fleet", fleet=Fleet(results.NOW, list(members)))


def test_results_of_one_server_are_one_row_and_traffic_is_that_of_its_addresses() -> None:
    leak = scans.connection(1, "plaintext")
    leak.server = Endpoint("192.0.2.7", 3306)
    other = scans.connection(2, "plaintext")
    scan = scans.scan(leak, other, verdict="plaintext", exit_code=1)
    member = Member(CLUSTER, "shop", "r", "aurora-mysql", "8.4", endpoint=results.HOST, requires_tls=True)
    given = [results.probe(results.address("192.0.2.7")), results.audit(requires=True, clear=0), settings(member)]
    (row,) = joined(given, scan)
    assert [view.name for view in row.views] == [ANSWERS, SET, AMAZON, WIRE]
    assert row.views[-1].answer == "1 captured: 1 plaintext (by app)"
    assert row.state == "in the clear"
    assert len(row.contradictions) == 1, "it requires TLS, and a plaintext session was captured"


def test_a_check_brings_its_own_traffic_unless_captures_are_there() -> None:
    (row,) = joined([results.check(leaking=2)])
    assert row.traffic is not None
    assert row.traffic.leaking == 2
    (row,) = joined([results.check(leaking=2)], scans.scan(verdict="encrypted", exit_code=0))
    assert row.traffic is not None
    assert row.traffic.leaking == 0


def test_members_that_nobody_asked_come_last_and_have_their_row() -> None:
    lone = Member(CLUSTER, "lone", "r", "aurora-mysql", "8.4", requires_tls=False)
    rows = joined([results.probe(results.address()), settings(lone)])
    assert [row.target for row in rows] == [Target(results.HOST), Target("lone")]
    assert rows[0].views[-1].answer == "no cluster, instance or proxy has this endpoint"
    assert (rows[1].state, [view.name for view in rows[1].views]) == ("may come in the clear", [AMAZON])


def test_nothing_is_no_row() -> None:
    assert joined([]) == []
