"""Checks a bundle: form, signature, hashes, time-stamp; then runs the analysis again and compares.

Every step that can still be made is made, so that the answer says all that is wrong and not only the first of it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurora_wire._version import VERSION
from aurora_wire.analysis.scan import OnProgress
from aurora_wire.errors import CaptureError, OutputError, UsageError
from aurora_wire.evidence import layout as names
from aurora_wire.evidence import signing
from aurora_wire.evidence.bundle_differences import (
    Fields,
    first_difference,
    judgements,
    say_entry,
    show_version,
    sums_differences,
)
from aurora_wire.evidence.bundle_reader import Bundle, NotABundle
from aurora_wire.evidence.create import MANIFEST_FIELDS, capture_fields
from aurora_wire.evidence.in_toto import PREDICATE_TYPE, TYPE, dump, summary
from aurora_wire.evidence.json_diff import differences
from aurora_wire.evidence.provenance import library_version, tool_fields
from aurora_wire.evidence.reanalysis import BY_LIBRARY, RENDERERS, analyse, masker_of, write_reports
from aurora_wire.evidence.signing import BadSignature, Opened
from aurora_wire.evidence.sums import hash_file, sums_line
from aurora_wire.evidence.verify_txt import instructions
from aurora_wire.evidence.zip_writer import write_archive
from aurora_wire.rights.inputs import input_file, private_folder, reading

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from aurora_wire.verdict.result import Scan

MAX_DIFFERENCES: Final = 50  # told of one comparison


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


def verify_bundle(
    path: str,
    *,
    key: str | None = None,
    allow_unsigned: bool = False,
    originals: Sequence[str] = (),
    authorities: str | None = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Check a bundle and run its analysis again.

    key: file with the public key that has to have signed; allow_unsigned: a bundle that nobody known has signed is
    vouched for, too; originals: captures kept elsewhere, analysed too; authorities: certificates (PEM) of the
    time-stamp authorities that are trusted.

    Raises UsageError where `path` is no zip archive, or an option is wrong.
    """
    trusted = signing.read_public_key(key) if key is not None and signing.is_installed() else None
    verification = Verification(path)
    try:
        with Bundle(path) as bundle:
            verifier = _Verifier(bundle, verification, trusted, authorities, allow_unsigned, key is not None)
            verifier.run(originals, on_progress)
    except NotABundle as error:
        verification.add("archive", ok=False, text=str(error))
    except OSError as error:
        raise OutputError(f"{tempfile.gettempdir()}: {error.strerror or error}. Set TMPDIR to a larger one.") from error
    return verification


