"""Real clients: what is decoded from captures in the clear is what the servers logged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql import commands
from aurora_wire.wire.mysql.auth import is_cleartext_password, parse_auth_more_data, parse_auth_switch
from aurora_wire.wire.mysql.execute import Prepared, parse_bulk_execute, parse_execute
from aurora_wire.wire.mysql.greeting import parse_greeting
from aurora_wire.wire.mysql.login import parse_change_user, parse_login
from aurora_wire.wire.mysql.placeholders import count_placeholders, place_parameters
from aurora_wire.wire.mysql.query import parse_query
from aurora_wire.wire.mysql.replies import parse_ok, parse_prepare_ok
from tests.wire.mysql.captured import Packet, packets_of, truth_of

WITH_EXECUTIONS = [
    f"{server}/{name}.pcap"
    for server in ("mariadb-10.11", "mysql-9.7")
    for name in ("connpy-prepared", "connpy-types", "mysql2-execute")
] + ["mariadb-10.11/connj-prepared.pcap"]


class Session:
    """A conversation read to its end: just enough order to give each message its parser."""

    def __init__(
        self, packets: list[Packet], *, forget_prepare: bool = False, forget_login: bool = False
    ) -> None:
        self.queries: list[bytes] = []
        self.attributes: list[tuple[bytes, bytes]] = []
        self.executions: list[bytes] = []
        self.values: list[list[bytes]] = []
        self.bulk_rows: list[list[bytes]] = []
        self.user = b""
        self.passwords = 0
        agreed = -1
        capabilities = 0
        prepared: dict[int, Prepared] = {}
        asked: list[bytes] = []
        plugin, full = b"", False
        for packet in packets:
            data, end = packet.payload, len(packet.payload)
            if not packet.from_client:
                greeting = parse_greeting(data, 0, end) if packet.sequence == 0 else None
                if greeting is not None:
                    capabilities, plugin = greeting.capabilities, greeting.auth_plugin
                switch = parse_auth_switch(data, 0, end) if end > 20 else None
                if switch is not None:
                    plugin, full = switch.auth_plugin, False
                more = parse_auth_more_data(data, 0, end) if end == 2 else None
                if more is not None:
                    full = full or more.asks_full
                if asked and packet.sequence == 1:
                    ok = parse_prepare_ok(data, 0, end)
                    text = asked.pop(0)
                    if ok is not None:
                        prepared[ok.statement_id] = Prepared(ok.statement_id, text, ok.params)
                        assert count_placeholders(text) == ok.params
                elif data[:1] == b"\0" and packet.sequence > 1 and not self.queries:
                    assert parse_ok(data, 0, end, capabilities) is not None
                continue
            if packet.sequence == 1:
                login = parse_login(data, 0, end, capabilities)
                assert login is not None
                assert login.complete
                self.user, plugin = login.user, login.auth_plugin
                capabilities &= login.capabilities
                if not forget_login:
                    agreed = 1 if capabilities & caps.QUERY_ATTRIBUTES else 0
                continue
            if packet.sequence != 0:
                self.passwords += is_cleartext_password(plugin, full, data, 0, end)
                continue
            number = data[0]
            assert commands.is_command(number)
            assert commands.fits_command(number, end)
            if number == commands.COM_QUERY:
                query = parse_query(data, 0, end, agreed)
                assert query is not None
                self.queries.append(data[query.text_at : query.text_end])
                self.attributes += [(value.name, value.literal()) for value in query.attributes]
            elif number == commands.COM_CHANGE_USER:
                change = parse_change_user(data, 0, end, capabilities)
                assert change is not None
                assert change.complete
                self.user, plugin, full = change.user, change.auth_plugin, False
            elif number == commands.COM_STMT_PREPARE:
                self.queries.append(data[1:])
                asked.append(data[1:])
            elif number == commands.COM_STMT_EXECUTE:
                known = prepared[int.from_bytes(data[1:5], "little")]
                found = parse_execute(data, 0, end, None if forget_prepare else known, agreed)
                assert found is not None
                assert found.complete
                self.values.append([value.literal() for value in found.values])
                self.executions.append(place_parameters(known.text, self.values[-1]))
            elif number == commands.COM_STMT_BULK_EXECUTE:
                known = prepared[int.from_bytes(data[1:5], "little")]
                bulk = parse_bulk_execute(data, 0, end, None if forget_prepare else known)
                assert bulk is not None
                assert bulk.complete
                self.bulk_rows += [[value.literal() for value in row] for row in bulk.rows]


def logged(text: str) -> bytes:
    """A server's own text of an execution in our notation: no DATE'', bytes that are no text as X''."""
    text = re.sub(r"\b(?:DATE|TIMESTAMP|TIME)'", "'", text)
    binary = re.search(r"'(\\0[^']*)'", text)
    if binary:
        raw = binary[1].replace("\\0", "\0").replace("\\n", "\n").replace("\\r", "\r").encode()
        text = text.replace(binary[0], f"X'{raw.hex()}'")
    return text.encode()


