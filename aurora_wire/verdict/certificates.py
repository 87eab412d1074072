"""What certificates say, from captures and from servers that were asked. Needs the package cryptography.

Source: RFC 5280; MySQL's `mysql_ssl_rsa_setup` and MariaDB 11.4's release notes for the certificates that servers make
for themselves.
"""

from __future__ import annotations

import ipaddress
import warnings
from contextlib import suppress
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import UsageError
from aurora_wire.immutable import field, record
from aurora_wire.verdict.amazon_roots import by_fingerprint

if TYPE_CHECKING:
    from cryptography import x509

MISSING: Final = "reading certificates needs the package cryptography: pip install 'aurora_wire[keylog]'"
MAX_NAMES: Final = 1_000  # kept of one certificate: a hostile one may hold ten thousand
OWN_OF_MYSQL: Final = "MySQL made it for itself when it was first started"
OWN_OF_MARIADB: Final = (
    "MariaDB made it for itself in memory (11.4 and newer): clients that know how verify it by the password"
)


@record
class CertificateFacts:
    """One certificate. fingerprint: SHA-256 in hex; not_before, not_after: in UTC; key_bits: of RSA, DSA or the curve.

    names: of SubjectAlternativeName, the first MAX_NAMES; common_names: of the subject; own: who made it for itself,
    empty: nobody known; amazon: Amazon's name for it, where the fingerprint is known.
    """

    subject: str
    issuer: str
    names: list[str]
    not_before: datetime
    not_after: datetime
    key: str
    key_bits: int
    signature: str
    fingerprint: str
    is_self_signed: bool
    is_authority: bool
    ocsp: list[str] = field(default_factory=list)
    crl: list[str] = field(default_factory=list)
    own: str = ""
    amazon: str = ""
    common_names: list[str] = field(default_factory=list)

    @property
    def issuer_name(self) -> str:
        """Return the issuer's common name, empty where it has none."""
        return next((part[3:] for part in self.issuer.split(",") if part.startswith("CN=")), "")

    def is_for(self, host: str) -> bool | None:
        """Tell whether it is for a host, a name or an address, as clients compare them; None: not all names are known.

        The subject's common name counts where there is no other DNS name, as it does for OpenSSL (RFC 6125, 6.4.4).
        """
        wanted = host.rstrip(".").lower()
        address = _address(wanted)
        if address is not None:
            found = any(_address(each) == address for each in self.names)
        else:
            names = [each for each in self.names if _address(each) is None]
            found = any(_covers(each.lower(), wanted) for each in names or self.common_names)
        return None if not found and len(self.names) >= MAX_NAMES else found

    def days_left(self, now: datetime) -> int:
        """Return whole days until it expires; negative: it has."""
        return (self.not_after - now).days


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _covers(pattern: str, host: str) -> bool:
    """Tell whether a DNS name of a certificate covers a host: `*.` at its beginning stands for one label."""
    pattern = pattern.rstrip(".")
    if pattern.startswith("*."):
        label, dot, rest = host.partition(".")
        return bool(label and dot) and rest == pattern[2:]
    return pattern == host


def read_certificate(der: bytes) -> CertificateFacts | None:
    """Return what a certificate says, or None where it cannot be read. Raises UsageError without cryptography."""
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.utils import CryptographyDeprecationWarning  # noqa: PLC0415
    except (ImportError, OSError) as error:  # or rights were given up, and its folder is closed to this process
        raise UsageError(f"{MISSING}.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return _facts(x509.load_der_x509_certificate(der))
    except (
        ValueError, TypeError, OverflowError, x509.InvalidVersion, x509.UnsupportedGeneralNameType,
        x509.AttributeNotFound, UnsupportedAlgorithm,
    ):  # fmt: skip
        return None


@lru_cache(maxsize=1024)
def describe_certificate(der: bytes) -> CertificateFacts | None:
    """Return what a captured certificate says, read once for all connections that show it.

    None where it cannot be read, was not kept (b""), or cryptography is not there (`can_read`).
    """
    if not der or not can_read():
        return None
    return read_certificate(der)


@cache
def can_read() -> bool:
    """Return whether certificates can be read here at all."""
    try:
        from cryptography import x509  # noqa: F401, PLC0415 - an extra
    except (ImportError, OSError):
        return False
    return True


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.x509.oid import NameOID, SignatureAlgorithmOID  # noqa: PLC0415

    subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    key, bits = _key(certificate)
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    oid = certificate.signature_algorithm_oid
    signature = next((name for name, each in vars(SignatureAlgorithmOID).items() if each == oid), oid.dotted_string)
    known = by_fingerprint().get(fingerprint)
    is_self_signed = certificate.subject == certificate.issuer
    common_names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    own = ""
    if any("Auto_Generated_Server_Certificate" in name for name in common_names):
        own = OWN_OF_MYSQL
    elif is_self_signed and "MariaDB Server" in common_names:
        own = OWN_OF_MARIADB
    ocsp, crl = _addresses(certificate)
    return CertificateFacts(
        subject=subject, issuer=issuer, names=_names(certificate), not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc, key=key, key_bits=bits, signature=signature,
        fingerprint=fingerprint, is_self_signed=is_self_signed, is_authority=_is_authority(certificate), ocsp=ocsp,
        crl=crl, own=own, amazon=known.name if known is not None else "",
        common_names=common_names,
    )  # fmt: skip


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa  # noqa: PLC0415

    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "unknown", 0
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}", key.key_size
    return type(key).__name__.removesuffix("PublicKey").lstrip("_"), 0


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the names that the certificate is for: SubjectAlternativeName, else none (clients ignore the subject)."""
    from cryptography import x509  # noqa: PLC0415

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return []
    return [str(each.value) for each in found if isinstance(each, (x509.DNSName, x509.IPAddress))][:MAX_NAMES]


def _is_authority(certificate: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False


def _addresses(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    """Return where OCSP is answered, and where revocation lists are."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import AuthorityInformationAccessOID  # noqa: PLC0415

    ocsp: list[str] = []
    crl: list[str] = []
    with suppress(x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        ocsp = [
            str(each.access_location.value) for each in access
            if each.access_method == AuthorityInformationAccessOID.OCSP
        ]  # fmt: skip
    with suppress(x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        crl = [str(name.value) for point in points for name in point.full_name or ()]
    return ocsp, crl
