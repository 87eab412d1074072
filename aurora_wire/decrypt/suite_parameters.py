"""How a cipher suite protects a record, told from its name in the IANA registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from aurora_wire.wire.tls.names import TLS_1_0, TLS_1_2, TLS_1_3
from aurora_wire.wire.tls.suites import NAMES

Mode = Literal["GCM", "CCM", "CCM_8", "CBC", "POLY1305"]

NAME = re.compile(
    r"TLS_(?P<exchange>\w+_WITH_)?"
    r"(?:AES_(?P<bits>128|256)_(?P<mode>GCM|CCM_8|CCM|CBC)|CHACHA20_POLY1305)"
    r"(?:_(?P<hash>SHA|SHA256|SHA384))?"
)
MODES: dict[str | None, Mode] = {
    "GCM": "GCM", "CCM": "CCM", "CCM_8": "CCM_8", "CBC": "CBC", None: "POLY1305"
}  # fmt: skip
MACS = {"SHA": ("sha1", 20), "SHA256": ("sha256", 32), "SHA384": ("sha384", 48)}


@dataclass(slots=True, frozen=True)
class Protection:
    """AES in one of its modes, or ChaCha20-Poly1305. hash: of the key schedule; mac: of CBC's HMAC; sizes in bytes."""

    mode: Mode
    key_size: int
    hash: str
    mac: str = ""
    mac_size: int = 0


def find_protection(suite: int, version: int) -> Protection | None:
    """Return None if records of this suite and version are not decrypted here: RC4, DES, Camellia, SSL 3.0 ..."""
    found = NAME.fullmatch(NAMES.get(suite, ""))
    if found is None or not TLS_1_0 <= version <= TLS_1_3:
        return None
    if (version == TLS_1_3) != (found["exchange"] is None):
        return None
    mode = MODES[found["mode"]]
    key_size = int(found["bits"] or 256) // 8
    if mode == "CBC":
        mac, mac_size = MACS[found["hash"] or "SHA"]
        return Protection(mode, key_size, "sha384" if mac == "sha384" else "sha256", mac, mac_size)
    if version < TLS_1_2:
        return None  # RFC 5246 brought authenticated encryption
    return Protection(mode, key_size, "sha384" if found["hash"] == "SHA384" else "sha256")
