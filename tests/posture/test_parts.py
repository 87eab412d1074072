"""The parts of a probe that need no server: hellos, answers, targets, products, Amazon's table, findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from aurora_wire.errors import UsageError
from aurora_wire.posture.assess import assess
from aurora_wire.posture.bundles import BundleFacts, read_bundle
from aurora_wire.posture.client_hello import GROUPS, SIGNATURES, TLS10, TLS12, TLS13, client_hello
from aurora_wire.posture.probe import PROBED, REFUSED, AddressResult
from aurora_wire.posture.server_flight import MAX_FLIGHT, FlightReader
from aurora_wire.posture.survey import NOT_OFFERED, OFFERED, TLSResult, VersionResult, list_suites
from aurora_wire.posture.target import Target, parse_target
from aurora_wire.verdict import amazon_roots
from aurora_wire.verdict.certificates import OWN_OF_MYSQL, CertificateFacts, read_certificate
from aurora_wire.verdict.product import CANNOT_TELL, derive_product, in_amazon
from aurora_wire.verdict.rules import posture as rules
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.tls.hello import parse_client_hello
from tests.posture import results

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@given(
    st.sampled_from((0x0300, TLS10, TLS12, TLS13)),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=300),
    st.lists(st.sampled_from(list(GROUPS)), max_size=30, unique=True),
    st.sampled_from(("", "db.example.com")),
)
def test_a_hello_says_what_it_was_asked_to_say(version: int, suites: list[int], groups: list[int], host: str) -> None:
    record = client_hello(version, suites, groups, host)
    assert record[0] == 22
    assert int.from_bytes(record[3:5], "big") == len(record) - 5
    hello = parse_client_hello(record, 9, len(record))
    assert hello is not None
    assert hello.suites == suites
    assert hello.versions == [version]
    if version > 0x0300:
        assert hello.groups == groups
        assert hello.sni == (host.encode() or None)
    if version >= TLS12:
        assert hello.signature_algorithms == list(SIGNATURES)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_an_answer_that_raises_nothing(data: bytes, step: int) -> None:
    whole, parts = FlightReader(), FlightReader()
    whole.feed(data)
    for at in range(0, len(data), step):
        parts.feed(data[at : at + step])
    assert parts.flight == whole.flight


@given(st.integers(1, 40), st.binary(max_size=60), st.integers(0, 200))
def test_a_server_hello_with_any_rest_is_an_answer_that_raises_nothing(step: int, rest: bytes, flip: int) -> None:
    hello = bytearray(bytes.fromhex("0303") + bytes(32) + b"\0" + bytes.fromhex("c02f") + b"\0")
    hello[flip % len(hello)] ^= 0x55
    message = b"\x02" + len(hello).to_bytes(3, "big") + hello
    record = b"\x16\x03\x03" + (len(message) + len(rest)).to_bytes(2, "big") + message + rest
    reader = FlightReader()
    for at in range(0, len(record), step):
        reader.feed(record[at : at + step])


def test_a_flight_that_does_not_end_is_given_up() -> None:
    reader = FlightReader()
    part = b"\x16\x03\x03\x40\x00" + b"\x0b\x0f\xff\xff" + bytes(16_380)
    for _ in range(2 * MAX_FLIGHT // len(part)):
        reader.feed(part)
        if reader.flight.done:
            break
    assert "more than 1 MiB" in reader.flight.broken


@pytest.mark.parametrize(("text", "host", "port"), [
    ("db", "db", 3306), ("db:3307", "db", 3307), ("[::1]:3306", "::1", 3306), ("[::1]", "::1", 3306),
    ("::1", "::1", 3306), ("10.0.0.5:33060", "10.0.0.5", 33060),
])  # fmt: skip
def test_targets_are_read_as_people_write_them(text: str, host: str, port: int) -> None:
    assert parse_target(text) == Target(host, port)


@pytest.mark.parametrize("text", ["", ":3306", "db:", "db:0", "db:65536", "db:x", "[::1", "[::1]x", "[::1]:", "db:³"])
def test_a_target_that_is_none_is_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_target(text)
    assert "\n" not in str(told.value)
    assert repr(text) in str(told.value)


def test_addresses_have_no_server_name_to_send() -> None:
    assert Target("::1").server_name == Target("10.0.0.5").server_name == Target("fe80::1%eth0").server_name == ""
    assert Target("db.example.com.").server_name == "db.example.com"


@pytest.mark.parametrize(("version", "name"), [
    ("8.0.mysql_aurora.3.04.0", "Amazon Aurora MySQL"), ("8.0.11-TiDB-v7.5.0", "TiDB"), ("8.0.30-Vitess", "Vitess"),
    ("10.11.19-MariaDB-0+deb12u1", "MariaDB"), ("10.4.32 2.5.0-maxscale", "MariaDB MaxScale"),
    ("8.0.36", "MySQL"), ("5.7.44-log", "MySQL"), ("9.7.4", "MySQL"), ("8.0.36-0ubuntu0.22.04.1", "MySQL"),
    ("8.0.36-28", "MySQL or Percona Server"), ("9.7.4-2", "MySQL or Percona Server"),
    ("8.0.35-27-Percona Server", "Percona Server"), ("whatever", CANNOT_TELL), ("8.0.36-made-up", CANNOT_TELL),
])  # fmt: skip
def test_products_are_told_by_what_they_say(version: str, name: str) -> None:
    assert derive_product(version).name == name


def test_amazon_is_told_by_endpoint_or_certificate() -> None:
    region = "eu-central-1"
    proxy = derive_product("8.0.36", f"app.proxy-c9x.{region}.rds.amazonaws.com")
    cluster = derive_product("8.0.36", f"shop.cluster-ro-c9x.{region}.rds.amazonaws.com")
    instance = derive_product("8.0.36", f"shop.c9x.{region}.rds.amazonaws.com")
    assert [each.name for each in (proxy, cluster, instance)] == [
        "Amazon RDS Proxy", "Amazon Aurora MySQL", "Amazon RDS or Aurora instance for MySQL",
    ]  # fmt: skip
    assert {each.region for each in (proxy, cluster, instance)} == {region}
    by_issuer = in_amazon(derive_product("8.0.36", "10.0.0.5"), "10.0.0.5", f"Amazon RDS {region} Root CA RSA2048 G1")
    assert (by_issuer.name, by_issuer.region) == ("Amazon RDS or Aurora for MySQL", region)
    assert derive_product("8.0.36", "rds.amazonaws.com.example.net").region == ""


def test_amazons_table_has_three_roots_of_today_for_each_region() -> None:
    table = amazon_roots.by_fingerprint()
    assert all(len(each) == 64 and int(each, 16) for each in table)
    today = [each for each in table.values() if each.name.endswith(" G1") and "Beta" not in each.name]
    regions = {each.region for each in today}
    assert {"us-east-1", "eu-central-1", "ap-southeast-7", "mx-central-1", "sa-east-1"} <= regions
    for region in regions:
        assert len([each for each in today if each.region == region]) % 3 == 0, region
    old = [each for each in table.values() if each.name in ("Amazon RDS Root CA", "Amazon RDS Root 2019 CA")]
    assert sorted(each.expires for each in old) == ["2020-03-05", "2024-08-22"]


def test_a_bundle_is_read_and_what_is_wrong_with_it_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    path = tmp_path / "rds-combined-ca-bundle.pem"
    path.write_bytes(authority.cert_pem.bytes() * 2)
    found = read_bundle(str(path), NOW)
    assert (found.count, found.expired, found.withdrawn, found.amazon_count) == (2, [], True, 0)
    assert len(read_bundle(str(path), NOW + timedelta(days=400_000)).expired) == 2
    assert not found.lacks("eu-central-1"), "only Amazon's own bundles are known to be for Amazon's regions"
    (tmp_path / "empty.pem").write_text("nothing")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for name, said in (("empty.pem", "no certificate"), ("broken.pem", "certificate 1"), ("none.pem", "no such file")):
        with pytest.raises(UsageError, match=said):
            read_bundle(str(tmp_path / name), NOW)


def test_what_a_bundle_lacks_for_a_region_is_named_by_the_sha256_of_its_authority() -> None:
    bundle = BundleFacts("old.pem", "ab" * 32, 3, amazon_count=3, regions=["us-east-1"])
    product = derive_product("8.0.36", "shop.cluster-abc.eu-central-1.rds.amazonaws.com")
    address = replace(results.address(), product=product)
    (hit,) = [one for one in assess(address, NOW, bundle).findings if one.rule == rules.AUTHORITIES_OUTDATED]
    authority = amazon_roots.by_name()["Amazon RDS eu-central-1 Root CA RSA2048 G1"]
    assert authority.fingerprint in hit.detail
    assert f"(SHA-256 {'ab' * 32})" in hit.detail
    assert "https://truststore.pki.rds.amazonaws.com/" in RULES[hit.rule].fix


@given(st.binary(max_size=200))
def test_any_bytes_are_a_certificate_or_none(data: bytes) -> None:
    assert read_certificate(data) is None, "200 bytes at random are none"


def _certificate(**changes: object) -> CertificateFacts:
    facts = CertificateFacts(
        "CN=db", "CN=ca", ["db"], NOW - timedelta(days=9), NOW + timedelta(days=300), "RSA", 2048, "RSA_WITH_SHA256",
        "00", is_self_signed=False, is_authority=False,
    )
    for name, value in changes.items():
        setattr(facts, name, value)
    return facts


def _tls(**suites: list[int]) -> TLSResult:
    numbers = {"v13": TLS13, "v12": TLS12, "v10": TLS10}
    return TLSResult([
        VersionResult(number, OFFERED if suites.get(name) else NOT_OFFERED, suites.get(name, []), complete=True)
        for name, number in numbers.items()
    ])  # fmt: skip


GOOD = {"v13": [0x1301], "v12": [0xC02F]}


@pytest.mark.parametrize(("result", "rules", "grade"), [
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(**GOOD), chain=[_certificate()]), [], "A"),
    (AddressResult("a", PROBED, offers_tls=False), ["AW601"], "F"),
    (AddressResult("a", PROBED, offers_tls=False, stripped=True), ["AW602"], "F"),
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(**GOOD, v10=[0xC013])), ["AW603"], "C"),
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(v13=[0x1301], v12=[0x0005])), ["AW604"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(v13=[0x1301], v12=[0x0034, 0x003B])), ["AW605"], "F"),
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(v13=[0x1301], v12=[0x009C])), ["AW606"], "B"),
    (AddressResult("a", PROBED, offers_tls=True, tls=_tls(v12=[0xC02F])), ["AW613"], "B"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(not_after=NOW - timedelta(1))]), ["AW607"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(not_before=NOW + timedelta(1))]), ["AW607"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(not_after=NOW + timedelta(9))]), ["AW608"], "B"),
    (AddressResult("a", PROBED, offers_tls=True, trusted="self-signed certificate"), ["AW609"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(key_bits=1024)]), ["AW610"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(signature="RSA_WITH_SHA1")]), ["AW610"], "D"),
    (AddressResult("a", PROBED, offers_tls=True, chain=[_certificate(own=OWN_OF_MYSQL)]), ["AW611"], "A"),
    (AddressResult("a", REFUSED), [], ""),
])  # fmt: skip
def test_what_was_answered_becomes_findings_and_a_grade(result: AddressResult, rules: list[str], grade: str) -> None:
    found = assess(result, NOW)
    assert [each.rule for each in found.findings] == rules
    assert found.grade == grade


def test_the_worst_finding_decides_and_comes_first() -> None:
    result = AddressResult(
        "a", PROBED, offers_tls=True, tls=_tls(v12=[0x0005, 0x009C], v10=[0x0005]),
        chain=[_certificate(own=OWN_OF_MYSQL, not_after=NOW + timedelta(days=2))],
    )  # fmt: skip
    found = assess(result, NOW)
    assert [each.rule for each in found.findings] == ["AW604", "AW603", "AW606", "AW608", "AW613", "AW611"]
    assert found.grade == "D"


def test_all_suites_of_the_registry_are_asked_for() -> None:
    of_12, of_13 = set(list_suites(TLS12)), set(list_suites(TLS13))
    assert {0x1301, 0x1302, 0x1303} <= of_13
    assert {0x0005, 0x000A, 0x0034, 0x003B, 0xC02F} <= of_12
    assert not of_12 & of_13
    assert 0x00FF not in of_12 | of_13, "a signal is no suite"
