"""Which driver a client is, by the attributes that it sends, and the option that makes it insist on TLS. Data.

Sources: MySQL 8.4 Reference Manual, "Performance Schema Connection Attribute Tables", "Using Encrypted Connections",
"CHANGE REPLICATION SOURCE TO"; each driver's own documentation of its TLS options and the attributes in its source.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Driver(NamedTuple):
    """attribute: what `_connector_name`, `_client_name` or `program_name` begins with, in small letters."""

    attribute: str
    name: str
    option: str


# The first that fits counts: special ones before general ones. The last two are under most command-line programs,
# and under the drivers of Python (mysqlclient), Ruby, Perl and others.
DRIVERS: Final = (
    Driver("mysql-connector-python", "MySQL Connector/Python", "ssl_ca='CA.pem', ssl_verify_identity=True"),
    Driver("pymysql", "PyMySQL", "ssl_ca='CA.pem', ssl_verify_identity=True"),
    Driver("aiomysql", "aiomysql", "ssl=ssl.create_default_context(cafile='CA.pem')"),
    Driver("asyncmy", "asyncmy", "ssl=ssl.create_default_context(cafile='CA.pem')"),
    Driver("mysql connector/j", "MySQL Connector/J",
           "sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:CA.p12 in the JDBC URL"),
    Driver("mysql connector java", "MySQL Connector/J 5.1",
           "useSSL=true&requireSSL=true&verifyServerCertificate=true in the JDBC URL; better: Connector/J 8 or later"),
    Driver("mariadb connector/j", "MariaDB Connector/J",
           "sslMode=verify-full&serverSslCert=CA.pem in the JDBC URL (2.x: useSsl=true&serverSslCert=CA.pem)"),
    Driver("mariadb connector/node", "MariaDB Connector/Node.js", "ssl: {ca: fs.readFileSync('CA.pem')}"),
    Driver("node-mysql", "mysql2 (Node.js)", "ssl: {ca: fs.readFileSync('CA.pem')}"),
    Driver("go-mysql-driver", "Go-MySQL-Driver", "tls=true in the DSN (own CA: mysql.RegisterTLSConfig)"),
    Driver("mysqlconnector", "MySqlConnector (.NET)", "SslMode=VerifyFull;SslCa=CA.pem"),
    Driver("mysql-connector-net", "MySQL Connector/NET", "SslMode=VerifyFull;SslCa=CA.pem"),
    Driver("mysqlnd", "PHP mysqlnd",
           "PDO::MYSQL_ATTR_SSL_CA => 'CA.pem'; mysqli: ssl_set() and MYSQLI_CLIENT_SSL"),
    Driver("rust-mysql", "mysql (Rust)", "SslOpts with the root certificate (OptsBuilder::ssl_opts)"),
    Driver("mysql_async", "mysql_async (Rust)", "require_ssl=true&verify_ca=true&verify_identity=true in the URL"),
    Driver("mysql-connector-odbc", "MySQL Connector/ODBC", "SSLMODE=VERIFY_IDENTITY;SSLCA=CA.pem in the DSN"),
    Driver("mysql-connector-cpp", "MySQL Connector/C++", "OPT_SSL_MODE=SSL_MODE_VERIFY_IDENTITY, sslCA=CA.pem"),
    Driver("maodbc", "MariaDB Connector/ODBC", "FORCETLS=1;SSLCA=CA.pem;SSLVERIFY=1 in the DSN"),
    Driver("mysql-shell", "MySQL Shell", "--ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem"),
    Driver("libmariadb", "MariaDB Connector/C",
           "--ssl --ssl-ca=CA.pem --ssl-verify-server-cert; the same in [client] of its option file; "
           "MYSQL_OPT_SSL_ENFORCE"),
    Driver("libmysql", "libmysqlclient",
           "--ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem; the same in [client] of its option file; "
           "MYSQL_OPT_SSL_MODE"),
)  # fmt: skip

UNKNOWN: Final = Driver("", "not known", "the driver's option to require TLS and to verify the server's identity")

# For who is no driver of an application.
LEG_OPTIONS: Final = {
    "replication": "CHANGE REPLICATION SOURCE TO SOURCE_SSL=1, SOURCE_SSL_CA='CA.pem', SOURCE_SSL_VERIFY_SERVER_CERT=1 "
                   "(MariaDB: MASTER_SSL=1, MASTER_SSL_CA, MASTER_SSL_VERIFY_SERVER_CERT=1)",
    "proxy": "TLS towards the server: ProxySQL use_ssl=1 in mysql_servers; MaxScale ssl=true in the [server] section; "
             "MySQL Router server_ssl_mode=VERIFY_IDENTITY",
}  # fmt: skip


def driver_of(attributes: dict[str, str]) -> Driver:
    for key in ("_connector_name", "_client_name2", "_client_name", "program_name"):
        value = attributes.get(key, "").lower()
        for driver in DRIVERS:
            if value.startswith(driver.attribute) and value:
                return driver
    return UNKNOWN


def version_of(attributes: dict[str, str]) -> str:
    """Return the driver's version from its connection attributes; empty if it sends none."""
    return attributes.get("_connector_version") or attributes.get("_client_version") or ""
