"""Everything that the HTML report says, ready to be put into the template: numbers, text made visible, drawings."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from aurora_wire.report.escape import show_text
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.groups import NO_TEXT, find_times, format_classes, format_names, format_title, shown_groups
from aurora_wire.report.html.connections import Details, Row, build_details, build_row, hide, shown_frame
from aurora_wire.report.html.cover import Case, Cover, build_cover
from aurora_wire.report.html.findings import ControlRow, RuleCard, control_rows, rule_cards, severities
from aurora_wire.report.html.frames import Frames, Pair
from aurora_wire.report.html.impact import ImpactTable, ShownImpact, shown_impact
from aurora_wire.report.html.limits import (
    CAPTURES,
    DETAILS,
    HOST_ROWS,
    NAME_CHARACTERS,
    ROWS,
    STATEMENTS,
    STATEMENTS_EACH,
    by_weight,
    detailed,
)
from aurora_wire.report.html.svg_bytes import Part, both, draw_bytes, sum_bytes
from aurora_wire.report.html.svg_hosts import HostDrawing, counts_by_pair, draw_hosts, leaks, summary
from aurora_wire.report.html.text import SIGNS, WORDS, clip, in_utc, judged, size, tone
from aurora_wire.report.summary import count_findings
from aurora_wire.report.text.leaked import NOT_CLASSIFIED, format_columns, format_origins, format_values, leaked_words
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.report.wording import LEAKS, ORDER, count, counted
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, LeakedClass, Scan, Verdict
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.verdict.rules.registry import RULES

if TYPE_CHECKING:
    from aurora_wire.report.html.posture import Allowed

LEAKED_COLUMNS: Final = 10  # named in a row
LEAKED_VALUES: Final = 5    # told by their hash
COLUMN_CHARACTERS: Final = 400
GROUPS: Final = 200     # of statements
UNFOLDED: Final = 3     # details that are open from the start

HEADLINES: Final[dict[Verdict, str]] = {
    "plaintext": "MySQL crossed this network in the clear",
    "mixed": "Some of the MySQL traffic crossed this network in the clear",
    "encrypted": "The MySQL traffic that was captured was encrypted",
    "inconclusive": "What was captured cannot decide whether MySQL was encrypted",
    "no-session": "Nobody logged in to MySQL while this was captured",
    "not-mysql": "No MySQL traffic was captured",
}
LEAK_PROVEN: Final = "Proven: what leaked was decoded from the captures, and anyone can check it."
PROVEN: Final = "Proven: every connection was captured whole, from its greeting on, and anyone can check it."
LIKELY: Final = "Likely, not proven: something that a proof needs is not in the captures. The reasons are below."
MEANINGS: Final[dict[Verdict, str]] = {
    "plaintext": "A login, a statement or a result crossed outside TLS.",
    "mixed": "The same, and TLS besides.",
    "encrypted": "Nothing that needs protection was seen outside TLS, and TLS records carried data.",
    "inconclusive": "MySQL, or on a port of MySQL, and what was captured cannot decide.",
    "no-session": "No login and no command crossed, as far as captured.",
    "not-mysql": "Another protocol.",
}


@dataclass(slots=True, frozen=True)
class Tile:
    number: str
    text: str
    tone: str = "none"


@dataclass(slots=True, frozen=True)
class LeakedRow:
    data: str
    severity: str
    origins: str
    connections: str
    frame: str
    columns: str
    values: str


@dataclass(slots=True, frozen=True)
class HostRow:
    client: str
    server: str
    says: str
    tone: str
    total: str


@dataclass(slots=True, frozen=True)
class Badge:
    tone: str
    sign: str
    judged: str


@dataclass(slots=True, frozen=True)
class GroupRow:
    count: str
    connections: str
    command: str
    fingerprint: str
    example: str
    names: str
    data: str
    first: str
    last: str


@dataclass(slots=True, frozen=True)
class CaptureRow:
    path: str
    kind: str
    packets: str
    bytes: str
    span: str
    sha256: str
    notes: list[str]
    complete: bool
    verdict: Badge | None


@dataclass(slots=True)
class Page:
    """What the template is given. Lists are bounded; the number beside each says how many more there are."""

    headline: str
    verdict: str
    tone: str
    sign: str
    confidence: str
    closing: str
    incomplete: str
    tiles: list[Tile]
    leaked: list[LeakedRow]     # classes of data in the clear
    not_classified: str
    groups_title: str
    groups: list[GroupRow]      # of statements in the clear, where they were asked for
    more_groups: str
    severities: list[tuple[str, str]]
    bytes: list[Part]
    hosts: HostDrawing
    host_rows: list[HostRow]
    more_hosts: int
    not_mysql: str
    rows: list[Row]
    connections: int            # listed or not
    more_rows: int
    verdicts: list[tuple[str, str, int]]    # (verdict, in words, how many of `rows`)
    details: list[Details]
    more_details: int
    pairs: list[Pair]
    note: str
    rules: list[RuleCard]
    findings: int
    impact: ShownImpact | None
    controls: list[ControlRow]
    frameworks: list[str]       # that were asked for, by name
    captures: list[CaptureRow]
    several: bool               # captures: then each shows its verdict
    more_captures: int
    ignored: str                # files in folders that are no captures
    keylogs: list[str]
    undecoded: list[tuple[str, str, str, str]]
    commands: list[tuple[str, str]]
    masked: bool
    equal_masks: bool           # equal values can be told to be equal
    version: str
    meanings: list[tuple[str, str, str]] = field(default_factory=list)
    allowed: Allowed | None = None      # what the servers allow, where that was asked
    cover: Cover = field(default_factory=lambda: Cover("", [], [], 0))
    appendix: bool = False              # on paper all is there, and not the short form


def build_page(
    scan: Scan, frames: Frames, *, redact: bool, masked: bool, frameworks: Sequence[str], command: Sequence[str],
    impact: ImpactTable | None, case: Case | None = None, appendix: bool = False,
) -> Page:
    """Make the page. redact: mask here; masked: it is so already. command: how the report was made."""
    connections = [hide(one) for one in scan.connections] if redact else scan.connections
    scan = replace(scan, connections=connections)
    clock, names = find_clock(scan), frame_names(scan, NAME_CHARACTERS)
    chosen = detailed(scan)
    shown = {one.id for one in chosen}
    rows = [build_row(one, has_details=one.id in shown) for one in by_weight(connections)[:ROWS]]
    pairs = counts_by_pair(connections)
    hosts = _host_rows(pairs)
    of_rows = Counter(row.verdict for row in rows)
    controls = control_rows(scan, frameworks)
    return Page(
        headline=HEADLINES[scan.verdict],
        verdict=judged(scan.verdict, scan.confidence),
        tone=tone(scan.verdict, scan.confidence),
        sign=SIGNS[scan.verdict],
        confidence=_confidence(scan),
        closing=show_text(scan.closing),
        incomplete=_incomplete(scan),
        tiles=_tiles(scan),
        leaked=[_leaked_row(one, names, scan.values_key) for one in scan.leaked],
        not_classified=(
            f"{count(scan.not_classified, 'more statement')} {NOT_CLASSIFIED}." if scan.not_classified else ""
        ),
        groups_title=format_title(scan),
        groups=_group_rows(scan, clock, redact=redact),
        more_groups=_more_groups(scan),
        severities=[(severity, f"{number:,} {severity}") for severity, number in severities(scan)],
        bytes=draw_bytes(sum_bytes(both(connections))),
        hosts=draw_hosts(pairs),
        host_rows=hosts[:HOST_ROWS],
        more_hosts=max(len(hosts) - HOST_ROWS, 0),
        not_mysql=counted(sorted((clip(name), number) for name, number in scan.not_mysql.items())),
        rows=rows,
        connections=max(scan.connections_total, len(connections)),
        more_rows=max(scan.connections_total, len(connections)) - len(rows),
        verdicts=[(verdict, WORDS[verdict], of_rows[verdict]) for verdict in ORDER if of_rows[verdict]],
        details=_details(chosen, frames, clock, names, redact=redact),
        more_details=max(scan.connections_total, len(connections)) - len(chosen),
        pairs=[_named(one, names) for one in frames.pairs],
        note=show_text(frames.note),
        rules=rule_cards(scan, FindingLocator(scan), frameworks),
        findings=count_findings(scan).total(),
        impact=shown_impact(impact),
        controls=controls,
        frameworks=list(dict.fromkeys(row.framework for row in controls)) if frameworks else [],
        captures=[_capture(one, clock) for one in _captures(scan)],
        several=names.several,
        more_captures=max(len(scan.captures) - CAPTURES, 0),
        ignored=_ignored(scan.ignored),
        keylogs=[f"{clip(one.path)}: {count(one.secrets, 'secret')}" for one in scan.keylogs[:CAPTURES]],
        undecoded=[(clip(one.reason), count(one.count, clip(one.unit).removesuffix("s")),
                    "" if one.bytes is None else size(one.bytes), clip(one.remedy, 400)) for one in scan.undecoded],
        commands=_commands(scan, command),
        masked=redact or masked,
        equal_masks=masked,
        version=clip(scan.tool_version),
        meanings=[(SIGNS[verdict], WORDS[verdict], MEANINGS[verdict]) for verdict in ORDER],
        cover=build_cover(scan, case or Case()),
        appendix=appendix,
    )  # fmt: skip


def _named(pair: Pair, names: FrameNames) -> Pair:
    """Return a pair of dumps with their frames' names."""
    leak, beside = (
        None if one is None else replace(one, frame=shown_frame(names, one.number)) for one in (pair.leak, pair.beside)
    )
    return replace(pair, leak=leak, beside=beside)


