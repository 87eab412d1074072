"""The HTML report as text: what it says, that it hides what leaked, and that nothing from outside acts in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.scan import scan as scan_captures
from aurora_wire.errors import UsageError
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.html import frames as html_frames
from aurora_wire.report.html import render as html
from aurora_wire.report.html.findings import rule_cards
from aurora_wire.report.html.hex import Dump
from aurora_wire.report.html.limits import DETAILS, ROWS
from aurora_wire.verdict.result import Scan, Undecoded, Verdict
from aurora_wire.verdict.rules.controls import FRAMEWORKS
from aurora_wire.verdict.rules.leaks import SQL_IN_CLEAR
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.verdict.rules.tls import NO_FORWARD_SECRECY
from tests.cli.running import python
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.report import scans

VOID = frozenset(("meta", "link", "br", "input"))
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
MARKUP = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\" ' onload=alert(3) {{ 7*7 }} & &lt;"


class Reader(HTMLParser):
    """What is in a page: elements, attributes, text; fails where elements do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def with_id(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]


def render(scan: Scan, **options: object) -> str:
    return "".join(html.render(scan, **options))  # type: ignore[arg-type]


def check(page: str) -> Reader:
    """One style, one script, both ours; nothing loads or runs anything; ids are there once, links lead somewhere."""
    reader = Reader(page)
    assert (reader.elements.count("script"), reader.elements.count("style")) == (1, 1)
    assert not {"iframe", "object", "embed", "form", "base", "img", "audio", "video"} & set(reader.elements)
    for tag, name, value in reader.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("style", "src", "srcset", "xlink:href", "action"), (tag, name)
        if name == "href":
            assert value.startswith("#") or value == "data:,"
    ids = reader.with_id()
    assert len(ids) == len(set(ids))
    for _, name, value in reader.attributes:
        if name == "href" and value.startswith("#"):
            assert value[1:] in ids
        if name in ("aria-labelledby", "for"):
            assert set(value.split()) <= set(ids)
    assert page.isascii()
    assert not {c for c in unescape(page) if unicodedata.category(c) in HIDDEN} - {"\n"}
    return reader


def captured(tmp_path: Path, *steps: list[sessions.Step], name: str = "c.pcap") -> str:
    packets = []
    for number, one in enumerate(steps):
        packets += sessions.play(one, Conversation(client=(f"10.0.0.{5 + number}", 41_000 + number))).packets
    path = tmp_path / name
    path.write_bytes(pcap(packets))
    return str(path)


def dumped(dump: Dump | None) -> tuple[str, str]:
    """The hexadecimal and the text column of a dump."""
    assert dump is not None
    runs = [run for _, row in dump.rows for run in row]
    return " ".join(run.hex for run in runs), "".join(run.text for run in runs)


@given(scans.any_scan)
@settings(max_examples=40, deadline=None)
def test_any_result_becomes_a_page_in_which_nothing_acts(scan: Scan) -> None:
    ids = [one.id for one in scan.connections]
    for number, one in enumerate(scan.connections):  # a scan numbers each connection once
        one.id = number + 1 if len(set(ids)) < len(ids) else one.id
    check(render(scan))
    check(render(scan, redact=False, frameworks=["pci"], command=["aurora-wire", "report", "x y"]))


def test_markup_from_the_wire_is_text(tmp_path: Path) -> None:
    scan = scans.hostile()
    plain = scan.connections[0]
    plain.user = plain.database = plain.server_version = MARKUP
    plain.attributes = {MARKUP: MARKUP}
    plain.statements = [scans.statement(MARKUP.encode(), 15)]
    scan.captures[0].path = MARKUP
    scan.undecoded = [Undecoded(MARKUP, 1, "connections", None, MARKUP)]
    reader = check(render(scan, redact=False, command=["aurora-wire", "report", MARKUP]))
    assert reader.text.count("<script>alert(1)</script>") >= 6
    assert "{{ 7*7 }}" in reader.text


