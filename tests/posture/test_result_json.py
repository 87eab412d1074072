"""Results as JSON: what the schemas allow, read again as they were, and judged again to the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_wire.errors import UsageError
from aurora_wire.posture.result import KINDS, Posture, judge_again
from aurora_wire.report.formats import FORMATS, ReportOptions
from aurora_wire.report.posture.from_json import is_result, parse, read_result, split_inputs
from aurora_wire.report.posture.to_json import SCHEMAS, collect_fields, elements, render
from tests.posture import results
from tests.report.schemas import valid

RESULTS = results.each_kind()


def text_of(posture: Posture) -> str:
    return "".join(render(posture))


@pytest.mark.parametrize("name", list(RESULTS))
def test_each_result_is_as_its_schema_says_and_says_all_of_it(name: str) -> None:
    posture = RESULTS[name]
    text = text_of(posture)
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    found = valid(posture.kind, text)
    assert found["schema"] == SCHEMAS[posture.kind]
    assert found["exit_code"] == posture.exit_code


@pytest.mark.parametrize("name", list(RESULTS))
def test_a_line_of_jsonl_is_a_server_of_the_whole(name: str) -> None:
    posture = RESULTS[name]
    written = "".join(FORMATS["jsonl"].render_posture(posture, ReportOptions()))
    lines = [json.loads(line) for line in written.splitlines()]
    whole = json.loads(text_of(posture))
    if posture.kind == "audit":
        head = ("schema", "tool_version", "exit_code")
        assert lines == [{key: value for key, value in whole.items() if key not in head}]
    else:
        assert lines == whole["members" if posture.kind == "fleet" else "targets"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results.results())
def test_any_result_is_valid_and_reads_again_as_it_was(posture: Posture) -> None:
    text = text_of(posture)
    valid(posture.kind, text)
    again = parse(text.encode(), "r.json")
    assert text_of(again) == text
    fields = collect_fields(judge_again(again))
    assert fields == collect_fields(again), "findings, grades and views follow from what was read"


def test_what_was_made_up_is_seen_when_it_is_judged_again() -> None:
    found = json.loads(text_of(results.audit()))
    found["grade"], found["findings"] = "A", []
    posture = parse(json.dumps(found).encode(), "a.json")
    assert posture.exit_code == 0
    assert judge_again(posture).exit_code == 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(RESULTS)), st.data())
def test_a_field_of_another_kind_is_told_and_raises_nothing_else(name: str, data: st.DataObject) -> None:
    """One value anywhere in the file is another one; what is read all the same can be written in each format."""
    value = json.loads(text_of(RESULTS[name]))
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(st.sampled_from([None, True, -1, 1 << 60, 0.5, "", "\x1b[2J", "0x1301", [], {}, [None]]))
        break
    posture = None
    said = "r.json: "
    try:
        posture = parse(json.dumps(value).encode(), "r.json")
    except UsageError as error:
        said = str(error)
    assert said.startswith("r.json: ")
    if posture is None:
        return
    for row in FORMATS.values():
        if row.posture:
            shown = "".join(row.render_posture(posture, ReportOptions()))
            assert "\x1b" not in shown


@pytest.mark.parametrize(("data", "said"), [
    (b"", "is no JSON"), (b"{", "is no JSON"), (b"[" * 100_000, "is no JSON"), (b"[1]", "is no result"),
    (b'{"schema": "aurora-wire/scan/1"}', "is no result"),
    (b'{"schema": "aurora-wire/audit/1"}', "tool_version is missing"),
    (b'{"schema": "aurora-wire/probe/1", "tool_version": "1", "authorities": null}', "targets is missing"),
    (b'{"schema": "aurora-wire/probe/1", "tool_version": "1", "authorities": null, "targets": [3]}', "is no object"),
])  # fmt: skip
def test_what_is_no_result_is_one_line_that_names_it(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        parse(data, "x.json")
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("x.json: ")


def test_a_rule_or_a_title_that_this_version_does_not_know_is_refused() -> None:
    found = json.loads(text_of(results.audit()))
    for changes in ({"rule": "AW999"}, {"title": "harmless"}, {"severity": "info"}):
        changed = {**found, "findings": [{**found["findings"][0], **changes}]}
        with pytest.raises(UsageError, match=r"findings\[0\]"):
            parse(json.dumps(changed).encode(), "a.json")


def test_files_are_told_apart_by_how_they_begin(tmp_path: Path) -> None:
    paths = []
    for kind in KINDS:
        path = tmp_path / f"{kind}.json"
        path.write_text(text_of(next(each for each in RESULTS.values() if each.kind == kind)))
        paths.append(str(path))
    (tmp_path / "scan.json").write_text('{"schema": "aurora-wire/scan/1"}')
    (tmp_path / "pretty.json").write_text(json.dumps(json.loads(text_of(results.audit())), indent=4))
    others = [str(tmp_path / "scan.json"), str(tmp_path), str(tmp_path / "missing"), "-", "a*", "\0"]
    pretty = str(tmp_path / "pretty.json")
    assert split_inputs([*others, *paths, pretty]) == (others, [*paths, pretty])
    assert [read_result(path).kind for path in paths] == list(KINDS)
    assert not is_result(b'{"schema": "aurora-wire/scan/1"')
    with pytest.raises(UsageError, match="missing"):
        read_result(str(tmp_path / "missing"))


def test_elements_of_a_fleet_have_the_findings_that_a_probe_would_have() -> None:
    found = {each["name"]: [hit["rule"] for hit in each["findings"]] for each in elements(results.fleet())}  # type: ignore[attr-defined]
    assert found == {"shop": ["AW603", "AW621"], "shop-1": ["AW608"], "p": []}


def test_the_exit_code_is_the_worst_of_all_servers() -> None:
    good = results.probe(results.address())
    assert good.exit_code == 0
    unknown = results.probe()
    assert unknown.exit_code == 3
    assert replace(good, probes=good.probes + unknown.probes).exit_code == 3
    bad = results.probe(results.bare())
    assert replace(good, probes=good.probes + unknown.probes + bad.probes).exit_code == 1
