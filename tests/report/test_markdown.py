"""Markdown, as GitHub's own parser reads it: short, and nothing from the wire becomes more than text in code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aurora_wire.report import markdown
from aurora_wire.report.escape import show_text
from aurora_wire.report.markdown_text import code, prose
from aurora_wire.verdict.result import Reason, Scan, Undecoded
from aurora_wire.verdict.rules.leaks import SQL_IN_CLEAR
from aurora_wire.verdict.rules.registry import RULES, finding
from tests.report import scans

TAGS = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong", "code", "pre", "sub"}
COMMENT = 65_536    # characters that GitHub takes in one
ACTIVE = re.compile(r"@\w|#\d|www\.|://|\b(?=\d*[a-f])[0-9a-f]{7,40}\b|:\w+:|GH-\d|[<>`|\[\]]")
EVIL = (
    "@all", "#1", "a|b", "`", "``|``", "<script>alert(1)</script>", "![x](http://x.example/y.png)", "[x](y)",
    "www.x.example", "https://x.example", "a@x.example", ":+1:", "deadbeef", "\\|", "| a | b |", "\n# x", "- x",
    "1. x", "> x", "---", "```", "~~~", "<!--", "&lt;b&gt;", "x" * 10_000, "`" * 10_000, " ", "", "**x**", "$x$",
    "- [ ] x", "[^1]", "GH-1", "\\", "|", "\u202e", "a\n\n</sub>",
)  # fmt: skip


class Page(HTMLParser):
    """The tags, the text outside of code, and each code element's text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outside: list[str] = []
        self.codes: list[str] = []
        self.cells: list[int] = []
        self.comments: list[str] = []
        self._in_code = False
        html = cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "code":
            self._in_code = True
            self.codes.append("")
        elif tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1
        for name, value in attrs:
            assert (name, value) in {("align", "right"), ("lang", "sql")}, (tag, name, value)

    def handle_endtag(self, tag: str) -> None:
        self._in_code = self._in_code and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.codes[-1] += data
        else:
            self.outside.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def text_of(scan: Scan, *, redact: bool = False) -> str:
    return "".join(markdown.render(scan, redact=redact))


def checked(scan: Scan) -> Page:
    return assert_inert(text_of(scan), {5, 9})


def assert_inert(text: str, widths: set[int]) -> Page:
    """Only elements that we write are in it, and nothing acts outside of code. widths: of tables, in cells."""
    assert len(text) < COMMENT
    page = Page(text)
    assert page.tags <= TAGS
    assert page.comments == []
    assert set(page.cells) <= widths
    assert [found for part in page.outside if (found := ACTIVE.search(part))] == []
    return page


def filled(evil: str) -> Scan:
    """A scan with this text wherever the wire or a file name can put it."""
    leak = scans.connection(1, "mixed", user=evil, database=evil, statements_total=2)
    leak.statements = [scans.statement(evil.encode("utf-8", "surrogatepass"))] * 2
    leak.reasons = [Reason("gap", evil, 3, "client", 9)]
    return scans.scan(
        leak, scans.connection(2, "encrypted"), verdict="mixed", exit_code=1, closing=evil, tool_version=evil,
        captures=[scans.capture(evil, complete=False, error=evil)],
        findings=[finding(SQL_IN_CLEAR, evil, connection=1, frame=3)],
        undecoded=[Undecoded(evil, 1, evil, 3, evil)],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["encrypted", "leaky", "undated", "hostile"])
def test_each_sort_of_scan_is_as_the_golden_file_shows(name: str, golden: Callable[[str, str], None]) -> None:
    scan: Scan = getattr(scans, name)()
    checked(scan)
    golden(f"{name}.md", text_of(scan))


@pytest.mark.parametrize("evil", EVIL)
def test_text_from_the_wire_stays_text_in_code(evil: str) -> None:
    page = checked(filled(evil))
    assert page.tags >= {"table", "pre", "code"}
    assert page.cells == [9, 9, 9, 5, 5]


MARKUP = st.text(st.sampled_from("`|@#<>[]()!*_~\\-+=:/.&; \nahtpw1\u202e"), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MARKUP | st.text(max_size=20))
@example("`` ` ``")
def test_any_text_from_the_wire_stays_text_in_code(evil: str) -> None:
    assert checked(filled(evil)).cells == [9, 9, 9, 5, 5]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_is_a_page(scan: Scan) -> None:
    checked(scan)
    assert text_of(scan) == text_of(scan)


