"""A masked capture: nothing of what leaked is left, and everybody judges it as before."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_wire import scan
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.packets import packets
from aurora_wire.cli import main
from aurora_wire.redact.sql import redact_sql
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, Packet, pcap, pcapng
from tests.lab.truth import TRUTH
from tests.tshark import printed

SECRET = b"Canary-0001-7f3a"
Redact = Callable[..., bytes]

# One of each kind of client and protocol form.
LAB = (
    "mysql-9.7/commands.pcap", "mysql-9.7/connpy-change-user.pcap", "mysql-9.7/connpy-types.pcap",
    "mysql-9.7/connpy-query-attributes.pcap", "mysql-9.7/mysql-cli-query-attributes.pcap", "mysql-9.7/mixed.pcap",
    "mysql-9.7/mysql-cli-zlib.pcap", "mysql-9.7/mysql-cli-zstd.pcap", "mysql-9.7/load-data-local.pcap",
    "mysql-9.7/midstream-plain.pcap", "mysql-9.7/mysql2-execute.pcap", "mysql-9.7/mysqlx-crud.pcap",
    "mysql-9.7/nodemariadb-pipeline.pcap", "mysql-9.7/replication-plain.pcap", "mysql-9.7/multi-statements.pcap",
    "mysql-9.7/pymysql-plain-full-auth.pcap", "mysql-9.7/fail-wrongpw-plain.pcap", "mysql-9.7/pymysql-tls13.pcap",
    "wire/cable-large-insert.pcap", "wire/trickle-plain.pcap", "wire/any-interface.pcap", "wire/pcapng.pcapng",
    "wire/nanoseconds.pcap", "mariadb-10.11/connpy-prepared.pcap", "mariadb-10.11/nodemariadb-compress.pcap",
)  # fmt: skip
PORTS = "+3316,3317,3326,3307"


@pytest.fixture
def redact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Redact:
    """`redact(bytes, options...)`: the masked capture. It has to be judged as the first one was."""

    def run(data: bytes, *options: str, code: int = 0) -> bytes:
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(data)
        assert main(["redact", str(source), str(target), "--force", *options]) == code, capsys.readouterr().err
        return target.read_bytes() if target.exists() else b""

    return run


def statements(data: bytes, tmp_path: Path) -> list[bytes]:
    path = tmp_path / "scanned"
    path.write_bytes(data)
    return [one.sql for connection in scan([path]).connections for one in connection.statements]


def payloads(data: bytes, tmp_path: Path) -> list[tuple[bytes, bytes]]:
    """(headers without checksum, payload) of each frame."""
    path = tmp_path / "listed"
    path.write_bytes(data)
    found = []
    for view in packets([path]):
        at = len(view.data) if view.payload_at is None else view.payload_at
        found.append((view.data[: at - 4] if view.payload_at else view.data[:50], view.data[at:]))
    return found


def test_values_go_and_everything_else_stays(redact: Redact, tmp_path: Path) -> None:
    data = pcap(sessions.play(sessions.plaintext()).packets)
    masked = redact(data)
    assert len(masked) == len(data)
    assert SECRET not in masked
    before, after = statements(data, tmp_path), statements(masked, tmp_path)
    assert [len(one) for one in after] == [len(one) for one in before]
    assert after[0].startswith(b"INSERT INTO notes (body) VALUES ('*")
    assert after[1] == b"SELECT id, body FROM notes"
    for (_, one), (_, other) in zip(payloads(data, tmp_path), payloads(masked, tmp_path), strict=True):
        assert len(one) == len(other)
    token = after[0].partition(b"('")[2].removesuffix(b"')")
    assert masked.count(token) == data.count(SECRET) > 1  # in the statement and in the row: the same


def test_user_and_password_hash_go_and_names_stay(redact: Redact, tmp_path: Path) -> None:
    data = pcap(sessions.play(sessions.plaintext()).packets)
    redact(data)
    (before,) = scan([tmp_path / "in"]).connections
    (after,) = scan([tmp_path / "out"]).connections
    assert before.user
    assert after.user is not None
    assert after.user != before.user
    assert (len(after.user), after.user[0]) == (len(before.user), "*")
    assert (after.database, after.auth_plugin, after.server_version) == (
        before.database, before.auth_plugin, before.server_version,
    )  # fmt: skip


def talk(sizes: int | None = None) -> Conversation:
    """A session in which every packet of the client comes again."""
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(mysql.login(), sizes=sizes)
    conversation.server(mysql.ok(2))
    query = mysql.query(b"INSERT INTO t VALUES ('%b', 4711, \"x\")" % SECRET)
    at = conversation.offset["client"]
    conversation.client(query, sizes=sizes)
    conversation.again("client", at, query)
    conversation.again("client", at + 20, query[20:50])
    conversation.server(mysql.ok(1))
    conversation.fin()
    return conversation


@pytest.mark.parametrize("sizes", [None, 1, 7, 50])
def test_what_crossed_twice_is_masked_alike_however_it_was_cut(
    redact: Redact, sizes: int | None, tmp_path: Path
) -> None:
    masked = redact(pcap(talk(sizes).packets))
    assert SECRET not in masked
    assert b"4711" not in masked
    path = tmp_path / "out"
    whole = [view.data[view.payload_at :] for view in packets([path]) if view.payload_at][-3:]
    assert whole[0][20:50] == whole[1]
    assert statements(masked, tmp_path) == [whole[0][5:]]


def test_a_copy_with_other_bytes_is_masked_whole(redact: Redact) -> None:
    conversation = talk()
    at = conversation.packets[7].offset
    conversation.again("client", at, mysql.query(b"%b IS WHERE THE STATEMENT BEGINS 'abc'" % SECRET))
    data = pcap(conversation.packets)
    assert data.count(SECRET) == 4
    masked = redact(data)
    assert SECRET not in masked
    assert b"*" * 57 in masked  # and is still another one than the first


def test_the_order_of_packets_does_not_matter(redact: Redact, tmp_path: Path) -> None:
    conversation = talk(sizes=9)
    for number in range(8, len(conversation.packets) - 8, 3):
        conversation.swap(number, number + 1)
    masked = redact(pcap(conversation.packets))
    assert SECRET not in masked


@pytest.mark.parametrize("lost", range(4))
def test_behind_a_gap_bytes_are_masked_whole(redact: Redact, lost: int) -> None:
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    for _ in range(3):
        conversation.client(mysql.query(b"INSERT INTO t VALUES ('%b')" % SECRET), sizes=13, lost=[lost])
        conversation.server(mysql.result_set([b"a", b"b"], [[SECRET, b"2"], [b"3", SECRET]]), sizes=29, lost=[lost])
    data = pcap(conversation.packets)
    assert SECRET[:6] in data
    masked = _masked(redact, data)
    for length in (6, 8):
        for at in range(len(SECRET) - length):
            assert SECRET[at : at + length] not in masked, (lost, at)


def _masked(redact: Redact, data: bytes) -> bytes:
    """Masked, whether or not the verdict's details stayed: fragments are masked whole."""
    try:
        return redact(data)
    except AssertionError:
        return redact(data, code=1)


