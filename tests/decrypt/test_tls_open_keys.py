"""Key schedules, one record at a time, and the order of keys: against published vectors and records made here."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.decrypt.decryptor import KeyLogDecryptors
from aurora_wire.decrypt.key_log import (
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    MASTER_SECRET,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    KeyLog,
)
from aurora_wire.decrypt.key_schedule import expand_label, prf
from aurora_wire.decrypt.suite_parameters import find_protection
from aurora_wire.wire.tls.decryption import DECRYPTED, FAILED, IGNORED, MESSAGES, NO_KEYS, RecordDecryptor
from aurora_wire.wire.tls.names import TLS_1_3
from aurora_wire.wire.tls.suites import NAMES
from tests.decrypt.openings import need_cryptography

need_cryptography()

from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305  # noqa: E402
from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: E402
from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: E402
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand  # noqa: E402

CLIENT_RANDOM, SERVER_RANDOM = bytes(range(32)), bytes(range(32, 64))
CLIENT, SERVER = True, False
ALERT, HANDSHAKE, DATA = 21, 22, 23
FINISHED, KEY_UPDATE, TICKET = 20, 24, 4
GCM_1_3, CCM_1_3, CCM_8_1_3, CHACHA_1_3 = 0x1301, 0x1304, 0x1305, 0x1303
GCM_1_2 = 0xC02F


def test_the_prf_of_tls_1_2_gives_the_published_bytes() -> None:
    made = prf(
        0x0303,
        "sha256",
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert made.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
        "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_traffic_keys_of_tls_1_3_are_those_of_rfc_8448() -> None:
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label("sha256", secret, b"key", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label("sha256", secret, b"iv", 12).hex() == "5d313eb2671276ee13000b30"


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=48), st.sampled_from(["sha256", "sha384"]), st.integers(1, 100))
def test_labels_expand_as_another_implementation_does(secret: bytes, hash_name: str, size: int) -> None:
    info = size.to_bytes(2, "big") + b"\x11tls13 traffic upd\x00"
    algorithm = hashes.SHA256() if hash_name == "sha256" else hashes.SHA384()
    assert expand_label(hash_name, secret, b"traffic upd", size) == HKDFExpand(algorithm, size, info).derive(secret)


def test_suites_that_are_opened_are_told_by_their_names() -> None:
    decrypted = {
        version: {suite for suite in NAMES if find_protection(suite, version) is not None}
        for version in range(0x0300, 0x0306)
    }
    assert decrypted[0x0300] == decrypted[0x0305] == set()
    assert decrypted[TLS_1_3] == {0x1301, 0x1302, 0x1303, 0x1304, 0x1305}
    assert decrypted[0x0301] == decrypted[0x0302]
    assert all("_CBC_" in NAMES[suite] for suite in decrypted[0x0301])
    assert {0x002F, 0x0035, 0xC013, 0xC014} <= decrypted[0x0301] < decrypted[0x0303]
    assert {0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xC0AE, 0x009C, 0x003C} <= decrypted[0x0303]
    for suite in decrypted[0x0303]:
        name = NAMES[suite]
        assert not any(word in name for word in ("NULL", "RC4", "DES", "ARIA", "CAMELLIA", "SEED", "IDEA", "EXPORT"))
    assert find_protection(0xFFFF, 0x0303) is None


def decryptor(keys: dict[str, bytes], suite: int, version: int = TLS_1_3, *, etm: bool = False) -> RecordDecryptor:
    log = KeyLog()
    for label, secret in keys.items():
        log.add(f"{label} {CLIENT_RANDOM.hex()} {secret.hex()}".encode(), "test")
    made = KeyLogDecryptors(log).decryptor(CLIENT_RANDOM, SERVER_RANDOM, version, suite, encrypt_then_mac=etm)
    assert made is not None
    return made


class Sender13:
    """Protects records of TLS 1.3 with code that is not the project's."""

    def __init__(self, secret: bytes, suite: int) -> None:
        self.suite = suite
        self.use(secret)

    def expand(self, label: bytes, size: int) -> bytes:
        info = size.to_bytes(2, "big") + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
        return HKDFExpand(hashes.SHA256(), size, info).derive(self.secret)

    def use(self, secret: bytes) -> None:
        self.secret = secret
        self.sequence = 0
        key = self.expand(b"key", 32 if self.suite == CHACHA_1_3 else 16)
        self.iv = self.expand(b"iv", 12)
        self.tag = 8 if self.suite == CCM_8_1_3 else 16
        if self.suite == GCM_1_3:
            self.aead: AESGCM | AESCCM | ChaCha20Poly1305 = AESGCM(key)
        elif self.suite == CHACHA_1_3:
            self.aead = ChaCha20Poly1305(key)
        else:
            self.aead = AESCCM(key, tag_length=self.tag)

    def update(self) -> None:
        self.use(self.expand(b"traffic upd", 32))

    def record(self, kind: int, data: bytes, *, padding: int = 0) -> bytes:
        inner = data + bytes([kind]) + bytes(padding)
        nonce = (int.from_bytes(self.iv, "big") ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        head = b"\x17\x03\x03" + (len(inner) + self.tag).to_bytes(2, "big")
        return self.aead.encrypt(nonce, inner, head)


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


SHAKING, TRAFFIC = b"\x01" * 32, b"\x02" * 32
OF_CLIENT = {CLIENT_HANDSHAKE: SHAKING, CLIENT_TRAFFIC: TRAFFIC}


@pytest.mark.parametrize("suite", [GCM_1_3, CHACHA_1_3, CCM_1_3, CCM_8_1_3])
def test_keys_change_with_finished_and_with_each_key_update(suite: int) -> None:
    sender, opens = Sender13(SHAKING, suite), decryptor(OF_CLIENT, suite)
    assert opens.record(CLIENT, 20, 0x0303, b"\x01") == (IGNORED, b"")
    finished = sender.record(HANDSHAKE, message(FINISHED, bytes(32)))
    assert opens.record(CLIENT, DATA, 0x0303, finished) == (MESSAGES, message(FINISHED, bytes(32)))
    sender.use(TRAFFIC)
    for number in range(3):
        data = b"statement %d" % number
        assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, data, padding=number)) == (DECRYPTED, data)
        update = sender.record(HANDSHAKE, message(TICKET, b"x" * 40) + message(KEY_UPDATE, b"\x01"))
        assert opens.record(CLIENT, DATA, 0x0303, update) == (DECRYPTED, b"")
        sender.update()
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(ALERT, b"\x01\x00")) == (DECRYPTED, b"")
    assert opens.record(SERVER, DATA, 0x0303, bytes(40)) == (NO_KEYS, b"")


