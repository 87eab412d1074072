"""How the HTML report writes what came from outside, and numbers. Jinja escapes for HTML; this makes it visible."""

from __future__ import annotations

from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.html.limits import NAME_CHARACTERS, SQL_CHARACTERS
from aurora_wire.report.timestamps import Clock
from aurora_wire.report.wording import count, split_time
from aurora_wire.verdict.result import Confidence, StatementResult, Verdict

WORDS: dict[Verdict, str] = {
    "plaintext": "in the clear",
    "mixed": "partly in the clear",
    "encrypted": "encrypted",
    "inconclusive": "inconclusive",
    "no-session": "no session",
    "not-mysql": "not MySQL",
}
SIGNS: dict[Verdict, str] = {  # beside the colour, for who does not see it
    "plaintext": "\N{MULTIPLICATION X}",
    "mixed": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "encrypted": "\N{CHECK MARK}",
    "inconclusive": "?",
    "no-session": "\N{EN DASH}",
    "not-mysql": "\N{EN DASH}",
}
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def clip(text: str, limit: int = NAME_CHARACTERS) -> str:
    """Made visible, on one line, and of what is very long the beginning and how much more there is."""
    return show_text(text, limit)


def sql_text(statement: StatementResult, limit: int = SQL_CHARACTERS) -> str:
    return show_bytes(statement.sql, limit=limit)


def statement_notes(statement: StatementResult) -> list[str]:
    notes = []
    if statement.compressed:
        notes.append("compressed")
    if not statement.complete:
        notes.append("not captured whole")
    if statement.length > len(statement.sql):
        notes.append(f"{count(statement.length, 'byte')} on the wire")
    answer = statement.result
    if answer is not None and answer.rows:
        notes.append(f"answered by {count(answer.rows, 'row')}, {count(answer.bytes, 'byte')}")
    if answer is not None and answer.error is not None:
        notes.append(f"error {answer.error.code}: {clip(answer.error.text)}")
    return notes


def judged(verdict: Verdict, confidence: Confidence | None) -> str:
    """Return `in the clear, proven`."""
    return WORDS[verdict] if confidence is None or verdict == "no-session" else f"{WORDS[verdict]}, {confidence}"


def tone(verdict: Verdict, confidence: Confidence | None) -> str:
    """Return the name of a colour in style.css: `clear`, `safe` only for what is proven, `likely`, `open`."""
    if verdict in ("plaintext", "mixed"):
        return "clear" if verdict == "plaintext" else "mixed"
    if verdict == "encrypted":
        return "safe" if confidence == "proven" else "likely"
    return "unsure" if verdict == "inconclusive" else "none"


def size(number: int) -> str:
    """Return `512 bytes`, `1.4 MB`: thousands, as disks have them."""
    if number < 10_000:
        return count(number, "byte")
    value = number * 10
    for unit in UNITS:
        if value < 10_000 or unit == UNITS[-1]:
            return f"{value // 10:,}.{value % 10} {unit}"
        value //= 1_000
    raise AssertionError


def after(time_ns: int | None, start_ns: int | None) -> str:
    """Return `+0.013204 s` since the start; nothing where a time is unknown."""
    if time_ns is None or start_ns is None:
        return ""
    micro = (time_ns - start_ns) // 1_000
    sign = "-" if micro < 0 else "+"
    return f"{sign}{abs(micro) // 1_000_000:,}.{abs(micro) % 1_000_000:06d} s"


def moment(clock: Clock, frame: int, time_ns: int | None) -> str:
    """Return `2021-03-17 09:00:01.015000 UTC`, or the time of day alone where there is no date."""
    return in_utc(clock.show(frame, time_ns))


def in_utc(shown: str | None) -> str:
    """Return the same of what a Clock shows."""
    day, time = split_time(shown)
    return f"{day} {time} UTC" if day else time
