"""What a script with scapy does: walk over the capture and print each COM_QUERY that begins a segment."""

import sys

from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6  # noqa: F401 - loaded to be dissected
from scapy.layers.l2 import Ether  # noqa: F401
from scapy.utils import PcapReader

COM_QUERY = 3


def main() -> int:
    with PcapReader(sys.argv[1]) as packets:
        for packet in packets:
            if TCP not in packet or packet[TCP].dport != 3306:
                continue
            payload = bytes(packet[TCP].payload)
            if len(payload) > 5 and payload[4] == COM_QUERY:
                sys.stdout.write(repr(payload[5:]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
