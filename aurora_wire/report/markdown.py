"""A scan for a ticket or a pull request: Markdown, the verdict first, short enough for a comment.

GitHub takes 65,536 characters in a comment: the bounds below keep to that whatever the wire held, and each says
how much it left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from aurora_wire.redact.secrets import shown, shown_error
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.fingerprints import FindingLocator, cut
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.groups import NO_TEXT, find_times, format_classes, format_title, shown_groups
from aurora_wire.report.markdown_text import block, code, prose, spell_ticks
from aurora_wire.report.proxied import describe_host
from aurora_wire.report.replicated import list_lines
from aurora_wire.report.summary import findings_by_rule, paragraph
from aurora_wire.report.text.connections import clear_bytes, tls_bytes
from aurora_wire.report.text.leaked import NOT_CLASSIFIED, format_origins, format_values, leaked_words
from aurora_wire.report.text.results import column_name
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.report.wording import LEAKS, ORDER, SEVERITIES, count, counted, endpoint, judged, place
from aurora_wire.verdict.answers import merged
from aurora_wire.verdict.result import ConnectionResult, Scan, StatementResult
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.verdict.rules.registry import RULES

ONE_BY_ONE: Final = 20   # connections; more are grouped
GROUPS: Final = 30
STATEMENTS: Final = 30      # in all
STATEMENTS_EACH: Final = 10
REASONS: Final = 10
REPLICATED: Final = 10      # connections
COLUMNS: Final = 12         # of results
ERRORS: Final = 6
RULES_SHOWN: Final = 12
CAPTURES: Final = 8
LEAKED_COLUMNS: Final = 5
LEAKED_VALUES: Final = 3
UNDECODED: Final = 8
NAME: Final = 40            # characters of a name
SQL: Final = 300    # of a statement, escaped
SENTENCE: Final = 240

SIGNS: Final = {"plaintext": "\u274c", "mixed": "\u274c", "encrypted": "\u2705"}   # cross, check mark
QUESTION: Final = "\u2753"


def render(scan: Scan, *, redact: bool = False, reveal: bool = False) -> Iterator[str]:
    """Yield pieces of Markdown. redact: mask literals in statements; reveal: show passwords and keys in them."""
    for section in (_verdict, _leaked, _connections, _reasons, _replicated):
        yield from paragraph(section(scan))
    yield from paragraph(_statements(scan, redact, reveal) if scan.groups is None else _kinds(scan, redact))
    yield from paragraph(_results(scan, redact, reveal))
    for section in (_findings, _undecoded, _captures):
        yield from paragraph(section(scan))
    masked = " Literals are masked." if redact else ""
    yield f"<sub>aurora-wire {prose(scan.tool_version, NAME)}.{masked}</sub>\n"


def _verdict(scan: Scan) -> Iterator[str]:
    sign = SIGNS.get(scan.verdict, QUESTION)
    if scan.verdict == "encrypted" and scan.exit_code:
        sign = QUESTION
    yield f"## {sign} {judged(scan.verdict, scan.confidence)}"
    yield ""
    yield prose(scan.closing, SENTENCE)


def _leaked(scan: Scan) -> Iterator[str]:
    """Yield the classes of data that crossed in the clear, the worst first."""
    if not scan.leaked:
        return
    names = frame_names(scan, NAME)
    yield "| data in the clear | severity | where | connections | first frame | columns | first values, by keyed hash |"
    yield "| --- | --- | --- | ---: | --- | --- | --- |"
    for one in scan.leaked:
        where = _place(names, one.frame, None, None).removeprefix("frame ")
        columns = ", ".join(code(name, NAME) for name in one.columns[:LEAKED_COLUMNS])
        more = f" and {len(one.columns) - LEAKED_COLUMNS} more" if len(one.columns) > LEAKED_COLUMNS else ""
        severity = RULES[RULE_OF[one.data]].severity
        told = format_values(one, scan.values_key, LEAKED_VALUES)
        cells = (
            prose(leaked_words(one)), severity, format_origins(one) or "-", f"{one.connections:,}", where,
            f"{columns or '-'}{more}", code(told, SENTENCE) if told else "-",
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    if scan.not_classified:
        yield ""
        yield f"{count(scan.not_classified, 'more statement')} {NOT_CLASSIFIED}."


def _connections(scan: Scan) -> Iterator[str]:
    if not scan.connections:
        return
    yield from _one_by_one(scan.connections) if len(scan.connections) <= ONE_BY_ONE else _groups(scan.connections)
    beyond = scan.connections_total - len(scan.connections)
    if len(scan.connections) > ONE_BY_ONE or beyond > 0:
        verdicts = counted((verdict, scan.by_verdict.get(verdict, 0)) for verdict in ORDER)
        more = f", of which {beyond:,} are not in the table" if beyond > 0 else ""
        yield ""
        yield f"{count(scan.connections_total, 'connection')}: {verdicts or 'not judged'}{more}."


def _one_by_one(connections: list[ConnectionResult]) -> Iterator[str]:
    yield "| # | client | server | user | verdict | TLS | in clear | in TLS | statements |"
    yield "| ---: | --- | --- | --- | --- | --- | ---: | ---: | ---: |"
    for c in sorted(connections, key=lambda one: ORDER.index(one.verdict)):
        verdict = judged(c.verdict, c.confidence)
        cells = (
            str(c.id), code(endpoint(c.client), NAME), code(endpoint(c.server), NAME), _name(c.user),
            f"**{verdict}**" if c.verdict in LEAKS else verdict, _name(None if c.tls is None else c.tls.version),
            f"{clear_bytes(c):,}", f"{tls_bytes(c):,}", f"{c.statements_total:,}",
        )
        yield f"| {' | '.join(cells)} |"


def _groups(connections: list[ConnectionResult]) -> Iterator[str]:
    """Yield the table of who talks to whom, the worst first."""
    groups: dict[tuple[str, str, str | None], Counter[str]] = {}
    for c in connections:
        group = groups.setdefault((describe_host(c), endpoint(c.server), c.user), Counter())
        group.update({c.verdict: 1, "clear": clear_bytes(c), "statements": c.statements_total})
        group["leaks"] += c.verdict in LEAKS
    ordered = sorted(groups.items(), key=lambda one: (-one[1]["leaks"], -one[1]["clear"]))
    yield "| client host | server | user | plaintext | mixed | encrypted | other | in clear | statements |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (client, server, user), counts in ordered[:GROUPS]:
        leaks = f"**{counts['plaintext']:,}**" if counts["plaintext"] else "0"
        other = sum(counts[verdict] for verdict in ORDER[3:])
        numbers = (counts["mixed"], counts["encrypted"], other, counts["clear"], counts["statements"])
        cells = (code(client, NAME), code(server, NAME), _name(user), leaks, *(f"{number:,}" for number in numbers))
        yield f"| {' | '.join(cells)} |"
    if len(ordered) > GROUPS:
        rest = sum(counts[verdict] for _, counts in ordered[GROUPS:] for verdict in ORDER)
        yield ""
        yield f"{count(len(ordered) - GROUPS, 'more row')}, of {count(rest, 'connection')}."


def _name(name: str | None) -> str:
    return "-" if name is None else code(name, NAME)


def _reasons(scan: Scan) -> Iterator[str]:
    """Yield why connections are not a proven `plaintext` or `encrypted`."""
    names = frame_names(scan, NAME)
    weak = [
        c for c in scan.connections
        if c.reasons and not (c.confidence == "proven" and c.verdict in ("plaintext", "encrypted"))
    ]
    for c in weak[:REASONS]:
        reason = c.reasons[0]
        where = _place(names, reason.frame, reason.direction, reason.offset)
        more = f", and {count(len(c.reasons) - 1, 'more reason')}" if len(c.reasons) > 1 else ""
        text = prose(reason.text, SENTENCE)
        yield f"- Connection {c.id} is {judged(c.verdict, c.confidence)}: {text}{f' ({where})' if where else ''}{more}"
    if len(weak) > REASONS:
        yield f"- and {count(len(weak) - REASONS, 'more connection')} with a reason"


def _replicated(scan: Scan) -> Iterator[str]:
    """Yield replication streams and copied data folders."""
    found = [c for c in scan.connections if c.replication is not None or c.clone is not None]
    if not found:
        return
    yield "### Replication and CLONE in the clear"
    yield ""
    for c in found[:REPLICATED]:
        words = "; ".join(f"{name.lower()}: {prose(text, SENTENCE)}" for name, text in list_lines(c))
        yield f"- Connection {c.id}: {words}"
    if len(found) > REPLICATED:
        yield f"- and {count(len(found) - REPLICATED, 'more connection')}"


def _statements(scan: Scan, redact: bool, reveal: bool) -> Iterator[str]:
    total = sum(c.statements_total for c in scan.connections)
    if not total:
        return
    clock, names = find_clock(scan), frame_names(scan, NAME)
    yield f"### {count(total, 'statement')} in the clear"
    left = STATEMENTS
    for c in scan.connections:
        statements = c.statements[: min(STATEMENTS_EACH, left)]
        if not statements:
            continue
        left -= len(statements)
        yield ""
        yield f"Connection {c.id}, {_who(c)}:"
        yield ""
        yield from block([_statement(one, clock, names, redact, reveal) for one in statements], "sql")
        if c.statements_total > len(statements):
            yield ""
            yield f"{count(c.statements_total - len(statements), 'more statement')} of this connection."
    shown = STATEMENTS - left
    if total > shown:
        yield ""
        yield f"{count(shown, 'statement')} of {total:,} shown."


def _kinds(scan: Scan, redact: bool) -> Iterator[str]:
    """Yield the kinds of statements, those with the most first."""
    groups = scan.groups or []
    if not groups:
        return
    clock = find_clock(scan)
    yield f"### {format_title(scan)}"
    yield ""
    yield "| statements | connections | statement | data | first | last |"
    yield "| ---: | ---: | --- | --- | --- | --- |"
    for one, made, example in islice(shown_groups(scan, redact=redact), STATEMENTS):
        first, last = (prose((when or "-").partition(".")[0]) for when in find_times(one, clock))
        text = code(made, SQL) if made else f"{code(one.command)} {code(example, NAME) if example else NO_TEXT}"
        data = prose(format_classes(one), NAME * 2) or "-"
        yield f"| {one.count:,} | {one.connections:,} | {text} | {data} | {first} | {last} |"
    if len(groups) > STATEMENTS:
        yield ""
        yield f"{count(len(groups) - STATEMENTS, 'more kind')}."


def _results(scan: Scan, redact: bool, reveal: bool) -> Iterator[str]:
    """Yield the columns that crossed in results, and errors."""
    traffic = merged(c.columns for c in scan.connections)
    rows, size = sum(c.rows for c in scan.connections), sum(c.row_bytes for c in scan.connections)
    errors = [(c.id, shown_error(one, redact=redact, reveal=reveal)) for c in scan.connections for one in c.errors]
    if not traffic and not rows and not errors:
        return
    total = sum(c.errors_total for c in scan.connections)
    yield f"### Answers in the clear: {count(rows, 'row')}, {count(size, 'byte')}, {count(total, 'error')}"
    if traffic:
        yield ""
        yield "| column | results | rows | bytes |"
        yield "| --- | ---: | ---: | ---: |"
        for one in traffic[:COLUMNS]:
            yield f"| {code(column_name(one), NAME)} | {one.results:,} | {one.rows:,} | {one.bytes:,} |"
        if len(traffic) > COLUMNS:
            yield ""
            yield f"{count(len(traffic) - COLUMNS, 'more column')}."
    if errors:
        yield ""
        for number, error in errors[:ERRORS]:
            yield f"- Connection {number}, error {error.code}: {code(error.text, SQL)}"
        if total > len(errors[:ERRORS]):
            yield f"- and {count(total - len(errors[:ERRORS]), 'more error')}"


def _who(c: ConnectionResult) -> str:
    user = "" if c.user is None else f"user {code(c.user, NAME)} "
    database = "" if c.database is None else f", database {code(c.database, NAME)}"
    return f"{user}from {code(endpoint(c.client), NAME)} to {code(endpoint(c.server), NAME)}{database}"


def _place(
    names: FrameNames, frame: int | None, direction: str | None, offset: int | None, connection: int | None = None
) -> str:
    """Return a place as `place` does; a name of a file is code."""
    name = names.optional(frame)
    return place(code(name) if name is not None and names.several else name, direction, offset, connection)


def _in_comment(name: str) -> str:
    """Return a frame's name that cannot end the comment, or the block, that it is in."""
    return spell_ticks(name).replace("*/", "*\\x2f")


