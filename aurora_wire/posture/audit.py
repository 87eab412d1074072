"""What a server says of itself to somebody who logs in: its settings, who is connected, who may come in the clear.

Only statements that read: SHOW and SELECT. A poor account suffices; what it may not see is said, with the GRANT.
Sources: MySQL 8.4 Reference Manual, "Performance Schema threads Table", "CREATE USER", "Replication Connection
Configuration"; MariaDB Knowledge Base, "mysql.global_priv Table", "Performance Schema threads Table".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from aurora_wire.posture.assess import PostureFinding, compute_grade, expiry_findings, posture_finding, sort_findings
from aurora_wire.posture.database import Database, Denied, as_text, quoted
from aurora_wire.posture.target import Target
from aurora_wire.posture.variables import SHOWN, meaning, offers_obsolete
from aurora_wire.verdict.rules import posture as rules

MAX_ROWS: Final = 10_000  # accounts and connections that are listed; all are counted
_LIMIT: Final = f" LIMIT {MAX_ROWS}"
# Variables whose value is a secret: that there is one is told, and no more (MariaDB's ssl_passphrase).
SECRETS: Final = ("passphrase", "_password")
NOT_KEPT: Final = "(not kept)"

# Plugins that send the password as it is: safe within TLS alone.
CLEAR_PLUGINS: Final = frozenset({
    "mysql_clear_password", "authentication_ldap_simple", "authentication_pam", "pam", "dialog",
})  # fmt: skip
OLD_PLUGINS: Final = frozenset({"mysql_old_password"})
TLS_ONLY_PLUGINS: Final = frozenset({"AWSAuthenticationPlugin"})  # refuse a login without TLS by themselves
OWN_ACCOUNTS: Final = frozenset({
    "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "rdsadmin", "rdsrepladmin", "rdstopmgr",
})  # fmt: skip


@dataclass(slots=True)
class Setting:
    """One variable: the article's row, and what it means."""

    name: str
    value: str
    meaning: str


@dataclass(slots=True)
class Account:
    """One account that may log in. requires: what ssl_type asks for, empty: nothing; own: the server's own.

    unused: its host is a name, and the server resolves none (skip_name_resolve); set by `judge`.
    """

    user: str
    host: str
    requires: str
    plugin: str
    locked: bool
    own: bool
    unused: bool = False

    @property
    def is_local(self) -> bool:
        """Tell whether it can come from the server's own host alone."""
        return self.host in ("localhost", "127.0.0.1", "::1")

    @property
    def may_come_in_the_clear(self) -> bool:
        """Tell whether nothing of the account's own keeps it from coming over the network without TLS."""
        kept = self.locked or self.unused or self.own or self.is_local
        return not (kept or self.requires or self.plugin in TLS_ONLY_PLUGINS)


@dataclass(slots=True)
class Connected:
    """Sessions of one user from one host by one kind of connection: `SSL/TLS`, `TCP/IP`, `Socket`..."""

    user: str
    host: str
    kind: str
    count: int


@dataclass(slots=True)
class Channel:
    """One way on which this server fetches from another. tls: None where that cannot be told."""

    name: str
    source: str
    tls: bool | None


@dataclass(slots=True)
class AuditResult:
    """What the audit of one server found. connected and accounts are None where they could not be read.

    bound: what counts of the server's say where `connected` cannot be told; session: this session's own TLS version
    and cipher, empty: it is in the clear; not_after: when the certificate expires, None: not told.
    """

    target: Target
    time: datetime
    version: str = ""
    account: str = ""
    session: tuple[str, str] = ("", "")
    settings: list[Setting] = field(default_factory=list)
    not_after: datetime | None = None
    connected: list[Connected] | None = None
    bound: str = ""
    accounts: list[Account] | None = None
    account_count: int = 0
    channels: list[Channel] = field(default_factory=list)
    denied: list[Denied] = field(default_factory=list)
    findings: list[PostureFinding] = field(default_factory=list)
    grade: str = ""

    def setting(self, name: str) -> str:
        """Return a variable's value, empty where it is not there."""
        return next((each.value for each in self.settings if each.name.lower() == name), "")

    @property
    def requires_tls(self) -> bool:
        """Tell whether the server refuses whoever comes over the network without TLS."""
        return self.setting("require_secure_transport").upper() in ("ON", "1")


def audit(target: Target, database: Database) -> AuditResult:
    """Read what the account may, and judge it. Raises UsageError where the connection is lost."""
    found = AuditResult(target, datetime.now(UTC).replace(microsecond=0))
    found.version = database.value("SELECT VERSION()")
    found.account = database.user
    status = {name.lower(): value for name, value in database.pairs("SHOW SESSION STATUS LIKE 'Ssl\\_%'")}
    found.session = (status.get("ssl_version", ""), status.get("ssl_cipher", ""))
    found.not_after = _time(status.get("ssl_server_not_after", ""))
    _read_settings(found, database)
    _read_connected(found, database)
    _read_accounts(found, database)
    _read_channels(found, database)
    found.denied = database.denied
    judge(found)
    return found