@pytest.mark.parametrize("cut", range(1, 44))
def test_handshake_messages_that_span_records_are_followed(cut: int) -> None:
    sender, opens = Sender13(SHAKING, GCM_1_3), decryptor(OF_CLIENT, GCM_1_3)
    whole = message(11, b"c" * 4) + message(FINISHED, bytes(32))
    for part in (whole[:cut], whole[cut:]):
        assert opens.record(CLIENT, DATA, 0x0303, sender.record(HANDSHAKE, part)) == (MESSAGES, part)
    sender.use(TRAFFIC)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"login")) == (DECRYPTED, b"login")


def test_a_record_of_zeros_alone_has_no_type_and_is_refused() -> None:
    sender, opens = Sender13(TRAFFIC, GCM_1_3), decryptor({CLIENT_TRAFFIC: TRAFFIC}, GCM_1_3)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(0, b"")) == (FAILED, b"")
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"next")) == (DECRYPTED, b"next")


def test_records_lost_in_a_hole_are_counted_by_trying() -> None:
    sender, opens = Sender13(TRAFFIC, GCM_1_3), decryptor({CLIENT_TRAFFIC: TRAFFIC}, GCM_1_3)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"one"))[0] == DECRYPTED
    size = sum(5 + len(sender.record(DATA, b"x" * 20)) for _ in range(50))
    opens.lost(CLIENT, size)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"two")) == (DECRYPTED, b"two")
    sender.record(DATA, b"not captured whole")
    opens.skip_record(CLIENT)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"three")) == (DECRYPTED, b"three")


