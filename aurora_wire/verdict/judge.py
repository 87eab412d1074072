"""The verdict of one connection: a pure function of what was seen, as the contract says.

`Grounds` is the whole input. Plaintext needs no completeness, a single readable byte is enough; `encrypted` is
`proven` only if nothing is missing, so every doubt is a reason that takes it down to `likely`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aurora_wire.verdict.result import Confidence, Reason, Verdict


@dataclass(slots=True)
class Grounds:
    """What the verdict rests on. `doubts` weaken `encrypted`; `leaks` name what crossed in the clear."""

    protocol: str = "mysql"          # "mysql", "tls" (no greeting seen), "other", "unknown"
    leaks: list[Reason] = field(default_factory=list)
    leak_is_proven: bool = False     # consistent framing after a greeting, or readable by itself
    tls_data: bool = False           # TLS records that carry data
    protects: bool = True            # the suite encrypts and authenticates, as far as it is known
    doubts: list[Reason] = field(default_factory=list)
    remarks: list[Reason] = field(default_factory=list)  # what was left out: told where the verdict is not proven
    unseen: int = 0                  # bytes missing, cut or not decoded


@dataclass(slots=True, frozen=True)
class Judgement:
    verdict: Verdict
    confidence: Confidence | None
    reasons: list[Reason]


def judge(seen: Grounds) -> Judgement:
    if seen.protocol == "other":
        return Judgement("not-mysql", None, [])
    if seen.leaks:
        verdict: Verdict = "mixed" if seen.tls_data else "plaintext"
        return Judgement(verdict, "proven" if seen.leak_is_proven else "likely", seen.leaks + seen.doubts)
    if seen.tls_data:
        if not seen.protects:
            return Judgement("inconclusive", None, seen.doubts)
        if seen.doubts:
            return Judgement("encrypted", "likely", seen.doubts + seen.remarks)
        return Judgement("encrypted", "proven", [])
    if seen.unseen:
        return Judgement("inconclusive", None, seen.doubts + seen.remarks)
    return Judgement("no-session", "proven", seen.doubts + seen.remarks)