def test_cut_packets_are_masked_as_far_as_they_are_there(redact: Redact) -> None:
    conversation = talk()
    conversation.snaplen(54 + 45)
    masked = _masked(redact, pcap(conversation.packets))
    assert SECRET[:6] not in masked


def inflated(data: bytes) -> bytes:
    """All that zlib makes of any place in a capture."""
    found, at = [], data.find(b"\x78")
    while at >= 0:
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(data[at:]))
        at = data.find(b"\x78", at + 1)
    return b"\n".join(found)


@pytest.mark.parametrize("first", [0, 3, 7, 8, 9])
@pytest.mark.parametrize("filler", [b"", b"and something long that shrinks well " * 6])
def test_compressed_packets_are_masked_inside_also_where_the_login_is_missing(
    redact: Redact, tmp_path: Path, first: int, filler: bytes
) -> None:
    caps = mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting(caps=mysql.COMPRESS))
    conversation.client(mysql.login(caps=caps))
    conversation.server(mysql.ok(2))
    rows = mysql.result_set([b"id", b"body"], [[b"1", SECRET + filler], [SECRET, None]])
    for _ in range(3):
        asking = mysql.query(b"SELECT id, body FROM t WHERE b = '%b'" % (SECRET + filler))
        conversation.client(mysql.compressed(0, asking))
        conversation.server(mysql.compressed(1, rows[:60]) + mysql.compressed(2, rows[60:]))
    data = pcap(conversation.packets[first:])
    assert SECRET in inflated(data) + data
    masked = redact(data)
    assert SECRET not in masked
    assert SECRET[:8] not in inflated(masked)
    asked = statements(masked, tmp_path)
    assert len(asked) == len(statements(data, tmp_path))
    assert asked or first > 3
    assert all(one.startswith(b"SELECT id, body FROM t WHERE b = '*") for one in asked)


