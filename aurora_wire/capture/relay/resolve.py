"""Addresses of a relay's ends: names looked up afresh for each connection, and how an address is shown."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aurora_wire.capture.relay.synthetic_frames import Place
from aurora_wire.errors import describe_error

SocketAddress = tuple[Any, ...]                   # (address, port) or IPv6's (address, port, flow, zone)
Found = list[tuple[socket.AddressFamily, SocketAddress]]
LookUp = Callable[[Place], Awaitable[Found]]      # raises OSError

MOST_ADDRESSES: Final = 8       # of one name that are tried
LOOK_UP_TIMEOUT: Final = 15.0   # seconds


async def look_up(place: Place) -> Found:
    """Return the addresses of a name, in the system's order. Raises OSError.

    In a thread of its own that nobody waits for at the end: a name server may be silent for long.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Found] = loop.create_future()

    def tell(found: Found | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: Found | OSError
        try:
            found = resolve(place)
        except OSError as error:
            found = error
        try:
            loop.call_soon_threadsafe(tell, found)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    try:
        ipaddress.ip_address(place.address)
    except ValueError:
        threading.Thread(target=ask, name="look up", daemon=True).start()
    else:
        return resolve(place)
    try:
        return await asyncio.wait_for(answer, LOOK_UP_TIMEOUT)
    except TimeoutError as error:
        raise OSError(0, f"no answer in {LOOK_UP_TIMEOUT:g} s to the question for its address") from error


def resolve(place: Place) -> Found:
    try:
        answers = socket.getaddrinfo(place.address, place.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(0, "is no name of a host") from error
    found: dict[tuple[socket.AddressFamily, SocketAddress], None] = {}
    for family, _, _, _, address in answers:
        found[family, address] = None
    return list(found)[:MOST_ADDRESSES]


def plain(address: SocketAddress) -> Place:
    """Return the place without the zone, and IPv4 as such if a socket of IPv6 gives it as ::ffff:a.b.c.d."""
    text = str(address[0]).partition("%")[0]
    parsed = ipaddress.ip_address(text)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        text = str(parsed.ipv4_mapped)
    return Place(text, int(address[1]))


def reason(error: OSError | OverflowError) -> str:
    """Return what the system says, as a part of a sentence: `connection refused`."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        said = os.strerror(error.errno)  # asyncio has words of its own, which repeat the address
    else:
        said = describe_error(error)
    return said[:1].lower() + said[1:]