def _confidence(scan: Scan) -> str:
    if scan.confidence == "likely":
        return LIKELY
    if scan.confidence is None or scan.verdict == "no-session":
        return ""
    return LEAK_PROVEN if scan.verdict in LEAKS else PROVEN


def _incomplete(scan: Scan) -> str:
    cut = [one for one in scan.captures if not one.complete]
    if not cut:
        return ""
    which = clip(cut[0].path) if len(cut) == 1 else f"{len(cut):,} captures"
    return f"Not all of the input could be read ({which}): what is missing there is not judged."


def _leaked_row(one: LeakedClass, names: FrameNames, key: bytes) -> LeakedRow:
    rule = RULES[RULE_OF[one.data]]
    columns = format_columns(one, LEAKED_COLUMNS).removeprefix("columns ").removeprefix("column ")
    frame = show_text(names.name(one.frame))
    values = clip(format_values(one, key, LEAKED_VALUES), COLUMN_CHARACTERS)
    return LeakedRow(
        leaked_words(one), rule.severity, format_origins(one), f"{one.connections:,}", frame,
        clip(columns, COLUMN_CHARACTERS), values,
    )


def _group_rows(scan: Scan, clock: Clock, *, redact: bool) -> list[GroupRow]:
    rows = []
    for one, made, example in islice(shown_groups(scan, redact=redact), GROUPS):
        first, last = (show_text((when or "").partition(".")[0].replace("T", " ")) for when in find_times(one, clock))
        rows.append(GroupRow(
            f"{one.count:,}", f"{one.connections:,}", show_text(one.command), made or NO_TEXT, example,
            format_names(one), format_classes(one), first, last,
        ))
    return rows