def test_the_search_behind_a_hole_is_bounded() -> None:
    sender, opens = Sender13(TRAFFIC, GCM_1_3), decryptor({CLIENT_TRAFFIC: TRAFFIC}, GCM_1_3)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"one"))[0] == DECRYPTED
    sender.sequence = 5000
    opens.lost(CLIENT, 1 << 40)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"far away")) == (FAILED, b"")


def test_traffic_that_never_opens_is_not_taken_for_a_handshake_without_end() -> None:
    opens = decryptor({CLIENT_TRAFFIC: TRAFFIC}, GCM_1_3)
    became = [opens.record(CLIENT, DATA, 0x0303, bytes(40))[0] for _ in range(100)]
    assert became == [IGNORED] * 64 + [FAILED] * 36


def test_a_hole_over_finished_does_not_hide_what_follows() -> None:
    sender, opens = Sender13(TRAFFIC, GCM_1_3), decryptor(OF_CLIENT, GCM_1_3)
    sender.record(DATA, b"lost with the Finished")
    opens.lost(CLIENT, 200)
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"login")) == (DECRYPTED, b"login")
    assert opens.record(CLIENT, DATA, 0x0303, sender.record(DATA, b"query")) == (DECRYPTED, b"query")


def gcm_12(master: bytes) -> tuple[AESGCM, bytes]:
    """The client's key and salt: the key block made with the standard library alone."""
    block = b""
    a = seed = b"key expansion" + SERVER_RANDOM + CLIENT_RANDOM
    while len(block) < 40:
        a = hmac.new(master, a, hashlib.sha256).digest()
        block += hmac.new(master, a + seed, hashlib.sha256).digest()
    return AESGCM(block[:16]), block[32:36]


def record_12(key: AESGCM, salt: bytes, sequence: int, kind: int, data: bytes) -> bytes:
    explicit = secrets.token_bytes(8)
    head = sequence.to_bytes(8, "big") + bytes([kind, 3, 3]) + len(data).to_bytes(2, "big")
    return explicit + key.encrypt(salt + explicit, data, head)


def test_keys_of_tls_1_2_come_into_force_with_change_cipher_spec() -> None:
    master = b"\x07" * 48
    key, salt = gcm_12(master)
    opens = decryptor({MASTER_SECRET: master}, GCM_1_2, 0x0303)
    assert opens.record(CLIENT, 20, 0x0303, b"\x01") == (IGNORED, b"")
    assert opens.record(CLIENT, HANDSHAKE, 0x0303, record_12(key, salt, 0, HANDSHAKE, bytes(16))) == (DECRYPTED, b"")
    assert opens.record(CLIENT, DATA, 0x0303, record_12(key, salt, 1, DATA, b"login")) == (DECRYPTED, b"login")
    assert opens.record(CLIENT, DATA, 0x0303, record_12(key, salt, 1, DATA, b"again")) == (FAILED, b"")
    assert opens.record(CLIENT, DATA, 0x0303, record_12(key, salt, 3, DATA, b"query")) == (DECRYPTED, b"query")
    assert opens.record(CLIENT, ALERT, 0x0303, record_12(key, salt, 4, ALERT, b"\x01\x00")) == (DECRYPTED, b"")


