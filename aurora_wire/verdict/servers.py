"""Which kind of server it is, and advice with what servers of that kind, and clients, take.

A server is known by the version in its greeting, by the name that a client asked it for in TLS (SNI), by the names in
its certificate where that is visible, and by what only Aurora answers (`@@aurora_version`). Advice names
a setting in braces on a line of its own (`{require_tls}`); `fill` puts in its place what each of the servers takes.

The texts are in server_fixes.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.amazon import DOMAIN, parse_endpoint
from aurora_wire.verdict.clients import client_advice
from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.verdict.server_fixes import (
    AURORA,
    AZURE,
    CLOUD_SQL,
    KINDS,
    MARIADB,
    MARIADB_OLD,
    MAXSCALE,
    MYSQL,
    MYSQL_57,
    MYSQL_OLD,
    PROXYSQL,
    RDS,
    RDS_PROXY,
    SETTINGS,
    UNKNOWN,
)

if TYPE_CHECKING:
    from aurora_wire.verdict.certificates import CertificateFacts
    from aurora_wire.verdict.product import Product

COMMON: Final = frozenset((MYSQL, MYSQL_57, MARIADB))
CLIENT_TLS: Final = "{client_tls}"
MAX_KINDS: Final = 4        # told one by one; with more of them the advice for any server is shorter

_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
# What a version or a name says, in this order.
_MARKS: Final = (
    ("maxscale", MAXSCALE), ("proxysql", PROXYSQL), ("aurora", AURORA), ("-azure", AZURE), ("-google", CLOUD_SQL),
    ("-rds", RDS),
)  # fmt: skip
_DOMAINS: Final = (
    (".mysql.database.azure.com", AZURE), (".mariadb.database.azure.com", AZURE), (".sql.goog", CLOUD_SQL),
)


@lru_cache(maxsize=256)  # a capture has few servers, and asks for each finding and connection
def find_kind(version: str | None, name: str | None = None) -> str:
    """Return which of KINDS a server is, by the version in its greeting and the name that it was asked for in TLS."""
    host = (name or "").lower().rstrip(".")
    endpoint = parse_endpoint(host)
    if endpoint is not None:
        return RDS_PROXY if endpoint.is_proxy else AURORA if endpoint.is_cluster else RDS
    if host.endswith(DOMAIN):
        return RDS
    for domain, kind in _DOMAINS:
        if host.endswith(domain):
            return kind
    said = (version or "").lower()
    for mark, kind in _MARKS:
        if mark in said:
            return kind
    found = _VERSION.match(said.removeprefix("5.5.5-"))
    if found is None:
        return UNKNOWN
    number = int(found[1]), int(found[2])
    if "mariadb" in said:
        return MARIADB if number >= (10, 5) else MARIADB_OLD
    if number >= (8, 0):
        return MYSQL
    return MYSQL_57 if number >= (5, 7) else MYSQL_OLD


def kind_of_connection(connection: ConnectionResult | None) -> str:
    """Return which of KINDS a connection's server is; inside TLS as far as a key log shows it."""
    if connection is None:
        return UNKNOWN
    name, _ = _find_name(connection)
    kind = find_kind(_find_version(connection), name)
    if connection.aurora_column is not None and kind != RDS_PROXY:
        return AURORA
    issuer = _find_issuer(connection)
    return RDS if issuer and kind in COMMON | {UNKNOWN, MARIADB_OLD, MYSQL_OLD} else kind


def product_of_connection(connection: ConnectionResult) -> Product:
    """Return which product a connection's server is, with what told it: finer than its kind, and not only of those
    that there is advice for.
    """
    from aurora_wire.verdict.product import Product, derive_product, in_amazon  # noqa: PLC0415 - few reports name it

    name, by = _find_name(connection)
    found = derive_product(_find_version(connection) or "", (name or "").lower().rstrip("."))
    if by == "certificate" and found.why.startswith("the name of"):
        found = Product(found.name, f"{name} in its certificate", found.region)
    if connection.aurora_column is not None and found.name != "Amazon RDS Proxy":
        return Product("Amazon Aurora MySQL", f"a result with the column {connection.aurora_column}", found.region)
    return in_amazon(found, "", _find_issuer(connection))


def told_by(connection: ConnectionResult) -> str | None:
    """Return what told which server it is: "column" (of a result), "name" (asked for in TLS), "certificate", "version"
    (of the greeting), None if nothing.
    """
    name, by = _find_name(connection)
    if connection.aurora_column is not None and find_kind(None, name) != RDS_PROXY:
        return "column"
    if by is not None:
        return by
    if _find_issuer(connection):
        return "certificate"
    return "version" if find_kind(_find_version(connection)) != UNKNOWN else None


def _find_version(connection: ConnectionResult) -> str | None:
    """Return the version of the greeting, inside TLS as far as a key log shows it."""
    version, tls = connection.server_version, connection.tls
    if version is None and tls is not None and tls.decrypted is not None:
        return tls.decrypted.server_version
    return version


def _find_name(connection: ConnectionResult) -> tuple[str | None, str | None]:
    """Return the name that tells which server it is, and whose: "name" (asked for in TLS), "certificate"; None and None
    where none does. Of a certificate's names that of a cluster or of a proxy says most.
    """
    tls = connection.tls
    if tls is None:
        return None, None
    if tls.sni is not None and find_kind(None, tls.sni) != UNKNOWN:
        return tls.sni, "name"
    shown = _shown_by(connection)
    if shown is None:
        return None, None
    names = [one.replace("*", "any") for one in (*shown.names, *shown.common_names)]
    known = [(find_kind(None, one) not in (AURORA, RDS_PROXY), one) for one in names if find_kind(None, one) != UNKNOWN]
    return (min(known)[1], "certificate") if known else (None, None)


def _shown_by(connection: ConnectionResult) -> CertificateFacts | None:
    """Return what the server's certificate says, where one was seen and can be read."""
    tls = connection.tls
    if tls is None or not tls.certificates:
        return None
    from aurora_wire.verdict.certificates import describe_certificate  # noqa: PLC0415 - where there are any

    return describe_certificate(tls.certificates[0])


def _find_issuer(connection: ConnectionResult) -> str:
    """Return who signed the server's certificate, if it is an authority of Amazon RDS; empty if not, or not visible."""
    shown = _shown_by(connection)
    if shown is None:
        return ""
    issuer = shown.issuer_name
    return issuer if issuer.startswith("Amazon RDS ") else ""


def fill(advice: str, kinds: Iterable[str] = (), clients: Iterable[str] = ()) -> str:
    """Return advice with what these kinds of servers, and these clients (keys of clients.py), take for each setting.

    With none, or too many, it is what most of them take.
    """
    found = set(kinds)
    if UNKNOWN in found:
        found -= COMMON  # the advice for an unknown one has theirs
    wanted = [kind for kind in KINDS if kind in found]
    if not wanted or len(wanted) > MAX_KINDS:
        wanted = [UNKNOWN]
    told = client_advice(clients) if CLIENT_TLS in advice else ""
    return "\n".join(
        line for text in advice.split("\n") for line in ([told] if text == CLIENT_TLS else _lines(text, wanted))
    )


def _lines(text: str, kinds: Sequence[str]) -> list[str]:
    found = _PLACE.fullmatch(text)
    if found is None:
        return [text]
    setting = SETTINGS[found[1]]
    lines: list[str] = []
    for said in dict.fromkeys(setting.get(kind, setting[UNKNOWN]) for kind in kinds):
        lines += said.split("\n")
    return lines
