"""Findings of servers that are known for a time: marked in every format, out of the exit code, told where expired."""

from __future__ import annotations

import argparse
import csv
import io
import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.cli import main
from aurora_wire.cli.exceptions import add_server_exception_options, read_server_exceptions
from aurora_wire.cli.posture_reports import compute_exit_code
from aurora_wire.errors import UsageError
from aurora_wire.posture.check import check
from aurora_wire.posture.known import Known, list_given
from aurora_wire.posture.result import Posture, judge_again
from aurora_wire.posture.target import Target
from aurora_wire.report.formats import FORMATS, ReportOptions, find_format
from aurora_wire.report.posture.from_json import parse
from aurora_wire.report.posture.mask import mask, stars
from aurora_wire.report.posture.to_json import render as to_json
from aurora_wire.verdict.exceptions import parse_known
from tests.posture import results
from tests.report.schemas import valid

TODAY = date(2026, 11, 30)
REASON = "the old host, replaced in January"
ROOT = Path(__file__).resolve().parents[2]


def marked(posture: Posture, *texts: str) -> Posture:
    """The result with these exceptions: `RULE[:SERVER]` and perhaps a last day."""
    known = [
        parse_known(f"{text if ' ' in text else text + ' 2027-01-31'} {REASON}", "--ignore", hosts=True)
        for text in texts
    ]
    posture.exceptions = list_given(known, TODAY)
    return judge_again(posture)


def without_tls() -> Posture:
    return results.probe(results.bare())


def rules_of(posture: Posture) -> list[str]:
    found = [hit for _, each in posture.probes for one in each for hit in one.findings]
    return [hit.rule for hit in [*found, *(hit for one in posture.audits for hit in one.findings)]]


@pytest.mark.parametrize(
    "server", ["", ":192.0.2.8", ":192.0.2.0/24", ":db.example.com", ":DB.Example.COM."]
)
def test_a_finding_that_is_known_takes_no_part_in_the_exit_code(server: str) -> None:
    (rule,) = rules_of(without_tls())
    assert without_tls().exit_code == 1
    found = marked(without_tls(), rule + server)
    assert found.exit_code == 0
    assert compute_exit_code(found, ["critical", rule]) == 0
    ((_, (assessment,)),) = found.probes
    assert assessment.grade == "F"
    (hit,) = assessment.findings
    assert hit.ignored is not None
    assert hit.detail.endswith(f" [ignored until 2027-01-31: {REASON}]")
    assert [one.findings for one in found.exceptions] == [1]


@pytest.mark.parametrize("server", [":192.0.2.7", ":198.51.100.0/24", ":other.example.com", ":example.com", ":::1"])
def test_another_server_stays_as_it_is(server: str) -> None:
    (rule,) = rules_of(without_tls())
    found = marked(without_tls(), rule + server)
    assert found.exit_code == 1
    assert compute_exit_code(found, [rule]) == 1
    assert [one.findings for one in found.exceptions] == [0]


def test_an_exception_that_has_expired_is_not_applied_and_told() -> None:
    (rule,) = rules_of(without_tls())
    found = marked(without_tls(), f"{rule} 2026-11-29")
    assert found.exit_code == 1
    (told,) = found.exceptions
    assert (told.expired, told.findings) == (True, 1)
    for name in ("text", "markdown", "sarif", "html"):
        shown = shown_as(found, name)
        assert "xpired" in shown, name
        assert rule in shown
    assert "expired on 2026-11-29, not applied" in shown_as(found, "junit")
    assert json.loads(shown_as(found, "json"))["exceptions"][0]["expired"] is True


def test_the_last_day_still_counts() -> None:
    (rule,) = rules_of(without_tls())
    assert marked(without_tls(), f"{rule} {TODAY.isoformat()}").exit_code == 0


def shown_as(posture: Posture, name: str) -> str:
    row = find_format(name)
    made = mask(posture, stars) if row.posted else posture
    return "".join(row.render_posture(made, ReportOptions(width=200)))


@pytest.mark.parametrize("kind", ["probe", "audit", "check"])
def test_reason_and_last_day_are_in_every_format(kind: str) -> None:
    before = results.each_kind()[kind]
    rules = {hit.rule for _, each in before.probes for one in each for hit in one.findings}
    rules |= {hit.rule for one in (*before.audits, *before.checks) for hit in one.findings}
    found = marked(before, *sorted(rules))
    for name in (row.name for row in FORMATS.values() if row.posture):
        shown = shown_as(found, name)
        if name == "csv":
            continue  # servers, a line each: their findings are in csv:findings
        assert ("replaced in" if name == "markdown" else REASON) in shown, name  # which quotes what is no word
        assert "2027-01-31" in shown, name
    document = shown_as(found, "json")
    valid(kind, document)
    assert parse(document.encode(), "known.json") == found
    assert judge_again(parse(document.encode(), "known.json")) == found
    rows = list(csv.DictReader(io.StringIO(shown_as(found, "csv:findings"))))
    assert {(row["ignored_reason"], row["ignored_until"]) for row in rows} == {(REASON, "2027-01-31")}
    run = json.loads(shown_as(found, "sarif"))["runs"][0]
    assert all(one["suppressions"][0]["justification"] == REASON for one in run["results"])


