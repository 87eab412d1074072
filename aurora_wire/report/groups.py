"""Statements in groups, as each format shows them: those that differ in their literals alone are one line.

The example of a group is shown with its literals masked, whatever else a report shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aurora_wire.redact.groups import masked_example, shown_fingerprint
from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.timestamps import Clock
from aurora_wire.report.wording import count
from aurora_wire.verdict.result import Scan, StatementGroup
from aurora_wire.wire.mysql.leaked.classes import BY_ID

NO_TEXT: Final = "(no text was captured)"
NAMES: Final = 10    # of tables, and of columns, in what people read
SQL: Final = 2000    # bytes of a fingerprint or an example that are shown


def shown_groups(scan: Scan, *, redact: bool) -> Iterator[tuple[StatementGroup, str, str]]:
    """Yield each group with its fingerprint and its example, masked and escaped; empty where it says nothing more."""
    for one in scan.groups or ():
        made = shown_fingerprint(one.fingerprint, redact=redact)
        example = masked_example(one)
        yield one, show_bytes(made, limit=SQL), show_bytes(example, limit=SQL) if example != made else ""


def format_classes(one: StatementGroup) -> str:
    """Return `2 card numbers, 1 e-mail address`: what values in a group's statements are of a class of data."""
    return ", ".join(
        f"{number:,} {BY_ID[data].one if number == 1 else BY_ID[data].many}" for data, number in one.leaked.items()
    )


def joined_names(names: Sequence[str] | None, most: int = 50) -> str:
    """Return `users, shop.orders`, made visible; empty where they are not known."""
    shown = [show_text(name) for name in (names or ())[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if names is not None and len(names) > most else "")


def format_names(one: StatementGroup) -> str:
    """Return `tables shop.users; columns users.email, users.card`, what is known of it."""
    parts = (("tables", joined_names(one.tables, NAMES)), ("columns", joined_names(one.columns, NAMES)))
    return "; ".join(f"{kind} {names}" for kind, names in parts if names)


def find_times(one: StatementGroup, clock: Clock) -> tuple[str | None, str | None]:
    """Return when the first and the last statement of a group were sent."""
    return clock.show(one.frame, one.first_time_ns), clock.show(one.frame, one.last_time_ns)


def format_title(scan: Scan) -> str:
    """Return `1,234 statements in the clear, of 3 kinds`."""
    groups = scan.groups or []
    total = sum(one.count for one in groups) + scan.not_grouped
    return f"{count(total, 'statement')} in the clear, of {count(len(groups), 'kind')}"