def _more_groups(scan: Scan) -> str:
    more = len(scan.groups or ()) - GROUPS
    parts = [f"{count(more, 'more kind')} of statements"] if more > 0 else []
    if scan.not_grouped:
        parts.append(f"{count(scan.not_grouped, 'more statement')} in none, for want of room")
    return f"{', '.join(parts)}." if parts else ""


def _tiles(scan: Scan) -> list[Tile]:
    tiles = [
        _tile(verdict, number, [one for one in scan.connections if one.verdict == verdict])
        for verdict in ORDER
        if (number := scan.by_verdict.get(verdict, 0))
    ]
    statements = sum(one.statements_total for one in scan.connections)
    words = "statement readable" if statements == 1 else "statements readable"
    tiles.append(Tile(f"{statements:,}", words, "clear" if statements else "none"))
    return tiles


def _tile(verdict: Verdict, number: int, connections: Sequence[ConnectionResult]) -> Tile:
    if verdict != "encrypted":
        return Tile(f"{number:,}", WORDS[verdict], tone(verdict, "proven"))
    proven = sum(one.confidence == "proven" for one in connections)
    if len(connections) < number:  # more than are kept: of those nothing but the verdict is known
        return Tile(f"{number:,}", WORDS[verdict], tone(verdict, "likely"))
    words = f"{WORDS[verdict]}, {'all' if proven == number else f'{proven:,}'} proven"
    return Tile(f"{number:,}", words, tone(verdict, "proven" if proven == number else "likely"))


