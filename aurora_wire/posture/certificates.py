"""What a server's certificates say, and which of the files given by `--ca` accept them. Needs the package cryptography.

Source: RFC 5280; MySQL's `mysql_ssl_rsa_setup` and MariaDB 11.4's release notes for the certificates that servers make
for themselves.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurora_wire.disk import words_of
from aurora_wire.errors import UsageError
from aurora_wire.posture.amazon_roots import WITHDRAWN_FILES, by_fingerprint
from aurora_wire.rights.inputs import read_input

if TYPE_CHECKING:
    from cryptography import x509

OWN_OF_MYSQL: Final = "MySQL made it for itself when it was first started"
OWN_OF_MARIADB: Final = (
    "MariaDB made it for itself in memory (11.4 and newer): clients that know how verify it by the password"
)


@dataclass(slots=True)
class CertificateFacts:
    """One certificate. fingerprint: SHA-256 in hex; not_before, not_after: in UTC; key_bits: of RSA, DSA or the curve.

    own: who made it for itself, empty: nobody known; amazon: Amazon's name for it, where the fingerprint is known.
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

    def days_left(self, now: datetime) -> int:
        """Return whole days until it expires; negative: it has."""
        return (self.not_after - now).days


def read_certificate(der: bytes) -> CertificateFacts | None:
    """Return what a certificate says, or None where it cannot be read. Raises UsageError without cryptography."""
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra
        from cryptography.utils import CryptographyDeprecationWarning  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("reading certificates needs a package: pip install 'aurora_wire[keylog]'.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return _facts(x509.load_der_x509_certificate(der))
    except (ValueError, TypeError, x509.InvalidVersion):
        return None


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
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return [str(each.value) for each in found if isinstance(each, (x509.DNSName, x509.IPAddress))]


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
    with suppress(x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        ocsp = [
            str(each.access_location.value) for each in access
            if each.access_method == AuthorityInformationAccessOID.OCSP
        ]  # fmt: skip
    with suppress(x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        crl = [str(name.value) for point in points for name in point.full_name or ()]
    return ocsp, crl


@dataclass(slots=True)
class BundleFacts:
    """What a file of trusted certificates holds. Each list is of shown names.

    withdrawn: the file has the name of one that Amazon no longer publishes; regions: those for which it holds a
    certificate of today's generation.
    """

    path: str
    sha256: str
    count: int
    expired: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    withdrawn: bool = False
    amazon_count: int = 0

    def lacks(self, region: str) -> bool:
        """Tell whether servers of this region cannot be verified with it. Only known of Amazon's bundles."""
        return bool(region) and self.amazon_count > 0 and region not in self.regions


def read_bundle(path: str, now: datetime) -> BundleFacts:
    """Return what the file given by `--ca` holds. Raises UsageError where it holds no certificate."""
    try:
        data = read_input(path)
    except OSError as error:
        raise UsageError(f"{path}: {words_of(error)}.") from error
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", data, re.DOTALL)
    found = BundleFacts(path, hashlib.sha256(data).hexdigest(), 0)
    for number, block in enumerate(blocks, 1):
        try:
            facts = read_certificate(ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
        except ValueError:
            facts = None
        if facts is None:
            raise UsageError(f"{path}: certificate {number} cannot be read.")
        found.count += 1
        if facts.not_after < now:
            found.expired.append(facts.amazon or facts.subject)
        known = by_fingerprint().get(facts.fingerprint)
        if known is not None:
            found.amazon_count += 1
            if facts.not_after >= now and known.region and known.region not in found.regions:
                found.regions.append(known.region)
    if not found.count:
        raise UsageError(f"{path}: there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----).")
    found.withdrawn = any(name in Path(path).name for name in WITHDRAWN_FILES)
    return found
