"""What a TLS cipher suite is called, and whether it protects anything.

Every doubt goes the other way: a number that the registry does not know neither encrypts nor authenticates.
Source: IANA "TLS Cipher Suites" (the names are in `suites.py`); RFC 9150 (TLS 1.3 without encryption).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.tls.suites import NAMES

NULL: Final = "NULL"
ANONYMOUS: Final = "anonymous"
EXPORT: Final = "export"
RC4: Final = "RC4"
DES: Final = "DES"
TRIPLE_DES: Final = "3DES"
NO_FORWARD_SECRECY: Final = "no forward secrecy"

# Signals to the server in the shape of a suite: they can be offered, never picked (RFC 5746, RFC 7507).
SIGNALS: Final = frozenset({0x00FF, 0x5600})

# RFC 9367, whose names look like those of TLS 1.2.
GOST_OF_1_3: Final = frozenset({0xC103, 0xC104, 0xC105, 0xC106})

# Integrity without encryption; 0xC0B4 and 0xC0B5 are TLS 1.3's.
NULL_SUITES: Final = frozenset({
    0x0000, 0x0001, 0x0002, 0x002C, 0x002D, 0x002E, 0x003B, 0x00B0, 0x00B1, 0x00B4, 0x00B5, 0x00B8, 0x00B9,
    0xC001, 0xC006, 0xC00B, 0xC010, 0xC015, 0xC039, 0xC03A, 0xC03B, 0xC0B4, 0xC0B5,
})

# Nobody proves who he is: encrypted, with whomever. 0x0000 belongs here too.
ANONYMOUS_SUITES: Final = frozenset({
    0x0000, 0x0017, 0x0018, 0x0019, 0x001A, 0x001B, 0x0034, 0x003A, 0x0046, 0x006C, 0x006D, 0x0089, 0x009B,
    0x00A6, 0x00A7, 0x00BF, 0x00C5, 0xC015, 0xC016, 0xC017, 0xC018, 0xC019, 0xC046, 0xC047, 0xC05A, 0xC05B,
    0xC084, 0xC085,
})

# Keys of 40 or 56 bits.
EXPORT_SUITES: Final = frozenset({
    0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019, 0x0026, 0x0027, 0x0028, 0x0029,
    0x002A, 0x002B, 0x0060, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065,
})

RC4_SUITES: Final = frozenset({
    0x0004, 0x0005, 0x0018, 0x0020, 0x0024, 0x0066, 0x008A, 0x008E, 0x0092, 0xC002, 0xC007, 0xC00C, 0xC011,
    0xC016, 0xC033,
})

DES_SUITES: Final = frozenset({0x0009, 0x000C, 0x000F, 0x0012, 0x0015, 0x001A, 0x001E, 0x0022})

TRIPLE_DES_SUITES: Final = frozenset({
    0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0x001B, 0x001F, 0x0023, 0x008B, 0x008F, 0x0093, 0xC003, 0xC008,
    0xC00D, 0xC012, 0xC017, 0xC01A, 0xC01B, 0xC01C, 0xC034,
})

# Key exchanges with a key that lasts: who gets it later reads what was captured before.
_LASTING_KEY: Final = (
    "TLS_RSA_", "TLS_DH_RSA_", "TLS_DH_DSS_", "TLS_ECDH_RSA_", "TLS_ECDH_ECDSA_", "TLS_KRB5_",
    "TLS_PSK_WITH_", "TLS_GOSTR341112_256_",
)


def suite_name(code: i64) -> str:
    """Return the IANA name, or the number as `0x1A2B` where the registry has none."""
    name = NAMES.get(code)
    return f"0x{int(code):04X}" if name is None else name


def is_known(code: i64) -> bool:
    """Return whether a server can pick this: in the registry, and not a mere signal."""
    return code in NAMES and code not in SIGNALS


def encrypts(code: i64) -> bool:
    """Return whether it hides anything. Weak ciphers count as encryption, NULL does not."""
    return is_known(code) and code not in NULL_SUITES


def authenticates(code: i64) -> bool:
    """Return whether the peer's key is proved: by certificate, pre-shared key, password (SRP) or Kerberos."""
    return is_known(code) and code not in ANONYMOUS_SUITES


def fits_version(code: i64, version: i64) -> bool:
    """Return whether a suite belongs to a version. Unknown suites: False.

    Source: RFC 8446 appendix B.4 (1.3 has suites of its own), RFC 5246 and RFC 5288 (authenticated encryption and
    SHA-2 came with 1.2; those of pre-shared keys with CBC and SHA-2 may be used before it: RFC 5487).
    """
    if not is_known(code):
        return False
    name = suite_name(code)
    of_1_3 = "_WITH_" not in name or code in GOST_OF_1_3
    if of_1_3 or version >= 0x0304:
        return of_1_3 and version >= 0x0304
    if version >= 0x0303:
        return True
    if "_GCM_" in name or "_CCM" in name or "POLY1305" in name:
        return False
    return "PSK" in name or not name.endswith(("_SHA256", "_SHA384"))


def has_forward_secrecy(code: i64) -> bool:
    """Return whether the server's key, stolen later, opens no capture made before. In TLS 1.3 that is the rule."""
    if not is_known(code) or code == 0:
        return False
    return not suite_name(code).startswith(_LASTING_KEY)


_weaknesses: Final[dict[int, str]] = {}  # of suites asked for so far: a server picks the same one again and again


def weakness(code: i64) -> str:
    """Return the worst that is known about it, in the words above, or "" for none. Unknown suites: ""."""
    found = _weaknesses.get(code)
    if found is None:
        found = _find_weakness(code)
        _weaknesses[code] = found
    return found


def _find_weakness(code: i64) -> str:
    if not is_known(code):
        return ""
    if code in NULL_SUITES:
        return NULL
    if code in ANONYMOUS_SUITES:
        return ANONYMOUS
    if code in EXPORT_SUITES:
        return EXPORT
    if code in RC4_SUITES:
        return RC4
    if code in DES_SUITES:
        return DES
    if code in TRIPLE_DES_SUITES:
        return TRIPLE_DES
    return "" if has_forward_secrecy(code) else NO_FORWARD_SECRECY
