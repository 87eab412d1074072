"""Rebuilds the four pcap files from the dumps beside them: `python captures/rebuild.py`.

The dumps are what was published: bytes from the IP header on, and a time of day without a date. So the pcap
files have link type RAW, and their times are that time of day on 1970-01-01 UTC.
"""

import re
import sys
from pathlib import Path
from struct import pack

HERE = Path(__file__).parent
LINKTYPE_RAW = 101
HEX_LINE = re.compile(r"\t0x[0-9a-f]{4}: {2}((?:[0-9a-f]{2,4} ?){1,8})")


def pcap_of(dump: str) -> bytes:
    """A capture of the one frame in `dump`, which is what `tcpdump -nn -X` prints."""
    head, *lines = dump.splitlines()
    hours, minutes, seconds, micros = map(int, re.split("[:.]", head.split()[0]))
    digits = [match[1] for match in map(HEX_LINE.match, lines) if match]
    frame = bytes.fromhex("".join(digits))
    record = pack("<IIII", (hours * 60 + minutes) * 60 + seconds, micros, len(frame), len(frame))
    return pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, LINKTYPE_RAW) + record + frame


def main() -> int:
    for dump in sorted(HERE.glob("article-*.txt")):
        dump.with_suffix(".pcap").write_bytes(pcap_of(dump.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
