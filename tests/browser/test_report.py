"""The HTML report in a real browser, as a person uses it: looking, clicking, typing, printing, with the keyboard."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from aurora_wire.report.html import render as html
from aurora_wire.verdict.result import Verdict
from tests.browser.conftest import Opener
from tests.cli.running import run
from tests.conftest import ROOT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.report import scans

MARKUP = (
    b"</code></style></script><script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=alert(1)>"
    b"<svg onload=alert(2)>\" onmouseover=alert(3) x='\x1b[31m\x00\xe2\x80\xae\xe2\x81\xa6\xff"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a hostile client in the clear, one that is partly so, an encrypted one and one that never logged in."""
    folder = tmp_path_factory.mktemp("report")
    steps = sessions.changed(
        sessions.plaintext(sql=b"INSERT INTO t VALUES ('" + MARKUP.replace(b"'", b"") + b"')"),
        greeting=mysql.greeting(version=MARKUP.replace(b"\0", b"")),
        login=mysql.login(MARKUP.replace(b"\0", b""), MARKUP.replace(b"\0", b""), attributes=[(MARKUP, MARKUP)]),
    )
    packets = []
    for number, one in enumerate(
        (steps, sessions.tls13(), sessions.until(sessions.plaintext(), "greeting"), sessions.plaintext())
    ):
        packets += sessions.play(one, Conversation(client=(f"10.0.0.{5 + number}", 41_000 + number))).packets
    capture = folder / "<img src=x onerror=alert(4)>\u202e.pcap"
    capture.write_bytes(pcap(packets))
    path = folder / "report.html"
    done = run("report", str(capture), "-o", str(path), "--reveal")
    assert done.returncode == 1, done.stderr
    return path


def test_the_page_opens_from_a_file_and_asks_for_nothing(report: Path, open_page: Opener) -> None:
    opened = open_page(report)
    assert opened.requests == [report.as_uri()]
    assert opened.said == []
    assert "in the clear" in opened.page.locator("h1").inner_text()
    assert opened.page.locator("h1").is_visible()


def test_nothing_from_the_wire_acts_and_all_of_it_is_seen(report: Path, open_page: Opener) -> None:
    opened = open_page(report)
    page = opened.page
    page.get_by_role("button", name="Unfold all").click()
    page.mouse.move(400, 400)
    assert (opened.dialogs, opened.said) == ([], [])
    assert opened.requests == [report.as_uri()]
    assert page.title().startswith("aurora-wire: ")
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("script").count() == page.locator("style").count() == 1
    text = page.locator("#connection-1").inner_text()
    assert "<script>document.title='owned'</script>" in text.replace("document.title=owned", "document.title='owned'")
    assert "\\x1b[31m" in text
    assert "\\u202e\\u2066\\xff" in text
    assert "<img src=x onerror=alert(4)>\\u202e.pcap" in page.locator("#captured ~ *").first.inner_text()


def test_even_markup_that_came_in_could_do_nothing(report: Path, open_page: Opener) -> None:
    opened = open_page(report)
    opened.page.evaluate(
        """() => {
          const box = document.createElement("div");
          box.innerHTML = '<img src="https://127.0.0.1:9/a.png"><img src=x onerror="document.title=1">';
          const script = document.createElement("script");
          script.textContent = "document.title = 'owned'";
          document.body.append(box, script);
        }"""
    )
    opened.page.wait_for_timeout(100)
    assert opened.page.title().startswith("aurora-wire: ")
    assert any("Content Security Policy" in words for words in opened.said)


def test_rows_are_filtered_by_typing_and_by_verdict(report: Path, open_page: Opener) -> None:
    page = open_page(report).page
    rows = page.locator("#table tbody tr:visible")
    assert rows.count() == 4
    page.get_by_label("Show only rows with").fill("10.0.0.6")
    assert rows.count() == 1
    assert "encrypted, proven" in rows.first.inner_text()
    assert page.get_by_role("status").inner_text() == "1 of 4 rows shown"
    page.get_by_label("Show only rows with").fill("")
    page.get_by_label("in the clear (2)").uncheck()
    assert rows.count() == 2
    page.get_by_label("encrypted (1)").uncheck()
    assert "no session" in rows.first.inner_text()


