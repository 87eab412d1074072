"""MySQL packets of a capture in the clear, taken out with dpkt: an independent and simple reader for tests.

Only what a recording on one machine needs: Ethernet or Linux cooked frames over IPv4, no loss, no reordering.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import dpkt


class Packet(NamedTuple):
    connection: int  # the client's port
    from_client: bool
    sequence: int
    payload: bytes


def packets_of(path: Path, port: int) -> list[Packet]:
    """All MySQL packets, in the order in which their last byte was captured."""
    waiting: dict[tuple[int, bool], bytes] = {}
    next_seq: dict[tuple[int, bool], int] = {}
    found: list[Packet] = []
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        link = reader.datalink()
        for _, frame in reader:
            layer = dpkt.sll.SLL(frame) if link == dpkt.pcap.DLT_LINUX_SLL else dpkt.ethernet.Ethernet(frame)
            ip = layer.data
            if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, dpkt.tcp.TCP) or not ip.data.data:
                continue
            tcp = ip.data
            if port not in (tcp.sport, tcp.dport):
                continue
            from_client = tcp.dport == port
            key = (tcp.sport if from_client else tcp.dport, from_client)
            if tcp.seq < next_seq.get(key, 0):
                continue  # a retransmission
            next_seq[key] = tcp.seq + len(tcp.data)
            held = waiting.get(key, b"") + tcp.data
            while len(held) >= 4 and len(held) >= 4 + int.from_bytes(held[:3], "little"):
                end = 4 + int.from_bytes(held[:3], "little")
                found.append(Packet(*key, held[3], held[4:end]))
                held = held[end:]
            waiting[key] = held
    return found


def truth_of(shared: Path, name: str) -> dict[str, Any]:
    """The line of the lab's TRUTH.jsonl for this capture."""
    for line in (shared / "lab" / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines():
        truth: dict[str, Any] = json.loads(line)
        if truth["file"] == name:
            return truth
    raise LookupError(name)
