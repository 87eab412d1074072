"""Filters that the kernel runs before a packet reaches the ring: classic BPF, made here or by libpcap.

A socket that listens on all interfaces sees frames with and without an Ethernet header, so a filter is two
programs, and a few instructions in front choose by the interface's hardware type. They also leave out the
second sight of every packet on loopback. Source: the kernel's Documentation/networking/filter.rst,
linux/filter.h.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aurora_wire.errors import UsageError

SNAPLEN: Final = 262144   # more than any frame, also those that the sender's NIC has yet to cut up (TSO)
MAX_INSTRUCTIONS: Final = 4096

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, k
Program = tuple[Instruction, ...]

# Codes: class, size, mode. linux/bpf_common.h
LD_WORD, LD_HALF, LD_BYTE = 0x20, 0x28, 0x30              # A = packet[k]
LD_WORD_X, LD_HALF_X, LD_BYTE_X = 0x40, 0x48, 0x50        # A = packet[X + k]
LD_MEMORY, LDX_NUMBER, STORE = 0x60, 0x01, 0x02
ADD, ADD_X, AND, SHIFT_LEFT, TO_X, TO_A = 0x04, 0x0C, 0x54, 0x64, 0x07, 0x87
JUMP, JUMP_EQUAL, JUMP_BITS, RETURN = 0x05, 0x15, 0x45, 0x06

# What belongs to a packet and is not in it: offsets from SKF_AD_OFF.
ANCILLARY: Final = 0xFFFFF000
PACKET_TYPE, IF_INDEX, HARDWARE = ANCILLARY + 4, ANCILLARY + 8, ANCILLARY + 28

ARPHRD_ETHER, ARPHRD_LOOPBACK, PACKET_OUTGOING = 1, 772, 4
IPV4, IPV6, VLAN_TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100)
TCP, FRAGMENT, SKIPPED_HEADERS = 6, 44, (0, 43, 60)       # IPv6: hop-by-hop, routing, destination options
IPV6_HEADERS: Final = 4                                   # extension headers that are looked behind

DLT_EN10MB, DLT_RAW = 1, 12
LIBPCAP = ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so")

DROP_ALL: Final[Program] = ((RETURN, 0, 0, 0),)


@dataclass(slots=True, frozen=True)
class Filter:
    """text: as tcpdump would have it, for people and the file; the programs: by what a frame begins with."""

    text: str
    ethernet: Program
    network: Program


class _Assembler:
    """Classic BPF with labels: a conditional jump reaches 255 instructions, so each skips a far one."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self._labels: dict[str, int] = {}
        self._jumps: list[tuple[int, str]] = []

    def do(self, code: int, k: int = 0) -> None:
        self.code.append((code, 0, 0, k))

    def on(self, value: int, label: str) -> None:
        """Jump to `label` if A is `value`."""
        self.code.append((JUMP_EQUAL, 0, 1, value))
        self.go(label)

    def on_bits(self, mask: int, label: str) -> None:
        self.code.append((JUMP_BITS, 0, 1, mask))
        self.go(label)

    def unless(self, value: int, label: str) -> None:
        self.code.append((JUMP_EQUAL, 1, 0, value))
        self.go(label)

    def go(self, label: str) -> None:
        self._jumps.append((len(self.code), label))
        self.do(JUMP)

    def label(self, name: str) -> None:
        self._labels[name] = len(self.code)

    def program(self) -> Program:
        for at, label in self._jumps:
            self.code[at] = (JUMP, 0, 0, self._labels[label] - at - 1)
        return tuple(self.code)


def port_filter(ports: Sequence[int], hosts: Sequence[str] = ()) -> Filter:
    """Make a filter: TCP from or to one of the ports (none: all), of one of the hosts (IP addresses; none: all).

    IPv4 and IPv6, under up to two VLAN tags. Only the first fragment of a packet holds the ports, so the
    later fragments of all TCP packets come through.
    """
    addresses = [ipaddress.ip_address(host.partition("%")[0]) for host in hosts]
    text = "tcp"
    if ports:
        text += " and (" + " or ".join(f"port {port}" for port in ports) + ")"
    if hosts:
        text += " and (" + " or ".join(f"host {host}" for host in hosts) + ")"
    return Filter(text, _ports(ports, addresses, ethernet=True), _ports(ports, addresses, ethernet=False))


