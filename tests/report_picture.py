"""The report of the shipped captures that the docs show, and its picture: `python -m tests.report_picture` writes both.

The picture is the page as Chromium shows it, 1280 px wide, down to the end of what the bytes show.
"""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import sync_playwright

from aurora_wire.cli import main
from tests.browser.conftest import FLAGS
from tests.conftest import ROOT

WIDTH = 1280
PAGE, PICTURE = ROOT / "docs" / "report.html", ROOT / "docs" / "report.png"
LAST = "section[aria-labelledby=proof]"  # of the picture


def write() -> None:
    """Write the page, and take its picture."""
    os.chdir(ROOT)  # captures are named from there
    captures = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "captures").glob("*.txt"))
    main(["report", "--reveal", *captures, "-o", str(PAGE.relative_to(ROOT)), "--force"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(PAGE.as_uri())
        box = page.locator(LAST).bounding_box()
        assert box is not None
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": round(box["y"] + box["height"]) + 24}
        page.screenshot(path=PICTURE, full_page=True, clip=clip)  # type: ignore[arg-type]
        browser.close()


if __name__ == "__main__":
    write()
