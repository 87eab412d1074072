"""Checks what servers allow, of a bundle: is it what the manifest names, and does it follow from what was read?"""

from __future__ import annotations

from collections.abc import Sequence

from aurora_wire.errors import UsageError
from aurora_wire.evidence import layout as names
from aurora_wire.evidence.bundle_differences import Fields, objects
from aurora_wire.evidence.create import POSTURE_FIELD
from aurora_wire.evidence.json_diff import differences
from aurora_wire.evidence.posture import MAX_DIFFERENCES, manifest_fields, misfits
from aurora_wire.evidence.verification import Case
from aurora_wire.report.posture.from_json import parse


def check_postures(case: Case) -> None:
    """Check all results, and keep them for the reports that are made of them; nothing where there are none."""
    entries = objects(case.manifest.get(POSTURE_FIELD))
    inside = [name for name in case.hashes if name.startswith(names.POSTURE)]
    if not entries and not inside:
        return
    wrong = [f"{name}: not among the results in the manifest" for name in inside
             if all(one.get("file") != name for one in entries)]
    gaps: list[str] = []
    for said in entries:
        name, original = said.get("file"), said.get("original")
        if not isinstance(name, str) or name not in inside or not isinstance(original, dict):
            wrong.append(f"{str(name)[:100]}: the manifest names it, and it is no result here")
            continue
        data = case.bundle.read(name)
        try:
            posture = parse(data, name)
        except UsageError as error:
            wrong.append(str(error))
            continue
        case.postures.append(posture)
        found, gap = misfits(name, data, posture)
        wrong += found
        gaps += [gap] * bool(gap)
        if not gap:
            wrong += differences(said, manifest_fields(name, original, posture), f"{names.MANIFEST}: {name}")
        if not case.is_masked("captures") and (original.get("sha256"), original.get("bytes")) != case.hashes[name]:
            wrong.append(f"{names.MANIFEST}: {name}: its original is said to be other bytes")
    if wrong:
        text = "what servers allow is not what was read of them"
        case.add("posture", ok=False, text=text, details=wrong[: MAX_DIFFERENCES + 1])
        return
    which = f"{len(entries)} result{'s' if len(entries) > 1 else ''} of what servers allow"
    answers = ", ".join(f"{each.kind} (exit code {each.exit_code})" for each in case.postures)
    case.add("posture", ok=None if gaps else True, text=f"{which}, judged again: {answers}", gap="; ".join(gaps))


def posture_originals(manifest: Fields) -> Sequence[Fields]:
    """Return what the manifest says of the files that the results were, before they were masked."""
    return objects([one.get("original") for one in objects(manifest.get(POSTURE_FIELD))])
