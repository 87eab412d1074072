"""Credentials that crossed: each exchange with what it gives to whoever reads it, held against real recordings."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.credentials import Credentials, find_jwt, graded
from aurora_wire.verdict.kerberos import service_ticket
from aurora_wire.verdict.result import CredentialResult, Scan
from aurora_wire.verdict.rules import credentials as rules
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql import auth
from aurora_wire.wire.mysql import exchange as kinds
from aurora_wire.wire.mysql.credentials import note_reply, note_switch, note_text
from aurora_wire.wire.mysql.exchange import Exchange

CRITICAL = {"AW103", "AW107", "AW108", "AW112", "AW113", "AW114", "AW115", "AW116"}

# Of each recording: exchange, plugin, grade, and what the server made of it.
FIELD = {
    "auth-clear-iam": [
        ("login", "mysql_native_password", "crackable", None), ("switch", "mysql_clear_password", "token", True),
    ],
    "auth-dialog": [
        ("login", "mysql_native_password", "crackable", None), ("switch", "dialog", "secret", True),
        ("switch", "dialog", "secret", True),
    ],
    "auth-ed25519-maria11": [
        ("login", "mysql_native_password", "crackable", None), ("switch", "client_ed25519", "crackable", True),
    ],
    "auth-empty-password-maria10": [
        ("login", "mysql_native_password", "none", True), ("login", "mysql_native_password", "none", True),
    ],
    "auth-gssapi": [("switch", "auth_gssapi_client", "crackable", True)],
    "auth-ldapsasl-scram": [("switch", "authentication_ldap_sasl_client", "crackable", True)],
    "auth-mfa-nextfactor": [
        ("login", "caching_sha2_password", "crackable", True), ("next factor", "mysql_clear_password", "secret", True),
        ("next factor", "authentication_webauthn_client", "proof", True),
    ],
    "auth-openid": [("switch", "authentication_openid_connect_client", "token", True)],
    "auth-unknown-plugin": [("switch", "vendor_token_client", "maybe", True)],
    "secrets-sql-maria10": [
        ("login", "mysql_native_password", "crackable", True), *[("statement", None, "secret", None)] * 6,
        ("statement", None, "key", None),
    ],
    "secrets-sql-mysql9": [
        ("login", "caching_sha2_password", "crackable", True), *[("statement", None, "secret", None)] * 7,
        ("statement", None, "key", None),
    ],
    "repl-gtid-semisync-maria10": [
        ("login", "mysql_native_password", "crackable", True), ("register replica", None, "secret", None),
        ("binlog", None, "secret", None), ("login", "mysql_native_password", "crackable", True),
    ],
    "repl-gtid-semisync-mysql9": [
        ("login", "caching_sha2_password", "crackable", True), ("login", "caching_sha2_password", "sealed", True),
        ("register replica", None, "secret", None), ("binlog", None, "hash", None),
    ],
}  # fmt: skip
RULES = {
    "auth-clear-iam": {"AW107", "AW109"}, "auth-dialog": {"AW103", "AW109"}, "auth-ed25519-maria11": {"AW109"},
    "auth-empty-password-maria10": {"AW108"}, "auth-gssapi": {"AW109"}, "auth-ldapsasl-scram": {"AW109"},
    "auth-mfa-nextfactor": {"AW103", "AW109"}, "auth-openid": {"AW107"}, "auth-unknown-plugin": {"AW111"},
    "secrets-sql-maria10": {"AW109", "AW113", "AW114"}, "secrets-sql-mysql9": {"AW109", "AW113", "AW114"},
    "repl-gtid-semisync-maria10": {"AW109", "AW112", "AW116"},
    "repl-gtid-semisync-mysql9": {"AW109", "AW110", "AW112", "AW116"},
}  # fmt: skip
ABOUT_CREDENTIALS = CRITICAL | {"AW109", "AW110", "AW111"}

SECRETS = {
    "auth-clear-iam": [b"X-Amz-Signature", b"0123456789abcdef0123"],
    "auth-dialog": [b"Pam-Secret-9"],
    "auth-mfa-nextfactor": [b"Second-Factor-LDAP-pw"],
    "auth-openid": [b"eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ"],
    "auth-unknown-plugin": [b"My-Vendor-Token"],
    "secrets-sql-maria10": [b"Hunter2-", b"the-AES-key-1234"],
    "secrets-sql-mysql9": [b"Hunter2-", b"the-AES-key-1234"],
    "repl-gtid-semisync-maria10": [b"Report-Secret-2", b"New-User-Secret"],
    "repl-gtid-semisync-mysql9": [b"Report-Secret-1"],
}


def field(shared: Path, name: str) -> Scan:
    return aurora_wire.scan([shared / "field" / f"depth-{name}.pcap"])


def found_in(scan: Scan) -> list[CredentialResult]:
    return [one for connection in scan.connections for one in connection.credentials]


@pytest.mark.parametrize("name", FIELD)
def test_each_exchange_of_a_recording_has_its_grade(shared: Path, name: str) -> None:
    found = found_in(field(shared, name))
    assert [(one.exchange, one.plugin, one.grade, one.accepted) for one in found] == FIELD[name]


@pytest.mark.parametrize("name", RULES)
def test_each_grade_is_a_finding_of_its_own(shared: Path, name: str) -> None:
    scan = field(shared, name)
    hit = {one.rule: one for one in scan.findings if one.rule in ABOUT_CREDENTIALS}
    assert set(hit) == RULES[name]
    assert all((one.severity == "critical") == (rule in CRITICAL) for rule, one in hit.items())
    frames = {one.frame for one in found_in(scan)}
    assert all(one.frame in frames for one in hit.values())


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown", "csv", "csv:statements", "junit", "sarif"])
def test_no_report_shows_a_secret_unasked(shared: Path, name: str, form: str) -> None:
    scan = field(shared, name)
    shown = "".join(render(scan, form)).encode()
    assert not [secret for secret in SECRETS[name] if secret in shown]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", ["text", "json"])
def test_reveal_shows_them(shared: Path, name: str, form: str) -> None:
    shown = "".join(render(field(shared, name), form, ReportOptions(reveal=True, width=4000))).encode()
    assert all(secret in shown for secret in SECRETS[name])


def test_what_is_masked_is_never_revealed(shared: Path) -> None:
    scan = field(shared, "secrets-sql-mysql9")
    for form in ("text", "json"):
        assert "Hunter2" not in "".join(render(scan, form, ReportOptions(reveal=True, redact=True)))


def test_the_command_has_an_option_for_it_and_not_both(shared: Path) -> None:
    capture = str(shared / "field" / "depth-auth-dialog.pcap")
    both = [sys.executable, "-m", "aurora_wire", "scan", "--redact", "--reveal", capture]
    assert subprocess.run(both, capture_output=True, check=False).returncode == 2
    one = [sys.executable, "-m", "aurora_wire", "scan", "--reveal", capture]
    assert b"Pam-Secret-9" in subprocess.run(one, capture_output=True, check=False).stdout


def of_plugin(scan: Scan, plugin: str) -> list[CredentialResult]:
    return [one for one in found_in(scan) if one.plugin == plugin]


def test_the_line_for_native_passwords_is_one_that_the_password_fits(shared: Path) -> None:
    scan = aurora_wire.scan([shared / "lab" / "mariadb-10.11" / "pymysql-plain.pcap"])
    for one in of_plugin(scan, "mysql_native_password"):
        assert (one.hashcat, one.john) == ((11200, "MySQL CRAM (SHA1)"), "mysqlna")
        assert one.line is not None
        nonce, reply = (bytes.fromhex(part) for part in one.line.removeprefix("$mysqlna$").split("*"))
        inner = hashlib.sha1(b"lab-Secret-1").digest()
        mask = hashlib.sha1(nonce + hashlib.sha1(inner).digest()).digest()
        assert bytes(a ^ b for a, b in zip(inner, mask, strict=True)) == reply


def test_the_line_for_sha2_passwords_is_one_that_the_password_fits(shared: Path) -> None:
    scan = aurora_wire.scan([shared / "lab" / "mysql-9.7" / "pymysql-plain-fast-auth.pcap"])
    one, = of_plugin(scan, "caching_sha2_password")
    assert one.line is not None
    nonce, reply = (bytes.fromhex(part) for part in one.line.split("*"))
    inner = hashlib.sha256(b"lab-Secret-1").digest()
    mask = hashlib.sha256(hashlib.sha256(inner).digest() + nonce).digest()
    assert bytes(a ^ b for a, b in zip(inner, mask, strict=True)) == reply


def test_a_token_says_until_when_it_is_valid(shared: Path) -> None:
    token, = (one for one in found_in(field(shared, "auth-clear-iam")) if one.grade == "token")
    assert token.expires == "2026-11-29T00:15:00Z"


def test_the_hash_of_a_replicated_account_is_told_as_hashcat_takes_it(shared: Path) -> None:
    one, = (one for one in found_in(field(shared, "repl-gtid-semisync-mysql9")) if one.grade == "hash")
    assert one.hashcat == (7401, "MySQL $A$ (sha256crypt)")
    assert one.line is not None
    head, salt, digest = one.line.split("*")
    assert head == "$mysql$A$00A"
    assert (len(bytes.fromhex(salt)), len(bytes.fromhex(digest))) == (20, 43)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("mysql-9.7/connpy-change-user.pcap", ["login", "change user", "switch"]),
        ("mysql-9.7/fail-connpy-change-user.pcap", ["login", "change user", "switch", "switch"]),
        ("mariadb-11.8/mariadb-cli-parsec.pcap", ["login", "switch"]),
        ("mysql-9.7/mysql-cli-sha256-password.pcap", ["login", "switch"]),
    ],
)
def test_several_exchanges_of_a_connection_are_told(shared: Path, file: str, expected: list[str]) -> None:
    scan = aurora_wire.scan([shared / "lab" / file])
    assert [one.exchange for one in found_in(scan)] == expected


def test_nothing_is_told_of_what_is_inside_tls(shared: Path) -> None:
    for name in ("mysql-9.7/pymysql-tls-full-auth", "mariadb-10.11/pymysql-tls13"):
        assert found_in(aurora_wire.scan([shared / "lab" / f"{name}.pcap"])) == []


def exchange(plugin: bytes, *replies: bytes, kind: int = kinds.SWITCH, nonce: bytes = b"n" * 20) -> Exchange:
    made = Exchange(kind, b"app", plugin, nonce, 5, 40)
    for reply in replies:
        made.reply(reply, 0, len(reply), True, 6, 80)
    made.accepted = kinds.ACCEPTED
    return made


@pytest.mark.parametrize(
    ("plugin", "reply", "grade"),
    [
        (auth.OLD_PASSWORD, b"12345678\0", "crackable"),
        (auth.CLEAR_PASSWORD, b"secret\0", "secret"),
        (auth.SHA256, b"secret\0", "secret"),
        (auth.SHA256, bytes(range(256)), "sealed"),
        (auth.SHA256, b"\0", "none"),
        (b"vendor", b"\x80\x81\x82\x83\x84", "unknown"),
        (b"vendor", b"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.c2ln", "token"),
        (b"authentication_windows_client", b"NTLMSSP\0\x03\0\0\0" + bytes(60), "crackable"),
        (b"", b"0123456789", "maybe"),
    ],
)
def test_a_reply_is_graded_by_plugin_and_content(plugin: bytes, reply: bytes, grade: str) -> None:
    assert [one.grade for one in graded(exchange(plugin, reply))] == [grade]


def test_an_empty_reply_is_told_only_where_it_was_taken() -> None:
    refused = exchange(auth.NATIVE_PASSWORD, b"")
    refused.accepted = kinds.REFUSED
    unknown = exchange(auth.NATIVE_PASSWORD, b"")
    unknown.accepted = kinds.UNKNOWN
    assert [*graded(refused), *graded(unknown)] == []


def der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + size + body


def ap_req(kind: int, cipher: bytes) -> bytes:
    """An AP-REQ in a GSS-API token, as of RFC 4121."""
    name = der(0x30, der(0xA0, b"\x02\x01\x02"), der(0xA1, der(0x30, der(0x1B, b"mariadb"), der(0x1B, b"db.example"))))
    sealed = der(0x30, der(0xA0, der(2, bytes([kind]))), der(0xA1, b"\x02\x01\x02"), der(0xA2, der(4, cipher)))
    ticket = der(0x61, der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, der(0x1B, b"EXAMPLE.COM")), der(0xA2, name),
                           der(0xA3, sealed)))
    body = der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, b"\x02\x01\x0e"), der(0xA2, b"\x03\x05\0\0\0\0\0"),
               der(0xA3, ticket))
    oid = bytes.fromhex("06092a864886f712010202")
    return der(0x60, oid, b"\x01\0", der(0x6E, body))


@pytest.mark.parametrize(("kind", "mode"), [(17, 19600), (18, 19700), (23, 13100)])
def test_a_kerberos_ticket_is_told_as_crackers_take_it(kind: int, mode: int) -> None:
    ticket = service_ticket(ap_req(kind, bytes(range(100))))
    assert ticket is not None
    assert ticket.hashcat[0] == mode
    assert ticket.line.startswith(f"$krb5tgs${kind}$")
    assert "EXAMPLE.COM" in ticket.line
    assert "mariadb/db.example" in ticket.line


def test_an_ntlm_response_is_told_as_crackers_take_it() -> None:
    """The example of MS-NLMP 4.2.4: NTLMv2 of User in Domain."""
    response = bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c") + bytes.fromhex("0101000000000000") * 4
    fields = [bytes(24), response, "Domain".encode("utf-16-le"), "User".encode("utf-16-le")]
    head, at = b"NTLMSSP\0\x03\0\0\0", 64
    for part in fields:
        head += len(part).to_bytes(2, "little") * 2 + at.to_bytes(4, "little")
        at += len(part)
    message = head.ljust(64, b"\0") + b"".join(fields)
    made = exchange(b"auth_gssapi_client", message)
    challenge = b"NTLMSSP\0\x02\0\0\0" + bytes(12) + bytes.fromhex("0123456789abcdef") + bytes(8)
    made.prompt(challenge, 0, len(challenge))
    one, = graded(made)
    assert one.hashcat == (5600, "NetNTLMv2")
    assert one.line == "User::Domain:0123456789abcdef:68cd0ab851e51c96aabc927bebef6a1c:" + "0101000000000000" * 4


@pytest.mark.parametrize(("plugin", "size"), [(auth.NATIVE_PASSWORD, 20), (auth.CACHING_SHA2, 32)])
def test_the_usual_login_is_told_in_the_same_words_as_any_other(plugin: bytes, size: int) -> None:
    made = exchange(plugin, b"x" * size, kind=kinds.LOGIN)
    one, = graded(made)
    assert rules.usual_words([made], []) == rules.describe_credential(one)
    assert rules.find_rule(one) == rules.GUESSABLE_PASSWORD
    assert not rules.usual_words([made, made], [])
    assert not rules.usual_words([exchange(plugin, b"x" * 9)], [])


PLUGINS = [
    auth.OLD_PASSWORD, auth.NATIVE_PASSWORD, auth.CACHING_SHA2, auth.SHA256, auth.CLEAR_PASSWORD, auth.DIALOG,
    b"client_ed25519", b"parsec", b"auth_gssapi_client", b"authentication_openid_connect_client", b"PLAIN",
    b"MYSQL41", b"SHA256_MEMORY", b"vendor", b"",
]  # fmt: skip
STARTS = [b"", b"NTLMSSP\0\x03\0\0\0", b"\x60", b"c=biws,r=x,p=", b"eyJ", b"X-Amz-Signature=&X-Amz-Date=", b"\x6e\x30"]


@given(
    st.sampled_from(PLUGINS), st.lists(st.tuples(st.sampled_from(STARTS), st.binary(max_size=300)), max_size=10),
    st.lists(st.binary(max_size=60), max_size=10), st.binary(max_size=40), st.sampled_from([1, 2, 3, 4, 5, 6]),
)
@settings(max_examples=400, deadline=None)
def test_any_exchange_is_graded_without_an_exception(
    plugin: bytes, replies: list[tuple[bytes, bytes]], prompts: list[bytes], nonce: bytes, kind: int
) -> None:
    made = exchange(plugin, *(start + rest for start, rest in replies), kind=kind, nonce=nonce)
    for prompt in prompts:
        made.prompt(prompt, 0, len(prompt))
    for one in graded(made):
        assert one.frame >= 0
        json.dumps([one.what, one.line, one.expires])


@given(st.integers(0, 400), st.integers(0, 7), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_a_damaged_ticket_is_none_or_one(at: int, bit: int, cut: int) -> None:
    token = bytearray(ap_req(18, bytes(range(200))))
    token[at % len(token)] ^= 1 << bit
    service_ticket(bytes(token))
    service_ticket(bytes(token[: cut % len(token)]))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_token_or_none(data: bytes) -> None:
    find_jwt(data)
    find_jwt(b"eyJ" + data)
    service_ticket(data)


def test_what_is_kept_of_a_connection_is_bounded() -> None:
    facts = Facts(1, Budget(), None)
    for number in range(500):
        note_switch(facts, b"mysql_clear_password", b"n" * 100_000)
        note_reply(facts, b"x" * 100_000, 0, 100_000, True, number, 0)
    statement = b"SET PASSWORD = 'x'; " * 3000
    note_text(facts, statement, 0, len(statement), True, 1, 0)
    for _ in range(100):
        note_text(facts, statement, 0, len(statement), True, 1, 0)
    assert len(facts.exchanges) == kinds.MAX_EXCHANGES
    assert facts.exchanges_total == 500
    assert len(facts.secrets) == kinds.MAX_SECRETS
    assert facts.charged < 8 << 20
    assert len(Credentials(facts)) == kinds.MAX_EXCHANGES + kinds.MAX_SECRETS
