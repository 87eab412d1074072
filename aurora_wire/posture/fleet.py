"""What Amazon's settings promise for each RDS and Aurora server of MySQL or MariaDB, by the API or saved output.

All calls are `Describe...`. A call that is denied costs its cell, and names the action that the policy lacks.
Sources: Amazon RDS API Reference (DescribeDBClusters, DescribeDBInstances, DescribeDBProxies, DescribeDBParameters);
Amazon RDS and Aurora User Guides, "require_secure_transport" and "Security considerations for upgrading from Aurora
MySQL version 3 to version 8.4" for the defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import UsageError
from aurora_wire.posture.assess import PostureFinding, expiry_findings, posture_finding, sort_findings
from aurora_wire.posture.target import DEFAULT_PORT, Target, parse_target
from aurora_wire.posture.variables import offers_obsolete
from aurora_wire.rights.inputs import read_input
from aurora_wire.verdict.rules import posture as rules

ENGINES: Final = ("aurora-mysql", "aurora", "mysql", "mariadb")
PARAMETERS: Final = ("require_secure_transport", "tls_version")
CLUSTER: Final = "cluster"
INSTANCE: Final = "instance"
PROXY: Final = "proxy"
MAX_SAVED: Final = 64 << 20  # bytes of one saved output

Object = Mapping[str, Any]


@dataclass(slots=True)
class Member:
    """One server or proxy, as it is set. None: not told, with the reason among the result's `gaps`.

    requires_tls: whether connections in the clear are refused; from_default: that is the default of its engine version,
    nobody has set it; pending: a change waits for a restart; ca_expires: of its certificate authority or certificate;
    endpoint: a cluster has several, with commas between them, each with its port where that is not 3306.
    """

    kind: str
    name: str
    region: str
    engine: str
    version: str
    cluster: str = ""
    role: str = ""
    endpoint: str = ""
    group: str = ""
    requires_tls: bool | None = None
    from_default: bool = False
    tls_versions: str = ""
    pending: bool = False
    ca: str = ""
    ca_expires: datetime | None = None
    iam: bool | None = None
    public: bool | None = None

    def endpoints(self) -> list[Target]:
        """Return where clients connect to, its own endpoint first."""
        found = []
        for text in self.endpoint.split(","):
            with suppress(UsageError):  # read from a file, it may be anything
                found.append(parse_target(text.strip()))
        return found

    def findings(self, now: datetime) -> list[PostureFinding]:
        """Return what its settings let happen, as hits of the rules that a probe or an audit would find."""
        hits: list[PostureFinding] = []
        if self.requires_tls is False:
            said = f"by its group {self.group}" if self.group else "as it is set"
            if self.from_default:
                said = "by default of its version"
            hits.append(posture_finding(rules.TLS_NOT_REQUIRED, f"{self.kind} {self.name}, {said}"))
        old = offers_obsolete(self.tls_versions)
        if old:
            hits.append(posture_finding(rules.OBSOLETE_OFFERED, f"tls_version: {', '.join(old)}", old))
        hits += expiry_findings(self.ca_expires, now, f"{self.ca or 'its certificate'}, ")
        return sort_findings(hits)


@dataclass(slots=True)
class Gap:
    """What could not be read. action: the permission that lacks, `rds:DescribeDBProxies`, empty: another reason."""

    region: str
    what: str
    action: str
    reason: str


@dataclass(slots=True)
class Fleet:
    """All servers that were found, clusters before their members."""

    time: datetime
    members: list[Member] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return 0 where all of it requires TLS, 1 where something does not, 3 where that cannot be told."""
        states = [each.requires_tls for each in self.members]
        if False in states:
            return 1
        return 3 if not states or None in states or self.gaps else 0


# A group's parameters by name, None where they could not be read: (CLUSTER or INSTANCE, group) -> parameters.
Parameters = Callable[[str, str], "Mapping[str, str] | None"]


