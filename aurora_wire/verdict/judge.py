"""The verdict of one connection: a pure function of what was seen, as the contract says.

`Grounds` is the whole input. Plaintext needs no completeness, a single readable byte is enough; `encrypted` is
`proven` only if nothing is missing, so every doubt is a reason that takes it down to `likely`.
"""

from __future__ import annotations

from aurora_wire.verdict.result import Confidence, Reason, Verdict

# Reasons by which what looks like TLS may be something else.
NO_TLS = ("bad-record", "readable-record")


class Grounds:
    """What the verdict rests on. `doubts` weaken `encrypted`; `leaks` name what crossed in the clear."""

    __slots__ = ("doubts", "leak_is_proven", "leaks", "protects", "protocol", "remarks", "tls_data", "unseen")

    def __init__(self, protocol: str) -> None:
        self.protocol: str = protocol      # "mysql", "tls" (no greeting seen), "other", "unknown"
        self.leaks: list[Reason] = []
        self.leak_is_proven: bool = False  # consistent framing after a greeting, or readable by itself
        self.tls_data: bool = False        # TLS records that carry data
        self.protects: bool = True         # the suite encrypts and authenticates, as far as it is known
        self.doubts: list[Reason] = []
        self.remarks: list[Reason] = []    # what was left out: told where the verdict is not proven
        self.unseen: int = 0               # bytes missing, cut or not decoded


class Judgement:
    """The verdict of a connection, and why it is not stronger or what decided it.

    Its fields are not Final: compiled, what reads such a field in a call does not hold it, and where the call has a
    conditional argument (`describe`) the object, and the field with it, was gone before the call was made.
    """

    __slots__ = ("confidence", "reasons", "verdict")

    def __init__(self, verdict: Verdict, confidence: Confidence | None, reasons: list[Reason]) -> None:
        self.verdict: Verdict = verdict
        self.confidence: Confidence | None = confidence
        self.reasons: list[Reason] = reasons


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
    if seen.unseen or any(reason.id in NO_TLS for reason in seen.doubts):
        return Judgement("inconclusive", None, seen.doubts + seen.remarks)
    return Judgement("no-session", "proven", seen.doubts + seen.remarks)
