"""What findings and verdicts say about controls: evidence for or against, and never that anyone complies."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from aurora_wire.verdict.result import TLSResult, Verdict
from aurora_wire.verdict.rules.controls import (
    CONTROLS,
    FRAMEWORKS,
    Mapping,
    Stance,
    mappings_of_verdict,
)
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.rules.stances import mappings_of_connection, mappings_of_rule
from tests.report import scans

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
BY_RULE = {rule.id: rule.controls for rule in RULES.values() if rule.controls}
ALL: list[Mapping] = [one for mappings in BY_RULE.values() for one in mappings]


def controls(mappings: tuple[Mapping, ...]) -> set[str]:
    return {one.control.id for one in mappings}


def test_the_controls_are_those_of_the_frameworks_named() -> None:
    assert {(one.key, one.id) for one in CONTROLS} == {
        ("pci", "4.2.1"), ("hipaa", "164.312(e)(1)"), ("nist-800-52", "3.1"), ("nist-800-52", "3.3.1"),
        ("nist-800-53", "SC-8"), ("iso27001", "A.8.24"), ("soc2", "CC6.7"), ("cis", "3.10"),
    }  # fmt: skip
    assert list(FRAMEWORKS) == ["pci", "hipaa", "nist-800-52", "nist-800-53", "iso27001", "soc2", "cis"]


def test_no_word_anywhere_says_that_someone_complies() -> None:
    supporting = mappings_of_connection(scans.connection(1, "encrypted"))
    texts = [one.wording for one in (*ALL, *supporting)] + [one.asks + one.title for one in CONTROLS]
    for text in texts:
        assert not re.search(r"compl(y|ies|iant|iance)|certif|violat|\bpass(es|ed)?\b", text, re.IGNORECASE), text


@pytest.mark.parametrize("rule", list(BY_RULE))
def test_a_finding_contradicts_each_control_once_and_says_so(rule: str) -> None:
    mappings = mappings_of_rule(rule)
    assert rule in RULES
    assert mappings
    assert len(controls(mappings)) == len(mappings)
    for one in mappings:
        assert one.stance == "contradicts"
        assert one.wording.endswith(f" contradicts {one.control.id}.")


def test_findings_about_the_capture_or_tcp_or_what_could_happen_speak_for_neither_side() -> None:
    for rule in RULES:
        if rule.startswith(("AW4", "AW5", "AW6")) or rule == "AW205":
            assert mappings_of_rule(rule) == ()
        else:
            assert mappings_of_rule(rule) != ()


def test_a_leak_contradicts_every_framework_but_the_one_about_tls() -> None:
    for rule in ("AW101", "AW102", "AW103", "AW104", "AW105", "AW203"):
        assert {one.control.key for one in mappings_of_rule(rule)} == set(FRAMEWORKS) - {"nist-800-52"}


def test_an_old_version_contradicts_what_is_said_about_versions() -> None:
    assert {"3.1", "4.2.1", "SC-8"} <= controls(mappings_of_rule("AW301"))


@pytest.mark.parametrize("verdict", VERDICTS)
def test_only_encrypted_that_is_proven_supports(verdict: Verdict) -> None:
    for confidence in ("proven", "likely", None):
        stances: set[Stance] = {one.stance for one in mappings_of_verdict(verdict, confidence)}
        if verdict in ("plaintext", "mixed"):
            assert stances == {"contradicts"}
        elif (verdict, confidence) == ("encrypted", "proven"):
            assert stances == {"supports"}
        else:
            assert stances == set()


def test_tls_1_2_and_later_support_the_control_about_versions() -> None:
    one = scans.connection(1, "encrypted")
    for version, said in (("TLSv1.3", True), ("TLSv1.2", True), ("TLSv1.1", False), (None, False)):
        one.tls = TLSResult(version)
        assert ("3.1" in controls(mappings_of_connection(one))) is said
    one.tls = None
    assert "3.1" not in controls(mappings_of_connection(one))


@pytest.mark.parametrize("rule", ["AW204", "AW206", "AW301", "AW302", "AW303", "AW304"])
def test_a_weak_or_tampered_session_supports_nothing(rule: str) -> None:
    assert mappings_of_connection(scans.connection(1, "encrypted"), frozenset({rule, "AW406"})) == ()
    leak = scans.connection(1, "mixed")
    assert mappings_of_connection(leak, frozenset({rule})) == mappings_of_verdict("mixed", "proven")
