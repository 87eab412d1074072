"""AW3xx: how good the TLS is."""

from typing import Final

from aurora_wire.verdict.rules.rule import Rule

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
        "AW301", "Obsolete TLS version", "medium",
        "SSL 3.0, TLS 1.0 and TLS 1.1 have known weaknesses and may no longer be used.",
        STRONG_VERSIONS + "Update clients that know nothing newer (before MySQL 5.7.10 and Java 8).",
        ('RFC 8996, sections 4 and 5', 'RFC 7568, section 3', MANUAL),
    ),
    Rule(
        "AW302", "Weak cipher suite", "high",
        "RC4, DES, 3DES and export suites can be broken with known means: a capture of today may be read "
        "later.",
        STRONG_SUITES,
        ('RFC 9325, section 4.1, "General Guidelines"', 'RFC 7465, section 2', MANUAL),
    ),
    Rule(
        "AW303", "Cipher suite without protection", "critical",
        "A NULL suite does not encrypt, an anonymous one does not say with whom: the connection looks like "
        "TLS and is readable, or was made with whoever sat in between.",
        "Remove NULL, eNULL, aNULL and ADH from ssl_cipher on both sides: no current server allows "
        "them unless "
        "told to.\n" + STRONG_SUITES,
        ('RFC 9325, section 4.1, "General Guidelines"', 'RFC 5246, appendix A.5', 'RFC 9150, section 1',
         MANUAL),
    ),
    Rule(
        "AW304", "Readable bytes inside TLS records", "high",
        "Records of the form of TLS hold a long run of readable text, which ciphertext does not: the "
        "connection is not encrypted, whatever its records look like.",
        "Read the frame and look at the cipher suite; if it encrypts, the program that sent this is "
        "not a TLS implementation:\n"
        "  aurora-wire packets --frame N -X CAPTURE",
        ('RFC 8446, section 5.2, "Record Payload Protection"',),
    ),
    Rule(
        "AW305", "No forward secrecy", "low",
        "The session's keys are protected by the server's RSA key alone: whoever gets that key later opens "
        "every capture made until then.",
        STRONG_VERSIONS + "Leave only suites that begin with ECDHE or DHE in ssl_cipher; TLS 1.3 "
        "has no others.",
        ('RFC 9325, section 7.3, "Forward Secrecy"', MANUAL),
    ),
)
