"""The table of fixes: whole, with addresses, and such that what it is for takes it."""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

import pytest

from aurora_wire.verdict.clients import BY_KEY, CA, CLIENTS, client_advice, find_client
from aurora_wire.verdict.references import ADDRESSES, find_address
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.server_fixes import AURORA, FORMS, KINDS, MANUALS, PURPOSES, RDS, RDS_PROXY, SETTINGS, UNKNOWN


def test_every_reference_of_a_rule_has_an_address() -> None:
    for rule in RULES.values():
        for reference, address in rule.links:
            assert urlsplit(address).scheme == "https", f"{rule.id}: {reference}"
            assert urlsplit(address).hostname


def test_a_section_of_an_rfc_is_in_its_address() -> None:
    assert find_address('RFC 8446, section 5.1, "Record Layer"').endswith("rfc8446#section-5.1")
    assert find_address("RFC 8996, sections 4 and 5").endswith("rfc8996#section-4")
    assert find_address("RFC 5246, appendix A.5").endswith("rfc5246")
    assert find_address("a book that nobody knows") == ""


def test_no_address_is_for_nothing() -> None:
    used = {address.partition("#")[0] for rule in RULES.values() for _, address in rule.links}
    assert {address.partition("#")[0] for address in ADDRESSES.values()} <= used


def test_every_client_has_what_leaks_what_does_not_and_where_to_read_on() -> None:
    assert len(BY_KEY) == len(CLIENTS)
    for client in CLIENTS:
        assert client.address.startswith("https://")
        assert client.option.isascii()
        for form in client.forms:
            assert form.text.isascii()
            assert form.text != form.leaks
            # The two without a file of their own: one reads Java's trusted authorities, one Rust's.
            assert CA in form.text + form.where or "ca.p12" in form.text or client.key in (
                "mysql-connector-j-5", "mysql-async",
            )  # fmt: skip


def test_advice_for_a_client_is_that_of_the_one_that_was_seen() -> None:
    seen = find_client({"_client_name": "pymysql"})
    assert seen is not None
    assert "ssl_verify_identity=True" in client_advice([seen.key])
    assert "fix --client NAME" in client_advice([])
    assert "fix --client NAME" in client_advice(client.key for client in CLIENTS)
    assert find_client({"_client_name": "what nobody knows"}) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_server_has_all_settings_and_a_manual(kind: str) -> None:
    assert MANUALS[kind][1].startswith("https://")
    assert set(PURPOSES) == set(SETTINGS)
    assert all(UNKNOWN in forms or kind in forms for forms in SETTINGS.values())
    assert set(FORMS) <= set(SETTINGS)


def aws_commands() -> list[str]:
    texts = [text for forms in SETTINGS.values() for text in forms.values()]
    return sorted({line.strip() for text in texts for line in text.split("\n") if line.startswith("  aws ")})


@pytest.mark.parametrize("command", aws_commands())
def test_commands_of_aws_are_what_its_api_takes(command: str) -> None:
    """Amazon's own model of the API, as boto3 has it: the operation is there, with these parameters and no others."""
    boto3 = pytest.importorskip("boto3")
    from botocore import xform_name
    from botocore.validate import ParamValidator

    words = shlex.split(command)
    assert words[:2] == ["aws", "rds"]
    client = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    operation = "".join(part.capitalize() for part in words[2].split("-")).replace("Db", "DB")
    shape = client.meta.service_model.operation_model(operation).input_shape
    names = {xform_name(name, "-"): name for name in shape.members}
    given: dict[str, object] = {}
    rest = words[3:]
    while rest:
        option, rest = rest[0], rest[1:]
        name = names[option.removeprefix("--")]
        if not rest or rest[0].startswith("--"):
            given[name] = True
            continue
        value, rest = rest[0], rest[1:]
        given[name] = [dict(pair.split("=", 1) for pair in value.split(","))] if "=" in value else value
    report = ParamValidator().validate(given, shape)
    assert not report.has_errors(), report.generate_report()
    assert set(shape.required_members) <= set(given)


@pytest.mark.parametrize("kind", [AURORA, RDS])
@pytest.mark.parametrize("setting", ["require_tls", "tls_versions"])
def test_cloudformation_makes_the_parameter_group(kind: str, setting: str) -> None:
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto")
    yaml = pytest.importorskip("yaml")
    resource = yaml.safe_load(FORMS[setting][kind]["CloudFormation"])["TLSParameters"]
    group = "DBCluster" if kind == AURORA else "DB"
    assert resource["Type"] == f"AWS::RDS::{group}ParameterGroup"
    assert set(resource["Properties"]) == {"Description", "Family", "Parameters"}
    if kind == AURORA:
        return  # moto makes no groups of clusters
    with moto.mock_aws():
        keys = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        lines = FORMS[setting][kind]["CloudFormation"].split("\n")
        template = "Resources:\n" + "\n".join(f"  {line}" for line in lines)
        boto3.client("cloudformation", **keys).create_stack(StackName="tls", TemplateBody=template)
        rds = boto3.client("rds", **keys)
        (made,) = rds.describe_db_parameter_groups()["DBParameterGroups"]
        assert made["DBParameterGroupFamily"] == resource["Properties"]["Family"]


def test_a_proxy_of_amazons_is_told_with_its_own_words() -> None:
    assert set(FORMS["require_tls"][RDS_PROXY].values()) == {"require_tls = true", "RequireTLS: true"}
