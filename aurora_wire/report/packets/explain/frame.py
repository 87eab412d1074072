"""`packets --explain`: one frame field by field, in words for someone who has never read the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aurora_wire.analysis.packets import Packet, label_name
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.headers import explain_headers
from aurora_wire.report.packets.explain.mysql import ExplainContext, explain_packets
from aurora_wire.report.packets.explain.rows import MAX_MESSAGES, TEXT_LIMIT, Rows, plural
from aurora_wire.report.packets.explain.tls import explain_record, record_fits
from aurora_wire.report.packets.tcpdump.line import TcpdumpLines
from aurora_wire.verdict.frame_kinds import kind_name
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.identify.proxy_header import parse_proxy
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

Span = tuple[int, int, int]         # start, end (offsets in the TCP payload), label

# Labels whose bytes are not walked through, and what they mean.
WORDS: Final = {
    labels.KEEP_ALIVE: "A probe whether the other side is still there: a byte that was sent before.",
    labels.RETRANSMISSION: "Bytes that were sent before, sent again.",
    labels.DISREGARDED: "The receiver will have dropped this: wrong checksum, wrong place, or after a reset.",
    labels.UNKNOWN: "What these bytes are is not known.",
    labels.NOT_MYSQL: "Another protocol than MySQL.",
    labels.X_PROTOCOL: "Bytes of MySQL's X Protocol, of no message that is known.",
    labels.X_OPENING: "X Protocol before a login: the server's hello, capabilities, TLS asked for and agreed to.",
    labels.X_LOGIN: "X Protocol: authentication, or connection attributes. `scan` says what it gives to who reads it.",
    labels.X_STATEMENT: "X Protocol: a message of the client. `scan` shows it as a statement.",
    labels.X_RESULT: "X Protocol: what the server answers; definitions, rows, notices, errors.",
    labels.MALFORMED: "Too short for the headers that it announces.",
}
NO_BYTES: Final = (labels.TCP_CONTROL, labels.NOT_TCP, labels.IP_FRAGMENT)


def explain(
    frame: bytes, link_type: int, spans: list[Span], from_client: bool | None, capabilities: int | None,
    codec: str = "utf-8", packets: Sequence[Packet] = (),
) -> list[str]:
    """Return the lines that explain a frame. Never raises on any bytes; text from the wire is escaped.

    spans: what the engine found each part of the payload to be (for a frame with a label and no spans: one
    over the whole payload); capabilities: those that both sides have, where known; codec: of the connection's
    character set. packets: what the engine found each MySQL packet to be in its place: nothing is guessed here.
    """
    tcpdump = TcpdumpLines()
    tcpdump.header_line(frame, link_type, None, len(frame))
    rows = Rows(frame, tcpdump.dump_at)
    found = Locator(Fragments())
    reason = found.locate(frame, 0, len(frame), len(frame), link_type)
    if reason != TCP or found.buffer is not frame:
        what = "a fragment" if reason == TCP else kind_name(reason, found.reason_detail)
        rows.title(f"No TCP segment: {what}. There is nothing here to explain.")
        return rows.lines
    rows.title(f"A frame of {plural(len(frame), 'byte')}. Offsets are those of the -X dump.")
    explain_headers(rows, frame, link_type, found)
    talk = ExplainContext(from_client=from_client, agreed=-1 if capabilities is None else capabilities, codec=codec)
    _explain_payload(rows, found, spans, talk, packets)
    return rows.lines


def _explain_payload(
    rows: Rows, found: Locator, spans: list[Span], talk: ExplainContext, packets: Sequence[Packet]
) -> None:
    if found.payload_len == 0:
        rows.title("No payload: this segment only manages the connection.")
        return
    start, end = found.payload_at, found.captured_end
    at = start
    for run_start, run_end, label, marks in _runs(spans):
        low, high = max(at, start + run_start), min(start + run_end, end)
        if low >= high:
            continue
        if at < low:
            _explain_other(rows, at, low, labels.UNKNOWN)
        known = [one for one in packets if start + one.start < high and start + one.end > low]
        _explain_run(rows, low, high, label, talk, [start + mark for mark in marks], known, start)
        at = high
    if at < end:
        _explain_other(rows, at, end, spans[0][2] if len(spans) == 1 else labels.UNKNOWN)
    missing = start + found.payload_len - end
    if missing > 0:
        rows.title(f"{plural(missing, 'byte')} of the payload were not captured (the snaplen cut them).")


def _runs(spans: list[Span]) -> list[tuple[int, int, int, list[int]]]:
    """Join spans that touch and have the same label: (start, end, label, where its spans begin)."""
    runs: list[tuple[int, int, int, list[int]]] = []
    for start, end, label in sorted(spans):
        if runs and runs[-1][1] == start and runs[-1][2] == label:
            runs[-1] = (runs[-1][0], end, label, [*runs[-1][3], start])
        else:
            runs.append((start, end, label, [start]))
    return runs


def _explain_run(
    rows: Rows, at: int, end: int, label: int, talk: ExplainContext, marks: list[int], known: Sequence[Packet],
    base: int,
) -> None:
    if labels.TLS_HANDSHAKE <= label <= labels.TLS_HEARTBEAT:
        _explain_records(rows, at, end, label, talk, marks)
    elif label == labels.PROXY_HEADER:
        _explain_proxy(rows, at, end)
    elif label in WORDS or label in NO_BYTES or labels.is_registered(label):
        _explain_other(rows, at, end, label)
    else:
        explain_packets(rows, at, end, label, talk, known, base)


def _explain_records(rows: Rows, at: int, end: int, label: int, talk: ExplainContext, marks: list[int]) -> None:
    count = 0
    while at < end:
        count += 1
        if count > MAX_MESSAGES:
            rows.title(f"{plural(end - at, 'byte')} more of the same")
            return
        if record_fits(rows.data, at, end):
            at = explain_record(rows, at, end, talk.who())
        else:
            stop = min((mark for mark in marks if at < mark < end), default=end)
            rows.title(f"{label_name(label)} ({talk.who()}), {plural(stop - at, 'byte')} of it")
            rows.field(at, stop, "a record that began in an earlier frame goes on")
            at = stop


def _explain_other(rows: Rows, at: int, end: int, label: int) -> None:
    rows.title(f"{label_name(label)[0].upper()}{label_name(label)[1:]}, {plural(end - at, 'byte')}")
    rows.note(WORDS.get(label, WORDS[labels.UNKNOWN]))
    rows.field(at, end, show_bytes(rows.data[at:end], limit=TEXT_LIMIT))


def _explain_proxy(rows: Rows, at: int, end: int) -> None:
    header = parse_proxy(rows.data, at, end)
    rows.title(f"PROXY protocol header, {plural(end - at, 'byte')}")
    rows.note("A proxy in front of the server says for whom it connects.")
    if header is None:
        rows.field(at, end, "a part of the header")
        return
    rows.field(at, end, f"version {header.version}, {header.family}")
    if header.source:
        rows.more(f"from {_place(header.source, header.source_port)}")
        rows.more(f"to {_place(header.destination, header.destination_port)}")
    if header.unique_id:
        rows.more(f"unique id {show_bytes(header.unique_id)}")
    if header.endpoint:
        rows.more(f"by the private endpoint {show_bytes(header.endpoint.encode())}")
    if header.authority:
        rows.more(f"the client asked for {show_bytes(header.authority.encode())}")
    if header.tls:
        words = show_bytes(f"{header.tls_version} {header.tls_cipher}".strip().encode())
        rows.more(f"the client's leg, in front of the proxy, was TLS {words}".rstrip())


def _place(address: str, port: int) -> str:
    shown = show_bytes(address.encode("utf-8", "surrogateescape"))
    return shown if port < 0 else f"{shown} port {port}"