def _statement(statement: StatementResult, clock: Clock, names: FrameNames, redact: bool, reveal: bool) -> str:
    one = shown(statement, redact=redact, reveal=reveal)
    when = clock.show(one.frame, one.time_ns)
    part = "" if one.complete else " (not all of it)"
    head = f"/* frame {_in_comment(names.name(one.frame))}{f', {when}' if when else ''}, {one.command}{part} */"
    return f"{head} {cut(spell_ticks(show_bytes(one.sql, limit=SQL)), SQL + 40)}"


def _findings(scan: Scan) -> Iterator[str]:
    by_rule = findings_by_rule(scan)
    if not by_rule:
        return
    names = frame_names(scan, NAME)
    yield "### Findings"
    yield ""
    yield "| rule | severity | what was found | how often | first place |"
    yield "| --- | --- | --- | ---: | --- |"
    for one in by_rule[:RULES_SHOWN]:
        first = one.findings[0]
        where = _place(names, first.frame, None, first.offset, first.connection)
        detail = prose(first.detail, SENTENCE)
        place = ": ".join(filter(None, (where, detail)))
        cells = (one.rule, first.severity, prose(first.title), f"{one.total:,}", place)
        yield f"| {' | '.join(cells)} |"
    if len(by_rule) > RULES_SHOWN:
        yield ""
        yield f"{count(len(by_rule) - RULES_SHOWN, 'more rule')} of lower severity."
    worst = by_rule[0]
    if SEVERITIES.index(worst.severity) < SEVERITIES.index("low"):
        yield ""
        yield f"**Fix {worst.rule}** (`aurora-wire rules {worst.rule}`):"
        yield ""
        yield from fix_lines(FindingLocator(scan).fix(RULES[worst.rule], worst.findings))


