"""Views of one server held against each other: each pair that cannot both be the whole truth is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aurora_wire.cli.main import main
from aurora_wire.posture.audit import Account, AuditResult, Connected, Setting
from aurora_wire.posture.check import Proved, State, check, find_member
from aurora_wire.posture.fleet import CLUSTER, Fleet, Member
from aurora_wire.posture.probe import PROBED, UNREACHABLE, AddressResult, ProbeResult
from aurora_wire.posture.target import Target
from aurora_wire.verdict.certificates import CertificateFacts
from aurora_wire.verdict.result import ConnectionResult, Endpoint, Scan, Verdict

NOW = datetime(2026, 11, 29, tzinfo=UTC)
HOST = "shop.cluster-c1.eu-west-1.rds.amazonaws.com"
TARGET = Target(HOST)
ADDRESS = "192.0.2.7"
SAFE = Proved("pymysql", "verify-identity", "TLS")


def probed(*, offers: bool = True, version: str = "8.4.3", ends: datetime | None = None) -> ProbeResult:
    found = AddressResult(ADDRESS, PROBED, version=version, offers_tls=offers)
    if ends is not None:
        found.chain.append(CertificateFacts(
            "CN=a", "CN=b", [], NOW, ends, "RSA", 2048, "RSA_WITH_SHA256", "00", is_self_signed=False,
            is_authority=False,
        ))  # fmt: skip
    return ProbeResult(TARGET, NOW, [found])


def audited(
    *, requires: bool = True, clear: int = 0, version: str = "8.4.3-log", ends: datetime | None = None
) -> AuditResult:
    found = AuditResult(TARGET, NOW, version, "'a'@'%'", ("TLSv1.3", "x"), not_after=ends, grade="A")
    found.settings = [Setting("require_secure_transport", "ON" if requires else "OFF", "")]
    found.connected = [Connected("app", "h", "TCP/IP", clear)] if clear else []
    found.accounts = [Account("app", "%", "", "caching_sha2_password", locked=False, own=False)]
    found.account_count = 1
    return found


def settings(requires: bool | None, *, pending: bool = False) -> Fleet:
    member = Member(CLUSTER, "shop", "eu-west-1", "aurora-mysql", "8.4", endpoint=HOST)
    member.requires_tls, member.pending = requires, pending
    return Fleet(NOW, [member])


def captured(*verdicts: Verdict, address: str = ADDRESS, exit_code: int = 0) -> Scan:
    connections = [
        ConnectionResult(
            number, Endpoint("192.0.2.1", 40_000), Endpoint(address, 3306), verdict, None, None, "MySQL", 1, 2, None,
            None, 1, user="app",
        )
        for number, verdict in enumerate(verdicts, 1)
    ]  # fmt: skip
    return Scan(
        "inconclusive", None, [], connections, len(connections), {}, {}, [], {}, [], "", [3306], "", exit_code
    )


@pytest.mark.parametrize(("views", "state", "code"), [
    ({"probe": probed()}, "cannot tell", 3),
    ({"probe": probed(offers=False)}, "may come in the clear", 1),
    ({"probe": probed(), "audit": audited()}, "encrypted only", 0),
    ({"probe": probed(), "audit": audited(requires=False)}, "may come in the clear", 1),
    ({"probe": probed(), "audit": audited(requires=False, clear=2)}, "in the clear", 1),
    ({"probe": probed(), "fleet": settings(True)}, "encrypted only", 0),
    ({"probe": probed(), "fleet": settings(None)}, "cannot tell", 3),
    ({"probe": probed(), "fleet": settings(True, pending=True)}, "may come in the clear", 1),
    ({"probe": probed(), "scan": captured("encrypted")}, "cannot tell", 3),
    ({"probe": probed(), "audit": audited(), "scan": captured("encrypted")}, "encrypted only", 0),
    ({"probe": probed(), "audit": audited(), "scan": captured("encrypted", "mixed")}, "in the clear", 1),
    ({"probe": probed(), "scan": captured("plaintext", address="192.0.2.99")}, "cannot tell", 3),
    ({"probe": ProbeResult(TARGET, NOW, [AddressResult(ADDRESS, UNREACHABLE, "refused")])}, "cannot tell", 3),
    ({"probe": ProbeResult(TARGET, NOW, reason="no address")}, "cannot tell", 3),
    ({"probe": probed(), "proved": [Proved("pymysql", "default", "plaintext")]}, "in the clear", 1),
    ({"probe": probed(), "proved": [Proved("pymysql", "off", "plaintext"), SAFE]}, "may come in the clear", 1),
    ({"probe": probed(), "proved": [Proved("pymysql", "off", "refused"), SAFE]}, "cannot tell", 3),
    ({"audit": audited(), "proved": [Proved("pymysql", "off", "refused"), SAFE]}, "encrypted only", 0),
    ({"audit": audited(), "proved": [Proved("pymysql", "off", "failed")]}, "encrypted only", 0),
    ({"audit": audited(), "proved": []}, "encrypted only", 0),
])  # fmt: skip
def test_the_worst_view_decides_and_a_setting_is_needed_for_the_best(
    views: dict[str, object], state: State, code: int
) -> None:
    found = check(TARGET, **views)  # type: ignore[arg-type]
    assert (found.state, found.exit_code) == (state, code)


@pytest.mark.parametrize(("views", "said"), [
    ({"audit": audited(), "scan": captured("plaintext")}, "1 plaintext session was captured"),
    ({"fleet": settings(True), "scan": captured("plaintext", "mixed")}, "2 plaintext sessions were captured"),
    ({"probe": probed(offers=False), "audit": audited()}, "the probe was offered none"),
    ({"probe": probed(version="8.0.11"), "audit": audited()}, "a proxy answers for it"),
    ({"probe": probed(ends=NOW), "audit": audited(ends=NOW + timedelta(90))}, "TLS ends at something in between"),
    ({"fleet": settings(True), "audit": audited(requires=False)}, "requires TLS, and the server says that it does not"),
    ({"fleet": settings(False, pending=True), "audit": audited()}, "a change waits for a restart"),
    ({"audit": audited(), "proved": [Proved("mysql2", "off", "plaintext")]}, "mysql2 has just written to it"),
    ({"fleet": settings(True), "proved": [Proved("go", "default", "mixed")]}, "go has just written to it"),
    ({"probe": probed(offers=False), "proved": [SAFE]}, "A client got TLS"),
])  # fmt: skip
def test_what_cannot_both_be_true_is_told_in_words(views: dict[str, object], said: str) -> None:
    views.setdefault("probe", probed())
    found = check(TARGET, **views)  # type: ignore[arg-type]
    assert len(found.contradictions) == 1
    assert said in found.contradictions[0]
    assert found.state != "encrypted only"


def test_views_that_fit_are_no_contradiction() -> None:
    ends = NOW + timedelta(90)
    found = check(
        TARGET, probe=probed(ends=ends), audit=audited(ends=ends), fleet=settings(True), scan=captured("encrypted")
    )
    assert found.contradictions == []
    assert [each.name for each in found.views] == [
        "what it answers", "how it is set", "what Amazon's settings say", "what crossed the wire",
    ]  # fmt: skip


@pytest.mark.parametrize(("host", "there"), [
    (HOST, True), (HOST.upper() + ".", True), ("shop.cluster-ro-c1.eu-west-1.rds.amazonaws.com", True),
    ("shopping.cluster-ro-c1.eu-west-1.rds.amazonaws.com", False), ("10.0.0.1", False),
])  # fmt: skip
def test_a_server_is_found_among_amazons_by_its_endpoint(host: str, there: bool) -> None:
    assert (find_member(settings(True), Target(host)) is not None) is there


@pytest.mark.parametrize(("arguments", "said"), [
    (["--region", "eu-west-1"], "--aws"),
    (["--profile", "x"], "--aws"),
    (["--aws", "--aws-json", "x.json"], "one of them"),
    (["--prove", "pymysql"], "--user"),
    (["other.example.com", "--user", "a", "--prove", "pymysql"], "one server at a time"),
    (["--parameters", "a=b"], "--aws-json"),
])  # fmt: skip
def test_options_that_do_not_go_together_are_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "127.0.0.1:1", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
