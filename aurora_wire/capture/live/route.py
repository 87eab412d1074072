"""Which interface leads to an address: asks the kernel's routing table.

Source: rtnetlink(7), RTM_GETROUTE.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from aurora_wire.errors import UsageError, describe_error

RTM_GETROUTE: Final = 26
NLM_F_REQUEST: Final = 1
NLMSG_ERROR: Final = 2
RTA_DST, RTA_OIF = 1, 4
HEADER: Final = struct.Struct("=IHHII")          # length, type, flags, sequence, port id
ROUTE: Final = struct.Struct("=BBBBBBBBI")       # family, bits of dst, of src, tos, table, protocol ...
ATTRIBUTE: Final = struct.Struct("=HH")          # length, type


def find_addresses(host: str) -> list[str]:
    """Return the IP addresses of a name. Raises UsageError where there are none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = describe_error(error) if isinstance(error, OSError) else "is no name of a host"
        raise UsageError(f"{host}: {said}.") from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def interface_to(address: str) -> str | None:
    """Return the interface that a packet to this IP address leaves by, None where no route leads there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address.partition("%")[0])
    destination = ATTRIBUTE.pack(ATTRIBUTE.size + len(packed), RTA_DST) + packed
    body = ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0) + destination
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as asking:
        asking.settimeout(2)
        asking.send(HEADER.pack(HEADER.size + len(body), RTM_GETROUTE, NLM_F_REQUEST, 1, 0) + body)
        answer = asking.recv(8192)
    length, kind, *_ = HEADER.unpack_from(answer)
    if kind == NLMSG_ERROR:
        return None
    at = HEADER.size + ROUTE.size
    while at + ATTRIBUTE.size <= length:
        size, attribute = ATTRIBUTE.unpack_from(answer, at)
        if attribute == RTA_OIF:
            return socket.if_indextoname(struct.unpack_from("=I", answer, at + ATTRIBUTE.size)[0])
        at += max(ATTRIBUTE.size, size + 3 & ~3)
    return None
