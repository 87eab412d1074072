"""What a key log opens: every version and cipher suite that OpenSSL speaks, and what it must not change."""

from __future__ import annotations

import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_wire.analysis.pump import pump
from aurora_wire.capture.files.open import open_capture
from aurora_wire.decrypt.decryptor import KeyLogDecryptors
from aurora_wire.decrypt.key_log import KeyLog
from aurora_wire.verdict.result import Finding, Scan
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.wire.flows.facts import Facts
from tests.conversations import Conversation, Packet, Step, mysql, pcap, pcapng, play
from tests.conversations.judge import explain
from tests.conversations.sessions import SECRET
from tests.decrypt.openings import LoggedSession, inside, need_cryptography, only, reasons, scan_with, texts

need_cryptography()

V10, V11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
MAC_FIRST = 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC
SAID = [SECRET, b"SELECT id, body FROM notes"]
OLD = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"

SUITES = [
    (V13, None, 0, "TLS_AES_256_GCM_SHA384"),
    (V12, "ECDHE-ECDSA-AES128-GCM-SHA256", 0, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (V12, "ECDHE-ECDSA-AES256-GCM-SHA384", 0, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (V12, "ECDHE-ECDSA-CHACHA20-POLY1305", 0, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (V12, "ECDHE-ECDSA-AES256-CCM", 0, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (V12, "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0", 0, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
    (V12, "ECDHE-ECDSA-AES128-SHA256", 0, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (V12, "ECDHE-ECDSA-AES128-SHA256", MAC_FIRST, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (V12, "ECDHE-ECDSA-AES256-SHA384", 0, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (V12, "ECDHE-ECDSA-AES256-SHA384", MAC_FIRST, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (V12, OLD, MAC_FIRST, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (V11, OLD, 0, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (V11, OLD, MAC_FIRST, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (V10, OLD, 0, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (V10, OLD, MAC_FIRST, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> LoggedSession:
    made = LoggedSession(tmp_path_factory.mktemp("keys"))
    made.mysql()
    return made


@pytest.fixture(scope="module")
def session12(tmp_path_factory: pytest.TempPathFactory) -> LoggedSession:
    made = LoggedSession(tmp_path_factory.mktemp("keys"), V12)
    made.mysql()
    return made


@pytest.mark.parametrize(("version", "ciphers", "options", "suite"), SUITES)
def test_the_statements_inside_are_found(
    tmp_path: Path, version: ssl.TLSVersion, ciphers: str | None, options: int, suite: str
) -> None:
    made = LoggedSession(tmp_path, version, ciphers=ciphers, options=options)
    made.mysql()
    result = scan_with(tmp_path, play(made.steps), made.keys)
    decrypted = inside(result)
    tls = only(result).tls
    assert tls is not None
    assert tls.cipher == suite
    assert texts(decrypted) == SAID, explain(result)
    assert (decrypted.user, decrypted.database, decrypted.protocol) == ("app", "shop", "MySQL")
    assert (decrypted.failed, decrypted.cut, decrypted.without_keys, decrypted.not_decrypted) == (0, 0, 0, None)
    assert decrypted.records > 6
    assert (only(result).verdict, only(result).confidence, only(result).proof) == ("encrypted", "proven", "key log")


def leaks(result: Scan) -> list[Finding]:
    """Return the findings but those about the certificate, self-signed and younger than the conversations: the keys
    show it in TLS 1.3.
    """
    return [one for one in result.findings if one.rule not in ("AW607", "AW616")]


def test_nothing_of_what_was_opened_counts_as_crossed_in_the_clear(
    tmp_path: Path, session: LoggedSession
) -> None:
    shut = scan_with(tmp_path, play(session.steps), None)
    decrypted = scan_with(tmp_path, play(session.steps), session.keys)
    assert only(shut).proof == "structure"
    assert only(decrypted).proof == "key log"
    for result in (shut, decrypted):
        connection = only(result)
        assert (connection.user, connection.statements_total, list(connection.statements)) == (None, 0, [])
        assert connection.commands == {}
        assert leaks(result) == []
        assert result.exit_code == 0
    assert only(shut).client_coverage == only(decrypted).client_coverage
    assert only(shut).server_coverage == only(decrypted).server_coverage


@pytest.mark.parametrize("sizes", [1, 3, 5, 7, 100, 536])
def test_segments_cut_anywhere_open_the_same(tmp_path: Path, session12: LoggedSession, sizes: int) -> None:
    result = scan_with(tmp_path, play(session12.steps[:-3], sizes=sizes, acks=False), session12.keys)
    assert texts(inside(result)) == SAID
    assert only(result).proof == "key log"


def test_a_resumed_session_opens(tmp_path: Path) -> None:
    for version in (V12, V13):
        first = LoggedSession(tmp_path, version)
        first.mysql()
        again = LoggedSession(tmp_path, version, contexts_of=first)
        again.mysql()
        result = scan_with(tmp_path, play(again.steps), again.keys)
        tls = only(result).tls
        assert tls is not None
        assert tls.resumed, explain(result)
        assert texts(inside(result)) == SAID


def test_a_session_opened_by_a_hello_in_the_framing_of_ssl_2_opens(tmp_path: Path) -> None:
    made = LoggedSession(tmp_path, V10, ciphers=OLD)
    made.mysql()
    hello = made.steps[2].payload
    challenge = hello[11:43]
    specs = b"\x00\xc0\x09"
    body = b"\x01\x03\x01" + struct.pack(">HHH", len(specs), 0, len(challenge)) + specs + challenge
    old = Step("old-hello", "client", bytes([0x80, len(body)]) + body)
    result = scan_with(tmp_path, play([*made.steps[:2], old, *made.steps[3:]]), made.keys)
    assert texts(inside(result)) == SAID, explain(result)
    assert only(result).proof == "key log"


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("places", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_server_that_a_tap_shows_before_its_client_is_opened(
    tmp_path: Path, version: ssl.TLSVersion, places: int
) -> None:
    made = LoggedSession(tmp_path, version)
    made.mysql()
    talk = play(made.steps[:2], acks=False, close=False)
    talk.client(made.steps[2].payload)
    hello = len(talk.packets) - 1
    talk = play(made.steps[3:4], talk, syn=False, sizes=100, acks=False, close=False)
    talk = play(made.steps[4:], talk, syn=False, acks=False)
    talk.packets.insert(hello + places, talk.packets.pop(hello))
    result = scan_with(tmp_path, talk, made.keys)
    assert texts(inside(result)) == SAID, explain(result)
    assert inside(result).failed == 0
    assert only(result).confidence == "proven"


def test_places_of_statements_inside_are_those_of_their_records(tmp_path: Path, session: LoggedSession) -> None:
    talk = play(session.steps)
    result = scan_with(tmp_path, talk, session.keys)
    data = [step.payload for step in session.steps if step.sender == "client"]
    statement = inside(result).statements[0]
    packet = talk.packets[statement.frame - 1]
    assert packet.sender == "client"
    assert packet.offset == statement.offset
    assert data[-4] == packet.data[-packet.length :]  # insert, select, quit, close_notify
    assert statement.length == len(SECRET)


def test_compression_inside_is_opened_too(tmp_path: Path) -> None:
    made = LoggedSession(tmp_path)
    assert made.handshake()
    caps = mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL | mysql.COMPRESS
    made.steps[0] = Step("greeting", "server", mysql.greeting(caps=mysql.COMPRESS))
    made.say("client", mysql.login(seq=2, caps=caps))
    made.say("server", mysql.ok(3))
    sql = SECRET + b" -- " + b"long enough to shrink " * 8
    made.say("client", mysql.compressed(0, mysql.query(sql)))
    made.say("server", mysql.compressed(1, mysql.ok(1, affected=1)))
    decrypted = inside(scan_with(tmp_path, play(made.steps), made.keys))
    assert (decrypted.compression, texts(decrypted)) == ("zlib", [sql])
    assert decrypted.statements[0].compressed


def tunnel(tmp_path: Path, *, greets: bool = True) -> LoggedSession:
    """TLS from the first byte, MySQL's greeting inside; or HTTP."""
    made = LoggedSession(tmp_path)
    made.steps = []
    assert made.handshake()
    if not greets:
        made.say("client", b"GET / HTTP/1.1\r\nHost: db.example\r\n\r\n")
        made.say("server", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        return made
    made.say("server", mysql.greeting(ssl=False))
    made.say("client", mysql.login())
    made.say("server", mysql.ok(2))
    made.say("client", mysql.query(SECRET))
    made.say("server", mysql.ok(1))
    return made


@pytest.mark.parametrize("port", [3306, 4433])
def test_tls_without_greeting_is_mysql_on_any_port_where_a_key_log_shows_it(tmp_path: Path, port: int) -> None:
    made = tunnel(tmp_path)
    talk = play(made.steps, Conversation(server=("10.0.0.9", port)))
    shut = scan_with(tmp_path, talk, None)
    assert (shut.verdict, shut.confidence) == (("encrypted", "likely") if port == 3306 else ("not-mysql", None))
    result = scan_with(tmp_path, talk, made.keys)
    decrypted = inside(result)
    assert texts(decrypted) == [SECRET], explain(result)
    assert (decrypted.user, decrypted.server_version) == ("app", "8.0.36")
    assert (only(result).verdict, only(result).confidence, only(result).proof) == ("encrypted", "proven", "key log")
    assert only(result).protocol == "MySQL"
    assert only(result).server_version is None  # that is of the greeting in the clear


def test_tls_with_something_else_inside_stays_something_else(tmp_path: Path) -> None:
    made = tunnel(tmp_path, greets=False)
    talk = play(made.steps, Conversation(server=("10.0.0.9", 443)))
    result = scan_with(tmp_path, talk, made.keys)
    assert (result.verdict, result.not_mysql, result.connections) == ("not-mysql", {"TLS": 1}, [])


def test_something_else_inside_on_the_port_of_mysql_is_no_proof(tmp_path: Path) -> None:
    made = tunnel(tmp_path, greets=False)
    result = scan_with(tmp_path, play(made.steps), made.keys)
    assert inside(result).protocol == "HTTP"
    assert (only(result).verdict, only(result).confidence, only(result).proof) == ("encrypted", "likely", "structure")


def test_a_handshake_with_nothing_behind_it_on_another_port_is_not_mysql(tmp_path: Path) -> None:
    made = LoggedSession(tmp_path)
    made.steps = []
    assert made.handshake()
    talk = play(made.steps, Conversation(server=("10.0.0.9", 443)))
    result = scan_with(tmp_path, talk, made.keys)
    assert (result.verdict, result.not_mysql, result.connections) == ("not-mysql", {"TLS": 1}, [])


def facts_of(path: Path, keys: bytes) -> Facts:
    """Of the only connection, as the wire left them."""
    engine, log = Engine([3306]), KeyLog()
    log.add(keys, "keys")
    engine.use_decryptors(KeyLogDecryptors(log))
    with open_capture(str(path)) as capture:
        pump(capture.source, engine, 10_000)
    engine.finish()
    (connection,) = engine.ended
    return connection.facts


def test_other_tls_is_followed_only_until_it_is_known_not_to_be_mysql(
    tmp_path: Path, session: LoggedSession
) -> None:
    made = tunnel(tmp_path, greets=False)
    for _ in range(20):
        made.say("client", b"GET / HTTP/1.1\r\nHost: db.example\r\n\r\n")
    sent = sum(len(step.payload) for step in made.steps if step.sender == "client")
    path = play(made.steps, Conversation(server=("10.0.0.9", 4433))).write(tmp_path / "other.pcap")
    for keys, most in ((made.keys, 9), (session.keys, 0)):
        facts = facts_of(path, keys)
        assert facts.decrypted is not None
        assert facts.decrypted.records <= most
        for side in (facts.client, facts.server):
            assert side.tls + side.plaintext + side.by_design + side.unknown == side.seen
        assert facts.client.seen < sent // 2


def test_tls_that_is_not_the_first_of_its_direction_is_no_proof(tmp_path: Path) -> None:
    made = tunnel(tmp_path)
    steps = [Step("before", "client", bytes(range(128, 192))), *made.steps]
    result = scan_with(tmp_path, play(steps), made.keys)
    assert {"no-greeting", "no-ssl-request"} <= reasons(result), explain(result)
    assert only(result).confidence == "likely"


def test_tls_on_other_ports_without_its_keys_is_not_followed(tmp_path: Path, session: LoggedSession) -> None:
    talk = play(tunnel(tmp_path).steps, Conversation(server=("10.0.0.9", 4433)))
    result = scan_with(tmp_path, talk, session.keys)
    assert (result.verdict, result.not_mysql, result.connections) == ("not-mysql", {"TLS": 1}, [])


# What does not open, and what is said of it.


def test_a_key_log_of_other_connections_opens_nothing_and_weakens_nothing(
    tmp_path: Path, session: LoggedSession, session12: LoggedSession
) -> None:
    result = scan_with(tmp_path, play(session.steps), session12.keys)
    assert inside(result).not_decrypted == "the key log has no secrets of this connection"
    assert (only(result).verdict, only(result).confidence, only(result).proof) == ("encrypted", "proven", "structure")


def wrong(keys: bytes) -> bytes:
    """Each secret with another first byte."""
    out = b""
    for line in keys.splitlines():
        if not line.startswith(b"#"):
            label, random, secret = line.split(b" ")
            out += b"%s %s %02x%s\n" % (label, random, int(secret[:2], 16) ^ 1, secret[2:])
    return out


@pytest.mark.parametrize("version", [V10, V12, V13])
def test_wrong_secrets_open_nothing_and_are_a_doubt(tmp_path: Path, version: ssl.TLSVersion) -> None:
    made = LoggedSession(tmp_path, version, ciphers=OLD if version == V10 else None)
    made.mysql()
    result = scan_with(tmp_path, play(made.steps), wrong(made.keys))
    decrypted = inside(result)
    assert (decrypted.records, texts(decrypted)) == (0, [])
    assert decrypted.failed > 6
    assert decrypted.not_decrypted == "the secrets that the key log has for this connection open none of its records"
    assert (only(result).verdict, only(result).confidence, only(result).proof) == ("encrypted", "likely", "structure")
    assert reasons(result) == {"record-not-decrypted"}


def altered(session: LoggedSession, index: int) -> list[Step]:
    """One bit of the last byte of a step is another."""
    steps = list(session.steps)
    step = steps[index]
    steps[index] = Step(step.name, step.sender, step.payload[:-1] + bytes([step.payload[-1] ^ 1]))
    return steps


@pytest.mark.parametrize("version", [V12, V13])
def test_a_record_that_does_not_authenticate_is_a_doubt_with_its_place(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    made = LoggedSession(tmp_path, version)
    made.mysql()
    client = [number for number, step in enumerate(made.steps) if step.sender == "client"]
    talk = play(altered(made, client[-4]))
    result = scan_with(tmp_path, talk, made.keys)
    decrypted = inside(result)
    assert decrypted.failed == 1
    assert texts(decrypted) == SAID[1:], explain(result)  # what follows is opened
    (reason,) = only(result).reasons
    assert reason.id == "record-not-decrypted"
    assert (only(result).confidence, only(result).proof) == ("likely", "structure")
    assert reason.frame is not None
    assert reason.direction == "client"
    assert talk.packets[reason.frame - 1].offset == reason.offset
    assert only(scan_with(tmp_path, talk, None)).confidence == "proven"


def test_records_behind_a_hole_are_opened_and_the_proof_is_not_the_key_logs(tmp_path: Path) -> None:
    for version, ciphers in ((V13, None), (V12, None), (V12, "ECDHE-ECDSA-AES128-SHA256"), (V10, OLD)):
        made = LoggedSession(tmp_path, version, ciphers=ciphers)
        made.mysql()
        talk = play(made.steps)
        sizes = [packet.length for packet in talk.packets]
        rows = [number for number, size in enumerate(sizes) if size == 1460]
        talk.drop(*rows[4:9])
        result = scan_with(tmp_path, talk, made.keys)
        decrypted = inside(result)
        assert decrypted.cut > 0
        assert decrypted.failed == 0
        assert texts(decrypted) == SAID
        assert decrypted.commands == {"COM_QUERY": 2, "COM_QUIT": 1}
        assert "gap" in reasons(result)
        assert only(result).proof == "structure"


def test_a_statement_lost_in_a_hole_does_not_hide_those_behind_it(tmp_path: Path) -> None:
    for version in (V12, V13):
        made = LoggedSession(tmp_path, version)
        made.mysql()
        talk = play(made.steps)
        client = [number for number, packet in enumerate(talk.packets) if packet.sender == "client" and packet.length]
        talk.drop(client[-4])
        result = scan_with(tmp_path, talk, made.keys)
        decrypted = inside(result)
        assert texts(decrypted) == SAID[1:], explain(result)
        assert (decrypted.failed, decrypted.cut) == (0, 1)
        assert "record-not-decrypted" not in reasons(result)
        assert only(result).proof == "structure"


def long_session(folder: Path) -> LoggedSession:
    """A statement of three records, and a short one behind it."""
    made = LoggedSession(folder)
    assert made.handshake()
    made.say("client", mysql.login(seq=2, caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL))
    made.say("server", mysql.ok(3))
    made.say("client", mysql.query(b"INSERT INTO notes (body) VALUES ('" + b"a" * 40_000 + b"')"))
    made.say("server", mysql.ok(1))
    made.say("client", mysql.query(SECRET))
    made.say("server", mysql.ok(1))
    return made


@pytest.mark.parametrize("place", [5, 17000, 20000, 33500, 40000])
def test_damage_inside_a_long_statement_does_not_hide_the_next(tmp_path: Path, place: int) -> None:
    made = long_session(tmp_path)
    index = max(range(len(made.steps)), key=lambda number: len(made.steps[number].payload))
    step = made.steps[index]
    spoilt = step.payload[:place] + bytes([step.payload[place] ^ 1]) + step.payload[place + 1 :]
    for talk, wanted in (
        (
            play([*made.steps[:index], Step("spoilt", "client", spoilt), *made.steps[index + 1 :]]),
            "record-not-decrypted",
        ),
        (without_bytes(made, step, place), "gap"),
    ):
        result = scan_with(tmp_path, talk, made.keys)
        if place != 5 or wanted == "gap":
            assert wanted in reasons(result), explain(result)
        assert texts(inside(result))[-1] == SECRET, explain(result)


def without_bytes(made: LoggedSession, step: Step, place: int) -> Conversation:
    talk = play(made.steps)
    first = step.payload[:1460]
    lost = place + next(packet.offset for packet in talk.packets if packet.length and packet.data.endswith(first))
    talk.drop(
        *[
            number
            for number, packet in enumerate(talk.packets)
            if packet.sender == "client" and packet.offset <= lost < packet.offset + packet.length
        ]
    )
    return talk


def test_compressed_tls_is_not_opened_and_says_so(tmp_path: Path, session12: LoggedSession) -> None:
    steps = list(session12.steps)
    index = next(number for number, step in enumerate(steps) if step.payload[:1] == b"\x16" and step.sender == "server")
    hello = bytearray(steps[index].payload)
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at] + 2
    assert hello[at] == 0
    hello[at] = 1
    steps[index] = Step("hello", "server", bytes(hello))
    result = scan_with(tmp_path, play(steps), session12.keys)
    assert "are not decrypted here" in str(inside(result).not_decrypted)


# The key log may only add: everything else stays as it is without one.


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_capture_lacks_a_key_log_changes_nothing_but_what_it_opens(
    tmp_path: Path, session: LoggedSession, session12: LoggedSession, data: st.DataObject
) -> None:
    made = data.draw(st.sampled_from([session, session12]))
    steps = list(made.steps)
    if data.draw(st.booleans()):
        readable = b"SELECT secret FROM notes WHERE id = 1 -- " * data.draw(st.integers(1, 9))
        place = data.draw(st.integers(len(steps) - 6, len(steps) - 1))
        record = bytes([23, 3, 3]) + len(readable).to_bytes(2, "big") + readable
        steps.insert(place, Step("readable", data.draw(st.sampled_from(["client", "server"])), record))
    talk = play(steps, sizes=data.draw(st.sampled_from([90, 700])), acks=data.draw(st.booleans()))
    lost = data.draw(st.lists(st.integers(0, len(talk.packets) - 1), max_size=3, unique=True))
    talk.drop(*lost)
    if data.draw(st.booleans()):
        talk.snaplen(data.draw(st.integers(60, 800)))
    shut, decrypted = scan_with(tmp_path, talk, None), scan_with(tmp_path, talk, made.keys)
    for one, other in zip(shut.connections, decrypted.connections, strict=True):
        assert other.verdict == one.verdict
        assert [reason for reason in other.reasons if reason.id != "record-not-decrypted"] == one.reasons
        assert (other.client_coverage, other.server_coverage) == (one.client_coverage, one.server_coverage)
        assert (other.statements_total, other.user, other.commands) == (one.statements_total, one.user, one.commands)
        assert other.confidence in {one.confidence, "likely"}
    assert leaks(decrypted) == leaks(shut)


def test_secrets_of_one_direction_open_that_one(tmp_path: Path, session: LoggedSession) -> None:
    lines = [line for line in session.keys.splitlines() if not line.startswith(b"SERVER")]
    result = scan_with(tmp_path, play(session.steps), b"\n".join(lines))
    decrypted = inside(result)
    assert texts(decrypted) == SAID
    assert decrypted.without_keys > 0
    assert (only(result).proof, only(result).confidence) == ("structure", "proven")


def test_traffic_secrets_alone_are_enough(tmp_path: Path, session: LoggedSession) -> None:
    lines = [line for line in session.keys.splitlines() if b"HANDSHAKE" not in line]
    result = scan_with(tmp_path, play(session.steps), b"\n".join(lines))
    decrypted = inside(result)
    assert texts(decrypted) == SAID, explain(result)
    assert (decrypted.failed, decrypted.without_keys) == (0, 0)
    assert only(result).proof == "key log"


def test_a_session_picked_up_later_cannot_be_opened_and_says_why(tmp_path: Path, session: LoggedSession) -> None:
    result = scan_with(tmp_path, play(session.steps[-5:], syn=False), session.keys)
    assert "no ClientHello was captured" in str(inside(result).not_decrypted)
    assert (only(result).confidence, only(result).proof) == ("likely", "structure")


def test_a_suite_that_is_not_opened_here_is_named(tmp_path: Path) -> None:
    made = LoggedSession(tmp_path, V12, ciphers="ECDHE-ECDSA-ARIA128-GCM-SHA256")
    made.mysql()
    result = scan_with(tmp_path, play(made.steps), made.keys)
    assert inside(result).not_decrypted == (
        "records of TLSv1.2 with TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256 are not decrypted here"
    )
    assert only(result).confidence == "proven"


# Key logs inside a pcapng.


def with_secrets(packets: list[Packet], keys: bytes) -> bytes:
    """A Decryption Secrets Block behind the section header."""
    made = pcapng(packets)
    head = struct.unpack_from("<I", made, 4)[0]
    body = struct.pack("<II", 0x544C534B, len(keys)) + keys + bytes(-len(keys) % 4)
    size = len(body) + 12
    block = struct.pack("<II", 10, size) + body + struct.pack("<I", size)
    return made[:head] + block + made[head:]


def test_secrets_in_a_pcapng_are_used_without_being_asked_for(tmp_path: Path, session: LoggedSession) -> None:
    made = with_secrets(play(session.steps).packets, session.keys)
    result = scan_with(tmp_path, made, None, name="capture.pcapng")
    assert texts(inside(result)) == SAID
    assert only(result).proof == "key log"
    (source,) = result.keylogs
    assert source.path.endswith("capture.pcapng")
    assert source.secrets == 4


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not installed")
def test_secrets_that_wireshark_injects_are_read(tmp_path: Path, session12: LoggedSession) -> None:
    plain, sealed = tmp_path / "in.pcap", tmp_path / "out.pcapng"
    plain.write_bytes(pcap(play(session12.steps).packets))
    subprocess.run(
        ["editcap", "--inject-secrets", f"tls,{session12.path}", plain, sealed],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    result = scan_with(tmp_path, sealed.read_bytes(), None, name="again.pcapng")
    assert texts(inside(result)) == SAID


def test_a_pcapng_without_secrets_says_nothing_of_key_logs(tmp_path: Path, session: LoggedSession) -> None:
    result = scan_with(tmp_path, pcapng(play(session.steps).packets), None, name="capture.pcapng")
    tls = only(result).tls
    assert tls is not None
    assert (tls.decrypted, result.keylogs, only(result).proof) == (None, [], "structure")


def test_garbage_in_a_secrets_block_is_counted(tmp_path: Path, session: LoggedSession) -> None:
    made = with_secrets(play(session.steps).packets, b"garbage\n" * 3 + session.keys)
    result = scan_with(tmp_path, made, None, name="capture.pcapng")
    assert [source.ignored for source in result.keylogs] == [3]
    assert texts(inside(result)) == SAID
