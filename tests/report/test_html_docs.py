"""The report in docs/ is one of the shipped captures, and has the parts that a report made now has."""

from __future__ import annotations

from pathlib import Path

from aurora_wire.analysis.scan import scan
from aurora_wire.report.html import frames as html_frames
from aurora_wire.report.html import render as html
from tests.conftest import ROOT
from tests.report.test_html import check

CAPTURES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "captures").glob("*.txt"))]


def test_the_report_in_docs_is_of_the_shipped_captures() -> None:
    page = (ROOT / "docs" / "report.html").read_text(encoding="utf-8")
    reader = check(page)
    result = scan([str(ROOT / path) for path in CAPTURES])
    paths = [capture.path for capture in result.captures]
    fresh = "".join(html.render(result, frames=html_frames.gather(result, paths), redact=False))
    assert [one for one in reader.with_id() if one != "impact"] == check(fresh).with_id()
    for capture in result.captures:
        assert capture.sha256 is not None
        assert capture.sha256 in reader.text
        assert str(Path(capture.path).relative_to(ROOT)) in reader.text
    assert f"aurora-wire report --reveal {' '.join(CAPTURES)} -o docs/report.html" in reader.text
