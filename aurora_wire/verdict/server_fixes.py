"""What each kind of server takes for each setting: text to paste. The one table of findings and `aurora-wire fix`.

Sources: MySQL 8.4 Reference Manual, "Server System Variables" (require_secure_transport from 5.7.8 on), "SET Syntax
for Variable Assignment" (PERSIST from 8.0 on), "ALTER INSTANCE Statement"; MariaDB documentation, "SSL/TLS System
Variables" (require_secure_transport from 10.5.2 on); AWS documentation of RDS, Aurora and RDS Proxy; Microsoft's and
Google's of their services; ProxySQL documentation, "mysql_users", "SSL Configuration"; MaxScale documentation, "TLS/SSL
Encryption". What is for MariaDB and MySQL is run on real servers by tests/real.
"""

from __future__ import annotations

from typing import Final

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
        **dict.fromkeys(
            (AURORA, RDS, RDS_PROXY, AZURE, CLOUD_SQL),
            "The service offers TLS by itself, with a certificate of its own. Where it does not arrive, something on "
            "the way takes the offer out of the greeting: look at proxies and load balancers in between.",
        ),
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
    "certificate": {
        **dict.fromkeys((AURORA, RDS), "Amazon's own certificate is renewed so (list: aws rds describe-certificates):\n"
                        "  aws rds modify-db-instance --db-instance-identifier NAME "
                        "--ca-certificate-identifier rds-ca-rsa2048-g1 --apply-immediately"),
        **dict.fromkeys((RDS_PROXY, AZURE, CLOUD_SQL), "The service renews its certificates itself: look for events of "
                        "maintenance, and whether clients have today's file of authorities."),
        PROXYSQL: "ProxySQL: put them into its data folder as proxysql-ca.pem, proxysql-cert.pem and proxysql-key.pem, "
                  "then in its admin interface:\n  PROXYSQL RELOAD TLS;",
        MAXSCALE: "MaxScale, in the section of the listener, and a restart:\n"
                  "  ssl_cert = /etc/maxscale/cert.pem\n  ssl_key = /etc/maxscale/key.pem",
        MYSQL: _in_file(MYSQL, *_CERTIFICATE) + "\nor, where the files were replaced, without a restart:\n"
               "  ALTER INSTANCE RELOAD TLS;",
        **dict.fromkeys((MYSQL_57, MYSQL_OLD, MARIADB_OLD), _in_file("MariaDB and MySQL before 8.0", *_CERTIFICATE)),
        MARIADB: _in_file(MARIADB, *_CERTIFICATE) + "\nor, where the files were replaced, without a restart:\n"
                 "  FLUSH SSL;",
        UNKNOWN: _in_file("The server", *_CERTIFICATE) + "\nor, where the files were replaced, without a restart "
                 "(MySQL 8.0.16 and newer: ALTER INSTANCE RELOAD TLS; MariaDB: FLUSH SSL).",
    },
    "replication_tls": {
        **dict.fromkeys(
            (MYSQL_57, MYSQL_OLD, MARIADB, MARIADB_OLD),
            "On the replica:\n  STOP SLAVE; CHANGE MASTER TO MASTER_SSL = 1; START SLAVE;",
        ),
        **dict.fromkeys(
            (AURORA, RDS),
            "On the replica, with the source's authority (mysql.rds_import_binlog_ssl_material) and ssl_encryption 1:\n"
            "  CALL mysql.rds_set_external_source('HOST', 3306, 'USER', 'PASSWORD', 'BINLOG', 4, 1);",
        ),
        UNKNOWN: "On the replica, MySQL 8.0.23 and newer (older ones, and MariaDB: MASTER_SSL in CHANGE MASTER TO):\n"
                 "  STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_SSL = 1; START REPLICA;",
        MYSQL: "On the replica:\n  STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_SSL = 1; START REPLICA;",
    },
    "account_hash": {
        **dict.fromkeys(
            (MARIADB, MARIADB_OLD),
            "Give these accounts a new password under a plugin of today's:\n"
            "  SET PASSWORD FOR 'user'@'host' = PASSWORD('new password');",
        ),
        MYSQL_OLD: "Give these accounts a new password:\n"
                   "  SET old_passwords = 0; SET PASSWORD FOR 'user'@'host' = PASSWORD('new password');",
        MYSQL_57: "Give these accounts a new password under a plugin of today's:\n"
                  "  ALTER USER 'user'@'host' IDENTIFIED WITH sha256_password BY 'new password';",
        UNKNOWN: "Give these accounts a new password under a plugin of today's:\n"
                 "  ALTER USER 'user'@'host' IDENTIFIED WITH caching_sha2_password BY 'new password';",
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


# What else can be pasted, form by form, is in FORMS.
def _terraform(name: str, variable: str, value: str, when: str = "immediate") -> str:
    kind, family = ("rds_cluster", "aurora-mysql8.0") if name == AURORA else ("db", "mysql8.0")
    return (
        f'resource "aws_{kind}_parameter_group" "tls" {{\n  family = "{family}"\n\n  parameter {{\n'
        f'    name         = "{variable}"\n    value        = "{value}"\n    apply_method = "{when}"\n  }}\n}}'
    )


def _cloudformation(name: str, variable: str, value: str) -> str:
    kind, family = ("DBCluster", "aurora-mysql8.0") if name == AURORA else ("DB", "mysql8.0")
    return (
        f"TLSParameters:\n  Type: AWS::RDS::{kind}ParameterGroup\n  Properties:\n    Description: TLS\n"
        f'    Family: {family}\n    Parameters:\n      {variable}: "{value}"'
    )


_MY_CNF: Final = "configuration file, under [mysqld]"
FORMS: Final[dict[str, dict[str, dict[str, str]]]] = {
    "require_tls": {
        MYSQL: {_MY_CNF: "require_secure_transport = ON"},
        AURORA: {
            "Terraform": _terraform(AURORA, "require_secure_transport", "ON"),
            "CloudFormation": _cloudformation(AURORA, "require_secure_transport", "ON"),
        },
        RDS: {
            "Terraform": _terraform(RDS, "require_secure_transport", "1"),
            "CloudFormation": _cloudformation(RDS, "require_secure_transport", "1"),
        },
        RDS_PROXY: {
            "Terraform, in the aws_db_proxy": "require_tls = true",
            "CloudFormation, in the AWS::RDS::DBProxy": "RequireTLS: true",
        },
        AZURE: {
            "Terraform": 'resource "azurerm_mysql_flexible_server_configuration" "tls" {\n'
                         '  name                = "require_secure_transport"\n  resource_group_name = "GROUP"\n'
                         '  server_name         = "SERVER"\n  value               = "ON"\n}',
        },
        CLOUD_SQL: {
            "Terraform, in ip_configuration of the google_sql_database_instance": 'ssl_mode = "ENCRYPTED_ONLY"',
        },
    },
    "tls_versions": {
        MYSQL: {_MY_CNF: "tls_version = TLSv1.2,TLSv1.3"},
        AURORA: {
            "Terraform": _terraform(AURORA, "tls_version", "TLSv1.2", "pending-reboot"),
            "CloudFormation": _cloudformation(AURORA, "tls_version", "TLSv1.2"),
        },
        RDS: {
            "Terraform": _terraform(RDS, "tls_version", "TLSv1.2", "pending-reboot"),
            "CloudFormation": _cloudformation(RDS, "tls_version", "TLSv1.2"),
        },
    },
    "tls_suites": {MYSQL: {_MY_CNF: f"ssl_cipher = {_CIPHERS}"}},
    "local_infile_off": {MYSQL: {_MY_CNF: "local_infile = OFF"}},
}  # fmt: skip

# What each setting is for, in the order of `aurora-wire fix`.
PURPOSES: Final = {
    "offer_tls": "offer TLS",
    "require_tls": "refuse connections in the clear",
    "account_tls": "let an account come by TLS only",
    "tls_versions": "take TLS 1.2 and newer only",
    "tls_suites": "take strong cipher suites only (up to TLS 1.2)",
    "certificate": "use another certificate",
    "replication_tls": "replicate through TLS",
    "local_infile_off": "not ask clients for files",
    "account_password": "change a password",
    "account_password_tls": "change a password, and let its account come by TLS only",
    "account_hash": "replace a password's hash of before MySQL 4.1",
}
# Where each kind is documented.
MANUALS: Final = {
    MYSQL: ("MySQL 8.4 Reference Manual, Using Encrypted Connections",
            "https://dev.mysql.com/doc/refman/8.4/en/encrypted-connections.html"),
    MYSQL_57: ("MySQL 5.7 Reference Manual, Using Encrypted Connections",
               "https://docs.oracle.com/cd/E17952_01/mysql-5.7-en/encrypted-connections.html"),
    MYSQL_OLD: ("MySQL 5.6 Reference Manual, Using Encrypted Connections",
                "https://docs.oracle.com/cd/E17952_01/mysql-5.6-en/encrypted-connections.html"),
    MARIADB: ("MariaDB documentation, Securing Connections for Client and Server",
              "https://mariadb.com/kb/en/securing-connections-for-client-and-server/"),
    MARIADB_OLD: ("MariaDB documentation, SSL/TLS System Variables",
                  "https://mariadb.com/kb/en/ssltls-system-variables/"),
    AURORA: ("Amazon Aurora User Guide, Security with Amazon Aurora MySQL",
             "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Security.html"),
    RDS: ("Amazon RDS User Guide, Requiring SSL/TLS for all connections to a MySQL DB instance",
          "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html"),
    RDS_PROXY: ("Amazon RDS User Guide, RDS Proxy, Using TLS/SSL with RDS Proxy",
                "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html"),
    AZURE: ("Azure Database for MySQL, Connect with encrypted connections",
            "https://learn.microsoft.com/en-us/azure/mysql/flexible-server/how-to-connect-tls-ssl"),
    CLOUD_SQL: ("Cloud SQL for MySQL, Configure SSL/TLS certificates",
                "https://cloud.google.com/sql/docs/mysql/configure-ssl-instance"),
    PROXYSQL: ("ProxySQL documentation, SSL Support", "https://proxysql.com/documentation/ssl-support/"),
    MAXSCALE: ("MariaDB documentation, Enabling TLS on MaxScale",
               "https://mariadb.com/docs/security/data-in-transit-encryption/maxscale/enable-tls/"),
    UNKNOWN: ("MySQL 8.4 Reference Manual, Using Encrypted Connections",
              "https://dev.mysql.com/doc/refman/8.4/en/encrypted-connections.html"),
}  # fmt: skip
