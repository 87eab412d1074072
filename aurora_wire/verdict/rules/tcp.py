"""AW4xx: what TCP showed that could deceive a receiver, or an analyzer."""

from typing import Final

from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.wire.decoding import anomalies

CONFLICTING_RETRANSMISSION: Final = "AW401"
LATE_RETRANSMISSION: Final = "AW402"
WRONG_CHECKSUM: Final = "AW403"
OUTSIDE_WINDOW: Final = "AW404"
DATA_AFTER_RESET: Final = "AW405"
PROBES: Final = "AW406"
BYTES_SET_ASIDE: Final = "AW407"

WIRE: Final = (
    Rule(
        CONFLICTING_RETRANSMISSION, "Conflicting retransmission of bytes not yet acknowledged", "high",
        "Two segments carried different bytes for the same place, and nothing says which of them the "
        "receiver took. This is how content is hidden from whoever watches, or put into a stream from "
        "outside.",
        "Capture at both ends and compare:\n"
        "  sudo tcpdump -i any -s 0 -w FILE 'tcp port 3306'\n"
        "If it is no attack, a middle box rewrites packets: take it out of the path.",
        ('RFC 9293, section 3.10.7.4',
         'Ptacek and Newsham, "Insertion, Evasion, and Denial of Service", 1998'),
    ),
    Rule(
        LATE_RETRANSMISSION, "Retransmission with other bytes after they were acknowledged", "low",
        "Bytes that the receiver had acknowledged were sent again with another content. The receiver keeps "
        "the first ones, but no sound sender does this.",
        "Compare captures from both ends; look for a middle box that rewrites packets.",
        ('RFC 9293, section 3.10.7.4',),
    ),
    Rule(
        WRONG_CHECKSUM, "Wrong TCP checksum", "low",
        "The receiver drops such a segment, so its bytes prove nothing. On the sending host itself it is "
        "harmless: the network card fills in the checksum after the capture.",
        "Capture on the other host or on a mirror port, or turn the offload off for the capture (and "
        "on again after it):\n"
        "  sudo ethtool -K IFACE tx off",
        ('RFC 9293, section 3.1, "Header Format"',),
    ),
    Rule(
        OUTSIDE_WINDOW, "Segment outside the window", "low",
        "A segment far from the bytes that were expected: the receiver drops it. It may be a stray one of an "
        "older connection, or an attempt to deceive whoever watches.",
        "Look at the frame: a TTL and MAC unlike those of its neighbours mean that another machine sent it.\n"
        "  aurora-wire packets --frame N -X CAPTURE",
        ('RFC 9293, section 3.10.7.4',),
    ),
    Rule(
        DATA_AFTER_RESET, "Data after a reset", "low",
        "Bytes crossed after RST had ended the connection: the receiver drops them, so they prove nothing. "
        "A forged RST makes an analyzer look away.",
        "Compare captures from both ends to see whether the RST and the data came from the two hosts.",
        ('RFC 9293, section 3.5.3, "Reset Processing"',),
    ),
    Rule(
        PROBES, "Keep-alive or window probes", "info",
        "A byte was sent again to see whether the other side is still there, or has room again. Harmless.",
        "Nothing to fix. Many window probes mean that a client reads its results too slowly.",
        ('RFC 9293, section 3.8.4, "TCP Keep-Alives"', 'RFC 9293, section 3.8.6.1, "Zero-Window Probing"'),
    ),
    Rule(
        BYTES_SET_ASIDE, "Bytes that are in no stream", "medium",
        "They were captured and belong to none of the sequence numbers that the two sides agreed on, or another "
        "copy of the same place was taken for them. Nothing shows that they are harmless, so nothing about this "
        "connection is proven.",
        "Look at the first frame that the finding names, and capture at both ends:\n"
        "  aurora-wire packets --frame N -X CAPTURE\n"
        "  sudo tcpdump -i any -s 0 -w FILE 'tcp port 3306'",
        ('RFC 9293, section 3.10.7.4',
         'Ptacek and Newsham, "Insertion, Evasion, and Denial of Service", 1998'),
    ),
)

# Anomalies that are hits by themselves: rule and words ({amount} bytes, {count} times, {side}).
ANOMALIES: Final[dict[int, tuple[str, str]]] = {
    anomalies.CONFLICT: (CONFLICTING_RETRANSMISSION, "{count} segments of the {side} carry other bytes for a place"),
    anomalies.CONFLICT_ACKED: (LATE_RETRANSMISSION, "{count} segments of the {side}"),
    anomalies.BAD_CHECKSUM: (WRONG_CHECKSUM, "{count} segments of the {side} were left out"),
    anomalies.MIXED_CHECKSUM: (WRONG_CHECKSUM, "{amount} segments of the {side} came before the first right one"),
    anomalies.SET_ASIDE: (BYTES_SET_ASIDE, "{amount} bytes of the {side}"),
    anomalies.OUT_OF_WINDOW: (OUTSIDE_WINDOW, "{count} segments of the {side} were left out"),
    anomalies.AFTER_RST: (DATA_AFTER_RESET, "{count} segments of the {side} were left out"),
    anomalies.KEEP_ALIVE: (PROBES, "{count} probes of the {side}"),
}
