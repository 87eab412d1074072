"""AW107 to AW116: credentials that crossed without protection, a rule for what each gives to who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules import leaks
from aurora_wire.verdict.rules.controls import TRANSIT, against
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.leaks import REQUIRE_TLS
from aurora_wire.verdict.rules.rule import Rule

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult, CredentialResult
    from aurora_wire.wire.flows.facts import Facts
    from aurora_wire.wire.mysql.exchange import Exchange, Secret

# Plugins, by name: whoever lists the rules needs no decoder.
NATIVE_PASSWORD: Final = b"mysql_native_password"
CACHING_SHA2: Final = b"caching_sha2_password"

TOKEN_IN_CLEAR: Final = "AW107"  # noqa: S105 - a rule's id
NO_PASSWORD: Final = "AW108"  # noqa: S105 - likewise
GUESSABLE_PASSWORD: Final = "AW109"  # noqa: S105 - likewise
SEALED_PASSWORD: Final = "AW110"  # noqa: S105 - likewise
MAY_BE_SECRET: Final = "AW111"  # noqa: S105 - likewise
REPLICA_PASSWORD: Final = "AW112"  # noqa: S105 - likewise
PASSWORD_IN_SQL: Final = "AW113"  # noqa: S105 - likewise
KEY_IN_SQL: Final = "AW114"
HASH_IN_SQL: Final = "AW115"
SECRET_IN_BINLOG: Final = "AW116"  # noqa: S105 - likewise

REPLICATE_IN_TLS: Final = "Let the replica use TLS.\n{replication_tls}"

CREDENTIALS: Final = (
    Rule(
        TOKEN_IN_CLEAR, "Token in clear text", "critical",
        "Whoever was on the path can log in with the token until it expires (AWS IAM: 15 minutes), and a JSON Web "
        "Token opens whatever else takes it.",
        "Revoke the session or role that the token is of, then let the client send tokens inside TLS only: "
        "--ssl-mode=VERIFY_IDENTITY together with --enable-cleartext-plugin.\n{require_tls}",
        ('Amazon RDS User Guide, "IAM database authentication for MariaDB, MySQL, and PostgreSQL"',
         'MySQL 9 Reference Manual, "OpenID Connect Pluggable Authentication"'),
        against("A token that crossed in clear text", *TRANSIT),
    ),
    Rule(
        NO_PASSWORD, "Logged in without a password", "critical",
        "The server took an empty reply: the account has no password, and whoever reaches the server logs in as it.",
        "Give the account a password, or drop it.\n{account_password}",
        ('MySQL 8.4 Reference Manual, "Securing the Initial MySQL Account"',
         'MariaDB documentation, "Authentication from MariaDB 10.4"'),
        against("A login without a password", *TRANSIT),
    ),
    Rule(
        GUESSABLE_PASSWORD, "Password that can be guessed offline", "high",
        "What crossed is made of the password and of a nonce that crossed with it: whoever recorded both tries "
        "passwords at the speed of his own hardware, and nobody sees it.",
        REQUIRE_TLS + "\nThen change the password of the account that crossed.\n{account_password}",
        ('MySQL Server source documentation, "Native Authentication" and "Caching_sha2_password information"',
         'hashcat wiki, "example_hashes"'),
        against("A password that can be guessed from what crossed", *TRANSIT),
    ),
    Rule(
        SEALED_PASSWORD, "Password encrypted with a key that nobody vouched for", "high",
        "The server's RSA key came over the same wire, without a certificate: whoever sat on the path could send his "
        "own and read the password. Whoever only listened could not.",
        "Let the client use TLS with verification (--ssl-mode=VERIFY_IDENTITY), or give it the server's public key as "
        "a file (--server-public-key-path) instead of letting it ask (--get-server-public-key, "
        "allowPublicKeyRetrieval=true).\n{require_tls}",
        ('MySQL 8.4 Reference Manual, "Caching SHA-2 Pluggable Authentication"',),
        against("A password under a key that nobody vouched for", *TRANSIT),
    ),
    Rule(
        MAY_BE_SECRET, "Text that may be a secret, to a plugin that is not known here", "high",
        "The client answered an authentication plugin in readable text. What it means only the plugin knows; passwords "
        "and tokens look like this.",
        "Ask whoever made the plugin what it sends, and allow it inside TLS only.\n{require_tls}",
        ('MySQL 8.4 Reference Manual, "Pluggable Authentication"',),
        against("Authentication data in readable text", *TRANSIT),
    ),
    Rule(
        REPLICA_PASSWORD, "Password of a replica in the clear (COM_REGISTER_SLAVE)", "critical",
        "A replica with report_password sends it to its source as it is, where SHOW REPLICAS shows it.",
        "Take report_password (and report_user) out of the replica's configuration, and change that password.\n"
        + REPLICATE_IN_TLS,
        ('MySQL 8.4 Reference Manual, "Replica Server Options and Variables" (report_password)',),
        against("A replica's password that crossed in clear text", *TRANSIT),
    ),
    Rule(
        PASSWORD_IN_SQL, "Password in the text of a statement", "critical",
        "CREATE USER, ALTER USER, SET PASSWORD, CHANGE REPLICATION SOURCE and their kin carry the password as it is: "
        "whoever was on the path can log in with it.",
        "Change the passwords that crossed, over TLS.\n{account_password_tls}\n{require_tls}",
        ('MySQL 8.4 Reference Manual, "Administrator Guidelines for Password Security"',
         'MySQL 8.4 Reference Manual, "Passwords and Logging"'),
        against("A password that crossed in a statement", *TRANSIT),
    ),
    Rule(
        KEY_IN_SQL, "Encryption key in the text of a statement", "critical",
        "AES_ENCRYPT() and its kin take the key as an argument: whoever was on the path can decrypt every value that "
        "is encrypted with it.",
        "Encrypt in the application, so that no key is sent to the server; encrypt the values anew with another key.\n"
        "{require_tls}",
        ('MySQL 8.4 Reference Manual, "Encryption and Compression Functions"',),
        against("A key that crossed in a statement", *TRANSIT),
    ),
    Rule(
        HASH_IN_SQL, "Password hash in the text of a statement", "critical",
        "The hash is what the server stores: the password can be guessed offline, and of mysql_native_password the "
        "hash and one recorded login are enough to log in.",
        "Change the passwords whose hashes crossed, over TLS.\n{account_password_tls}\n{require_tls}",
        ('MySQL 8.4 Reference Manual, "CREATE USER Statement"',),
        against("A password hash that crossed in a statement", *TRANSIT),
    ),
    Rule(
        SECRET_IN_BINLOG, "Password or hash in a replicated statement", "critical",
        "Statements about accounts are replicated as they are (MariaDB: with the password itself) or with the stored "
        "hash (MySQL): whoever reads the replication reads the accounts.",
        REPLICATE_IN_TLS + "\nThen change the passwords of the accounts that crossed.\n{account_password_tls}",
        ('MySQL 8.4 Reference Manual, "Setting Up Replication to Use Encrypted Connections"',),
        against("Credentials that crossed in replication", *TRANSIT),
    ),
)

# What an exchange's grade is a hit of. "proof" and "unknown" are none.
RULE_OF: Final = {
    "secret": leaks.PASSWORD_IN_CLEAR, "token": TOKEN_IN_CLEAR, "none": NO_PASSWORD, "crackable": GUESSABLE_PASSWORD,
    "sealed": SEALED_PASSWORD, "maybe": MAY_BE_SECRET,
}  # fmt: skip
IN_TEXT: Final = {"secret": PASSWORD_IN_SQL, "key": KEY_IN_SQL, "hash": HASH_IN_SQL}
USUAL_SHA1: Final = (
    "mysql_native_password: the password's SHA-1 hash over a nonce: as many guesses as wanted, offline "
    "(hashcat 11200, MySQL CRAM (SHA1); john mysqlna)"
)
USUAL_SHA2: Final = (
    "caching_sha2_password: the password's SHA-256 hash over a nonce: as many guesses as wanted, offline"
)
MOST: Final = 5  # named in one finding


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield a hit for each rule that the connection's credentials break, with the first place of each."""
    usual = usual_words(facts.exchanges, facts.secrets)
    if usual:
        frame, offset = facts.exchanges[0].places[0]
        yield Hit(GUESSABLE_PASSWORD, usual, frame, offset)
        return
    by_rule: dict[str, list[CredentialResult]] = {}
    for one in result.credentials:
        rule = find_rule(one)
        if rule is not None:
            by_rule.setdefault(rule, []).append(one)
    if leaks.PASSWORD_IN_CLEAR not in by_rule and facts.password_frame >= 0 and not result.credentials:
        words = "the password itself, as the client sent it"  # of an exchange for which there was no room
        yield Hit(leaks.PASSWORD_IN_CLEAR, words, facts.password_frame, facts.password_offset)
    for rule in sorted(by_rule):
        found = by_rule[rule]
        listed = list(dict.fromkeys(describe_credential(one) for one in found))
        more = f", and {len(listed) - MOST:,} more" if len(listed) > MOST else ""
        yield Hit(rule, "; ".join(listed[:MOST]) + more, found[0].frame, found[0].offset)


