"""`aurora-wire rules` prints the registry."""

import json
from collections.abc import Callable

import pytest

from aurora_wire.cli import main
from aurora_wire.verdict.rules.registry import RULES
from tests.cli.running import python


def test_without_an_id_there_is_one_line_for_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["rule", *RULES]


def test_with_ids_they_are_printed_in_full(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    assert main(["rules", "aw201", "AW501"]) == 0
    golden("rules-AW201-AW501.txt", capsys.readouterr().out)


def test_json_has_all_of_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["schema"] == "aurora-wire/rules/1"
    assert [rule["id"] for rule in value["rules"]] == list(RULES)
    assert main(["rules", "AW101", "--format", "json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert (rule["title"], rule["severity"]) == ("SQL in the clear", "high")
    assert rule["references"] == list(RULES["AW101"].references)


def test_listing_the_rules_loads_no_decoder() -> None:
    code = "import sys; from aurora_wire.cli import main; main(['rules', 'AW101']); print(*sys.modules)"
    loaded = python(code).split()
    assert not {name for name in loaded if name.startswith(("aurora_wire.wire.flows", "aurora_wire.wire.mysql.client"))}
