"""Runs a bundle's analysis again, and compares what it says now with what the bundle says."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from aurora_wire._version import VERSION
from aurora_wire.analysis.options import OnProgress, ScanOptions
from aurora_wire.errors import CaptureError, UsageError, describe_error
from aurora_wire.evidence import layout as names
from aurora_wire.evidence.bundle_differences import Fields, judgements, objects, show_version
from aurora_wire.evidence.bundle_reader import NotABundle
from aurora_wire.evidence.check_posture import posture_originals
from aurora_wire.evidence.create import capture_fields
from aurora_wire.evidence.in_toto import summary
from aurora_wire.evidence.json_diff import differences
from aurora_wire.evidence.posture import MAX_DIFFERENCES
from aurora_wire.evidence.provenance import library_version
from aurora_wire.evidence.reanalysis import BY_LIBRARY, FOR_POSTURES, RENDERERS, analyse, make_masker, write_reports
from aurora_wire.evidence.sums import hash_file
from aurora_wire.evidence.verification import Case, parse_json
from aurora_wire.report.posture.mask import mask
from aurora_wire.rights.inputs import input_file, reading

if TYPE_CHECKING:
    from aurora_wire.verdict.result import Scan



def _captures(case: Case) -> list[tuple[str, Fields]]:
    """Return the captures' names in the bundle, in the order read, and what they were. Raises NotABundle."""
    listed = case.manifest.get("captures")
    found: list[tuple[str, Fields]] = []
    for one in listed if isinstance(listed, list) else []:
        name = one.get("file") if isinstance(one, dict) else None
        original = one.get("original") if isinstance(one, dict) else None
        if not isinstance(name, str) or not isinstance(original, dict) or not name.startswith(names.CAPTURES):
            raise NotABundle("the manifest's captures are none")
        if name not in case.bundle.members:
            raise NotABundle(f"{name} is missing")
        found.append((name, original))
    if not found:
        raise NotABundle("the manifest names no capture")
    return found


def _options(case: Case) -> ScanOptions:
    options = case.manifest.get("options")
    ports = options.get("ports") if isinstance(options, dict) else None
    if not isinstance(ports, list) or not all(type(port) is int and 0 < port < 65536 for port in ports):
        raise NotABundle("the manifest does not say which ports were looked at")
    return ScanOptions(ports, isinstance(options, dict) and options.get("only_ports") is True)


def _case_id(case: Case) -> str:
    said = case.manifest.get("case")
    return str(said.get("id", "")) if isinstance(said, dict) else ""


def check_analysis(case: Case, folder: Path, on_progress: OnProgress | None) -> None:
    captures = [name for name, _ in _captures(case)]
    for name in captures:
        case.bundle.extract(name, folder)
    masked = case.is_masked("reports") and not case.is_masked("captures")
    _compare(case, "analysis", folder, captures, on_progress, masked=masked, verdicts_only=False)


def _compare(
    case: Case, check: str, folder: Path, captures: Sequence[str], on_progress: OnProgress | None, *, masked: bool,
    verdicts_only: bool,
) -> None:  # fmt: skip
    """Analyse `captures` in `folder`, and compare with what the bundle says."""
    options = _options(case)
    try:
        result = analyse(folder, captures, options, on_progress)
    except (CaptureError, UsageError) as error:
        case.add(check, ok=False, text=str(error).replace(f"{folder}/", ""))
        return
    postures = case.postures
    if masked:
        masker = make_masker(_case_id(case), [folder / name for name in captures])
        result = masker.scan(result)
        postures = [mask(posture, masker.text) for posture in postures]
    was = parse_json(case.bundle.read(names.RESULT), names.RESULT)
    version = was.get("tool_version") if isinstance(was, dict) else None
    tool = case.manifest.get("tool")
    if version == VERSION and isinstance(tool, dict):
        version = tool.get("version")
    other_version = version != VERSION
    # Where verdicts alone are compared, nobody looks at the HTML.
    reports = write_reports(
        result, folder / check, masked=case.is_masked("reports"), by_library=not (verdicts_only or other_version),
        postures=postures,
    )  # fmt: skip
    now = parse_json(reports[names.RESULT].read_bytes(), names.RESULT)
    if not isinstance(was, dict) or not isinstance(now, dict):
        case.add(check, ok=False, text=f"{names.RESULT} is no result")
        return
    if verdicts_only or other_version:
        was, now = judgements(was), judgements(now)
    found = list(islice(differences(was, now), MAX_DIFFERENCES + 1))
    gap = ""
    if other_version:
        gap = f"its words are those of version {show_version(version)}, of which only the verdicts were compared"
    elif not (verdicts_only or found):
        found, gap = _reports(case, reports)
        found += differences(case.manifest.get("result"), summary(result), f"{names.MANIFEST}: result")
    if check == "analysis":
        found += _facts(case, result, folder, known_version=not other_version)
    if len(found) > MAX_DIFFERENCES:
        found[MAX_DIFFERENCES] = "and more"
    which = f"{len(captures)} capture{'s' if len(captures) > 1 else ''}"
    by = f" (by version {VERSION}; the bundle is of {version}: verdicts are compared)" if other_version else ""
    if found:
        case.add(check, ok=False, text=f"run again on {which}{by}, it says something else", details=found)
    else:
        case.add(check, ok=None if gap else True, text=f"run again on {which}{by}, it says the same: "
                 f"{result.verdict}" + (f" ({result.confidence})" if result.confidence else ""), gap=gap)