def test_connections_unfold_by_click_by_key_and_by_link(report: Path, open_page: Opener) -> None:
    page = open_page(report).page
    encrypted = page.locator("#connection-2")
    assert encrypted.get_attribute("open") is None
    encrypted.locator("summary").first.click()
    assert encrypted.get_attribute("open") is not None
    assert encrypted.locator("svg.timeline").is_visible()
    encrypted.locator("summary").first.press("Enter")
    assert encrypted.get_attribute("open") is None
    page.get_by_role("link", name="2", exact=True).press("Enter")
    expect(encrypted).to_have_attribute("open", "")
    page.get_by_role("button", name="Fold all", exact=True).press("Space")
    assert page.locator("details.connection[open]").count() == 0


def test_the_keyboard_reaches_everything_from_the_top(report: Path, open_page: Opener) -> None:
    page = open_page(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + (document.activeElement.id || '')"))
    assert {"A", "SUMMARY", "INPUTfilter", "INPUT", "BUTTON", "PRE"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(report: Path, open_page: Opener, scheme: str) -> None:
    opened = open_page(report, color_scheme=scheme, bypass_csp=True)
    opened.unfold()
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(251, 251, 250)", "dark": "rgb(20, 23, 26)"}[scheme]
    assert opened.axe() == []


def test_a_screen_reader_finds_landmarks_headings_and_named_drawings(report: Path, open_page: Opener) -> None:
    page = open_page(report).page
    for role in ("banner", "main", "navigation", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("region").count() >= 8
    assert page.get_by_role("heading", level=1).count() == 1
    drawing = page.get_by_role("img", name="Client hosts and servers, joined by connections")
    assert drawing.count() == 1
    assert page.get_by_role("table", name="Connections, leaks first").count() == 1


def test_without_javascript_everything_is_there(report: Path, open_page: Opener) -> None:
    page = open_page(report, java_script_enabled=False).page
    assert page.locator("#table tbody tr:visible").count() == 4
    assert not page.locator("#tools").is_visible()
    page.locator("#connection-2 > summary").click()
    assert page.locator("#connection-2 svg.timeline").is_visible()


def test_a_narrow_screen_does_not_scroll_sideways(report: Path, open_page: Opener) -> None:
    page = open_page(report).page
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("script", [True, False])
def test_with_the_appendix_it_prints_with_all_that_is_folded(
    report: Path, open_page: Opener, tmp_path: Path, script: bool
) -> None:
    """In the form with everything; the short one leaves them out."""
    whole = tmp_path / "appendix.html"
    whole.write_text(report.read_text().replace("<body>", '<body class="appendix">'))
    opened = open_page(whole, java_script_enabled=script)
    assert opened.page.locator("details.connection:not([open])").count() == 2
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(opened.page.pdf(format="A4"))
    shown = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, timeout=30, check=True)
    text = shown.stdout.decode()
    assert 4 <= text.count("\f") <= 30
    assert "Timeline" in text
    assert text.count("TLS handshake") >= 1  # of a connection that was folded
    assert "Unfold all" not in text


def test_ten_thousand_connections_open_at_once(open_page: Opener, tmp_path: Path) -> None:
    kinds: tuple[Verdict, ...] = ("plaintext", "encrypted", "mixed", "no-session")
    connections = [scans.connection(number, kinds[number % 4]) for number in range(1, 10_001)]
    for one in connections:
        one.client = type(one.client)(f"10.{one.id >> 8 & 255}.{one.id & 255}.7", 40_000)
        one.statements, one.statements_total = [scans.statement(b"SELECT 1", one.id)] * 20, 20
    path = tmp_path / "many.html"
    path.write_text("".join(html.render(scans.scan(*connections, verdict="mixed"))), encoding="utf-8")
    assert path.stat().st_size < 5_000_000
    opened = open_page(path)
    assert opened.page.locator("#table tbody tr").count() == 1_000
    assert "9,000 are in all numbers" in opened.page.locator("main").inner_text()
    opened.page.get_by_label("Show only rows with").fill("10.0.4.7")
    assert opened.page.locator("#table tbody tr:visible").count() == 1


def test_the_browser_itself_reaches_no_network(open_page: Opener, report: Path) -> None:
    page = open_page(report, offline=True).page
    with pytest.raises(Error):
        page.goto("http://127.0.0.1:9/")


def test_the_report_in_docs_opens_and_its_picture_is_there(open_page: Opener, request: pytest.FixtureRequest) -> None:
    """--update-golden takes the picture again: from the verdict to the bytes, the table of hosts folded."""
    opened = open_page(ROOT / "docs" / "report.html")
    assert opened.said == []
    sql = opened.page.locator("code.sql", has_text="insert into Users values ('user01', 'password')")
    assert sql.is_visible()
    picture = ROOT / "docs" / "report.png"
    if request.config.getoption("--update-golden"):
        opened.page.locator("summary", has_text="The same as a table").click()
        end = opened.page.locator("section", has=opened.page.locator("#proof")).bounding_box()
        assert end is not None
        clip = {"x": 0, "y": 0, "width": 1280, "height": end["y"] + end["height"] + 24}
        opened.page.screenshot(path=picture, full_page=True, clip=clip)  # type: ignore[arg-type]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 500_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of 2,000 connections of many hosts and users."""
    packets = []
    for number in range(2_000):
        steps = sessions.plaintext() if number % 3 == 0 else sessions.tls13()
        if number % 3 == 0:
            steps = sessions.changed(steps, login=mysql.login(user=b"user%d" % (number % 40)))
        client = (f"10.{number % 7}.{number % 50}.{number % 200 + 1}", 20_000 + number)
        packets += sessions.play(steps, Conversation(client=client, server=(f"10.0.0.{number % 5 + 1}", 3306))).packets
    path = tmp_path_factory.mktemp("many") / "many.pcap"
    path.write_bytes(pcap(packets))
    return path


@pytest.fixture(scope="module")
def page_of_many(many: Path) -> Path:
    path = many.with_name("many.html")
    assert run("report", str(many), "-o", str(path), "--no-progress").returncode == 1
    return path


def test_a_pdf_has_page_one_page_numbers_and_at_most_eight_pages(many: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.pdf"
    said = [
        "--title", "Review of the shop", "--case", "2026-17", "--examiner", "E. Example", "--organisation",
        "Example Ltd", "--note", "Night of the 17th",
    ]  # fmt: skip
    done = run("report", str(many), "-o", str(path), "--format", "pdf", "--no-progress", *said)
    assert done.returncode == 1, done.stderr
    text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True).stdout.decode()
    pages = text.rstrip("\f").split("\f")
    assert len(pages) <= 8
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
    first = " ".join(pages[0].split())
    digest = hashlib.sha256(many.read_bytes()).hexdigest()
    for word in (*said[1::2], "Some of the MySQL traffic crossed this network in the clear", "2023-11-14", digest):
        assert word in first
    assert "On paper the tables have their first rows only" in " ".join(text.split())


@pytest.mark.parametrize("width", [390, 1280])
def test_every_table_reads_without_scrolling_sideways(
    width: int, report: Path, page_of_many: Path, open_page: Opener
) -> None:
    for each in (page_of_many, report):
        page = open_page(each).page
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        wide = page.evaluate(
            """() => Array.from(document.querySelectorAll(".scroll:not(.drawing)"))
              .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-label"))"""
        )
        assert wide == []
        empty = page.evaluate(
            """() => Array.from(document.querySelectorAll("table:not(.hex) tbody td"))
              .filter((one) => one.offsetParent && !one.innerText.trim()
                && getComputedStyle(one).display === "grid").length"""
        )
        assert empty == 0
