"""Real servers probed by us and by others: nmap's ssl-enum-ciphers, testssl.sh, and openssl s_client."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aurora_wire.posture.client_hello import TLS12, TLS13
from aurora_wire.posture.probe import AddressResult
from aurora_wire.posture.survey import OFFERED
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name
from tests.real.servers import HOST, Server
from tests.real.test_probe import probed

SECONDS = 500


def judge(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed (in CI it has to be)")
        pytest.skip(f"{name} is not installed")
    return path


def suites_of(found: AddressResult, version: int) -> list[str]:
    assert found.tls is not None
    return [suite_name(suite) for suite in found.tls.version(version).suites]


def versions_of(found: AddressResult) -> set[str]:
    assert found.tls is not None
    return {version_name(each.version) for each in found.tls.versions if each.status == OFFERED}


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_nmap_finds_the_same_versions_and_no_suite_that_we_do_not(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(name)
    found = probed(server.port)
    services = tmp_path / "nmap-services"  # it speaks MySQL on ports that are named so
    services.write_text(f"mysql\t{server.port}/tcp\t0.5\n")
    done = subprocess.run(
        [judge("nmap"), "-Pn", "-n", "-sT", "--datadir", str(tmp_path), "--script", "ssl-enum-ciphers", "-p",
         str(server.port), HOST, "-oX", "-"],
        capture_output=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    script = ElementTree.fromstring(done.stdout).find(".//script[@id='ssl-enum-ciphers']")
    assert script is not None, done.stdout
    theirs = {
        str(version.get("key")): [
            # It writes TLS 1.3's suites with a key exchange of its own making.
            str(each.text).replace("TLS_AKE_WITH_", "TLS_")
            for each in version.findall("./table[@key='ciphers']/table/elem[@key='name']")
        ]
        for version in script.findall("./table")
    }
    preferences = {
        str(version.get("key")): str(version.findtext("./elem[@key='cipher preference']"))
        for version in script.findall("./table")
    }
    assert set(theirs) == versions_of(found)
    for version, number in (("TLSv1.2", TLS12), ("TLSv1.3", TLS13)):
        ours = suites_of(found, number)
        assert theirs[version]
        assert set(theirs[version]) <= set(ours)
        # What it does not find of TLS 1.2 are suites that its list lacks.
        assert all("CCM" in each or "ARIA" in each or "CAMELLIA" in each for each in set(ours) - set(theirs[version]))
        own_order = found.tls.version(number).own_order if found.tls is not None else None
        if preferences[version] in ("client", "server") and own_order is not None:
            assert (preferences[version] == "server") == own_order, version


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_testssl_finds_the_same_versions_suites_and_certificate(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(name)
    found = probed(server.port)
    with_suites = name == "mariadb"  # a minute and more: once
    told = tmp_path / "testssl.json"
    subprocess.run(
        [judge("testssl"), "--starttls", "mysql", "--quiet", "--color", "0", "--warnings", "off", "--protocols",
         *(["--cipher-per-proto"] if with_suites else []), "--server-defaults", "--jsonfile", str(told),
         f"{HOST}:{server.port}"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    entries = {str(each["id"]): str(each["finding"]) for each in json.loads(told.read_text())}
    names = {"SSLv3": "SSLv3", "TLS1": "TLSv1.0", "TLS1_1": "TLSv1.1", "TLS1_2": "TLSv1.2", "TLS1_3": "TLSv1.3"}
    assert {names[each] for each in names if entries[each].startswith("offered")} == versions_of(found)
    for prefix, number in (("cipher-tls1_2_", TLS12), ("cipher-tls1_3_", TLS13)) if with_suites else ():
        # `TLS 1.2   xc02b   ECDHE-ECDSA-AES128-GCM-SHA256   ECDH 253   AESGCM   128   TLS_ECDHE_...`
        theirs = {
            match[0] for entry, finding in entries.items() if entry.startswith(prefix)
            if (match := re.search(r"TLS_\w+$", finding.strip())) is not None
        }  # fmt: skip
        assert theirs == set(suites_of(found, number))
    assert entries["cert_fingerprintSHA256"].lower() == found.chain[0].fingerprint


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_openssl_is_shown_the_same_chain_and_takes_the_servers_first_suite(
    name: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(name)
    found = probed(server.port)
    done = subprocess.run(
        [judge("openssl"), "s_client", "-starttls", "mysql", "-connect", f"{HOST}:{server.port}", "-tls1_2",
         "-showcerts"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    text = done.stdout.decode(errors="replace")
    shown = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    fingerprints = [hashlib.sha256(ssl.PEM_cert_to_DER_cert(each)).hexdigest() for each in shown]
    assert fingerprints == [each.fingerprint for each in found.chain]
    cipher = re.search(r"Cipher\s+(?:is|:)\s+(\S+)", text)
    assert cipher is not None
    theirs = cipher[1].replace("-", "_")
    assert found.tls is not None
    if found.tls.version(TLS12).own_order:
        first = suites_of(found, TLS12)[0]
        assert theirs.replace("_", "") == first.replace("TLS_", "").replace("_WITH", "").replace("AES_", "AES").replace(
            "_", ""
        )