def default_requires_tls(engine: str, version: str) -> bool | None:
    """Return what a server of this engine version does where nobody has set `require_secure_transport`.

    None: not known for this version. Aurora MySQL requires TLS from 8.4 on, RDS for MySQL from 9.7, RDS for MariaDB
    from 11.8; what came before takes connections in the clear.
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        return None
    at = (int(numbers[1]), int(numbers[2]))
    first = {"aurora-mysql": (8, 4), "aurora": (8, 4), "mysql": (9, 7), "mariadb": (11, 8)}.get(engine)
    return None if first is None else at >= first


def read_region(fleet: Fleet, region: str, ask: Callable[[str], list[Object]], parameters: Parameters) -> None:
    """Add what one region has. ask: returns the objects of a list in an answer, by its name (`DBClusters`)."""
    clusters = [each for each in ask("DBClusters") if each.get("Engine") in ENGINES]
    names = {str(each.get("DBClusterIdentifier", "")) for each in clusters}
    writers = {
        str(member.get("DBInstanceIdentifier", "")): bool(member.get("IsClusterWriter"))
        for each in clusters for member in each.get("DBClusterMembers") or ()
    }  # fmt: skip
    instances = [each for each in ask("DBInstances") if each.get("Engine") in ENGINES]
    for each in clusters:
        cluster = _cluster(each, region, parameters)
        fleet.members.append(cluster)
        for instance in instances:
            if instance.get("DBClusterIdentifier") == cluster.name:
                member = _instance(instance, region, parameters)
                member.role = "writer" if writers.get(member.name) else "reader"
                # The cluster's group decides: require_secure_transport is a parameter of clusters in Aurora.
                member.requires_tls, member.from_default = cluster.requires_tls, cluster.from_default
                member.tls_versions = member.tls_versions or cluster.tls_versions
                fleet.members.append(member)
    for instance in instances:
        if instance.get("DBClusterIdentifier") not in names:
            fleet.members.append(_instance(instance, region, parameters))
    for each in ask("DBClusterEndpoints"):
        _custom_endpoint(fleet, each)
    for each in ask("DBProxies"):
        if str(each.get("EngineFamily", "")).upper() == "MYSQL":
            fleet.members.append(Member(
                PROXY, str(each.get("DBProxyName", "")), region, "proxy", "", endpoint=str(each.get("Endpoint", "")),
                requires_tls=bool(each["RequireTLS"]) if "RequireTLS" in each else None,
                iam=any(auth.get("IAMAuth") == "REQUIRED" for auth in each.get("Auth") or ()),
            ))  # fmt: skip


def _cluster(each: Object, region: str, parameters: Parameters) -> Member:
    found = Member(
        CLUSTER, str(each.get("DBClusterIdentifier", "")), region, str(each.get("Engine", "")),
        str(each.get("EngineVersion", "")), endpoint=_endpoint(each.get("Endpoint"), each.get("Port")),
        group=str(each.get("DBClusterParameterGroup", "")), iam=_flag(each, "IAMDatabaseAuthenticationEnabled"),
        public=_flag(each, "PubliclyAccessible"),
        pending=any(
            member.get("DBClusterParameterGroupStatus") not in ("in-sync", None)
            for member in each.get("DBClusterMembers") or ()
        ),
    )  # fmt: skip
    _certificate(found, each)
    _set(found, parameters(CLUSTER, found.group) if found.group else {})
    return found


def _instance(each: Object, region: str, parameters: Parameters) -> Member:
    groups = each.get("DBParameterGroups") or [{}]
    endpoint = each.get("Endpoint") or {}
    found = Member(
        INSTANCE, str(each.get("DBInstanceIdentifier", "")), region, str(each.get("Engine", "")),
        str(each.get("EngineVersion", "")), cluster=str(each.get("DBClusterIdentifier") or ""),
        endpoint=_endpoint(endpoint.get("Address"), endpoint.get("Port")),
        group=str(groups[0].get("DBParameterGroupName", "")),
        iam=_flag(each, "IAMDatabaseAuthenticationEnabled"), public=_flag(each, "PubliclyAccessible"),
        pending=any(group.get("ParameterApplyStatus") not in ("in-sync", None) for group in groups),
    )  # fmt: skip
    _certificate(found, each)
    if not found.cluster:
        _set(found, parameters(INSTANCE, found.group) if found.group else {})
    return found


def _set(found: Member, group: Mapping[str, str] | None) -> None:
    """Note what is in effect: what the group sets, else the default of this engine version."""
    if group is None:
        return
    value = group.get("require_secure_transport", "")
    if value:
        found.requires_tls = value.upper() in ("1", "ON")
    else:
        found.requires_tls = default_requires_tls(found.engine, found.version)
        found.from_default = True
    found.tls_versions = group.get("tls_version", "")


def _certificate(found: Member, each: Object) -> None:
    details = each.get("CertificateDetails") or {}
    found.ca = str(each.get("CACertificateIdentifier") or details.get("CAIdentifier") or "")
    until = details.get("ValidTill")
    if isinstance(until, datetime):
        found.ca_expires = until.astimezone(UTC)
    elif isinstance(until, str):
        try:
            found.ca_expires = datetime.fromisoformat(until).astimezone(UTC)
        except ValueError:
            found.ca_expires = None


def _custom_endpoint(fleet: Fleet, each: Object) -> None:
    """Add a custom endpoint to its cluster's: it leads to the same servers."""
    if each.get("EndpointType") != "CUSTOM":
        return
    for member in fleet.members:
        if member.kind == CLUSTER and member.name == each.get("DBClusterIdentifier"):
            port = member.endpoints()[0].port if member.endpoints() else None
            member.endpoint = ", ".join(filter(None, (member.endpoint, _endpoint(each.get("Endpoint"), port))))