def test_control_characters_are_seen_and_do_nothing() -> None:
    reader = check(render(scans.hostile(), redact=False))
    assert "bob\\x1b[2J\\x1b]0;pwned\\x07\\u009b31m\\u202e\\ud800\\n<b>" in reader.text


def test_the_verdict_comes_first_and_all_that_a_reviewer_asks_is_there() -> None:
    reader = check(render(scans.leaky(), command=["aurora-wire", "report", "night.pcap"]))
    text = reader.text
    sections = [
        "Some of the MySQL traffic crossed this network in the clear", "Who talked to whom, and how",
        "Bytes in clear, bytes encrypted", "What the bytes show", "Connections", "Findings",
        "controls of compliance frameworks", "What was captured, and what was missing", "How to repeat it",
    ]  # fmt: skip
    places = [text.index(section, 400 if section == "Connections" else 0) for section in sections]
    assert places[0] < min(places[1:])
    for words in (
        "AW203, once", "MySQL 8.4 Reference Manual", "SET PERSIST require_secure_transport = ON;",
        "late.pcap breaks off at offset 2048",
        "1,448 bytes from the server are missing (frame night.pcap:37, server, offset 5120)",
        "tcpdump -B 65536 -s 0 -w FILE", "12 packets dropped by the interface", scans.SHA,
        "Not all of the input could be read (late.pcap)", "aurora-wire report night.pcap", "1 SSH",
    ):  # fmt: skip
        assert words in text, words


