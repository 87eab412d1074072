"""What differs between a bundle's parts and what they have to be: sums, results, packed bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, Final

from aurora_wire.evidence import layout as names
from aurora_wire.evidence.sums import BLOCK
from aurora_wire.rights.inputs import input_file

# What has to be the same where another version of the tool runs: findings and texts may have become more.
JUDGEMENTS: Final = ("verdict", "confidence", "connections_total", "by_verdict")

Fields = Mapping[str, object]


def objects(value: object) -> list[dict[str, object]]:
    """Return the objects of what should be a list of them: in a bundle it may be anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def judgements(result: Fields) -> Fields:
    """Return the verdicts of a result: of the whole and of each connection."""
    return {
        **{name: result.get(name) for name in JUDGEMENTS},
        "connections": [
            {name: one.get(name) for name in ("id", "verdict", "confidence", "proof")}
            for one in objects(result.get("connections"))
        ],
    }


def sums_differences(listed: bytes, sums: Mapping[str, str]) -> list[str]:
    """Return a line for each file of which the list of sums says something else."""
    found: dict[str, str] = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        found[name] = digest
    wrong = [f"{name}: {names.SUMS} says SHA-256 {found[name][:64]}, it is {sums[name]}"
             for name in sums if name in found and found[name] != sums[name]]
    wrong += [f"{name}: not in {names.SUMS}: it was added" for name in sums if name not in found]
    wrong += [f"{name[:200]}: in {names.SUMS}, not in the bundle: it was taken away"
              for name in found if name not in sums]
    return wrong or [f"{names.SUMS}: is not written as bundles have it"]


def say_entry(entry: tuple[object, object]) -> str:
    """Return the words for a digest and a size."""
    digest, size = entry
    return f"{digest}, {size:,} bytes" if isinstance(size, int) else str(digest)


def first_difference(packed: BinaryIO, path: str) -> int | None:
    """Return the offset at which two files differ first; None where they are the same."""
    packed.seek(0)
    with input_file(path) as file:
        at = 0
        while True:
            one, other = packed.read(BLOCK), file.read(BLOCK)
            if one != other:
                pairs = zip(one, other, strict=False)
                return at + next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
            if not one:
                return None
            at += len(one)


def show_version(version: object) -> str:
    """Return a version that a bundle claims, as it is shown."""
    return version[:40] if isinstance(version, str) else "unknown"
