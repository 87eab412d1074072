"""Probing a server without an account: its greeting, the TLS that it offers, its certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from aurora_wire.errors import describe_error
from aurora_wire.posture.session import CLOSED, ERROR, GREETING, SILENT, X_NOTICE, Opening, Session, Timeout
from aurora_wire.posture.survey import (
    NOT_OFFERED,
    OFFERED,
    Dialer,
    LimitReached,
    TLSResult,
    start_direct,
    start_mysql,
    start_x,
    survey,
)
from aurora_wire.posture.target import X_PORT, Target, find_addresses
from aurora_wire.posture.x_capabilities import XCapabilities
from aurora_wire.verdict.certificates import CertificateFacts, read_certificate
from aurora_wire.verdict.product import Product, derive_product, in_amazon
from aurora_wire.wire.mysql.capabilities import SSL, SSL_VERIFY_SERVER_CERT

OTHER_GREETINGS: Final = 3   # named
MYSQL: Final = "mysql"
X: Final = "mysqlx"
DIRECT: Final = "tls"            # TLS from the first byte
DEFAULT_SECONDS: Final = 5.0
DEFAULT_LIMIT: Final = 60        # connections to one address: well below max_connect_errors, 100 by default

UNREACHABLE: Final = "unreachable"
REFUSED: Final = "refused"       # an ERR packet instead of a greeting
NOT_MYSQL: Final = "not-mysql"
PROBED: Final = "probed"


@dataclass(slots=True)
class AddressResult:
    """What one address of a target answered. status: PROBED, REFUSED, NOT_MYSQL or UNREACHABLE; reason: in words.

    protocol: MYSQL, X or DIRECT; x: what an X Protocol server says of itself; offers_tls: None where that is not
    known; stripped: the greeting lacks the TLS flag beside one that MySQL sets exactly where it offers TLS; chain: the
    server's own certificate first, as it sent it; trusted: what the local TLS library says of it with the files of
    `--ca`, empty: accepted; None: not asked.
    """

    address: str
    status: str = UNREACHABLE
    reason: str = ""
    protocol: str = MYSQL
    version: str = ""
    thread_id: int = 0
    auth_plugin: str = ""
    product: Product | None = None
    offers_tls: bool | None = None
    stripped: bool = False
    error_code: int = 0
    tls: TLSResult | None = None
    chain: list[CertificateFacts] = field(default_factory=list)
    trusted: str | None = None
    connections: int = 0
    x: XCapabilities | None = None


@dataclass(slots=True)
class ProbeResult:
    """What a target answered, by address. reason: why there is no address; time: in UTC, when it was probed."""

    target: Target
    time: datetime
    addresses: list[AddressResult] = field(default_factory=list)
    reason: str = ""


def probe(
    target: Target, *, ca: str = "", seconds: float = DEFAULT_SECONDS, limit: int = DEFAULT_LIMIT
) -> ProbeResult:
    """Probe each address of a target.

    ca: file of trusted certificates, empty: trust is not asked; seconds: for one connection; limit: connections to
    one address. What goes wrong is told in the result; raises UsageError where certificates cannot be read at all.
    """
    result = ProbeResult(target, datetime.now(UTC).replace(microsecond=0))
    try:
        addresses = find_addresses(target)
    except (OSError, UnicodeError) as error:
        result.reason = _in_words(error)
        return result
    for address in addresses:
        result.addresses.append(_probe_address(target, address, ca, seconds, limit))
    return result


def _probe_address(target: Target, address: str, ca: str, seconds: float, limit: int) -> AddressResult:
    found = AddressResult(address)
    try:
        with Session(target, address, seconds) as session:
            opening = session.open()
    except OSError as error:
        found.reason = _in_words(error)
        return found
    found.connections = 1
    start = _read_opening(found, opening, target, address, seconds)
    if start is not None:
        dialer = Dialer(target, address, seconds, limit - found.connections, start)
        found.tls = survey(dialer)
        found.connections += found.tls.connections
        _read_certificates(found, dialer, ca)
        _note_other_greetings(found, dialer)
        if not any(each.status == OFFERED for each in found.tls.versions):
            found.offers_tls = False if all(each.status == NOT_OFFERED for each in found.tls.versions) else None
    return found


def _note_other_greetings(found: AddressResult, dialer: Dialer) -> None:
    """Say where other connections to the address were greeted otherwise: a proxy leads to several servers, or is one of
    several, and what was found is not all of one.
    """
    others = {name: number for name, number in dialer.greetings.items() if name and name != found.version}
    if others and found.product is not None:
        total = sum(others.values())
        named = ", ".join(sorted(others)[:OTHER_GREETINGS])
        why = f"{found.product.why}; {total} of {dialer.count + 1} connections were greeted otherwise: {named}"
        found.product = replace(found.product, why=f"{why}: what is found is not of one server")


def _read_opening(
    found: AddressResult, opening: Opening, target: Target, address: str, seconds: float
) -> Callable[[Session], bool] | None:
    """Note what the server said first. Return the way to TLS, None where there is none."""
    greeting = opening.greeting
    if opening.kind == GREETING and greeting is not None:
        found.status = PROBED
        found.version = greeting.server_version.decode("utf-8", "backslashreplace")
        found.thread_id = int(greeting.thread_id)
        found.auth_plugin = greeting.auth_plugin.decode("utf-8", "backslashreplace")
        found.product = derive_product(found.version, target.host, is_mariadb=greeting.is_mariadb)
        found.offers_tls = bool(greeting.capabilities & SSL)
        # MariaDB gives the flag another meaning; MySQL sets it from 5.7 on beside CLIENT_SSL, and never alone.
        found.stripped = (
            not found.offers_tls and not greeting.is_mariadb and bool(greeting.capabilities & SSL_VERIFY_SERVER_CERT)
        )
        return start_mysql if found.offers_tls else None
    if opening.kind == ERROR:
        found.status = REFUSED
        found.error_code = opening.code
        text = opening.text.decode("utf-8", "backslashreplace")
        found.reason = f"error {opening.code}: {text}"
        return None
    found.reason = {
        SILENT: "connected, and the server says nothing",
        CLOSED: "connected, and the server closes without a word",
    }.get(opening.kind, "what it says first is no MySQL")
    found.status = NOT_MYSQL
    if opening.kind in (SILENT, CLOSED, X_NOTICE) or target.port == X_PORT:
        return _other_ways(found, target, address, seconds)
    return None


def _other_ways(
    found: AddressResult, target: Target, address: str, seconds: float
) -> Callable[[Session], bool] | None:
    """Try X Protocol, and TLS from the first byte: servers that let the client speak first."""
    found.connections += 1
    with suppress(OSError), Session(target, address, seconds) as session:
        found.x = session.ask_x_capabilities()
    if found.x is not None:
        found.status, found.protocol, found.reason, found.offers_tls = PROBED, X, "", found.x.tls
        return start_x if found.x.tls else None
    found.connections += 1
    with suppress(OSError), Session(target, address, seconds) as session:
        if _speaks_tls(session, target):
            found.status, found.protocol, found.reason, found.offers_tls = PROBED, DIRECT, "", True
            return start_direct
    return None


def _speaks_tls(session: Session, target: Target) -> bool:
    from aurora_wire.posture.client_hello import GROUPS, TLS12, client_hello  # noqa: PLC0415 - rarely needed
    from aurora_wire.posture.survey import list_suites  # noqa: PLC0415

    flight = session.ask(client_hello(TLS12, list_suites(TLS12), tuple(GROUPS), target.server_name))
    return flight.hello is not None or flight.alert >= 0


def _read_certificates(found: AddressResult, dialer: Dialer, ca: str) -> None:
    """Read the chain, from the survey or a handshake of the local library, and ask the latter whom it trusts."""
    tls = found.tls
    if tls is None or not any(each.status == OFFERED for each in tls.versions):
        return
    chain = tls.certificates or _chain_by_handshake(dialer)
    found.chain = [facts for facts in map(read_certificate, chain) if facts is not None]
    if found.chain and found.product is not None:
        issuer = found.chain[0].issuer
        common_name = next((part[3:] for part in issuer.split(",") if part.startswith("CN=")), "")
        if common_name.startswith("Amazon RDS"):
            found.product = in_amazon(found.product, dialer.target.host, common_name)
    if ca:
        found.trusted = _ask_trust(dialer, ca)
    found.connections = max(found.connections, dialer.count + 1)


def _chain_by_handshake(dialer: Dialer) -> list[bytes]:
    """Return the chain of a server that speaks TLS 1.3 alone: there it is encrypted, so a whole handshake is made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError, LimitReached), dialer.session() as session:
        secured = session.handshake(context)
        chain = _unverified_chain(secured)
        own = secured.getpeercert(binary_form=True)
        return chain or ([own] if own else [])
    return []


def _unverified_chain(secured: ssl.SSLSocket) -> list[bytes]:
    """Return the whole chain where this Python can tell it: public from 3.13 on, before that only the first."""
    get = getattr(secured, "get_unverified_chain", None)
    return list(get()) if get is not None else []


def _ask_trust(dialer: Dialer, ca: str) -> str | None:
    """Return why the local library refuses the certificate; empty: it accepts; None: it was not asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca)
    try:
        with dialer.session() as session:
            session.handshake(context)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message or str(error)
    except (OSError, LimitReached, ValueError):
        return None
    return ""


def _in_words(error: Exception) -> str:
    """Say why there is no connection, in words of our own where the system's differ from place to place."""
    if isinstance(error, socket.gaierror):
        return "this name has no address"
    if isinstance(error, (Timeout, TimeoutError)):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(error, ConnectionResetError):
        return "the server resets the connection"
    return describe_error(error).lower()