@pytest.mark.parametrize("seed", range(4))
def test_a_compressed_statement_that_hardly_fits_is_masked_and_stays_a_statement(
    redact: Redact, tmp_path: Path, seed: int
) -> None:
    """Tokens compress worse than what they stand for, and one more kind of byte can be a byte too much."""
    rng = random.Random(seed)
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting(caps=mysql.COMPRESS))
    conversation.client(mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS))
    conversation.server(mysql.ok(2))
    asked = [
        b"SELECT t.id, t.full_name, t.email, t.created_at FROM customers AS t WHERE t.id = %d ORDER BY t.id LIMIT %d"
        % (rng.randrange(10**6), rng.randrange(99))
        for _ in range(300)
    ]
    for one in asked:
        conversation.client(mysql.compressed(0, mysql.query(one)))
        conversation.server(mysql.compressed(1, mysql.ok(1)))
    masked = statements(redact(pcap(conversation.packets)), tmp_path)
    assert len(masked) == len(asked)
    for was, now in zip(asked, masked, strict=True):
        assert now.startswith(b"SELECT t.id, t.full_name"), now
        assert not any(one == two for one, two in zip(was, now, strict=True) if chr(one).isdigit()), (was, now)


def test_what_is_taken_for_a_harmless_packet_and_is_none_is_masked(redact: Redact) -> None:
    """An OK, EOF or COM_PING of a length that it cannot have."""
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    conversation.client(mysql.query(b"SELECT 1"))
    conversation.server(mysql.packet(1, b"\0\xff\xff" + SECRET * 3))
    conversation.client(mysql.command(14, SECRET))
    conversation.server(mysql.packet(1, b"\xfe" + SECRET * 100))
    assert SECRET not in _masked(redact, pcap(conversation.packets))


def test_what_is_not_mysql_stays_and_is_counted(redact: Redact, capsys: pytest.CaptureFixture[str]) -> None:
    conversation = Conversation(server=("10.0.0.9", 80))
    conversation.syn()
    conversation.client(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % SECRET)
    conversation.server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    data = pcap(conversation.packets)
    assert redact(data) == data
    assert "2 packets of other protocols were left as they are" in capsys.readouterr().out


