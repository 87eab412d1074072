"""Makes an evidence bundle: captures, result, reports, manifest and attestation in one zip.

The steps: hash and analyse the captures, render the reports, describe all of it, sign the description, pack. What
was analysed is what is packed: each capture is copied first, and hashed once more by who reads it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurora_wire.analysis.options import STANDARD, OnProgress, ScanOptions
from aurora_wire.capture.files.addresses import is_remote
from aurora_wire.capture.files.inputs import find_inputs
from aurora_wire.capture.files.metadata import capture_notes
from aurora_wire.capture.files.open import STANDARD_INPUT, open_capture
from aurora_wire.capture.files.remote import RemoteFile, open_stored
from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import CaptureError, OutputError, UsageError, describe_error
from aurora_wire.evidence import layout as names
from aurora_wire.evidence import signing
from aurora_wire.evidence.in_toto import dump, statement, summary
from aurora_wire.evidence.posture import manifest_fields, masked_bytes, parse, posture_name, read_result
from aurora_wire.evidence.provenance import clock_fields, creation_time, environment_fields, tool_fields
from aurora_wire.evidence.reanalysis import analyse, make_masker, write_reports
from aurora_wire.evidence.sums import BLOCK, hash_file, sums_line
from aurora_wire.evidence.timestamp import check_url, request_timestamp, require_timestamps
from aurora_wire.evidence.verify_txt import instructions
from aurora_wire.evidence.zip_writer import Content, write_archive
from aurora_wire.posture.result import Posture
from aurora_wire.redact.masker import Masker
from aurora_wire.report.posture.from_json import split_inputs
from aurora_wire.report.posture.mask import mask
from aurora_wire.report.timestamps import find_clock, rfc3339
from aurora_wire.rights.atomic_file import atomic_file
from aurora_wire.rights.inputs import input_file, private_folder, reading
from aurora_wire.verdict.result import CaptureResult, Scan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_CAPTURES = 9_999


@dataclass(frozen=True, slots=True)
class Case:
    """What a person says about a bundle."""

    id: str = ""
    examiner: str = ""
    note: str = ""


@dataclass(slots=True)
class Options:
    """How to make it. command: the command line, as it is to be written down.

    reveal: reports show what crossed as it is; redact_captures: the captures are masked, and the originals are only
    named by their hashes.
    """

    case: Case = field(default_factory=Case)
    key: str | None = None
    timestamp: str | None = None
    scan: ScanOptions = STANDARD
    reveal: bool = False
    redact_captures: bool = False
    command: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """A bundle that was made."""

    result: Scan
    files: int
    bytes: int
    fingerprint: str | None
    left_out: int  # files of folders that are not in it


def create_bundle(
    paths: Sequence[str], output: str, options: Options, on_progress: OnProgress | None = None
) -> BundleSummary:
    """Write a bundle of captures to `output`, which appears when it is whole.

    Raises UsageError, CaptureError where a capture cannot be read, OutputError. KeyboardInterrupt leaves nothing.
    """
    key = None if options.key is None else signing.read_private_key(options.key)
    if options.timestamp is not None:
        check_url(options.timestamp)
        require_timestamps()
        if key is None:
            raise UsageError("--timestamp: a time-stamp is of a signature. Give --key, too.")
    captures, results = split_inputs(list(paths))
    if results and not captures:
        raise UsageError(f"{results[0]}: a bundle is of captures, and results lie beside them. Give a capture, too.")
    inputs = _inputs(captures, output, masked=options.redact_captures)
    originals = inputs.captures
    for path in results:
        _is_no_output(output, path, "one of the results")
    created, fixed = creation_time()
    # Where there is room for the bundle; but root works where nobody can put a link in the place of what it has made.
    place = None if os.geteuid() == 0 else Path(output).parent
    try:
        with private_folder(".aurora-wire-", place) as temporary:
            draft = _Draft(temporary, options, created, fixed=fixed)
            draft.left_out = inputs.left_out
            draft.take(originals)
            draft.take_results(results)
            draft.analyse(on_progress)
            contents = draft.contents(key)
            with atomic_file(output) as file:
                write_archive(file, contents, created)
                size = file.tell()
    except OSError as error:
        raise _not_written(output, error) from error
    except OutputError as error:
        if isinstance(error.__cause__, OSError):  # of a file on the way, whose name says nothing to anybody
            raise _not_written(output, error.__cause__) from error
        raise
    fingerprint = None if key is None else signing.fingerprint(key.public_key())
    return BundleSummary(draft.result, len(contents), size, fingerprint, len(inputs.left_out))


def _not_written(output: str, error: OSError) -> OutputError:
    return OutputError(f"{output}: {describe_disk_error(error, output)}. Nothing was written there.")


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Captures for the bundle, and what of the folders is not in it: path and why."""

    captures: list[str]
    left_out: list[tuple[str, str]]