def test_a_renegotiation_brings_keys_that_are_not_followed() -> None:
    master = b"\x07" * 48
    key, salt = gcm_12(master)
    opens = decryptor({MASTER_SECRET: master}, GCM_1_2, 0x0303)
    opens.record(CLIENT, 20, 0x0303, b"\x01")
    assert opens.record(CLIENT, DATA, 0x0303, record_12(key, salt, 0, DATA, b"login"))[0] == DECRYPTED
    opens.record(CLIENT, 20, 0x0303, b"\x01")
    assert opens.record(CLIENT, DATA, 0x0303, record_12(key, salt, 0, DATA, b"other keys")) == (NO_KEYS, b"")


def cbc_keys(master: bytes, version: int, mac_size: int) -> list[bytes]:
    block = prf(version, "sha256", master, b"key expansion", SERVER_RANDOM + CLIENT_RANDOM, 2 * (mac_size + 16 + 16))
    return [block[:mac_size], block[2 * mac_size : 2 * mac_size + 16]]


@pytest.mark.parametrize("etm", [False, True])
@pytest.mark.parametrize(
    ("padding", "mac_of", "opens"),
    [
        (bytes([3] * 4), b"data", True),
        (bytes([3] * 4), b"datA", False),
        (bytes([0, 3, 3, 3]), b"data", False),
        (bytes([19] * 20), b"data", True),
        (bytes([3, 3, 3, 255]), b"data", False),
    ],
)
def test_cbc_wants_every_byte_of_padding_and_the_right_mac(
    padding: bytes, mac_of: bytes, opens: bool, etm: bool
) -> None:
    master, iv = b"\x07" * 48, bytes(range(16))
    mac_key, key = cbc_keys(master, 0x0303, 32)
    data, mac_data = b"data" * 3, mac_of * 3  # 12 bytes, so that 4 (or 20) of padding make whole blocks
    head = bytes(8) + bytes([DATA, 3, 3])
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    if etm:
        secret = iv + encryptor.update(data + padding)
        right = hmac.new(mac_key, head + len(secret).to_bytes(2, "big") + secret, hashlib.sha256).digest()
        body = secret + (right if data == mac_data else bytes(32))
    else:
        mac = hmac.new(mac_key, head + len(mac_data).to_bytes(2, "big") + mac_data, hashlib.sha256).digest()
        body = iv + encryptor.update(data + mac + padding)
    made = decryptor({MASTER_SECRET: master}, 0xC027, 0x0303, etm=etm)
    made.record(CLIENT, 20, 0x0303, b"\x01")
    assert made.record(CLIENT, DATA, 0x0303, body) == ((DECRYPTED, data) if opens else (FAILED, b""))


SETTINGS = [
    (0xC013, 0x0301, False),
    (0xC013, 0x0302, False),
    (0xC027, 0x0303, False),
    (0xC027, 0x0303, True),
    (GCM_1_2, 0x0303, False),
    (0xCCA8, 0x0303, False),
    (0xC0A0, 0x0303, False),
    (GCM_1_3, TLS_1_3, False),
    (CHACHA_1_3, TLS_1_3, False),
]
ALL_KEYS = {
    MASTER_SECRET: b"\x07" * 48,
    CLIENT_HANDSHAKE: SHAKING,
    SERVER_HANDSHAKE: SHAKING,
    CLIENT_TRAFFIC: TRAFFIC,
    SERVER_TRAFFIC: TRAFFIC,
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SETTINGS),
    st.lists(st.tuples(st.booleans(), st.integers(20, 24), st.binary(max_size=80), st.integers(0, 9)), max_size=20),
)
def test_no_record_raises_and_none_of_chance_is_opened(
    setting: tuple[int, int, bool], records: list[tuple[bool, int, bytes, int]]
) -> None:
    suite, version, etm = setting
    opens = decryptor(ALL_KEYS, suite, version, etm=etm)
    for from_client, kind, body, also in records:
        if also == 0:
            opens.skip_record(from_client)
        elif also == 1:
            opens.lost(from_client, len(body) * 100)
        became, data = opens.record(from_client, kind, min(version, 0x0303), body)
        assert became != DECRYPTED
        assert data == b""
