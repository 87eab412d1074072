"""The streams of whole captures, put in order by dpkt and a dictionary: no gaps looked for."""

from __future__ import annotations

from pathlib import Path

import dpkt


def streams(path: Path) -> list[bytes]:
    """Each direction's bytes in order, of whole captures (no gaps looked for), the first to send first."""
    found: dict[tuple[bytes, int, bytes, int], tuple[int, dict[int, bytes]]] = {}
    with path.open("rb") as file:
        reader = dpkt.pcapng.Reader(file) if path.suffix == ".pcapng" else dpkt.pcap.Reader(file)
        for _, frame in reader:
            link = {1: dpkt.ethernet.Ethernet, 113: dpkt.sll.SLL, 276: dpkt.sll2.SLL2}[reader.datalink()]
            ip = link(frame).data
            tcp = ip.data
            if not isinstance(tcp, dpkt.tcp.TCP):
                continue
            key = (ip.src, tcp.sport, ip.dst, tcp.dport)
            if tcp.flags & dpkt.tcp.TH_SYN:
                found[key] = ((tcp.seq + 1) & 0xFFFFFFFF, {})
            elif key in found:
                first, parts = found[key]
                size = ip.len - ip.hl * 4 - tcp.off * 4 if isinstance(ip, dpkt.ip.IP) else len(tcp.data)
                at = (tcp.seq - first) & 0xFFFFFFFF
                parts[at] = max(parts.get(at, b""), tcp.data[:size], key=len)
    whole: list[bytes] = []
    for _, parts in found.values():
        stream = b""
        for at, part in sorted(parts.items()):
            if at <= len(stream) < at + len(part):
                stream += part[len(stream) - at :]
        whole.append(stream)
    return whole
