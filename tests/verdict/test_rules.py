"""The rule registry: complete, unambiguous, and of use to the reader."""

import re

import pytest

from aurora_wire.verdict.rules import capture, credentials, data, leaks, negotiation, posture, replication, tcp, tls
from aurora_wire.verdict.rules.leaks import PASSWORD_IN_CLEAR
from aurora_wire.verdict.rules.registry import RULES, finding
from aurora_wire.verdict.rules.rule import Rule

SEVERITIES = ("critical", "high", "medium", "low", "info")
FAMILIES = (leaks, credentials, replication, data, negotiation, tls, tcp, capture, posture)
NAMES = [
    value for family in FAMILIES for value in vars(family).values()
    if isinstance(value, str) and re.fullmatch(r"AW\d{3}", value)
]  # fmt: skip


def test_each_rule_is_filed_under_its_own_id_in_ascending_order() -> None:
    assert [rule.id for rule in RULES.values()] == list(RULES)
    assert list(RULES) == sorted(RULES)
    assert all(re.fullmatch(r"AW[1-6]\d\d", rule_id) for rule_id in RULES)


def test_each_rule_has_exactly_one_name() -> None:
    assert sorted(NAMES) == list(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_each_rule_says_why_how_to_mend_it_and_where_to_read_on(rule: Rule) -> None:
    assert rule.severity in SEVERITIES
    assert not rule.title.endswith(".")
    assert rule.title[0].isupper()
    assert rule.why.endswith(".")
    assert rule.fix
    assert rule.references
    for text in (rule.title, rule.why, *rule.fix.split("\n"), *rule.references):
        assert text.isascii()
        assert text.isprintable()
        assert text.strip()
        assert "  " not in text.removeprefix("  ")


def test_tcpdump_commands_have_a_line_of_their_own() -> None:
    for rule in RULES.values():
        for line in rule.fix.split("\n"):
            assert "tcpdump -" not in line or line.startswith("  ")


def test_titles_are_unique() -> None:
    assert len({rule.title for rule in RULES.values()}) == len(RULES)


def test_a_finding_takes_title_and_severity_from_its_rule() -> None:
    found = finding(PASSWORD_IN_CLEAR, "sent as it is", connection=3, frame=9, offset=40)
    assert (found.rule, found.severity, found.title) == ("AW103", "critical", "Password in clear text")
    assert (found.connection, found.frame, found.offset) == (3, 9, 40)


def test_an_unknown_rule_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        finding("AW999", "")
