"""What checking a bundle has found so far, and what the checks share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from aurora_wire.evidence.bundle_differences import Fields
from aurora_wire.evidence.bundle_reader import Bundle, NotABundle
from aurora_wire.posture.result import Posture


@dataclass(frozen=True, slots=True)
class Check:
    """One step. ok: None where it could not be made or proves nothing, and `text` says why.

    gap: with such a step left out nobody can vouch for the bundle; the words say what is missing, and empty means
    that the step takes nothing away.
    """

    name: str
    ok: bool | None
    text: str
    details: tuple[str, ...] = ()
    gap: str = ""


@dataclass(slots=True)
class Verification:
    """All steps, in order."""

    path: str
    checks: list[Check] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Return names of the steps that found something else than the bundle says."""
        return [check.name for check in self.checks if check.ok is False]

    @property
    def gaps(self) -> list[str]:
        """Return what keeps a bundle in which nothing differs from being vouched for."""
        return [check.gap for check in self.checks if check.gap]

    @property
    def ok(self) -> bool:
        """Return whether all that the bundle says was made again and compared, and signed by a key that the verifier
        named.
        """
        return not self.failed and not self.gaps

    def add(self, name: str, ok: bool | None, text: str, details: Sequence[str] = (), gap: str = "") -> None:
        self.checks.append(Check(name, ok, text, tuple(details), gap))


class Case:
    """A bundle that is being checked."""

    def __init__(self, bundle: Bundle, verification: Verification, manifest: Fields) -> None:
        self.bundle = bundle
        self.add = verification.add
        self.manifest = manifest
        self.hashes: dict[str, tuple[str, int]] = {}  # SHA-256 and size of each file, as it is
        self.postures: list[Posture] = []             # what servers allow, as it is in the bundle

    def is_masked(self, what: str) -> bool:
        """Return whether the manifest says that `reports` or `captures` are masked."""
        redaction = self.manifest.get("redaction")
        return isinstance(redaction, dict) and redaction.get(what) == "masked"


def parse_json(data: bytes, name: str) -> object:
    """Parse JSON. Raises NotABundle."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotABundle(f"{name} is no JSON") from error