def usual_words(exchanges: list[Exchange], secrets: list[Secret]) -> str:
    """Return what the finding says of a login as nearly all are, which needs no grading; empty for any other.

    One exchange, of one hash over a nonce that was captured: the same words as for all others.
    """
    if len(exchanges) != 1 or secrets or len(exchanges[0].replies) != 1:
        return ""
    exchange = exchanges[0]
    size = len(exchange.replies[0])
    if exchange.plugin == NATIVE_PASSWORD and size == 20 and len(exchange.nonce) >= 20:
        return USUAL_SHA1
    if exchange.plugin == CACHING_SHA2 and size == 32 and not exchange.asks_full:
        return USUAL_SHA2
    return ""


def find_rule(one: CredentialResult) -> str | None:
    """Return the rule that a credential in the clear breaks."""
    if one.exchange == "binlog":
        return SECRET_IN_BINLOG
    if one.exchange == "register replica":
        return REPLICA_PASSWORD
    return (IN_TEXT if one.exchange == "statement" else RULE_OF).get(one.grade)


def describe_credential(one: CredentialResult) -> str:
    """Return what a finding says of a credential."""
    words = f"{one.plugin}: {one.what}" if one.plugin else one.what
    if one.hashcat is not None:
        words += f" (hashcat {one.hashcat[0]}, {one.hashcat[1]}"
        words += f"; john {one.john})" if one.john else ")"
    elif one.john:
        words += f" (john {one.john})"
    if one.expires:
        words += f", valid until {one.expires}"
    return words
