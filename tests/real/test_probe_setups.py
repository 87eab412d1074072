"""Servers in set-ups of their own: X Protocol, the administrative port, old TLS, weak keys, own certificates."""

from __future__ import annotations

import datetime
import socket
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from aurora_wire.posture.assess import assess
from aurora_wire.posture.audit import audit
from aurora_wire.posture.database import log_in
from aurora_wire.posture.probe import MYSQL, AddressResult, X
from aurora_wire.posture.survey import OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.verdict.certificates import OWN_OF_MARIADB, OWN_OF_MYSQL
from aurora_wire.wire.tls.names import version_name
from tests.free_ports import pick_port
from tests.real.certificates import SELF_SIGNED, Certificates
from tests.real.running import running
from tests.real.servers import APP, HOST, ROOT, MariaDB, MariaDB11, MySQL
from tests.real.test_probe import probed, rules_of

OLD_OPENSSL = """\
openssl_conf = all
[all]
ssl_conf = modules
[modules]
system_default = old
[old]
MinProtocol = None
CipherString = DEFAULT:@SECLEVEL=0
"""
Keys = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def versions(found: AddressResult) -> set[str]:
    assert found.tls is not None
    return {version_name(each.version) for each in found.tls.versions if each.status == OFFERED}


class MySQLOfAllPorts(MySQL):
    """With X Protocol, and an administrative port that has a certificate of its own."""

    x_port = 0
    admin_port = 0

    def program(self) -> list[str]:
        self.x_port, self.admin_port = pick_port(), pick_port()
        shown = self.certificates
        admin = [
            f"--admin-ssl-ca={shown.bundle}", f"--admin-ssl-cert={shown.cert(SELF_SIGNED)}",
            f"--admin-ssl-key={shown.key(SELF_SIGNED)}", "--admin-tls-version=TLSv1.3",
        ]  # fmt: skip
        return [
            *(word for word in super().program() if word != "--mysqlx=OFF"), f"--mysqlx-bind-address={HOST}",
            f"--mysqlx-port={self.x_port}", f"--mysqlx-socket={self.folder}/x", f"--admin-address={HOST}",
            f"--admin-port={self.admin_port}", *(admin if self.with_tls else ["--admin-tls-version="]),
        ]  # fmt: skip


def test_x_protocol_and_the_administrative_port_are_asked_as_they_are_set(certificates: Certificates) -> None:
    with running(MySQLOfAllPorts, certificates) as server:
        assert isinstance(server, MySQLOfAllPorts)
        classic, by_x, admin = map(probed, (server.port, server.x_port, server.admin_port))
        mechanisms = server.sql("SHOW STATUS LIKE 'Mysqlx_ssl_active'")
    assert mechanisms
    assert (classic.protocol, by_x.protocol, admin.protocol) == (MYSQL, X, MYSQL)
    assert by_x.x is not None
    assert by_x.x.tls
    assert by_x.x.node == "mysql"
    assert by_x.x.mechanisms == ["SHA256_MEMORY"]  # PLAIN comes with TLS alone
    assert by_x.x.compression == ["deflate_stream", "lz4_message", "zstd_stream"]
    assert by_x.tls is not None
    assert classic.tls is not None
    assert versions(by_x) == versions(classic) == {"TLSv1.2", "TLSv1.3"}
    assert [each.suites for each in by_x.tls.versions] == [each.suites for each in classic.tls.versions]
    assert by_x.chain[0].fingerprint == classic.chain[0].fingerprint
    assert versions(admin) == {"TLSv1.3"}
    assert admin.chain[0].is_self_signed
    assert admin.chain[0].fingerprint != classic.chain[0].fingerprint


def test_x_protocol_without_tls_says_so(certificates: Certificates) -> None:
    with running(MySQLOfAllPorts, certificates, with_tls=False) as server:
        assert isinstance(server, MySQLOfAllPorts)
        by_x, admin = probed(server.x_port), probed(server.admin_port)
    assert by_x.offers_tls is False
    assert rules_of(by_x) == rules_of(admin) == ["AW601"]


def test_a_certificate_that_mysql_made_for_itself_is_named(certificates: Certificates) -> None:
    class Own(MySQL):
        def tls_options(self) -> list[str]:
            return []

    with running(Own, certificates) as server:
        found = probed(server.port)
    assert found.chain[0].own == OWN_OF_MYSQL
    assert "AW611" in rules_of(found)


def test_a_certificate_that_mariadb_made_in_memory_is_named(certificates: Certificates) -> None:
    with running(MariaDB11, certificates, with_tls=False) as server:
        found = probed(server.port)
        again = probed(server.port)
        certificate = server.sql("SELECT @@ssl_cert").strip()
    assert certificate in ("", "NULL")
    assert found.product is not None
    assert found.product.name == "MariaDB"
    assert found.chain[0].own == OWN_OF_MARIADB
    assert found.chain[0].fingerprint == again.chain[0].fingerprint
    assert "AW611" in rules_of(found)


