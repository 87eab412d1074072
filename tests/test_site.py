"""The docs: outputs are those of the program, the reference is that of the code, the site builds without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import site_docs
from tests.shown_outputs import ROOT, agrees, blocks, pages, play, rewritten

SHOWING = [page for page in pages() if blocks(page.read_text())]
HOW = "run `python -m tests.shown_outputs` and read the diff; a block with `...` is edited by hand"
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?(?:https?:)?//[^\">]*")


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_output_that_is_shown_is_what_the_program_writes(page: Path) -> None:
    for block in blocks(page.read_text()):
        for shown, told in zip(block, play([one.command for one in block]), strict=True):
            assert agrees(shown.lines, told), "\n".join([f"{page.name}: {shown.command}: {HOW}", *told])


def test_outputs_are_shown_where_a_reader_begins() -> None:
    assert {"README.md", "index.md", "tutorial.md", "ci.md"} <= {page.name for page in SHOWING}


def test_three_dots_stand_for_any_lines_and_nothing_else_does() -> None:
    told = ["a", "b", "c"]
    assert agrees(["a", "...", "c"], told)
    assert agrees(["..."], told)
    assert agrees(["a", "b", "c"], told)
    for shown in (["a", "c"], ["...", "b"], [".", "b", "c"], [], ["a", "...", "d"]):
        assert not agrees(shown, told)


def test_an_output_is_written_anew_unless_it_is_cut() -> None:
    page = "x\n```console\n$ aurora-wire scan --quiet article-1-mysql-client-plaintext.pcap\nold\n$ echo $?\n9\n```\n"
    new = rewritten(page)
    assert "PLAINTEXT (proven)" in new
    assert "\n1\n```\n" in new
    assert "old" not in new
    cut = page.replace("old", "...")
    assert rewritten(cut) == cut


@pytest.mark.parametrize("name", ["commands.md", "rules.md", "schemas.md"])
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (site_docs.TARGET / name).read_text() == site_docs.pages()[name], "run: python -m tests.site_docs"


def test_markdown_takes_nothing_of_the_texts_for_its_own() -> None:
    assert site_docs.plain("a_b *c* <d> `e_f|g` [h]") == "a\\_b \\*c\\* &lt;d> `e_f|g` \\[h]"
    assert site_docs.cell("a|b") == "a\\|b"


def test_the_site_builds_strictly_and_fetches_nothing(tmp_path: Path) -> None:
    """Every link and anchor leads somewhere, each page is in the navigation, and no page asks another host."""
    if find_spec("mkdocs") is None or find_spec("material") is None:
        pytest.skip("pip install 'aurora_wire[docs]' brings what builds the site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-f", ".ci/mkdocs.yml"]
    done = subprocess.run(
        [*build, "-d", tmp_path / "site"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    built = sorted((tmp_path / "site").rglob("*.html"))
    assert len(built) > 25
    for page in built:
        if page.name != "report.html":
            assert FROM_ELSEWHERE.findall(page.read_text()) == [], page.name
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\((?:\"|')?https?:|@import", style.read_text()), style.name


def test_the_tables_of_clients_are_those_of_the_recorded_runs() -> None:
    rows = re.findall(r"^    ([a-z][\w=.-]*(?: {2,}(?:PLAINTEXT|refused|TLSv1\S* \S+|\S[^\n]*?)){5})$",
                      (ROOT / "docs" / "prove.md").read_text(), re.MULTILINE)
    recorded = {
        " ".join(line.split()) for matrix in (ROOT / "captures").glob("*/matrix.txt")
        for line in matrix.read_text().splitlines()
    }  # fmt: skip
    assert len(rows) >= 18
    assert [row for row in rows if " ".join(row.split()) not in recorded] == []