def _reports(case: Case, reports: Mapping[str, Path]) -> tuple[list[str], str]:
    """Return what of the bundle's reports is not what this result makes; and what of them could not be made here.
    """
    gap = ""
    wrong = []
    environment = case.manifest.get("environment")
    libraries = environment.get("libraries") if isinstance(environment, dict) else None
    then = libraries if isinstance(libraries, dict) else {}
    inside = [name for name in case.hashes if name.startswith(names.REPORTS)]
    for name in sorted({*inside, *RENDERERS, *(FOR_POSTURES if case.postures else ())}):
        if name in reports and name in case.hashes and hash_file(reports[name]) == case.hashes[name]:
            continue
        library = BY_LIBRARY[name][0] if name in BY_LIBRARY else None
        if library is None or (name in reports and then.get(library) == library_version(library)):
            wrong.append(f"{name}: is not what this result makes")
        else:
            gap = f"{name} could not be made again: that takes {library} {then.get(library) or '(no version said)'}"
    return wrong, gap


def _facts(case: Case, result: Scan, folder: Path, *, known_version: bool) -> list[str]:
    """Return what the manifest says wrongly about the captures, one line each."""
    wrong: list[str] = []
    named = zip(objects(case.manifest.get("captures")), _captures(case), result.captures, strict=False)
    for said, (name, original), capture in named:
        now = capture_fields(name, original, capture, result, folder)
        if known_version:
            wrong += differences(said, now, f"{names.MANIFEST}: {name}")
        if not case.is_masked("captures"):
            digest, size = case.hashes[name]
            if (original.get("sha256"), original.get("bytes")) != (digest, size):
                wrong.append(f"{names.MANIFEST}: {name}: its original is said to be other bytes")
    return wrong


def _real_path(path: str) -> Path:
    with reading(path):
        return Path(path).resolve()


def check_originals(case: Case, originals: Sequence[str], folder: Path, on_progress: OnProgress | None) -> None:
    """Check captures that were kept elsewhere: they have to be those that the manifest names, and say the same."""
    given: dict[str, str] = {}
    for path in originals:
        try:
            given[hash_file(Path(path))[0]] = path
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read ({describe_error(error)}).") from error
    wrong: list[str] = []
    links = folder / "originals"
    (links / names.CAPTURES).mkdir(parents=True)
    captures = []
    used = set()
    for name, original in _captures(case):
        digest = str(original.get("sha256"))
        if digest not in given:
            wrong.append(f"{name}: no given file has its original's SHA-256, {digest}")
            continue
        if digest in used:  # twice in the bundle: a link to the same file would be read once
            with input_file(given[digest]) as source, (links / name).open("wb") as copy:
                shutil.copyfileobj(source, copy)
        else:
            (links / name).symlink_to(_real_path(given[digest]))
        used.add(digest)
        captures.append(name)
    used |= {str(one.get("sha256")) for one in posture_originals(case.manifest)}  # they are judged in the bundle
    wrong += [f"{path}: SHA-256 {digest} is of no capture in the manifest" for digest, path in given.items()
              if digest not in used]
    if wrong:
        case.add("originals", ok=False, text="they are not the captures that the bundle was made of", details=wrong)
        return
    masked = case.is_masked("reports")
    _compare(case, "originals", links, captures, on_progress, masked=masked,
                  verdicts_only=case.is_masked("captures"))
