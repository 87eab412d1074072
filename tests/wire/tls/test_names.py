from __future__ import annotations

from aurora_wire.wire.tls import names

GREASE = {0x0A0A + 0x1010 * i for i in range(16)}


def test_grease_is_the_sixteen_numbers_of_rfc_8701() -> None:
    assert {n for n in range(0x10000) if names.is_grease(n)} == GREASE


def test_versions_are_named_as_openssl_does() -> None:
    assert [names.version_name(v) for v in (0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304)] == [
        "SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3",
    ]
    assert names.version_name(0x7F1C) == "TLSv1.3-draft-28"
    assert names.version_name(0x0305) == "0x0305"


def test_every_number_has_some_name() -> None:
    assert names.content_type_name(22) == "handshake"
    assert names.content_type_name(99) == "content type 99"
    assert names.handshake_name(1) == "ClientHello"
    assert names.handshake_name(99) == "handshake message 99"
    assert names.extension_name(43) == "supported_versions"
    assert names.extension_name(0x2A2A) == "GREASE"
    assert names.extension_name(60000) == "extension 60000"
    assert names.alert_level_name(2) == "fatal"
    assert names.alert_level_name(7) == "level 7"
    assert names.alert_name(40) == "handshake_failure"
    assert names.alert_name(200) == "alert 200"


def test_constants_are_the_numbers_of_the_names() -> None:
    assert names.EXTENSIONS[names.SUPPORTED_VERSIONS] == "supported_versions"
    assert names.EXTENSIONS[names.PRE_SHARED_KEY] == "pre_shared_key"
    assert names.EXTENSIONS[names.ENCRYPT_THEN_MAC] == "encrypt_then_mac"
    assert names.EXTENSIONS[names.EXTENDED_MASTER_SECRET] == "extended_master_secret"
    assert names.EXTENSIONS[names.SERVER_NAME] == "server_name"
    assert names.EXTENSIONS[names.SESSION_TICKET] == "session_ticket"
    assert names.EXTENSIONS[names.EARLY_DATA] == "early_data"
    assert names.HANDSHAKE_TYPES[names.CERTIFICATE_REQUEST] == "CertificateRequest"
    assert names.HANDSHAKE_TYPES[names.FINISHED] == "Finished"
    assert names.HANDSHAKE_TYPES[names.KEY_UPDATE] == "KeyUpdate"