@pytest.mark.parametrize(("offered", "expected"), [
    ("TLSv1.0,TLSv1.1", {"TLSv1.0", "TLSv1.1"}),
    ("TLSv1.2", {"TLSv1.2"}),
    ("TLSv1.3", {"TLSv1.3"}),
])  # fmt: skip
def test_versions_are_those_that_the_server_is_set_to(
    offered: str, expected: set[str], certificates: Certificates
) -> None:
    class Set(MariaDB):
        options = (f"--tls-version={offered}",)

        def environment(self) -> dict[str, str]:
            (self.folder / "openssl.cnf").write_text(OLD_OPENSSL)
            return {"OPENSSL_CONF": str(self.folder / "openssl.cnf")}

    with running(Set, certificates) as server:
        found = probed(server.port)
    assert versions(found) == expected
    obsolete = bool(expected & {"TLSv1.0", "TLSv1.1"})
    assert ("AW603" in rules_of(found)) == obsolete
    assert assess(found, datetime.datetime.now(datetime.UTC)).grade in (("C", "D", "F") if obsolete else ("A", "B"))


def own_certificate(key: Keys, folder: Path, **more: datetime.datetime) -> tuple[Path, Path]:
    """A certificate of a key, with addresses for OCSP and a revocation list, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    ocsp = x509.AccessDescription(
        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example.com/")
    )
    point = x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example.com/ca.crl")], None, None, None)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=400))
        .not_valid_after(more.get("until", now + datetime.timedelta(days=400)))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([ocsp]), critical=False)
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )  # fmt: skip
    folder.chmod(0o755)
    cert, private = folder / "own.pem", folder / "own.key"
    cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    private.chmod(0o644)
    return cert, private


@pytest.mark.parametrize(("make", "key", "bits", "rules"), [
    (lambda: rsa.generate_private_key(65537, 1024), "RSA", 1024, {"AW610"}),
    (lambda: rsa.generate_private_key(65537, 3072), "RSA", 3072, set()),
    (lambda: ec.generate_private_key(ec.SECP384R1()), "ECDSA secp384r1", 384, set()),
    (ed25519.Ed25519PrivateKey.generate, "Ed25519", 0, set()),
], ids=["rsa-1024", "rsa-3072", "p-384", "ed25519"])  # fmt: skip
def test_keys_of_each_kind_are_named(
    make: object, key: str, bits: int, rules: set[str], certificates: Certificates
) -> None:
    assert callable(make)

    class Own(MariaDB):
        def environment(self) -> dict[str, str]:
            (self.folder / "openssl.cnf").write_text(OLD_OPENSSL)
            return {"OPENSSL_CONF": str(self.folder / "openssl.cnf")}

        def tls_options(self) -> list[str]:
            cert, private = own_certificate(make(), self.folder)
            return [f"--ssl-cert={cert}", f"--ssl-key={private}"]

    with running(Own, certificates) as server:
        found = probed(server.port)
    assert (found.chain[0].key, found.chain[0].key_bits) == (key, bits)
    assert found.chain[0].ocsp == ["http://ocsp.example.com/"]
    assert found.chain[0].crl == ["http://crl.example.com/ca.crl"]
    assert {rule for rule in rules_of(found) if rule == "AW610"} == rules


def test_accounts_that_need_a_certificate_or_ed25519_are_named(certificates: Certificates) -> None:
    class Own(MariaDB):
        options = ("--plugin-load-add=auth_ed25519", "--require-secure-transport=ON")

    with running(Own, certificates) as server:
        server.sql(
            "CREATE USER mutual@'%' IDENTIFIED BY 'm-Secret-1' REQUIRE X509;"
            "CREATE USER subject@'%' IDENTIFIED BY 'm-Secret-1' REQUIRE SUBJECT '/CN=client';"
            "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('m-Secret-1');"
            f"GRANT SELECT ON mysql.* TO {APP.user}@'%'; GRANT SELECT ON performance_schema.* TO {APP.user}@'%'"
        )
        target = Target(HOST, server.port)
        with log_in(target, APP.user, APP.password) as database:
            found = audit(target, database)
        with pytest.raises(pymysql.err.OperationalError):  # what the audit says is so: nobody comes in the clear
            pymysql.connect(host=HOST, port=server.port, user=APP.user, password=APP.password, ssl_disabled=True)
    assert found.requires_tls
    assert found.accounts is not None
    by_name = {each.user: each for each in found.accounts}
    assert (by_name["mutual"].requires, by_name["subject"].requires) == ("X509", "SPECIFIED")
    assert by_name["ed"].plugin == "ed25519"
    assert "AW621" not in {each.rule for each in found.findings}
    assert "AW623" not in {each.rule for each in found.findings}


def test_all_ports_are_probed_where_that_is_asked_for() -> None:
    port = pick_port()
    done = subprocess.run(
        [sys.executable, "-m", "aurora_wire", "probe", "--all-ports", f"{HOST}:{port}"], capture_output=True, text=True,
        timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    # Whatever may listen on the two others here: the one that was named does not, and that counts.
    assert f"{HOST}:{port}  not probed" in done.stdout
    assert done.returncode in (1, 3)
    for extra in (33060, 33062):
        with socket.socket() as listener:
            listens = listener.connect_ex((HOST, extra)) == 0
        assert (f"{HOST}:{extra}" in done.stdout) == listens