def _endpoint(name: object, port: object) -> str:
    """Return the endpoint as `--hosts` and clients take it: without the port where that is the usual one."""
    if not name:
        return ""
    return f"{name}:{port}" if port and port != DEFAULT_PORT else str(name)


def _flag(each: Object, name: str) -> bool | None:
    return bool(each[name]) if each.get(name) is not None else None


def from_saved(paths: Iterable[str], groups: Mapping[str, str]) -> Fleet:
    """Return the fleet that saved output of `aws rds describe-*` shows, each file one answer or several in a list.

    groups: file by parameter group, the output of `describe-db-cluster-parameters` or `describe-db-parameters`.
    Raises UsageError.
    """
    lists: dict[str, list[Object]] = {}
    for path in paths:
        for answer in _answers(path):
            for name, objects in answer.items():
                if isinstance(objects, list) and objects and all(isinstance(each, dict) for each in objects):
                    lists.setdefault(name, []).extend(objects)
    if not any(lists.get(name) for name in ("DBClusters", "DBInstances", "DBProxies")):
        raise UsageError(
            f"{', '.join(paths)}: neither DBClusters nor DBInstances nor DBProxies are in it: give the output of "
            "`aws rds describe-db-clusters`, `describe-db-instances`, `describe-db-proxies`."
        )
    fleet = Fleet(datetime.now(UTC).replace(microsecond=0))
    named = {group: _group(path) for group, path in groups.items()}

    def parameters(_kind: str, group: str) -> Mapping[str, str] | None:
        if group in named:
            return named[group]
        if group.startswith("default."):  # cannot be changed: nothing is set in it
            return {}
        if all(gap.what != f"parameter group {group}" for gap in fleet.gaps):
            fleet.gaps.append(Gap("", f"parameter group {group}", "", "its parameters were not given (--parameters)"))
        return None

    read_region(fleet, "", lambda name: lists.get(name, []), parameters)
    for member in fleet.members:
        found = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.", member.endpoint)
        member.region = found[1] if found else ""
    return fleet


def _answers(path: str) -> list[Mapping[str, Any]]:
    try:
        data = read_input(path)
        if len(data) > MAX_SAVED:
            raise UsageError(f"{path}: longer than 64 MiB: no answer of Amazon's is.")
        found = json.loads(data)
    except OSError as error:
        raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no JSON: {error}.") from error
    answers = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in answers):
        raise UsageError(f"{path}: not the output of `aws rds describe-*`: an object is expected.")
    return answers


def _group(path: str) -> dict[str, str]:
    return parameter_values(each for answer in _answers(path) for each in answer.get("Parameters") or ())


def parameter_values(parameters: Iterable[Object]) -> dict[str, str]:
    """Return the values of the parameters that matter here, of those that have one."""
    return {
        str(each["ParameterName"]): str(each["ParameterValue"])
        for each in parameters
        if isinstance(each, Mapping)
        and each.get("ParameterName") in PARAMETERS
        and each.get("ParameterValue") is not None
    }
