"""What to paste where, for each client: one table, for findings, `impact` and `aurora-wire fix`.

A client is known by the connection attributes that it sends. Each text makes it insist on TLS and verify whom it talks
to; `leaks` is what a configuration says whose sessions cross in the clear. The tests put both, as they stand here, into
programs, and have `prove` judge what crosses.

Sources: the documentation that each entry names; MySQL 8.4 Reference Manual, "Performance Schema Connection Attribute
Tables"; the attributes in each client's source.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from aurora_wire.immutable import immutable

CA: Final = "/etc/mysql/ca.pem"  # the file of authorities in all texts
NOTHING: Final = ""              # a configuration that says nothing of TLS


@immutable
class Form:
    """One place to configure a client. where: in words, goes before the text; text: lines to paste, with CA in it.

    leaks: what stands there where sessions cross in the clear, NOTHING: no word of TLS.
    """

    where: str
    text: str
    leaks: str = NOTHING


@immutable
class ClientFix:
    """One client. key: as users type it; option: the fix in one line; manual, address: where it is documented.

    note: what the texts cannot do, empty: nothing is known.

    attributes: what `_connector_name`, `_client_name` or `program_name` begins with, in small letters: the first
    is told by; none: it sends what its library sends.
    """

    key: str
    name: str
    attributes: tuple[str, ...]
    option: str
    forms: tuple[Form, ...]
    manual: str
    address: str
    note: str = ""


_MYSQL_OPTIONS: Final = "https://dev.mysql.com/doc/refman/8.4/en/connection-options.html"
_MARIADB_TLS: Final = "https://mariadb.com/kb/en/securing-connections-for-client-and-server/"
_PHP: Final = "https://www.php.net/manual/en/"
_CONTEXT: Final = f'ssl=ssl.create_default_context(cafile="{CA}")'
_IN_DSN: Final = "in the connection string"
_IN_URL: Final = "at the end of the JDBC URL"

# The first whose attribute fits counts: special ones before general ones. The last two are under most command-line
# programs, and under the clients of Python (mysqlclient), Ruby, Perl and others.
CLIENTS: Final = (
    ClientFix(
        "connector-python", "MySQL Connector/Python", ("mysql-connector-python",),
        "ssl_ca='CA.pem', ssl_verify_identity=True",
        (Form(
            "in the call of mysql.connector.connect",
            f'ssl_ca="{CA}", ssl_verify_cert=True, ssl_verify_identity=True', "ssl_disabled=True",
        ),),
        "MySQL Connector/Python Developer Guide, Connection Arguments",
        "https://dev.mysql.com/doc/connector-python/en/connector-python-connectargs.html",
    ),
    ClientFix(
        "pymysql", "PyMySQL", ("pymysql",),
        "ssl_ca='CA.pem', ssl_verify_identity=True",
        (Form(
            "in the call of pymysql.connect", f'ssl_ca="{CA}", ssl_verify_cert=True, ssl_verify_identity=True',
            "ssl_disabled=True",
        ),),
        "PyMySQL documentation, Connection Object",
        "https://pymysql.readthedocs.io/en/latest/modules/connections.html",
    ),
    ClientFix(
        "sqlalchemy", "SQLAlchemy", (),
        "?ssl_ca=CA.pem at the end of the URL (mysql+pymysql)",
        (Form("at the end of the URL, with PyMySQL (mysql+pymysql://...)", f"?ssl_ca={CA}", "?ssl_disabled=true"),),
        "SQLAlchemy documentation, MySQL and MariaDB, SSL Connections",
        "https://docs.sqlalchemy.org/en/20/dialects/mysql.html#ssl-connections",
    ),
    ClientFix(
        "aiomysql", "aiomysql", ("aiomysql",),
        "ssl=ssl.create_default_context(cafile='CA.pem')",
        (Form("in the call of aiomysql.connect or create_pool", _CONTEXT),),
        "aiomysql documentation, Connection",
        "https://aiomysql.readthedocs.io/en/stable/connection.html",
        "It goes on in the clear where the server offers no TLS: let the account require it, or use asyncmy.",
    ),
    ClientFix(
        "asyncmy", "asyncmy", ("asyncmy",),
        "ssl=ssl.create_default_context(cafile='CA.pem')",
        (Form("in the call of asyncmy.connect or create_pool", _CONTEXT),),
        "asyncmy, README", "https://github.com/long2ice/asyncmy",
    ),
    ClientFix(
        "mysqlclient", "mysqlclient (Python)", (),
        'ssl_mode="VERIFY_IDENTITY", ssl={"ca": "CA.pem"}',
        (Form(
            "in the call of MySQLdb.connect", f'ssl_mode="VERIFY_IDENTITY", ssl={{"ca": "{CA}"}}',
            'ssl_mode="DISABLED"',
        ),),
        "mysqlclient documentation, Functions and attributes",
        "https://mysqlclient.readthedocs.io/user_guide.html#functions-and-attributes",
    ),
    ClientFix(
        "django", "Django", (),
        '"OPTIONS": {"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": "CA.pem"}}',
        (Form(
            "in settings.py, in the database's entry of DATABASES",
            f'"OPTIONS": {{"ssl_mode": "VERIFY_IDENTITY", "ssl": {{"ca": "{CA}"}}}},',
        ),),
        "Django documentation, Databases, Connecting to the database",
        "https://docs.djangoproject.com/en/stable/ref/databases/#connecting-to-the-database",
    ),
    ClientFix(
        "mysql-connector-j", "MySQL Connector/J", ("mysql connector/j",),
        "sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:CA.p12 in the JDBC URL",
        (Form(
            f"{_IN_URL} (the key store: keytool -importcert -noprompt -alias db -file {CA} -keystore "
            "/etc/mysql/ca.p12 -storetype PKCS12 -storepass changeit)",
            "?sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:/etc/mysql/ca.p12"
            "&trustCertificateKeyStoreType=PKCS12&trustCertificateKeyStorePassword=changeit",
            "?sslMode=DISABLED",
        ),),
        "MySQL Connector/J Developer Guide, Connecting Securely Using SSL",
        "https://dev.mysql.com/doc/connector-j/en/connector-j-reference-using-ssl.html",
    ),
    ClientFix(
        "mysql-connector-j-5", "MySQL Connector/J 5.1", ("mysql connector java",),
        "useSSL=true&requireSSL=true&verifyServerCertificate=true in the JDBC URL; better: Connector/J 8 or later",
        (Form(
            f"{_IN_URL} (it verifies the authority and not the name: better is Connector/J 8 or later)",
            "?useSSL=true&requireSSL=true&verifyServerCertificate=true", "?useSSL=false",
        ),),
        "MySQL Connector/J Developer Guide, Connecting Securely Using SSL",
        "https://dev.mysql.com/doc/connector-j/en/connector-j-reference-using-ssl.html",
    ),
    ClientFix(
        "connector-j", "MariaDB Connector/J", ("mariadb connector/j",),
        "sslMode=verify-full&serverSslCert=CA.pem in the JDBC URL (2.x: useSsl=true&serverSslCert=CA.pem)",
        (
            Form(f"{_IN_URL}, from 3.0 on", f"?sslMode=verify-full&serverSslCert={CA}"),
            Form(f"{_IN_URL}, up to 2.7", f"?useSsl=true&serverSslCert={CA}"),
        ),
        "MariaDB documentation, Using TLS/SSL with MariaDB Connector/J",
        "https://mariadb.com/kb/en/using-tls-ssl-with-mariadb-java-connector/",
    ),
    ClientFix(
        "aws-jdbc", "AWS Advanced JDBC Wrapper", (),
        "the options of the driver that it wraps, in its URL",
        (Form(
            f"{_IN_URL} (jdbc:aws-wrapper:mysql://...: those of the driver that it wraps; the key store as for "
            "MySQL Connector/J)",
            "?sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:/etc/mysql/ca.p12"
            "&trustCertificateKeyStoreType=PKCS12&trustCertificateKeyStorePassword=changeit",
            "?sslMode=DISABLED",
        ),),
        "AWS Advanced JDBC Wrapper, Using the Driver",
        "https://github.com/aws/aws-advanced-jdbc-wrapper/blob/main/docs/using-the-jdbc-driver/UsingTheJdbcDriver.md",
    ),
    ClientFix(
        "mariadb-node", "MariaDB Connector/Node.js", ("mariadb connector/node",),
        "ssl: {ca: fs.readFileSync('CA.pem')}",
        (Form("in the call of mariadb.createConnection or createPool", f"ssl: {{ ca: fs.readFileSync('{CA}') }}"),),
        "MariaDB Connector/Node.js, Connection options",
        "https://github.com/mariadb-corporation/mariadb-connector-nodejs/blob/main/documentation/promise-api.md",
    ),
    ClientFix(
        "mysql2", "mysql2 (Node.js)", ("node-mysql",),
        "ssl: {ca: fs.readFileSync('CA.pem'), verifyIdentity: true}",
        (Form(
            "in the call of mysql.createConnection or createPool",
            f"ssl: {{ ca: fs.readFileSync('{CA}'), verifyIdentity: true }}",
        ),),
        "MySQL2 documentation, SSL", "https://sidorares.github.io/node-mysql2/docs/documentation/ssl",
    ),
    ClientFix(
        "go", "Go-MySQL-Driver", ("go-mysql-driver",),
        "tls=true in the DSN (own CA: mysql.RegisterTLSConfig)",
        (Form(
            "before sql.Open (crypto/tls, crypto/x509, os), and ?tls=db at the end of the DSN; with a public "
            "authority ?tls=true alone",
            f'authorities, err := os.ReadFile("{CA}")\n'
            "if err != nil {\n\tlog.Fatal(err)\n}\n"
            "pool := x509.NewCertPool()\n"
            "pool.AppendCertsFromPEM(authorities)\n"
            'mysql.RegisterTLSConfig("db", &tls.Config{RootCAs: pool})',
        ),),
        "Go-MySQL-Driver, README, tls", "https://github.com/go-sql-driver/mysql#tls",
    ),
    ClientFix(
        "mysqlconnector-net", "MySqlConnector (.NET)", ("mysqlconnector",),
        "SslMode=VerifyFull;SslCa=CA.pem",
        (Form(_IN_DSN, f"SslMode=VerifyFull;SslCa={CA}", "SslMode=None"),),
        "MySqlConnector, Connection String Options", "https://mysqlconnector.net/connection-options/",
    ),
    ClientFix(
        "connector-net", "MySQL Connector/NET", ("mysql-connector-net",),
        "SslMode=VerifyFull;SslCa=CA.pem",
        (Form(_IN_DSN, f"SslMode=VerifyFull;SslCa={CA}", "SslMode=Disabled"),),
        "MySQL Connector/NET Developer Guide, Connection Options",
        "https://dev.mysql.com/doc/connector-net/en/connector-net-connection-options.html",
    ),
    ClientFix(
        "php", "PHP (mysqli, PDO)", ("mysqlnd",),
        "PDO::MYSQL_ATTR_SSL_CA => 'CA.pem'; mysqli: ssl_set() and MYSQLI_CLIENT_SSL",
        (
            Form(
                "PDO, in the options (the fourth argument)",
                f"PDO::MYSQL_ATTR_SSL_CA => '{CA}', PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true",
            ),
            Form(
                "mysqli, between mysqli_init and real_connect, which is given MYSQLI_CLIENT_SSL as its last argument",
                "$db->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, true);\n"
                f"$db->ssl_set(null, null, '{CA}', null, null);",
            ),
        ),
        "PHP manual, mysqli::ssl_set, and PDO driver MySQL", f"{_PHP}mysqli.ssl-set.php",
    ),
    ClientFix(
        "rust", "mysql (Rust)", ("rust-mysql",),
        "SslOpts with the root certificate (OptsBuilder::ssl_opts)",
        (Form(
            "before the pool is made (OptsBuilder)",
            f'.ssl_opts(SslOpts::default().with_root_cert_path(Some(std::path::Path::new("{CA}"))))',
        ),),
        "mysql, SslOpts", "https://docs.rs/mysql/latest/mysql/struct.SslOpts.html",
    ),
    ClientFix(
        "mysql-async", "mysql_async (Rust)", ("mysql_async",),
        "require_ssl=true&verify_ca=true&verify_identity=true in the URL",
        (Form("at the end of the URL", "?require_ssl=true&verify_ca=true&verify_identity=true"),),
        "mysql_async, URL parameters", "https://docs.rs/mysql_async/latest/mysql_async/",
    ),
    ClientFix(
        "sqlx", "SQLx (Rust)", (),
        "?ssl-mode=VERIFY_IDENTITY&ssl-ca=CA.pem at the end of the URL",
        (Form("at the end of the URL", f"?ssl-mode=VERIFY_IDENTITY&ssl-ca={CA}", "?ssl-mode=DISABLED"),),
        "SQLx, MySqlConnectOptions",
        "https://docs.rs/sqlx/latest/sqlx/mysql/struct.MySqlConnectOptions.html",
    ),
    ClientFix(
        "odbc", "MySQL Connector/ODBC", ("mysql-connector-odbc",),
        "SSLMODE=VERIFY_IDENTITY;SSLCA=CA.pem in the DSN",
        (Form(_IN_DSN, f"SSLMODE=VERIFY_IDENTITY;SSLCA={CA}", "SSLMODE=DISABLED"),),
        "MySQL Connector/ODBC Developer Guide, Connection Parameters",
        "https://dev.mysql.com/doc/connector-odbc/en/connector-odbc-configuration-connection-parameters.html",
    ),
    ClientFix(
        "cpp", "MySQL Connector/C++", ("mysql-connector-cpp",),
        "OPT_SSL_MODE=SSL_MODE_VERIFY_IDENTITY, sslCA=CA.pem",
        (
            Form(
                "among the connection options (JDBC API)",
                f'options["OPT_SSL_MODE"] = sql::SSL_MODE_VERIFY_IDENTITY;\noptions["sslCA"] = "{CA}";',
                'options["OPT_SSL_MODE"] = sql::SSL_MODE_DISABLED;',
            ),
            Form(
                "among the connection options, of 1.1 over MariaDB's library (Debian), which takes no mode",
                f'options["sslEnforce"] = true;\noptions["sslVerify"] = true;\noptions["sslCA"] = "{CA}";',
            ),
        ),
        "MySQL Connector/C++ Developer Guide, Connection Options",
        "https://dev.mysql.com/doc/connector-cpp/9.0/en/connector-cpp-legacy-connect-options.html",
    ),
    ClientFix(
        "mariadb-odbc", "MariaDB Connector/ODBC", ("maodbc",),
        "FORCETLS=1;SSLCA=CA.pem;SSLVERIFY=1 in the DSN",
        (Form(_IN_DSN, f"FORCETLS=1;SSLCA={CA};SSLVERIFY=1", "FORCETLS=0"),),
        "MariaDB documentation, MariaDB Connector/ODBC, Connection Parameters",
        "https://mariadb.com/kb/en/about-mariadb-connector-odbc/",
    ),
    ClientFix(
        "mysql-shell", "MySQL Shell", ("mysql-shell",),
        "--ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem",
        (Form("on the command line", f"--ssl-mode=VERIFY_IDENTITY --ssl-ca={CA}", "--ssl-mode=DISABLED"),),
        "MySQL Shell 8.4, Using Encrypted Connections",
        "https://dev.mysql.com/doc/mysql-shell/8.4/en/mysql-shell-encrypted-connections.html",
    ),
    ClientFix(
        "ruby", "mysql2 (Ruby)", (),
        "ssl_mode: :verify_identity, sslca: 'CA.pem'",
        (Form(
            "in the call of Mysql2::Client.new (the same in database.yml)",
            f"ssl_mode: :verify_identity, sslca: '{CA}', sslverify: true",
        ),),
        "mysql2, README, SSL/TLS options", "https://github.com/brianmario/mysql2#ssltls-options",
        "Up to 0.5.3 over MariaDB's library (Debian 12) it verifies the authority and not the name, and goes on in the "
        "clear where the server offers no TLS: let the account require it, or use a newer one.",
    ),
    ClientFix(
        "perl", "DBD::MariaDB (Perl)", (),
        "mariadb_ssl=1;mariadb_ssl_ca_file=CA.pem;mariadb_ssl_verify_server_cert=1 in the DSN",
        (Form(
            "at the end of the DSN (DBI:MariaDB:...)",
            f";mariadb_ssl=1;mariadb_ssl_ca_file={CA};mariadb_ssl_verify_server_cert=1",
        ),),
        "DBD::MariaDB, Class Methods, connect", "https://metacpan.org/pod/DBD::MariaDB#connect",
    ),
    ClientFix(
        "perl-mysql", "DBD::mysql (Perl)", (),
        "mysql_ssl=1;mysql_ssl_ca_file=CA.pem;mysql_ssl_verify_server_cert=1 in the DSN",
        (Form(
            "at the end of the DSN (DBI:mysql:...); built with MariaDB's library it refuses all TLS that is insisted "
            "on: DBD::MariaDB does not",
            f";mysql_ssl=1;mysql_ssl_ca_file={CA};mysql_ssl_verify_server_cert=1",
        ),),
        "DBD::mysql, Class Methods, connect", "https://metacpan.org/pod/DBD::mysql#connect",
    ),
    ClientFix(
        "mariadb", "MariaDB Connector/C", ("libmariadb",),
        "--ssl --ssl-ca=CA.pem --ssl-verify-server-cert; the same in [client] of its option file; "
        "MYSQL_OPT_SSL_ENFORCE",
        (
            Form("on the command line (mariadb, mariadb-dump, ...)", f"--ssl --ssl-ca={CA} --ssl-verify-server-cert",
                 "--skip-ssl"),
            Form("in ~/.my.cnf", f"[client-mariadb]\nssl\nssl-ca = {CA}\nssl-verify-server-cert",
                 "[client-mariadb]\nskip-ssl"),
        ),
        "MariaDB documentation, Securing Connections for Client and Server", _MARIADB_TLS,
    ),
    ClientFix(
        "mysql", "libmysqlclient", ("libmysql",),
        "--ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem; the same in [client] of its option file; "
        "MYSQL_OPT_SSL_MODE",
        (
            Form("on the command line (mysql, mysqldump, ...)", f"--ssl-mode=VERIFY_IDENTITY --ssl-ca={CA}",
                 "--ssl-mode=DISABLED"),
            Form("in ~/.my.cnf", f"[mysql]\nssl-mode = VERIFY_IDENTITY\nssl-ca = {CA}", "[mysql]\nssl-mode = DISABLED"),
        ),
        "MySQL 8.4 Reference Manual, Command Options for Encrypted Connections", _MYSQL_OPTIONS,
    ),
)  # fmt: skip
BY_KEY: Final = {client.key: client for client in CLIENTS}
MAX_CLIENTS: Final = 4   # told one by one; with more of them the advice for any client is shorter

_ANY: Final = (
    "Let the client insist on TLS: --ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem (MySQL), --ssl --ssl-ca=CA.pem "
    "--ssl-verify-server-cert (MariaDB), sslMode=VERIFY_IDENTITY (Connector/J). Others:\n"
    "  aurora-wire fix --client NAME"
)


def find_client(attributes: dict[str, str]) -> ClientFix | None:
    """Return which client sends these connection attributes; None: not known."""
    for key in ("_connector_name", "_client_name2", "_client_name", "program_name"):
        value = attributes.get(key)
        client = _named(value) if value else None
        if client is not None:
            return client
    return None


@lru_cache(maxsize=1024)  # a scan asks for each finding, and hears the same few names
def _named(value: str) -> ClientFix | None:
    lowered = value.lower()
    for client in CLIENTS:
        if lowered.startswith(client.attributes):
            return client
    return None


def client_advice(keys: Iterable[str]) -> str:
    """Return what to change in these clients; of none, or too many, what is true of most."""
    asked = set(keys)
    wanted = [client for client in CLIENTS if client.key in asked]
    if not wanted or len(wanted) > MAX_CLIENTS:
        return _ANY
    lines = []
    for client in wanted:
        for form in client.forms:
            lines.append(f"Let {client.name} insist on TLS, {form.where}:")
            lines += [f"  {line}" for line in form.text.expandtabs(4).split("\n")]
        lines += [client.note] if client.note else []
    return "\n".join(lines)