def judge(found: AuditResult) -> None:
    """Set findings and grade by what was read."""
    found.findings = _findings(found)
    found.grade = compute_grade(found.findings)


def _read_settings(found: AuditResult, database: Database) -> None:
    pairs = dict(pair for statement in SHOWN for pair in database.pairs(statement))
    for name in sorted(pairs):
        if "performance_schema" not in name:
            value = NOT_KEPT if pairs[name] and name.lower().endswith(SECRETS) else pairs[name]
            found.settings.append(Setting(name, value, meaning(name, value)))


def _read_connected(found: AuditResult, database: Database) -> None:
    """Group the sessions that there are; where the server does not keep track, give the bound that its counts give."""
    enabled = database.value("SELECT @@performance_schema") == "1"
    rows = None
    if enabled:
        rows = database.rows(
            "SELECT PROCESSLIST_USER, PROCESSLIST_HOST, CONNECTION_TYPE, COUNT(*) FROM performance_schema.threads "
            "WHERE TYPE = 'FOREGROUND' AND PROCESSLIST_ID IS NOT NULL AND CONNECTION_TYPE IS NOT NULL "
            "GROUP BY 1, 2, 3 ORDER BY 4 DESC" + _LIMIT,
            "who is connected, and how", "SELECT ON performance_schema.threads",
        )  # fmt: skip
    if rows is not None:
        found.connected = [Connected(as_text(row, 0), as_text(row, 1), as_text(row, 2), int(row[3])) for row in rows]
        return
    counts = {name.lower(): value for name, value in database.pairs("SHOW GLOBAL STATUS WHERE Variable_name IN "
                                                                     "('Connections', 'Ssl_finished_accepts')")}
    with_tls, all_of_them = counts.get("ssl_finished_accepts", ""), counts.get("connections", "")
    if with_tls and all_of_them:
        found.bound = f"since its start {all_of_them} connections were made, {with_tls} of them with TLS"
        if not enabled:
            found.bound += "; who comes how is told only where performance_schema is ON (it takes a restart)"


def _read_accounts(found: AuditResult, database: Database) -> None:
    """List who may log in. MariaDB keeps roles and locks in global_priv, MySQL has columns for them."""
    statements = ["SELECT User, Host, ssl_type, plugin, account_locked FROM mysql.user"]
    if "mariadb" in found.version.lower():
        statements = [
            (
                "SELECT u.User, u.Host, u.ssl_type, IF(u.plugin = '', 'mysql_native_password', u.plugin), "
                "IFNULL(JSON_VALUE(p.Priv, '$.account_locked'), 0) FROM mysql.user u JOIN mysql.global_priv p "
                "USING (User, Host) WHERE u.is_role = 'N'"
            ),
            "SELECT User, Host, ssl_type, plugin, 'N' FROM mysql.user",  # before 10.4 there is no global_priv
        ]
    for statement in statements:
        rows = database.rows(statement + _LIMIT, "accounts and what TLS they require", "SELECT ON mysql.*")
        if rows is not None:
            break
    else:
        return
    found.accounts = [
        Account(
            as_text(row, 0), as_text(row, 1), as_text(row, 2), as_text(row, 3),
            locked=as_text(row, 4).upper() in ("Y", "1", "TRUE"), own=as_text(row, 0) in OWN_ACCOUNTS,
        )
        for row in rows
    ]  # fmt: skip
    found.account_count = len(found.accounts)
    if len(rows) == MAX_ROWS:
        found.account_count = int(database.value("SELECT COUNT(*) FROM mysql.user") or MAX_ROWS)


def _is_name(host: str) -> bool:
    """Tell whether an account's host is a name: no address, no pattern of addresses, not the server itself."""
    return host != "localhost" and re.search("[a-z]", host, re.IGNORECASE) is not None and ":" not in host


def _read_channels(found: AuditResult, database: Database) -> None:
    """List from whom this server replicates, and by what."""
    if "mariadb" in found.version.lower():
        _read_channels_of_mariadb(found, database)
        return
    rows = database.rows(
        "SELECT CHANNEL_NAME, HOST, PORT, SSL_ALLOWED FROM performance_schema.replication_connection_configuration",
        "replication channels", "SELECT ON performance_schema.replication_connection_configuration",
    )  # fmt: skip
    for row in rows or ():
        if as_text(row, 1):
            tls = {"YES": True, "NO": False}.get(as_text(row, 3).upper())
            source = f"{as_text(row, 1)}:{as_text(row, 2)}"
            found.channels.append(Channel(as_text(row, 0) or "replication", source, tls))
    members = "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_HOST <> ''"
    mode = database.value("SELECT @@group_replication_ssl_mode")
    if mode and database.value(members) not in ("", "0"):
        found.channels.append(Channel("group replication", "its group", mode.upper() != "DISABLED"))


