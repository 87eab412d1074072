"""The table against other people's tables, and the judgements against what the names say."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings

import pytest

from aurora_wire.wire.tls import suite_strength as ciphers
from aurora_wire.wire.tls.suite_strength import authenticates, encrypts, has_forward_secrecy, suite_name, weakness
from aurora_wire.wire.tls.suites import NAMES

# Where scapy and the registry differ: registry names that scapy put in the usual order.
SCAPY_SPELLS_OTHERWISE = {0x0026, 0x0029, 0xC0AA, 0xC0AB}
# Same for OpenSSL's -stdname: it has the names of RFC 6655 for the last two.
OPENSSL_SPELLS_OTHERWISE = {0xC0AA, 0xC0AB}

STATIC_RSA = (
    0x002F, 0x0035, 0x003C, 0x003D, 0x0041, 0x0084, 0x009C, 0x009D, 0xC09C, 0xC09D, 0xC0A0, 0xC0A1,
)


def weakness_by_name(name: str) -> str:
    """The reference: what the registry's names mean."""
    if "_NULL_" in name or re.fullmatch(r"TLS_SHA\d+_SHA\d+", name):
        return "NULL"
    if "_anon_" in name:
        return "anonymous"
    if "_EXPORT" in name:
        return "export"
    if "_RC4_" in name:
        return "RC4"
    if "_DES_" in name:
        return "DES"
    if "_3DES_" in name:
        return "3DES"
    exchange, with_, _ = name.partition("_WITH_")
    if with_ and not re.search(r"DHE|SRP|ECCPWD", exchange):
        return "no forward secrecy"
    return ""


SUITES = {code: name for code, name in NAMES.items() if not name.endswith("_SCSV")}


@pytest.mark.parametrize("code", sorted(SUITES), ids=SUITES.get)
def test_judgements_agree_with_the_name(code: int) -> None:
    name = suite_name(code)
    assert weakness(code) == weakness_by_name(name)
    assert encrypts(code) == (weakness_by_name(name) != "NULL")
    assert authenticates(code) == ("_anon_" not in name and code != 0)


def test_every_set_holds_only_known_suites() -> None:
    every = (
        ciphers.NULL_SUITES | ciphers.ANONYMOUS_SUITES | ciphers.EXPORT_SUITES | ciphers.RC4_SUITES
        | ciphers.DES_SUITES | ciphers.TRIPLE_DES_SUITES | ciphers.SIGNALS
    )
    assert every <= set(NAMES)


def test_static_rsa_has_no_forward_secrecy_and_ephemeral_keys_have() -> None:
    for code in STATIC_RSA:
        assert weakness(code) == "no forward secrecy", suite_name(code)
        assert not has_forward_secrecy(code)
    for code in (0x1301, 0xC02F, 0x009E, 0xCCA8, 0xC0AA):
        assert has_forward_secrecy(code), suite_name(code)


@pytest.mark.parametrize("code", [0x00FF, 0x5600])
def test_signals_neither_encrypt_nor_authenticate(code: int) -> None:
    assert not encrypts(code)
    assert not authenticates(code)
    assert not has_forward_secrecy(code)


@pytest.mark.parametrize("code", [0x0A0A, 0xFAFA, 0x1308, 0xABCD, 0xFFFF])
def test_unknown_suites_are_named_by_number_and_protect_nothing(code: int) -> None:
    assert suite_name(code) == f"0x{code:04X}"
    assert not encrypts(code)
    assert not authenticates(code)
    assert weakness(code) == ""


def test_integrity_only_suites_of_tls_13_authenticate_and_do_not_encrypt() -> None:
    for code in (0xC0B4, 0xC0B5):
        assert not encrypts(code)
        assert authenticates(code)


def test_numbers_and_names_are_unique() -> None:
    assert len(set(NAMES.values())) == len(NAMES)
    assert all(0 <= code <= 0xFFFF for code in NAMES)
    assert list(NAMES) == sorted(NAMES)


def test_names_agree_with_scapy() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy.layers.tls.crypto.suites import _tls_cipher_suites as theirs
    compared = 0
    for code, name in theirs.items():
        if code > 0xFFFF or name.endswith("_OLD") or code in SCAPY_SPELLS_OTHERWISE:
            continue  # SSLv2's three-byte kinds, drafts
        assert suite_name(code) == name
        compared += 1
    assert compared > 250


def test_names_agree_with_openssl() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command")
    listed = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True, check=True, text=True,
    ).stdout
    rows = re.findall(r"0x(..),0x(..) - (\S+) .* Kx=(\S+) +Au=(\S+) +Enc=(\S+)", listed)
    assert len(rows) > 20
    for high, low, name, exchange, proof, cipher in rows:
        code = int(high + low, 16)
        if code not in OPENSSL_SPELLS_OTHERWISE:
            assert suite_name(code) == name
        assert encrypts(code) == (cipher != "None"), name
        assert authenticates(code) == (proof != "None"), name
        assert has_forward_secrecy(code) == (exchange not in ("RSA", "PSK", "RSAPSK")), name
