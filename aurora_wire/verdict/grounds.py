"""From a connection's facts to the evidence that a verdict rests on.

Each numbered condition of the contract has a function here that gives the reasons why it is not met.
"""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.verdict.handshake import handshake_doubts, place, suite_doubts
from aurora_wire.verdict.judge import Grounds
from aurora_wire.verdict.plausible import most_missing
from aurora_wire.verdict.protocols import before_tls, leaks_of_session, session_began
from aurora_wire.verdict.result import Direction, Reason
from aurora_wire.verdict.shared_words import CAME_ASIDE, UNBELIEVABLE, grouped
from aurora_wire.wire.decoding import anomalies, connection_log
from aurora_wire.wire.decoding.anomalies import Anomaly
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.facts import START_SYN, Facts
from aurora_wire.wire.tls.facts import TLSFacts
from aurora_wire.wire.tls.names import TLS_1_3

PROTOCOLS = {
    connection_log.UNKNOWN: "unknown",
    connection_log.MYSQL: "mysql",
    connection_log.TLS_ONLY: "tls",
    connection_log.DECODED: "mysql",
    connection_log.OTHER: "other",
}

# Notes that take `encrypted` down to `likely`: reason id and words. {amount} is in bytes, {side} "client" or "server".
DOUBTS: dict[int, tuple[str, str]] = {
    anomalies.TRUNCATED: ("truncated", "{amount} bytes from the {side} were cut off by the snaplen"),
    anomalies.CONFLICT: ("conflict", "two segments of the {side} carry different bytes for the same place"),
    anomalies.OVERLAP_UNCHECKED: (
        "overlap-unchecked",
        "a retransmission of the {side} could not be compared with what it repeats",
    ),
    anomalies.MIXED_CHECKSUM: (
        "bad-checksum",
        "{amount} segments of the {side} with a wrong TCP checksum came before the first with a right one",
    ),
    anomalies.CONFLICT_ACKED: (
        "conflict", "two segments of the {side} carry different bytes for the same place, the first acknowledged",
    ),
    anomalies.SET_ASIDE: (
        "set-aside", "{amount} bytes of the {side} are in no stream, and are not known to be harmless",
    ),
    anomalies.EVICTED: ("evicted", "too many connections were open: this one was given up before its end"),
    anomalies.DAMAGED_FILE: ("damaged-file", "the capture file breaks off while the connection was open"),
    anomalies.BOUND: ("bound", "a bound of the analyzer was reached"),
    anomalies.BAD_RECORD: ("bad-record", "bytes from the {side} that are no well-formed TLS record"),
    anomalies.WRONG_VERSION: ("bad-record", "a TLS record of the {side} with another version than the connection's"),
    anomalies.UNEXPECTED_RECORD: ("bad-record", "a TLS record of the {side} of a type that cannot come here"),
    anomalies.READABLE_RECORD: (
        "readable-record", "a TLS record of the {side} holds readable text: ciphertext does not read",
    ),
    anomalies.SKEWED_RECORD: (
        "readable-record", "bytes of TLS records of the {side} are not spread as those of ciphertext are",
    ),
    anomalies.LOST_FRAMING: ("unknown-bytes", "packets of the {side} that do not fit together"),
}

# Segments that were left out, since their receiver would have dropped them.
REMARKS: dict[int, tuple[str, str]] = {
    anomalies.BAD_CHECKSUM: ("bad-checksum", "segments of the {side} with a wrong TCP checksum were left out"),
    anomalies.OUT_OF_WINDOW: ("out-of-window", "segments of the {side} outside the window were left out"),
    anomalies.AFTER_RST: ("after-rst", "segments of the {side} after the reset were left out"),
}


def collect_grounds(connection: Connection) -> Grounds:
    facts = connection.facts
    seen = Grounds(PROTOCOLS[facts.kind])
    if seen.protocol == "other":
        return seen
    tls = facts.tls
    seen.tls_data = tls is not None and has_data(facts, tls)
    seen.leaks = list(find_leaks(facts, tls, seen.tls_data))
    session = facts.decoded
    seen.leak_is_proven = (
        facts.readable
        or (facts.greeting is not None and (facts.commands > 0 or facts.responses > 0))
        or (session is not None and session.certain)
    )
    if tls is not None and seen.tls_data:
        protection = list(suite_doubts(tls))
        seen.doubts += protection
        if any(reason.id == "suite-null" for reason in protection):
            # Readable by who holds the wire: no different from no TLS.
            seen.tls_data = False
            seen.leaks += [reason for reason in protection if reason.id == "suite-null"]
            seen.doubts = [reason for reason in protection if reason.id != "suite-null"]
        seen.protects = not any(reason.id == "suite-anonymous" for reason in protection)
        if not seen.leaks:
            seen.doubts += first_bytes_doubts(facts, tls)
            seen.doubts += handshake_doubts(facts, tls)
            seen.doubts += decryption_doubts(facts)
    seen.doubts += stranger_reasons(facts)
    if facts.anomalies:
        seen.doubts += gap_reasons(connection)
        seen.doubts += note_reasons(facts, DOUBTS)
        seen.remarks = list(note_reasons(facts, REMARKS))
    seen.doubts += direction_doubts(connection)
    client, server = facts.client, facts.server
    unknown = client.unknown + server.unknown - facts.stranger_bytes
    seen.unseen = unknown + client.missing + server.missing + client.truncated + server.truncated
    if unknown and not any(reason.id in ("unknown-bytes", "bad-record") for reason in seen.doubts):
        for side in (client, server):
            if side.unknown > (facts.stranger_bytes if side is client else 0):
                words_for = f"{side.unknown:,} bytes of the {_name(side)} could not be decoded"
                frame, offset = place(side.unknown_frame), place(side.unknown_offset)
                seen.doubts.append(Reason("unknown-bytes", words_for, frame, _name(side), offset))
    return seen


