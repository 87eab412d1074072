"""Certificates for the servers of the tests: one that is right, and each way of being wrong.

Made once a session in a folder that the servers can read. The keys are worth nothing.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "127.0.0.1", "::1")
YEAR = datetime.timedelta(days=365)

RIGHT = "right"              # of our authority, for localhost and the loopback addresses
EXPIRED = "expired"          # the same, a year ago
WRONG_NAME = "wrong-name"    # of our authority, for another host
OTHER_CA = "other-ca"        # right names, of an authority that nobody here trusts
SELF_SIGNED = "self-signed"  # right names, vouched for by nobody but itself
KINDS = (RIGHT, EXPIRED, WRONG_NAME, OTHER_CA, SELF_SIGNED)


class Certificates:
    """`ca` and `other_ca` are for clients; `cert(kind)` and `key(kind)` are what a server shows.

    `bundle` is for servers, all that may have issued a certificate: MySQL loads none that it cannot verify.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.other_ca = folder / "other-ca.pem"
        now = datetime.datetime.now(datetime.UTC)
        ours, other = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(str(self.ca))
        other.cert_pem.write_to_path(str(self.other_ca))
        issued = {
            RIGHT: ours.issue_cert(*NAMES, common_name="localhost"),
            EXPIRED: ours.issue_cert(
                *NAMES, common_name="localhost", not_before=now - 2 * YEAR, not_after=now - YEAR
            ),
            WRONG_NAME: ours.issue_cert("db.example.com", common_name="db.example.com"),
            OTHER_CA: other.issue_cert(*NAMES, common_name="localhost"),
        }
        for kind, leaf in issued.items():
            self._write(kind, leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())
        self._write(SELF_SIGNED, *_self_signed(now))
        self.bundle = folder / "bundle.pem"
        issuers = (self.ca, self.other_ca, self.cert(SELF_SIGNED))
        self.bundle.write_bytes(b"".join(path.read_bytes() for path in issuers))

    def cert(self, kind: str) -> Path:
        return self.folder / f"server-{kind}.pem"

    def key(self, kind: str) -> Path:
        return self.folder / f"server-{kind}.key"

    def _write(self, kind: str, certificate: bytes, key: bytes) -> None:
        self.cert(kind).write_bytes(certificate)
        self.key(kind).write_bytes(key)
        self.key(kind).chmod(0o644)  # the server reads it as nobody


def _self_signed(now: datetime.datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - YEAR)
        .not_valid_after(now + YEAR)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
