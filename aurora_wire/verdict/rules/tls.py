"""AW3xx: how good the TLS is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.controls import (
    HIPAA,
    INTEGRITY,
    NIST_SUITES,
    NIST_TLS,
    NIST_TRANSMISSION,
    STRENGTH,
    TRANSIT,
    against,
)
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.tls.hello import DOWNGRADE_TO_12, ServerHello
from aurora_wire.wire.tls.names import TLS_1_2, TLS_1_3, version_name
from aurora_wire.wire.tls.suite_strength import suite_name, weakness

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.wire.flows.facts import Facts

WEAK: Final = ("RC4", "DES", "3DES", "export")

OBSOLETE_VERSION: Final = "AW301"
WEAK_CIPHER: Final = "AW302"
NO_PROTECTION: Final = "AW303"
READABLE_RECORDS: Final = "AW304"
NO_FORWARD_SECRECY: Final = "AW305"
OTHER_NAME: Final = "AW306"
TALKED_DOWN: Final = "AW307"
COMPRESSED: Final = "AW308"

MANUAL: Final = 'MySQL 8.4 Reference Manual, "Encrypted Connection TLS Protocols and Ciphers"'
STRONG_VERSIONS: Final = (
    "Let the server take newer versions only.\n"
    "{tls_versions}\n"
)
STRONG_SUITES: Final = (
    "Let the server take strong suites only.\n"
    "{tls_suites}"
)

TLS_QUALITY: Final = (
    Rule(
        OBSOLETE_VERSION, "Obsolete TLS version", "medium",
        "SSL 3.0, TLS 1.0 and TLS 1.1 have known weaknesses and may no longer be used.",
        STRONG_VERSIONS + "Update clients that know nothing newer (before MySQL 5.7.10 and Java 8).",
        ('RFC 8996, sections 4 and 5', 'RFC 7568, section 3', MANUAL),
        against("A TLS version before 1.2", NIST_TLS, *STRENGTH),
        weakens=True,
    ),
    Rule(
        WEAK_CIPHER, "Weak cipher suite", "high",
        "RC4, DES, 3DES and export suites can be broken with known means: a capture of today may be read "
        "later.",
        STRONG_SUITES,
        ('RFC 9325, section 4.1, "General Guidelines"', 'RFC 7465, section 2', MANUAL),
        against("A cipher suite that can be broken", NIST_SUITES, *STRENGTH, HIPAA),
        weakens=True,
    ),
    Rule(
        NO_PROTECTION, "Cipher suite without protection", "critical",
        "A NULL suite does not encrypt, an anonymous one does not say with whom: the connection looks like "
        "TLS and is readable, or was made with whoever sat in between.",
        "Remove NULL, eNULL, aNULL and ADH from ssl_cipher on both sides: no current server allows "
        "them unless "
        "told to.\n" + STRONG_SUITES,
        ('RFC 9325, section 4.1, "General Guidelines"', 'RFC 5246, appendix A.5', 'RFC 9150, section 1',
         MANUAL),
        against("A cipher suite that protects nothing", NIST_SUITES, *TRANSIT),
        weakens=True,
    ),
    Rule(
        READABLE_RECORDS, "Readable bytes inside TLS records", "high",
        "Records of the form of TLS hold a long run of readable text, which ciphertext does not: the "
        "connection is not encrypted, whatever its records look like.",
        "Read the frame and look at the cipher suite; if it encrypts, the program that sent this is "
        "not a TLS implementation:\n"
        "  aurora-wire packets --frame N -X CAPTURE",
        ('RFC 8446, section 5.2, "Record Payload Protection"',),
        against("Readable bytes in what looks like TLS", *TRANSIT),
        weakens=True,
    ),
    Rule(
        NO_FORWARD_SECRECY, "No forward secrecy", "low",
        "The session's keys are protected by the server's RSA key alone: whoever gets that key later opens "
        "every capture made until then.",
        STRONG_VERSIONS + "Leave only suites that begin with ECDHE or DHE in ssl_cipher; TLS 1.3 "
        "has no others.",
        ('RFC 9325, section 7.3, "Forward Secrecy"', MANUAL),
        against("A key exchange without ephemeral keys", NIST_SUITES),
    ),
    Rule(
        OTHER_NAME, "Certificate for another name", "medium",
        "The name that the client asked for is not in the server's certificate: a client that checks names refuses "
        "it, and one that goes on would have taken the certificate of any other server as well.",
        "Connect by a name that is in the certificate, or give the server one that has this name.\n"
        "{certificate}\n"
        "Then have clients check it (--ssl-mode=VERIFY_IDENTITY).",
        ('RFC 6125, section 6', 'MySQL 8.4 Reference Manual, "Command Options for Encrypted Connections"'),
        against("A server that shows another name", NIST_TRANSMISSION),
    ),
    Rule(
        TALKED_DOWN, "TLS version talked down on the way", "high",
        "The server marked its answer: it knows a newer version than the one agreed on, and took the client for one "
        "that does not. The client offered a newer one, so something between the two changed the offer.",
        "Find what stands between client and server, and compare captures from both ends. Current TLS libraries end "
        "such a connection: update the client.\n" + STRONG_VERSIONS.rstrip(),
        ('RFC 8446, section 4.1.3, "Server Hello"',),
        against("A TLS version that was talked down", *INTEGRITY),
        weakens=True,
    ),
    Rule(
        COMPRESSED, "Compression inside TLS", "medium",
        "The length of a compressed record depends on what is in it: whoever can have the client send chosen text "
        "beside a secret finds the secret by watching lengths (CRIME).",
        "Turn compression off in the TLS library of client or server (OpenSSL: no-comp, the default since 1.1.0); "
        "MySQL's own compression inside TLS leaks by lengths too, where it is not needed.",
        ('RFC 7457, section 2.6', 'CVE-2012-4929 (CRIME)'),
        against("Compression whose lengths leak", NIST_TRANSMISSION),
    ),
)

# Anomalies that are hits by themselves: rule and words ({amount} bytes, {count} times, {side}).
ANOMALIES: Final[dict[int, tuple[str, str]]] = {
    anomalies.READABLE_RECORD: (READABLE_RECORDS, "{count} records of the {side}"),
    anomalies.SKEWED_RECORD: (READABLE_RECORDS, "{count} records of the {side}, by how their bytes are spread"),
}


def check(facts: Facts, _: ConnectionResult) -> Iterator[Hit]:
    """Yield what is weak in the version and the suite that the server chose."""
    tls = facts.tls
    hello = tls.server_hello if tls is not None else None
    if tls is None or hello is None:
        return
    if hello.version < TLS_1_2:
        yield Hit(OBSOLETE_VERSION, version_name(hello.version), tls.server_frame)
    weak = weakness(hello.suite)
    name = suite_name(hello.suite)
    if weak in WEAK:
        yield Hit(WEAK_CIPHER, name, tls.server_frame)
    elif weak in ("NULL", "anonymous"):
        yield Hit(NO_PROTECTION, name, tls.server_frame)
    elif weak == "no forward secrecy":
        yield Hit(NO_FORWARD_SECRECY, name, tls.server_frame)
    if hello.compression:
        yield Hit(COMPRESSED, f"compression method {int(hello.compression)}", tls.server_frame)
    offer = tls.client_hello
    if hello.downgrade_marker and offer is not None and hello.version < most_with(hello) <= max(offer.versions):
        words = f"{version_name(hello.version)} with the mark of a downgrade, and {version_name(max(offer.versions))}"
        yield Hit(TALKED_DOWN, f"{words} was offered", tls.server_frame)


def most_with(hello: ServerHello) -> int:
    """Return the version that the mark in a ServerHello says the server knows at least (RFC 8446, section 4.1.3)."""
    return TLS_1_3 if hello.random.endswith(DOWNGRADE_TO_12) else TLS_1_2
