"""AW117 and AW118: a whole server's data on the wire, by replication or by CLONE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.controls import TRANSIT, against
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.rule import Rule

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.verdict.stream_result import ReplicationResult
    from aurora_wire.wire.flows.facts import Facts

STREAM_IN_CLEAR: Final = "AW117"
CLONE_IN_CLEAR: Final = "AW118"
MOST_TABLES: Final = 5   # named in one finding

REPLICATION: Final = (
    Rule(
        STREAM_IN_CLEAR, "Replication stream in the clear", "critical",
        "A replica is sent every change of the server: each row that is written, changed or deleted, each statement "
        "about tables and accounts. Whoever is on the path has a running copy of the data, from here on and for as far "
        "back as the replica asked.",
        "Let the replica use TLS, and let the server refuse it otherwise.\n{replication_tls}\n{require_tls}",
        ('MySQL 8.4 Reference Manual, "Setting Up Replication to Use Encrypted Connections"',
         'MariaDB documentation, "Replication with Secure Connections"'),
        against("A replication stream that crossed readable", *TRANSIT),
    ),
    Rule(
        CLONE_IN_CLEAR, "Data folder in the clear (CLONE)", "critical",
        "CLONE copies the files of the server: all tables, the accounts with their password hashes, and the keys of a "
        "keyring file's encrypted tables. Whoever was on the path can start a server of their own from them.",
        "Clone over TLS only: REQUIRE SSL at the end of CLONE INSTANCE, and clone_ssl_ca on the recipient.\n"
        "{require_tls}\n"
        "Then change the passwords of all accounts of the donor.",
        ('MySQL 8.4 Reference Manual, "Cloning Remote Data"',),
        against("A data folder that crossed readable", *TRANSIT),
    ),
)


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield a replication stream, and a copied data folder."""
    if facts.replication is None and facts.clone is None:
        return
    one = result.replication
    if one is not None and one.bytes and one.frame is not None:
        yield Hit(STREAM_IN_CLEAR, _stream_words(one), one.frame, -1 if one.offset is None else one.offset)
    clone = result.clone
    if clone is not None and (clone.bytes or (clone.commands and clone.error is None)):
        words = f"the data folder crossed: {clone.bytes:,} bytes"
        if not clone.bytes:
            words = "the data folder is copied in the clear: its files were seen on no part of this connection"
        yield Hit(CLONE_IN_CLEAR, words, clone.frame, clone.offset)


def _stream_words(one: ReplicationResult) -> str:
    """Return `12,176 bytes of binary log: 3 statements; labdb.people (2 inserted, 1 deleted)`."""
    named = [
        f"{_shown(table.schema)}.{_shown(table.table)} ({table.inserted:,} inserted, {table.updated:,} updated, "
        f"{table.deleted:,} deleted)"
        for table in one.tables[:MOST_TABLES]
    ]
    if len(one.tables) > MOST_TABLES:
        named.append(f"and {len(one.tables) - MOST_TABLES:,} more tables")
    statements = f"{one.statements:,} {'statement' if one.statements == 1 else 'statements'}"
    rows = f"; rows of {', '.join(named)}" if named else ""
    return f"{one.bytes:,} bytes of the binary log: {statements}{rows}"


def _shown(name: str) -> str:
    """Return a name; one that is no usual one in quotes, with what is not printable escaped."""
    return name if name.replace("_", "").replace("$", "").isalnum() and name.isascii() else repr(name)
