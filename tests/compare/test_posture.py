"""Two results compared: what got better counts only where it was looked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.cli.main import main
from aurora_wire.compare.posture import (
    BETTER,
    CHANGES,
    NEW,
    OF_AUDIT,
    OF_FLEET,
    OF_PROBE,
    STILL,
    UNKNOWN,
    WORSE,
    PostureComparison,
    compare_postures,
)
from aurora_wire.compare.posture_render import render_json
from aurora_wire.posture.audit import AuditResult
from aurora_wire.posture.result import Posture, judge_again
from aurora_wire.posture.survey import NOT_ASKED, OFFERED
from aurora_wire.report.posture.mask import mask, stars
from aurora_wire.report.posture.to_json import render
from aurora_wire.verdict.rules.registry import RULES
from tests.evidence.bundles import write_captures
from tests.posture import results
from tests.report.schemas import valid

Capsys = pytest.CaptureFixture[str]


def changed(before: Posture, after: Posture) -> dict[tuple[str, str], str]:
    """Change by rule and item."""
    return {(one.rule, one.item): one.change for one in compare_postures(before, after).changes}


def with_audit(**changes: object) -> Posture:
    found: AuditResult = replace(results.audited(), **changes)  # type: ignore[arg-type]
    return judge_again(Posture("audit", audits=[found]))


def test_what_was_fixed_got_better_thing_by_thing() -> None:
    before, after = results.audit(), results.audit(requires=True, clear=0)
    assert changed(before, after) == {
        ("", ""): BETTER, ("AW621", ""): BETTER, ("AW622", "app from 10.0.0.5"): BETTER, ("AW623", "'app'@'%'"): BETTER,
    }
    found = compare_postures(before, after)
    assert (found.same_code, found.exit_code, found.same) == (1, 0, False)
    back = compare_postures(after, before)
    assert {one.change for one in back.changes} == {WORSE}
    assert (back.same_code, back.exit_code) == (1, 1)


def test_the_same_is_the_same_however_often_it_is_found() -> None:
    found = compare_postures(results.audit(clear=1), results.audit(clear=7))
    assert {one.change for one in found.changes} == {STILL}
    assert (found.same_code, found.exit_code) == (0, 1), "the same, and not as it should be"


def test_one_suite_less_is_better_and_one_more_is_worse() -> None:
    less, more = results.address(), results.address()
    assert less.tls is not None
    assert more.tls is not None
    less.tls.versions[1].suites, more.tls.versions[1].suites = [0xC02F, 0x002F], [0xC02F, 0x002F, 0x0035]
    found = changed(results.probe(less), results.probe(more))
    assert found[("AW606", "TLS_RSA_WITH_AES_256_CBC_SHA")] == WORSE
    assert found[("AW606", "TLS_RSA_WITH_AES_128_CBC_SHA")] == STILL
    found = changed(results.probe(more), results.probe(less))
    assert found[("AW606", "TLS_RSA_WITH_AES_256_CBC_SHA")] == BETTER


def test_what_was_not_looked_for_is_not_better() -> None:
    old = results.address(tls=results.tls(OFFERED), trusted="unknown authority", chain=[results.certificate(days=-1)])
    before = results.probe(old)
    assert old.tls is not None
    unasked = results.tls()
    unasked.versions[2].status = NOT_ASKED
    found = changed(before, results.probe(results.address(tls=unasked, trusted=None, chain=[])))
    assert (found[("AW603", "TLSv1.1")], found[("AW607", "")], found[("AW609", "")]) == (UNKNOWN,) * 3
    found = changed(before, results.probe(results.address()))
    assert (found[("AW603", "TLSv1.1")], found[("AW607", "")], found[("AW609", "")]) == (BETTER,) * 3


def test_a_poor_account_fixes_nothing() -> None:
    found = changed(results.audit(), with_audit(accounts=None, account_count=0, connected=None))
    assert (found[("AW622", "app from 10.0.0.5")], found[("AW623", "'app'@'%'")]) == (UNKNOWN, UNKNOWN)
    found = changed(with_audit(accounts=None, account_count=0, connected=None), results.audit())
    assert found[("AW623", "'app'@'%'")] == NEW, "nobody knows how it was before"


def test_no_tls_any_more_does_not_make_its_suites_better() -> None:
    old = results.address(tls=results.tls(OFFERED))
    found = changed(results.probe(old), results.probe(results.bare()))
    assert found[("", "")] == WORSE
    assert found[("AW601", "")] == WORSE
    assert found[("AW603", "TLSv1.1")] == UNKNOWN


def test_a_server_that_is_gone_is_not_known_and_a_new_one_was_not_before() -> None:
    one, other = results.probe(results.address()), results.probe(results.address(), host="other")
    found = compare_postures(one, other)
    assert {one.server: one.change for one in found.changes} == {"db.example.com:3306": UNKNOWN, "other:3306": NEW}
    assert compare_postures(one, results.probe()).same_code == 3
    assert compare_postures(one, results.probe()).exit_code == 3


def test_a_check_that_can_no_longer_tell_did_not_get_better() -> None:
    before = results.check(requires=False, leaking=0)
    (target,) = before.checks
    after = judge_again(Posture("check", checks=[replace(target, audit=None)]))
    found = compare_postures(before, after)
    assert BETTER not in {one.change for one in found.changes}
    assert found.exit_code == 3


def test_a_fleet_is_compared_by_what_each_server_requires() -> None:
    before, after = results.fleet(), results.fleet()
    assert after.fleet is not None
    after.fleet.members[0].requires_tls = True
    after.fleet.members[1].requires_tls = False
    found = {(one.server.rpartition("/")[2], one.rule): one.change for one in compare_postures(before, after).changes}
    assert found[("shop", "")] == BETTER
    assert found[("shop-1", "")] == WORSE
    assert found[("shop", "AW603")] == STILL


def test_masked_names_are_not_compared() -> None:
    found = compare_postures(results.audit(), mask(results.audit(), stars))
    assert found.names_ignored
    assert found.same
    assert {(one.rule, one.change) for one in found.changes} == {(rule, STILL) for rule in ("AW621", "AW622", "AW623")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results.results())
def test_any_result_is_the_same_as_itself(posture: Posture) -> None:
    found: PostureComparison = compare_postures(posture, posture)
    assert {one.change for one in found.changes} <= {STILL, UNKNOWN}
    assert found.same_code in (0, 3)
    valid("posture-comparison", "".join(render_json(found, found.same_code)))


def test_every_rule_of_servers_is_looked_for_by_somebody() -> None:
    assert {rule for rule in RULES if rule.startswith("AW6")} == OF_PROBE | OF_AUDIT | OF_FLEET


# -- the command


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, posture in (
        ("before", results.audit()), ("after", results.audit(requires=True, clear=0)), ("check", results.check()),
        ("hostile", results.hostile("audit")),
    ):  # fmt: skip
        Path(f"{name}.json").write_text("".join(render(posture)))
    return tmp_path


@pytest.mark.parametrize(("arguments", "code", "closing"), [
    (["before.json", "after.json", "--require", "same"], 1, "ALL IS AS IT SHOULD BE NOW: 4 got better."),
    (["before.json", "after.json"], 0, "ALL IS AS IT SHOULD BE NOW: 4 got better."),
    (["after.json", "before.json"], 1, "NOT FIXED: 4 got worse."),
    (["before.json", "before.json", "--require", "same"], 0, "NOT FIXED: 3 still there; the same as before."),
    (["before.json", "before.json"], 1, "NOT FIXED: 3 still there; the same as before."),
])  # fmt: skip
def test_the_command_says_the_answer_last_and_by_its_exit_code(
    arguments: list[str], code: int, closing: str, files: Path, capsys: Capsys
) -> None:
    assert main(["compare", *arguments]) == code
    assert capsys.readouterr().out.splitlines()[-1] == closing
    assert main(["compare", *arguments, "--format", "json", "-o", "c.json"]) == code
    found = valid("posture-comparison", Path("c.json").read_bytes())
    assert found["exit_code"] == code
    assert sum(found["counts"].values()) == len(found["changes"])
    assert list(found["counts"]) == list(CHANGES)


@pytest.mark.parametrize(("arguments", "said"), [
    (["before.json", "check.json"], "a result of audit and one of check"),
    (["before.json", "x.pcap"], "says what servers allow, the other one what crossed"),
    (["before.json", "after.json", "--port", "3307"], "--port, --host and --filter are about what crossed"),
    (["before.json", "after.json", "-o", "after.json"], "this is one of the inputs"),
])  # fmt: skip
def test_wrong_use_is_one_line(arguments: list[str], said: str, files: Path, capsys: Capsys) -> None:
    Path("x.pcap").write_bytes(b"\xd4\xc3\xb2\xa1")
    before = Path("after.json").read_bytes()
    assert main(["compare", *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert Path("after.json").read_bytes() == before


def test_hostile_names_act_on_no_terminal(files: Path, capsys: Capsys) -> None:
    main(["compare", "hostile.json", "hostile.json"])
    main(["compare", "hostile.json", "hostile.json", "--format", "json"])
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown)
    assert json.loads(shown[shown.index("{"):])["same"] is True


# -- bundles


@pytest.fixture
def bundles(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_captures(files)
    Path("probe.json").write_text("".join(render(results.probe(results.address()))))
    for name, inputs in (
        ("old", ["plain.pcap", "before.json", "probe.json"]), ("new", ["tls.pcap", "after.json", "probe.json"]),
        ("poorer", ["tls.pcap", "probe.json"]), ("alone", ["tls.pcap"]),
    ):  # fmt: skip
        assert main(["evidence", "create", *inputs, "-o", f"{name}.zip"]) == 0
    return files


def test_two_bundles_are_compared_by_what_crossed_and_by_what_the_servers_allow(
    bundles: Path, capsys: Capsys
) -> None:
    capsys.readouterr()
    assert main(["compare", "old.zip", "new.zip", "--format", "json"]) == 3, "the host of the capture is another one"
    found = valid("comparison", capsys.readouterr().out)
    by_command = {one["command"]: valid("posture-comparison", json.dumps(one)) for one in found["posture"]}
    assert {name: one["answer"] for name, one in by_command.items()} == {
        "probe": "all is as it should be now", "audit": "all is as it should be now",
    }
    assert by_command["audit"]["counts"]["got better"] == 4
    assert (found["answer"], found["same"]) == ("not decided", False)

    assert main(["compare", "new.zip", "old.zip"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("What crossed\n")
    assert "What servers allow, by audit" in text
    assert "got worse" in text
    assert text.splitlines()[-1] == (
        "NOT FIXED: what crossed: not fixed; probe: all is as it should be now; audit: not fixed."
    )


def test_bundles_whose_traffic_is_alike_are_not_the_same_where_a_server_got_better(
    bundles: Path, capsys: Capsys
) -> None:
    assert main(["evidence", "create", "tls.pcap", "before.json", "probe.json", "-o", "was.zip"]) == 0
    assert main(["compare", "was.zip", "new.zip", "--require", "same"]) == 1
    assert main(["compare", "was.zip", "was.zip", "--require", "same"]) == 0
    assert main(["compare", "was.zip", "new.zip"]) == 0
    assert main(["compare", "new.zip", "was.zip"]) == 1, "nothing leaks, and the server got worse"


def test_what_only_one_bundle_was_asked_is_not_known_of_the_other(bundles: Path, capsys: Capsys) -> None:
    capsys.readouterr()
    assert main(["compare", "new.zip", "poorer.zip", "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    audit = next(one for one in found["posture"] if one["command"] == "audit")
    assert (audit["answer"], audit["after"]["exit_code"]) == ("not decided", None)
    assert [one["change"] for one in audit["changes"]] == [UNKNOWN]


def test_a_bundle_beside_a_run_without_results_is_compared_by_what_crossed_alone_and_says_so(
    bundles: Path, capsys: Capsys
) -> None:
    for other in ("alone.zip", "tls.pcap"):
        capsys.readouterr()
        assert main(["compare", "new.zip", other]) == 0
        told = capsys.readouterr()
        assert "new.zip: says what servers allow, too" in told.err
        assert "What servers allow" not in told.out


def test_a_result_is_compared_with_that_of_its_command_in_a_bundle(bundles: Path, capsys: Capsys) -> None:
    capsys.readouterr()
    assert main(["compare", "old.zip", "after.json"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "ALL IS AS IT SHOULD BE NOW: 4 got better."
    assert "old.zip: its results of audit are compared, and nothing else" in told.err
    assert main(["compare", "before.json", "new.zip"]) == 0
    assert main(["compare", "check.json", "new.zip"]) == 2
    assert "new.zip: holds no result of check" in capsys.readouterr().err