class _Verifier:
    def __init__(
        self, bundle: Bundle, verification: Verification, trusted: Ed25519PublicKey | None, authorities: str | None,
        allow_unsigned: bool, asked: bool,
    ) -> None:  # fmt: skip
        self.bundle = bundle
        self.add = verification.add
        self.trusted = trusted
        self.authorities = authorities
        self.allow_unsigned = allow_unsigned
        self.asked = asked  # for a signature by a certain key
        self.hashes: dict[str, tuple[str, int]] = {}
        self.manifest: Fields = {}

    def run(self, originals: Sequence[str], on_progress: OnProgress | None) -> None:
        for name in (names.MANIFEST, names.SUMS, names.INSTRUCTIONS, names.RESULT):
            if name not in self.bundle.members:
                raise NotABundle(f"{name} is missing")
        manifest = _json(self.bundle.read(names.MANIFEST), names.MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("schema") != names.SCHEMA:
            raise NotABundle(f"{names.MANIFEST} is none of {names.SCHEMA}")
        self.manifest = manifest
        damaged = self._hashes()
        self._signature()
        self._timestamp()
        if damaged:
            self.add("analysis", ok=None, text="not run again: the archive is damaged")
            return
        self._archive()
        self._instructions()
        with private_folder("aurora-wire-") as temporary:
            self._again(temporary, on_progress)
            if originals:
                self._originals(originals, temporary, on_progress)

    # -- the archive and its files

    def _archive(self) -> None:
        """Check that the archive, packed again, is the same bytes: so nothing hides in headers or between files."""
        try:
            created = datetime.fromisoformat(str(self.manifest.get("created")))
        except ValueError:
            self.add("archive", ok=False, text="the manifest does not say when it was made")
            return
        with private_folder("aurora-wire-") as folder, tempfile.TemporaryFile() as packed:
            contents = {name: self.bundle.extract(name, folder) for name in self.bundle.members}
            write_archive(packed, contents, created)
            at = first_difference(packed, self.bundle.path)
        if at is None:
            self.add("archive", ok=True, text=f"{len(self.bundle.members)} files, packed as bundles are")
        else:
            text = f"byte {at:,} is not as a bundle has it: it was changed, or packed by another program"
            self.add("archive", ok=False, text=text)

    def _hashes(self) -> bool:
        """Check the hashes. Return whether there are files that cannot be read as they were packed."""
        wrong: list[str] = []
        for name in self.bundle.members:
            try:
                self.hashes[name] = self.bundle.hash(name)
            except NotABundle as error:
                self.hashes[name] = "", 0
                wrong.append(str(error))
        damaged = bool(wrong)
        sums = {name: digest for name, (digest, _) in self.hashes.items() if name not in names.NOT_SUMMED and digest}
        wanted = "".join(sums_line(sums[name], name) for name in sorted(sums)).encode("ascii")
        listed = self.bundle.read(names.SUMS)
        if listed != wanted and not damaged:
            wrong += sums_differences(listed, sums)
        listed_files = self.manifest.get("files")
        files = {
            str(one.get("name")): (one.get("sha256"), one.get("bytes"))
            for one in (listed_files if isinstance(listed_files, list) else [])
            if isinstance(one, dict)
        }
        for name, (digest, size) in self.hashes.items():
            if name in names.NOT_SUBJECTS or name == names.MANIFEST or not digest:
                continue
            if name not in files:
                wrong.append(f"{name}: not in the manifest: it was added")
            elif files[name] != (digest, size):
                wrong.append(f"{name}: SHA-256 {digest}, {size:,} bytes; the manifest says {say_entry(files[name])}")
        wrong += [f"{name}: in the manifest, not in the bundle: it was taken away" for name in files
                  if name not in self.hashes]
        count = len(self.hashes)
        text = f"SHA-256 and size of {count} files are as manifest and {names.SUMS} say" if not wrong else (
            "files are not those that the bundle was made of"
        )
        self.add("hashes", ok=not wrong, text=text, details=list(dict.fromkeys(wrong)))
        return damaged

    def _instructions(self) -> None:
        """Check what tells people how to check, and the manifest's own form: made again, they are the same bytes."""
        wrong = []
        who = self.manifest.get("signed_by")
        wanted = instructions(
            sorted(self.bundle.members), who if isinstance(who, str) else None,
            stamped=names.TIMESTAMP in self.bundle.members, left_out=_left_out(self.manifest),
        )  # fmt: skip
        if self.bundle.read(names.INSTRUCTIONS) != wanted:
            wrong.append(f"{names.INSTRUCTIONS}: is not what such a bundle has")
        tool = self.manifest.get("tool")
        if tool != {**tool_fields(), "core": tool.get("core") if isinstance(tool, dict) else None}:
            return self._told("instructions", wrong, "are as such a bundle has them")
        unknown = sorted(set(self.manifest) - MANIFEST_FIELDS) + sorted(MANIFEST_FIELDS - set(self.manifest))
        if unknown or dump(self.manifest) != self.bundle.read(names.MANIFEST):
            wrong.append(f"{names.MANIFEST}: is not written as bundles have it ({', '.join(unknown) or 'form'})")
        return self._told("instructions", wrong, "and the manifest's form are as such a bundle has them")

    def _told(self, check: str, wrong: list[str], well: str) -> None:
        text = "somebody wrote them" if wrong else f"{names.INSTRUCTIONS} {well}"
        self.add(check, ok=not wrong, text=text, details=wrong)

    # -- who says so

    def _signature(self) -> None:
        signed = [name for name in (names.ENVELOPE, names.SUMS_SIGNATURE, names.PUBLIC_KEY, names.SIGNED_BYTES,
                                    names.SIGNATURE) if name in self.bundle.members]
        if not signed and not self.manifest.get("signed_by"):
            if self.asked:
                self.add("signature", ok=False, text="there is none, and --key asks for one")
            else:
                gap = "" if self.allow_unsigned else "nobody signed it (--allow-unsigned takes it all the same)"
                text = "there is none: hashes show damage, not who made the bundle"
                self.add("signature", ok=None, text=text, gap=gap)
            return
        if len(signed) < 5:
            self.add("signature", ok=False, text=f"only {', '.join(signed) or 'the manifest'} is left of it")
            return
        if not signing.is_installed():
            self.add("signature", ok=None, text=f"not looked at: {signing.MISSING}",
                     gap=f"its signature could not be checked: {signing.MISSING}")
            return
        own = signing.public_key_of(self.bundle.read(names.PUBLIC_KEY))
        if own is None:
            self.add("signature", ok=False, text=f"{names.PUBLIC_KEY} is no Ed25519 public key")
            return
        key = self.trusted or own
        try:
            opened = signing.open_envelope(self.bundle.read(names.ENVELOPE), key)
        except BadSignature as error:
            self.add("signature", ok=False, text=f"{error} (key {signing.fingerprint(key)})")
            return
        wrong = self._misfits(opened, key)
        if wrong:
            self.add("signature", ok=False, text="what was signed is not what is in the bundle", details=wrong)
            return
        who = f"made with key {signing.fingerprint(key)}"
        if self.trusted is None:
            self.add("signature", ok=None, text=f"{who}, which the bundle brings itself: --key FILE says whether it "
                     "is the examiner's",
                     gap="" if self.allow_unsigned else "only the key inside it says who signed (--key FILE names the "
                     "examiner's, --allow-unsigned takes it all the same)")
        else:
            self.add("signature", ok=True, text=f"{who}, the one given")

    def _misfits(self, opened: Opened, key: Ed25519PublicKey) -> list[str]:
        """Return what of the bundle is not as `key` has signed it."""
        wrong: list[str] = []
        statement = _json(opened.payload, names.ENVELOPE)
        if not isinstance(statement, dict) or (statement.get("_type"), statement.get("predicateType")) != (
            TYPE, PREDICATE_TYPE,
        ):
            return ["the attestation is about something else"]
        found = statement.get("subject")
        signed = {
            str(one.get("name")): one.get("digest") for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict)
        }
        for name, (digest, _) in self.hashes.items():
            if name in names.NOT_SUBJECTS:
                continue
            if name not in signed:
                wrong.append(f"{name}: is not among the signed files")
            elif signed[name] != {"sha256": digest}:
                wrong.append(f"{name}: is not as it was signed")
        wrong += [f"{name}: was signed, and is not there" for name in signed if name not in self.hashes]
        if signing.public_pem(key) != self.bundle.read(names.PUBLIC_KEY):
            wrong.append(f"{names.PUBLIC_KEY}: is another key")
        if self.manifest.get("signed_by") != signing.fingerprint(key):
            wrong.append(f"{names.MANIFEST}: names another key")
        parts = (self.bundle.read(names.SIGNED_BYTES), self.bundle.read(names.SIGNATURE))
        if parts != (opened.signed_bytes, opened.signature):
            wrong.append(f"{names.SIGNED_BYTES} or {names.SIGNATURE}: is not of the attestation")
        if not signing.signature_fits(key, self.bundle.read(names.SUMS_SIGNATURE), self.bundle.read(names.SUMS)):
            wrong.append(f"{names.SUMS_SIGNATURE}: is no signature of {names.SUMS}")
        return wrong

    def _timestamp(self) -> None:
        if names.TIMESTAMP not in self.bundle.members:
            if self.authorities is not None:
                self.add("time-stamp", ok=False, text="there is none, and --tsa asks for one")
            return
        from aurora_wire.evidence.timestamp import MISSING, check_timestamp, require_timestamps  # noqa: PLC0415

        try:
            require_timestamps()
        except UsageError:
            if self.authorities is not None:
                raise
            self.add("time-stamp", ok=None, text=f"not looked at: {MISSING}")
            return
        try:
            moment = check_timestamp(
                self.bundle.read(names.TIMESTAMP), self.bundle.read(names.ENVELOPE), self.authorities
            )
        except BadSignature as error:
            self.add("time-stamp", ok=False, text=str(error))
            return
        text = f"of {moment.isoformat().replace('+00:00', 'Z')}"
        if self.authorities is None:
            self.add("time-stamp", ok=None, text=f"{text}, by whom is not checked: --tsa FILE gives the authority")
        else:
            self.add("time-stamp", ok=True, text=f"{text}, by an authority in {self.authorities}")

    # -- the analysis again

    def _captures(self) -> list[tuple[str, Fields]]:
        """Return the captures' names in the bundle, in the order read, and what they were. Raises NotABundle."""
        listed = self.manifest.get("captures")
        found: list[tuple[str, Fields]] = []
        for one in listed if isinstance(listed, list) else []:
            name = one.get("file") if isinstance(one, dict) else None
            original = one.get("original") if isinstance(one, dict) else None
            if not isinstance(name, str) or not isinstance(original, dict) or not name.startswith(names.CAPTURES):
                raise NotABundle("the manifest's captures are none")
            if name not in self.bundle.members:
                raise NotABundle(f"{name} is missing")
            found.append((name, original))
        if not found:
            raise NotABundle("the manifest names no capture")
        return found

    def _options(self) -> tuple[list[int], bool]:
        options = self.manifest.get("options")
        ports = options.get("ports") if isinstance(options, dict) else None
        if not isinstance(ports, list) or not all(type(port) is int and 0 < port < 65536 for port in ports):
            raise NotABundle("the manifest does not say which ports were looked at")
        return ports, isinstance(options, dict) and options.get("only_ports") is True

    def _redaction(self, what: str) -> bool:
        redaction = self.manifest.get("redaction")
        return isinstance(redaction, dict) and redaction.get(what) == "masked"

    def _case_id(self) -> str:
        case = self.manifest.get("case")
        return str(case.get("id", "")) if isinstance(case, dict) else ""

    def _again(self, folder: Path, on_progress: OnProgress | None) -> None:
        captures = [name for name, _ in self._captures()]
        for name in captures:
            self.bundle.extract(name, folder)
        masked = self._redaction("reports") and not self._redaction("captures")
        self._compare("analysis", folder, captures, on_progress, masked=masked, verdicts_only=False)

    def _compare(
        self, check: str, folder: Path, captures: Sequence[str], on_progress: OnProgress | None, *, masked: bool,
        verdicts_only: bool,
    ) -> None:  # fmt: skip
        """Analyse `captures` in `folder`, and compare with what the bundle says."""
        ports, only_ports = self._options()
        try:
            result = analyse(folder, captures, ports, only_ports=only_ports, on_progress=on_progress)
        except (CaptureError, UsageError) as error:
            self.add(check, ok=False, text=str(error).replace(f"{folder}/", ""))
            return
        if masked:
            result = masker_of(self._case_id(), [folder / name for name in captures]).scan(result)
        was = _json(self.bundle.read(names.RESULT), names.RESULT)
        version = was.get("tool_version") if isinstance(was, dict) else None
        tool = self.manifest.get("tool")
        if version == VERSION and isinstance(tool, dict):
            version = tool.get("version")
        other_version = version != VERSION
        # Where verdicts alone are compared, nobody looks at the HTML.
        reports = write_reports(
            result, folder / check, masked=self._redaction("reports"), by_library=not (verdicts_only or other_version)
        )
        now = _json(reports[names.RESULT].read_bytes(), names.RESULT)
        if not isinstance(was, dict) or not isinstance(now, dict):
            self.add(check, ok=False, text=f"{names.RESULT} is no result")
            return
        if verdicts_only or other_version:
            was, now = judgements(was), judgements(now)
        found = list(islice(differences(was, now), MAX_DIFFERENCES + 1))
        gap = ""
        if other_version:
            gap = f"its words are those of version {show_version(version)}, of which only the verdicts were compared"
        elif not (verdicts_only or found):
            found, gap = self._reports(reports)
            found += differences(self.manifest.get("result"), summary(result), f"{names.MANIFEST}: result")
        if check == "analysis":
            found += self._facts(result, folder, known_version=not other_version)
        if len(found) > MAX_DIFFERENCES:
            found[MAX_DIFFERENCES] = "and more"
        which = f"{len(captures)} capture{'s' if len(captures) > 1 else ''}"
        by = f" (by version {VERSION}; the bundle is of {version}: verdicts are compared)" if other_version else ""
        if found:
            self.add(check, ok=False, text=f"run again on {which}{by}, it says something else", details=found)
        else:
            self.add(check, ok=None if gap else True, text=f"run again on {which}{by}, it says the same: "
                     f"{result.verdict}" + (f" ({result.confidence})" if result.confidence else ""), gap=gap)

    def _reports(self, reports: Mapping[str, Path]) -> tuple[list[str], str]:
        """Return what of the bundle's reports is not what this result makes; and what of them could not be made here.
        """
        gap = ""
        wrong = []
        environment = self.manifest.get("environment")
        libraries = environment.get("libraries") if isinstance(environment, dict) else None
        then = libraries if isinstance(libraries, dict) else {}
        inside = [name for name in self.hashes if name.startswith(names.REPORTS)]
        for name in sorted({*inside, *RENDERERS}):
            if name in reports and name in self.hashes and hash_file(reports[name]) == self.hashes[name]:
                continue
            library = BY_LIBRARY[name][0] if name in BY_LIBRARY else None
            if library is None or (name in reports and then.get(library) == library_version(library)):
                wrong.append(f"{name}: is not what this result makes")
            else:
                gap = f"{name} could not be made again: that takes {library} {then.get(library) or '(no version said)'}"
        return wrong, gap

    def _facts(self, result: Scan, folder: Path, *, known_version: bool) -> list[str]:
        """Return what the manifest says wrongly about the captures, one line each."""
        wrong: list[str] = []
        listed = self.manifest.get("captures")
        for said, capture in zip(listed if isinstance(listed, list) else [], result.captures, strict=False):
            original = said.get("original") if isinstance(said, dict) else None
            if not isinstance(original, dict):
                continue
            name = str(said.get("file"))
            now = capture_fields(name, original, capture, result, folder)
            if known_version:
                wrong += differences(said, now, f"{names.MANIFEST}: {name}")
            if not self._redaction("captures"):
                digest, size = self.hashes[name]
                if (original.get("sha256"), original.get("bytes")) != (digest, size):
                    wrong.append(f"{names.MANIFEST}: {name}: its original is said to be other bytes")
        return wrong

    def _originals(self, originals: Sequence[str], folder: Path, on_progress: OnProgress | None) -> None:
        """Check captures that were kept elsewhere: they have to be those that the manifest names, and say the same."""
        given: dict[str, str] = {}
        for path in originals:
            try:
                given[hash_file(Path(path))[0]] = path
            except (OSError, ValueError) as error:
                said = error.strerror if isinstance(error, OSError) else str(error)
                raise UsageError(f"{path}: cannot be read ({said}).") from error
        wrong: list[str] = []
        links = folder / "originals"
        (links / names.CAPTURES).mkdir(parents=True)
        captures = []
        used = set()
        for name, original in self._captures():
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
        wrong += [f"{path}: SHA-256 {digest} is of no capture in the manifest" for digest, path in given.items()
                  if digest not in used]
        if wrong:
            self.add("originals", ok=False, text="they are not the captures that the bundle was made of", details=wrong)
            return
        masked = self._redaction("reports")
        self._compare("originals", links, captures, on_progress, masked=masked,
                      verdicts_only=self._redaction("captures"))


def _real_path(path: str) -> Path:
    with reading(path):
        return Path(path).resolve()


def _left_out(manifest: Fields) -> list[tuple[str, str]]:
    """Return the files of folders that were not taken, and why; what has another form is left to the manifest's check.
    """
    listed = manifest.get("left_out")
    return [
        (str(one.get("path")), str(one.get("why"))) for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]  # fmt: skip


def _json(data: bytes, name: str) -> object:
    """Parse JSON. Raises NotABundle."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotABundle(f"{name} is no JSON") from error
