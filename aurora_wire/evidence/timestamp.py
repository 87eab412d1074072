"""Time-stamps of an authority (RFC 3161). rfc3161-client makes the request and judges the answer."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from aurora_wire.errors import UsageError
from aurora_wire.evidence.signing import BadSignature
from aurora_wire.rights.inputs import read_input

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MISSING: Final = "time-stamps need one more package. Install it: pip install 'aurora_wire[timestamp]'"
TIMEOUT: Final = 30         # seconds
MAX_ANSWER: Final = 1 << 20  # bytes


def require_timestamps() -> None:
    """Raise UsageError if the extra is not installed."""
    try:
        import rfc3161_client  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(MISSING) from error


def without_secrets(url: str) -> str:
    """Return a URL as it may be written down: no user, password or query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def check_url(url: str) -> str:
    """Return the address. Raises UsageError if it is no http(s) address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--timestamp: give the address of an authority, such as http://host/path.")
    return url


def request_timestamp(url: str, data: bytes) -> bytes:
    """Return the authority's answer for `data`, as it came. Raises UsageError where there is none, or it refuses."""
    require_timestamps()
    from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response  # noqa: PLC0415

    request = TimestampRequestBuilder().data(data).nonce(nonce=True).cert_request(cert_request=True).build()
    shown = without_secrets(check_url(url))
    headers = {"Content-Type": "application/timestamp-query", "User-Agent": "aurora-wire"}
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    if at:
        headers["Authorization"] = f"Basic {b64encode(unquote(account).encode()).decode()}"
    question = urllib.request.Request(  # noqa: S310 - http or https: checked above
        urlunsplit(parts._replace(netloc=host, fragment="")), request.as_bytes(), headers
    )
    try:
        with urllib.request.urlopen(question, timeout=TIMEOUT) as answer:  # noqa: S310
            response = answer.read(MAX_ANSWER)
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{shown}: no time-stamp ({said}). Nothing was written.") from error
    try:
        decoded = decode_timestamp_response(response)
        status = decoded.status
        fits = status in (0, 1) and decoded.tst_info.nonce == request.nonce and _imprint_fits(decoded, data)
    except ValueError as error:
        raise UsageError(f"{shown}: the answer is no time-stamp. Nothing was written.") from error
    if not fits:
        raise UsageError(f"{shown}: the authority gave no time-stamp for this (status {status}). Nothing was written.")
    return bytes(response)


def _imprint_fits(response: TimeStampResponse, data: bytes) -> bool:
    import hashlib  # noqa: PLC0415

    imprint = response.tst_info.message_imprint
    names = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
    name = names.get(imprint.hash_algorithm.dotted_string)
    return name is not None and hashlib.new(name, data).digest() == imprint.message


def check_timestamp(response: bytes, data: bytes, roots: str | None) -> datetime:
    """Return when the authority saw `data`. roots: PEM file of the authorities that are trusted; None: whoever it was.

    Raises BadSignature where it does not fit.
    """
    require_timestamps()
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415

    try:
        decoded = decode_timestamp_response(response)
        moment = decoded.tst_info.gen_time
        if not _imprint_fits(decoded, data):
            raise BadSignature("it is a time-stamp of something else")
    except ValueError as error:
        raise BadSignature("it is no time-stamp") from error
    if roots is None:
        return moment
    builder = VerifierBuilder()
    for certificate in _certificates(roots):
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify_message(decoded, data)
    except VerificationError as error:
        raise BadSignature(f"no authority in {roots} made it ({error})") from error
    return moment


def _certificates(path: str):  # type: ignore[no-untyped-def]
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    try:
        return load_pem_x509_certificates(read_input(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no certificates in PEM ({error}).") from error
