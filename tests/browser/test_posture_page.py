"""What servers allow, in a real browser: nothing acts, nothing is asked for, and everybody can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_wire.report.formats import ReportOptions, find_format
from aurora_wire.report.posture.to_json import render
from tests.browser.conftest import Opener
from tests.cli.running import run
from tests.conversations import sessions
from tests.conversations.tcp import Conversation, pcap
from tests.posture import results
from tests.prove.test_matrix import good


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of hostile results alone, one of all kinds beside a capture, one of a good server."""
    folder = tmp_path_factory.mktemp("posture")
    for name, posture in results.each_kind().items():
        (folder / f"{name}.json").write_text("".join(render(posture)))
    (folder / "good.json").write_text("".join(render(results.check(requires=True, leaking=0))))
    plain = sessions.play(sessions.plaintext(), Conversation(server=("192.0.2.7", 3306))).packets
    (folder / "plain.pcap").write_bytes(pcap(plain))
    made = {}
    for page, inputs in {
        "hostile": [f"hostile-{kind}.json" for kind in ("probe", "audit", "fleet", "check")],
        "all": ["plain.pcap", "probe.json", "audit.json", "fleet.json", "check.json", "hostile-check.json"],
        "good": ["good.json"],
    }.items():
        made[page] = folder / f"{page}.html"
        done = run("report", *(str(folder / name) for name in inputs), "-o", str(made[page]), "--reveal")
        assert done.returncode == (0 if page == "good" else 1), done.stderr
    return made


@pytest.mark.parametrize("name", ["hostile", "all", "good"])
def test_the_page_asks_for_nothing_and_nothing_in_it_acts(
    name: str, pages: dict[str, Path], open_page: Opener
) -> None:
    opened = open_page(pages[name])
    assert opened.requests == [pages[name].as_uri()]
    assert (opened.dialogs, opened.said) == ([], [])
    assert opened.page.locator("h1").is_visible()
    assert opened.page.locator("#allowed").is_visible()
    assert opened.page.locator("img, iframe, object, embed").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["hostile", "all", "good"])
def test_axe_finds_nothing_serious(name: str, scheme: str, pages: dict[str, Path], open_page: Opener) -> None:
    opened = open_page(pages[name], color_scheme=scheme)
    opened.unfold()
    assert opened.axe() == []


def test_the_table_shows_all_views_and_the_contradiction(pages: dict[str, Path], open_page: Opener) -> None:
    page = open_page(pages["all"]).page
    table = page.locator("section[aria-labelledby=allowed] table").first
    row = table.locator("tr", has_text="db.example.com:3306").first
    text = row.inner_text()
    assert "TLS offered" in text
    assert "require_secure_transport is O" in text
    assert "1 captured: 1 plaintext" in text


def test_the_table_fits_on_a_small_screen_by_scrolling_itself(pages: dict[str, Path], open_page: Opener) -> None:
    page = open_page(pages["all"], is_mobile=False).page
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_matrix_is_for_everybody_and_on_a_phone(
    scheme: str, tmp_path: Path, open_page: Opener
) -> None:
    path = tmp_path / "matrix.html"
    path.write_text("".join(find_format("html").render_matrix(good(), ReportOptions())))
    opened = open_page(path, color_scheme=scheme)
    opened.unfold()
    assert opened.axe() == []
    assert (opened.requests, opened.dialogs, opened.said) == ([path.as_uri()], [], [])
    assert opened.page.locator("table").first.locator("tbody tr").inner_text().split() == [
        "pymysql", "\N{MULTIPLICATION X}", "PLAINTEXT", "\N{CHECK MARK}", "TLSv1.3", "AES-256-GCM",
    ]  # fmt: skip
    opened.page.set_viewport_size({"width": 390, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
