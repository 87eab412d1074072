"""Names of the numbers in TLS: versions, content types, handshake messages, extensions, alerts.

Source: RFC 8446, RFC 5246, RFC 6101; IANA "TLS Parameters" and "TLS ExtensionType Values"; RFC 8701 (GREASE).
"""

from typing import Final

from mypy_extensions import i64

TLS_1_0: Final[i64] = 0x0301
TLS_1_2: Final[i64] = 0x0303
TLS_1_3: Final[i64] = 0x0304

# Content types of records.
CHANGE_CIPHER_SPEC: Final[i64] = 20
ALERT: Final[i64] = 21
HANDSHAKE: Final[i64] = 22
APPLICATION_DATA: Final[i64] = 23
HEARTBEAT: Final[i64] = 24

# Handshake messages.
HELLO_REQUEST: Final[i64] = 0
CLIENT_HELLO: Final[i64] = 1
SERVER_HELLO: Final[i64] = 2
NEW_SESSION_TICKET: Final[i64] = 4
END_OF_EARLY_DATA: Final[i64] = 5
ENCRYPTED_EXTENSIONS: Final[i64] = 8
CERTIFICATE: Final[i64] = 11
SERVER_KEY_EXCHANGE: Final[i64] = 12
CERTIFICATE_REQUEST: Final[i64] = 13
SERVER_HELLO_DONE: Final[i64] = 14
CERTIFICATE_VERIFY: Final[i64] = 15
CLIENT_KEY_EXCHANGE: Final[i64] = 16
FINISHED: Final[i64] = 20
CERTIFICATE_STATUS: Final[i64] = 22
KEY_UPDATE: Final[i64] = 24
COMPRESSED_CERTIFICATE: Final[i64] = 25

# Extensions that say something about the connection.
SERVER_NAME: Final[i64] = 0
SUPPORTED_GROUPS: Final[i64] = 10
EC_POINT_FORMATS: Final[i64] = 11
SIGNATURE_ALGORITHMS: Final[i64] = 13
ALPN: Final[i64] = 16
ENCRYPT_THEN_MAC: Final[i64] = 22
EXTENDED_MASTER_SECRET: Final[i64] = 23
SESSION_TICKET: Final[i64] = 35
PRE_SHARED_KEY: Final[i64] = 41
EARLY_DATA: Final[i64] = 42
SUPPORTED_VERSIONS: Final[i64] = 43
KEY_SHARE: Final[i64] = 51

VERSIONS: Final[dict[int, str]] = {
    0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}

CONTENT_TYPES: Final[dict[int, str]] = {
    20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 24: "heartbeat",
}

HANDSHAKE_TYPES: Final[dict[int, str]] = {
    0: "HelloRequest", 1: "ClientHello", 2: "ServerHello", 3: "HelloVerifyRequest", 4: "NewSessionTicket",
    5: "EndOfEarlyData", 6: "HelloRetryRequest", 8: "EncryptedExtensions", 11: "Certificate",
    12: "ServerKeyExchange", 13: "CertificateRequest", 14: "ServerHelloDone", 15: "CertificateVerify",
    16: "ClientKeyExchange", 20: "Finished", 21: "CertificateURL", 22: "CertificateStatus",
    23: "SupplementalData", 24: "KeyUpdate", 25: "CompressedCertificate", 67: "NextProtocol",
}

EXTENSIONS: Final[dict[int, str]] = {
    0: "server_name", 1: "max_fragment_length", 2: "client_certificate_url", 3: "trusted_ca_keys",
    4: "truncated_hmac", 5: "status_request", 6: "user_mapping", 7: "client_authz", 8: "server_authz",
    9: "cert_type", 10: "supported_groups", 11: "ec_point_formats", 12: "srp", 13: "signature_algorithms",
    14: "use_srtp", 15: "heartbeat", 16: "application_layer_protocol_negotiation", 17: "status_request_v2",
    18: "signed_certificate_timestamp", 19: "client_certificate_type", 20: "server_certificate_type",
    21: "padding", 22: "encrypt_then_mac", 23: "extended_master_secret", 24: "token_binding",
    25: "cached_info", 26: "tls_lts", 27: "compress_certificate", 28: "record_size_limit", 29: "pwd_protect",
    30: "pwd_clear", 31: "password_salt", 32: "ticket_pinning", 33: "tls_cert_with_extern_psk",
    34: "delegated_credential",
    35: "session_ticket", 36: "TLMSP", 37: "TLMSP_proxying", 38: "TLMSP_delegate",
    39: "supported_ekt_ciphers",
    41: "pre_shared_key", 42: "early_data", 43: "supported_versions", 44: "cookie",
    45: "psk_key_exchange_modes", 47: "certificate_authorities", 48: "oid_filters", 49: "post_handshake_auth",
    50: "signature_algorithms_cert", 51: "key_share", 52: "transparency_info", 54: "connection_id",
    55: "external_id_hash", 56: "external_session_id", 57: "quic_transport_parameters", 58: "ticket_request",
    59: "dnssec_chain", 60: "sequence_number_encryption_algorithms", 61: "rrc",
    13172: "next_protocol_negotiation", 17513: "application_settings", 17613: "application_settings",
    64768: "ech_outer_extensions",
    65037: "encrypted_client_hello", 65281: "renegotiation_info",
}