def _inputs(paths: Sequence[str], output: str, *, masked: bool) -> _Inputs:
    if STANDARD_INPUT in paths:
        raise UsageError("standard input is no evidence: nobody could read it again. Write it to a file first.")
    inputs = find_inputs(list(paths))
    left_out = [(one.path, one.why) for one in inputs.left_out]
    found: list[str] = []
    for path, _ in inputs.captures:
        why = _why_unreadable(path, masked=masked) if path in inputs.unnamed else ""
        if why:
            left_out.append((path, why))
        else:
            found.append(path)
    if not found:
        raise UsageError(f"{paths[0]}: no capture here can be read ({left_out[-1][1]}).")
    if len(found) > MAX_CAPTURES:
        raise UsageError(f"{len(found):,} captures are too many for one bundle ({MAX_CAPTURES:,}).")
    for path in found:
        _is_no_output(output, path, "one of the captures")
    return _Inputs(found, sorted(left_out))


def _is_no_output(output: str, path: str, what: str) -> None:
    """Raise UsageError where the bundle would replace an input."""
    with suppress(OSError), reading(path):  # it may go at any moment; what cannot be written is told of then
        if os.path.samefile(output, path):  # noqa: PTH121 - an output without a name is told of later
            raise UsageError(f"{output}: this is {what}. Give the bundle another name.")


def _why_unreadable(path: str, *, masked: bool) -> str:
    """Return why a file in a folder cannot be copied; what can be is judged in the bundle, damaged or not.

    masked: a copy with nothing but what is known to be harmless, which takes a capture.
    """
    try:
        if not is_remote(path):
            with input_file(path):
                pass
        if masked:
            open_capture(path, hash_input=False).close()
    except OSError as error:
        return f"cannot be read ({describe_error(error)})"
    except CaptureError as error:
        return error.reason
    return ""


# The manifest has these, and no other; `posture` only where there is any.
MANIFEST_FIELDS: Final = frozenset({
    "schema", "created", "case", "tool", "environment", "clock", "command", "options", "redaction", "signed_by",
    "result", "captures", "left_out", "files",
})  # fmt: skip
POSTURE_FIELD: Final = "posture"


def copy_original(path: str, target: Path | None) -> tuple[int | None, str, int]:
    """Copy a capture to `target` (None: only read it); return when it was modified, its SHA-256 and its size.

    A web server may not say when. `target` is the bundle's own copy: of an object or a page, too.

    What cannot be read is a CaptureError, what cannot be written an OSError: a full disk is not the capture's fault.
    """
    digest = hashlib.sha256()
    size = 0
    with ExitStack() as stack:
        try:
            source = open_stored(path)
            stack.callback(source.close)
            modified = source.modified_ns if isinstance(source, RemoteFile) else os.fstat(source.fileno()).st_mtime_ns
        except OSError as error:
            raise CaptureError(path, -1, f"cannot be read ({describe_error(error)}).") from error
        copy = None if target is None else stack.enter_context(target.open("wb"))
        while True:
            try:
                block = source.read(BLOCK)
            except OSError as error:
                raise CaptureError(path, -1, f"cannot be read ({describe_error(error)}).") from error
            if not block:
                return modified, digest.hexdigest(), size
            digest.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)


