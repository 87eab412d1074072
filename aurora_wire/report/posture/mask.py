"""Results with the names of users masked, so that they can be handed on: as captures' users are in reports.

What follows from the names (the details of findings, the sentences of views) is made anew from the masked ones. Hosts,
addresses, certificates and the server's own accounts stay. Passwords are in no result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aurora_wire.posture.audit import OWN_ACCOUNTS, AuditResult
from aurora_wire.posture.check import CheckResult, Traffic
from aurora_wire.posture.result import Posture, judge_again

Mask = Callable[[str], str]


def stars(name: str) -> str:
    """Return as many stars."""
    return "*" * len(name)


def mask(posture: Posture, name: Mask) -> Posture:
    """Return a copy to be handed on. name: returns what stands for the name of a user."""
    masked = replace(
        posture,
        audits=[_audit(each, name) for each in posture.audits],
        checks=[_check(each, name) for each in posture.checks],
    )
    return judge_again(masked)


def _user(user: str, name: Mask) -> str:
    return user if user in OWN_ACCOUNTS else name(user)


def _audit(found: AuditResult, name: Mask) -> AuditResult:
    account = _account(found.account, name)
    return replace(
        found,
        account=account,
        connected=None if found.connected is None else [
            replace(each, user=_user(each.user, name)) for each in found.connected
        ],
        accounts=None if found.accounts is None else [
            replace(each, user=_user(each.user, name)) for each in found.accounts
        ],
        denied=[replace(each, grant=f"{each.grant.partition(' TO ')[0]} TO {account};") for each in found.denied],
    )  # fmt: skip


def _account(account: str, name: Mask) -> str:
    """Mask `'app'@'%'`, as the server's CURRENT_USER() gives it."""
    user, at, host = account.rpartition("@")
    if not at:
        return name(account)
    return f"'{_user(user.removeprefix(chr(39)).removesuffix(chr(39)), name)}'@{host}"


def _check(found: CheckResult, name: Mask) -> CheckResult:
    traffic: Traffic | None = None
    if found.traffic is not None:
        traffic = replace(found.traffic, users=[name(each) for each in found.traffic.users])
    return replace(
        found, audit=None if found.audit is None else _audit(found.audit, name), traffic=traffic,
    )  # fmt: skip
