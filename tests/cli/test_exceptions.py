"""`--fail-on`, `--ignore` and `--baseline`: exit codes, what is told in each format, and errors."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.cli.main import main
from aurora_wire.errors import UsageError
from aurora_wire.report.formats import FORMATS, ReportOptions
from aurora_wire.verdict.exceptions import Exceptions, parse_baseline, parse_known
from tests.conversations import play
from tests.conversations.judge import write
from tests.conversations.sessions import plaintext, tls12, tls13
from tests.conversations.tcp import Conversation

LATER = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
PAST = "2020-01-31"
TODAY = date(2026, 1, 1)


@pytest.fixture
def leak(tmp_path: Path) -> str:
    return str(write(tmp_path / "leak.pcap", play(plaintext())))


@pytest.fixture
def safe(tmp_path: Path) -> str:
    return str(write(tmp_path / "safe.pcap", play(tls13(), Conversation(client=("10.0.0.6", 41000)))))


def rules_of(*captures: str) -> list[str]:
    return sorted({one.rule for one in aurora_wire.scan(list(captures)).findings})


def known(rules: list[str], until: str = LATER, client: str = "") -> list[str]:
    return [word for rule in rules for word in ("--ignore", f"{rule}{client} {until} replaced in January")]


def test_a_leak_that_is_known_as_a_whole_gives_no_1(leak: str, safe: str) -> None:
    rules = rules_of(leak)
    assert main(["scan", "--quiet", leak]) == 1
    assert main(["scan", "--quiet", *known(rules), leak]) == 0
    assert main(["scan", "--quiet", *known(rules), leak, safe]) == 0
    assert main(["scan", "--quiet", *known(rules[:-1]), leak]) == 1
    assert main(["scan", "--quiet", *known(rules, PAST), leak]) == 1
    assert main(["scan", "--quiet", *known(rules, client=":10.0.0.0/24"), leak]) == 0
    assert main(["scan", "--quiet", *known(rules, client=":10.0.0.6"), leak]) == 1


def test_what_remains_has_its_own_exit_code(leak: str, tmp_path: Path) -> None:
    rules = rules_of(leak)
    gap = str(write(tmp_path / "gap.pcap", play(tls13(), Conversation(client=("10.0.0.7", 1)), lost=["client-data-2"])))
    found = aurora_wire.scan([gap])
    assert (found.verdict, found.confidence) == ("encrypted", "likely")
    assert main(["scan", "--quiet", *known([*rules, "AW501"]), leak, gap]) == 0
    assert main(["scan", "--quiet", "--require", "proven", *known([*rules, "AW501"]), leak, gap]) == 3
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(leak).read_bytes()[:-7])
    assert main(["scan", "--quiet", *known([*rules, "AW506"]), str(cut)]) == 3


def test_fail_on_adds_and_takes_nothing_away(leak: str, safe: str, tmp_path: Path) -> None:
    weak = str(write(tmp_path / "weak.pcap", play(tls12(version=0x0301, suite=0xC014))))
    assert rules_of(weak) == ["AW301"]
    assert main(["scan", "--quiet", weak]) == 0
    assert main(["scan", "--quiet", "--fail-on", "AW301", weak]) == 1
    assert main(["scan", "--quiet", "--fail-on", "medium", weak]) == 1
    assert main(["scan", "--quiet", "--fail-on", "high", weak]) == 0
    assert main(["scan", "--quiet", "--fail-on", "medium", *known(["AW301"]), weak]) == 0
    assert main(["scan", "--quiet", "--fail-on", "info", safe]) == 0
    assert main(["scan", "--quiet", "--fail-on", "AW301", leak]) == 1


def test_a_baseline_is_read_with_comments_and_says_which_line_is_wrong(
    leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "known.txt"
    lines = [f"{rule} {LATER} the old batch host" for rule in rules_of(leak)]
    path.write_text("# leaks that are known\n\n" + "\n".join(lines) + "\n")
    assert main(["scan", "--quiet", "--baseline", str(path), leak]) == 0
    capsys.readouterr()
    for line, said in (
        (f"AW999 {LATER} why", "line 3: there is no rule AW999"), (f"AW101 {LATER}", "line 3"),
        ("AW101 31.1.2027 why", "line 3: '31.1.2027' is no date"), (f"AW101:lab {LATER} why", "line 3: 'lab' is no"),
    ):  # fmt: skip
        path.write_text(f"# one\n\n{line}\n")
        assert main(["scan", "--baseline", str(path), leak]) == 2
        told = capsys.readouterr().err
        assert f"{path}: {said}" in told
        assert told.count("\n") == 1
    assert main(["scan", "--baseline", str(tmp_path / "none"), leak]) == 2
    assert main(["scan", "--ignore", "AW101", leak]) == 2
    assert main(["scan", "--fail-on", "awful", leak]) == 2


TABLES_WITHOUT = ("csv", "csv:statements", "csv:groups", "csv:captures")  # tables of what is no finding


@pytest.mark.parametrize(
    "name", [name for name, row in FORMATS.items() if name not in TABLES_WITHOUT and not row.is_binary]
)
def test_what_is_ignored_is_in_every_format_with_its_reason(name: str, leak: str) -> None:
    given = Exceptions([parse_known(f"{rule} 2027-01-31 batch-host-7", "test") for rule in rules_of(leak)], TODAY)
    scan = aurora_wire.scan([leak], aurora_wire.ScanOptions(exceptions=given))
    if name == "html":
        from aurora_wire.cli.report import html_pieces

        pieces = html_pieces(scan, [leak], aurora_wire.ScanOptions())
    else:
        pieces = FORMATS[name].render(scan, ReportOptions())
    text = "".join(pieces)
    assert "batch-host-7" in text
    assert "2027-01-31" in text


def test_json_says_what_was_ignored_and_what_has_expired(leak: str) -> None:
    rules = rules_of(leak)
    texts = [f"{rules[0]}:10.0.0.5 2027-01-31 first", f"{rules[1]} 2025-12-31 second", "AW303 2027-01-31 third"]
    given = Exceptions([parse_known(text, "test") for text in texts], TODAY)
    scan = aurora_wire.scan([leak], aurora_wire.ScanOptions(exceptions=given))
    data = json.loads("".join(FORMATS["json"].render(scan, ReportOptions())))
    assert [(one["known"], one["findings"], one["expired"]) for one in data["exceptions"]] == [
        (f"{rules[0]}:10.0.0.5", 1, False), (rules[1], 1, True), ("AW303", 0, False),
    ]  # fmt: skip
    assert data["findings"][0]["ignored"] == {"reason": "first", "until": "2027-01-31"}
    assert "ignored" not in data["findings"][1]
    assert "1 finding ignored as known" in data["closing"]
    assert f"expired and not applied: {rules[1]}" in data["closing"]


def test_the_last_day_counts() -> None:
    (one,) = parse_baseline(b"AW101 2026-01-01 last day\r\n", "known.txt")
    assert one.until == TODAY
    assert not Exceptions([one], TODAY).results()[0].expired
    with pytest.raises(UsageError, match="UTF-8"):
        parse_baseline(b"AW101 2026-01-01 \xff", "known.txt")


def test_the_text_says_why_an_encrypted_capture_gives_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak = str(write(tmp_path / "weak.pcap", play(tls12(version=0x0301, suite=0xC014))))
    assert main(["scan", "--quiet", "--fail-on", "AW301", weak]) == 1
    assert "--fail-on names (exit code 1)" in capsys.readouterr().out


def test_report_takes_the_same_and_its_command_has_them(leak: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert main(["report", *known(rules_of(leak)), leak, "-o", str(page)]) == 0
    assert "replaced in January" in page.read_text()
    assert main(["report", "--fail-on", "high", "--force", leak, "-o", str(page)]) == 1
