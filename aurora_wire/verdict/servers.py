"""Which kind of server it is, and advice with what servers of that kind, and clients, take.

A server is known by the version in its greeting, and by the name that a client asked it for in TLS (SNI). Advice names
a setting in braces on a line of its own (`{require_tls}`); `fill` puts in its place what each of the servers takes.

The texts are in server_fixes.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from aurora_wire.verdict.amazon import DOMAIN, parse_endpoint
from aurora_wire.verdict.clients import client_advice
from aurora_wire.verdict.product import Product, product_of
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

__all__ = [
    "AURORA",
    "AZURE",
    "CLIENT_TLS",
    "CLOUD_SQL",
    "COMMON",
    "KINDS",
    "MARIADB",
    "MARIADB_OLD",
    "MAXSCALE",
    "MAX_KINDS",
    "MYSQL",
    "MYSQL_57",
    "MYSQL_OLD",
    "PROXYSQL",
    "RDS",
    "RDS_PROXY",
    "SETTINGS",
    "UNKNOWN",
    "fill",
    "kind_of",
    "kind_of_connection",
    "product_of_connection",
    "told_by",
]

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
def kind_of(version: str | None, name: str | None = None) -> str:
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
    version = connection.server_version
    tls = connection.tls
    if version is None and tls is not None and tls.decrypted is not None:
        version = tls.decrypted.server_version
    return kind_of(version, None if tls is None else tls.sni)


def product_of_connection(connection: ConnectionResult) -> Product:
    """Return which product a connection's server is, with what told it: finer than its kind, and not only of those
    that there is advice for.
    """
    version, tls = connection.server_version, connection.tls
    if version is None and tls is not None and tls.decrypted is not None:
        version = tls.decrypted.server_version
    return product_of(version or "", (tls.sni or "" if tls is not None else "").lower().rstrip("."))


def told_by(connection: ConnectionResult) -> str | None:
    """Return what told which server it is: "name" (asked for in TLS), "version" (of the greeting), None if nothing."""
    version, tls = connection.server_version, connection.tls
    name = None if tls is None else tls.sni
    if name is not None and kind_of(None, name) != UNKNOWN:
        return "name"
    if version is None and tls is not None and tls.decrypted is not None:
        version = tls.decrypted.server_version
    return "version" if kind_of(version) != UNKNOWN else None


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
