"""Real servers probed, and other programs asked the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aurora_wire.posture.assess import assess
from aurora_wire.posture.client_hello import TLS12, TLS13
from aurora_wire.posture.probe import DIRECT, PROBED, AddressResult, probe
from aurora_wire.posture.survey import NOT_OFFERED, OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.wire.tls.names import version_name
from tests.free_ports import pick_port
from tests.real.certificates import EXPIRED, OTHER_CA, RIGHT, SELF_SIGNED, WRONG_NAME, Certificates
from tests.real.servers import MySQL, Server


def probed(port: int, host: str = "127.0.0.1", ca: Path | None = None) -> AddressResult:
    result = probe(Target(host, port), ca=str(ca or ""), limit=200)
    assert len(result.addresses) == 1
    assert result.addresses[0].status == PROBED
    return result.addresses[0]


def rules_of(found: AddressResult) -> list[str]:
    from datetime import UTC, datetime

    return [each.rule for each in assess(found, datetime.now(UTC)).findings]


def sslscan(port: int) -> set[tuple[str, int]]:
    """What sslscan finds accepted: version and suite."""
    if shutil.which("sslscan") is None:
        assert not os.environ.get("CI"), "sslscan is not installed"
        pytest.skip("sslscan is not installed")
    done = subprocess.run(
        ["sslscan", "--starttls-mysql", "--xml=-", "--no-colour", f"127.0.0.1:{port}"],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    tree = ElementTree.fromstring(done.stdout)
    return {(str(each.get("sslversion")), int(str(each.get("id")), 16)) for each in tree.iter("cipher")}


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_versions_and_suites_are_those_that_sslscan_finds(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    found = probed(server.port)
    assert found.tls is not None
    offered = [each for each in found.tls.versions if each.status == OFFERED]
    ours = {(version_name(each.version), suite) for each in offered for suite in each.suites}
    theirs = sslscan(server.port)
    assert theirs
    # It asks with the local library, which does not know every suite: what it finds is the least.
    assert theirs <= ours
    assert {version for version, _ in ours} == {version for version, _ in theirs}
    assert all(each.complete for each in found.tls.versions)


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_the_greeting_says_which_server_it_is(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    found = probed(server.port)
    assert found.product is not None
    assert found.product.name.startswith({"mariadb": "MariaDB", "mysql": "MySQL"}[name])
    assert server.version.startswith(found.version.split("-")[0])
    assert found.offers_tls


@pytest.mark.parametrize("name", ["mariadb_bare", "mysql_bare"])
def test_a_server_without_tls_gets_the_worst_grade(name: str, request: pytest.FixtureRequest) -> None:
    found = probed(request.getfixturevalue(name).port)
    assert found.offers_tls is False
    assert not found.stripped
    assert rules_of(found) == ["AW601"]


@pytest.mark.parametrize(("kind", "host", "refused", "rules"), [
    (RIGHT, "localhost", False, set()),
    (WRONG_NAME, "localhost", True, {"AW609"}),
    (EXPIRED, "localhost", True, {"AW607", "AW609"}),
    (OTHER_CA, "localhost", True, {"AW609"}),
    (SELF_SIGNED, "localhost", True, {"AW609"}),
])  # fmt: skip
def test_a_certificate_is_judged_as_a_client_would(
    kind: str, host: str, refused: bool, rules: set[str], mariadb: Server, certificates: Certificates
) -> None:
    with mariadb.showing(kind):
        found = probed(mariadb.port, host, certificates.ca)
    assert found.trusted is not None
    assert bool(found.trusted) == refused
    assert {rule for rule in rules_of(found) if rule in ("AW607", "AW609")} == rules
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(certificates.cert(kind)), "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert found.chain[0].fingerprint == shown.strip().partition("=")[2].replace(":", "").lower()


def test_connections_are_counted_as_the_server_counts_them(mysql: MySQL) -> None:
    before = int(mysql.sql("SHOW STATUS LIKE 'Connections'").split()[1])
    found = probed(mysql.port)
    after = int(mysql.sql("SHOW STATUS LIKE 'Connections'").split()[1])
    # One of the server's own count is the connection that asks for it.
    assert after - before - 1 == found.connections


@pytest.mark.parametrize(("options", "version", "grade_rules"), [
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1.1", {"AW603"}),
    (["-tls1_2", "-cipher", "eNULL:ALL:@SECLEVEL=0"], "TLSv1.2", {"AW605"}),
    (["-tls1_3", "-groups", "X448:P-521"], "TLSv1.3", set()),
])  # fmt: skip
def test_what_the_local_library_would_not_speak_is_found_all_the_same(
    options: list[str], version: str, grade_rules: set[str], certificates: Certificates
) -> None:
    port = pick_port()
    command = [
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificates.cert(RIGHT)),
        "-key", str(certificates.key(RIGHT)), "-quiet", *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        try:
            found = probe(Target("127.0.0.1", port), seconds=1, limit=400).addresses[0]
            while found.status != PROBED and server.poll() is None:
                found = probe(Target("127.0.0.1", port), seconds=1, limit=400).addresses[0]
        finally:
            server.kill()
    assert (found.status, found.protocol) == (PROBED, DIRECT)
    assert found.tls is not None
    assert [version_name(each.version) for each in found.tls.versions if each.status == OFFERED] == [version]
    assert grade_rules <= set(rules_of(found))
    if version == "TLSv1.3":
        assert found.tls.groups == [0x001E, 0x0019]
        assert found.tls.version(TLS12).status == NOT_OFFERED
        assert found.tls.version(TLS13).complete
        assert found.chain, "the certificate is encrypted in TLS 1.3, and read by a whole handshake"
