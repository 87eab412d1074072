"""What a finding or a verdict says about the controls of compliance frameworks: evidence for or against one.

A capture shows some hours of some network path. It can contradict that a control is in effect; it can support
it; it never shows that anyone complies, and no wording here says so. Findings about the capture or about TCP
(AW4xx, AW5xx) speak for neither side: they are not mapped. Nor are those of what a server allows (AW6xx): what
could happen is no evidence of what did.

Sources: PCI DSS v4.0.1 (June 2024); 45 CFR 164.312(e); NIST SP 800-52 Rev. 2 (August 2019), sections 3.1 and
3.3.1; NIST SP 800-53 Rev. 5, SC-8; ISO/IEC 27001:2022, Annex A; AICPA Trust Services Criteria 2017 (points of
focus revised 2022), CC6.7; CIS Controls v8.1, safeguard 3.10. Requirements are told in our words.
"""

from __future__ import annotations

from typing import Final, Literal

from aurora_wire.immutable import immutable
from aurora_wire.verdict.result import Confidence, Verdict

Stance = Literal["supports", "contradicts"]


@immutable
class Control:
    """One control of one framework. key: as `--framework` names it; asks: what it asks for, in our words."""

    key: str
    framework: str
    id: str
    title: str
    asks: str


@immutable
class Mapping:
    """What was seen, held against a control."""

    control: Control
    stance: Stance
    wording: str


PCI: Final = Control(
    "pci", "PCI DSS 4.0.1", "4.2.1", "Strong cryptography for cardholder data in transit",
    "Card numbers are protected by strong cryptography and secure protocol versions while they cross open, public "
    "networks. Whether this path is one, and whether it carries card numbers, the capture does not say.",
)
HIPAA: Final = Control(
    "hipaa", "HIPAA Security Rule", "164.312(e)(1)", "Transmission security",
    "Technical measures guard electronic health information against unauthorized access while it is transmitted "
    "over a network; (e)(2) adds integrity controls and encryption, both addressable.",
)
NIST_TLS: Final = Control(
    "nist-800-52", "NIST SP 800-52 Rev. 2", "3.1", "TLS protocol versions",
    "Servers and clients use TLS 1.2 or 1.3 and none before.",
)
NIST_SUITES: Final = Control(
    "nist-800-52", "NIST SP 800-52 Rev. 2", "3.3.1", "TLS cipher suites",
    "Cipher suites are made of approved algorithms, and ephemeral keys are preferred.",
)
NIST_TRANSMISSION: Final = Control(
    "nist-800-53", "NIST SP 800-53 Rev. 5", "SC-8", "Transmission confidentiality and integrity",
    "The confidentiality or integrity of transmitted information is protected; SC-8(1) does it by cryptography.",
)
ISO: Final = Control(
    "iso27001", "ISO/IEC 27001:2022", "A.8.24", "Use of cryptography",
    "Rules for the effective use of cryptography are defined and put into practice. What the rules of this "
    "organisation are, the capture does not say.",
)
SOC2: Final = Control(
    "soc2", "SOC 2 (Trust Services Criteria 2017)", "CC6.7", "Protection of information in transmission",
    "Transmission of information is restricted to those authorized, and information is protected on its way.",
)
CIS: Final = Control(
    "cis", "CIS Controls v8.1", "3.10", "Encrypt sensitive data in transit",
    "Sensitive data is encrypted in transit, for example with TLS.",
)

CONTROLS: Final = (PCI, HIPAA, NIST_TLS, NIST_SUITES, NIST_TRANSMISSION, ISO, SOC2, CIS)
FRAMEWORKS: Final = {control.key: control.framework for control in CONTROLS}

TRANSIT: Final = (PCI, HIPAA, NIST_TRANSMISSION, ISO, SOC2, CIS)   # what crosses must be protected
STRENGTH: Final = (PCI, NIST_TRANSMISSION, ISO)                    # and protected well enough
INTEGRITY: Final = (HIPAA, NIST_TRANSMISSION)                      # and not be changed on its way


def against(wording: str, *controls: Control) -> tuple[Mapping, ...]:
    """Return that what `wording` names contradicts each of these controls."""
    return tuple(Mapping(control, "contradicts", f"{wording} contradicts {control.id}.") for control in controls)


PROVEN: Final = tuple(
    Mapping(control, "supports", f"A session proven to be encrypted supports {control.id}.")
    for control in CONTROLS
    if control not in (NIST_TLS, NIST_SUITES)
)
VERSION: Final = Mapping(NIST_TLS, "supports", "A session in TLS 1.2 or later supports 3.1.")
CLEAR: Final = against("A session that crossed in the clear, in part or as a whole,", *TRANSIT)


def mappings_of_verdict(verdict: Verdict, confidence: Confidence | None) -> tuple[Mapping, ...]:
    """Return what a verdict alone says: only `encrypted` that is proven supports; what is likely says nothing."""
    if verdict in ("plaintext", "mixed"):
        return CLEAR
    return PROVEN if (verdict, confidence) == ("encrypted", "proven") else ()