@pytest.mark.parametrize("forget", [None, "forget_prepare", "forget_login"])
@pytest.mark.parametrize("name", WITH_EXECUTIONS)
def test_executions_are_what_the_server_logged(shared: Path, name: str, forget: str | None) -> None:
    truth = truth_of(shared, name)
    packets = packets_of(shared / "lab" / name, truth["port"])
    session = Session(packets, **({forget: True} if forget else {}))
    expected = [logged(command["text"]) for command in truth["commands"] if command["command"] == "Execute"]
    assert expected
    assert session.executions == expected
    assert session.user == truth["user"].encode()


@pytest.mark.parametrize("forget", [False, True])
def test_rows_of_a_mariadb_batch(shared: Path, forget: bool) -> None:
    name = "mariadb-10.11/nodemariadb-batch.pcap"
    truth = truth_of(shared, name)
    session = Session(packets_of(shared / "lab" / name, truth["port"]), forget_prepare=forget)
    canary = truth["canary"].encode()
    assert session.bulk_rows == [[b"'" + canary + b"'"], [b"'" + canary + b"-2'"], [b"'third'"]]


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("name", ["connpy-query-attributes", "mysql-cli-query-attributes"])
def test_query_attributes_and_texts(shared: Path, name: str, forget: bool) -> None:
    truth = truth_of(shared, f"mysql-9.7/{name}.pcap")
    session = Session(packets_of(shared / "lab" / truth["file"], truth["port"]), forget_login=forget)
    texts = [
        query for query in session.queries if query != b"select $$"
    ]  # the mysql command line's, not logged
    assert texts == [text.encode() for text in truth["statements"]]
    assert (b"lab_attribute", b"'" + truth["canary"].encode() + b"'") in session.attributes


@pytest.mark.parametrize(
    ("name", "passwords"),
    [
        ("mysql-9.7/fail-connpy-plain-full-auth", 1),
        ("mysql-9.7/fail-connpy-change-user", 1),
        ("mysql-9.7/fail-connpy-cext-plain-full-auth", 0),
        ("mysql-9.7/pymysql-plain-full-auth", 0),
        ("mysql-9.7/fail-wrongpw-plain", 0),
        ("mariadb-11.8/mariadb-cli-sha2", 0),
        ("mariadb-10.11/change-user", 0),
        ("mariadb-10.11/mariadb-cli-ed25519", 0),
        ("mariadb-11.8/mariadb-cli-parsec", 0),
    ],
)
def test_passwords_in_clear_text_are_seen_where_they_are(shared: Path, name: str, passwords: int) -> None:
    truth = truth_of(shared, name + ".pcap")
    session = Session(packets_of(shared / "lab" / truth["file"], truth["port"]))
    assert session.passwords == passwords
    assert truth["password_in_clear"] == (passwords > 0)


@pytest.mark.parametrize("forget", [False, True])
def test_ninety_seven_parameters_of_a_session_picked_up_in_the_middle(shared: Path, forget: bool) -> None:
    folder = shared / "corpus" / "deepflow"
    session = Session(packets_of(folder / "mysql-exec.pcap", 30130), forget_prepare=forget)
    line = (folder / "mysql-exec.expected.txt").read_text(encoding="utf-8").splitlines()[2]
    listed = re.search(r'"request_resource":"(.*?)","', line)
    assert listed
    # Its list leaves out NULLs; there are none here, so it has all of them, in order.
    theirs = [re.sub(r"^LongLong\((.*)\)$", r"\1", item) for item in listed[1].split(" , ")]
    assert [value.strip(b"'").decode() for value in session.values[0]] == theirs
    assert len(theirs) == 97
    assert count_placeholders(session.queries[0]) == 97
    assert b"?" not in session.executions[0]


@pytest.mark.parametrize(
    "name", ["many-query-attrs", "change-user-success", "mysql", "plain-amazon-rds", "selects_with_new_proto"]
)
def test_zeek_logs_the_same_queries(shared: Path, name: str) -> None:
    folder = shared / "corpus" / "zeek"
    lines = (folder / f"{name}.expected.mysql.log").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    fields = next(line.split("\t")[1:] for line in lines if line.startswith("#fields"))
    cmd, arg = fields.index("cmd"), fields.index("arg")
    session = Session(packets_of(folder / f"{name}.pcap", 3306))
    assert [query.decode() for query in session.queries] == [row[arg] for row in rows if row[cmd] == "query"]
    users = [row[arg] for row in rows if row[cmd] in ("login", "change_user")]
    assert session.user.decode() == users[-1]


def test_statements_of_plain_sessions_are_what_the_server_logged(shared: Path) -> None:
    checked = 0
    for name in (
        "connpy-plain",
        "pymysql-plain",
        "mysql2-plain",
        "nodemariadb-plain",
        "django-mysqlclient-plain",
    ):
        for server in ("mariadb-10.11", "mysql-9.7"):
            if not (shared / "lab" / server / f"{name}.pcap").is_file():
                continue
            truth = truth_of(shared, f"{server}/{name}.pcap")
            session = Session(packets_of(shared / "lab" / truth["file"], truth["port"]))
            # The general log leaves out white space around a statement.
            assert [query.strip() for query in session.queries] == [
                text.encode() for text in truth["statements"]
            ]
            checked += 1
    assert checked >= 6
