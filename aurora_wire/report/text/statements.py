"""The part of the text report with the statements that crossed in the clear."""

from __future__ import annotations

import textwrap
from bisect import insort
from collections.abc import Iterator, Sequence

from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.formats import STATEMENTS_IN_TEXT
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.report.wording import RED, Style, count, day_and_time, endpoint
from aurora_wire.verdict.answer_result import AnswerResult
from aurora_wire.verdict.result import ConnectionResult, Scan, StatementResult
from aurora_wire.verdict.statement_list import StatementList
from aurora_wire.wire.mysql.sql_secrets import may_hold_secret

SHOWN_EACH = STATEMENTS_IN_TEXT
FEWEST_EACH = 3
SHOWN_IN_ALL = 200
SHORTEST = 14       # characters of SQL on a line of the narrowest terminal
VALUE_SHOWN = 1000  # characters of a value of a row
LINES = 4           # of a statement on a terminal


def shown_each(leaking: int) -> int:
    """Return how many statements of a connection are shown where so many have any."""
    return min(SHOWN_EACH, max(FEWEST_EACH, SHOWN_IN_ALL // max(leaking, 1)))


class Letting:
    """Lets go of statements that `statements_text` will not show, while a scan keeps one result after another.

    More connections make it fewer of each, never more; and one behind so many others has none of its own.
    """

    def __init__(self) -> None:
        self._leaking = 0
        self._first: list[int] = []  # ids of those with statements: the lowest, one of each of which may be shown

    def __call__(self, kept: ConnectionResult) -> int:
        """Leave of a result that is kept what may be shown of it. Return how many may be of any that comes later."""
        found = kept.statements
        if not found:
            return shown_each(self._leaking)
        self._leaking += 1
        most = shown_each(self._leaking)
        insort(self._first, kept.id)
        if len(self._first) > SHOWN_IN_ALL and self._first.pop() == kept.id:
            kept.statements = []
        elif isinstance(found, StatementList) and len(found) > most:  # else another process has sent no more
            kept.statements = found.first(most)
        return most


def statements_text(scan: Scan, style: Style) -> Iterator[str]:
    total = sum(c.statements_total for c in scan.connections)
    if not total:
        return
    clock, names = find_clock(scan), style.names(scan)
    yield style.title(f"{count(total, 'statement')} in the clear")
    leaking = [c for c in scan.connections if c.statements]
    each = shown_each(len(leaking))
    left = SHOWN_IN_ALL
    for c in leaking:
        shown = c.statements[: min(each, left)]
        if not shown:
            break
        yield from _connection(c, shown, clock, names, style)
        left -= len(shown)
        more = c.statements_total - len(shown)
        if more > 0:
            yield f"    {count(more, 'more statement')} of this connection"
    more_in_all = total - (SHOWN_IN_ALL - left)
    if more_in_all > 0:
        yield f"  {more_in_all:,} more in all: --format jsonl writes all of them, in full"


def _connection(
    c: ConnectionResult, statements: Sequence[StatementResult], clock: Clock, names: FrameNames, style: Style
) -> Iterator[str]:
    who = f"{show_text(c.user)}@" if c.user else ""
    database = f", database {show_text(c.database)}" if c.database else ""
    first_day, _ = day_and_time(clock, statements[0].frame, statements[0].time_ns)
    date = f", {first_day} UTC" if first_day else ""
    yield f"  connection {c.id}, {who}{endpoint(c.client)} to {endpoint(c.server)}{database}{date}"
    yield from statement_lines(statements, clock, names, style, RED)


def statement_lines(
    statements: Sequence[StatementResult], clock: Clock, names: FrameNames, style: Style, code: str
) -> Iterator[str]:
    """Yield one or two lines each; code: their colour."""
    first_day, _ = day_and_time(clock, statements[0].frame, statements[0].time_ns)
    rows = []
    for statement in statements:
        day, time = day_and_time(clock, statement.frame, statement.time_ns)
        when = time if day == first_day else f"{day} {time}"
        rows.append((names.name(statement.frame), when, show_text(statement.command)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for statement, (frame, time, command) in zip(statements, rows, strict=True):
        start = f"    frame {frame:>{widths[0]}}  {time:>{widths[1]}}  {command:<{widths[2]}}"
        shown = statement_line(statement, style)
        if style.whole or len(start) + 2 + len(shown) <= style.width:
            yield f"{start}  {style.paint(shown, code)}"
        else:
            yield from style.wrap(start.strip(), "    ")
            for line in fold(shown, max(style.width - 6, SHORTEST)):
                yield f"      {style.paint(line, code)}"
        if statement.result is not None:
            yield from _rows(statement.result, style, code)


def _rows(answer: AnswerResult, style: Style, code: str) -> Iterator[str]:
    """Yield the rows that were asked for (`--rows`), each result under the names of its columns."""
    for part in answer.parts:
        if not part.values:
            continue
        yield f"      {', '.join(show_text(column.name) for column in part.columns)}"
        for row in part.values:
            shown = ", ".join("NULL" if one is None else quoted_value(one) for one in row)
            for line in [shown] if style.whole else fold(shown, max(style.width - 8, SHORTEST)):
                yield f"        {style.paint(line, code)}"
        if part.rows > len(part.values):
            yield f"        {count(part.rows - len(part.values), 'more row')}"


def quoted_value(value: bytes) -> str:
    """Return a value of a row, bounded, in quotes: it may hold commas."""
    return f"'{show_bytes(value, limit=VALUE_SHOWN)}'"


def fold(text: str, width: int) -> list[str]:
    """Return text on lines of this width, broken between words where there are any."""
    return textwrap.wrap(text, width, break_on_hyphens=False, drop_whitespace=True) or [""]


def statement_line(statement: StatementResult, style: Style) -> str:
    """Return what fits on LINES lines, and a note where it is not the whole statement or crossed compressed.

    Where nothing is shortened, it is the statement as it crossed.
    """
    notes = []
    if statement.compressed:
        notes.append("compressed")
    if not statement.complete:
        notes.append("not captured whole")
    if style.redact or may_hold_secret(statement.sql, 0, len(statement.sql)):
        from aurora_wire.redact.secrets import shown as visible  # noqa: PLC0415 - only here, and slow to load

        statement = visible(statement, redact=style.redact, reveal=style.reveal)
    note = f" ({', '.join(notes)})" if notes else ""
    if style.whole:
        return show_bytes(statement.sql) + note
    room = max(style.width - 6, SHORTEST) * LINES
    shown = show_bytes(statement.sql[: 4 * room])  # no character has more than 4 bytes
    words = b" ".join(statement.sql[: 8 * room].split())
    as_it_is = words == statement.sql
    if len(shown) + len(note) <= (room if as_it_is else room // LINES) and len(statement.sql) <= 4 * room:
        return shown + note
    dense = show_bytes(words)
    if len(statement.sql) <= 8 * room:
        note = f" ({', '.join([*([] if as_it_is else ['white space shortened']), *notes])})"
        if len(dense) + len(note) <= room:
            return dense + note
    size = max(statement.length, len(statement.sql))
    note = f" ({', '.join([f'{size:,} bytes', *notes])})"
    return dense[: max(room - 3 - len(note), SHORTEST // 2)] + "..." + note