def test_parts_of_fragmented_datagrams_are_blanked(redact: Redact, capsys: pytest.CaptureFixture[str]) -> None:
    conversation = talk()
    whole = conversation.packets[7].data
    assert SECRET in whole
    found: list[Packet] = []
    for packet in conversation.packets:
        if packet.data is not whole:
            found.append(packet)
            continue
        body = whole[34:]
        for at in range(0, len(body), 48):
            part = body[at : at + 48]
            flags = at // 8 | (0x2000 if at + 48 < len(body) else 0)
            header = bytearray(whole[14:34])
            header[2:4], header[6:8] = (20 + len(part)).to_bytes(2, "big"), flags.to_bytes(2, "big")
            found.append(Packet(packet.sender, whole[:14] + bytes(header) + part, 34 + len(part)))
    data = pcap(found[:-4])
    masked = _masked(redact, data)
    assert "IP fragments: what is in them was blanked" in capsys.readouterr().out
    assert SECRET[:5] in data
    assert SECRET[:5] not in masked[24:]


def test_a_proxy_header_is_not_pseudonymised_in_part(redact: Redact, capsys: pytest.CaptureFixture[str]) -> None:
    conversation = Conversation()
    conversation.syn()
    conversation.client(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 3306\r\n")
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    redact(pcap(conversation.packets), "--pseudonymise", code=2)
    assert "PROXY header" in capsys.readouterr().err
    assert b"192.0.2.1" in redact(pcap(conversation.packets))


@pytest.mark.parametrize("inside", ["plaintext", "TLS"])
@pytest.mark.parametrize("header", [b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 3306\r\n", b"PROXY UNKNOWN\r\n"])
def test_a_proxy_header_behind_the_greeting_stays_one(header: bytes, inside: str, redact: Redact) -> None:
    steps = sessions.plaintext() if inside == "plaintext" else sessions.tls13()
    conversation = sessions.play([steps[0], sessions.Step("proxy", "client", header), *steps[1:]])
    assert header in redact(pcap(conversation.packets))


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("knock", [
    b"GET / HTTP/1.1\r\nHost: db\r\n\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"EHLO example.org\r\n",
    bytes.fromhex("030000130ee000000000000100080003000000"), bytes.fromhex("fffd03fffb18fffb1f"),
    bytes.fromhex("0000000804d2162f"),
])  # fmt: skip
def test_who_knocks_still_does(knock: bytes, refused: bool, redact: Redact) -> None:
    """The fixture wants the verdict to stay: what a stranger sent may not become bytes that could be anything."""
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(knock)
    if refused:
        conversation.server(mysql.err(1156, b"Got packets out of order", seq=1, state=b"08S01"))
    conversation.fin()
    assert knock not in redact(pcap(conversation.packets))


def test_tls_is_not_touched(redact: Redact) -> None:
    data = pcap(sessions.play(sessions.tls13()).packets)
    assert redact(data) == data


@pytest.mark.parametrize("big_endian", [False, True])
def test_pcapng_stays_pcapng_and_loses_its_secrets(redact: Redact, big_endian: bool) -> None:
    order = ">" if big_endian else "<"
    data = pcapng(talk().packets, big_endian=big_endian)
    log = b"CLIENT_RANDOM " + b"0" * 64 + b" " + b"1" * 96 + b"\n"
    body = struct.pack(order + "II", 0x544C534B, len(log)) + log + bytes(-len(log) % 4)
    block = struct.pack(order + "II", 10, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)
    custom = struct.pack(order + "II", 0x0BAD, 20) + b"hello   " + struct.pack(order + "I", 20)
    masked = redact(data + block + custom)
    assert len(masked) == len(data)
    assert b"CLIENT_RANDOM" not in masked
    assert b"hello" not in masked
    assert SECRET not in masked


@pytest.mark.parametrize("form", [{"nanoseconds": True}, {"big_endian": True}])
def test_every_form_of_pcap_keeps_its_form(redact: Redact, form: dict[str, bool]) -> None:
    data = pcap(talk().packets, **form)
    masked = redact(data)
    assert masked[:40] == data[:40]
    assert SECRET not in masked


def test_a_damaged_capture_is_masked_up_to_there(redact: Redact, capsys: pytest.CaptureFixture[str]) -> None:
    masked = _masked(redact, pcap(talk().packets)[:-5])
    assert "It ends where the capture is damaged" in capsys.readouterr().out
    assert SECRET not in masked


def checksums(path: Path) -> list[str]:
    """tshark's word on the checksums of IP and TCP of each frame, and what it finds to be a MySQL statement."""
    return printed(
        path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields",
        "-e", "ip.checksum.status", "-e", "tcp.checksum.status", "-e", "tcp.len", "-e", "tcp.analysis.retransmission",
        "-e", "_ws.malformed", "-e", "mysql.query",
    ).decode().splitlines()  # fmt: skip


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark")
@pytest.mark.parametrize("options", [(), ("--pseudonymise",)])
def test_tshark_finds_right_checksums_and_the_masked_statements(
    redact: Redact, tmp_path: Path, options: tuple[str, ...]
) -> None:
    conversation = talk(sizes=11)
    other = Conversation(("fd00::5", 50_200), ("fd00::9", 3306))
    other.syn()
    other.server(mysql.greeting())
    other.client(mysql.login())
    other.server(mysql.ok(2))
    other.client(mysql.query(b"SELECT '%b'" % SECRET))
    other.server(mysql.result_set([b"a"], [[SECRET], [None], [b"x"]]))
    redact(pcap([*conversation.packets, *other.packets]), *options)
    before, after = checksums(tmp_path / "in"), checksums(tmp_path / "out")
    assert len(before) == len(after)
    asked = []
    for one, two in zip(before, after, strict=True):
        assert one.split("\t")[:5] == two.split("\t")[:5]
        assert two.split("\t")[1] == "1"  # good
        asked += [text for text in two.split("\t")[5:] if text]
    assert [text.encode() for text in asked] == statements((tmp_path / "out").read_bytes(), tmp_path)
    assert SECRET.decode() not in "".join(after)


@pytest.mark.parametrize("name", LAB)
def test_captures_of_real_clients_keep_their_verdicts_and_lose_what_leaked(
    shared: Path, name: str, redact: Redact
) -> None:
    data = (shared / "lab" / name).read_bytes()
    masked = redact(data, "--port", PORTS)
    assert len(masked) <= len(data)
    assert b"Canary" not in masked
    assert name in {one.file for one in TRUTH}


@pytest.mark.parametrize("name", ["depth-binlog-mid-lab9.pcap", "depth-binlog-mid-lab10.pcap"])
def test_a_log_picked_up_midway_is_filled_though_its_statements_were_the_proof(
    shared: Path, name: str, redact: Redact
) -> None:
    data = (shared / "field" / name).read_bytes()
    masked = redact(data, "--port", PORTS)
    assert b"INSERT INTO" in data
    assert b"INSERT INTO" not in masked


def test_published_captures_keep_their_verdicts_and_lose_their_literals(shared: Path, redact: Redact) -> None:
    found = sorted((shared / "corpus").rglob("*.pcap*"))
    assert found
    for path in found:
        data = path.read_bytes()
        masked = redact(data)
        for connection in scan([path]).connections:
            for statement in connection.statements:
                for run in re.finditer(rb"[*]{7,}", redact_sql(statement.sql)):
                    literal = statement.sql[run.start() : run.end()]
                    assert literal not in masked or literal not in data, path


@pytest.mark.parametrize("name", ["mysql-9.7/connpy-types.pcap", "wire/trickle-plain.pcap"])
def test_pseudonyms_change_no_verdict_of_real_clients(shared: Path, name: str, redact: Redact, tmp_path: Path) -> None:
    redact((shared / "lab" / name).read_bytes(), "--port", PORTS, "--pseudonymise")
    before = {c.client.address for c in scan([tmp_path / "in"]).connections}
    after = {c.client.address for c in scan([tmp_path / "out"]).connections}
    assert len(before) == len(after)
    assert not before & after


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark")
@pytest.mark.parametrize("name", ["mysql-9.7/mysql-cli-zlib.pcap", "mysql-9.7/connpy-plain.pcap"])
def test_tshark_reads_the_masked_statements_of_real_clients(
    shared: Path, name: str, redact: Redact, tmp_path: Path
) -> None:
    redact((shared / "lab" / name).read_bytes(), "--port", PORTS)
    found = []
    for path in ("in", "out"):
        told = printed(
            tmp_path / path, "-d", "tcp.port==3316,mysql", "-Y", "mysql.command", "-T", "fields",
            "-e", "frame.number", "-e", "mysql.command", "-e", "mysql.query",
        ).decode()  # fmt: skip
        found.append([line.split("\t") for line in told.splitlines()])
    assert [line[:2] for line in found[0]] == [line[:2] for line in found[1]]
    assert "Canary" in str(found[0])
    assert "Canary" not in str(found[1])
    ours = [one.sql.decode() for c in scan([tmp_path / "out"], ScanOptions([3316])).connections for one in c.statements
            if one.command == "COM_QUERY"]  # fmt: skip
    assert [line[2].replace("\\n", "\n") for line in found[1] if line[1] == "3"] == ours


def test_the_same_key_makes_the_same_values_in_several_captures(redact: Redact, tmp_path: Path) -> None:
    key = tmp_path / "secret"
    key.write_bytes(bytes(range(32)))
    one = pcap(talk().packets)
    two = pcap(talk(sizes=9).packets)
    first, second = (statements(redact(data, "--key", str(key)), tmp_path) for data in (one, two))
    assert first == second
    assert statements(redact(one), tmp_path) != first
    key.write_bytes(b"short")
    redact(one, "--key", str(key), code=2)


def test_wrong_use_is_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    source.write_bytes(pcap(talk().packets))
    text = tmp_path / "dump.txt"
    text.write_text("hello")
    target = str(tmp_path / "out")
    assert main(["redact", str(tmp_path / "missing"), target]) == 2
    assert main(["redact", str(source), str(source)]) == 2
    assert main(["redact", str(tmp_path), target]) == 2
    assert main(["redact", str(text), target]) == 2
    assert main(["redact", str(source), str(tmp_path / "no" / "out")]) == 4
    assert capsys.readouterr().err.count("\n") == 5
    text.write_bytes(b"PK\3\4" + bytes(9))
    assert main(["redact", str(text), target]) == 2
    assert "is a zip archive. Unpack it first." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.txt", "in"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.binary(min_size=4, max_size=40).filter(lambda b: not set(b"'\\*") & set(b)).map(b"~\xc3\xa9?".__add__),
    sizes=st.integers(1, 90),
)
def test_no_secret_is_left_wherever_segments_are_cut(
    redact: Redact, secret: bytes, sizes: int
) -> None:
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    conversation.client(mysql.query(b"SELECT a FROM t WHERE b = '%b'" % secret), sizes=sizes)
    conversation.server(mysql.result_set([b"a", b"b"], [[secret, None], [b"", secret]]), sizes=sizes)
    data = pcap(conversation.packets)
    masked = redact(data)
    assert secret not in masked
    assert len(masked) == len(data)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=12), drop=st.integers(0, 30))
def test_no_bytes_make_it_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], noise: list[tuple[int, int]], drop: int
) -> None:
    """Payload bytes changed at random, a packet lost: whatever it is, it is masked and written."""
    conversation: Conversation = sessions.play(sessions.plaintext())
    found = list(conversation.packets)
    if drop < len(found):
        del found[drop]
    changed: list[Packet] = []
    for packet in found:
        data = bytearray(packet.data)
        for at, byte in noise:
            if 54 <= at < len(data):
                data[at] = byte
        changed.append(Packet(packet.sender, bytes(data), packet.original_len, packet.offset, packet.length))
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(pcap(changed))
    assert main(["redact", str(source), str(target), "--force"]) in (0, 1)
    assert target.stat().st_size == source.stat().st_size