def has_data(facts: Facts, tls: TLSFacts) -> bool:
    """Return whether TLS records crossed that carry data of a session, not only a handshake and alerts."""
    if tls.client.data_records:
        return True
    hello = tls.server_hello
    if hello is None or hello.version < TLS_1_3:
        return tls.server.data_records > 0
    # In TLS 1.3 the server's handshake looks like data: it is a session only if the client was not captured at all.
    return facts.client.tls == 0 and tls.server.data_records > 4


def has_plaintext(facts: Facts) -> bool:
    """Return whether bytes that need protection crossed outside TLS, in either direction."""
    return facts.client.plaintext + facts.server.plaintext > 0


def find_leaks(facts: Facts, tls: TLSFacts | None, tls_data: bool) -> Iterator[Reason]:
    """Yield what needs protection and crossed outside TLS."""
    side: Direction
    session = facts.decoded
    told = session is not None and session.leaks > 0
    if told:
        yield from leaks_of_session(facts)
    if facts.login_frame >= 0:
        yield Reason("login-in-clear", "a login in the clear", facts.login_frame, "client", facts.login_offset)
    if facts.command_frame >= 0:
        text = f"{grouped(facts.commands)} commands in the clear" if facts.commands > 1 else "a command in the clear"
        yield Reason("commands-in-clear", text, facts.command_frame, "client", facts.command_offset)
    if facts.responses and facts.response_frame >= 0:
        if facts.login_frame < 0 and facts.command_frame < 0:
            yield Reason(
                "responses-only", "responses of a server in the clear, without what they answer",
                facts.response_frame, "server", facts.response_offset,
            )  # fmt: skip
        else:
            yield Reason(
                "responses-in-clear", "responses in the clear", facts.response_frame, "server", facts.response_offset
            )
    elif facts.login_frame < 0 and facts.command_frame < 0 and not told and has_plaintext(facts):
        side = "client" if facts.client.plaintext else "server"
        yield Reason("fragment", "a fragment of MySQL packets in the clear", None, side, None)
    for from_client in (True, False):
        note = facts.find_anomaly(anomalies.READABLE_UNKNOWN, from_client)
        if note is None and tls is None and facts.ssl_request_frame < 0:
            note = facts.find_anomaly(anomalies.READABLE_BEHIND_GAP, from_client)
        if note is not None and facts.kind != connection_log.UNKNOWN and not (from_client and facts.stranger):
            side = _name_direction(note)
            words_for = f"readable text of the {side} outside TLS, of no known framing"
            yield Reason("fragment", words_for, place(note.frame), side, place(note.offset))
    if facts.dropped_leak_frame >= 0:
        yield Reason(
            "fragment",
            "MySQL in the clear, in bytes that a receiver would have dropped or that others took the place of",
            facts.dropped_leak_frame, "client", None,
        )  # fmt: skip
    if tls is None:
        return
    if facts.after_tls_frame >= 0 and facts.client.plaintext + facts.server.plaintext:
        yield Reason("plaintext-after-tls", "MySQL in the clear after TLS had begun", facts.after_tls_frame)
    for from_client in (True, False):
        note = facts.find_anomaly(anomalies.INJECTED, from_client)
        side = "client" if from_client else "server"
        if note is not None:
            words_for = f"bytes of the {side} between SSLRequest and TLS"
            yield Reason("injected-before-tls", words_for, place(note.frame), side, place(note.offset))
    if tls_data and 0 <= facts.response_offset < tls.server.first_offset and facts.login_frame < 0:
        yield Reason(
            "injected-before-tls", "packets of the server in the clear before TLS", facts.response_frame, "server",
            facts.response_offset,
        )  # fmt: skip
    if tls_data and facts.early_error_frame >= 0:
        words_for = "an ERR in the clear, and a session in TLS went on"
        yield Reason("injected-before-tls", words_for, facts.early_error_frame, "server")


