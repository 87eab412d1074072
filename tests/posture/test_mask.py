"""Results that are handed on name no user, and say the same of the servers."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from aurora_wire.posture.audit import OWN_ACCOUNTS
from aurora_wire.posture.result import Posture
from aurora_wire.report.posture.mask import mask, stars
from aurora_wire.report.posture.to_json import render
from tests.posture import results

NAMES = ("app", "auditor", "strict")


def text_of(posture: Posture) -> str:
    return "".join(render(posture))


def test_no_name_of_a_user_is_left_and_the_servers_own_stay() -> None:
    for posture in (results.audit(), results.check()):
        text = text_of(posture)
        assert all(f"'{name}'" in text or f'"{name}"' in text for name in NAMES)
        masked = text_of(mask(posture, stars))
        for name in NAMES:
            assert f"'{name}'" not in masked
            assert f'"{name}"' not in masked
            assert f"by {name}" not in masked
            assert f"{name} from" not in masked
        assert '"mysql.sys"' in masked
        assert "GRANT SELECT ON mysql.x TO '*******'@'%';" in masked


def test_what_is_masked_by_a_key_keeps_users_apart() -> None:
    names = {"app": "*k3", "strict": "*zz***", "auditor": "*mm****"}
    masked = mask(results.audit(), lambda name: names.get(name, "*" * len(name)))
    found = next(hit for hit in masked.audits[0].findings if hit.rule == "AW623")
    assert found.items == ("'*k3'@'%'",)
    assert masked.audits[0].account == "'*mm****'@'%'"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results.results())
def test_masked_results_say_the_same_of_servers(posture: Posture) -> None:
    masked = mask(posture, stars)
    assert masked.exit_code == posture.exit_code
    for was, now in zip(posture.audits, masked.audits, strict=True):
        assert now.grade == was.grade
        assert [hit.rule for hit in now.findings] == [hit.rule for hit in was.findings]
        users = [each.user for each in now.accounts or ()] + [each.user for each in now.connected or ()]
        assert all(not user.strip("*") or user in OWN_ACCOUNTS for user in users)
    for was_check, now_check in zip(posture.checks, masked.checks, strict=True):
        assert now_check.state == was_check.state
        assert len(now_check.contradictions) == len(was_check.contradictions)
    text_of(masked)