def test_junit_passes_what_is_known() -> None:
    (rule,) = rules_of(without_tls())
    assert ET.fromstring(shown_as(without_tls(), "junit")).attrib["failures"] == "1"
    assert ET.fromstring(shown_as(marked(without_tls(), rule), "junit")).attrib["failures"] == "0"


def test_an_audit_follows_as_a_probe_does() -> None:
    before = judge_again(Posture("audit", audits=[results.audited()]))
    rules = [hit.rule for hit in before.audits[0].findings]
    assert before.exit_code == 1
    assert marked(before, rules[-1]).exit_code == 1
    found = marked(before, *set(rules))
    assert found.exit_code == 0
    assert found.audits[0].grade == before.audits[0].grade


def test_a_check_whose_views_rest_on_known_findings_alone_gives_0_and_a_contradiction_1() -> None:
    ((probed, assessments),) = without_tls().probes
    audit = judge_again(Posture("audit", audits=[results.audited()])).audits[0]
    joined = Posture("check", checks=[
        check(Target(results.HOST), probe=probed, assessments=assessments, audit=audit)
    ])  # fmt: skip
    rules = sorted({hit.rule for hit in joined.checks[0].findings})
    found = marked(joined, *rules)
    assert joined.exit_code == 1
    assert found.exit_code == (1 if found.checks[0].contradictions else 0)
    assert marked(joined, rules[0]).exit_code == 1
    only = Posture("check", checks=[check(Target(results.HOST), probe=probed, assessments=assessments)])
    assert (only.exit_code, marked(only, *rules).exit_code) == (1, 0)


def test_captures_in_the_clear_are_no_finding_of_a_server() -> None:
    whole = results.each_kind()["check"]
    leaking = [one for one in whole.checks if one.traffic is not None and one.traffic.leaking]
    assert leaking
    rules = {hit.rule for one in whole.checks for hit in one.findings}
    assert marked(whole, *rules).exit_code == 1


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_server_exception_options(parser)
    return parser.parse_args(words)


def test_options_go_before_the_settings_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_server_exceptions(options()).given == []
    (tmp_path / "known.txt").write_text("# known\nAW603:db.example.com 2099-01-31 by file\n")
    (tmp_path / "aurora-wire.toml").write_text(
        "ignore = ['AW601:10.0.0.0/8 2099-01-31 by settings']\nbaseline = ['known.txt']\n"
    )
    assert [one.reason for one in read_server_exceptions(options()).given] == ["by settings", "by file"]
    given = read_server_exceptions(options("--ignore", "AW602 2001-01-31 by option", "--no-config")).given
    assert [(one.reason, one.expired) for one in given] == [("by option", True)]
    assert "the exception AW602 has expired on 2001-01-31: it is not applied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AW601", "is none of the form"), ("AW999 2027-01-31 why", "there is no rule AW999"),
        ("AW601:two words 2027-01-31", "is no date"), ("AW601:a_b!c 2027-01-31 why", "is no address, network or name"),
        ("AW601: 2027-01-31 why", "is no address, network or name"), ("AW601 tomorrow why", "is no date"),
    ],
)  # fmt: skip
def test_what_is_no_exception_is_told_before_anything_is_asked(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "127.0.0.1:1", "--ignore", text]) == 2
    assert said in capsys.readouterr().err


def test_a_scan_takes_no_name_of_a_server() -> None:
    with pytest.raises(UsageError, match=r"is no address or network\."):
        parse_known("AW101:db.example.com 2027-01-31 why", "--ignore")


def test_a_result_with_an_exception_that_is_none_is_refused() -> None:
    (rule,) = rules_of(without_tls())
    document = json.loads("".join(to_json(marked(without_tls(), rule))))
    for wrong in ("AW999", f"{rule}:a b", ""):
        document["exceptions"][0]["known"] = wrong
        with pytest.raises(UsageError, match=r"exceptions\[0\] is no exception"):
            parse(json.dumps(document).encode(), "known.json")


@given(st.lists(st.sampled_from(["AW601", "AW602", "AW603", "AW604", "AW605", "AW621", "AW622"]), max_size=5),
       st.sampled_from(["", ":192.0.2.0/24", ":2001:db8::/32", ":db.example.com"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_exceptions_never_make_it_worse_and_marking_again_changes_nothing(
    rules: list[str], server: str, expired: bool
) -> None:
    for kind in ("probe", "audit", "check"):
        before = judge_again(results.each_kind()[kind])
        day = "2026-01-31" if expired else "2027-01-31"
        found = marked(results.each_kind()[kind], *(f"{rule}{server} {day}" for rule in rules))
        assert judge_again(found) == found
        assert found.exit_code <= before.exit_code or before.exit_code == 0
        if expired or not rules:
            assert found.exit_code == before.exit_code


def test_nothing_is_known_of_no_exceptions() -> None:
    known = Known([])
    assert known.results() == []
