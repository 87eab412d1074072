"""How the text report writes numbers, places, times and verdicts, in colour or without."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from aurora_wire.immutable import immutable
from aurora_wire.report.escape import show_text
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.text.table import NARROWEST
from aurora_wire.report.timestamps import Clock
from aurora_wire.verdict.result import Confidence, Endpoint, Scan, Severity, Verdict

LEAKS: frozenset[Verdict] = frozenset(("plaintext", "mixed"))
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
ORDER: tuple[Verdict, ...] = ("plaintext", "mixed", "encrypted", "inconclusive", "no-session", "not-mysql")

RED, GREEN, YELLOW, BOLD = "31;1", "32;1", "33", "1"
COLORED = re.compile(r"\x1b\[[0-9;]*m")
PASTED = "        "   # what a command to paste begins with
HANGING = "  "        # before what goes on of a line
_SEVERITY_COLORS: dict[Severity, str] = {"critical": RED, "high": RED, "medium": YELLOW}


@immutable
class Style:
    """width: of the terminal, in characters; color: whether it may be given colours.

    whole: it is no terminal, and nothing is shortened: only sentences keep to the width; each: connections have a row
    each, also those of a pool.
    """

    width: int = 100
    color: bool = False
    redact: bool = False
    reveal: bool = False
    whole: bool = False
    each: bool = False

    @property
    def room(self) -> int:
        """Return the width of tables and statements, 0 for any."""
        return 0 if self.whole else self.width

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text

    def names(self, scan: Scan) -> FrameNames:
        """Return frames' names, those of captures cut where the terminal is narrow."""
        return frame_names(scan, limit=self.room // 3)

    def title(self, text: str) -> str:
        """Return a title, in lines that fit the terminal."""
        return "\n".join(self.paint(line, BOLD) for line in ([text] if self.whole else self.wrap(text, "")))

    def verdict(self, text: str, verdict: Verdict, confidence: Confidence | None) -> str:
        if verdict in LEAKS:
            return self.paint(text, RED)
        return self.paint(text, GREEN if (verdict, confidence) == ("encrypted", "proven") else YELLOW)

    def severity(self, severity: Severity) -> str:
        return self.paint(severity, _SEVERITY_COLORS.get(severity, ""))

    def wrap(self, text: str, indent: str) -> list[str]:
        """Return text on lines that fit; where a word does not, its line is longer."""
        return textwrap.wrap(
            text,
            max(self.width, NARROWEST),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


    def fit(self, line: str) -> list[str]:
        """Return a line, coloured or not, on several where the terminal is narrower; a command to paste stays whole."""
        if self.whole or len(line) <= self.width or line.startswith(PASTED) or "\n" in line:
            return [line]
        bare = line.lstrip(" ")
        indent = line[: len(line) - len(bare)]
        room = max(self.width, NARROWEST)
        lines, now, used = [], indent, len(indent)
        for word in bare.split(" "):
            size = len(COLORED.sub("", word))
            if used > len(indent) and used + 1 + size > room:
                lines.append(now)
                now, used = indent + HANGING + word, len(indent + HANGING) + size
            else:
                space = " " if used > len(indent) else ""
                now, used = f"{now}{space}{word}", used + len(space) + size
        return [*lines, now]


def advice(text: str, indent: str, style: Style) -> list[str]:
    """Return what to do, as in a rule's `fix`: a line that begins with two spaces is a command, never wrapped."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [indent + line] if line.startswith("  ") else style.wrap(line, indent)
    return lines


def count(number: int, noun: str) -> str:
    """Return `1 packet`, `1,204 packets`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def counted(pairs: Iterable[tuple[str, int]]) -> str:
    """Return `3 ARP, 2 IPv6 UDP`, of what there is any of."""
    return ", ".join(f"{number:,} {show_text(name)}" for name, number in pairs if number)


def endpoint(value: Endpoint) -> str:
    address = show_text(value.address)
    return f"[{address}]:{value.port}" if ":" in address else f"{address}:{value.port}"


def place(frame: str | None, direction: str | None, offset: int | None, connection: int | None = None) -> str:
    """Return `connection 1, frame 17, server, offset 5120`, as far as it is known. frame: as FrameNames names it."""
    parts = (
        "" if connection is None else f"connection {connection}",
        "" if frame is None else f"frame {frame}",
        direction or "",
        "" if offset is None else f"offset {offset}",
    )
    return ", ".join(part for part in parts if part)


def judged(verdict: Verdict, confidence: Confidence | None) -> str:
    """Return `PLAINTEXT (proven)`, `encrypted (likely)`: a leak is seen without colours too."""
    word = verdict.upper() if verdict in LEAKS else verdict
    return word if confidence is None or verdict == "no-session" else f"{word} ({confidence})"


def day_and_time(clock: Clock, frame: int, time_ns: int | None) -> tuple[str, str]:
    """Return `2021-03-17` (nothing where there is no date) and `09:00:01.015000`; nanoseconds only if there are."""
    return split_time(clock.show(frame, time_ns))


def split_time(shown: str | None) -> tuple[str, str]:
    """Return the day and the time of what a Clock shows."""
    if shown is None:
        return "", ""
    day, _, time = shown.removesuffix("Z").rpartition("T")
    return day, time.removesuffix("000")