# IANA "TLS Supported Groups".
GROUPS: Final[dict[int, str]] = {
    0x0001: "sect163k1", 0x0002: "sect163r1", 0x0003: "sect163r2", 0x0004: "sect193r1", 0x0005: "sect193r2",
    0x0006: "sect233k1", 0x0007: "sect233r1", 0x0008: "sect239k1", 0x0009: "sect283k1", 0x000A: "sect283r1",
    0x000B: "sect409k1", 0x000C: "sect409r1", 0x000D: "sect571k1", 0x000E: "sect571r1", 0x000F: "secp160k1",
    0x0010: "secp160r1", 0x0011: "secp160r2", 0x0012: "secp192k1", 0x0013: "secp192r1", 0x0014: "secp224k1",
    0x0015: "secp224r1", 0x0016: "secp256k1", 0x0017: "secp256r1", 0x0018: "secp384r1", 0x0019: "secp521r1",
    0x001A: "brainpoolP256r1", 0x001B: "brainpoolP384r1", 0x001C: "brainpoolP512r1", 0x001D: "x25519",
    0x001E: "x448", 0x001F: "brainpoolP256r1tls13", 0x0020: "brainpoolP384r1tls13", 0x0021: "brainpoolP512r1tls13",
    0x0029: "curveSM2",
    0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0103: "ffdhe6144", 0x0104: "ffdhe8192",
    0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024", 0x11EE: "curveSM2MLKEM768",
    0x6399: "X25519Kyber768Draft00", 0x639A: "SecP256r1Kyber768Draft00",
}
FFDHE_BITS: Final[dict[int, int]] = {0x0100: 2048, 0x0101: 3072, 0x0102: 4096, 0x0103: 6144, 0x0104: 8192}
# Groups that a quantum computer is not known to break: ML-KEM alone, or beside a curve.
POST_QUANTUM: Final = frozenset({0x0200, 0x0201, 0x0202, 0x11EB, 0x11EC, 0x11ED, 0x11EE, 0x6399, 0x639A})

ALERT_LEVELS: Final[dict[int, str]] = {1: "warning", 2: "fatal"}

ALERTS: Final[dict[int, str]] = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked",
    45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
    49: "access_denied",
    50: "decode_error", 51: "decrypt_error", 52: "too_many_cids_requested", 60: "export_restriction",
    70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
    90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension",
    111: "certificate_unobtainable", 112: "unrecognized_name", 113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value", 115: "unknown_psk_identity", 116: "certificate_required",
    117: "general_error", 120: "no_application_protocol", 121: "ech_required",
}


def is_grease(number: i64) -> bool:
    """Return whether it is one of the sixteen numbers that mean nothing: 0x?A?A, both bytes the same."""
    return (number & 0x0F0F) == 0x0A0A and (number >> 8) == (number & 0xFF)


def version_name(version: i64) -> str:
    """Return a version's name: `TLSv1.3` for 0x0304; drafts of 1.3 by number, others as `0x1A2B`."""
    name = VERSIONS.get(version)
    if name is not None:
        return name
    if version >> 8 == 0x7F:
        return f"TLSv1.3-draft-{int(version & 0xFF)}"
    return f"0x{int(version):04X}"


def group_name(group: i64) -> str:
    """Return a key exchange group's name: `x25519` for 29; `group 0x1234` if there is no name."""
    name = GROUPS.get(group)
    return f"group 0x{int(group):04X}" if name is None else name


def content_type_name(content_type: i64) -> str:
    name = CONTENT_TYPES.get(content_type)
    return f"content type {int(content_type)}" if name is None else name


def handshake_name(message: i64) -> str:
    name = HANDSHAKE_TYPES.get(message)
    return f"handshake message {int(message)}" if name is None else name


def extension_name(extension: i64) -> str:
    name = EXTENSIONS.get(extension)
    if name is not None:
        return name
    return "GREASE" if is_grease(extension) else f"extension {int(extension)}"


def alert_level_name(level: i64) -> str:
    name = ALERT_LEVELS.get(level)
    return f"level {int(level)}" if name is None else name


def alert_name(description: i64) -> str:
    """Return an alert's name: `handshake_failure` for 40; `alert 200` if there is no name."""
    name = ALERTS.get(description)
    return f"alert {int(description)}" if name is None else name