def _read_channels_of_mariadb(found: AuditResult, database: Database) -> None:
    """MariaDB tells its channels in SHOW ALL SLAVES STATUS, and Galera's TLS among the provider's options."""
    for each in database.named_rows("SHOW ALL SLAVES STATUS", "replication channels", "REPLICA MONITOR ON *.*"):
        tls = {"yes": True, "no": False}.get(each.get("master_ssl_allowed", "").lower())
        source = f"{each.get('master_host', '')}:{each.get('master_port', '')}"
        found.channels.append(Channel(each.get("connection_name") or "replication", source, tls))
    options = database.value("SELECT @@wsrep_provider_options")
    if "socket.ssl" in options.lower():
        flat = options.lower().replace(" ", "")
        found.channels.append(Channel("Galera", "its cluster", "socket.ssl=yes" in flat))


def _findings(found: AuditResult) -> list[PostureFinding]:
    hits: list[PostureFinding] = []
    if not found.requires_tls:
        said = found.setting("require_secure_transport") or "there is no such variable"
        hits.append(posture_finding(rules.TLS_NOT_REQUIRED, f"require_secure_transport: {said}"))
    for name in ("tls_version", "admin_tls_version"):
        old = offers_obsolete(found.setting(name))
        if old:
            hits.append(posture_finding(rules.OBSOLETE_OFFERED, f"{name}: {', '.join(old)}", old))
    if found.setting("have_ssl").upper() in ("DISABLED", "NO"):
        hits.append(posture_finding(rules.SERVER_WITHOUT_TLS, f"have_ssl: {found.setting('have_ssl')}"))
    hits += expiry_findings(found.not_after, found.time)
    clear = [each for each in found.connected or () if each.kind == "TCP/IP"]
    if clear:
        who = dict.fromkeys(f"{each.user} from {each.host}" for each in clear)
        hits.append(posture_finding(rules.CONNECTED_IN_CLEAR, _sessions(clear), who))
    _judge_accounts(found, hits)
    for channel in found.channels:
        if channel.tls is False:
            said = f"{channel.name}, from {channel.source}"
            hits.append(posture_finding(rules.REPLICATION_IN_CLEAR, said, [said]))
    if found.setting("local_infile").upper() in ("ON", "1"):
        hits.append(posture_finding(rules.FILES_ON_DEMAND, "local_infile: ON"))
    return sort_findings(hits)


def _judge_accounts(found: AuditResult, hits: list[PostureFinding]) -> None:
    accounts = found.accounts or []
    no_names = found.setting("skip_name_resolve").upper() in ("ON", "1")
    for each in accounts:
        each.unused = no_names and _is_name(each.host)
    free = [] if found.requires_tls else [each for each in accounts if each.may_come_in_the_clear]
    kinds = {
        rules.ACCOUNTS_WITHOUT_TLS: free,
        rules.PASSWORD_AS_IT_IS: [each for each in free if each.plugin in CLEAR_PLUGINS],
        rules.ANONYMOUS_ACCOUNT: [each for each in accounts if not each.user and not each.locked],
        rules.OLD_HASH: [each for each in accounts if each.plugin in OLD_PLUGINS and not each.locked],
    }
    hits += [_of_accounts(rule, some) for rule, some in kinds.items() if some]


def _of_accounts(rule: str, accounts: list[Account]) -> PostureFinding:
    names = [f"{quoted(each.user)}@{quoted(each.host)}" for each in accounts]
    shown = ", ".join(names[:5])
    return posture_finding(rule, shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more", names)


def _sessions(sessions: list[Connected]) -> str:
    total = sum(each.count for each in sessions)
    shown = ", ".join(f"{each.user} from {each.host} ({each.count})" for each in sessions[:5])
    more = f" and {len(sessions) - 5} more" if len(sessions) > 5 else ""
    return f"{total} {'session' if total == 1 else 'sessions'}: {shown}{more}"


def _time(text: str) -> datetime | None:
    """Return the time in OpenSSL's words, `Nov 26 09:24:29 2036 GMT`; None where it is none."""
    words = text.split()
    if len(words) != 5:
        return None
    month, day, clock, year, _ = words
    try:
        return parsedate_to_datetime(f"{day} {month} {year} {clock} +0000")
    except (ValueError, TypeError):
        return None
