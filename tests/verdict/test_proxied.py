"""For whom a proxy connects, which users a session has, and what may never have left its host."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from jsonschema import validate

import aurora_wire
from aurora_wire.compare.impact import compute_impact
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.result import ConnectionResult
from tests.conversations import Conversation, mysql
from tests.conversations.judge import scan_of
from tests.conversations.sessions import plaintext, until

SCHEMA = Path(aurora_wire.__file__).parent / "report" / "schemas" / "scan.schema.json"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def field(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + struct.pack(">H", len(value)) + value


def header(*fields: bytes, command: int = 0x21, source: bytes = bytes([203, 0, 113, 7])) -> bytes:
    body = source + bytes([10, 0, 0, 9]) + struct.pack(">HH", 50000, 3306) + b"".join(fields)
    return SIGNATURE + bytes([command, 0x11]) + struct.pack(">H", len(body)) + body


def proxied(*headers: bytes) -> list[Conversation]:
    made = []
    for number, one in enumerate(headers):
        talk = Conversation(("10.0.0.2", 50000 + number), ("10.0.0.9", 3306))
        talk.syn()
        talk.client(one)
        for step in plaintext():
            talk.say(step.sender, step.payload)
        talk.fin()
        made.append(talk)
    return made


def connection_of(folder: Path, *headers: bytes) -> ConnectionResult:
    return scan_of(folder, *proxied(*headers)).connections[0]


def test_what_a_header_says_is_told_in_full(shared: Path) -> None:
    scan = aurora_wire.scan([shared / "field" / "depth-proxy-full.pcap"])
    one = scan.connections[0].proxy
    assert one is not None
    assert one.client is not None
    assert (one.client.address, one.client.port, one.version, one.local) == ("203.0.113.7", 50000, 2, False)
    assert (one.endpoint, one.authority) == ("vpce-08d2bf15fac5001c9", "db.example.com")
    assert (one.tls, one.tls_version, one.tls_cipher) == (True, "TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert one.unique_id
    document = json.loads("".join(render(scan, "json")))
    validate(document, json.loads(SCHEMA.read_text()))
    assert document["connections"][0]["proxy"]["client"] == {"address": "203.0.113.7", "port": 50000}
    for name in ("text", "html"):
        assert "vpce-08d2bf15fac5001c9" in " ".join("".join(map(str, render(scan, name))).split()), name


@pytest.mark.parametrize(
    ("fields", "endpoint", "unique_id"),
    [
        (field(0xEA, b"\x01vpce-1"), "vpce-1", None), (field(0xEA, b"\x02other"), None, None),
        (field(0xEE, b"\x01" + struct.pack("<I", 77)), "Azure private endpoint 77", None),
        (field(0xE0, struct.pack(">Q", 5)), "GCP PSC connection 5", None),
        (field(0x05, b"\x01\xff"), None, "01ff"), (field(0x05, b"req-1"), None, "req-1"),
        (field(0x05, b"req-1") + b"\x05\xff\xff", None, "req-1"),
    ],
)  # fmt: skip
def test_fields_of_clouds_and_ids(fields: bytes, endpoint: str | None, unique_id: str | None, tmp_path: Path) -> None:
    one = connection_of(tmp_path, header(fields)).proxy
    assert one is not None
    assert (one.endpoint, one.unique_id, one.tls) == (endpoint, unique_id, None)


def test_a_leg_in_front_without_tls_is_said_to_have_none(tmp_path: Path) -> None:
    one = connection_of(tmp_path, header(field(0x20, bytes(5)))).proxy
    assert one is not None
    assert one.tls is False


def test_a_proxy_that_speaks_for_itself_has_no_other_client(tmp_path: Path) -> None:
    found = connection_of(tmp_path, header(command=0x20))
    assert found.proxy is not None
    assert (found.proxy.local, found.proxy.client, found.real_client) == (True, None, "10.0.0.2")


def test_impact_is_grouped_by_the_real_client(tmp_path: Path) -> None:
    sources = [bytes([203, 0, 113, last]) for last in (7, 8, 7)]
    found = compute_impact(scan_of(tmp_path, *proxied(*(header(source=one) for one in sources))))
    assert {(one.client, one.connections, one.leg) for one in found.groups} == {
        ("203.0.113.7 (by 10.0.0.2)", 2, "proxy"), ("203.0.113.8 (by 10.0.0.2)", 1, "proxy"),
    }  # fmt: skip


def changed(*users: bytes) -> Conversation:
    talk = Conversation()
    talk.syn()
    for step in until(plaintext(), "query-ok"):
        talk.say(step.sender, step.payload)
    for user in users:
        talk.client(mysql.command(17, user + b"\0\0shop\0\x2d\0mysql_native_password\0"))
        talk.server(mysql.ok(1))
    return talk


def test_users_that_a_session_changed_to_are_told(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, changed(b"admin", b"auditor", b"admin"))
    assert scan.connections[0].user == "app"
    assert scan.connections[0].users_after == ["admin", "auditor"]
    assert "changed its user (COM_CHANGE_USER): to admin, auditor" in "".join(render(scan, "text"))
    assert json.loads("".join(render(scan, "json")))["connections"][0]["users_after"] == ["admin", "auditor"]
    assert "auditor" not in "".join(map(str, render(scan, "html", ReportOptions(redact=True))))


def test_users_kept_of_a_session_are_bounded(tmp_path: Path) -> None:
    assert len(scan_of(tmp_path, changed(*(b"u%d" % n for n in range(60)))).connections[0].users_after) == 20


@pytest.mark.parametrize(
    ("client", "server", "loopback", "bridge"),
    [
        ("127.0.0.1", "127.0.0.1", True, False), ("172.17.0.3", "172.17.0.1", False, True),
        ("10.88.0.2", "10.88.0.7", False, True), ("172.17.0.3", "10.88.0.7", False, False),
        ("10.0.0.5", "172.17.0.1", False, False), ("172.18.0.3", "172.18.0.1", False, False),
    ],
)  # fmt: skip
def test_what_may_never_have_left_its_host(
    client: str, server: str, loopback: bool, bridge: bool, tmp_path: Path
) -> None:
    talk = Conversation((client, 50000), (server, 3306))
    talk.syn()
    for step in plaintext():
        talk.say(step.sender, step.payload)
    scan = scan_of(tmp_path, talk)
    assert (scan.connections[0].loopback, scan.connections[0].bridge) == (loopback, bridge)
    assert ("containers of one host" in " ".join("".join(render(scan, "text")).split())) == bridge
