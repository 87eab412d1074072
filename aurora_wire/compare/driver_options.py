"""Which driver a client is, and the option that makes it insist on TLS, in one line: from the table of clients.

Source of LEG_OPTIONS: MySQL 8.4 Reference Manual, "CHANGE REPLICATION SOURCE TO".
"""

from __future__ import annotations

from typing import Final, NamedTuple

from aurora_wire.verdict.clients import find_client


class Driver(NamedTuple):
    """known: whether its connection attributes name it; option: what makes it insist on TLS."""

    known: bool
    name: str
    option: str


UNKNOWN: Final = Driver(
    known=False, name="not known", option="the driver's option to require TLS and to verify the server's identity"
)

# For who is no driver of an application.
LEG_OPTIONS: Final = {
    "replication": "CHANGE REPLICATION SOURCE TO SOURCE_SSL=1, SOURCE_SSL_CA='CA.pem', SOURCE_SSL_VERIFY_SERVER_CERT=1 "
                   "(MariaDB: MASTER_SSL=1, MASTER_SSL_CA, MASTER_SSL_VERIFY_SERVER_CERT=1)",
    "proxy": "TLS towards the server: ProxySQL use_ssl=1 in mysql_servers; MaxScale ssl=true in the [server] section; "
             "MySQL Router server_ssl_mode=VERIFY_IDENTITY",
}  # fmt: skip


def find_driver(attributes: dict[str, str]) -> Driver:
    client = find_client(attributes)
    return UNKNOWN if client is None else Driver(known=True, name=client.name, option=client.option)


def find_driver_version(attributes: dict[str, str]) -> str:
    """Return the driver's version from its connection attributes; empty if it sends none."""
    return attributes.get("_connector_version") or attributes.get("_client_version") or ""
