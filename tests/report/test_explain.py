"""A frame in words: what is said of each kind; no bytes break it or reach the terminal as they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.analysis.packets import Packet
from aurora_wire.report.packets.explain.frame import explain
from aurora_wire.report.packets.explain.mysql import LABELS
from aurora_wire.wire.decoding import labels, roles
from aurora_wire.wire.mysql import capabilities
from tests.conversations import mysql, tls
from tests.conversations.tcp import ACK, PSH, SYN, frame

CLIENT, SERVER = ("10.0.0.5", 50152), ("10.0.0.9", 3306)
COM_QUERY = labels.COMMAND + 3
AGREED = mysql.BASE | mysql.CONNECT_WITH_DB | mysql.CONNECT_ATTRS
Golden = Callable[[str, str], None]


def sent(payload: bytes, *, from_client: bool = True, flags: int = PSH | ACK) -> bytes:
    source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    return frame(source, target, 1_001, 900_001, flags, payload, sender="client" if from_client else "server")


def places(payload: bytes, label: int) -> list[Packet]:
    """The packets of a payload with one label, as the engine tells of them."""
    role = roles.COMMAND if label >= labels.COMMAND else next((r for r, one in LABELS.items() if one == label), -1)
    if role == -1:
        return []
    found: list[Packet] = []
    at, definitions, in_rows = 0, 0, False
    while at + 4 <= len(payload):
        stop = at + 4 + int.from_bytes(payload[at : at + 3], "little")
        one = int(role)
        if label == labels.RESULT_SET:
            first = payload[at + 4 : at + 5]
            if first == b"\xfe" and stop - at < 13:
                one, in_rows = int(roles.EOF), True
            elif not found and first:
                one, definitions = int(roles.HEAD), first[0]
            elif definitions and not in_rows:
                one, definitions = int(roles.DEFINITION), definitions - 1
            else:
                one = int(roles.TEXT_ROW)
        found.append(Packet(at, min(stop, len(payload)), one, 0, 0, 0))
        at = stop
    return found


def squeezed(payload: bytes, inside: bytes, label: int) -> list[Packet]:
    """The same of one compressed packet that holds `inside`."""
    return [Packet(0, len(payload), int(roles.UNKNOWN), 0, 0, 0, (), tuple(places(inside, label)))]


def explained(
    payload: bytes, label: int, *, from_client: bool = True, caps: int | None = AGREED, split: int = 0,
    known: list[Packet] | None = None,
) -> str:
    """The explanation of a frame whose whole payload has one label, in one span or two."""
    spans = [(0, split, label), (split, len(payload), label)] if split else [(0, len(payload), label)]
    known = places(payload, label) if known is None else known
    lines = explain(sent(payload, from_client=from_client), 1, spans, from_client, caps, packets=known)
    return "\n".join(lines) + "\n"


def test_a_greeting(golden: Golden) -> None:
    golden("explain-greeting.txt", explained(mysql.greeting(), labels.GREETING, from_client=False, split=4))


def test_a_greeting_of_mariadb_shows_its_further_flags() -> None:
    whole = bytearray(mysql.greeting(version=b"5.5.5-10.11.6-MariaDB"))
    flags_at = whole.index(mysql.NONCE[:8]) + 9
    whole[flags_at] &= 0xFE
    whole[flags_at + 14 : flags_at + 18] = b"\x1d\0\0\0"
    text = explained(bytes(whole), labels.GREETING, from_client=False)
    assert "server version: 5.5.5-10.11.6-MariaDB (MariaDB puts 5.5.5- in front" in text
    assert "MARIADB_CLIENT_PROGRESS, MARIADB_CLIENT_STMT_BULK_OPERATIONS" in text


def test_a_greeting_without_tls_says_so_and_suspects_a_removed_flag() -> None:
    text = explained(mysql.greeting(ssl=False), labels.GREETING, from_client=False)
    assert "CLIENT_SSL is not set: the server offers no TLS" in text
    assert "removed" not in text
    stripped = mysql.greeting(ssl=False, caps=capabilities.SSL_VERIFY_SERVER_CERT)
    assert "somebody on the way may have removed CLIENT_SSL" in explained(stripped, labels.GREETING)


def test_an_old_greeting() -> None:
    text = explained(mysql.greeting_v9(), labels.GREETING, from_client=False)
    assert "protocol version 9" in text
    assert "server version: 3.20.32" in text


def test_an_ssl_request(golden: Golden) -> None:
    golden("explain-ssl-request.txt", explained(mysql.ssl_request(), labels.SSL_REQUEST))


def test_a_login(golden: Golden) -> None:
    attributes = ((b"_client_name", b"libmysql"), (b"program_name", b"shop"))
    golden("explain-login.txt", explained(mysql.login(attributes=attributes), labels.LOGIN))


def test_an_old_login() -> None:
    text = explained(mysql.login_320(), labels.LOGIN)
    assert "user: app" in text
    assert "authentication data: 8 bytes" in text


def test_a_query(golden: Golden) -> None:
    golden("explain-com-query.txt", explained(mysql.query(b"INSERT INTO notes VALUES ('secret')"), COM_QUERY))


def test_query_attributes_are_shown_before_the_statement() -> None:
    body = b"\x01\x01\x00\x01\xfd\x00" + mysql.lestr(b"trace") + mysql.lestr(b"abc") + b"SELECT 1"
    text = explained(mysql.query(body), COM_QUERY, caps=AGREED | mysql.QUERY_ATTRIBUTES)
    assert "query attributes: 1" in text
    assert "trace = 'abc' (VAR_STRING)" in text
    assert "statement: SELECT 1" in text


def test_a_client_hello(golden: Golden) -> None:
    golden("explain-client-hello.txt", explained(tls.client_hello(), labels.TLS_HANDSHAKE))


def test_a_server_hello_names_the_suite() -> None:
    text = explained(tls.server_hello(), labels.TLS_HANDSHAKE, from_client=False)
    assert "agrees to TLSv1.3" in text
    assert "cipher suite: TLS_AES_256_GCM_SHA384" in text
    assert "HelloRetryRequest" in explained(tls.hello_retry_request(), labels.TLS_HANDSHAKE)
    null = tls.server_hello(version=tls.TLS12, suite=0x003B)
    assert "TLS_RSA_WITH_NULL_SHA256: DOES NOT ENCRYPT" in explained(null, labels.TLS_HANDSHAKE)


def test_application_data(golden: Golden) -> None:
    golden("explain-application-data.txt", explained(tls.data("rows", 80), labels.TLS_APPLICATION_DATA))


def test_alerts_are_named_unless_encrypted() -> None:
    assert "alert: unknown_ca" in explained(tls.alert(2, 48), labels.TLS_ALERT)
    assert "an encrypted alert" in explained(tls.encrypted_alert("x"), labels.TLS_ALERT)


def test_what_follows_change_cipher_spec_is_called_encrypted() -> None:
    assert "encrypted, or the middle" in explained(tls.finished("x"), labels.TLS_HANDSHAKE)


def test_the_servers_small_packets() -> None:
    assert "rows affected: 3" in explained(mysql.ok(1, affected=3), labels.OK, from_client=False)
    text = explained(mysql.err(1045, b"Access denied"), labels.ERR, from_client=False)
    assert "error code 1045: access denied" in text
    assert "message: Access denied" in text
    assert "EOF: the columns or the rows end here" in explained(mysql.eof(5), labels.EOF, from_client=False)
    prepared = explained(mysql.prepare_ok(7, 2), labels.PREPARE_OK, from_client=False)
    assert "statement id 7" in prepared
    assert "it takes 2 parameters" in prepared


def test_a_result_set_is_walked_packet_by_packet() -> None:
    rows = mysql.result_set([b"id", b"name"], [[b"1", b"Ada"], [b"2", None]])
    text = explained(rows, labels.RESULT_SET, from_client=False)
    assert "head of a result: 2 columns" in text
    assert text.count("column ") == 2
    assert text.count("a row of 2 values, readable:") == 2
    assert "Ada" in text
    assert "NULL" in text


def test_executed_values_are_shown() -> None:
    text = explained(mysql.execute(7, [42, b"secret", None]), labels.COMMAND + 23)
    assert "statement id 7" in text
    assert "parameter 1 = 42" in text
    assert "parameter 2 = 'secret'" in text
    assert "parameter 3 = NULL" in text


def test_compressed_packets_are_opened() -> None:
    query = mysql.query(b"SELECT 'secret' -- " + b"again and again " * 20)
    whole = mysql.compressed(0, query)
    text = explained(whole, COM_QUERY, known=squeezed(whole, query, COM_QUERY))
    assert "Compression hides nothing" in text
    assert "statement: SELECT 'secret'" in text
    query = mysql.query(b"SELECT 1")
    whole = mysql.compressed(0, query)
    small = explained(whole, COM_QUERY, known=squeezed(whole, query, COM_QUERY))
    assert "they are as they were" in small
    assert "statement: SELECT 1" in small


def test_what_a_compressed_packet_holds_is_told_packet_by_packet() -> None:
    rows = mysql.result_set([b"id", b"name"], [[b"1", b"Ada" * 30], [b"2", None]])
    whole = mysql.compressed(1, rows)
    text = explained(whole, labels.EOF, from_client=False, known=squeezed(whole, rows, labels.RESULT_SET))
    assert "head of a result: 2 columns" in text
    assert text.count("a row of 2 values, readable:") == 2


def test_bytes_that_cannot_be_decompressed_are_said_to_be() -> None:
    packet = bytearray(mysql.compressed(0, mysql.query(b"x" * 200)))
    packet[12] ^= 0xFF
    assert "They cannot be decompressed." in explained(
        bytes(packet), COM_QUERY, known=squeezed(bytes(packet), b"", COM_QUERY)
    )


def test_a_message_that_goes_on_elsewhere_is_said_to() -> None:
    whole = mysql.query(b"INSERT INTO notes VALUES ('" + b"x" * 3_000 + b"')")
    first = explained(whole[:1_000], COM_QUERY)
    assert "beginning of the statement: INSERT" in first
    assert f"{len(whole) - 1_000:,} bytes of this packet are not in this frame." in first
    rest = explained(whole[1_000:], COM_QUERY, known=[Packet(0, len(whole) - 1_000, int(roles.COMMAND), 1_000, 0, 0)])
    assert "a packet that began in an earlier frame goes on: xxx" in rest
    record = tls.data("rows", 3_000)
    assert f"{len(record) - 1_000:,} bytes of this record are not" in explained(
        record[:1_000], labels.TLS_APPLICATION_DATA
    )
    assert "a record that began in an earlier frame goes on" in explained(
        record[1_000:], labels.TLS_APPLICATION_DATA
    )


def test_spans_of_several_kinds_and_what_lies_between() -> None:
    payload = mysql.ssl_request() + tls.client_hello()
    cut = len(mysql.ssl_request())
    spans = [(0, cut, labels.SSL_REQUEST), (cut, len(payload), labels.TLS_HANDSHAKE)]
    known = places(mysql.ssl_request(), labels.SSL_REQUEST)
    text = "\n".join(explain(sent(payload), 1, spans, True, None, packets=known))
    assert text.index("MySQL SSLRequest") < text.index("TLS record: handshake")
    gap = "\n".join(explain(sent(payload), 1, spans[1:], True, None))
    assert "What these bytes are is not known." in gap


def test_a_segment_without_payload_and_a_frame_without_tcp() -> None:
    assert "No payload" in "\n".join(explain(sent(b"", flags=SYN), 1, [], True, None))
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    assert explain(arp, 1, [], None, None) == ["No TCP segment: ARP. There is nothing here to explain."]
    assert explain(b"", 1, [], None, None)[0].startswith("No TCP segment: ")


def test_bytes_that_the_snaplen_cut_are_counted() -> None:
    whole = sent(mysql.query(b"SELECT 1234567890"))
    text = "\n".join(explain(whole[:-6], 1, [(0, 22, COM_QUERY)], True, None, packets=[
        Packet(0, 22, int(roles.COMMAND), 0, 0, 0)
    ]))
    assert "6 bytes of the payload were not captured" in text


def test_a_proxy_header() -> None:
    text = explained(b"PROXY TCP4 192.0.2.7 10.0.0.9 40000 3306\r\n", labels.PROXY_HEADER)
    assert "from 192.0.2.7 port 40000" in text


def test_offsets_are_those_of_the_dump() -> None:
    known = [Packet(0, 13, int(roles.COMMAND), 0, 0, 0)]
    lines = explain(sent(mysql.query(b"SELECT 1")), 1, [(0, 13, COM_QUERY)], True, None, packets=known)
    row = next(line for line in lines if "statement: SELECT 1" in line)
    assert row.split()[0] == f"0x{20 + 20 + 5:04x}"
    assert row.split()[1:9] == [f"{byte:02x}" for byte in b"SELECT 1"]


def test_hostile_text_is_escaped() -> None:
    hostile = b"SELECT '\x1b]0;owned\x07\xe2\x80\xae'"
    assert "SELECT '\\x1b]0;owned\\x07\\u202e'" in explained(mysql.query(hostile), COM_QUERY)
    greeting = mysql.greeting(version=b"8.0\x1b[2J")
    assert "8.0\\x1b[2J" in explained(greeting, labels.GREETING, from_client=False)


def test_a_flood_of_small_packets_is_cut_short() -> None:
    text = explained(bytes(4) * 5_000, labels.RESULT_SET, from_client=False)
    assert text.count("An empty packet.") == 500
    assert "18,000 bytes more of the same" in text


COMMAND_LABELS = st.integers(labels.COMMAND, labels.COMMAND + 35)
ANY_LABEL = st.one_of(st.integers(0, 33), COMMAND_LABELS, st.just(labels.COMMAND + 250))
OFFSETS = st.integers(0, 400)
CAPABILITIES = st.one_of(st.none(), st.integers(0, (1 << 38) - 1))
STARTS = st.sampled_from([
    b"", mysql.greeting(), mysql.ssl_request(), mysql.login(attributes=((b"a", b"b"),)),
    mysql.query(b"SELECT 1"), mysql.ok(1), mysql.err(1064, b"no"), mysql.prepare_ok(1, 2, columns=2),
    mysql.execute(1, [1, b"x"]), mysql.result_set([b"a"], [[b"1"]]),
    mysql.compressed(0, mysql.query(b"x" * 200)), tls.client_hello(), tls.server_hello(), tls.alert(1, 0),
    tls.data("x", 40), tls.server_flight(tls.TLS12, 0xC030),
])


@settings(max_examples=300, deadline=None)
@given(
    STARTS, st.binary(max_size=60), OFFSETS, ANY_LABEL, st.sampled_from([True, False, None]),
    CAPABILITIES, st.lists(st.tuples(OFFSETS, OFFSETS)),
)
def test_no_bytes_raise_and_nothing_reaches_the_terminal_unescaped(
    start: bytes, tail: bytes, cut: int, label: int, from_client: bool | None, caps: int | None,
    spans: list[tuple[int, int]],
) -> None:
    payload = (start[:cut] + tail)[:1_400]
    labelled = [(low, high, label + number) for number, (low, high) in enumerate(spans)]
    known = places(payload, label)
    for line in explain(sent(payload), 1, labelled or [(0, len(payload), label)], from_client, caps, packets=known):
        kinds = {unicodedata.category(character) for character in line}
        assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120), st.sampled_from([0, 1, 9, 101, 113, 276, 4_000]))
def test_no_frame_raises(data: bytes, link_type: int) -> None:
    assert list(explain(data, link_type, [(0, 50, COM_QUERY)], None, None))


@pytest.mark.parametrize("cut", range(0, 67, 3))
def test_a_cut_frame_is_explained_as_far_as_it_goes(cut: int) -> None:
    whole = sent(mysql.query(b"SELECT 1"))
    text = "\n".join(explain(whole[:cut], 1, [(0, 13, COM_QUERY)], True, None))
    if cut < 54:  # where the TCP header ends
        header = "link" if cut < 14 else "IP" if cut < 34 else "TCP"
        assert text == f"No TCP segment: {header} header cut. There is nothing here to explain."
        return
    assert text.startswith(f"A frame of {cut} bytes. ")
    there = f"MySQL COM_QUERY (client to server), {cut - 54} bytes of it"
    assert (there in text) is (cut > 54)
    assert f"\n{67 - cut} byte" in text
    assert text.endswith(" of the payload were not captured (the snaplen cut them).")
