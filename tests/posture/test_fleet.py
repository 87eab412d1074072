"""Amazon's settings, asked of moto's server by the real boto3, and read from saved output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from aurora_wire.cli.main import main
from aurora_wire.errors import UsageError
from aurora_wire.posture.aws import from_account
from aurora_wire.posture.fleet import CLUSTER, INSTANCE, PROXY, default_requires_tls, from_saved, parameter_values
from aurora_wire.posture.mirror import mirror_text

REGION = "eu-central-1"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Moto's server on the loopback, and keys that are worth nothing."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing"), ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    call = BaseClient._make_api_call

    def answer(client: Any, operation: str, arguments: Any) -> Any:
        # The one call that moto does not know.
        return {} if operation == "DescribeDBClusterEndpoints" else call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()  # it keeps its state over servers
        yield url
    finally:
        server.stop()


def _fill(api: str) -> Any:
    rds = boto3.client("rds", region_name=REGION, endpoint_url=api)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="strict", DBParameterGroupFamily="aurora-mysql8.0", Description="x"
    )
    rds.create_db_cluster(
        DBClusterIdentifier="shop", Engine="aurora-mysql", EngineVersion="8.0.mysql_aurora.3.04.0",
        MasterUsername="root", MasterUserPassword="hunter2_hunter2", DBClusterParameterGroupName="strict",
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="shop-1", DBClusterIdentifier="shop", Engine="aurora-mysql", DBInstanceClass="db.r6g.large"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="old", Engine="mysql", EngineVersion="8.0.36", DBInstanceClass="db.t3.small",
        MasterUsername="root", MasterUserPassword="hunter2_hunter2", AllocatedStorage=20, PubliclyAccessible=True,
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="other", Engine="postgres", DBInstanceClass="db.t3.small", MasterUsername="root",
        MasterUserPassword="hunter2_hunter2", AllocatedStorage=20,
    )  # fmt: skip
    return rds


def test_an_account_is_listed_with_what_is_in_effect(api: str) -> None:
    _fill(api)
    fleet = from_account("", [REGION], "", endpoint=api)
    names = {(each.kind, each.name) for each in fleet.members}
    assert {(CLUSTER, "shop"), (INSTANCE, "shop-1"), (INSTANCE, "old")} <= names
    assert (INSTANCE, "other") not in names, "PostgreSQL is none of ours"
    by_name = {each.name: each for each in fleet.members}
    assert by_name["old"].requires_tls is False
    assert by_name["old"].from_default
    assert by_name["old"].public
    assert by_name["shop"].region == REGION
    assert by_name["shop-1"].cluster == "shop"
    assert fleet.exit_code == 1


def test_what_is_denied_costs_its_cell_and_names_the_action(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(api)
    call = BaseClient._make_api_call

    def deny(client: Any, operation: str, arguments: Any) -> Any:
        if operation in ("DescribeDBProxies", "DescribeDBParameters"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", deny)
    fleet = from_account("", [REGION], "", endpoint=api)
    assert {gap.action for gap in fleet.gaps} >= {"rds:DescribeDBProxies", "rds:DescribeDBParameters"}
    old = next(each for each in fleet.members if each.name == "old")
    assert old.requires_tls is None, "a group that was not read does not mean that nothing is set in it"


def test_no_region_and_no_keys_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="no region"):
        from_account("", [], "")
    with pytest.raises(UsageError, match="redentials"):
        from_account("", [REGION], "")
    with pytest.raises(UsageError, match="nosuch"):
        from_account("nosuch", [REGION], "")


SAVED = {
    "DBClusters": [{
        "DBClusterIdentifier": "shop", "Engine": "aurora-mysql", "EngineVersion": "8.4.mysql_aurora.8.4.7",
        "DBClusterParameterGroup": "own", "Endpoint": "shop.cluster-c1.eu-west-1.rds.amazonaws.com",
        "DBClusterMembers": [
            {"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True, "DBClusterParameterGroupStatus": "in-sync"},
            {"DBInstanceIdentifier": "shop-2", "IsClusterWriter": False,
             "DBClusterParameterGroupStatus": "pending-reboot"},
        ],
        "IAMDatabaseAuthenticationEnabled": True,
    }],
    "DBClusterEndpoints": [
        {"DBClusterIdentifier": "shop", "EndpointType": "READER", "Endpoint": "shop.cluster-ro-c1"},
        {"DBClusterIdentifier": "shop", "EndpointType": "CUSTOM", "Endpoint": "bi.cluster-custom-c1"},
    ],
    "DBInstances": [
        {"DBInstanceIdentifier": name, "DBClusterIdentifier": "shop", "Engine": "aurora-mysql",
         "EngineVersion": "8.4.mysql_aurora.8.4.7", "PubliclyAccessible": False,
         "CACertificateIdentifier": "rds-ca-rsa2048-g1",
         "CertificateDetails": {"CAIdentifier": "rds-ca-rsa2048-g1", "ValidTill": "2027-05-25T00:00:00+00:00"},
         "Endpoint": {"Address": f"{name}.c1.eu-west-1.rds.amazonaws.com", "Port": 3306},
         "DBParameterGroups": [{"DBParameterGroupName": "default.aurora-mysql8.4", "ParameterApplyStatus": "in-sync"}]}
        for name in ("shop-1", "shop-2")
    ],
    "DBProxies": [
        {"DBProxyName": "p", "EngineFamily": "MYSQL", "RequireTLS": False,
         "Endpoint": "p.proxy-c1.eu-west-1.rds.amazonaws.com", "Auth": [{"IAMAuth": "REQUIRED"}]},
        {"DBProxyName": "pg", "EngineFamily": "POSTGRESQL", "RequireTLS": True},
    ],
}  # fmt: skip


def test_saved_output_is_read_without_an_account(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps(SAVED))
    group = tmp_path / "own.json"
    for value, requires, default in (("0", False, False), ("ON", True, False), (None, True, True)):
        parameters = [{"ParameterName": "require_secure_transport", "ParameterValue": value}] if value else []
        group.write_text(json.dumps({"Parameters": [*parameters, {"ParameterName": "x"}]}))
        fleet = from_saved([str(path)], {"own": str(group)})
        cluster, *members, proxy = fleet.members
        assert (cluster.kind, proxy.kind) == (CLUSTER, PROXY)
        assert [each.role for each in members] == ["writer", "reader"]
        assert {each.requires_tls for each in (cluster, *members)} == {requires}
        assert cluster.from_default is default
        assert (cluster.pending, cluster.iam, cluster.region) == (True, True, "eu-west-1")
        assert cluster.endpoint.endswith(".rds.amazonaws.com, bi.cluster-custom-c1")
        assert members[0].ca == "rds-ca-rsa2048-g1"
        assert members[0].ca_expires is not None
        assert (proxy.requires_tls, proxy.iam, proxy.name) == (False, True, "p")


def test_a_group_that_was_not_given_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"DBClusters": SAVED["DBClusters"]}))
    fleet = from_saved([str(path)], {})
    assert fleet.members[0].requires_tls is None
    assert "own" in fleet.gaps[0].what
    assert fleet.exit_code == 3


@pytest.mark.parametrize(("engine", "version", "requires"), [
    ("aurora-mysql", "8.0.mysql_aurora.3.04.0", False), ("aurora-mysql", "8.4.mysql_aurora.8.4.7", True),
    ("aurora-mysql", "5.7.mysql_aurora.2.11.0", False), ("mysql", "8.4.3", False), ("mysql", "9.7.0", True),
    ("mariadb", "11.4.5", False), ("mariadb", "11.8.3", True), ("mariadb", "10.11.6", False),
    ("mysql", "", None), ("postgres", "16.1", None),
])  # fmt: skip
def test_defaults_are_those_of_the_engine_version(engine: str, version: str, requires: bool | None) -> None:
    assert default_requires_tls(engine, version) is requires


@pytest.mark.parametrize("content", ["", "[", "[1]", "{}", '{"DBClusters": []}', '{"Parameters": []}', "\xff"])
def test_what_is_no_saved_output_is_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="latin-1")
    assert main(["fleet", "--json", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(path) in said


def test_odd_values_in_saved_output_raise_nothing(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({
        "DBClusters": [{"Engine": "aurora-mysql", "DBClusterMembers": None, "DBClusterParameterGroup": None}],
        "DBInstances": [{"Engine": "mysql", "DBParameterGroups": [], "CertificateDetails": {"ValidTill": "never"}}],
    }))  # fmt: skip
    assert len(from_saved([str(path)], {}).members) == 2
    assert parameter_values([{"ParameterName": "tls_version"}, {}]) == {}


def test_the_command_says_the_answer_first_in_text_and_all_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps(SAVED))
    assert main(["fleet", "--json", str(path)]) == 1
    text = capsys.readouterr().out
    assert text.startswith("Of 4 clusters, instances and proxies 1 takes connections in the clear; 3 cannot be told.")
    assert main(["fleet", "--json", str(path), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "aurora-wire/fleet/1"
    assert [each["name"] for each in found["members"]] == ["shop", "shop-1", "shop-2", "p"]


def test_what_to_paste_for_mirroring_is_for_mysqls_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "--mirror", "cli"]) == 0
    assert capsys.readouterr().out == mirror_text("cli")
    assert "FromPort=3306,ToPort=3306" in mirror_text("cli")
    assert mirror_text("terraform").count("from_port = 3306") == 2
    assert mirror_text("terraform").count("{") == mirror_text("terraform").count("}")


@pytest.mark.parametrize(("value", "code", "said"), [
    ("ON", 0, "takes encrypted sessions only"),
    ("OFF", 1, "may come in the clear"),
])  # fmt: skip
def test_check_asks_the_api_about_the_server_that_it_is_given(
    value: str, code: int, said: str, api: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The region is in the endpoint's name; where boto3 asks is named by the environment."""
    rds = _fill(api)
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="strict", Parameters=[
        {"ParameterName": "require_secure_transport", "ParameterValue": value, "ApplyMethod": "immediate"}
    ])  # fmt: skip
    endpoint = rds.describe_db_clusters()["DBClusters"][0]["Endpoint"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", api)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert main(["check", endpoint, "--aws"]) == code
    told = capsys.readouterr().out
    assert said in told.splitlines()[0]
    assert "what Amazon's settings say" in told
    assert "cluster shop" in told


def test_check_says_which_permission_lacks(
    api: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fill(api)
    monkeypatch.setenv("AWS_ENDPOINT_URL", api)
    call = BaseClient._make_api_call

    def deny(client: Any, operation: str, arguments: Any) -> Any:
        if operation == "DescribeDBClusters":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", deny)
    assert main(["check", "127.0.0.1:1", "--aws", "--region", REGION]) == 3
    assert "rds:DescribeDBClusters" in capsys.readouterr().err
