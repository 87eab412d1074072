"""The JSON Schemas of `prove` and `compare`: what they name is what the code names. That of `scan` has its own test."""

from __future__ import annotations

from typing import get_args

import jsonschema
import pytest

from aurora_wire.compare.compare import CHANGES
from aurora_wire.compare.render import ANSWERS
from aurora_wire.prove.cell import Agreement, Result
from aurora_wire.prove.drivers.driver import ErrorKind, Mode
from aurora_wire.verdict.result import Confidence, Verdict
from tests.report.schemas import objects, schema


@pytest.mark.parametrize("name", ["prove", "comparison"])
def test_a_schema_is_a_schema_and_allows_nothing_it_does_not_name(name: str) -> None:
    described = schema(name)
    jsonschema.Draft202012Validator.check_schema(described)
    for one in objects(described):
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_the_words_of_a_cell_are_those_of_the_code() -> None:
    defined = schema("prove")["$defs"]
    cell = defined["cell"]["properties"]
    assert defined["mode"]["enum"] == list(Mode)
    assert cell["result"]["enum"] == list(Result)
    assert cell["session"]["properties"]["agreement"]["enum"] == list(Agreement)
    (error,) = (one for one in cell["error"]["anyOf"] if "properties" in one)
    assert error["properties"]["kind"]["enum"] == [*ErrorKind, None]
    assert set(cell["verdict"]["enum"]) == {*get_args(Verdict), None}
    assert set(cell["confidence"]["enum"]) == {*get_args(Confidence), None}


def test_the_words_of_a_comparison_are_those_of_the_code() -> None:
    described = schema("comparison")["properties"]
    assert list(described["counts"]["properties"]) == list(CHANGES)
    assert described["changes"]["items"]["properties"]["change"]["enum"] == list(CHANGES)
    assert described["answer"]["enum"] == [answer.lower() for answer in ANSWERS.values()]