def first_bytes_doubts(facts: Facts, tls: TLSFacts) -> Iterator[Reason]:
    """Check condition 1: greeting and SSLRequest, each first in its direction, or MySQL inside by a key log."""
    if facts.kind == connection_log.DECODED:
        yield from before_tls(facts)
        return
    if facts.greeting is None and facts.ssl_request_frame < 0 and facts.mysql_inside():
        if tls.client.first_offset == facts.client_header and tls.server.first_offset == 0:
            return
    if facts.greeting is None:
        yield Reason("no-greeting", "no MySQL greeting was captured before TLS")
    if facts.ssl_request_frame < 0:
        yield Reason("no-ssl-request", "no SSLRequest was captured before TLS")
    if facts.greeting is not None and facts.greeting_offset != 0:
        yield Reason("mid-stream", "bytes of the server came before its greeting", facts.greeting_frame, "server", 0)
    if facts.ssl_request_frame >= 0:
        if facts.ssl_request_offset != facts.client_header:
            yield Reason(
                "mid-stream", "bytes of the client came before its SSLRequest", facts.ssl_request_frame, "client", 0
            )
        elif facts.client_start == 0:
            yield Reason(
                "mid-stream", "whether the client sent bytes before its SSLRequest was not captured",
                facts.ssl_request_frame, "client", 0,
            )  # fmt: skip


def decryption_doubts(facts: Facts) -> Iterator[Reason]:
    """Yield, with a key log, the records that are none of this session's."""
    decrypted = facts.decrypted
    if decrypted is None or not decrypted.failed:
        return
    count = f"{decrypted.failed:,} records do" if decrypted.failed > 1 else "a record does"
    words_for = f"{count} not authenticate under the keys that the key log has for this connection"
    side: Direction = "client" if decrypted.failed_from_client else "server"
    yield Reason("record-not-decrypted", words_for, place(decrypted.failed_frame), side, place(decrypted.failed_offset))


def stranger_reasons(facts: Facts) -> Iterator[Reason]:
    """Yield another protocol of the client's, that no MySQL server speaks."""
    if facts.stranger:
        name = "a protocol not known here" if facts.stranger == "unknown" else facts.stranger
        words_for = f"the client spoke {name}, not MySQL"
        yield Reason("other-protocol", words_for, facts.stranger_frame, "client", facts.stranger_offset)


def note_reasons(facts: Facts, kinds: dict[int, tuple[str, str]]) -> Iterator[Reason]:
    """Check conditions 3 to 5: yield the anomalies that the decoders noted."""
    for note in facts.anomalies:
        entry = kinds.get(note.kind)
        if entry is not None:
            yield Reason(entry[0], words(note, entry[1]), place(note.frame), _name_direction(note), place(note.offset))


def gap_reasons(connection: Connection) -> Iterator[Reason]:
    """Check condition 4: what is missing, how much of it can be believed, and whether some of it came after all."""
    most = most_missing(int(connection.first_time), int(connection.last_time))
    for note in connection.facts.anomalies:
        if note.kind != anomalies.GAP:
            continue
        side = _name_direction(note)
        text = f"{note.amount:,} bytes from the {side} are missing"
        if note.amount > most:
            text = f"bytes from the {side} are missing, how many cannot be told: {UNBELIEVABLE}"
        if _came_aside(connection, note.from_client):
            text += f"; {CAME_ASIDE}"
        yield Reason("gap", text, place(note.frame), side, place(note.offset))


def _came_aside(connection: Connection, from_client: bool) -> bool:
    """Return whether bytes of this direction were captured that could not be put in its order."""
    return (connection.aside_client if from_client else connection.aside_server) >= 0


def words(note: Anomaly, template: str) -> str:
    return template.format(amount=f"{note.amount:,}", side="client" if note.from_client else "server")


def direction_doubts(connection: Connection) -> Iterator[Reason]:
    """Yield a direction that was not captured, or not from its beginning."""
    facts = connection.facts
    for side, other in ((facts.client, facts.server), (facts.server, facts.client)):
        if side.seen + side.truncated == 0 and other.seen + other.truncated > 0:
            name = _name(side)
            if _came_aside(connection, side.from_client):
                text = f"what was captured of the {name}'s bytes could not be put in their order"
                yield Reason("not-in-order", text, connection.first_frame, name)
            elif not _has_spoken(connection, side.from_client):
                text = f"nothing that the {name} sent was captured"
                yield Reason("one-direction", text, connection.first_frame, name)
            elif side.missing:
                text = f"no data that the {name} sent was captured, only its packets without any"
                yield Reason("one-direction", text, connection.first_frame, name)
    greeted = (facts.greeting is not None and facts.greeting_offset == 0) or session_began(facts)
    if START_SYN in (connection.client.start, connection.server.start) or greeted:
        return
    if facts.client.seen + facts.server.seen == 0:
        return
    text = "the capture begins inside this connection; a reconnect would show its login or its TLS handshake"
    yield Reason("mid-stream", text, connection.first_frame)


def _has_spoken(connection: Connection, from_client: bool) -> bool:
    """Return whether a frame of this direction was captured, at least one without data."""
    stream = connection.client if from_client else connection.server
    return stream.spoke


def _name(side: DirectionAccount) -> Direction:
    return "client" if side.from_client else "server"


def _name_direction(note: Anomaly) -> Direction:
    return "client" if note.from_client else "server"
