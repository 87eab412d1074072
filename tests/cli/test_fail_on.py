"""`--fail-on` of probe, audit and check: by options, or by the settings of the folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from aurora_wire.cli.exceptions import add_server_exception_options, read_server_exceptions
from aurora_wire.cli.main import main
from aurora_wire.cli.posture_reports import compute_exit_code
from aurora_wire.errors import UsageError
from aurora_wire.posture.result import Posture
from tests.posture import results

SEVERITIES = ("info", "low", "medium", "high", "critical")


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_server_exception_options(parser)
    return parser.parse_args(words)


def read_fail_on(read: argparse.Namespace) -> list[str]:
    read_server_exceptions(read)
    wanted: list[str] = read.fail_on
    return wanted


def found(kind: str) -> tuple[Posture, set[tuple[str, str]]]:
    posture = results.each_kind()[kind]
    hits = [hit for _, each in posture.probes for one in each for hit in one.findings]
    hits += [hit for one in (*posture.audits, *posture.checks) for hit in one.findings]
    assert hits
    return posture, {(hit.rule, hit.severity) for hit in hits}


@pytest.mark.parametrize("kind", ["probe", "audit", "check"])
def test_a_finding_that_was_named_gives_1(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    posture, hits = found(kind)
    monkeypatch.setattr(Posture, "exit_code", property(lambda self: 0))
    worst = max(SEVERITIES.index(severity) for _, severity in hits)
    for rule, severity in hits:
        assert compute_exit_code(posture, [rule]) == 1
        assert compute_exit_code(posture, [severity]) == 1
    assert compute_exit_code(posture, []) == 0
    assert [compute_exit_code(posture, [one]) for one in SEVERITIES] == [1] * (worst + 1) + [0] * (4 - worst)
    assert compute_exit_code(posture, ["AW101"]) == 0


def test_the_folder_says_it_where_no_option_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_fail_on(arguments()) == []
    (tmp_path / "aurora-wire.toml").write_text("fail-on = ['high', 'AW605']\n")
    assert read_fail_on(arguments()) == ["high", "AW605"]
    assert read_fail_on(arguments("--fail-on", "low")) == ["low"]
    assert read_fail_on(arguments("--no-config")) == []
    (tmp_path / "aurora-wire.toml").write_text("fail-on = ['hihg']\n")
    with pytest.raises(UsageError, match="line 1: 'hihg' is neither a severity"):
        read_fail_on(arguments())


@pytest.mark.parametrize("words", [
    ["probe", "127.0.0.1:1"], ["audit", "--host", "127.0.0.1:1", "--user", "app"], ["check", "127.0.0.1:1"],
])  # fmt: skip
def test_what_is_no_rule_is_told_before_anything_is_asked(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--fail-on", "AW999"]) == 2
    assert "'AW999' is neither a severity" in capsys.readouterr().err
