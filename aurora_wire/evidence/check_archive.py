"""Checks a bundle's archive: is each file, and every byte between them, as the bundle says?"""

from __future__ import annotations

import tempfile
from datetime import datetime

from aurora_wire.evidence import layout as names
from aurora_wire.evidence.bundle_differences import Fields, first_difference, objects, say_entry, sums_differences
from aurora_wire.evidence.bundle_reader import NotABundle
from aurora_wire.evidence.create import MANIFEST_FIELDS, POSTURE_FIELD
from aurora_wire.evidence.in_toto import dump
from aurora_wire.evidence.provenance import tool_fields
from aurora_wire.evidence.sums import sums_line
from aurora_wire.evidence.verification import Case
from aurora_wire.evidence.verify_txt import instructions
from aurora_wire.evidence.zip_writer import write_archive
from aurora_wire.rights.inputs import private_folder


def check_archive(case: Case) -> None:
    """Check that the archive, packed again, is the same bytes: so nothing hides in headers or between files."""
    try:
        created = datetime.fromisoformat(str(case.manifest.get("created")))
    except ValueError:
        case.add("archive", ok=False, text="the manifest does not say when it was made")
        return
    with private_folder("aurora-wire-") as folder, tempfile.TemporaryFile() as packed:
        contents = {name: case.bundle.extract(name, folder) for name in case.bundle.members}
        write_archive(packed, contents, created)
        at = first_difference(packed, case.bundle.path)
    if at is None:
        case.add("archive", ok=True, text=f"{len(case.bundle.members)} files, packed as bundles are")
    else:
        text = f"byte {at:,} is not as a bundle has it: it was changed, or packed by another program"
        case.add("archive", ok=False, text=text)


def check_hashes(case: Case) -> bool:
    """Check the hashes. Return whether there are files that cannot be read as they were packed."""
    wrong: list[str] = []
    for name in case.bundle.members:
        try:
            case.hashes[name] = case.bundle.hash(name)
        except NotABundle as error:
            case.hashes[name] = "", 0
            wrong.append(str(error))
    damaged = bool(wrong)
    sums = {name: digest for name, (digest, _) in case.hashes.items() if name not in names.NOT_SUMMED and digest}
    wanted = "".join(sums_line(sums[name], name) for name in sorted(sums)).encode("ascii")
    listed = case.bundle.read(names.SUMS)
    if listed != wanted and not damaged:
        wrong += sums_differences(listed, sums)
    files = {
        str(one.get("name")): (one.get("sha256"), one.get("bytes")) for one in objects(case.manifest.get("files"))
    }
    for name, (digest, size) in case.hashes.items():
        if name in names.NOT_SUBJECTS or name == names.MANIFEST or not digest:
            continue
        if name not in files:
            wrong.append(f"{name}: not in the manifest: it was added")
        elif files[name] != (digest, size):
            wrong.append(f"{name}: SHA-256 {digest}, {size:,} bytes; the manifest says {say_entry(files[name])}")
    wrong += [f"{name}: in the manifest, not in the bundle: it was taken away" for name in files
              if name not in case.hashes]
    count = len(case.hashes)
    text = f"SHA-256 and size of {count} files are as manifest and {names.SUMS} say" if not wrong else (
        "files are not those that the bundle was made of"
    )
    case.add("hashes", ok=not wrong, text=text, details=list(dict.fromkeys(wrong)))
    return damaged


def left_out(manifest: Fields) -> list[tuple[str, str]]:
    """Return the files of folders that were not taken, and why; what has another form is left to the manifest's check.
    """
    return [(str(one.get("path")), str(one.get("why"))) for one in objects(manifest.get("left_out"))]


def check_instructions(case: Case) -> None:
    """Check what tells people how to check, and the manifest's own form: made again, they are the same bytes."""
    wrong = []
    who = case.manifest.get("signed_by")
    wanted = instructions(
        sorted(case.bundle.members), who if isinstance(who, str) else None,
        stamped=names.TIMESTAMP in case.bundle.members, left_out=left_out(case.manifest),
    )  # fmt: skip
    if case.bundle.read(names.INSTRUCTIONS) != wanted:
        wrong.append(f"{names.INSTRUCTIONS}: is not what such a bundle has")
    tool = case.manifest.get("tool")
    if tool != {**tool_fields(), "core": tool.get("core") if isinstance(tool, dict) else None}:
        return _told(case, "instructions", wrong, "are as such a bundle has them")
    fields = set(case.manifest) - ({POSTURE_FIELD} if case.manifest.get(POSTURE_FIELD) else set())
    unknown = sorted(fields - MANIFEST_FIELDS) + sorted(MANIFEST_FIELDS - fields)
    if unknown or dump(case.manifest) != case.bundle.read(names.MANIFEST):
        wrong.append(f"{names.MANIFEST}: is not written as bundles have it ({', '.join(unknown) or 'form'})")
    return _told(case, "instructions", wrong, "and the manifest's form are as such a bundle has them")


def _told(case: Case, check: str, wrong: list[str], well: str) -> None:
    text = "somebody wrote them" if wrong else f"{names.INSTRUCTIONS} {well}"
    case.add(check, ok=not wrong, text=text, details=wrong)
