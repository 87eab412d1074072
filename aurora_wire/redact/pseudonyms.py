"""Pseudonyms of addresses under a key: prefix-preserving for IP (Crypto-PAn), random-looking for Ethernet.

Two addresses that share their first n bits have pseudonyms that share exactly their first n bits: networks stay
networks. Source: Xu, Fan, Ammar, Moon, "Prefix-Preserving IP Address Anonymization" (ICNP 2002), with AES-128.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from aurora_wire.errors import UsageError

MISSING: Final = "pseudonyms of addresses need more packages. Install them: pip install 'aurora_wire[evidence]'"
LOCAL: Final = 0x02     # the bit of an Ethernet address that was not given by a maker
GROUP: Final = 0x01     # and that of multicast and broadcast


class Pseudonyms:
    """key: 32 bytes, the cipher's key and what becomes the pad. Raises UsageError where cryptography is missing."""

    def __init__(self, key: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(MISSING) from error
        self._encryptor = Cipher(algorithms.AES(key[:16]), modes.ECB()).encryptor()  # noqa: S305 - as the paper says
        self._pad = int.from_bytes(self._encryptor.update(key[16:32]), "big")
        self._key = key
        self.ip = lru_cache(maxsize=1 << 16)(self._ip)
        self.ethernet = lru_cache(maxsize=1 << 16)(self._ethernet)

    def _ip(self, address: bytes) -> bytes:
        """Return a pseudonym of the same length (4 or 16 bytes)."""
        bits = 8 * len(address)
        number = int.from_bytes(address, "big") << (128 - bits)
        blocks = []
        for kept in range(bits):
            rest = (1 << (128 - kept)) - 1
            blocks.append((number & ~rest | self._pad & rest).to_bytes(16, "big"))
        stream = self._encryptor.update(b"".join(blocks))
        flips = 0
        for kept in range(bits):
            flips = flips << 1 | stream[16 * kept] >> 7
        return (int.from_bytes(address, "big") ^ flips).to_bytes(len(address), "big")

    def _ethernet(self, address: bytes) -> bytes:
        if address[0] & GROUP:
            return address
        digest = hmac.new(self._key, b"ethernet" + address, hashlib.sha256).digest()
        return bytes([digest[0] & ~GROUP & 0xFF | LOCAL]) + digest[1:6]
