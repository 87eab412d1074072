"""The packet list: every frame once, in order, each byte of payload with its label."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet as Layer

import aurora_wire
from aurora_wire.analysis.packets import WINDOW, PacketView, packets
from aurora_wire.errors import CaptureError, UsageError
from tests.conversations import mysql, sessions, tls
from tests.conversations.tcp import Conversation, Packet, interleave, pcap

SQL = b"INSERT INTO notes (body) VALUES ('Canary-0001-7f3a')"
QUERY = mysql.query(SQL)


def views_of(data: bytes, window: int = WINDOW) -> list[PacketView]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.pcap")
        path.write_bytes(data)
        return list(packets([path], window=window))


def listed(talk: Conversation, window: int = WINDOW) -> list[PacketView]:
    views = views_of(pcap(talk.packets), window)
    check(views, len(talk.packets))
    return views


def check(views: Sequence[PacketView], count: int) -> None:
    """What holds for every list."""
    assert [view.number for view in views] == list(range(1, count + 1))
    for view in views:
        assert all(start < end for start, end, _ in view.spans)
        assert all(one[1] == two[0] for one, two in pairwise(view.spans))
        if view.spans:
            assert view.spans[0][0] == 0
        if view.payload_at is not None:
            assert view.payload_at + view.spans[-1][1] <= len(view.data)
        for start, end in view.leaked:
            assert view.payload_at is not None
            assert view.payload_at <= start < end <= len(view.data)


def payloads(views: Iterable[PacketView]) -> list[PacketView]:
    return [view for view in views if view.spans]


def labels(views: Iterable[PacketView]) -> list[tuple[str, ...]]:
    return [view.labels for view in payloads(views)]


def logged_in() -> Conversation:
    """Up to the first command: seven frames."""
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting())
    talk.client(mysql.login())
    talk.server(mysql.ok(2))
    return talk


def by_scapy(frames: Iterable[Layer]) -> bytes:
    raw = [bytes(frame) for frame in frames]
    return pcap([Packet("client", data, len(data)) for data in raw])


def ethernet() -> Layer:
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def test_each_step_of_a_session_in_the_clear_has_its_label() -> None:
    views = listed(sessions.play(sessions.plaintext()))
    assert labels(views) == [
        ("greeting",),
        ("login",),
        ("OK",),
        ("COM_QUERY",),
        ("OK",),
        ("COM_QUERY",),
        ("result set", "EOF"),
        ("COM_QUIT",),
    ]
    assert {view.labels for view in views if not view.spans} == {("TCP control",)}
    assert [view.from_client for view in payloads(views)] == [
        False, True, False, True, False, True, False, True,
    ]  # fmt: skip


def test_what_leaked_is_what_needed_protection_and_had_none() -> None:
    views = payloads(listed(sessions.play(sessions.plaintext(sql=SQL))))
    assert (views[0].leaked, views[0].leaked_bytes) == ([], 0)  # the greeting crosses by design
    (start, end) = views[3].leaked[0]
    assert views[3].data[start:end] == QUERY
    assert views[3].leaked_bytes == len(QUERY)
    assert sum(view.leaked_bytes for view in payloads(listed(sessions.play(sessions.tls13())))) == 0


def test_tls_records_have_the_labels_of_their_types() -> None:
    steps = [*sessions.tls12()[:-1], sessions.Step("alert", "client", tls.encrypted_alert("bye"))]
    views = payloads(listed(sessions.play(steps)))
    found = [view.labels for view in views]
    assert found[:3] == [("greeting",), ("SSLRequest",), ("TLS handshake",)]
    assert ("TLS handshake", "TLS change cipher spec") in found
    assert ("TLS application data",) in found
    assert found[-1] == ("TLS alert",)
    assert not any(view.leaked for view in views)


def test_packets_in_the_compressed_protocol_have_the_label_of_what_they_hold() -> None:
    assert labels(listed(sessions.play(sessions.compressed())))[3:] == [("COM_QUERY",), ("OK",), ("COM_QUIT",)]


def test_a_compressed_packet_has_the_labels_of_all_that_it_holds() -> None:
    several = mysql.ping() + mysql.query(b"SELECT 'one'") + mysql.query(b"SELECT 'two'") + mysql.init_db(b"shop")
    steps = sessions.changed(sessions.compressed(), query=mysql.compressed(0, several))
    assert labels(listed(sessions.play(steps)))[3] == ("COM_PING", "COM_QUERY", "COM_INIT_DB")


def test_a_compressed_message_of_x_protocol_has_the_labels_of_all_that_it_holds(shared: Path) -> None:
    views = packets([shared / "lab" / "mysql-9.7" / "mysqlx-compress.pcap"])
    assert {"compressed"}.isdisjoint(label for view in views for label in view.labels)


def test_prepared_statements_and_errors_have_their_labels() -> None:
    talk = logged_in()
    talk.client(mysql.prepare(b"SELECT ?"))
    talk.server(mysql.prepare_ok(1, 1))
    talk.client(mysql.execute(1, [7]))
    talk.server(mysql.err(1064, b"no", seq=1))
    assert [found[0] for found in labels(listed(talk))[3:]] == [
        "COM_STMT_PREPARE", "PREPARE_OK", "COM_STMT_EXECUTE", "ERR",
    ]  # fmt: skip


def test_a_segment_can_hold_the_end_of_one_thing_and_the_beginning_of_another() -> None:
    talk = logged_in()
    both = QUERY + mysql.leave()
    talk.client(both, sizes=[len(QUERY) + 2])
    first, second = listed(talk)[-2:]
    assert [(start, end) for start, end, _ in first.spans] == [(0, len(QUERY)), (len(QUERY), len(QUERY) + 2)]
    assert (first.labels, second.labels) == (("COM_QUERY", "COM_QUIT"), ("COM_QUIT",))


def byte_labels(views: Iterable[PacketView], from_client: bool) -> list[int]:
    return [
        label
        for view in payloads(views)
        if view.from_client == from_client
        for start, end, label in view.spans
        for _ in range(start, end)
    ]


@pytest.mark.parametrize("steps", [sessions.plaintext(), sessions.compressed(), sessions.tls12(), sessions.tls13()])
@pytest.mark.parametrize("sizes", [1, 3, 7])
def test_labels_that_come_late_reach_the_frames_that_waited_for_them(
    steps: list[sessions.Step], sizes: int
) -> None:
    whole = listed(sessions.play(steps))
    trickled = listed(sessions.play(steps, sizes=sizes))
    for from_client in (True, False):
        assert byte_labels(trickled, from_client) == byte_labels(whole, from_client)


def test_frames_out_of_order_are_listed_in_the_order_of_the_capture() -> None:
    talk = logged_in()
    talk.client(QUERY, sizes=20)
    talk.swap(-1, -2)
    views = listed(talk)
    assert [view.labels for view in views[-3:]] == [("COM_QUERY",)] * 3
    assert views[-2].data == talk.packets[-2].data


def test_bytes_that_come_again_are_a_retransmission_in_whole_or_in_part() -> None:
    talk = logged_in()
    start = talk.offset["client"]
    talk.client(QUERY[:30])
    talk.again("client", start, QUERY[:30])
    talk.segment("client", QUERY[10:], offset=start + 10)
    first, whole, part = listed(talk)[-3:]
    assert (first.labels, whole.labels) == (("COM_QUERY",), ("retransmission",))
    assert part.labels == ("retransmission", "COM_QUERY")
    assert [span[:2] for span in part.spans] == [(0, 20), (20, len(QUERY) - 10)]
    assert [part.data[low:high] for low, high in part.leaked] == [QUERY[30:]]


def test_bytes_that_come_again_while_they_wait_for_others_have_their_label_at_once() -> None:
    talk = logged_in()
    start = talk.offset["client"]
    talk.segment("client", QUERY[20:40], offset=start + 20)
    talk.segment("client", QUERY[20:40], offset=start + 20)
    talk.segment("client", QUERY[10:], offset=start + 10)
    talk.segment("client", QUERY[:10], offset=start)
    views = listed(talk)[-4:]
    assert [view.labels for view in views] == [
        ("COM_QUERY",), ("retransmission",), ("COM_QUERY", "retransmission"), ("COM_QUERY",),
    ]  # fmt: skip
    assert [span[:2] for span in views[2].spans] == [(0, 10), (10, 30), (30, len(QUERY) - 10)]


def test_a_frame_waits_for_the_label_of_its_last_byte_though_its_first_came_again() -> None:
    talk = logged_in()
    talk.client(QUERY)
    start = talk.offset["server"]
    reply = mysql.ok(1)
    talk.server(reply)
    talk.client(mysql.ping())
    talk.segment("server", reply + reply[:3], offset=start)
    talk.segment("server", reply[3:], offset=start + len(reply) + 3)
    assert [view.labels for view in listed(talk)[-2:]] == [("retransmission", "OK"), ("OK",)]


def test_a_retransmission_made_by_scapy_is_one() -> None:
    def segment(payload: bytes, seq: int) -> Layer:
        tcp = TCP(sport=50152, dport=3306, seq=seq, ack=1, flags="PA")
        return ethernet() / IP(src="10.0.0.5", dst="10.0.0.9") / tcp / payload

    views = views_of(by_scapy([segment(QUERY, 1), segment(QUERY, 1)]))
    assert [view.labels for view in views] == [("COM_QUERY",), ("retransmission",)]


def test_a_keep_alive_and_what_a_receiver_would_drop_have_their_labels() -> None:
    talk = logged_in()
    talk.client(QUERY)
    talk.keep_alive("client", QUERY[-1:])
    talk.rst()
    talk.client(mysql.leave())
    found = listed(talk)
    assert found[-4].labels == ("keep-alive",)
    assert found[-1].labels == ("disregarded",)
    wrong = payloads(listed(sessions.play(sessions.tls13(), bad_checksum=["client-data-1"])))
    assert [view.labels for view in wrong].count(("disregarded",)) == 1


def test_what_is_no_tcp_segment_has_a_label_and_no_connection() -> None:
    ip = IP(src="10.0.0.5", dst="10.0.0.9")
    views = views_of(by_scapy([
        ethernet() / ARP(psrc="10.0.0.5", pdst="10.0.0.9"),
        ethernet() / ip / UDP(sport=1, dport=2) / b"x",
        Ether(bytes(ethernet() / ip / TCP(sport=1, dport=3306))[:40]),
    ]))  # fmt: skip
    check(views, 3)
    assert [view.labels for view in views] == [("not TCP",), ("not TCP",), ("malformed",)]
    assert {(view.connection, view.from_client, view.payload_at) for view in views} == {(None, None, None)}


def test_of_fragments_the_last_has_the_label_and_no_place_to_mark() -> None:
    segment = IP(src="10.0.0.5", dst="10.0.0.9", id=7) / TCP(
        sport=50152, dport=3306, seq=1, ack=1, flags="PA"
    )
    first, last = views_of(by_scapy(ethernet() / piece for piece in fragment(segment / QUERY, 48)))  # type: ignore[no-untyped-call]
    assert (first.labels, last.labels) == (("IP fragment",), ("COM_QUERY",))
    assert (last.payload_at, last.leaked, last.leaked_bytes) == (None, [], len(QUERY))


def test_in_a_tunnel_the_leak_is_found_where_it_lies() -> None:
    inner = ethernet() / IP(src="10.0.0.5", dst="10.0.0.9") / TCP(sport=50152, dport=3306, seq=1, flags="PA")
    outer = ethernet() / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=5, dport=4789) / VXLAN(vni=3)
    (view,) = views_of(by_scapy([outer / inner / QUERY]))
    assert [view.data[low:high] for low, high in view.leaked] == [QUERY]


def test_what_the_snaplen_cut_is_neither_labelled_nor_marked() -> None:
    talk = logged_in()
    talk.client(QUERY, keep=30)
    view = listed(talk)[-1]
    assert view.labels == ("COM_QUERY",)
    assert view.leaked == [(len(view.data) - 30, len(view.data))]


def test_from_a_full_window_the_oldest_frame_leaves_with_what_is_known() -> None:
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting(), sizes=1)
    views = listed(talk, window=2)
    assert views[3].labels == ("unknown",)
    assert views[-1].labels == ("greeting",)
    assert {view.labels for view in listed(talk)[3:]} == {("greeting",)}


def test_the_window_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting(), sizes=1)
    monkeypatch.setattr("aurora_wire.analysis.packets.WINDOW_BYTES", 200)
    assert listed(talk)[3].labels == ("unknown",)


def test_capabilities_are_told_as_soon_as_both_sides_are_known() -> None:
    views = listed(logged_in())
    assert views[0].capabilities is None
    assert views[-1].capabilities is not None
    assert views[-1].capabilities & mysql.BASE == mysql.BASE


def test_connections_are_those_of_a_scan(tmp_path: Path) -> None:
    talks = [
        sessions.play(steps, Conversation(("10.0.0.5", 50_000 + at)))
        for at, steps in enumerate([sessions.plaintext(), sessions.tls13(), sessions.compressed()])
    ]
    path = tmp_path / "three.pcap"
    path.write_bytes(pcap(interleave(*talks)))
    views = list(packets([path]))
    for one in aurora_wire.scan([path]).connections:
        assert sum(view.connection == one.id for view in views) == one.packets
        for statement in one.statements:
            assert views[statement.frame - 1].connection == one.id
            assert statement.command in views[statement.frame - 1].labels


def test_frame_numbers_run_on_from_capture_to_capture(tmp_path: Path) -> None:
    talk = sessions.play(sessions.plaintext(sql=SQL), sizes=20)
    whole = pcap(talk.packets)
    header, one = whole[:24], len(pcap(talk.packets[:9]))
    (tmp_path / "1.pcap").write_bytes(whole[:one])
    (tmp_path / "2.pcap").write_bytes(header + whole[one:])
    seen: list[tuple[str, int]] = []
    views = list(packets([tmp_path], on_capture=lambda path, count: seen.append((path, count))))
    check(views, len(talk.packets))
    assert [view.labels for view in views] == [view.labels for view in listed(talk)]
    assert seen == [(str(tmp_path / "1.pcap"), 2), (str(tmp_path / "2.pcap"), 2)]
    assert [view.capture for view in views] == [seen[0][0]] * 9 + [seen[1][0]] * (len(views) - 9)


def test_what_was_before_the_damage_is_listed_and_the_damage_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap(logged_in().packets)[:-10])
    errors: list[CaptureError] = []
    views = list(packets([path], on_error=errors.append))
    check(views, 5)
    assert [str(error.path) for error in errors] == [str(path)]
    given: list[PacketView] = []
    with pytest.raises(CaptureError, match=r"5 packets before it were read"):
        given.extend(packets([path]))


def test_where_nothing_can_be_read_it_is_an_error(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pcap"
    junk.write_bytes(bytes(range(256)))
    other = tmp_path / "other.pcap"
    other.write_bytes(b"x")
    told: list[CaptureError] = []
    with pytest.raises(CaptureError):
        list(packets([junk], on_error=told.append))
    with pytest.raises(UsageError, match=r"(?s)junk\.pcap.*\n.*other\.pcap"):
        list(packets([junk, other], on_error=lambda _: None))
    assert told == []


def test_an_input_that_is_no_capture_is_told_beside_the_packets_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.pcap").write_bytes(pcap(logged_in().packets))
    (tmp_path / "junk.pcap").write_bytes(bytes(range(256)))
    told: list[CaptureError] = []
    paths = [tmp_path / "junk.pcap", tmp_path / "good.pcap"]
    check(list(packets(paths, on_error=told.append)), 6)
    assert [error.path for error in told] == [str(paths[0])]


WHOLE = pcap(
    interleave(
        sessions.play(sessions.plaintext(), Conversation(("10.0.0.5", 50_000)), sizes=40),
        sessions.play(sessions.tls12(), Conversation(("10.0.0.5", 50_001))),
        sessions.play(sessions.compressed(), Conversation(("10.0.0.5", 50_002)), sizes=25),
    )
)
FRAMES = len(views_of(WHOLE))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bytes_in_packets_raise_and_every_frame_is_listed_once(data: st.DataObject) -> None:
    """Bytes are changed in the frames, never in the headers that the file puts before them."""
    changed = bytearray(WHOLE)
    places = []
    at = 24
    while at < len(changed):
        size = int.from_bytes(changed[at + 8 : at + 12], "little")
        places.append(range(at + 16 + 14, at + 16 + size))
        at += 16 + size
    for _ in range(data.draw(st.integers(1, 30))):
        place = data.draw(st.sampled_from(places))
        changed[data.draw(st.sampled_from(place))] = data.draw(st.integers(0, 255))
    check(views_of(bytes(changed), data.draw(st.sampled_from([1, 5, WINDOW]))), FRAMES)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_overlaps_and_disorder_leave_no_frame_waiting(data: st.DataObject) -> None:
    """Segments of any place and length, again and again: the last labels come with the last frame at the latest."""
    talk = logged_in()
    stream = QUERY * 3
    start = talk.offset["client"]
    for _ in range(data.draw(st.integers(1, 25))):
        low = data.draw(st.integers(0, len(stream) - 1))
        high = data.draw(st.integers(low + 1, len(stream)))
        talk.segment("client", stream[low:high], offset=start + low)
    talk.client(stream)
    views = listed(talk)
    assert not any("unknown" in view.labels for view in views)
