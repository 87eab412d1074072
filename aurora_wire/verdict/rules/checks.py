"""Which rules a connection hits, from its facts. One hit a rule and connection, with the first place."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.verdict.grounds import CAME_ASIDE, UNBELIEVABLE
from aurora_wire.verdict.result import ConnectionResult, Finding
from aurora_wire.verdict.rules import registry as rules
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.wire.decoding import anomalies as notes
from aurora_wire.wire.decoding.anomalies import Note
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql.capabilities import SSL, SSL_VERIFY_SERVER_CERT
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name, weakness

TLS_1_2 = 0x0303
MOST_FILES = 5     # named in one finding
WEAK = ("RC4", "DES", "3DES", "export")

# Notes that are findings: rule and words ({amount} bytes, {count} times, {side}).
FROM_NOTES: dict[int, tuple[str, str]] = {
    notes.TRUNCATED: (rules.PACKETS_TRUNCATED, "{amount} bytes of the {side} were cut off, in {count} packets"),
    notes.CONFLICT: (rules.CONFLICTING_RETRANSMISSION, "{count} segments of the {side} carry other bytes for a place"),
    notes.CONFLICT_ACKED: (rules.LATE_RETRANSMISSION, "{count} segments of the {side}"),
    notes.BAD_CHECKSUM: (rules.WRONG_CHECKSUM, "{count} segments of the {side} were left out"),
    notes.MIXED_CHECKSUM: (rules.WRONG_CHECKSUM, "{amount} segments of the {side} came before the first right one"),
    notes.SET_ASIDE: (rules.BYTES_SET_ASIDE, "{amount} bytes of the {side}"),
    notes.OUT_OF_WINDOW: (rules.OUTSIDE_WINDOW, "{count} segments of the {side} were left out"),
    notes.AFTER_RST: (rules.DATA_AFTER_RESET, "{count} segments of the {side} were left out"),
    notes.KEEP_ALIVE: (rules.PROBES, "{count} probes of the {side}"),
    notes.READABLE_RECORD: (rules.READABLE_RECORDS, "{count} records of the {side}"),
    notes.SKEWED_RECORD: (rules.READABLE_RECORDS, "{count} records of the {side}, by how their bytes are spread"),
    notes.EVICTED: (rules.BOUND_REACHED, "too many open connections: this one was given up before its end"),
    notes.BOUND: (rules.BOUND_REACHED, "{count} times, of the {side}"),
    notes.DAMAGED_FILE: (rules.FILE_DAMAGED, "the connection was open where the file breaks off"),
}


def findings_of(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    yield from _leaks(facts, result)
    yield from _negotiation(facts, result)
    yield from _tls(facts)
    yield from _gaps(facts, result)
    for note in facts.notes:
        entry = FROM_NOTES.get(note.kind)
        if entry is not None:
            yield _at(facts, entry[0], _words(note, entry[1]), note.frame, note.offset)
    ids = {reason.id: reason for reason in result.reasons}
    if "mid-stream" in ids:
        yield _at(facts, rules.MID_STREAM, ids["mid-stream"].text, result.first_frame)
    if "one-direction" in ids:
        yield _at(facts, rules.ONE_DIRECTION, ids["one-direction"].text, result.first_frame)


def _gaps(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    for note in facts.notes:
        if note.kind != notes.GAP:
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
        yield _at(facts, rules.BYTES_MISSING, detail, note.frame, note.offset)


def _at(facts: Facts, rule: str, detail: str, frame: int, offset: int = -1) -> Finding:
    return finding(
        rule, detail, connection=facts.id, frame=frame if frame >= 0 else None, offset=offset if offset >= 0 else None
    )


def _words(note: Note, template: str) -> str:
    side = "client" if note.from_client else "server"
    return template.format(amount=f"{note.amount:,}", count=f"{note.count:,}", side=side)


def _leaks(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    if facts.statements_total:
        first = facts.statements[0] if facts.statements else None
        many = "statements" if facts.statements_total > 1 else "statement"
        yield _at(
            facts, rules.SQL_IN_CLEAR, f"{facts.statements_total:,} {many} readable",
            first.frame if first is not None else facts.command_frame,
            first.offset if first is not None else facts.command_offset,
        )  # fmt: skip
    elif facts.dropped_leak_frame >= 0:
        yield _at(facts, rules.SQL_IN_CLEAR, "in a frame that a receiver would drop", facts.dropped_leak_frame)
    if facts.login_frame >= 0:
        words = "user name and authentication data"
        yield _at(facts, rules.LOGIN_IN_CLEAR, words, facts.login_frame, facts.login_offset)
    if facts.password_frame >= 0:
        yield _at(
            facts, rules.PASSWORD_IN_CLEAR, "the password itself, as the client sent it", facts.password_frame,
            facts.password_offset,
        )  # fmt: skip
    if facts.responses and facts.response_frame >= 0 and (facts.commands or not facts.login_frame >= 0):
        yield _at(
            facts, rules.RESULTS_IN_CLEAR, f"{result.server_coverage.plaintext:,} bytes of responses",
            facts.response_frame, facts.response_offset,
        )  # fmt: skip
    yield from _files(facts, result)


def _files(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    """Yield files of the client that the server asked for: those that crossed, and those that no statement named."""
    sent = [one for one in facts.infiles if one.size]
    if sent:
        named = ", ".join(f"{_display(one.name)} ({one.size:,} bytes)" for one in sent[:MOST_FILES])
        more = f", and {len(sent) - MOST_FILES} more" if len(sent) > MOST_FILES else ""
        yield _at(facts, rules.INFILE_IN_CLEAR, named + more + " crossed", sent[0].frame, sent[0].offset)
    rogue = [one for one in facts.infiles if one.wanted == 0]
    if rogue:
        outcomes = {one.frame: one.outcome for one in result.files}
        named = ", ".join(
            f"{_display(one.name)} ({_outcome(one.size, outcomes.get(one.frame, ''))})" for one in rogue[:MOST_FILES]
        )
        more = f", and {len(rogue) - MOST_FILES} more" if len(rogue) > MOST_FILES else ""
        yield _at(
            facts, rules.FILE_NOT_ASKED_FOR,
            f"the server, or who is on the path, asked for {named}{more} in answer to a statement that loads no file",
            rogue[0].frame, rogue[0].offset,
        )  # fmt: skip


def _outcome(size: int, outcome: str) -> str:
    if size:
        return f"{size:,} bytes of it crossed"
    return "the client refused, or it was empty" if outcome == "refused" else "nothing of it was seen to cross"


def _display(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))


def _negotiation(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    greeting = facts.greeting
    if greeting is not None:
        offers = greeting.capabilities & SSL
        if not offers and greeting.capabilities & SSL_VERIFY_SERVER_CERT:
            yield _at(facts, rules.TLS_OFFER_REMOVED, "bit 30 is set and bit 11 is not", facts.greeting_frame, 0)
        elif not offers:
            yield _at(facts, rules.TLS_NOT_OFFERED, "CLIENT_SSL is not set in the greeting", facts.greeting_frame, 0)
        elif facts.login_frame >= 0 and facts.ssl_request_frame < 0:
            yield _at(
                facts, rules.TLS_DECLINED, "the greeting offered TLS, the login came without it", facts.login_frame,
                facts.login_offset,
            )  # fmt: skip
    ids = {reason.id: reason for reason in result.reasons}
    if "plaintext-after-tls" in ids:
        yield _at(facts, rules.PLAINTEXT_AFTER_TLS, "MySQL packets outside TLS", facts.after_tls_frame)
    injected = ids.get("injected-before-tls")
    if injected is not None:
        frame = injected.frame if injected.frame is not None else -1
        yield _at(facts, rules.BYTES_BEFORE_TLS, injected.text, frame, injected.offset or -1)
    inside = facts.tls is not None and facts.tls.client.data_records > 0  # of a suite that does not encrypt
    if facts.ssl_request_frame >= 0 and result.verdict in ("no-session", "plaintext") and not inside:
        yield _at(
            facts, rules.TLS_NOT_COMPLETED, _failure(facts), facts.ssl_request_frame, facts.ssl_request_offset
        )


def _failure(facts: Facts) -> str:
    """Return how a TLS handshake that was asked for ended."""
    tls = facts.tls
    if tls is not None:
        for name, side in (("client", tls.client), ("server", tls.server)):
            if side.fatal_alert:
                return f"the {name} ended the handshake with alert {side.last_alert}"
        if tls.client.app_records:
            return "the client ended the connection before it logged in"
    if facts.early_error_code:
        return f"the server answered with error {facts.early_error_code}"
    return "no session in TLS followed the SSLRequest"


def _tls(facts: Facts) -> Iterator[Finding]:
    tls = facts.tls
    hello = tls.server_hello if tls is not None else None
    if tls is None or hello is None:
        return
    if hello.version < TLS_1_2:
        yield _at(facts, rules.OBSOLETE_VERSION, version_name(hello.version), tls.server_frame)
    weak = weakness(hello.suite)
    name = suite_name(hello.suite)
    if weak in WEAK:
        yield _at(facts, rules.WEAK_CIPHER, name, tls.server_frame)
    elif weak in ("NULL", "anonymous"):
        yield _at(facts, rules.NO_PROTECTION, name, tls.server_frame)
    elif weak == "no forward secrecy":
        yield _at(facts, rules.NO_FORWARD_SECRECY, name, tls.server_frame)