def test_the_policy_allows_our_style_and_script_and_nothing_else() -> None:
    policies = [value for tag, name, value in Reader(render(scans.leaky())).attributes if "default-src" in value]
    assert len(policies) == 1
    allowed = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    assert sorted(allowed) == ["base-uri", "default-src", "form-action", "img-src", "script-src", "style-src"]
    assert {allowed[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", allowed[name])


def test_headings_are_in_order() -> None:
    for scan in (scans.leaky(), scans.encrypted(), scans.hostile()):
        levels = [int(tag[1]) for tag in Reader(render(scan)).elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_drawings_have_titles() -> None:
    reader = Reader(render(scans.leaky()))
    assert reader.elements.count("table") == reader.elements.count("caption")
    drawings = [value for tag, name, value in reader.attributes if (tag, name, value) == ("svg", "role", "img")]
    assert len(drawings) > 3
    assert reader.elements.count("title") > len(drawings)


def test_literals_and_users_are_masked_unless_they_are_to_be_shown() -> None:
    page = render(scans.leaky())
    for secret in ("Alice", "4111", "report@", ">app<"):
        assert secret not in page
    assert "INSERT INTO customers (name, card) VALUES (&#39;*****&#39;, &#39;*******************&#39;)" in page
    shown = render(scans.leaky(), redact=False)
    assert "4111 1111 1111 1111" in shown
    assert ">app<" in shown
    assert "Nothing is masked here." in shown
    assert "Nothing is masked here." not in page


def test_bytes_are_masked_in_the_dump_too(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.plaintext(), sessions.tls13())
    scan = scan_captures([path])
    frames = html_frames.gather(scan, [path])
    assert "Canary" not in render(scan, frames=frames)
    digits, text = dumped(frames.pairs[0].leak)
    literal = len("Canary-0001-7f3a")
    assert text.endswith(f"INSERT INTO notes (body) VALUES ('{'*' * literal}')")
    assert digits.endswith(f"56 41 4c 55 45 53 20 28 27 {'** ' * literal}27 29")
    shown = html_frames.gather(scan, [path], redact=False)
    assert dumped(shown.pairs[0].leak)[1].endswith(sessions.SECRET.decode())
    assert "Canary-0001-7f3a" in render(scan, frames=shown, redact=False)


def test_a_leak_is_shown_beside_an_encrypted_frame_of_the_same_direction(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.plaintext(), sessions.tls13())
    scan = scan_captures([path])
    frames = html_frames.gather(scan, [path])
    (pair,) = frames.pairs
    assert pair.leak is not None
    assert pair.beside is not None
    assert (pair.leak.connection, pair.beside.connection) == (1, 2)
    assert pair.leak.from_client
    assert pair.beside.from_client
    assert pair.leak.names == ("COM_QUERY",)
    assert ("clear", "crossed readable", len(mysql.query(sessions.SECRET))) in pair.leak.kinds
    assert [kind for kind, _, _ in pair.beside.kinds] == ["safe", "none"]


def test_what_the_client_sent_is_held_beside_what_a_client_sent(tmp_path: Path) -> None:
    encrypted = sessions.tls13()
    size = len(sessions.payload_of(encrypted, "server-data-2"))
    sql = b"SELECT 'x'".ljust(size - len(mysql.query(b"")))
    path = captured(tmp_path, sessions.plaintext(sql=sql), encrypted)
    (pair,) = html_frames.gather(scan_captures([path]), [path]).pairs
    assert pair.leak is not None
    assert pair.beside is not None
    assert (pair.leak.from_client, pair.beside.from_client) == (True, True)


def test_without_a_leak_an_encrypted_frame_is_shown_alone(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.tls13())
    scan = scan_captures([path])
    frames = html_frames.gather(scan, [path])
    assert [pair.leak for pair in frames.pairs] == [None]
    assert "An encrypted frame" in Reader(render(scan, frames=frames)).text


def test_a_key_log_puts_the_same_statement_beside_the_leak(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    folder = shared / "lab" / "mariadb-10.11"
    paths = [str(folder / "connpy-plain.pcap"), str(folder / "connpy-default.pcap")]
    scan = scan_captures(paths, ScanOptions(keylogs=[str(folder / "connpy-default.keys")]))
    assert [pair.same_statement for pair in html_frames.gather(scan, paths).pairs] == [False]  # each has its canary
    tls = scan.connections[1].tls
    assert tls is not None
    assert tls.decrypted is not None
    leaked, inside = (next(one for one in found if one.sql.startswith(b"INSERT"))
                      for found in (scan.connections[0].statements, tls.decrypted.statements))
    tls.decrypted.statements = [replace(inside, sql=leaked.sql)]
    (pair,) = html_frames.gather(scan, paths).pairs
    assert pair.same_statement
    assert pair.beside is not None
    assert pair.beside.number == inside.frame


def test_steps_say_who_sent_what_and_when(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.tls13(), sessions.plaintext())
    scan = scan_captures([path])
    steps = html_frames.gather(scan, [path]).steps
    assert [(one.kind, one.from_client) for one in steps[1].steps] == [
        ("open", False), ("open", True), ("handshake", None), ("safe", None),
    ]  # fmt: skip
    names = [one.names[0] for one in steps[2].steps]
    assert names[:4] == ["greeting", "login", "OK", "COM_QUERY"]
    assert {one.kind for one in steps[2].steps[1:]} == {"clear"}


def test_a_pipe_is_not_read_twice(tmp_path: Path) -> None:
    scan = scans.leaky()
    scan.captures[0].path = "-"
    frames = html_frames.gather(scan, ["-"])
    assert (frames.steps, frames.pairs) == ({}, [])
    assert "no file" in frames.note


def test_a_capture_that_is_gone_leaves_a_note(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.plaintext())
    scan = scan_captures([path])
    Path(path).write_bytes(b"")
    frames = html_frames.gather(scan, [path])
    assert frames.pairs == []
    assert "Not all packets were looked at again" in frames.note
    assert "INSERT INTO notes" in Reader(render(scan, frames=frames)).text


def test_the_same_captures_make_the_same_page(tmp_path: Path) -> None:
    path = captured(tmp_path, sessions.plaintext(), sessions.tls13())
    pages = set()
    for _ in range(2):
        scan = scan_captures([path])
        pages.add(render(scan, frames=html_frames.gather(scan, [path])))
    assert len(pages) == 1


def test_ten_thousand_connections_stay_small_and_the_page_says_what_it_lists() -> None:
    kinds: tuple[Verdict, ...] = ("plaintext", "encrypted", "mixed", "inconclusive", "no-session")
    connections = []
    for number in range(1, 10_001):
        one = scans.connection(number, kinds[number % 5])
        one.client = type(one.client)(f"10.{number >> 8 & 255}.{number & 255}.7", 40_000 + number)
        one.statements = [scans.statement(b"SELECT '" + b"x" * 5_000 + b"'", number)] * 30
        one.statements_total = 30
        connections.append(one)
    page = render(scans.scan(*connections, verdict="mixed"))
    assert len(page.encode()) < 5_000_000
    text = check(page).text
    assert f"the table lists {ROWS:,} of them, leaks first; the other 9,000" in text
    assert f"{DETAILS} of 10,000 connections, some of each verdict" in text
    assert page.count("<details class=\"connection") == DETAILS
    for words in ("in the clear, proven", "encrypted, proven", "inconclusive, proven", "no session"):
        assert words in text[text.index("One by one") :]


@pytest.mark.parametrize("key", list(FRAMEWORKS))
def test_a_framework_is_told_first_and_never_says_that_anyone_complies(key: str) -> None:
    text = Reader(render(scans.leaky(), frameworks=[key])).text
    assert f"What this says about {FRAMEWORKS[key]}" in text[: text.index("Who talked to whom, and how")]
    others = set(FRAMEWORKS.values()) - {FRAMEWORKS[key]}
    assert not any(f"{name} " in text for name in others)
    assert text.count("complies") == text.count("It never shows that anyone complies") == 1
    assert "compliant" not in text
    assert ("Contradicts" in text) == (key != "nist-800-52")


def test_findings_that_contradict_the_framework_come_first() -> None:
    weak = scans.encrypted()
    weak.findings = [finding(SQL_IN_CLEAR, "1", connection=1),
                     finding(NO_FORWARD_SECRECY, "1", connection=1)]
    for frameworks, first, second in (((), "AW101", "AW305"), (("nist-800-52",), "AW305", "AW101")):
        assert [card.id for card in rule_cards(weak, FindingLocator(weak), frameworks)] == [first, second]
    text = Reader(render(scans.leaky(), frameworks=["pci"])).text
    assert "A statement and its values that crossed readable contradicts 4.2.1 (AW101, 2 times)." in text
    assert "A session proven to be encrypted supports 4.2.1" not in text
    proven = Reader(render(scans.encrypted(), frameworks=["pci"])).text
    assert "A session proven to be encrypted supports 4.2.1 (2 connections)." in proven


def test_without_jinja_there_is_one_line_that_says_what_to_install() -> None:
    said = python(
        "import sys; sys.modules['jinja2'] = None\n"
        "from aurora_wire.cli import main\n"
        "sys.stderr = sys.stdout\n"
        "print(main(['report', 'nowhere.pcap', '-o', 'x.html']))"
    )
    assert said.splitlines() == [f"aurora-wire: {html.MISSING}", "2"]


def test_jinja_is_not_loaded_by_a_scan() -> None:
    assert python(
        "import sys, aurora_wire.cli.scan, aurora_wire.analysis.scan, aurora_wire.report.html.render\n"
        "print([name for name in ('jinja2', 'markupsafe', 'cryptography') if name in sys.modules])"
    ) == "[]\n"


def test_require_jinja_is_quiet_where_it_is_there() -> None:
    html.require_jinja()
    assert issubclass(UsageError, Exception)


def test_files_of_folders_that_are_no_captures_are_named() -> None:
    reader = check(render(replace(scans.leaky(), ignored=["case/notes.txt", f"case/{MARKUP}"])))
    said = "Not read: 2 other files in folders, no captures: case/notes.txt"
    assert any(one.startswith(said) for one in reader.words)
    many = check(render(replace(scans.leaky(), ignored=[f"case/{number}" for number in range(50_000)])))
    assert next(one for one in many.words if one.startswith("Not read: 50,000 other files")).endswith(", ...")
