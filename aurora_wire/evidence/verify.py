"""Checks a bundle: form, signature, hashes, time-stamp; then runs the analysis again and compares.

Every step that can still be made is made, so that the answer says all that is wrong and not only the first of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from aurora_wire.analysis.options import OnProgress
from aurora_wire.errors import OutputError, describe_error
from aurora_wire.evidence import layout as names
from aurora_wire.evidence import signing
from aurora_wire.evidence.bundle_differences import Fields
from aurora_wire.evidence.bundle_reader import Bundle, NotABundle
from aurora_wire.evidence.check_analysis import check_analysis, check_originals
from aurora_wire.evidence.check_archive import check_archive, check_hashes, check_instructions
from aurora_wire.evidence.check_posture import check_postures
from aurora_wire.evidence.check_signature import check_signature, check_time_stamp
from aurora_wire.evidence.verification import Case, Verification, parse_json
from aurora_wire.rights.inputs import private_folder


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
            case = Case(bundle, verification, _manifest(bundle))
            is_damaged = check_hashes(case)
            check_signature(case, trusted, asked=key is not None, allow_unsigned=allow_unsigned)
            check_time_stamp(case, authorities)
            if is_damaged:
                case.add("analysis", ok=None, text="not run again: the archive is damaged")
            else:
                check_archive(case)
                check_instructions(case)
                check_postures(case)
                with private_folder("aurora-wire-") as temporary:
                    check_analysis(case, temporary, on_progress)
                    if originals:
                        check_originals(case, originals, temporary, on_progress)
    except NotABundle as error:
        verification.add("archive", ok=False, text=str(error))
    except OSError as error:
        raise OutputError(f"{tempfile.gettempdir()}: {describe_error(error)}. Set TMPDIR to a larger one.") from error
    return verification


def _manifest(bundle: Bundle) -> Fields:
    """Return the manifest of what may be a bundle. Raises NotABundle."""
    for name in (names.MANIFEST, names.SUMS, names.INSTRUCTIONS, names.RESULT):
        if name not in bundle.members:
            raise NotABundle(f"{name} is missing")
    manifest = parse_json(bundle.read(names.MANIFEST), names.MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema") != names.SCHEMA:
        raise NotABundle(f"{names.MANIFEST} is none of {names.SCHEMA}")
    return manifest
