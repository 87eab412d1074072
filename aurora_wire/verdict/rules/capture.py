"""AW5xx: what the capture lacks. These weaken every verdict that they touch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.shared_words import CAME_ASIDE, UNBELIEVABLE
from aurora_wire.wire.decoding import anomalies

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.wire.flows.facts import Facts

BYTES_MISSING: Final = "AW501"
PACKETS_TRUNCATED: Final = "AW502"
PACKETS_DROPPED: Final = "AW503"
MID_STREAM: Final = "AW504"
ONE_DIRECTION: Final = "AW505"
FILE_DAMAGED: Final = "AW506"
BOUND_REACHED: Final = "AW507"

TCPDUMP: Final = "  sudo tcpdump -i any -s 0 -B 65536 -w FILE 'tcp port 3306 or tcp port 33060'"

CAPTURE: Final = (
    Rule(
        BYTES_MISSING, "Capture incomplete: bytes are missing", "medium",
        "Bytes that one side acknowledged are not in the capture, or not in an order in which they can be put "
        "together: what they were cannot be known, so the connection cannot be proven encrypted.",
        f"Capture again, on the host itself and with a larger buffer (-B, in KiB):\n{TCPDUMP}\n"
        "Where several taps or files were merged into one, give the files as they were to one scan: their clocks are "
        "then held against each other.\n"
        "  aurora-wire scan TAP1.pcap TAP2.pcap",
        ('tcpdump manual, options -B and -w',),
    ),
    Rule(
        PACKETS_TRUNCATED, "Packets cut by the snaplen", "medium",
        "The capture kept only the beginning of packets: what was in the rest cannot be known.",
        f"Capture whole packets (-s 0; on AWS Traffic Mirroring leave the packet length empty):\n{TCPDUMP}",
        ('tcpdump manual, option -s',),
    ),
    Rule(
        PACKETS_DROPPED, "Interface dropped packets", "medium",
        "The capturing host counted packets that it could not keep: connections may have been missed as a "
        "whole.",
        f"Capture again with a larger buffer (-B, in KiB) and a narrow filter:\n{TCPDUMP}",
        ('draft-ietf-opsawg-pcapng, "Interface Statistics Block"', 'tcpdump manual, option -B'),
    ),
    Rule(
        MID_STREAM, "Started in mid-stream", "low",
        "The beginning of the connection is not in the capture: whether TLS was negotiated there cannot be "
        "seen, so the verdict is at best likely.",
        "Start the capture, then make the clients reconnect: restart the application, empty its "
        "pool, or end its connections on the server:\n"
        "  KILL CONNECTION id;",
        ('MySQL Server source documentation, "Connection Phase"',
         'MySQL 8.4 Reference Manual, "KILL Statement"'),
    ),
    Rule(
        ONE_DIRECTION, "One direction only", "medium",
        "Only one side of the connection is in what was given to this scan: half of it cannot be judged.",
        "If the other direction is in another file, give both to one scan: they are read as one, also where the clocks "
        "of the two taps are apart.\n"
        "  aurora-wire scan TO-SERVER.pcap TO-CLIENT.pcap\n"
        f"Else capture on one of the two hosts:\n{TCPDUMP}\n"
        "On a mirror port, mirror both directions; with two paths between the hosts, capture on both.",
        ('tcpdump manual, option -i',),
    ),
    Rule(
        FILE_DAMAGED, "File damaged or cut", "medium",
        "The file breaks off or is damaged: what came after that place was not judged.",
        "Copy the file again and compare its size and SHA-256 with the original's; end tcpdump with Ctrl-C "
        "or kill -INT and not with kill -9, or give it -U.",
        ('tcpdump manual, option -U',),
    ),
    Rule(
        BOUND_REACHED, "A bound was reached", "low",
        "More connections, bytes out of order or statements than are held at a time: some were let go, and "
        "are counted and never called proven.",
        "Cut the capture into parts and scan them one by one:\n"
        "  tcpdump -r FILE -w PART 'host 10.0.0.5'\n"
        "  editcap -i 600 FILE PART",
        ('tcpdump manual, option -r',),
    ),
)

# Anomalies that are hits by themselves: rule and words ({amount} bytes, {count} times, {side}).
ANOMALIES: Final[dict[int, tuple[str, str]]] = {
    anomalies.TRUNCATED: (PACKETS_TRUNCATED, "{amount} bytes of the {side} were cut off, in {count} packets"),
    anomalies.EVICTED: (BOUND_REACHED, "too many open connections: this one was given up before its end"),
    anomalies.BOUND: (BOUND_REACHED, "{count} times, of the {side}"),
    anomalies.DAMAGED_FILE: (FILE_DAMAGED, "the connection was open where the file breaks off"),
}


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield the gaps of each direction."""
    for note in facts.anomalies:
        if note.kind != anomalies.GAP:
            continue
        side = "client" if note.from_client else "server"
        where = f"in {note.count:,} places" if note.count > 1 else "in one place"
        coverage = result.client_coverage if note.from_client else result.server_coverage
        detail = f"{note.amount:,} bytes of the {side} are missing, {where}"
        if coverage.at_least:
            detail = f"bytes of the {side} are missing, {where}, how many cannot be told: {UNBELIEVABLE}"
        reason = next((one for one in result.reasons if (one.id, one.direction) == ("gap", side)), None)
        if reason is not None and reason.text.endswith(CAME_ASIDE):
            detail += f"; {CAME_ASIDE}"
        yield Hit(BYTES_MISSING, detail, note.frame, note.offset)


def check_beginning(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:  # noqa: ARG001 - as all checks
    """Yield what the capture lacks as a whole: the connection's beginning, or one direction."""
    ids = {reason.id: reason for reason in result.reasons}
    if "mid-stream" in ids:
        yield Hit(MID_STREAM, ids["mid-stream"].text, result.first_frame)
    if "one-direction" in ids:
        yield Hit(ONE_DIRECTION, ids["one-direction"].text, result.first_frame)
