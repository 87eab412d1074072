"""Which servers are probed: `HOST`, `HOST:PORT`, `[::1]:3306`, each of a name's addresses."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.errors import UsageError

DEFAULT_PORT: Final = 3306
X_PORT: Final = 33060
ADMIN_PORT: Final = 33062      # of MySQL, where admin_address is set: with a certificate of its own, if it has one


@dataclass(frozen=True, slots=True)
class Target:
    """A host as it was given, without brackets, and a port. is_extra: nobody named the port, and nothing need be there.
    """

    host: str
    port: int = DEFAULT_PORT
    is_extra: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def server_name(self) -> str:
        """Return the name to be sent in TLS: empty for an address, which has none (RFC 6066, section 3)."""
        try:
            ipaddress.ip_address(self.host.partition("%")[0])
        except ValueError:
            return self.host.rstrip(".")
        return ""


def parse_target(text: str) -> Target:
    """Return the target that `text` names. Raises UsageError."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(f"{text!r}: expected [ADDRESS] or [ADDRESS]:PORT.")
        port = rest[1:]
        if rest == ":":
            raise UsageError(f"{text!r}: the port is missing after the colon.")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not port:
            raise UsageError(f"{text!r}: the port is missing after the colon.")
    if not host:
        raise UsageError(f"{text!r}: the host is missing.")
    if not port:
        return Target(host)
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise UsageError(f"{text!r}: {port!r} is no port (1 to 65535).")
    return Target(host, int(port))


def find_addresses(target: Target) -> list[str]:
    """Return the addresses of the host, in the resolver's order, each once. Raises OSError (socket.gaierror)."""
    found: list[str] = []
    for *_, place in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
        address = str(place[0])
        if address not in found:
            found.append(address)
    return found
