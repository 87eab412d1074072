"""The verdict of the whole: many connections, what was not seen of them, and one closing sentence."""

from __future__ import annotations

from collections import Counter

from aurora_wire.immutable import field, record
from aurora_wire.verdict.named_ports import named_by_port
from aurora_wire.verdict.result import CaptureResult, Confidence, ConnectionResult, Coverage, Verdict
from aurora_wire.verdict.undecoded import hiding_frames, nothing_decoded

EXIT_CODES: dict[str, int] = {
    "encrypted": 0, "plaintext": 1, "mixed": 1, "inconclusive": 3, "no-session": 3, "not-mysql": 3,
}  # fmt: skip


MAX_PORTS = 64      # of TLS that may be anybody's, counted apart
PORTS_SHOWN = 3
HTTPS = 443


@record
class Tally:
    """Counts over all connections, kept or not."""

    by_verdict: Counter[str] = field(default_factory=Counter)
    not_mysql: Counter[str] = field(default_factory=Counter)
    confidences: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    tls_ports: Counter[int] = field(default_factory=Counter)    # TLS that may be anybody's: by the server's port
    seen: int = 0           # bytes of MySQL connections
    decoded: int = 0
    missing: int = 0        # bytes that a sequence number tells of and that were not captured
    truncated: int = 0
    gaps: int = 0           # connections with missing bytes
    at_least: bool = False  # more are missing, and nobody can tell how many

    def add_other(self, name: str, port: int) -> None:
        """Count a connection of another protocol, by its name; of TLS, the server's port too."""
        self.not_mysql[named_by_port(name, port)] += 1
        if name == "TLS" and (port in self.tls_ports or len(self.tls_ports) < MAX_PORTS):
            self.tls_ports[port] += 1

    def add(self, result: ConnectionResult) -> None:
        self.by_verdict[result.verdict] += 1
        self.confidences[result.verdict, result.confidence] += 1
        for side in (result.client_coverage, result.server_coverage):
            self._bytes(side)
        if result.client_coverage.missing or result.server_coverage.missing:
            self.gaps += 1

    def _bytes(self, side: Coverage) -> None:
        self.seen += side.seen
        self.decoded += side.seen - side.unknown
        self.missing += side.missing
        self.at_least = self.at_least or side.at_least
        self.truncated += side.truncated


def compute_verdict(tally: Tally, captures: list[CaptureResult]) -> tuple[Verdict, Confidence | None]:
    """Return the verdict of the whole and how sure it is.

    Source: docs/verdict.md, "The whole", and "Frames that could not be decoded": they belong to no connection, and
    may hold one.
    """
    count = tally.by_verdict
    verdict: Verdict
    if count["mixed"] or (count["plaintext"] and count["encrypted"]):
        verdict = "mixed"
    elif count["plaintext"]:
        verdict = "plaintext"
    elif count["inconclusive"]:
        return "inconclusive", None
    elif count["encrypted"]:
        weaker = tally.confidences["encrypted", "likely"] or hiding_frames(captures)
        return "encrypted", "likely" if weaker else "proven"
    elif nothing_decoded(captures):
        return "inconclusive", None
    elif count["no-session"]:
        return "no-session", "proven"
    else:
        return "not-mysql", None
    proven = tally.confidences["plaintext", "proven"] + tally.confidences["mixed", "proven"]
    return verdict, "proven" if proven else "likely"


def compute_exit_code(verdict: Verdict, captures: list[CaptureResult]) -> int:
    code = EXIT_CODES[verdict]
    if code == 0 and (hiding_frames(captures) or not all(capture.complete for capture in captures)):
        return 3
    return code


def compose_closing(tally: Tally, verdict: Verdict, captures: list[CaptureResult]) -> str:
    """Return the closing sentence: what was found, and a bound on what was not seen."""
    total = sum(tally.by_verdict.values())
    hiding = hiding_frames(captures)
    unseen = f"{_count(hiding, 'packet')} that may hold MySQL {'was' if hiding == 1 else 'were'} not decoded"
    if not total and verdict == "inconclusive":
        return f"Nothing could be decoded: {unseen}."
    if verdict == "not-mysql":
        others = sum(tally.not_mysql.values())
        packets = sum(capture.packets for capture in captures)
        if not packets:
            return (
                "There are no packets to judge. Was it the right interface, did the filter let the database's port "
                "through, and was there traffic meanwhile?"
            )
        if hiding:
            seen = packets - hiding
            return f"No MySQL in {_count(seen, 'packet')}; {_count(others, 'connection')} of other protocols; {unseen}."
        said = f"No MySQL in {_count(packets, 'packet')}; {_count(others, 'connection')} of other protocols."
        return said + _tls_elsewhere(tally)
    clear = tally.by_verdict["plaintext"] + tally.by_verdict["mixed"]
    parts = [f"{clear:,} of {_count(total, 'MySQL connection')} in the clear"]
    encrypted = tally.by_verdict["encrypted"]
    if encrypted:
        proven = tally.confidences["encrypted", "proven"]
        parts.append(f"{encrypted:,} encrypted ({proven:,} proven)")
    for name, words in (("inconclusive", "undecided"), ("no-session", "without a session")):
        if tally.by_verdict[name]:
            parts.append(f"{tally.by_verdict[name]:,} {words}")
    if tally.seen:
        parts.append(f"{_percent(tally.decoded, tally.seen)} of {_count(tally.seen, 'byte')} decoded")
    unobserved = tally.missing + tally.truncated
    if unobserved:
        least = "at least " if tally.at_least else ""
        parts.append(
            f"{least}{_count(unobserved, 'byte')} unobserved ({tally.missing:,} missing or out of order, "
            f"{tally.truncated:,} cut off)"
        )
    elif not hiding:
        parts.append("no byte known to be missing")
    if hiding:
        parts.append(unseen)
    dropped = sum(capture.dropped_packets or 0 for capture in captures)
    if dropped:
        parts.append(f"the interface dropped {_count(dropped, 'packet')}, so connections may have been missed")
    broken = sum(not capture.complete for capture in captures)
    if broken:
        parts.append(f"{_count(broken, 'input')} not read to the end")
    return "; ".join(parts) + "."


def _tls_elsewhere(tally: Tally) -> str:
    """Return how to have TLS on other ports judged: whose it is cannot be seen from outside."""
    ports = [(port, count) for port, count in tally.tls_ports.most_common() if port != HTTPS][:PORTS_SHOWN]
    words = [
        f" {_count(count, 'TLS connection')} to :{port}; if that is MySQL's, --port +{port}." for port, count in ports
    ]
    return "".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _percent(part: int, whole: int) -> str:
    """Rounded down: 100% only where it is all."""
    tenths = part * 1000 // whole
    return "100%" if part == whole else f"{tenths // 10}.{tenths % 10}%"
