"""What the variables of TLS mean here, one line each: the article's table, with its meaning beside it.

Sources: MySQL 8.4 Reference Manual, "Server System Variables"; MariaDB Knowledge Base, "SSL/TLS System Variables".
"""

from __future__ import annotations

from typing import Final

# The statements that the article ran, and what else decides.
SHOWN: Final = (
    "SHOW GLOBAL VARIABLES LIKE '%ssl%'",
    "SHOW GLOBAL VARIABLES LIKE '%tls%'",
    (
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('require_secure_transport', 'local_infile', 'old_passwords', "
        "'secure_auth', 'skip_networking', 'skip_name_resolve', "
        "'bind_address', 'default_authentication_plugin', 'authentication_policy')"
    ),
)
OBSOLETE: Final = ("TLSv1.1", "TLSv1", "TLSv1.0", "SSLv3")


def offers_obsolete(versions: str) -> list[str]:
    """Return the obsolete versions in a value of `tls_version`."""
    return [each.strip() for each in versions.split(",") if each.strip() in OBSOLETE]


def meaning(name: str, value: str) -> str:
    """Return what a variable's value means; empty: nothing that matters here."""
    name = name.lower()
    base = name.removeprefix("admin_").removeprefix("mysqlx_")
    channel = {"admin_": "on the administrative port", "mysqlx": "for X Protocol"}.get(name[:6], "")
    if name == "require_secure_transport":
        return "connections in the clear are refused" if value == "ON" else "connections in the clear are taken"
    if name in ("have_ssl", "have_openssl"):
        return {"YES": "TLS can be used", "DISABLED": "TLS is built in and not set up"}.get(value, "TLS cannot be used")
    if base == "tls_version":
        return _versions(value, channel)
    if base == "ssl_cert":
        return _certificate(value, channel)
    if base == "ssl_ca" and value:
        return "clients' certificates are verified with it"
    if base == "ssl_cipher" and value:
        return "the suites up to TLS 1.2 are these alone"
    if base == "tls_ciphersuites" and value:
        return "the suites of TLS 1.3 are these alone"
    if name == "local_infile":
        return "a server may ask its clients for files" if value in ("ON", "1") else ""
    if name == "old_passwords":
        return "new passwords get the broken hash of before 4.1" if value in ("1", "ON") else ""
    if name == "secure_auth":
        return "" if value in ("ON", "1") else "logins with the broken hash of before 4.1 are taken"
    if name == "skip_name_resolve":
        return "accounts of hosts by name are not used" if value in ("ON", "1") else ""
    if name == "skip_networking":
        return "nothing comes over the network" if value == "ON" else ""
    if name == "bind_address" and value in ("127.0.0.1", "::1", "localhost"):
        return "nothing comes from other hosts"
    return ""


def _versions(value: str, channel: str) -> str:
    where = f" {channel}" if channel else ""
    if not value:
        return f"no TLS{where}" if not channel else "as for the main port"
    old = offers_obsolete(value)
    return f"{', '.join(old)} obsolete{where}" if old else f"nothing obsolete{where}"


def _certificate(value: str, channel: str) -> str:
    if not value:
        return "the main port's certificate" if channel else "no certificate of its own"
    return "the certificate that clients are shown" + (f" {channel}" if channel else "")