class _Draft:
    """A bundle on its way, in a folder that goes when it is packed."""

    def __init__(self, folder: Path, options: Options, created: datetime, *, fixed: bool) -> None:
        self.folder = folder
        self.options = options
        self.created = created
        self.fixed = fixed
        self.left_out: list[tuple[str, str]] = []
        self.masker: Masker | None = None  # of what is packed
        self.originals: list[dict[str, object]] = []
        self.captures: list[str] = []  # names in the bundle
        self.results: list[tuple[str, dict[str, object], Posture]] = []  # name, what it was, what it says
        self.reports: dict[str, Path] = {}
        self.known: dict[Path, tuple[str, int]] = {}  # files hashed already
        self.result: Scan
        self.postures: list[Posture] = []  # as reports show them

    def take(self, originals: Sequence[str]) -> None:
        """Copy the captures (masked, if wanted), and note what they were."""
        (self.folder / names.CAPTURES).mkdir()
        if self.options.redact_captures:
            self.masker = make_masker(self.options.case.id, originals)
        for number, path in enumerate(originals, 1):
            name = names.capture_name(number, path)
            self.originals.append(self._original(path, self.folder / name))
            if self.masker is not None:
                name = f"{names.CAPTURES}{number:03d}-redacted.{redacted_suffix(path)}"
                self._redact(path, str(self.folder / name), self.masker)
            self.captures.append(name)

    def _original(self, path: str, target: Path) -> dict[str, object]:
        """Return what an input is; a copy of it is in `target` then, but where what is packed is masked."""
        modified, sha256, size = copy_original(path, None if self.masker is not None else target)
        when = None if modified is None else rfc3339(modified)
        return {"path": path, "sha256": sha256, "bytes": size, "modified": when}

    def _redact(self, path: str, target: str, masker: Masker) -> None:
        """Mask the captures. Raises UsageError if one would be judged in another way."""
        from aurora_wire.redact.capture import redact_capture, verdict_differences  # noqa: PLC0415 - rarely wanted

        done = redact_capture(path, target, masker, self.options.scan)
        different = verdict_differences(done.scan, target, self.options.scan)
        if different:
            raise UsageError(f"{path}: masked, it is judged in another way ({different[0]}). Nothing was written.")

    def take_results(self, paths: Sequence[str]) -> None:
        """Copy the results of what servers allow (masked, if wanted). Raises UsageError where one cannot be read."""
        if not paths:
            return
        (self.folder / names.POSTURE).mkdir()
        for number, path in enumerate(paths, 1):
            posture = read_result(path)
            name = posture_name(number, posture)
            target = self.folder / name
            original = self._original(path, target)
            if self.masker is not None:
                target.write_bytes(masked_bytes(posture, self.masker.text))
            # What is described is what was copied: the file may have changed in between.
            self.results.append((name, original, parse(target.read_bytes(), path)))

    def analyse(self, on_progress: OnProgress | None) -> None:
        options = self.options
        result = analyse(self.folder, self.captures, options.scan, on_progress)
        masked = not (options.reveal or options.redact_captures)
        postures = [posture for _, _, posture in self.results]
        if masked:
            masker = make_masker(options.case.id, [self.folder / name for name in self.captures])
            result = masker.scan(result)
            postures = [mask(posture, masker.text) for posture in postures]
        self.result = result
        self.postures = postures
        self.reports = write_reports(
            result, self.folder, masked=not options.reveal, by_library=True, postures=postures
        )

    def contents(self, key: Ed25519PrivateKey | None) -> Mapping[str, Content]:
        """Return all files of the bundle, by name."""
        stamped = self.options.timestamp is not None
        contents: dict[str, Content] = {name: self.folder / name for name in self.captures}
        contents.update((name, self.folder / name) for name, _, _ in self.results)
        contents.update(self.reports)
        every = [*contents, names.MANIFEST, names.INSTRUCTIONS, names.SUMS]
        if key is not None:
            every += [names.SUMS_SIGNATURE, names.ENVELOPE, names.PUBLIC_KEY, names.SIGNED_BYTES, names.SIGNATURE]
        if stamped:
            every.append(names.TIMESTAMP)
        fingerprint = None if key is None else signing.fingerprint(key.public_key())
        contents[names.INSTRUCTIONS] = instructions(
            every, fingerprint, stamped=stamped, left_out=self.left_out
        )
        manifest = self.manifest(contents, fingerprint)
        contents[names.MANIFEST] = dump(manifest)
        if key is not None:
            self._sign(contents, key, manifest)
        sums = {name: digest for name, (digest, _) in self.hashes(contents).items()}
        listed = "".join(sums_line(sums[name], name) for name in sorted(sums)).encode("ascii")
        contents[names.SUMS] = listed
        if key is not None:
            contents[names.SUMS_SIGNATURE] = key.sign(listed)
        return contents

    def _sign(self, contents: dict[str, Content], key: Ed25519PrivateKey, manifest: Mapping[str, object]) -> None:
        sums = {name: digest for name, (digest, _) in self.hashes(contents).items()}
        signed = signing.sign_payload(statement(sums, self.result, manifest, self.postures), key)
        contents[names.ENVELOPE] = signed.envelope
        contents[names.SIGNED_BYTES] = signed.signed_bytes
        contents[names.SIGNATURE] = signed.signature
        contents[names.PUBLIC_KEY] = signing.public_pem(key.public_key())
        if self.options.timestamp is not None:
            contents[names.TIMESTAMP] = request_timestamp(self.options.timestamp, signed.envelope)

    def manifest(self, contents: Mapping[str, Content], fingerprint: str | None) -> dict[str, object]:
        options, case = self.options, self.options.case
        files = [
            {"name": name, "sha256": digest, "bytes": size} for name, (digest, size) in self.hashes(contents).items()
        ]
        return {
            "schema": names.SCHEMA,
            "created": self.created.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "case": {"id": case.id, "examiner": case.examiner, "note": case.note},
            "tool": tool_fields(),
            "environment": environment_fields(),
            "clock": clock_fields(self.created, fixed=self.fixed),
            "command": list(options.command),
            "options": {"ports": list(options.scan.ports), "only_ports": options.scan.only_ports},
            "redaction": {
                "reports": "none" if options.reveal else "masked",
                "captures": "masked" if options.redact_captures else "none",
            },
            "signed_by": fingerprint,
            "result": summary(self.result),
            "captures": [
                capture_fields(name, original, capture, self.result, self.folder)
                for name, original, capture in zip(self.captures, self.originals, self.result.captures, strict=True)
            ],
            "left_out": [{"path": path, "why": why} for path, why in self.left_out],
            "files": files,
            **({POSTURE_FIELD: [manifest_fields(*each) for each in self.results]} if self.results else {}),
        }

    def hashes(self, contents: Mapping[str, Content]) -> dict[str, tuple[str, int]]:
        """Return SHA-256 and size of each, sorted by name."""
        found: dict[str, tuple[str, int]] = {}
        for name in sorted(contents):
            content = contents[name]
            if isinstance(content, bytes):
                found[name] = hashlib.sha256(content).hexdigest(), len(content)
            else:
                if content not in self.known:
                    self.known[content] = hash_file(content)
                found[name] = self.known[content]
        return found


def capture_fields(
    name: str, original: Mapping[str, object], capture: CaptureResult, result: Scan, folder: Path
) -> dict[str, object]:
    """Return what the manifest says of a capture; all but `original` follows from its bytes in `folder`."""
    clock = find_clock(result)
    return {
        "file": name,
        "original": original,
        "format": capture.format,
        "compression": capture.compression,
        "packets": capture.packets,
        "first_time": clock.show_in(capture, capture.first_time_ns),
        "last_time": clock.show_in(capture, capture.last_time_ns),
        "undated": capture.undated,
        "complete": capture.complete,
        "dropped_packets": capture.dropped_packets,
        "truncated_packets": capture.truncated_packets,
        "says": capture_notes(folder / name),
    }


def redacted_suffix(path: str) -> str:
    """Return the suffix of a masked capture: `pcap` or `pcapng`, as they are written uncompressed."""
    with open_capture(path, hash_input=False) as capture:
        return capture.format
