"""Who breaks if the server asks for TLS of everybody."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.cli import main
from aurora_wire.compare.driver_options import LEG_OPTIONS, find_driver, find_driver_version
from aurora_wire.compare.impact import MAX_GROUPS, Collector, compute_impact
from aurora_wire.compare.impact_render import render_csv, render_json, render_text
from aurora_wire.compare.roles import tell_leg
from aurora_wire.report.wording import Style
from aurora_wire.verdict.clients import CLIENTS
from aurora_wire.verdict.result import ConnectionResult, Endpoint
from tests.evidence.bundles import ENCRYPTED, PLAIN
from tests.report import scans

Impact = Callable[..., tuple[int, str]]


def connection(number: int = 1, client: str = "10.0.0.5", **how: object) -> ConnectionResult:
    fields: dict[str, object] = {
        "verdict": "plaintext", "confidence": "proven", "proof": None, "protocol": "MySQL", "first_frame": number,
        "last_frame": number, "first_time_ns": number * 10**9, "last_time_ns": number * 10**9 + 5, "packets": 4,
        "user": "app", "statements_total": 2, "server": Endpoint("10.0.0.9", 3306), **how,
    }  # fmt: skip
    return ConnectionResult(id=number, client=Endpoint(client, 50_000 + number), **fields)  # type: ignore[arg-type]


@pytest.fixture
def impact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Impact:
    monkeypatch.chdir(tmp_path)
    Path("plain.pcap").write_bytes(PLAIN)
    Path("tls.pcap").write_bytes(ENCRYPTED)
    Path("empty.pcap").write_bytes(PLAIN[:24])

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["impact", *arguments])
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("captures", "code", "answer"),
    [
        (["plain.pcap", "tls.pcap"], 1, "WOULD BREAK: 1 connection of 1 client host came in the clear; 1 connection"),
        (["tls.pcap"], 0, "NOBODY SEEN who would break: 1 connection encrypted"),
        (["empty.pcap"], 3, "NOT DECIDED: 0 connections encrypted"),
    ],
)
def test_the_answer_is_the_last_line_and_the_exit_code(
    impact: Impact, captures: list[str], code: int, answer: str
) -> None:
    found, said = impact(*captures)
    assert found == code
    assert said.splitlines()[-1].startswith(answer)


def test_the_summary_comes_first_and_rows_have_servers_and_whole_programs(impact: Impact) -> None:
    said = impact("plain.pcap")[1]
    assert said.splitlines()[0] == "Who came in the clear"
    assert "  hosts: 10.0.0.5 (1)\n" in said
    assert "10.0.0.9:3306" in said
    assert "  why application: nothing says that it is anything else\n" in said
    long = connection(attributes={"program_name": "a" * 300})
    for width, whole in ((40, False), (80, False), (100, True)):
        text = "".join(render_text(compute_impact(scans.scan(long)), Style(width, whole=whole)))
        table = text[text.index("first seen") if whole else text.index("client") :]
        assert "".join(table.split()).count("a") >= 300


def test_a_cut_capture_is_no_success(impact: Impact) -> None:
    Path("cut.pcap").write_bytes(ENCRYPTED[:-5])
    assert impact("cut.pcap")[0] == 3


def test_json_and_csv_say_who_when_and_what_mends_it(impact: Impact) -> None:
    code, said = impact("plain.pcap", "--format", "json")
    answer = json.loads(said)
    assert (code, answer["exit_code"], answer["breaking"]) == (1, 1, 1)
    (group,) = answer["groups"]
    assert group["client"] == "10.0.0.5"
    assert group["first_seen"] == "2023-11-14T22:13:20.000000000Z"
    assert group["servers"] == ["10.0.0.9:3306"]
    assert group["declined_tls"] == 1
    rows = list(csv.DictReader(impact("plain.pcap", "--format", "csv")[1].splitlines()))
    assert [(row["client"], row["connections"]) for row in rows] == [("10.0.0.5", "1")]


def test_hostile_names_act_on_no_terminal_and_no_spreadsheet() -> None:
    evil = connection(user="=cmd|'/c calc'!A0\x1b[2J\u202e", attributes={"program_name": "\x1b]0;x\x07\r\n@SUM(1)"})
    found = compute_impact(scans.scan(evil))
    for render in (render_json, render_csv):
        said = "".join(render(found))
        assert all(character.isprintable() or character in "\r\n" for character in said)
    (row,) = csv.DictReader("".join(render_csv(found)).splitlines())
    assert row["user"].startswith("'=cmd")
    said = "".join(render_text(found, Style()))
    assert all(character.isprintable() or character == "\n" for character in said)
    assert "=cmd" in said


@pytest.mark.parametrize(
    ("how", "servers", "leg"),
    [
        ({}, (), "application"),
        ({"commands": {"COM_BINLOG_DUMP_GTID": 1}}, (), "replication"),
        ({"commands": {"COM_REGISTER_SLAVE": 1, "COM_QUERY": 5}}, (), "replication"),
        ({"attributes": {"program_name": "mysqlbinlog"}}, (), "replication"),
        ({"attributes": {"program_name": "mysqld_exporter"}}, (), "monitoring"),
        ({"user": "pmm"}, (), "monitoring"),
        ({"commands": {"COM_PING": 3}}, (), "monitoring"),
        ({"attributes": {"program_name": "proxysql"}}, (), "proxy"),
        ({}, ("10.0.0.5",), "proxy"),
        ({"server": Endpoint("10.0.0.5", 3306)}, ("10.0.0.5",), "application"),
    ],
)
def test_the_leg_is_told_by_what_it_does_and_by_names(
    how: dict[str, object], servers: tuple[str, ...], leg: str
) -> None:
    assert tell_leg(connection(**how), servers)[0] == leg


@pytest.mark.parametrize(
    ("attributes", "name", "version"),
    [
        ({"_client_name": "libmysql", "_client_version": "9.7.4"}, "libmysqlclient", "9.7.4"),
        ({"_client_name": "libmysql", "_client_version": "9.7.4", "_connector_name": "mysql-connector-python",
          "_connector_version": "26.10.0"}, "MySQL Connector/Python", "26.10.0"),
        ({"_client_name": "MariaDB Connector/J", "_client_version": "2.7.6"}, "MariaDB Connector/J", "2.7.6"),
        ({"_client_name": "MySQL Connector/J"}, "MySQL Connector/J", ""),
        ({"_client_name": "pymysql"}, "PyMySQL", ""),
        ({"_client_name": "Go-MySQL-Driver"}, "Go-MySQL-Driver", ""),
        ({"_client_name": "Node-MySQL-2"}, "mysql2 (Node.js)", ""),
        ({"_client_name": ""}, "not known", ""),
        ({}, "not known", ""),
    ],
)  # fmt: skip
def test_the_driver_is_told_by_its_attributes(attributes: dict[str, str], name: str, version: str) -> None:
    assert (find_driver(attributes).name, find_driver_version(attributes)) == (name, version)


def test_every_driver_and_leg_has_an_option_and_is_reached() -> None:
    for client in CLIENTS:
        assert client.option
        for attribute in client.attributes:
            assert find_driver({"_client_name": attribute.upper()}).name == client.name
    assert set(LEG_OPTIONS) == {"replication", "proxy"}


def test_a_proxy_is_known_by_who_reaches_it_and_times_are_of_all() -> None:
    collector = Collector()
    collector.add(connection(2, client="10.0.0.7", server=Endpoint("10.0.0.9", 3306), user="p"), [])
    collector.add(connection(1, client="10.0.0.5", server=Endpoint("10.0.0.7", 6033)), [])
    collector.add(connection(3, client="10.0.0.5", server=Endpoint("10.0.0.7", 6033)), [])
    found = collector.finish(None)  # type: ignore[arg-type]
    assert [(group.leg, group.client, group.connections) for group in found.groups] == [
        ("application", "10.0.0.5", 2), ("proxy", "10.0.0.7", 1),
    ]  # fmt: skip
    assert (found.groups[0].first_ns, found.groups[0].last_ns) == (10**9, 3 * 10**9 + 5)
    assert "ProxySQL" in found.groups[1].option


def test_groups_are_bounded_and_what_is_beyond_is_counted() -> None:
    collector = Collector()
    for number in range(MAX_GROUPS + 3):
        collector.add(connection(number, user=f"u{number}"), [])
    found = collector.finish(None)  # type: ignore[arg-type]
    assert (len(found.groups), found.beyond, found.breaking) == (MAX_GROUPS, 3, MAX_GROUPS + 3)


def test_of_real_clients_each_driver_is_known(shared: Path, impact: Impact) -> None:
    folder = shared / "lab" / "mysql-9.7"
    code, said = impact(str(folder), "--port", "3316", "--format", "json")
    answer = json.loads(said)
    assert code == 1
    known = {(group["driver"], group["driver_version"]) for group in answer["groups"]}
    assert {("libmysqlclient", "9.7.4"), ("PyMySQL", "1.2.4"), ("MariaDB Connector/J", "2.7.6"),
            ("MySQL Connector/Python", "26.10.0")} <= known  # fmt: skip
    assert {group["leg"] for group in answer["groups"]} == {"application", "replication"}


def test_filters_let_a_part_through_and_the_answer_says_so(impact: Impact) -> None:
    both = ("plain.pcap", "tls.pcap")
    code, said = impact(*both, "--host", "10.0.0.6")
    assert code == 0
    assert said.splitlines()[-1].startswith(
        "Of what --host 10.0.0.6 lets through (1 connection left out): NOBODY SEEN who would break"
    )
    code, said = impact(*both, "--leaks", "--format", "json")
    assert (code, json.loads(said)["filters"]) == (1, {"options": {"leaks": ""}, "connections_left_out": 1})
    assert impact(*both, "--user", "nobody-of-this-name")[0] == 3
    assert impact(*both, "--since", "2100-01-01T00:00")[0] == 3
