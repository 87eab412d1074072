"""Checks who vouches for a bundle: its signature and its time-stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurora_wire.errors import UsageError
from aurora_wire.evidence import layout as names
from aurora_wire.evidence import signing
from aurora_wire.evidence.bundle_differences import objects
from aurora_wire.evidence.in_toto import PREDICATE_TYPE, TYPE
from aurora_wire.evidence.signing import BadSignature, Opened
from aurora_wire.evidence.verification import Case, parse_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check_signature(
    case: Case, trusted: Ed25519PublicKey | None, *, asked: bool, allow_unsigned: bool
) -> None:
    signed = [name for name in (names.ENVELOPE, names.SUMS_SIGNATURE, names.PUBLIC_KEY, names.SIGNED_BYTES,
                                names.SIGNATURE) if name in case.bundle.members]
    if not signed and not case.manifest.get("signed_by"):
        if asked:
            case.add("signature", ok=False, text="there is none, and --key asks for one")
        else:
            gap = "" if allow_unsigned else "nobody signed it (--allow-unsigned takes it all the same)"
            text = "there is none: hashes show damage, not who made the bundle"
            case.add("signature", ok=None, text=text, gap=gap)
        return
    if len(signed) < 5:
        case.add("signature", ok=False, text=f"only {', '.join(signed) or 'the manifest'} is left of it")
        return
    if not signing.is_installed():
        case.add("signature", ok=None, text=f"not looked at: {signing.MISSING}",
                 gap=f"its signature could not be checked: {signing.MISSING}")
        return
    own = signing.parse_public_key(case.bundle.read(names.PUBLIC_KEY))
    if own is None:
        case.add("signature", ok=False, text=f"{names.PUBLIC_KEY} is no Ed25519 public key")
        return
    key = trusted or own
    try:
        opened = signing.open_envelope(case.bundle.read(names.ENVELOPE), key)
    except BadSignature as error:
        case.add("signature", ok=False, text=f"{error} (key {signing.fingerprint(key)})")
        return
    wrong = _misfits(case, opened, key)
    if wrong:
        case.add("signature", ok=False, text="what was signed is not what is in the bundle", details=wrong)
        return
    who = f"made with key {signing.fingerprint(key)}"
    if trusted is None:
        case.add("signature", ok=None, text=f"{who}, which the bundle brings itself: --key FILE says whether it "
                 "is the examiner's",
                 gap="" if allow_unsigned else "only the key inside it says who signed (--key FILE names the "
                 "examiner's, --allow-unsigned takes it all the same)")
    else:
        case.add("signature", ok=True, text=f"{who}, the one given")


def _misfits(case: Case, opened: Opened, key: Ed25519PublicKey) -> list[str]:
    """Return what of the bundle is not as `key` has signed it."""
    wrong: list[str] = []
    statement = parse_json(opened.payload, names.ENVELOPE)
    if not isinstance(statement, dict) or (statement.get("_type"), statement.get("predicateType")) != (
        TYPE, PREDICATE_TYPE,
    ):
        return ["the attestation is about something else"]
    signed = {str(one.get("name")): one.get("digest") for one in objects(statement.get("subject"))}
    for name, (digest, _) in case.hashes.items():
        if name in names.NOT_SUBJECTS:
            continue
        if name not in signed:
            wrong.append(f"{name}: is not among the signed files")
        elif signed[name] != {"sha256": digest}:
            wrong.append(f"{name}: is not as it was signed")
    wrong += [f"{name}: was signed, and is not there" for name in signed if name not in case.hashes]
    if signing.public_pem(key) != case.bundle.read(names.PUBLIC_KEY):
        wrong.append(f"{names.PUBLIC_KEY}: is another key")
    if case.manifest.get("signed_by") != signing.fingerprint(key):
        wrong.append(f"{names.MANIFEST}: names another key")
    parts = (case.bundle.read(names.SIGNED_BYTES), case.bundle.read(names.SIGNATURE))
    if parts != (opened.signed_bytes, opened.signature):
        wrong.append(f"{names.SIGNED_BYTES} or {names.SIGNATURE}: is not of the attestation")
    if not signing.signature_fits(key, case.bundle.read(names.SUMS_SIGNATURE), case.bundle.read(names.SUMS)):
        wrong.append(f"{names.SUMS_SIGNATURE}: is no signature of {names.SUMS}")
    return wrong


def check_time_stamp(case: Case, authorities: str | None) -> None:
    if names.TIMESTAMP not in case.bundle.members:
        if authorities is not None:
            case.add("time-stamp", ok=False, text="there is none, and --tsa asks for one")
        return
    from aurora_wire.evidence.timestamp import MISSING, check_timestamp, require_timestamps  # noqa: PLC0415

    try:
        require_timestamps()
    except UsageError:
        if authorities is not None:
            raise
        case.add("time-stamp", ok=None, text=f"not looked at: {MISSING}")
        return
    try:
        moment = check_timestamp(
            case.bundle.read(names.TIMESTAMP), case.bundle.read(names.ENVELOPE), authorities
        )
    except BadSignature as error:
        case.add("time-stamp", ok=False, text=str(error))
        return
    text = f"of {moment.isoformat().replace('+00:00', 'Z')}"
    if authorities is None:
        case.add("time-stamp", ok=None, text=f"{text}, by whom is not checked: --tsa FILE gives the authority")
    else:
        case.add("time-stamp", ok=True, text=f"{text}, by an authority in {authorities}")
