"""The impact table as text, JSON (`aurora-wire/impact/1`) and CSV."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from aurora_wire.compare.impact import DECLINED, LEGS, NOT_OFFERED, NOT_SEEN, Group, Impact
from aurora_wire.report.csv_tables import line as csv_line
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_fields import filter_fields
from aurora_wire.report.json_text import clean
from aurora_wire.report.text.table import table
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.report.wording import RED, Style, count

SCHEMA: Final = "aurora-wire/impact/1"
SHOWN: Final = 60  # groups of a leg in text
SUMMED: Final = 8   # drivers, programs, hosts in the summary
SERVERS: Final = 3  # of a group
COLUMNS: Final = (
    "leg", "told_by", "client", "user", "program", "driver", "driver_version", "servers", "connections", "statements",
    "declined_tls", "offered_no_tls", "offer_not_seen", "first_seen", "last_seen", "option",
)  # fmt: skip


def render_text(impact: Impact, style: Style) -> Iterator[str]:
    """Yield lines, each with its newline; the answer is the last."""
    clock = find_clock(impact.scan)
    if impact.groups:
        yield from (line + "\n" for line in _summary(impact.groups, style))
        yield "\n"
    for leg in LEGS:
        groups = [group for group in impact.groups if group.leg == leg]
        if groups:
            yield from (line + "\n" for line in _leg(leg, groups, clock, style))
            yield "\n"
    if impact.beyond:
        yield f"{count(impact.beyond, 'more connection')} in the clear of clients beyond our bound\n"
    if any(group.offers.get(NOT_OFFERED) for group in impact.groups):
        yield from (
            line + "\n"
            for line in style.wrap(
                f'TLS "{NOT_OFFERED}": the server has no TLS yet. Some drivers use TLS by themselves once it has; who '
                f'"{DECLINED}" was offered it, and does not.', ""
            )
        )  # fmt: skip
        yield "\n"
    yield closing(impact, style) + "\n"


def _summary(groups: list[Group], style: Style) -> Iterator[str]:
    """Yield who comes in the clear, the most connections first: drivers, programs, hosts."""
    yield style.title("Who came in the clear")
    drivers: Counter[str] = Counter()
    programs: Counter[str] = Counter()
    hosts: Counter[str] = Counter()
    for group in groups:
        drivers[_driver(group)] += group.connections
        programs[_text(group.program)] += group.connections
        hosts[show_text(group.client)] += group.connections
    for what, counted in (("drivers", drivers), ("programs", programs), ("hosts", hosts)):
        named = ", ".join(f"{name if name != '-' else 'not named'} ({number:,})" for name, number in
                          counted.most_common(SUMMED))  # fmt: skip
        more = len(counted) - SUMMED
        yield from style.wrap(f"{what}: {named}{f', and {more:,} more' if more > 0 else ''}", "  ")


def _leg(leg: str, groups: list[Group], clock: Clock, style: Style) -> Iterator[str]:
    connections = sum(group.connections for group in groups)
    yield style.title(f"{leg}: {count(connections, 'connection')} in the clear")
    header = ("client", "user", "program", "driver", "server", "connections", "first seen", "last seen", "TLS")
    cells = [
        (show_text(g.client), _text(g.user), _text(g.program), _driver(g), show_text(_servers(g)), f"{g.connections:,}",
         _time(clock, g, g.first_ns), _time(clock, g, g.last_ns), max(g.offers, key=lambda one: g.offers[one]))
        for g in groups[:SHOWN]
    ]
    yield from table(header, cells, width=style.room, right={5}, leave=(8, 6, 7))
    told = Counter(group.told_by for group in groups)
    yield from style.wrap(f"why {leg}: {', '.join(told)}", "  ")
    if len(groups) > SHOWN:
        yield f"  {count(len(groups) - SHOWN, 'more line')}: --format csv lists all"
    for option, names in _options(groups).items():
        yield from style.wrap(f"Fix for {', '.join(names)}: {option}", "  ")


def _servers(group: Group) -> str:
    """Return the servers, the first ones and how many more."""
    named = sorted(group.servers)
    return ", ".join(named[:SERVERS]) + (f" and {len(named) - SERVERS:,} more" if len(named) > SERVERS else "")


def _options(groups: list[Group]) -> dict[str, list[str]]:
    """Group drivers by the option that fixes them."""
    found: dict[str, list[str]] = {}
    for group in groups:
        names = found.setdefault(group.option, [])
        name = group.driver.name if group.driver.known else "what has no known driver"
        if name not in names:
            names.append(name)
    return found


def _driver(group: Group) -> str:
    return show_text(f"{group.driver.name} {group.driver_version}".rstrip())


def _text(value: str | None) -> str:
    return show_text(value) if value else "-"


def _time(clock: Clock, group: Group, time_ns: int | None) -> str:
    shown = clock.show(group.first_frame, time_ns)
    return "-" if shown is None else shown.partition(".")[0].replace("T", " ")[:-3]  # to the minute


def closing(impact: Impact, style: Style) -> str:
    """Return the answer, in one sentence; where filters left something out, of what they let through."""
    scan = impact.scan
    if not scan.filters:
        return _answer(impact, style)
    options = " ".join(f"--{name} {show_text(value)}".rstrip() for name, value in scan.filters.items())
    left = count(scan.filtered_out, "connection")
    return f"Of what {options} lets through ({left} left out): {_answer(impact, style)}"


def _answer(impact: Impact, style: Style) -> str:
    rest = f"{count(impact.encrypted, 'connection')} encrypted, {impact.undecided:,} undecided"
    if impact.breaking:
        hosts = {group.client for group in impact.groups}
        answer = f"{count(impact.breaking, 'connection')} of {count(len(hosts), 'client host')}"
        return f"{style.paint('WOULD BREAK', RED)}: {answer} came in the clear; {rest}."
    if impact.exit_code == 0:
        return f"NOBODY SEEN who would break: {rest}. Who did not connect during the capture is not known."
    return f"NOT DECIDED: {rest}."


def render_json(impact: Impact) -> Iterator[str]:
    clock = find_clock(impact.scan)
    fields: dict[str, object] = {
        "schema": SCHEMA,
        "exit_code": impact.exit_code,
        "breaking": impact.breaking,
        "encrypted": impact.encrypted,
        "undecided": impact.undecided,
        "beyond_bound": impact.beyond,
        "captures": [
            {"path": clean(capture.path), "sha256": capture.sha256, "complete": capture.complete}
            for capture in impact.scan.captures
        ],
        **({"filters": filter_fields(impact.scan)} if impact.scan.filters else {}),
        "groups": [dict(zip(COLUMNS, _row(group, clock), strict=True)) for group in impact.groups],
    }
    yield json.dumps(fields, indent=1, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def render_csv(impact: Impact) -> Iterator[str]:
    clock = find_clock(impact.scan)
    yield csv_line(COLUMNS)
    for group in impact.groups:
        yield csv_line([
            ", ".join(cell) if isinstance(cell, list) else show_text(cell) if isinstance(cell, str) else cell
            for cell in _row(group, clock)
        ])


def _row(g: Group, clock: Clock) -> list[str | int | list[str] | None]:
    return [
        g.leg, g.told_by, g.client, None if g.user is None else clean(g.user),
        None if g.program is None else clean(g.program), g.driver.name, clean(g.driver_version) or None,
        sorted(g.servers), g.connections, g.statements, g.offers.get(DECLINED, 0), g.offers.get(NOT_OFFERED, 0),
        g.offers.get(NOT_SEEN, 0), clock.show(g.first_frame, g.first_ns), clock.show(g.first_frame, g.last_ns),
        g.option,
    ]  # fmt: skip
