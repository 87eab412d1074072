"""What a script with dpkt does: walk over the capture and print each COM_QUERY that begins a segment."""

import sys
from pathlib import Path

import dpkt  # type: ignore[import-untyped]

COM_QUERY = 3


def main() -> int:
    with Path(sys.argv[1]).open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(packet.data, dpkt.tcp.TCP):
                continue
            segment = packet.data
            if segment.dport == 3306 and len(segment.data) > 5 and segment.data[4] == COM_QUERY:
                sys.stdout.write(repr(segment.data[5:]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