def _ports(
    ports: Sequence[int], hosts: Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address], *, ethernet: bool
) -> Program:
    out = _Assembler()
    # X: where the network header begins.
    if ethernet:
        for at in (12, 16, 20):
            out.do(LDX_NUMBER, at + 2)
            out.do(LD_HALF, at)
            out.on(IPV4, "ipv4")
            out.on(IPV6, "ipv6")
            if at == 20:
                out.go("drop")
            else:
                for tag in VLAN_TAGS:
                    out.on(tag, f"tag {at}")
                out.go("drop")
                out.label(f"tag {at}")
    else:
        out.do(LDX_NUMBER, 0)
        out.do(LD_BYTE, 0)
        out.do(AND, 0xF0)
        out.on(0x40, "ipv4")
        out.on(0x60, "ipv6")
        out.go("drop")

    out.label("ipv4")
    out.do(LD_BYTE_X, 9)
    out.unless(TCP, "drop")
    _hosts(out, [host.packed for host in hosts if host.version == 4], (12, 16), bool(hosts))
    out.do(LD_HALF_X, 6)
    out.on_bits(0x1FFF, "accept")  # a later fragment
    out.do(LD_BYTE_X, 0)
    out.do(AND, 0xF)
    out.do(SHIFT_LEFT, 2)
    out.do(ADD_X)
    out.do(TO_X)
    out.go("ports")

    out.label("ipv6")
    _hosts(out, [host.packed for host in hosts if host.version == 6], (8, 24), bool(hosts))
    out.do(LD_BYTE_X, 6)
    out.do(STORE, 0)  # the type of the next header
    _forward(out, 40)
    for number in range(IPV6_HEADERS):
        out.do(LD_MEMORY, 0)
        out.on(TCP, "ports")
        out.on(FRAGMENT, f"fragment {number}")
        for kind in SKIPPED_HEADERS:
            out.on(kind, f"header {number}")
        out.go("drop")
        out.label(f"fragment {number}")
        out.do(LD_BYTE_X, 0)
        out.do(STORE, 0)
        out.do(LD_HALF_X, 2)
        out.on_bits(0xFFF8, "later fragment")
        _forward(out, 8)
        out.go(f"next {number}")
        out.label(f"header {number}")
        out.do(LD_BYTE_X, 0)
        out.do(STORE, 0)
        out.do(LD_BYTE_X, 1)
        out.do(ADD, 1)
        out.do(SHIFT_LEFT, 3)
        out.do(ADD_X)
        out.do(TO_X)
        out.label(f"next {number}")
    out.do(LD_MEMORY, 0)
    out.on(TCP, "ports")
    out.go("drop")
    out.label("later fragment")
    out.do(LD_MEMORY, 0)
    out.on(TCP, "accept")
    out.go("drop")

    out.label("ports")  # X: where the TCP header begins
    if ports:
        for at in (0, 2):
            out.do(LD_HALF_X, at)
            for port in ports:
                out.on(port, "accept")
        out.label("drop")
        out.do(RETURN, 0)
        out.label("accept")
    else:
        out.go("accept")
        out.label("drop")
        out.do(RETURN, 0)
        out.label("accept")
    out.do(RETURN, SNAPLEN)
    return out.program()


def _forward(out: _Assembler, count: int) -> None:
    out.do(TO_A)
    out.do(ADD, count)
    out.do(TO_X)


def _hosts(out: _Assembler, addresses: list[bytes], places: tuple[int, int], wanted: bool) -> None:
    """Fall through if the source or the destination is one of the addresses."""
    if not wanted:
        return
    passed = f"host {places}"
    for number, address in enumerate(addresses):
        for place in places:
            other = f"host {number} {place} {places}"
            for at in range(0, len(address), 4):
                out.do(LD_WORD_X, place + at)
                out.unless(int.from_bytes(address[at : at + 4], "big"), other)
            out.go(passed)
            out.label(other)
    out.go("drop")
    out.label(passed)


def expression_filter(text: str) -> Filter:
    """Return a filter in tcpdump's language, compiled by libpcap. Raises UsageError with what is wrong in it."""
    library = load_libpcap()
    ethernet = compile_expression(library, text, DLT_EN10MB)
    try:
        network = compile_expression(library, text, DLT_RAW)
    except UsageError:
        network = DROP_ALL  # such as `ether host`: nothing without an Ethernet header matches
    return Filter(text, ethernet, network)


def load_libpcap() -> ctypes.CDLL:
    """Return libpcap. Raises UsageError where it is not installed."""
    for name in LIBPCAP:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise UsageError("--filter needs libpcap (apt install libpcap0.8). --port and --host do without.")


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32),
    )  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Instruction)))


def compile_expression(library: ctypes.CDLL, text: str, link_type: int) -> Program:
    """Return the program of an expression for a link type of libpcap's. Raises UsageError with what is wrong in it."""
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_geterr.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.pcap_open_dead(link_type, SNAPLEN))
    program = _Program()
    try:
        if library.pcap_compile(handle, ctypes.byref(program), text.encode(), 1, 0xFFFFFFFF) != 0:
            said = library.pcap_geterr(handle).decode("utf-8", "replace")
            raise UsageError(f"--filter: {said}")
        found = tuple((i.code, i.jt, i.jf, i.k) for i in program.instructions[: program.length])
        library.pcap_freecode(ctypes.byref(program))
        return found
    finally:
        library.pcap_close(handle)


def build_program(wanted: Filter, indexes: Sequence[int] = ()) -> Program:
    """Return the whole program for a socket: packets of these interfaces (none given: of all) that the filter takes.

    Raises UsageError where it is longer than the kernel allows.
    """
    out = _Assembler()
    if indexes:
        out.do(LD_WORD, IF_INDEX)
        for index in indexes:
            out.on(index, "wanted")
        out.do(RETURN, 0)
        out.label("wanted")
    out.do(LD_WORD, HARDWARE)
    out.on(ARPHRD_ETHER, "ethernet")
    out.unless(ARPHRD_LOOPBACK, "network")
    out.do(LD_WORD, PACKET_TYPE)
    out.unless(PACKET_OUTGOING, "ethernet")  # loopback: it comes in a second time
    out.do(RETURN, 0)
    out.label("network")
    out.code += wanted.network
    out.label("ethernet")
    out.code += wanted.ethernet
    program = out.program()
    if len(program) > MAX_INSTRUCTIONS:
        raise UsageError(f"the filter is longer than the kernel allows, {len(program):,} instructions.")
    return program


def instructions(program: Program) -> ctypes.Array[_Instruction]:
    """Return a program as the kernel and libpcap run it."""
    return (_Instruction * len(program))(*(_Instruction(*fields) for fields in program))


def attach(to: socket.socket, program: Program) -> None:
    """Attach the program: from now on the socket gets only what it takes."""
    code = instructions(program)
    chosen = _Program(len(program), ctypes.cast(code, ctypes.POINTER(_Instruction)))
    to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(chosen))


SO_ATTACH_FILTER: Final = 26
