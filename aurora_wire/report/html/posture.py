"""What the servers allow, for the HTML report: all views of each server in one table, then each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.audit import AuditResult
from aurora_wire.posture.check import VIEWS, CheckResult
from aurora_wire.posture.fleet import Gap
from aurora_wire.posture.probe import AddressResult
from aurora_wire.posture.result import Posture, worst
from aurora_wire.posture.survey import OFFERED
from aurora_wire.report.html.findings import RuleCard, fix_lines
from aurora_wire.report.html.limits import PLACES_EACH
from aurora_wire.report.html.render import write_page
from aurora_wire.report.html.text import clip
from aurora_wire.report.posture.joined import joined
from aurora_wire.report.posture.mask import mask, stars
from aurora_wire.report.posture.servers import Outcome, ServerRow, gap_text, list_gaps, list_rows
from aurora_wire.report.text.audit import account_requires, account_state, accounts_by_weight
from aurora_wire.report.wording import SEVERITIES, count
from aurora_wire.verdict.exceptions import known_in_words
from aurora_wire.verdict.result import Scan
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name

ROWS: Final = 500       # servers in the table
DETAILS: Final = 100    # servers one by one
ACCOUNTS: Final = 200   # of a server
UNFOLDED: Final = 3
TEXT: Final = 600       # characters of a sentence
GAPS: Final = 50

# By what a view says: its colour in style.css, and a sign for who does not see it.
STATES: Final = {
    "in the clear": ("clear", "\N{MULTIPLICATION X}"),
    "may come in the clear": ("mixed", "\N{CIRCLE WITH LEFT HALF BLACK}"),
    "encrypted only": ("safe", "\N{CHECK MARK}"),
    "cannot tell": ("unsure", "?"),
}
OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "good": ("safe", "\N{CHECK MARK}"), "bad": ("clear", "\N{MULTIPLICATION X}"), "unknown": ("unsure", "?"),
}  # fmt: skip
# Of a page without captures, by its exit code.
HEADLINES: Final = {
    0: ("good", "Nothing that lets clients come in the clear was found"),
    1: ("bad", "These servers let sessions come in the clear, or their TLS is weak"),
    3: ("unknown", "What these servers allow cannot all be told"),
}


@dataclass(slots=True, frozen=True)
class ViewCell:
    """What one view says of a server, in words; tone and sign are those of its state."""

    tone: str
    sign: str
    state: str
    answer: str


@dataclass(slots=True, frozen=True)
class JoinedRow:
    """One server: a cell for each column of the table, None where this was not looked at."""

    server: str
    cells: list[ViewCell | None]
    tone: str
    sign: str
    says: str
    contradictions: list[str]


@dataclass(slots=True)
class ServerDetails:
    """One server by itself. settings: (name, value, meaning); accounts: (account, plugin, requires, state)."""

    title: str
    how: str
    tone: str
    sign: str
    says: str
    facts: list[tuple[str, str]]
    unfolded: bool
    suites: list[tuple[str, str]] = field(default_factory=list)
    settings: list[tuple[str, str, str]] = field(default_factory=list)
    accounts: list[tuple[str, str, str, str]] = field(default_factory=list)
    more_accounts: int = 0


@dataclass(slots=True)
class Allowed:
    """The section. Lists are bounded; the number beside each says how many more there are."""

    columns: list[str]
    rows: list[JoinedRow]
    more_rows: int
    servers: list[ServerDetails]
    more_servers: int
    rules: list[RuleCard]
    gaps: list[str]
    more_gaps: int


@dataclass(slots=True)
class PosturePage:
    """A page of its own, without captures."""

    headline: str
    tone: str
    sign: str
    closing: str
    version: str
    masked: bool
    allowed: Allowed
    command: str


def page(posture: Posture) -> Iterator[str]:
    """Yield the page of one result in pieces, as `--format html` has it: names of users are masked."""
    return write_posture_page([mask(posture, stars)], masked=True)


def write_posture_page(results: Sequence[Posture], *, masked: bool, command: str = "") -> Iterator[str]:
    """Yield a page without captures. masked: the results are so already; command: how it was made."""
    code = worst([each.exit_code for each in results])
    outcome, headline = HEADLINES[code]
    tone, sign = OUTCOMES[outcome]  # type: ignore[index]
    rows = [row for each in results for row in list_rows(each)]
    bad = sum(row.outcome == "bad" for row in rows)
    unknown = sum(row.outcome == "unknown" for row in rows)
    closing = f"{count(len(rows), 'answer')}, {bad:,} of them not as they should be"
    closing += f", and {unknown:,} that cannot be told." if unknown else "."
    known = known_in_words([one for each in results for one in each.exceptions])
    closing += f" {clip(known[:1].upper() + known[1:], TEXT)}." if known else ""
    found = PosturePage(
        headline, tone, sign, closing, clip(results[0].tool_version if results else ""), masked, build_allowed(results),
        clip(command, TEXT),
    )
    return write_page("posture_page.html", found)


def build_allowed(results: Sequence[Posture], scan: Scan | None = None) -> Allowed:
    """Make the section, for a report of these results beside a scan. What is masked has to be so already."""
    table = joined(results, scan)
    columns = [name for name in VIEWS if any(view.name == name for row in table for view in row.views)]
    table.sort(key=lambda row: list(STATES).index(row.state))
    rows = [row for each in results for row in list_rows(each)]
    parts = [part for each in results for part in _parts(each)]
    gaps: list[Gap] = [gap for each in results for gap in list_gaps(each)]
    return Allowed(
        columns=[name[0].upper() + name[1:] for name in columns],
        rows=[_row(each, columns) for each in table[:ROWS]],
        more_rows=max(0, len(table) - ROWS),
        servers=[_details(*pair, at) for at, pair in enumerate(parts[:DETAILS])],
        more_servers=max(0, len(parts) - DETAILS),
        rules=_cards(rows),
        gaps=[clip(gap_text(gap), TEXT) for gap in gaps[:GAPS]],
        more_gaps=max(0, len(gaps) - GAPS),
    )


def _row(check: CheckResult, columns: list[str]) -> JoinedRow:
    tone, sign = STATES[check.state]
    cells: list[ViewCell | None] = []
    for name in columns:
        view = next((view for view in check.views if view.name == name), None)
        cells.append(None if view is None else ViewCell(*STATES[view.state], view.state, clip(view.answer, TEXT)))
    said = [clip(each, TEXT) for each in check.contradictions]
    return JoinedRow(clip(str(check.target)), cells, tone, sign, check.state, said)


Part = tuple[ServerRow, AddressResult | None, AuditResult | None]


def _parts(posture: Posture) -> Iterator[Part]:
    """Yield a row for each answer: those that a check is made of by themselves."""
    for check in posture.checks:
        if check.probe is not None:
            yield from _parts(Posture("probe", probes=[(check.probe, check.assessments)]))
        if check.audit is not None:
            yield from _parts(Posture("audit", audits=[check.audit]))
    if posture.checks:
        return
    addresses: list[AddressResult | None] = []
    for result, _ in posture.probes:
        addresses += result.addresses or [None]
    audits = posture.audits
    for at, row in enumerate(list_rows(posture)):
        yield row, addresses[at] if posture.kind == "probe" else None, audits[at] if audits else None


def _details(row: ServerRow, address: AddressResult | None, audit: AuditResult | None, at: int) -> ServerDetails:
    tone, sign = OUTCOMES[row.outcome]
    how = {"probe": "asked without an account", "audit": "logged in to", "fleet": "by Amazon's settings"}[row.kind]
    facts = [(clip(name), clip(text, TEXT)) for name, text in row.facts]
    if row.reason:
        facts.append(("cannot be told", clip(row.reason, TEXT)))
    found = ServerDetails(clip(row.title), how, tone, sign, row.says, facts, at < UNFOLDED)
    if address is not None and address.tls is not None:
        found.suites = [
            (version_name(each.version), ", ".join(map(suite_name, each.suites)))
            for each in address.tls.versions if each.status == OFFERED
        ]  # fmt: skip
    if audit is not None:
        found.settings = [
            (clip(each.name), clip(each.value, TEXT) or "(empty)", each.meaning)
            for each in audit.settings if each.meaning
        ]  # fmt: skip
        accounts = accounts_by_weight(audit.accounts or [])
        found.accounts = [
            (clip(f"'{each.user}'@'{each.host}'"), clip(each.plugin), clip(account_requires(each)),
             account_state(each, requires_tls=audit.requires_tls))
            for each in accounts[:ACCOUNTS]
        ]  # fmt: skip
        found.more_accounts = max(0, audit.account_count - len(found.accounts)) if accounts else 0
    return found


def _cards(rows: Sequence[ServerRow]) -> list[RuleCard]:
    by_rule: dict[str, list[tuple[ServerRow, PostureFinding]]] = {}
    for row in rows:
        for hit in row.findings:
            by_rule.setdefault(hit.rule, []).append((row, hit))
    ordered = sorted(by_rule, key=lambda rule: (SEVERITIES.index(RULES[rule].severity), rule))
    return [_card(rule, by_rule[rule]) for rule in ordered]


def _card(rule: str, hits: list[tuple[ServerRow, PostureFinding]]) -> RuleCard:
    entry = RULES[rule]
    return RuleCard(
        id=rule,
        title=entry.title,
        severity=entry.severity,
        times=f"{len(hits):,} times" if len(hits) != 1 else "once",
        why=entry.why,
        fix=fix_lines(hits[0][0].fix(rule)),
        references=entry.references,
        places=[(None, f"{clip(row.title)}: {clip(hit.detail, TEXT)}") for row, hit in hits[:PLACES_EACH]],
        more=max(0, len(hits) - PLACES_EACH),
        controls=[],
    )
