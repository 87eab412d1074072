"""The part of the text report with the classes of data that crossed in the clear: what matters first."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.values import told_values
from aurora_wire.report.wording import RED, YELLOW, Style, count
from aurora_wire.verdict.result import LeakedClass, Scan
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.mysql.leaked.classes import BY_ID

COLUMNS = 4         # named in a row
VALUES = 3          # told by their hash
ORIGINS = {"statement": "statements", "result": "results", "binlog": "binlog events"}
NAME = 60           # characters of a column's name
NOT_CLASSIFIED = "whose values nobody looked at, for want of room"


def leaked_text(scan: Scan, style: Style) -> Iterator[str]:
    if not scan.leaked:
        return
    yield style.title("Data in the clear")
    names = style.names(scan)
    for one in scan.leaked:
        severity = RULES[RULE_OF[one.data]].severity
        word = f"{severity:<8}"
        painted = style.paint(word, RED if severity == "critical" else YELLOW)
        yield f"  {painted}  {leaked_words(one)}"
        where = f"from frame {names.name(one.frame)} on, in {count(one.connections, 'connection')}: "
        where += format_origins(one)
        yield from style.wrap("; ".join(filter(None, (where, format_columns(one, COLUMNS)))), "            ")
        told = format_values(one, scan.values_key, VALUES)
        if told:
            yield from style.wrap(f"first values, by keyed hash: {told}", "            ")
    if scan.not_classified:
        yield f"  {count(scan.not_classified, 'more statement')} {NOT_CLASSIFIED}"


def leaked_words(one: LeakedClass) -> str:
    """Return `3 card numbers (ending in 1111, 0004)`."""
    kind = BY_ID[one.data]
    last = f" (ending in {', '.join(show_text(part) for part in one.last)})" if one.last else ""
    return f"{one.count:,} {kind.one if one.count == 1 else kind.many}{last}"


def format_origins(one: LeakedClass) -> str:
    """Return `2 in statements, 40 in results`: where values of a class were."""
    return ", ".join(f"{one.origins[name]:,} in {words}" for name, words in ORIGINS.items() if name in one.origins)


def format_values(one: LeakedClass, key: bytes, most: int) -> str:
    """Return `0f3a9c01b2 (1111; users.card, t.pan), ...`: hashes of the first values, what may be shown of them, and
    the columns where one was in several.
    """
    told = []
    for hashed, last, columns in told_values(one, key)[:most]:
        several = ", ".join(show_text(name if len(name) <= NAME else name[:NAME] + "...") for name in columns)
        said = "; ".join(filter(None, (show_text(last), several if len(columns) > 1 else "")))
        told.append(f"{hashed} ({said})" if said else hashed)
    return ", ".join(told)


def format_columns(one: LeakedClass, most: int) -> str:
    """Return the columns that values of a class are of, as far as they are known; names are made visible."""
    if not one.columns:
        return ""
    shown = [show_text(name if len(name) <= NAME else name[:NAME] + "...") for name in one.columns[:most]]
    more = f" and {len(one.columns) - most} more" if len(one.columns) > most else ""
    return f"columns {', '.join(shown)}{more}" if len(one.columns) > 1 else f"column {shown[0]}"
