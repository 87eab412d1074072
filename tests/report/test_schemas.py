"""The JSON Schemas of all commands but `scan`, which has its own test: what they name is what the code names."""

from __future__ import annotations

from typing import get_args

import jsonschema
import pytest

from aurora_wire.compare import posture as postures
from aurora_wire.compare import posture_render
from aurora_wire.compare.compare import CHANGES
from aurora_wire.compare.render import ANSWERS
from aurora_wire.posture.check import EXIT_CODES, VIEWS
from aurora_wire.posture.client_hello import GROUPS
from aurora_wire.posture.fleet import CLUSTER, INSTANCE, PROXY
from aurora_wire.posture.probe import DIRECT, MYSQL, NOT_MYSQL, PROBED, REFUSED, UNREACHABLE, X
from aurora_wire.posture.survey import NO_ANSWER, NOT_ASKED, NOT_OFFERED, OFFERED, VERSIONS
from aurora_wire.prove.cell import Agreement, Result
from aurora_wire.prove.drivers.driver import ErrorKind, Mode
from aurora_wire.report.posture.from_json import GRADES
from aurora_wire.report.posture.to_json import SCHEMAS
from aurora_wire.verdict.result import Confidence, Severity, Verdict
from aurora_wire.wire.tls.names import version_name
from tests.report.schemas import objects, schema

ONLY_OF_KNOWN_FINDINGS = ("exceptions", "ignored")  # absent where no `--ignore` was given


@pytest.mark.parametrize(
    "name",
    ["prove", "comparison", "probe", "audit", "fleet", "check", "posture-comparison", "doctor", "alert", "watch-state"],
)
def test_a_schema_is_a_schema_and_allows_nothing_it_does_not_name(name: str) -> None:
    described = schema(name)
    jsonschema.Draft202012Validator.check_schema(described)
    for one in objects(described):
        assert one["additionalProperties"] is False
        assert one["required"] == [each for each in one["properties"] if each not in ONLY_OF_KNOWN_FINDINGS]


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


def test_the_words_of_what_servers_allow_are_those_of_the_code() -> None:
    for kind, name in SCHEMAS.items():
        assert schema(kind)["properties"]["schema"]["const"] == name
    defined = schema("check")["$defs"]
    address = defined["address"]["properties"]
    assert address["status"]["enum"] == [PROBED, REFUSED, NOT_MYSQL, UNREACHABLE]
    assert address["protocol"]["enum"] == [MYSQL, X, DIRECT]
    assert address["grade"]["enum"] == [*GRADES, None]
    assert defined["version"]["properties"]["version"]["enum"] == [version_name(each) for each in VERSIONS]
    assert defined["version"]["properties"]["status"]["enum"] == [OFFERED, NOT_OFFERED, NOT_ASKED, NO_ANSWER]
    assert defined["finding"]["properties"]["severity"]["enum"] == list(get_args(Severity))
    assert defined["member"]["properties"]["kind"]["enum"] == [CLUSTER, INSTANCE, PROXY]
    checked = defined["checked"]["properties"]
    assert checked["state"]["enum"] == list(EXIT_CODES)
    assert checked["views"]["items"]["properties"]["view"]["enum"] == list(VIEWS)
    (tls,) = (one for one in address["tls"]["anyOf"] if "properties" in one)
    assert tls["properties"]["groups"]["items"]["enum"] == list(GROUPS.values())
    (traffic,) = (one for one in checked["traffic"]["anyOf"] if "properties" in one)
    assert traffic["properties"]["sessions"]["propertyNames"]["enum"] == list(get_args(Verdict))


def test_what_two_schemas_share_is_the_same_in_both() -> None:
    parts: dict[str, object] = {}
    for kind in SCHEMAS:
        for name, part in schema(kind).get("$defs", {}).items():
            assert parts.setdefault(name, part) == part, name


def test_the_words_of_a_comparison_of_servers_are_those_of_the_code() -> None:
    described = schema("posture-comparison")["properties"]
    assert described["schema"]["const"] == posture_render.SCHEMA
    assert list(described["counts"]["properties"]) == list(postures.CHANGES)
    assert described["changes"]["items"]["properties"]["change"]["enum"] == list(postures.CHANGES)
    assert described["answer"]["enum"] == [answer.lower() for answer in posture_render.ANSWERS.values()]
