"""Capability flags as one 64-bit number: bits 0-31 are MySQL's, 32 and above MariaDB's extended ones. Data.

Sources: mysql_com.h of MySQL 9 and MariaDB 11; MariaDB KB, "Connecting".
"""

from typing import Final

from mypy_extensions import i64

LONG_PASSWORD: Final[i64] = 1 << 0  # CLIENT_MYSQL: MariaDB clears it to announce extended flags
FOUND_ROWS: Final[i64] = 1 << 1
LONG_FLAG: Final[i64] = 1 << 2
CONNECT_WITH_DB: Final[i64] = 1 << 3
NO_SCHEMA: Final[i64] = 1 << 4
COMPRESS: Final[i64] = 1 << 5
ODBC: Final[i64] = 1 << 6
LOCAL_FILES: Final[i64] = 1 << 7
IGNORE_SPACE: Final[i64] = 1 << 8
PROTOCOL_41: Final[i64] = 1 << 9
INTERACTIVE: Final[i64] = 1 << 10
SSL: Final[i64] = 1 << 11
IGNORE_SIGPIPE: Final[i64] = 1 << 12
TRANSACTIONS: Final[i64] = 1 << 13
RESERVED: Final[i64] = 1 << 14
SECURE_CONNECTION: Final[i64] = 1 << 15
MULTI_STATEMENTS: Final[i64] = 1 << 16
MULTI_RESULTS: Final[i64] = 1 << 17
PS_MULTI_RESULTS: Final[i64] = 1 << 18
PLUGIN_AUTH: Final[i64] = 1 << 19
CONNECT_ATTRS: Final[i64] = 1 << 20
PLUGIN_AUTH_LENENC_CLIENT_DATA: Final[i64] = 1 << 21
CAN_HANDLE_EXPIRED_PASSWORDS: Final[i64] = 1 << 22
SESSION_TRACK: Final[i64] = 1 << 23
DEPRECATE_EOF: Final[i64] = 1 << 24
OPTIONAL_RESULTSET_METADATA: Final[i64] = 1 << 25
ZSTD_COMPRESSION_ALGORITHM: Final[i64] = 1 << 26
QUERY_ATTRIBUTES: Final[i64] = 1 << 27
MULTI_FACTOR_AUTHENTICATION: Final[i64] = 1 << 28
CAPABILITY_EXTENSION: Final[i64] = 1 << 29
SSL_VERIFY_SERVER_CERT: Final[i64] = 1 << 30
REMEMBER_OPTIONS: Final[i64] = 1 << 31

MARIADB_PROGRESS: Final[i64] = 1 << 32
MARIADB_COM_MULTI: Final[i64] = 1 << 33
MARIADB_STMT_BULK_OPERATIONS: Final[i64] = 1 << 34
MARIADB_EXTENDED_METADATA: Final[i64] = 1 << 35
MARIADB_CACHE_METADATA: Final[i64] = 1 << 36
MARIADB_BULK_UNIT_RESULTS: Final[i64] = 1 << 37

EXTENDED_MASK: Final[i64] = 0x3FFFFFFF  # 30 of the extended 32 bits are kept: the sum stays a positive i64
UNKNOWN: Final[i64] = -1  # the login was not captured: `-1 & flag` is the flag, so a test against it says yes

NAMES: Final = (
    "CLIENT_LONG_PASSWORD", "CLIENT_FOUND_ROWS", "CLIENT_LONG_FLAG", "CLIENT_CONNECT_WITH_DB",
    "CLIENT_NO_SCHEMA", "CLIENT_COMPRESS", "CLIENT_ODBC", "CLIENT_LOCAL_FILES", "CLIENT_IGNORE_SPACE",
    "CLIENT_PROTOCOL_41", "CLIENT_INTERACTIVE", "CLIENT_SSL", "CLIENT_IGNORE_SIGPIPE",
    "CLIENT_TRANSACTIONS", "CLIENT_RESERVED", "CLIENT_SECURE_CONNECTION", "CLIENT_MULTI_STATEMENTS",
    "CLIENT_MULTI_RESULTS", "CLIENT_PS_MULTI_RESULTS", "CLIENT_PLUGIN_AUTH", "CLIENT_CONNECT_ATTRS",
    "CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA", "CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS", "CLIENT_SESSION_TRACK",
    "CLIENT_DEPRECATE_EOF", "CLIENT_OPTIONAL_RESULTSET_METADATA", "CLIENT_ZSTD_COMPRESSION_ALGORITHM",
    "CLIENT_QUERY_ATTRIBUTES", "CLIENT_MULTI_FACTOR_AUTHENTICATION", "CLIENT_CAPABILITY_EXTENSION",
    "CLIENT_SSL_VERIFY_SERVER_CERT", "CLIENT_REMEMBER_OPTIONS",
)
MARIADB_NAMES: Final = (
    "MARIADB_CLIENT_PROGRESS", "MARIADB_CLIENT_COM_MULTI", "MARIADB_CLIENT_STMT_BULK_OPERATIONS",
    "MARIADB_CLIENT_EXTENDED_METADATA", "MARIADB_CLIENT_CACHE_METADATA", "MARIADB_CLIENT_BULK_UNIT_RESULTS",
)


def flag_names(flags: i64, from_mariadb: bool) -> list[str]:
    """Return the names of the flags that are set, lowest bit first; bits without a name are `BIT_n`.

    from_mariadb: name bit 0 as MariaDB does (CLIENT_MYSQL) and show the extended bits.
    """
    names: list[str] = []
    if flags < 0:
        return names
    bit: i64 = 0
    while bit < 32:
        if flags >> bit & 1:
            names.append("CLIENT_MYSQL" if bit == 0 and from_mariadb else NAMES[bit])
        bit += 1
    if not from_mariadb:
        return names
    while bit < 62:
        if flags >> bit & 1:
            extended: i64 = bit - 32
            names.append(MARIADB_NAMES[extended] if extended < 6 else f"BIT_{bit}")
        bit += 1
    return names