def _host_rows(pairs: dict[tuple[str, str], Counter[Verdict]]) -> list[HostRow]:
    ordered = sorted(pairs.items(), key=lambda item: (-leaks(item[1]), -item[1].total(), item[0]))
    return [
        HostRow(clip(client), clip(server), summary(verdicts), "clear" if leaks(verdicts) else "none",
                f"{verdicts.total():,}")
        for (client, server), verdicts in ordered
    ]


def _details(
    chosen: Sequence[ConnectionResult], frames: Frames, clock: Clock, names: FrameNames, *, redact: bool
) -> list[Details]:
    details: list[Details] = []
    left = STATEMENTS
    for at, one in enumerate(chosen):
        details.append(
            build_details(one, clock, names, frames.steps.get(one.id), redact=redact,
                       statements=min(STATEMENTS_EACH, left), unfolded=at < UNFOLDED)
        )
        left -= len(details[-1].statements) + len(details[-1].inside)
        left = max(left, 0)
    assert len(details) <= DETAILS  # noqa: S101 - what keeps the page small
    return details


def _captures(scan: Scan) -> list[CaptureResult]:
    if len(scan.captures) <= CAPTURES:
        return scan.captures
    return sorted(scan.captures, key=lambda one: (one.complete, one.verdict not in LEAKS))[:CAPTURES]


def _capture(capture: CaptureResult, clock: Clock) -> CaptureRow:
    first = in_utc(clock.show_in(capture, capture.first_time_ns))
    last = in_utc(clock.show_in(capture, capture.last_time_ns))
    kind = capture.format + (f" in {capture.compression}" if capture.compression else "")
    links = ", ".join(capture.link_types)
    skipped = counted(sorted(capture.skipped.items()))
    notes = (
        "" if capture.complete else f"Incomplete: {clip(capture.error or 'not read to its end', 400)}",
        f"{count(capture.truncated_packets, 'packet')} cut by the snaplen" if capture.truncated_packets else "",
        f"{count(capture.dropped_packets, 'packet')} dropped by the interface" if capture.dropped_packets else "",
        "The interface's drops are not known" if capture.dropped_packets is None else "",
        f"Not decoded: {clip(skipped, 400)}" if skipped else "",
        "Without dates: times of the day only" if capture.undated else "",
    )
    return CaptureRow(
        path=clip(capture.path, 300),
        kind=clip(", ".join(part for part in (kind, links) if part)),
        packets=f"{capture.packets:,}",
        bytes=size(capture.bytes),
        span=f"{first} to {last}" if first and last else "",
        sha256=capture.sha256 or "",
        notes=[note for note in notes if note],
        complete=capture.complete,
        verdict=None if capture.verdict is None else Badge(
            tone(capture.verdict, capture.confidence), SIGNS[capture.verdict],
            judged(capture.verdict, capture.confidence),
        ),
    )  # fmt: skip


def _ignored(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    named = ", ".join(clip(path, 300) for path in paths[:CAPTURES])
    return f"{count(len(paths), 'other file')} in folders, no captures: {named}" + (", ..." if paths[CAPTURES:] else "")


def _commands(scan: Scan, command: Sequence[str]) -> list[tuple[str, str]]:
    """Return (what it does, the command): to be pasted, so quoted for a shell."""
    readable = [one for one in scan.captures if one.format != "unreadable" and one.path != "-"]
    paths = [one.path for one in readable[:CAPTURES]]
    commands: list[tuple[str, Sequence[str]]] = [("Make this report", command)] if command else []
    if paths:
        commands += [
            ("Check that the captures are the same", ["sha256sum", *paths]),
            ("Judge the captures again", ["aurora-wire", "scan", *paths]),
            ("Look at every packet, with what is in it", ["aurora-wire", "packets", "-X", *paths]),
        ]
    return [(what, show_text(shlex.join(words))) for what, words in commands]
