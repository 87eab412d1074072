"""Hold what the program says of a case to what is true of it."""

from __future__ import annotations

from pathlib import Path

import aurora_wire
from aurora_wire.verdict.result import Scan, StatementResult
from tests.conversations.tcp import write_anew
from tests.hostile.cases import Case
from tests.hostile.wire import pcap


def scan_of(case: Case, folder: Path) -> Scan:
    paths = []
    for number, frames in enumerate(case.captures, 1):
        path = folder / f"{number}.pcap"
        write_anew(path, pcap(frames))
        paths.append(str(path))
    return aurora_wire.scan(paths)


def is_invented(statement: StatementResult, texts: set[bytes]) -> bool:
    """A text that nobody sent. Of one that is said to be cut a part will do, and of an EXECUTE its values alone."""
    if statement.sql in texts or not statement.sql:
        return False
    if b"/* not placed" in statement.sql:
        return False  # its text is said to be without some of its values
    part_will_do = not statement.complete or statement.command == "COM_STMT_EXECUTE"
    return not part_will_do or not any(statement.sql in text for text in texts)


def wrongs(case: Case, result: Scan) -> list[str]:
    """What is wrong with a result, each beginning with its class; empty where nothing is."""
    found = []
    proven = (result.verdict, result.confidence) == ("encrypted", "proven")
    if result.verdict not in case.verdicts:
        kind = "wrong encrypted" if result.verdict == "encrypted" else "wrong verdict"
        found.append(f"{kind}: {result.verdict} {result.confidence}, allowed {sorted(case.verdicts)}")
    if proven and case.proof == "never":
        found.append("wrong proven")
    if not proven and case.proof == "must":
        why = [(reason.id, reason.frame) for one in result.connections for reason in one.reasons]
        found.append(f"clean TLS not proven: {result.verdict} {result.confidence} {why}")
    texts = case.texts
    told = [statement for one in result.connections for statement in one.statements]
    for statement in told:
        if is_invented(statement, texts):
            found.append(f"invented: {statement.command} {statement.sql[:60]!r} in frame {statement.frame}")
    if case.exact:
        sent = sum(session.commands for session in case.sessions)
        if len(told) != sent:
            found.append(f"statements: {len(told)} told, {sent} sent")
    for one in result.connections:
        for side, account in (("client", one.client_coverage), ("server", one.server_coverage)):
            inside = account.tls + account.plaintext + account.unprotected_by_design + account.unknown
            if inside != account.seen:
                found.append(f"accounting: {side} {account}")
        for reason in one.reasons:
            if reason.frame is not None and reason.frame < 1:
                found.append(f"frame {reason.frame} in {reason.id}")
    return found
