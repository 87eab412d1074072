"""A replica's connection and CLONE: what they brought across, as results, findings and reports say it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
from jsonschema import validate

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.named_ports import named_by_port
from aurora_wire.verdict.result import Scan
from tests.conversations import Conversation, mysql
from tests.conversations.judge import scan_of
from tests.conversations.sessions import plaintext, until
from tests.wire.mysql.binlog_events import COLUMNS, event, packets, query_body, rows_body, table_map

SCHEMA = Path(aurora_wire.__file__).parent / "report" / "schemas" / "scan.schema.json"
COLUMNS_OF_IT = [COLUMNS[3], COLUMNS[16]]
SET = b"INSERT INTO people VALUES (1, 'alice')"
GTIDS = struct.pack("<Q", 1) + bytes(range(16)) + struct.pack("<QQQQQ", 2, 1, 6, 8, 9)


def begun(port: int = 3306) -> Conversation:
    talk = Conversation(server=("10.0.0.9", port))
    talk.syn()
    for step in until(plaintext(), "login-ok"):
        talk.say(step.sender, step.payload)
    return talk


def registered(talk: Conversation) -> None:
    body = struct.pack("<I", 77) + b"\x09replica-1\x02re\x03pwd" + struct.pack("<HII", 3307, 0, 0)
    talk.client(mysql.command(21, body))
    talk.server(mysql.ok(1))


def made() -> list[bytes]:
    r = random.Random(2)
    return [
        event(4, struct.pack("<Q", 4) + b"bin.000007"), event(2, query_body(SET)),
        event(19, table_map(5, b"shop", b"orders", COLUMNS_OF_IT)), event(30, rows_body(r, 5, COLUMNS_OF_IT, 3)),
        event(31, rows_body(r, 5, COLUMNS_OF_IT, 2, update=True)), event(32, rows_body(r, 5, COLUMNS_OF_IT, 1)),
    ]  # fmt: skip


def replicated() -> Conversation:
    talk = begun()
    registered(talk)
    dump = struct.pack("<HII", 0, 77, 10) + b"bin.000007" + struct.pack("<QI", 4, len(GTIDS)) + GTIDS
    talk.client(mysql.command(30, dump))
    talk.server(packets(made()), sizes=100)
    return talk


def all_formats(scan: Scan, *, redact: bool = False) -> dict[str, str]:
    names = ["text", "json", "html", "markdown", "csv:findings", "csv:statements", "sarif", "junit", "ocsf"]
    return {name: "".join(map(str, render(scan, name, ReportOptions(redact=redact)))) for name in names}


def test_a_replication_stream_is_told_in_every_format(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, replicated())
    one = scan.connections[0].replication
    assert one is not None
    assert (one.server_id, one.host, one.user, one.port, one.password) == (77, "replica-1", "re", 3307, True)
    assert (one.file, one.position) == ("bin.000007", 4)
    assert one.gtid_set == "00010203-0405-0607-0809-0a0b0c0d0e0f:1-5:8"
    assert [(t.schema, t.table, t.inserted, t.updated, t.deleted) for t in one.tables] == [("shop", "orders", 3, 2, 1)]
    assert one.bytes == sum(map(len, made()))
    assert (one.statements, one.cut, one.unread, one.databases) == (1, 0, 0, ["shop"])
    statement, = scan.connections[0].statements
    assert (statement.sql, statement.command, statement.direction) == (SET, "BINLOG_QUERY", "server")
    hit, = (one for one in scan.findings if one.rule == "AW117")
    assert hit.severity == "critical"
    assert "shop.orders (3 inserted, 2 updated, 1 deleted)" in hit.detail
    shown = all_formats(scan)
    for name, text in shown.items():
        assert "AW117" in text or name == "csv:statements", name
    for name in ("text", "html", "markdown"):
        assert "3 inserted, 2 updated, 1 deleted" in shown[name], name
    document = json.loads(shown["json"])
    validate(document, json.loads(SCHEMA.read_text()))
    assert document["connections"][0]["replication"]["tables"][0]["table"] == "orders"
    assert document["connections"][0]["statements"][0]["direction"] == "server"
    for name, text in all_formats(scan, redact=True).items():
        assert "alice" not in text, name


def test_the_servers_direction_alone_is_a_replication_stream(tmp_path: Path) -> None:
    talk = replicated()
    talk.packets = [one for one in talk.packets if one.sender == "server"]
    one = scan_of(tmp_path, talk).connections[0].replication
    assert one is not None
    assert [(t.inserted, t.updated, t.deleted) for t in one.tables] == [(3, 2, 1)]


def test_a_lost_segment_costs_no_more_than_its_events(tmp_path: Path) -> None:
    talk = begun()
    talk.client(mysql.command(18, struct.pack("<IHI", 4, 0, 77) + b"bin.000007"))
    for number, each in enumerate([*made(), *made()]):
        talk.server(packets([each], number + 1), lost=number == 1)
    one = scan_of(tmp_path, talk).connections[0].replication
    assert one is not None
    assert (one.statements, [t.inserted for t in one.tables]) == (1, [6])


def cloned(*, data: int, refused: bool = False) -> Conversation:
    talk = begun()
    talk.client(mysql.command(32))
    talk.server(mysql.ok(1))
    talk.client(mysql.packet(0, b"\x01" + bytes(8)))
    talk.server(mysql.packet(0, b"\x04\x06\0\0\0InnoDB"))
    talk.server(mysql.packet(0, b"\x05\x03\0\0\0abc\x01\0\0\0x"))
    talk.server(mysql.packet(0, b"\x64" + b"donor says no" if refused else b"\x63"))
    for _ in range(data):
        talk.client(mysql.packet(0, b"\x04"))
        talk.server(mysql.packet(0, b"\x02" + bytes(30)))
        talk.server(mysql.packet(0, b"\x03" + b"d" * 5000))
        talk.server(mysql.packet(0, b"\x63"))
    return talk


def test_a_data_folder_that_crossed_is_critical(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, cloned(data=3))
    one = scan.connections[0].clone
    assert one is not None
    assert (one.bytes, one.packets, one.descriptors, one.plugins, one.settings) == (15_000, 3, 3, ["InnoDB"], 1)
    assert (one.complete, one.error, one.commands) == (True, None, {"init": 1, "execute": 3})
    hit, = (one for one in scan.findings if one.rule == "AW118")
    assert (hit.severity, hit.detail) == ("critical", "the data folder crossed: 15,000 bytes")
    document = json.loads("".join(render(scan, "json")))
    validate(document, json.loads(SCHEMA.read_text()))
    assert "15,000 bytes in 3 packets" in "".join(render(scan, "text"))


def test_a_clone_without_files_is_one_all_the_same_and_a_refused_one_is_none(tmp_path: Path) -> None:
    assert any(one.rule == "AW118" for one in scan_of(tmp_path, cloned(data=0)).findings)
    scan = scan_of(tmp_path, cloned(data=0, refused=True))
    assert not any(one.rule == "AW118" for one in scan.findings)
    assert scan.connections[0].clone is not None
    assert scan.connections[0].clone.error == "donor says no"


def test_a_cut_packet_counts_with_what_came_of_it(tmp_path: Path) -> None:
    talk = begun()
    talk.client(mysql.command(32))
    talk.server(mysql.ok(1))
    talk.client(mysql.packet(0, b"\x01" + bytes(8)))
    talk.server(mysql.packet(0, b"\x03" + b"d" * 100_000)[:40_005])
    one = scan_of(tmp_path, talk).connections[0].clone
    assert one is not None
    assert one.bytes == 40_000


@pytest.mark.parametrize(
    ("name", "tables", "statements"),
    [
        ("repl-gtid-semisync-mysql9", (6, 1, 1), 6), ("repl-gtid-semisync-maria10", (3, 1, 1), 5),
        ("binlog-mid-lab9", (1, 0, 1), 1), ("binlog-mid-lab10", (1, 0, 1), 1),
    ],
)  # fmt: skip
def test_recordings_of_real_servers(shared: Path, name: str, tables: tuple[int, int, int], statements: int) -> None:
    scan = aurora_wire.scan([shared / "field" / f"depth-{name}.pcap"])
    one = scan.connections[0].replication
    assert one is not None
    assert [(t.inserted, t.updated, t.deleted) for t in one.tables] == [tables]
    assert (one.statements, one.cut, one.unread) == (statements, 0, 0)
    assert scan.confidence == "proven"


@pytest.mark.parametrize(
    ("name", "port", "said"),
    [
        ("unknown", 33061, "Group Replication (by its port, 33061)"),
        ("TLS", 4567, "TLS of Galera replication (by its port, 4567)"),
        ("unknown", 4444, "Galera state snapshot transfer (by its port, 4444)"),
        ("HTTP", 4567, "HTTP"), ("unknown", 5555, "unknown"),
    ],
)  # fmt: skip
def test_ports_name_what_nothing_else_names(name: str, port: int, said: str) -> None:
    assert named_by_port(name, port) == said


def test_what_crosses_between_servers_is_named_in_a_scan(tmp_path: Path) -> None:
    talk = Conversation(server=("10.0.0.9", 4567))
    talk.syn()
    talk.client(bytes(range(200, 256)) * 3)
    talk.server(bytes(range(100, 256)) * 3)
    assert scan_of(tmp_path, talk).not_mysql == {"Galera replication (by its port, 4567)": 1}
