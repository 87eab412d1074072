"""Why not all was decoded, with counts, and how to capture it."""

from __future__ import annotations

from collections import Counter

from aurora_wire.immutable import field, record
from aurora_wire.verdict.frame_kinds import MAX_SHOWN, MORE
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Undecoded
from aurora_wire.wire.net.skip_reasons import BEHIND_TUNNEL, OTHER_LINK, WHOLE_FRAGMENTS, WHOLE_HEADERS

CAPTURE_AGAIN = "sudo tcpdump -i any -s 0 -B 65536 -w capture.pcap 'tcp port {port}'"

CAPTURE_INSIDE = "capture behind the tunnel or bridge, where the packets are bare"
# A filter on ports passes the first fragment only, as the others have none.
FRAGMENTS_TOO = "sudo tcpdump -i any -s 0 -w capture.pcap 'tcp port {port} or (ip[6:2] & 0x1fff != 0) or ip6 proto 44'"

MAX_ROWS = MAX_SHOWN + 2  # kinds of frames; what a capture puts together counts as one
# Kind of remedy -> words and remedy.
OF_FRAMES = {
    BEHIND_TUNNEL: ("encapsulation: {}", CAPTURE_INSIDE),
    WHOLE_FRAGMENTS: ("{}", FRAGMENTS_TOO),
    WHOLE_HEADERS: ("{}", CAPTURE_AGAIN + "  (whole packets: -s 0)"),
    OTHER_LINK: ("{}", "capture on an interface with Ethernet or IP frames (any), or convert it: editcap -T"),
}

# Reason id of a connection -> words and remedy.
OF_CONNECTIONS = {
    "gap": (
        "gap: bytes are missing, or came out of order",
        CAPTURE_AGAIN + "  (and look at its count of dropped packets)",
    ),
    "truncated": ("packets cut by the snaplen", CAPTURE_AGAIN),
    "one-direction": ("one direction only", CAPTURE_AGAIN + "  (on a port that sees both directions)"),
    "mid-stream": (
        "started in mid-stream",
        CAPTURE_AGAIN + "  (then let the clients reconnect, so that their login is in it)",
    ),
    "evicted": (
        "more open connections than are followed at once", "split the capture: tcpdump -r IN -w OUT 'host ...'",
    ),
    "damaged-file": ("open where a file breaks off", "copy the file again, or read on in the next one"),
}


NO_FILES = ("live", "relay")  # formats of captures that come from an interface or a relay


@record
class Losses:
    """Collected while connections end."""

    connections: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    port: int = 3306

    def add(self, result: ConnectionResult) -> None:
        if not result.reasons:
            return  # nothing missing, nothing unknown
        client, server = result.client_coverage, result.server_coverage
        named = result.verdict == "no-session" and any(reason.id == "other-protocol" for reason in result.reasons)
        amounts = {
            "gap": client.missing + server.missing,
            "truncated": client.truncated + server.truncated,
            "unknown": 0 if named else client.unknown + server.unknown,
        }
        for name in {reason.id for reason in result.reasons} & OF_CONNECTIONS.keys():
            self.connections[name] += 1
        for name, amount in amounts.items():
            if amount:
                self.bytes[name] += amount
                if name not in OF_CONNECTIONS or not any(reason.id == name for reason in result.reasons):
                    self.connections[name] += 1


def list_undecoded(losses: Losses, captures: list[CaptureResult]) -> list[Undecoded]:
    rows: list[Undecoded] = []
    for name, (words, remedy) in OF_CONNECTIONS.items():
        if losses.connections[name]:
            rows.append(
                Undecoded(
                    words, losses.connections[name], "connections", losses.bytes[name] or None,
                    remedy.format(port=losses.port),
                )
            )
    if losses.connections["unknown"]:
        rows.append(
            Undecoded(
                "bytes of no protocol known here", losses.connections["unknown"], "connections",
                losses.bytes["unknown"], CAPTURE_AGAIN.format(port=losses.port) + "  (from before the connection)",
            )
        )
    frames: Counter[str] = Counter()
    remedies: dict[str, str] = {}
    for capture in captures:
        for name, (count, kind) in capture.hiding.items():
            frames[name] += count
            remedies[name] = kind
    named = sorted(frames, key=lambda name: (-frames[name], name))
    for name in sorted(named[:MAX_ROWS], key=lambda name: (name.startswith(MORE), name)):
        count = frames[name]
        words, remedy = OF_FRAMES[remedies[name]]
        row = Undecoded(words.format(name), count, "frames", None, remedy.format(port=losses.port))
        rows.append(row)
    others = named[MAX_ROWS:]
    if others:
        count = sum(frames[name] for name in others)
        words = f"{MORE}{len(others):,} more kinds of frames that are not decoded"
        rows.append(Undecoded(words, count, "frames", None, OF_FRAMES[OTHER_LINK][1]))
    dropped = sum(capture.dropped_packets or 0 for capture in captures)
    if dropped:
        remedy = CAPTURE_AGAIN.format(port=losses.port)
        rows.append(Undecoded("dropped by the capturing interface", dropped, "packets", None, remedy))
    for capture in captures:
        if capture.complete:
            continue
        if capture.format in NO_FILES:
            rows.append(Undecoded(f"capture that ended early: {capture.path}", 1, "captures", None, "start it again"))
        else:
            rows.append(Undecoded(f"unreadable or cut file: {capture.path}", 1, "files", None, "copy the file again"))
    return rows


def hiding_frames(captures: list[CaptureResult]) -> int:
    """Return how many frames may carry TCP and were not decoded."""
    return sum(count for capture in captures for count, _ in capture.hiding.values())


def nothing_decoded(captures: list[CaptureResult]) -> bool:
    """Return whether frames may hold MySQL, and not one frame of all captures was decoded."""
    packets = sum(capture.packets for capture in captures)
    return hiding_frames(captures) > 0 and packets == sum(sum(capture.skipped.values()) for capture in captures)