def fix_lines(text: str) -> Iterator[str]:
    """Yield a rule's advice; commands, which begin with two spaces, as code. It is ours, and still goes through prose.
    """
    for line in text.split("\n"):
        if line.startswith("  "):
            yield from block([line[2:]])
        else:
            yield prose(line)


def _undecoded(scan: Scan) -> Iterator[str]:
    if not scan.undecoded:
        return
    yield "### What could not be seen"
    yield ""
    for row in scan.undecoded[:UNDECODED]:
        size = "" if row.bytes is None else f", {count(row.bytes, 'byte')}"
        number = f"{row.count:,} {prose(row.unit.removesuffix('s') if row.count == 1 else row.unit, NAME)}"
        remedy = f" {code(row.remedy, SENTENCE)}" if row.remedy else ""
        yield f"- {prose(row.reason, SENTENCE)}: {number}{size}.{remedy}"
    if len(scan.undecoded) > UNDECODED:
        yield f"- and {len(scan.undecoded) - UNDECODED:,} more"


def _captures(scan: Scan) -> Iterator[str]:
    if not scan.captures:
        return
    yield "### Captures"
    yield ""
    shown = scan.captures
    if len(shown) > CAPTURES:
        shown = sorted(shown, key=lambda one: (one.complete, one.verdict not in LEAKS))[:CAPTURES]
    for capture in shown:
        end = "" if capture.complete else f"; **not read to its end**: {prose(capture.error or '', SENTENCE)}"
        digest = "" if capture.sha256 is None else f", SHA-256 `{capture.sha256}`"
        verdict = ""
        if len(scan.captures) > 1 and capture.verdict is not None:
            words = judged(capture.verdict, capture.confidence)
            verdict = f"**{words}**, " if capture.verdict in LEAKS else f"{words}, "
        yield f"- {code(capture.path, SENTENCE)}: {verdict}{count(capture.packets, 'packet')}{digest}{end}"
    if len(scan.captures) > CAPTURES:
        yield f"- and {len(scan.captures) - CAPTURES:,} more"
