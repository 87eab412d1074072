"""The report for people: what it shows, in what order, and nothing that acts on a terminal."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.analysis.scan import scan as analysed
from aurora_wire.report.text.report import render
from aurora_wire.report.text.statements import Letting, shown_each
from aurora_wire.report.wording import COLORED, Style, judged
from aurora_wire.verdict.result import Confidence, Endpoint, Reason, Scan, Verdict
from aurora_wire.verdict.rules.leaks import LOGIN_IN_CLEAR, SQL_IN_CLEAR
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.verdict.statement_list import StatementList
from tests.conftest import ROOT
from tests.report import scans

ACTS_ON_TERMINALS = ("Cc", "Cf", "Cs", "Zl", "Zp")


def text_of(
    scan: Scan, width: int = 100, *, color: bool = False, quiet: bool = False, redact: bool = False
) -> str:
    return "".join(render(scan, width=width, color=color, quiet=quiet, redact=redact))


def many() -> Scan:
    """A pool of 600 connections from seven hosts, of which one host's are in the clear."""
    connections = []
    for number in range(600):
        host = number % 7
        connections.append(
            scans.connection(
                number + 1,
                "plaintext" if host == 3 else "encrypted",
                client=Endpoint(f"10.0.1.{host}", 40_000 + number),
                user="report" if host == 3 else "app",
            )
        )
    leaking = [c for c in connections if c.verdict == "plaintext"]
    for c in leaking:
        c.statements = [scans.statement(b"SELECT %d" % number, 100 + number) for number in range(25)]
        c.statements_total = 25
    found = [finding(SQL_IN_CLEAR, "25 statements", connection=c.id, frame=100) for c in leaking]
    return scans.scan(
        *connections,
        verdict="mixed",
        findings=found,
        findings_total={"AW101": len(found)},
        connections_total=1_000,
        exit_code=1,
        closing="86 of 600 connections in the clear.",
    )


