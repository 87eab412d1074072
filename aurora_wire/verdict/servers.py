"""What to type on which server: one table for every piece of advice that differs from server to server.

A server is known by the version in its greeting, and by the name that a client asked it for in TLS (SNI). Advice names
a setting in braces on a line of its own (`{require_tls}`); `fill` puts in its place what each of the servers takes.

Sources: MySQL 8.4 Reference Manual, "Server System Variables" (require_secure_transport from 5.7.8 on), "SET Syntax
for Variable Assignment" (PERSIST from 8.0 on), "ALTER INSTANCE Statement"; MariaDB documentation, "SSL/TLS System
Variables" (require_secure_transport from 10.5.2 on); AWS documentation of RDS, Aurora and RDS Proxy; Microsoft's and
Google's of their services; ProxySQL documentation, "mysql_users", "SSL Configuration"; MaxScale documentation, "TLS/SSL
Encryption". What is for MariaDB and MySQL is run on real servers by tests/real.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from aurora_wire.verdict.amazon import DOMAIN, parse_endpoint
from aurora_wire.verdict.result import ConnectionResult

UNKNOWN: Final = "unknown"
MYSQL: Final = "MySQL"
MYSQL_57: Final = "MySQL 5.7"
MYSQL_OLD: Final = "MySQL before 5.7"
MARIADB: Final = "MariaDB"
MARIADB_OLD: Final = "MariaDB before 10.5"
AURORA: Final = "Aurora"
RDS: Final = "RDS"
RDS_PROXY: Final = "RDS Proxy"
AZURE: Final = "Azure"
CLOUD_SQL: Final = "Cloud SQL"
PROXYSQL: Final = "ProxySQL"
MAXSCALE: Final = "MaxScale"
KINDS: Final = (
    MYSQL, MYSQL_57, MYSQL_OLD, MARIADB, MARIADB_OLD, AURORA, RDS, RDS_PROXY, AZURE, CLOUD_SQL, PROXYSQL, MAXSCALE,
    UNKNOWN,
)  # fmt: skip

COMMON: Final = frozenset((MYSQL, MYSQL_57, MARIADB))
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

_CLOUD: Final = "On RDS, Aurora and other services it is a parameter of the service instead."
_PARAMETER: Final = (
    "  aws rds modify-db-{0}parameter-group --db-{0}parameter-group-name GROUP --parameters "
    "\"ParameterName={1},ParameterValue={2},ApplyMethod={3}\""
)
_AZURE: Final = "  az mysql flexible-server parameter set -g GROUP -s SERVER -n {0} -v {1}"
_FLAG: Final = "  gcloud sql instances patch INSTANCE --database-flags={0}={1}"
_PROXYSQL_SAVE: Final = "LOAD MYSQL VARIABLES TO RUNTIME; SAVE MYSQL VARIABLES TO DISK;"
_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384"
)


_CERTIFICATE: Final = (
    "ssl_ca = /etc/mysql/ca.pem", "ssl_cert = /etc/mysql/server-cert.pem", "ssl_key = /etc/mysql/server-key.pem",
)


def _in_file(names: str, *lines: str) -> str:
    """Return settings that a server takes from its configuration file at its start only."""
    listed = "\n".join(f"  {one}" for one in lines)
    return f"{names}, in the configuration file under [mysqld], and a restart:\n{listed}"


def _service(name: str, how: str, command: str) -> str:
    return f"{name}, {how}:\n{command}"


def _aws(name: str, variable: str, value: str, when: str = "immediate") -> str:
    """Return the command for Aurora (of the cluster) or RDS (of the instance)."""
    group = "cluster-" if name == AURORA else ""
    return f"{name}, in the parameter group:\n" + _PARAMETER.format(group, variable, value, when)


_LEGACY_REQUIRE: Final = (
    "{0}, which cannot ask everybody for it, for each account:\n  GRANT USAGE ON *.* TO 'user'@'host' REQUIRE SSL;"
)
_PROXYSQL_TLS: Final = (
    "ProxySQL, in its admin interface, for the users that connect to it (for its own way to the servers there is "
    "use_ssl in mysql_servers):\n"
    "  UPDATE mysql_users SET use_ssl = 1; LOAD MYSQL USERS TO RUNTIME; SAVE MYSQL USERS TO DISK;"
)
_MAXSCALE_TLS: Final = (
    "MaxScale, in the section of the listener (for its own way to the servers, of each server), and a restart:\n"
    "  ssl = true"
)

SETTINGS: Final[dict[str, dict[str, str]]] = {
    "require_tls": {
        MYSQL: "MySQL:\n  SET PERSIST require_secure_transport = ON;\n" + _CLOUD,
        MYSQL_57: "MySQL 5.7:\n  SET GLOBAL require_secure_transport = ON;\nand, so that it stays, in the "
                  "configuration file under [mysqld]:\n  require_secure_transport = ON\n" + _CLOUD,
        MYSQL_OLD: _LEGACY_REQUIRE.format(MYSQL_OLD),
        MARIADB: "MariaDB:\n  SET GLOBAL require_secure_transport = ON;\nand, so that it stays, in the configuration "
                 "file under [mysqld]:\n  require_secure_transport = ON",
        MARIADB_OLD: _LEGACY_REQUIRE.format(MARIADB_OLD),
        AURORA: _aws(AURORA, "require_secure_transport", "ON"),
        RDS: _aws(RDS, "require_secure_transport", "1"),
        RDS_PROXY: "RDS Proxy:\n  aws rds modify-db-proxy --db-proxy-name NAME --require-tls",
        AZURE: "Azure:\n" + _AZURE.format("require_secure_transport", "ON"),
        CLOUD_SQL: "Cloud SQL:\n  gcloud sql instances patch INSTANCE --ssl-mode=ENCRYPTED_ONLY",
        PROXYSQL: _PROXYSQL_TLS,
        MAXSCALE: _MAXSCALE_TLS,
        UNKNOWN: "MySQL 8.0 or newer:\n  SET PERSIST require_secure_transport = ON;\nMariaDB and MySQL 5.7 (and, so "
                 "that it stays, in the configuration file under [mysqld]):\n"
                 "  SET GLOBAL require_secure_transport = ON;\n" + _CLOUD,
    },
    "local_infile_off": {
        MYSQL: "MySQL:\n  SET PERSIST local_infile = OFF;",
        AURORA: _aws(AURORA, "local_infile", "0"),
        RDS: _aws(RDS, "local_infile", "0"),
        AZURE: "Azure:\n" + _AZURE.format("local_infile", "OFF"),
        CLOUD_SQL: _service(CLOUD_SQL, "a flag", _FLAG.format("local_infile", "off")),
        PROXYSQL: "At the servers behind ProxySQL:\n  SET GLOBAL local_infile = OFF;",
        MAXSCALE: "At the servers behind MaxScale:\n  SET GLOBAL local_infile = OFF;",
        UNKNOWN: "MySQL 8.0 or newer:\n  SET PERSIST local_infile = OFF;\nMariaDB and MySQL 5.7 (and, so that it "
                 "stays, in the configuration file under [mysqld]):\n  SET GLOBAL local_infile = OFF;",
        **dict.fromkeys(
            (MYSQL_57, MYSQL_OLD, MARIADB, MARIADB_OLD),
            "MariaDB and MySQL before 8.0:\n  SET GLOBAL local_infile = OFF;\nand, so that it stays, in the "
            "configuration file under [mysqld]:\n  local_infile = OFF",
        ),
    },
    "tls_versions": {
        MYSQL: "MySQL:\n  SET PERSIST tls_version = 'TLSv1.2,TLSv1.3'; ALTER INSTANCE RELOAD TLS;",
        MYSQL_57: _in_file("MySQL 5.7", "tls_version = TLSv1.2"),
        MYSQL_OLD: "MySQL before 5.7 knows TLS 1.0 only: a newer server is needed.",
        MARIADB: _in_file("MariaDB", "tls_version = TLSv1.2,TLSv1.3"),
        MARIADB_OLD: _in_file("MariaDB from 10.4.6 on (older ones: their OpenSSL decides)",
                              "tls_version = TLSv1.2,TLSv1.3"),
        AURORA: _aws(AURORA, "tls_version", "TLSv1.2", "pending-reboot"),
        RDS: _aws(RDS, "tls_version", "TLSv1.2", "pending-reboot"),
        RDS_PROXY: "RDS Proxy takes TLS 1.2 and newer; what is older is the client's or another server's.",
        AZURE: "Azure:\n" + _AZURE.format("tls_version", "TLSv1.2,TLSv1.3"),
        CLOUD_SQL: "Cloud SQL takes TLS 1.2 and newer; what is older is the client's or another server's.",
        PROXYSQL: "ProxySQL takes what its OpenSSL allows: update it, and set MinProtocol = TLSv1.2 in openssl.cnf.",
        MAXSCALE: "MaxScale, in the section of the listener, and a restart:\n  ssl_version = TLSv12,TLSv13",
        UNKNOWN: "MySQL 8.0 or newer:\n  SET PERSIST tls_version = 'TLSv1.2,TLSv1.3'; ALTER INSTANCE RELOAD TLS;\n"
                 + _in_file("MariaDB and MySQL 5.7", "tls_version = TLSv1.2"),
    },
    "tls_suites": {
        MYSQL: f"MySQL:\n  SET PERSIST ssl_cipher = '{_CIPHERS}'; ALTER INSTANCE RELOAD TLS;",
        **dict.fromkeys(
            (MYSQL_57, MYSQL_OLD, MARIADB, MARIADB_OLD),
            _in_file("MariaDB and MySQL before 8.0", f"ssl_cipher = {_CIPHERS}"),
        ),
        AURORA: _aws(AURORA, "ssl_cipher", _CIPHERS, "pending-reboot"),
        RDS: _aws(RDS, "ssl_cipher", _CIPHERS, "pending-reboot"),
        PROXYSQL: f"ProxySQL, in its admin interface:\n  SET mysql-ssl_p2s_cipher = '{_CIPHERS}'; "
                  + _PROXYSQL_SAVE + "\n(to the servers; for clients its OpenSSL decides).",
        MAXSCALE: f"MaxScale, in the section of the listener, and a restart:\n  ssl_cipher = {_CIPHERS}",
        UNKNOWN: f"MySQL 8.0 or newer:\n  SET PERSIST ssl_cipher = '{_CIPHERS}'; ALTER INSTANCE RELOAD TLS;\n"
                 + _in_file("MariaDB and MySQL 5.7", f"ssl_cipher = {_CIPHERS}"),
    },
    "offer_tls": {
        MYSQL: "MySQL makes a certificate of its own at its start unless auto_generate_certs is off. Set ssl_ca, "
               "ssl_cert and ssl_key (SET PERSIST) and load them:\n  ALTER INSTANCE RELOAD TLS;",
        MYSQL_57: _in_file("MySQL 5.7 (mysql_ssl_rsa_setup makes them in the data folder)", "ssl_ca = ca.pem",
                           "ssl_cert = server-cert.pem", "ssl_key = server-key.pem"),
        **dict.fromkeys(
            (MARIADB, MARIADB_OLD),
            _in_file("MariaDB (from 11.4 on it makes a certificate of its own)", *_CERTIFICATE),
        ),
        MYSQL_OLD: _in_file(MYSQL_OLD, *_CERTIFICATE),
        PROXYSQL: "ProxySQL, in its admin interface:\n  SET mysql-have_ssl = 'true'; "
                  + _PROXYSQL_SAVE,
        MAXSCALE: "MaxScale, in the section of the listener, and a restart:\n  ssl = true\n"
                  "  ssl_cert = /etc/maxscale/cert.pem\n  ssl_key = /etc/maxscale/key.pem",
        UNKNOWN: "Give the server a certificate (ssl_ca, ssl_cert, ssl_key). MySQL 8.0 or newer then loads it:\n"
                 "  ALTER INSTANCE RELOAD TLS;\nMariaDB, once the three are in its configuration file and it was "
                 "started again, loads a newer one:\n  FLUSH SSL;",
    },
    "account_password": {
        **dict.fromkeys(
            (MYSQL_OLD, MARIADB_OLD),
            "On the server:\n  SET PASSWORD FOR 'user'@'host' = PASSWORD('new password');",
        ),
        PROXYSQL: "At the servers behind ProxySQL, and in its own table of users:\n"
                  "  ALTER USER 'user'@'host' IDENTIFIED BY 'new password';",
        UNKNOWN: "On the server:\n  ALTER USER 'user'@'host' IDENTIFIED BY 'new password';",
    },
    "account_password_tls": {
        **dict.fromkeys(
            (MYSQL_OLD, MARIADB_OLD),
            "On the server:\n  GRANT USAGE ON *.* TO 'user'@'host' IDENTIFIED BY 'new password' REQUIRE SSL;",
        ),
        UNKNOWN: "On the server:\n  ALTER USER 'user'@'host' IDENTIFIED BY 'new password' REQUIRE SSL;",
    },
    "account_tls": {
        **dict.fromkeys(
            (MYSQL_OLD, MARIADB_OLD), "On the server:\n  GRANT USAGE ON *.* TO 'user'@'host' REQUIRE SSL;",
        ),
        PROXYSQL: _PROXYSQL_TLS,
        MAXSCALE: _MAXSCALE_TLS,
        UNKNOWN: "On the server:\n  ALTER USER 'user'@'host' REQUIRE SSL;",
    },
}  # fmt: skip


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


def told_by(connection: ConnectionResult) -> str | None:
    """Return what told which server it is: "name" (asked for in TLS), "version" (of the greeting), None if nothing."""
    version, tls = connection.server_version, connection.tls
    name = None if tls is None else tls.sni
    if name is not None and kind_of(None, name) != UNKNOWN:
        return "name"
    if version is None and tls is not None and tls.decrypted is not None:
        version = tls.decrypted.server_version
    return "version" if kind_of(version) != UNKNOWN else None


def fill(advice: str, kinds: Iterable[str] = ()) -> str:
    """Return advice with what these kinds of servers take in the place of each setting.

    With no kind, or too many, it is what most servers take.
    """
    found = set(kinds)
    if UNKNOWN in found:
        found -= COMMON  # the advice for an unknown one has theirs
    wanted = [kind for kind in KINDS if kind in found]
    if not wanted or len(wanted) > MAX_KINDS:
        wanted = [UNKNOWN]
    return "\n".join(line for text in advice.split("\n") for line in _lines(text, wanted))


def _lines(text: str, kinds: Sequence[str]) -> list[str]:
    found = _PLACE.fullmatch(text)
    if found is None:
        return [text]
    setting = SETTINGS[found[1]]
    lines: list[str] = []
    for said in dict.fromkeys(setting.get(kind, setting[UNKNOWN]) for kind in kinds):
        lines += said.split("\n")
    return lines
