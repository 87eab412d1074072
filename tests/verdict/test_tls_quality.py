"""What handshakes say of the quality of TLS, and the findings that follow, on conversations built for each."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.report.scan_json import render
from aurora_wire.verdict import certificates, tls_details
from aurora_wire.verdict.certificates import MAX_NAMES, describe_certificate, read_certificate
from aurora_wire.verdict.result import Scan, TLSResult
from aurora_wire.verdict.rules.certificates import certificate_hits
from aurora_wire.wire.tls.certificates import MAX_CERTIFICATE, MAX_KEPT
from tests.conversations import play, tls
from tests.conversations.judge import scan_of
from tests.conversations.sessions import Step, changed, tls12, tls13
from tests.conversations.tcp import START_NS, Conversation

SUITE = tls.ECDHE_RSA_AES_256_GCM
DHE = 0x009F  # TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
DONE = tls.message(14, b"")
NOW = datetime.fromtimestamp(START_NS // 10**9, UTC)


@cache
def key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def made(
    *, name: str = "db.example", issuer: str = "Lab CA", names: tuple[str, ...] = ("db.example", "10.0.0.9"),
    bits: int = 2048, days: tuple[int, int] = (-10, 300), padding: int = 0,
) -> bytes:
    """Return a certificate of these names and days around the capture's time, as DER."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    builder = x509.CertificateBuilder(by, subject, key(bits).public_key(), 77, NOW + timedelta(days[0]),
                                      NOW + timedelta(days[1]))
    san = [x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names]
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    if padding:
        kind = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
        builder = builder.add_extension(x509.UnrecognizedExtension(kind, bytes(padding)), critical=False)
    return builder.sign(key(2048), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def certificate_message(chain: Sequence[bytes]) -> bytes:
    return tls.message(11, tls.vector(b"".join(tls.vector(der, 3) for der in chain), 3))


def flight(*messages: bytes, size: int = 16384) -> bytes:
    return tls.records(tls.HANDSHAKE, b"".join(messages), size=size)


def session(
    *chain: bytes, suite: int = SUITE, exchange: bytes | None = None, random_bytes: bytes = tls.noise("s", 32),
    compression: int = 0, sni: bytes | None = b"db.example", versions: tuple[int, ...] = (), size: int = 16384,
    version: int = tls.TLS12, asked: bool = False,
) -> list[Step]:
    hello = tls.server_hello_message(version=version, suite=suite, session_id=b"", random_bytes=random_bytes)
    at = 4 + 2 + 32 + 1 + 2
    hello = hello[:at] + bytes([compression]) + hello[at + 1 :]
    request = [tls.message(13, b"\x01\x01" + struct.pack("!HHH", 2, 0x0401, 0))] if asked else []
    parts = [hello, certificate_message(chain), exchange or tls.server_key_exchange_message(), *request, DONE]
    offer = tls.client_hello(versions=versions, session_id=b"", suites=(suite, tls.AES_256_GCM_1_3), sni=sni)
    return changed(tls12(suite=suite, version=version), client_hello=offer, server_hello=flight(*parts, size=size))


def dh_exchange(bits: int) -> bytes:
    prime = ((1 << bits) - 1).to_bytes((bits + 7) // 8, "big")
    return tls.message(12, tls.vector(b"\0" + prime, 2) + tls.vector(b"\x02", 2) + tls.vector(prime, 2))


def found(scan: Scan) -> dict[str, str]:
    return {one.rule: one.detail for one in scan.findings}


def tls_of(scan: Scan) -> TLSResult:
    (connection,) = scan.connections
    assert connection.tls is not None
    return connection.tls


def as_json(scan: Scan, *, redact: bool = False) -> dict[str, object]:
    fields = json.loads("".join(render(scan, redact=redact)))["connections"][0]["tls"]
    assert isinstance(fields, dict)
    return fields


ROOT = made(name="Lab CA", names=())
GOOD = (made(), ROOT)
MARK_12 = tls.noise("s", 24) + b"DOWNGRD\x01"
MARK_11 = tls.noise("s", 24) + b"DOWNGRD\x00"


@pytest.mark.parametrize(("steps", "rules"), [
    (session(*GOOD), set()),
    (session(made(days=(-300, -1)), ROOT), {"AW607"}),
    (session(made(days=(1, 300)), ROOT), {"AW607"}),
    (session(made(), made(name="Lab CA", names=(), days=(-300, -1))), {"AW607"}),
    (session(made(bits=1024), ROOT), {"AW610"}),
    (session(made(issuer="db.example")), {"AW616"}),
    (session(made(issuer="MySQL_Server_8.0_Auto_Generated_CA_Certificate",
                  name="MySQL_Server_8.0_Auto_Generated_Server_Certificate", names=())), {"AW611", "AW306"}),
    (session(made(names=("*.example",)), ROOT), set()),
    (session(made(names=("*.example",)), ROOT, sni=b"a.db.example"), {"AW306"}),
    (session(made(names=("other.example",)), ROOT), {"AW306"}),
    (session(made(names=()), ROOT), set()),
    (session(made(names=("other.example",)), ROOT, sni=None), set()),
    (session(made(issuer="Amazon RDS Root CA"), sni=None), {"AW615"}),
    (session(made(issuer="Amazon RDS eu-central-1 Root CA RSA2048 G1"), sni=None), set()),
    (session(*GOOD, suite=DHE, exchange=dh_exchange(1024)), {"AW614"}),
    (session(*GOOD, suite=DHE, exchange=dh_exchange(2048)), set()),
    (session(*GOOD, compression=1), {"AW308"}),
    (session(*GOOD, random_bytes=MARK_12, versions=(tls.TLS13, tls.TLS12)), {"AW307"}),
    (session(*GOOD, random_bytes=MARK_12), set()),
    (session(*GOOD, random_bytes=MARK_11, version=tls.TLS10, suite=tls.ECDHE_RSA_AES_256_CBC), {"AW301", "AW307"}),
], ids=[str(number) for number in range(20)])  # fmt: skip
def test_a_handshake_has_the_findings_of_its_weaknesses_and_no_other(
    steps: list[Step], rules: set[str], tmp_path: Path
) -> None:
    assert set(found(scan_of(tmp_path, play(steps)))) == rules


def test_a_signature_with_sha_1_is_weak_but_not_on_a_root_that_is_sent_along() -> None:
    facts = describe_certificate(made())
    root = describe_certificate(ROOT)
    assert facts is not None
    assert root is not None


    weak = replace(facts, signature="RSA_WITH_SHA1")
    assert [rule for rule, _ in certificate_hits([weak, replace(root, signature="RSA_WITH_SHA1")], NOW)] == ["AW610"]
    assert list(certificate_hits([None, facts], None)) == []


def test_times_are_those_of_the_capture(tmp_path: Path) -> None:
    said = found(scan_of(tmp_path, play(session(made(days=(-300, -1)), ROOT))))["AW607"]
    assert said == f"the server's certificate expired on {NOW - timedelta(1):%Y-%m-%d}"


def test_what_the_handshake_shows_is_in_json(tmp_path: Path) -> None:
    fields = as_json(scan_of(tmp_path, play(session(*GOOD, asked=True))))
    first, second = fields["certificates"]  # type: ignore[misc]
    assert (first["subject"], first["issuer"]) == ("CN=db.example", "CN=Lab CA")
    assert first["san"] == ["db.example", "10.0.0.9"]
    assert (first["key"], first["key_bits"], first["signature"]) == ("RSA", 2048, "RSA_WITH_SHA256")
    assert second["self_signed"] is True
    shown = {name: fields[name] for name in (
        "group", "post_quantum", "hello_retry", "extended_master_secret", "encrypt_then_mac", "dh_bits",
        "certificates_total", "no_certificates", "client_certificate",
    )}  # fmt: skip
    assert shown == {
        "group": "x25519", "post_quantum": False, "hello_retry": False, "extended_master_secret": True,
        "encrypt_then_mac": None, "dh_bits": None, "certificates_total": 2, "no_certificates": None,
        "client_certificate": "unknown",
    }  # fmt: skip


def test_in_tls_1_3_a_certificate_is_not_visible_and_never_none(tmp_path: Path) -> None:
    seen = tls_of(scan_of(tmp_path, play(tls13(retry=True))))
    assert (seen.certificates, seen.no_certificates) == (None, tls_details.NOT_VISIBLE)
    assert (seen.client_certificate, seen.hello_retry, seen.extended_master_secret) == ("not visible", True, None)
    resumed = tls_of(scan_of(tmp_path, play(tls13(resumed=True))))
    assert (resumed.certificates, resumed.no_certificates) == (None, tls_details.NOT_SENT)
    old = tls_of(scan_of(tmp_path, play(tls12(resumed=True))))
    assert (old.certificates, old.no_certificates, old.client_certificate) == (None, tls_details.NOT_SENT, "not asked")


def test_a_clients_certificate_is_shown_and_masked(tmp_path: Path) -> None:
    steps = session(*GOOD, asked=True)
    own = made(name="alice", names=())
    keys = flight(certificate_message([own])) + tls.client_key_exchange()
    rest = tls.change_cipher_spec() + tls.finished("client")
    scan = scan_of(tmp_path, play(changed(steps, client_finished=keys + rest)))
    assert tls_of(scan).client_certificate == "shown"
    assert tls_of(scan).client_certificates == [own]
    assert "alice" in json.dumps(as_json(scan))
    assert "alice" not in json.dumps(as_json(scan, redact=True))
    none = flight(certificate_message([])) + tls.client_key_exchange()
    scan = scan_of(tmp_path, play(changed(steps, client_finished=none + rest)))
    assert tls_of(scan).client_certificate == "none"


@pytest.mark.parametrize(("record", "segment"), [(16384, 1460), (100, 1460), (16384, 50), (1, 1460)])
def test_a_chain_over_many_records_and_segments_is_read(record: int, segment: int, tmp_path: Path) -> None:
    whole = tls_of(scan_of(tmp_path, play(session(*GOOD, size=record), sizes=segment)))
    assert whole.certificates == list(GOOD)


def test_a_chain_of_a_megabyte_takes_no_proof_and_little_memory(tmp_path: Path) -> None:
    chain = [made(name=f"{number}", padding=40_000) for number in range(3)]
    chain += [made(padding=MAX_CERTIFICATE), *(chain * 7)]
    assert sum(map(len, chain)) > 1_000_000
    steps: list[Step] = []
    for step in session(*chain):  # as much as the client's window takes, and no more, before it acknowledges
        pieces = [step.payload[at : at + 60_000] for at in range(0, len(step.payload), 60_000)]
        steps += [Step(f"{step.name}-{number}", step.sender, piece) for number, piece in enumerate(pieces)]
    scan = scan_of(tmp_path, play(steps))
    assert (scan.connections[0].verdict, scan.connections[0].confidence) == ("encrypted", "proven")
    seen = tls_of(scan)
    assert seen.certificates is not None
    assert (seen.certificates_total, len(seen.certificates)) == (len(chain), MAX_KEPT)
    assert seen.certificates[3] == b"", "larger than what is kept of one"
    listed = as_json(scan)["certificates"]
    assert isinstance(listed, list)
    assert [one is None for one in listed] == [number == 3 for number in range(MAX_KEPT)]


def test_the_same_chain_of_many_connections_is_kept_once(tmp_path: Path) -> None:

    talks = [play(session(*GOOD), Conversation(client=("10.0.0.5", 40000 + number))) for number in range(5)]
    scan = scan_of(tmp_path, [packet for talk in talks for packet in talk.packets])
    chains = [one.tls.certificates for one in scan.connections if one.tls is not None and one.tls.certificates]
    assert len(chains) == 5
    assert len({id(chain[0]) for chain in chains}) == 1


def test_without_cryptography_the_digests_stay_and_what_to_install_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scan_of(tmp_path, play(session(*GOOD)))
    monkeypatch.setattr("aurora_wire.report.tls_details.can_read", lambda: False)
    monkeypatch.setattr("aurora_wire.report.tls_details.describe_certificate", lambda _: None)
    fields = as_json(scan)
    assert fields["certificates_unread"] == certificates.MISSING
    first = fields["certificates"][0]  # type: ignore[index]
    assert (len(first["sha256"]), first["subject"], fields["group"]) == (64, None, "x25519")


@pytest.mark.parametrize(("names", "host", "fits"), [
    (["db.example"], "DB.Example.", True), (["*.example"], "db.example", True), (["*.example"], "example", False),
    (["*.example"], "a.db.example", False), (["10.0.0.9"], "10.0.0.9", True), (["db"], "10.0.0.9", False),
    (["::1"], "0:0::1", True), ([], "lab", True), (["10.0.0.9"], "lab", True), (["x"], "lab", False),
    (["x"] * MAX_NAMES, "lab", None),
])  # fmt: skip
def test_names_are_compared_as_clients_do(names: list[str], host: str, fits: bool | None) -> None:
    facts = describe_certificate(made())
    assert facts is not None

    assert replace(facts, names=names, common_names=["lab"]).is_for(host) is fits


@settings(max_examples=300)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4), st.sampled_from(["flip", "cut", "insert"]))
def test_a_damaged_certificate_is_read_or_not_and_raises_nothing(at: int, some: bytes, how: str) -> None:
    der = made()
    at %= len(der)
    damaged = {"flip": der[:at] + some + der[at + len(some) :], "cut": der[:at], "insert": der[:at] + some + der[at:]}
    read_certificate(damaged[how])


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_flight_changes_nothing_but_what_it_says(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    steps = session(*GOOD)
    payload = bytearray(next(one.payload for one in steps if one.name == "server-hello"))
    for _ in range(8):
        payload[dice.randrange(5, len(payload))] ^= 1 << dice.randrange(8)
    scan = scan_of(tmp_path, play(changed(steps, server_hello=bytes(payload))))
    "".join(render(scan))


def test_with_a_key_log_the_certificates_of_tls_1_3_are_shown(shared: Path) -> None:
    path = shared / "lab" / "mysql-9.7" / "mysql-cli-verify-identity"
    scan = aurora_wire.scan([f"{path}.pcap"], aurora_wire.ScanOptions(keylogs=[f"{path}.keys"]))
    seen = tls_of(scan)
    assert seen.certificates is not None
    facts = describe_certificate(seen.certificates[0])
    assert facts is not None
    assert (facts.subject, facts.is_for("localhost"), seen.client_certificate) == ("CN=localhost", True, "none")
    assert tls_of(aurora_wire.scan([f"{path}.pcap"])).certificates is None
