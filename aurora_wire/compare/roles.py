"""On which leg a connection is: application, proxy, replication or monitoring. By what it does, else by its names.

Names are a guess, and the output says by what each was told. Sources: MySQL 8.4 Reference Manual, "Replication";
ProxySQL, HAProxy, MaxScale, mysqld_exporter, Percona PMM, Zabbix, Datadog documentation for their usual accounts.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from aurora_wire.verdict.result import ConnectionResult

APPLICATION: Final = "application"
PROXY: Final = "proxy"
REPLICATION: Final = "replication"
MONITORING: Final = "monitoring"

REPLICATION_COMMANDS: Final = frozenset(
    {"COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID", "COM_REGISTER_SLAVE", "COM_TABLE_DUMP", "COM_CLONE",
     "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM"}
)  # fmt: skip
CHECKS: Final = frozenset({"COM_PING", "COM_STATISTICS", "COM_QUIT", "COM_PROCESS_INFO"})

# Parts of program names and accounts, in small letters.
PROXIES: Final = ("proxysql", "maxscale", "mysqlrouter", "mysql router", "haproxy", "rds proxy", "rdsproxy")
MONITORS: Final = ("exporter", "monitor", "pmm", "zabbix", "zbx", "datadog", "telegraf", "nagios", "newrelic",
                   "haproxy_check", "check_mysql", "prometheus", "rdsadmin", "healthcheck", "health_check")  # fmt: skip
REPLICATION_PROGRAMS: Final = ("mysqlbinlog", "debezium", "maxwell", "canal", "mysql-binlog-connector")


def tell_leg(c: ConnectionResult, servers: Container[str]) -> tuple[str, str]:
    """Return the leg, and by what it was told. servers: addresses that other connections reach as a server's."""
    if REPLICATION_COMMANDS.intersection(c.commands):
        names = sorted(REPLICATION_COMMANDS.intersection(c.commands))
        return REPLICATION, f"by its command {names[0]}"
    if c.replication is not None or c.clone is not None:
        return REPLICATION, "by what it carries"
    program = " ".join(
        c.attributes.get(key, "").lower() for key in ("program_name", "_connector_name", "_client_name")
    )
    user = (c.user or "").lower()
    for leg, words in ((REPLICATION, REPLICATION_PROGRAMS), (MONITORING, MONITORS), (PROXY, PROXIES)):
        for word in words:
            if word in program:
                return leg, "by its program"
            if word in user:
                return leg, "by its user"
    if c.proxy is not None:
        return PROXY, "by its PROXY header"
    if c.client.address in servers and c.client.address != c.server.address:
        return PROXY, "its host is a server to others here"
    if c.commands and CHECKS.issuperset(c.commands):
        return MONITORING, "it only checks that the server is there"
    return APPLICATION, "nothing says that it is anything else"
