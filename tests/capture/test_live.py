"""Captures that really capture: on the loopback, on a pair of virtual interfaces, on a tunnel without Ethernet."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from aurora_wire.capture.live.bpf import expression_filter, port_filter
from aurora_wire.capture.live.ring import DRAIN, LiveCapture, NoPermission, Statistics
from aurora_wire.capture.live.route import find_addresses, interface_to
from aurora_wire.errors import CaptureError, UsageError
from tests.capture.files import Frame
from tests.loopback import Server, ip, needs_root, pair_of_interfaces, send_frames, until

PORT = 20_000 + os.getpid() % 20_000  # another run of these tests may be on the same loopback
TO_PORT = IP(src="10.9.0.1", dst="10.9.0.2") / TCP(sport=40000, dport=PORT, seq=1) / Raw(b"hello")
ETHERNET = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def all_of(capture: LiveCapture) -> list[Frame]:
    """What was captured by now; nothing comes after it."""
    capture.stop()
    source = capture.source
    found = []
    while capture.wait(DRAIN):
        while source.advance():
            data = source.buffer[source.at : source.at + source.captured_len]
            found.append(Frame(source.time_ns, source.link_type, data, source.original_len))
    return found


def until_seen(capture: LiveCapture, packets: int) -> None:
    until(lambda: capture.statistics().received >= packets, f"{packets} packets")


@pytest.mark.parametrize("interfaces", [["lo"], [], ["any"], ["lo", "lo"]])
def test_on_loopback_each_packet_is_seen_once(interfaces: list[str]) -> None:
    with Server() as server, LiveCapture(interfaces, port_filter([server.port])) as capture:
        before = time.time_ns()
        server.query(b"SELECT 1", b"SELECT 2")
        found = all_of(capture)
        counted = capture.statistics()
    payloads = [bytes(Ether(frame.data)[TCP].payload) for frame in found]
    assert sum(b"SELECT 1" in payload for payload in payloads) == 1
    assert sum(b"SELECT 2" in payload for payload in payloads) == 1
    assert {frame.link_type for frame in found} == {1}
    assert all(before <= frame.time_ns <= time.time_ns() for frame in found)
    assert [frame.time_ns for frame in found] == sorted(frame.time_ns for frame in found)
    assert counted == Statistics(len(found), 0)


def test_segments_larger_than_any_frame_are_whole() -> None:
    with Server() as server, LiveCapture(["lo"], port_filter([server.port])) as capture:
        server.query(b"x" * 500_000)
        found = all_of(capture)
    assert max(frame.original_len for frame in found) > 20_000
    assert all(len(frame.data) == frame.original_len for frame in found)
    assert sum(len(frame.data) for frame in found) > 500_000


def test_what_the_filter_leaves_out_does_not_come() -> None:
    with Server() as server, LiveCapture(["lo"], port_filter([1])) as capture:  # nobody's
        server.query(b"SELECT 1")
        assert all_of(capture) == []
        assert capture.statistics() == Statistics(0, 0)


def test_an_expression_filters_as_libpcap_says() -> None:
    with Server() as server:
        chosen = expression_filter(f"tcp dst port {server.port}")
        with LiveCapture([], chosen) as capture:
            server.query(b"SELECT 1")
            found = all_of(capture)
    assert {Ether(frame.data)[TCP].dport for frame in found} == {server.port}


def test_packets_that_nobody_reads_are_counted_as_lost() -> None:
    size = 4 << 20
    with Server() as server, LiveCapture(["lo"], port_filter([server.port]), buffer=size) as capture:
        for _ in range(4):
            server.query(b"x" * 4_000_000)
        counted = capture.statistics()
        found = all_of(capture)
        assert counted.dropped > 0
        assert capture.statistics().received == len(found) + capture.statistics().dropped
        assert sum(len(frame.data) for frame in found) <= size


def test_an_interface_is_told_from_others_and_vlan_tags_stay() -> None:
    tagged = ETHERNET / Dot1Q(vlan=5) / TO_PORT
    with pair_of_interfaces() as (ours, theirs), LiveCapture([theirs], port_filter([PORT])) as capture:
        send_frames(ours, [bytes(ETHERNET / TO_PORT), bytes(tagged)])
        until_seen(capture, 2)
        found = [frame.data for frame in all_of(capture)]
    assert found == [bytes(ETHERNET / TO_PORT), bytes(tagged)]


def test_two_interfaces_are_captured_each_in_the_order_in_which_its_packets_came() -> None:
    def numbered(number: int) -> bytes:
        return bytes(ETHERNET / IP(src="10.9.0.1", dst="10.9.0.2", id=number) / TCP(dport=PORT, sport=1))

    with pair_of_interfaces() as (ours, theirs), LiveCapture(["lo", theirs], port_filter([PORT])) as capture:
        for number in range(20):
            send_frames("lo" if number % 2 else ours, [numbered(number)])
        until_seen(capture, 20)
        found = [Ether(frame.data)[IP].id for frame in all_of(capture)]
    # Between interfaces the kernel's processors decide, and the time stamps tell.
    assert sorted(found) == list(range(20))
    assert [number for number in found if number % 2] == list(range(1, 20, 2))
    assert [number for number in found if number % 2 == 0] == list(range(0, 20, 2))


def test_an_interface_that_goes_away_is_told_and_what_was_captured_is_kept() -> None:
    with pair_of_interfaces() as (ours, theirs), LiveCapture([theirs], port_filter([PORT])) as capture:
        send_frames(ours, [bytes(ETHERNET / TO_PORT)] * 3)
        until_seen(capture, 3)
        ip("link", "del", ours)
        until(lambda: capture.wait(0.01), "a block")
        assert [capture.source.advance() for _ in range(4)] == [True, True, True, False]
        until(lambda: capture.wait(0.01) or capture.failure, "a failure")
    assert capture.failure == f"{theirs}: the interface is gone."


@pytest.mark.parametrize("end", [("set", "down"), ("del",)], ids=["down", "gone"])
def test_what_was_captured_right_before_an_interface_ends_is_kept(end: tuple[str, ...]) -> None:
    with pair_of_interfaces() as (ours, theirs), LiveCapture([theirs], port_filter([PORT])) as capture:
        send_frames(ours, [bytes(ETHERNET / TO_PORT)] * 3)
        until_seen(capture, 3)
        ip("link", end[0], theirs, *end[1:])
        capture.look()  # at once, when the kernel has not yet handed over the block
        assert capture.failure is not None
        assert len(all_of(capture)) == 3
        assert not capture.wait(1)


def test_an_interface_that_goes_down_is_told() -> None:
    with pair_of_interfaces() as (_, theirs), LiveCapture([theirs], port_filter([PORT])) as capture:
        ip("link", "set", theirs, "down")
        until(lambda: capture.wait(0.01) or capture.failure, "a failure")
    assert capture.failure == f"{theirs}: the interface is down (ip link set {theirs} up)."


def test_one_of_several_interfaces_that_goes_away_is_told() -> None:
    with pair_of_interfaces() as (ours, theirs), LiveCapture(["lo", theirs], port_filter([PORT])) as capture:
        ip("link", "del", ours)
        until(lambda: capture.wait(0.05) or capture.failure, "a failure")
    assert capture.failure == f"{theirs}: the interface is gone."


@pytest.fixture
def tunnel() -> Iterator[tuple[str, int]]:
    """A tun interface, and the handle that packets to it are written to."""
    with _tunnel() as both:
        yield both


@contextmanager
def _tunnel() -> Iterator[tuple[str, int]]:
    name = f"awt{os.getpid() % 100000}"
    try:
        handle = os.open("/dev/net/tun", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no tun interfaces here: {error.strerror}")
    try:
        fcntl.ioctl(handle, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # IFF_TUN | IFF_NO_PI
        ip("link", "set", name, "up")
        yield name, handle
    finally:
        os.close(handle)


@pytest.mark.parametrize("named", [True, False])
def test_where_there_is_no_ethernet_header_packets_begin_with_ip(tunnel: tuple[str, int], named: bool) -> None:
    name, handle = tunnel
    with LiveCapture([name] if named else [], port_filter([PORT])) as capture:
        os.write(handle, bytes(TO_PORT))
        os.write(handle, bytes(IP(src="10.9.0.1", dst="10.9.0.2") / TCP(dport=80)))
        os.write(handle, bytes(TO_PORT))
        until_seen(capture, 2)
        found = [(frame.link_type, frame.data) for frame in all_of(capture)]
    assert found == [(101, bytes(TO_PORT))] * 2


def test_wrong_interfaces_are_told_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"nosuch0: no interface has this name. Known: .*lo"):
        LiveCapture(["nosuch0"], port_filter([PORT]))
    with pair_of_interfaces() as (ours, _):
        ip("link", "set", ours, "down")
        with pytest.raises(UsageError, match=rf"{ours}: the interface is down \(ip link set {ours} up\)"):
            LiveCapture([ours], port_filter([PORT]))


def test_without_the_right_to_capture_there_is_an_error_of_its_own() -> None:
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        try:
            LiveCapture(["lo"], port_filter([PORT]))
        except NoPermission as error:
            os._exit(0 if str(error) == "lo: no permission to capture" else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_after_stop_nothing_comes_any_more() -> None:
    with Server() as server, LiveCapture(["lo"], port_filter([server.port])) as capture:
        capture.stop()
        server.query(b"SELECT 1")
        assert all_of(capture) == []


def test_the_route_says_the_interface() -> None:
    assert interface_to("127.0.0.1") == "lo"
    assert interface_to("::1") == "lo"
    assert interface_to(socket.gethostbyname("localhost")) == "lo"
    assert "127.0.0.1" in find_addresses("127.0.0.1")
    with pytest.raises(UsageError, match=r"nosuch\.invalid: "):
        find_addresses("nosuch.invalid")
    assert issubclass(NoPermission, CaptureError)