@given(MARKUP)
def test_code_shows_what_it_was_given(text: str) -> None:
    page = Page(f"| a |\n| --- |\n| {code(text)} |\n")
    shown = show_text(text).replace("|", "\\x7c")
    (found,) = page.codes
    assert found.replace("\\x60", "`") == (shown if shown.strip() else f"'{shown}'")


@given(MARKUP)
def test_prose_loses_no_character_but_doubled_blanks(text: str) -> None:
    page = Page("x " + prose(text))
    shown = show_text(text).replace("|", "\\x7c")
    whole = re.sub("<[^>]*>", "", cmarkgfm.github_flavored_markdown_to_html("x " + prose(text)))
    assert page.tags <= {"p", "code"}
    assert len(whole) >= len(re.sub(" +", "", shown))


def test_sentences_of_our_own_stay_sentences() -> None:
    assert prose("2 of 4 connections, in the clear; 100% of 1,448 bytes (3 proven).") == (
        "2 of 4 connections, in the clear; 100% of 1,448 bytes (3 proven)."
    )
    assert prose("night.pcap: offset 2048: cut") == "`night.pcap`: offset 2048: cut"


def test_the_verdict_comes_first() -> None:
    assert text_of(scans.leaky()).startswith("## \u274c MIXED (proven)\n")
    assert text_of(scans.encrypted()).startswith("## \u2705 encrypted (proven)\n")
    assert text_of(scans.scan(scans.connection(1, "encrypted"), exit_code=3)).startswith("## \u2753 encrypted")


def test_a_statement_can_be_read_and_is_masked_on_request() -> None:
    blocks = "".join(Page(text_of(scans.leaky())).codes)
    assert "INSERT INTO customers (name, card) VALUES ('Alice', '4111 1111 1111 1111')" in blocks
    masked = text_of(scans.leaky(), redact=True)
    assert "4111" not in masked
    assert "Literals are masked." in masked


def test_leaks_are_listed_before_the_rest() -> None:
    lines = text_of(scans.scan(scans.connection(1, "encrypted"), scans.connection(2, "plaintext"))).splitlines()
    assert [line[:4] for line in lines if line.startswith("| ") and line[2].isdigit()] == ["| 2 ", "| 1 "]


def test_many_connections_are_grouped_by_who_talks_to_whom() -> None:
    many = [scans.connection(n, "encrypted") for n in range(1, 200)]
    many.append(scans.connection(200, "plaintext", user="batch", statements_total=7))
    text = text_of(scans.scan(*many, verdict="mixed", connections_total=205))
    table = [line for line in text.splitlines() if line.startswith("| `")]
    assert table == [
        "| `10.0.0.5` | `10.0.0.9:3306` | `batch` | **1** | 0 | 0 | 0 | 1,204 | 7 |",
        "| `10.0.0.5` | `10.0.0.9:3306` | `app` | 0 | 0 | 199 | 0 | 0 | 0 |",
    ]
    assert "205 connections: 1 plaintext, 199 encrypted, of which 5 are not in the table." in text


def test_rows_beyond_the_bound_are_counted() -> None:
    many = [scans.connection(n, "plaintext", user=f"u{n}") for n in range(1, 101)]
    page = checked(scans.scan(*many, verdict="plaintext"))
    assert page.cells == [9] * (1 + markdown.GROUPS)
    assert "70 more rows, of 70 connections." in "".join(page.outside)


def test_a_comment_holds_the_worst_of_scans() -> None:
    evil = "`|\u202e" * 500
    worst = filled(evil)
    one = worst.connections[0]
    one.statements = one.statements * 5_000
    worst.connections = [replace(one, user=f"{n}{evil}") for n in range(300)]
    worst.captures = worst.captures * 100
    worst.undecoded = worst.undecoded * 100
    worst.findings = [finding(rule, evil, connection=1, frame=3) for rule in RULES]
    assert len(text_of(worst)) < COMMENT
    assert len(text_of(worst).encode()) < 4 * COMMENT
