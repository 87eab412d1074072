"""Fingerprints of a ClientHello: which TLS library and settings a client has, by what it offers and in which order.

JA3 as its authors describe it (Salesforce, 2017), without GREASE (RFC 8701); JA4 as FoxIO's technical details say
(BSD 3-Clause; the other methods of JA4+ are under another licence, and none of them is here).
"""

from __future__ import annotations

import hashlib
from typing import Final

from aurora_wire.wire.tls.hello import ClientHello
from aurora_wire.wire.tls.names import ALPN, SERVER_NAME, is_grease

MAX_KNOWN: Final = 512       # offers remembered: clients of one kind make the same
MOST: Final = 99             # a count has two digits
NOTHING: Final = "0" * 12
VERSIONS: Final[dict[int, str]] = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
}  # fmt: skip

_known: Final[dict[tuple[object, ...], tuple[str, str]]] = {}


def compute_fingerprints(hello: ClientHello) -> tuple[str, str] | None:
    """Return JA3 (MD5 in hex) and JA4 of a hello; None of one whose lists were not kept, or in SSLv2's framing."""
    if not hello.suites or hello.is_v2_framed:
        return None
    alpn = hello.alpn[0] if hello.alpn else b""
    key = (
        hello.version, tuple(hello.suites), tuple(hello.extensions), tuple(hello.versions), tuple(hello.groups),
        tuple(hello.point_formats), tuple(hello.signature_algorithms), alpn,
    )  # fmt: skip
    found = _known.get(key)
    if found is None:
        found = (ja3(hello), ja4(hello))
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[key] = found
    return found


def ja3_text(hello: ClientHello) -> str:
    """Return what JA3 is the MD5 of: version, suites, extensions, groups and point formats, in decimal."""
    lists = (
        _without_grease(hello.suites), _without_grease(hello.extensions), _without_grease(hello.groups),
        hello.point_formats,
    )  # fmt: skip
    return ",".join([str(hello.version), *("-".join(str(number) for number in numbers) for numbers in lists)])


def ja3(hello: ClientHello) -> str:
    return hashlib.md5(ja3_text(hello).encode("ascii"), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello) -> str:
    """Return JA4: what is offered as it can be read, and two hashes of the sorted lists."""
    suites = _without_grease(hello.suites)
    extensions = _without_grease(hello.extensions)
    version = VERSIONS.get(max(hello.versions), "00") if hello.versions else "00"
    name = "d" if SERVER_NAME in extensions else "i"
    shown = f"t{version}{name}{min(len(suites), MOST):02}{min(len(extensions), MOST):02}{_alpn(hello.alpn)}"
    listed = _hex(sorted(number for number in extensions if number not in (SERVER_NAME, ALPN)))
    signatures = _hex(_without_grease(hello.signature_algorithms))
    if signatures:
        listed += f"_{signatures}"
    return f"{shown}_{_hash(_hex(sorted(suites)))}_{_hash(listed) if extensions else NOTHING}"


def _alpn(names: list[bytes]) -> str:
    """Return the first and last character of the first protocol; of its hex digits where one is no letter or digit."""
    if not names or not names[0]:
        return "00"
    first, last = names[0][:1], names[0][-1:]
    if first.isalnum() and last.isalnum():
        return (first + last).decode("ascii")
    return first.hex()[0] + last.hex()[1]


def _without_grease(numbers: list[int]) -> list[int]:
    return [number for number in numbers if not is_grease(number)]


def _hex(numbers: list[int]) -> str:
    return ",".join(f"{number:04x}" for number in numbers)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12] if text else NOTHING
