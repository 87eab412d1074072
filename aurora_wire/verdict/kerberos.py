"""The service ticket in a Kerberos AP-REQ, with which the password of the service's account is guessed offline.

Source: RFC 4120 section 5.5.1, RFC 4121 section 4.1; DER as in X.690. Nothing is decrypted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

AP_REQ: Final = 0x6E       # [APPLICATION 14]
TICKET: Final = 0x61       # [APPLICATION 1]
MAX_DEPTH: Final = 24
MODES: Final[dict[int, tuple[tuple[int, str], str | None]]] = {
    17: ((19600, "Kerberos 5, etype 17, TGS-REP"), None),
    18: ((19700, "Kerberos 5, etype 18, TGS-REP"), None),
    23: ((13100, "Kerberos 5, etype 23, TGS-REP"), "krb5tgs"),
}


class Ticket(NamedTuple):
    """What hashcat and John the Ripper call a service ticket, and the line that they take."""

    hashcat: tuple[int, str]
    john: str | None
    line: str


def service_ticket(token: bytes) -> Ticket | None:
    """Return the ticket in a GSS-API token, in SPNEGO or alone; None where none is readable."""
    body = _find(token, AP_REQ)
    ticket = None if body is None else _find(body, TICKET)
    fields = None if ticket is None else _fields(ticket)
    if fields is None:
        return None
    realm = _text(fields.get(0xA1, b""))
    service = "/".join(_names(fields.get(0xA2, b"")))
    encrypted = _fields(fields.get(0xA3, b""))
    if encrypted is None:
        return None
    kind = _integer(encrypted.get(0xA0, b""))
    cipher = _content(encrypted.get(0xA2, b""))
    if kind not in MODES or len(cipher) < 32:
        return None
    mode, john = MODES[kind]
    if kind == 23:
        line = f"$krb5tgs$23$*{service}${realm}${service}*${cipher[:16].hex()}${cipher[16:].hex()}"
    else:
        line = f"$krb5tgs${kind}${service}${realm}$*{service}*${cipher[-12:].hex()}${cipher[:-12].hex()}"
    return Ticket(mode, john, line)


def _read(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return tag, and begin and end of the content, of the element at `at`."""
    if at + 2 > len(data):
        return None
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        more = size & 0x7F
        if more == 0 or more > 4 or at + more > len(data):
            return None
        size = int.from_bytes(data[at : at + more], "big")
        at += more
    return (tag, at, at + size) if at + size <= len(data) else None


def _find(data: bytes, tag: int) -> bytes | None:
    """Return the content of the first element with this tag, whose own content is a sequence."""
    at = data.find(bytes([tag]))
    tries = 0
    while at >= 0 and tries < MAX_DEPTH:
        found = _read(data, at)
        if found is not None:
            inner = _read(data, found[1])
            if inner is not None and inner[0] == 0x30 and inner[2] == found[2]:
                return data[inner[1] : inner[2]]
        at = data.find(bytes([tag]), at + 1)
        tries += 1
    return None


def _fields(data: bytes) -> dict[int, bytes] | None:
    """Return the elements of a sequence (or of one in `data`) by their tag."""
    outer = _read(data, 0)
    if outer is not None and outer[0] == 0x30 and outer[2] == len(data):
        data = data[outer[1] : outer[2]]
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and len(found) < MAX_DEPTH:
        element = _read(data, at)
        if element is None:
            return None
        found.setdefault(element[0], data[element[1] : element[2]])
        at = element[2]
    return found


def _content(data: bytes) -> bytes:
    element = _read(data, 0)
    return b"" if element is None else data[element[1] : element[2]]


def _integer(data: bytes) -> int:
    return int.from_bytes(_content(data)[:4], "big")


def _text(data: bytes) -> str:
    return _content(data).decode("utf-8", "replace")


def _names(data: bytes) -> list[str]:
    """Return the strings of a PrincipalName."""
    fields = _fields(data)
    listed = b"" if fields is None else _content(fields.get(0xA1, b""))
    names: list[str] = []
    at = 0
    while at < len(listed) and len(names) < MAX_DEPTH:
        element = _read(listed, at)
        if element is None:
            break
        names.append(listed[element[1] : element[2]].decode("utf-8", "replace"))
        at = element[2]
    return names
