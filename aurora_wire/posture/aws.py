"""The calls to Amazon's API, by boto3 (extra `aws`). Keys come from where boto3 looks for them; nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aurora_wire.errors import UsageError
from aurora_wire.posture.fleet import CLUSTER, Fleet, Gap, parameter_values, read_region

MISSING: Final = (
    "asking Amazon's API needs a package: pip install 'aurora_wire[aws]'. Or read saved output: --json FILE."
)
_PAGES: Final = {  # list in the answer: paginator, action
    "DBClusters": ("describe_db_clusters", "rds:DescribeDBClusters"),
    "DBInstances": ("describe_db_instances", "rds:DescribeDBInstances"),
    "DBClusterEndpoints": ("describe_db_cluster_endpoints", "rds:DescribeDBClusterEndpoints"),
    "DBProxies": ("describe_db_proxies", "rds:DescribeDBProxies"),
}


def from_account(profile: str, regions: list[str], role: str, endpoint: str = "") -> Fleet:
    """Return what an account has in these regions (none: the session's own). Raises UsageError without keys or boto3.

    role: ARN of a role to assume, empty: none; endpoint: of the API, for tests and private endpoints.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to load
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(MISSING) from error
    try:
        session = boto3.Session(profile_name=profile or None, region_name=regions[0] if regions else None)
        if role:
            session = _assume(session, role, endpoint)
        if not regions:
            if not session.region_name:
                raise UsageError("no region: --region NAME, or AWS_REGION in the environment.")
            regions = [session.region_name]
        fleet = Fleet(datetime.now(UTC).replace(microsecond=0))
        for region in regions:
            client = session.client("rds", region_name=region, endpoint_url=endpoint or None)
            read_region(fleet, region, _asker(fleet, region, client), _parameters(fleet, region, client))
    except (BotoCoreError, ClientError) as error:
        raise UsageError(f"Amazon's API: {_said(error)}.") from error
    return fleet


def _assume(session: Any, role: str, endpoint: str) -> Any:
    import boto3  # noqa: PLC0415

    given = session.client("sts", endpoint_url=endpoint or None).assume_role(
        RoleArn=role, RoleSessionName="aurora-wire"
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"], region_name=session.region_name,
    )  # fmt: skip


def _asker(fleet: Fleet, region: str, client: Any) -> Callable[[str], list[Mapping[str, Any]]]:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    def ask(name: str) -> list[Mapping[str, Any]]:
        operation, action = _PAGES[name]
        try:
            pages = client.get_paginator(operation).paginate()
            return [each for page in pages for each in page.get(name) or ()]
        except ClientError as error:
            fleet.gaps.append(Gap(region, name, action if _is_denied(error) else "", _said(error)))
            return []

    return ask


def _parameters(fleet: Fleet, region: str, client: Any) -> Callable[[str, str], Mapping[str, str] | None]:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    known: dict[tuple[str, str], Mapping[str, str] | None] = {}

    def read(kind: str, group: str) -> Mapping[str, str] | None:
        key = (kind, group)
        if key not in known:
            operation, name, action = (
                ("describe_db_cluster_parameters", "DBClusterParameterGroupName", "rds:DescribeDBClusterParameters")
                if kind == CLUSTER else ("describe_db_parameters", "DBParameterGroupName", "rds:DescribeDBParameters")
            )  # fmt: skip
            try:
                pages = client.get_paginator(operation).paginate(**{name: group})
                known[key] = parameter_values(each for page in pages for each in page.get("Parameters") or ())
            except ClientError as error:
                fleet.gaps.append(
                    Gap(region, f"parameter group {group}", action if _is_denied(error) else "", _said(error))
                )
                known[key] = None
        return known[key]

    return read


def _is_denied(error: Any) -> bool:
    return str(error.response.get("Error", {}).get("Code", "")) in (
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized",
    )  # fmt: skip


def _said(error: Exception) -> str:
    return str(error).replace("\n", " ").rstrip(".")
