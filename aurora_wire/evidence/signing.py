"""Ed25519 keys, and DSSE envelopes signed with them. securesystemslib and cryptography do the work.

Source: DSSE protocol v1 (secure-systems-lab/dsse); in-toto Attestation Framework, "Statement" v1.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import OutputError, UsageError, describe_error
from aurora_wire.rights.held_folder import HeldFolder, hold
from aurora_wire.rights.inputs import input_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MISSING: Final = "signatures need more packages. Install them: pip install 'aurora_wire[evidence]'"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_KEY: Final = 1 << 16  # bytes of a file that is said to be a key


class BadSignature(Exception):  # noqa: N818 - a result that the caller reports
    """It does not fit; `str()` says what."""


def is_installed() -> bool:
    """Return whether the extra that signs and checks signatures is there."""
    try:
        import cryptography  # noqa: F401, PLC0415
        import securesystemslib.dsse  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def require_signing() -> None:
    """Raise UsageError where the extra is not installed."""
    if not is_installed():
        raise UsageError(MISSING)


def generate_keys(name: str) -> tuple[Path, Path]:
    """Write a new private key to `name` (for its owner only) and its public half to `name`.pub."""
    require_signing()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    private, public = Path(name), Path(f"{name}.pub")
    for path in (private, public):
        if os.path.lexists(path):
            raise UsageError(f"{path}: is there already. Keys are never overwritten: give another name.")
    held: list[HeldFolder] = []
    written: list[tuple[HeldFolder, str]] = []
    try:
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for path, data, mode in ((private, secret, 0o600), (public, public_pem(key.public_key()), 0o644)):
            folder, last = hold(path)
            held.append(folder)
            handle = folder.make(last)
            written.append((folder, last))
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    except BaseException as error:
        for folder, last in written:
            with suppress(OSError):
                folder.remove(last)
        if isinstance(error, OSError):
            raise OutputError(f"{name}: {describe_disk_error(error, path)}. No key was written.") from error
        raise
    finally:
        for folder in held:
            folder.close()
    return private, public


def read_private_key(path: str) -> Ed25519PrivateKey:
    """Read a private key. Raises UsageError if it is none."""
    require_signing()
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(_key_bytes(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{path}: no Ed25519 private key (PEM, no passphrase). `aurora-wire evidence keygen -o NAME` makes one."
        )
    return key


def read_public_key(path: str) -> Ed25519PublicKey:
    """Read a public key. Raises UsageError if it is none."""
    require_signing()
    key = parse_public_key(_key_bytes(path))
    if key is None:
        raise UsageError(f"{path}: no Ed25519 public key in PEM. It is the file NAME.pub that keygen wrote.")
    return key


def parse_public_key(pem: bytes) -> Ed25519PublicKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _key_bytes(path: str) -> bytes:
    try:
        with input_file(path) as file:
            return file.read(MAX_KEY)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: the key cannot be read ({describe_error(error)}).") from error


def public_pem(key: Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return SHA-256 of the key as SubjectPublicKeyInfo (`openssl pkey -pubin -outform DER | sha256sum`)."""
    import hashlib  # noqa: PLC0415

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class Signed(NamedTuple):
    """A signed envelope, and the same signature as files that openssl alone can check."""

    envelope: bytes
    signed_bytes: bytes
    signature: bytes


class Opened(NamedTuple):
    """What an envelope holds."""

    payload: bytes
    signed_bytes: bytes
    signature: bytes


def sign_payload(payload: bytes, key: Ed25519PrivateKey) -> Signed:
    """Return a DSSE envelope over `payload`. Ed25519 is deterministic: the same payload gives the same bytes."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined] # noqa: PLC0415

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    signature = envelope.sign(CryptoSigner(key))
    text = json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n"
    return Signed(text.encode("ascii"), envelope.pae(), bytes.fromhex(signature.signature))


def open_envelope(data: bytes, key: Ed25519PublicKey) -> Opened:
    """Return what an envelope holds that `key` has signed. Raises BadSignature."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined] # noqa: PLC0415

    try:
        envelope = Envelope.from_dict(json.loads(data))
    except Exception as error:  # the library raises whatever a wrong shape leads to
        raise BadSignature("the envelope cannot be read") from error
    if envelope.payload_type != PAYLOAD_TYPE or len(envelope.signatures) != 1:
        raise BadSignature(f"the envelope has another form than one signature over {PAYLOAD_TYPE}")
    signature = next(iter(envelope.signatures.values()))
    try:
        envelope.verify([SSlibKey.from_crypto(key, keyid=signature.keyid)], 1)
    except VerificationError as error:
        raise BadSignature("it was not made with this key, or what it is about was changed") from error
    return Opened(envelope.payload, envelope.pae(), bytes.fromhex(signature.signature))


def signature_fits(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