@pytest.mark.parametrize("name", ["encrypted", "leaky", "undated", "hostile"])
def test_each_sort_of_scan_is_as_the_golden_file_shows(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.txt", text_of(getattr(scans, name)()))


def test_many_connections_are_grouped_by_client_host_and_user(golden: Callable[[str, str], None]) -> None:
    golden("many.txt", text_of(many()))


def test_the_closing_sentence_with_the_verdict_is_the_last_line() -> None:
    last = text_of(scans.leaky(), 120).splitlines()[-1]
    assert last == (
        "MIXED (proven): 2 of 4 connections crossed in the clear, with 4 statements; "
        "at most 1,448 bytes unobserved."
    )
    assert text_of(scans.leaky(), 120, quiet=True) == last + "\n"
    assert text_of(scans.leaky(), 60, quiet=True).split() == last.split()


def test_encrypted_that_is_no_success_says_why() -> None:
    cut = scans.scan(scans.connection(1, "encrypted"), captures=[scans.capture(complete=False)], exit_code=3)
    assert "Not all of the input could be read" in text_of(cut, quiet=True)
    weak = scans.scan(scans.connection(1, "encrypted", "likely"), confidence="likely", exit_code=3)
    assert "--require proven" in text_of(weak, quiet=True)


def test_statements_are_shown_up_to_a_bound_and_the_rest_is_counted() -> None:
    text = text_of(many())
    assert len(re.findall(r"^    frame ", text, re.MULTILINE)) == 200
    assert len(re.findall(r"^  connection \d+, report", text, re.MULTILINE)) == 67  # three of each
    assert "    22 more statements of this connection" in text
    assert "1,950 more in all: --format jsonl writes all of them" in text
    one = scans.connection(
        1, "plaintext", statements=[scans.statement(b"SELECT a")] * 25, statements_total=25
    )
    assert text_of(scans.scan(one)).count("SELECT a") == 20


def test_a_statement_is_cut_to_the_width_and_its_size_told() -> None:
    plain = scans.connection(
        1, "plaintext", statements=[scans.statement(b"SELECT '" + b"x" * 5_000)], statements_total=1
    )
    for width in (40, 60, 80, 100, 200):
        lines = text_of(scans.scan(plain), width).splitlines()
        first = next(n for n, line in enumerate(lines) if "COM_QUERY" in line) + 1
        shown = " ".join(line.strip() for line in lines[first : lines.index("", first)])
        assert shown.startswith("SELECT 'xx")
        assert shown.endswith("... (5,008 bytes)")
        assert all(len(line) <= width for line in lines[first : lines.index("", first)])
        assert len(shown) > width


def test_indentation_takes_no_room_in_a_statement_that_does_not_fit() -> None:
    long = b"\n        SELECT a,\n               b\n" + b" " * 80 + b"FROM t"
    plain = scans.connection(1, "plaintext", statements=[scans.statement(long)], statements_total=1)
    assert "  SELECT a, b FROM t (white space shortened)\n" in text_of(scans.scan(plain), 100)


def test_on_a_pipe_nothing_is_shortened() -> None:
    sql = b"SELECT '" + b"x" * 50_000 + b"'  ,  1"
    plain = scans.connection(1, "plaintext", statements=[scans.statement(sql)], statements_total=1, user="u" * 200)
    text = "".join(render(scans.scan(plain), whole=True))
    assert sql.decode() in text
    row = next(line for line in text.splitlines() if "u" * 200 in line)
    assert all(word in row for word in ("10.0.0.5:50151", "10.0.0.9:3306", "PLAINTEXT (proven)", "1,204"))


@pytest.mark.parametrize("width", [40, 80, 132])
def test_nothing_that_matters_is_lost_on_a_narrow_terminal(width: int) -> None:
    """Client, user and verdict are there whole, in however many lines."""
    user = "z" * 34
    one = scans.connection(1, "plaintext", user=user, statements_total=1, statements=[scans.statement(b"SELECT 42")])
    text = text_of(scans.scan(one), width)
    table = text[text.index("  #") : text.index("in the clear")]
    for word in ("10.0.0.5", "50151", "PLAINTEXT", "(proven)"):
        assert word in table
    assert table.count("z") == len(user)
    assert all(len(line) <= width for line in table.splitlines())


def test_connections_of_a_pool_share_a_row_unless_each_is_asked_for() -> None:
    pool = [scans.connection(number, "plaintext") for number in range(1, 13)]
    other = scans.connection(13, "encrypted", "proven")
    text = text_of(scans.scan(*pool, other))
    row = next(line for line in text.splitlines() if "10.0.0.5 (12x)" in line)
    assert row.split()[0] == "1+"
    assert f"{12 * 1_204:,}" in row
    assert "10.0.0.5:50163" in text
    each = "".join(render(scans.scan(*pool, other), each=True))
    assert [f"10.0.0.5:{50150 + number}" in each for number in range(1, 14)] == [True] * 13


def test_advice_that_rules_share_is_given_once() -> None:
    found = [
        finding(rule, "", connection=1, frame=9) for rule in (SQL_IN_CLEAR, LOGIN_IN_CLEAR)
    ]
    text = text_of(scans.scan(scans.connection(1, "plaintext"), findings=found))
    assert text.count("SET PERSIST require_secure_transport = ON;") == 1
    assert "Fix: as for AW101.\n      Then change the password" in text


def test_connections_with_the_same_reasons_are_told_together() -> None:
    gap = Reason("gap", "1,448 bytes from the server are missing", 37, "server", 5_120)
    weak = [scans.connection(number, "encrypted", "likely", reasons=[gap]) for number in range(1, 13)]
    text = text_of(scans.scan(*weak))
    named = "connections 1, 2, 3, 4, 5, 6, 7, 8 and 4 more (places of the first)"
    assert f"  {named}: encrypted (likely)\n" in text
    assert text.count("are missing") == 1


def test_redacted_text_holds_no_literal() -> None:
    assert "Alice" in text_of(scans.leaky(), 150)
    assert "Alice" not in text_of(scans.leaky(), redact=True)
    assert "INSERT INTO customers (name, card) VALUES ('*****'" in text_of(scans.leaky(), 150, redact=True)


def test_colour_is_only_added_and_changes_no_column() -> None:
    for scan in (scans.leaky(), scans.encrypted(), many()):
        colored = text_of(scan, color=True)
        assert "\x1b[" in colored
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == text_of(scan)
    assert "\x1b[" not in text_of(scans.leaky())


@pytest.mark.parametrize(
    ("verdict", "confidence", "shown"),
    [
        ("plaintext", "proven", "PLAINTEXT (proven)"),
        ("mixed", "likely", "MIXED (likely)"),
        ("encrypted", "likely", "encrypted (likely)"),
        ("no-session", "proven", "no-session"),
        ("inconclusive", None, "inconclusive"),
    ],
)
def test_a_leak_is_seen_without_colours(verdict: Verdict, confidence: Confidence | None, shown: str) -> None:
    assert judged(verdict, confidence) == shown


def test_silence_is_not_shown_as_clean() -> None:
    nothing = scans.scan(
        verdict="not-mysql",
        confidence=None,
        exit_code=3,
        not_mysql={"HTTP": 2},
        captures=[scans.capture(skipped={"ARP": 60})],
        closing="No MySQL was seen in 60 packets.",
    )
    assert text_of(nothing).splitlines()[-4:] == [
        "0 MySQL connections",
        "  not MySQL: 2 HTTP",
        "",
        "NOT-MYSQL: No MySQL was seen in 60 packets.",
    ]
    assert "not decoded: 60 ARP" in text_of(nothing)


def test_where_there_are_many_captures_the_damaged_ones_are_named() -> None:
    captures = [scans.capture(f"{number}.pcap") for number in range(50)]
    captures[40].complete, captures[40].error = False, "offset 9: cut"
    text = text_of(scans.scan(captures=captures))
    assert "40.pcap" in text
    assert "incomplete: offset 9: cut" in text
    assert "30 more captures: --format json lists all of them" in text


def test_nanoseconds_are_shown_where_there_are_any_and_the_date_where_the_day_changes() -> None:
    midnight = 1_616_025_600 * 10**9
    plain = scans.connection(
        1,
        "plaintext",
        statements_total=2,
        statements=[
            scans.statement(b"SELECT a", time_ns=midnight - 1),
            scans.statement(b"SELECT b", 10, time_ns=midnight),
        ],
    )
    lines = text_of(scans.scan(plain)).splitlines()
    assert "    frame  9          23:59:59.999999999  COM_QUERY  SELECT a" in lines
    assert "    frame 10  2021-03-18 00:00:00.000000  COM_QUERY  SELECT b" in lines


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_no_control_character_is_shown_of_any_scan(scan: Scan) -> None:
    for width in (20, 100):
        text = text_of(scan, width)
        assert text.endswith("\n")
        assert all(c == "\n" or unicodedata.category(c) not in ACTS_ON_TERMINALS for c in text)
        assert text.rpartition("\n\n")[2].startswith((scan.verdict.upper(), "NO PACKETS"))  # the last paragraph
    text_of(scan, redact=True)


@pytest.mark.parametrize("width", [40, 80])
def test_sentences_are_not_cut_in_the_middle_of_a_word_by_a_narrow_terminal(width: int) -> None:
    scan = analysed([str(ROOT / "captures" / "mariadb" / name) for name in
                     ("connector-j-default.pcapng", "pymysql-verify-identity.pcapng")])
    text = "".join(render(scan, width=width))
    long = [line for line in text.splitlines() if len(line) > width and " " in line.strip()]
    assert [line for line in long if not line.startswith(("        ", "    sha256"))] == []
    words = " ".join(text.split())
    assert "Values are not shown; --reveal shows them, and the lines that hashcat and john take." in words


def test_a_coloured_line_is_wrapped_by_what_is_seen() -> None:
    style = Style(40, color=True)
    line = f"  connection 2, frame 19: {style.paint('error 1142 (42000): SELECT command denied', '31;1')} to user"
    lines = style.fit(line)
    assert [len(COLORED.sub("", one)) <= 40 for one in lines] == [True, True, True]
    assert " ".join(one.strip() for one in lines) == line.strip()
    assert style.fit("        SET GLOBAL require_secure_transport = ON; SET GLOBAL x") == [
        "        SET GLOBAL require_secure_transport = ON; SET GLOBAL x"
    ]
    assert Style(40, whole=True).fit(line) == [line]


@pytest.mark.parametrize("leaking", [1, 9, 15, 66, 67, 199, 200, 201, 260])
@pytest.mark.parametrize("order", ["first to last", "last to first", "any"])
def test_statements_that_a_scan_lets_go_of_are_those_that_are_not_shown(leaking: int, order: str) -> None:
    chance = random.Random(leaking)
    connections = []
    for number in range(leaking + 20):
        one = scans.connection(number + 1, "plaintext" if number < leaking else "encrypted")
        if number < leaking:
            one.statements_total = chance.randrange(1, 26)
            made = [scans.statement(b"SELECT %d, %d" % (number, each)) for each in range(one.statements_total)]
            one.statements = StatementList(made, lambda statement: statement)
        connections.append(one)
    whole = scans.scan(*connections, verdict="mixed")
    before = text_of(whole)
    kept = connections[:]
    if order == "any":
        chance.shuffle(kept)
    let_go = Letting()
    said = [let_go(one) for one in (kept if order != "last to first" else kept[::-1])]
    assert said == sorted(said, reverse=True)
    assert said[-1] == shown_each(leaking)
    assert text_of(whole) == before
    if order == "first to last" and leaking > 200:
        assert sum(len(one.statements) for one in connections) < 200 + 67 * 20
        assert not connections[leaking - 1].statements
