"""AW130 to AW135: data that matters by itself, in what crossed without protection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.controls import TRANSIT, against
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.leaks import REQUIRE_TLS
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.shared_words import grouped
from aurora_wire.wire.mysql.leaked.classes import BY_ID

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult, LeakedData
    from aurora_wire.wire.flows.facts import Facts

CARDS: Final = "AW130"
KEYS: Final = "AW131"
STORED_PASSWORDS: Final = "AW132"
IDS_AND_ACCOUNTS: Final = "AW133"
HEALTH_DATA: Final = "AW134"
PERSONAL_DATA: Final = "AW135"

DATA: Final = (
    Rule(
        CARDS, "Card numbers in the clear", "critical",
        "Numbers of payment cards, with an issuer's prefix and a right check digit, crossed readable: whoever was on "
        "the path can use them.",
        REQUIRE_TLS + "\nTell who is responsible for card data: the cards count as exposed.",
        ('PCI DSS 4.0, requirement 4.2.1, "Strong cryptography for transmission"',),
        against("Card numbers that crossed readable", *TRANSIT),
    ),
    Rule(
        KEYS, "Keys or tokens in the clear", "critical",
        "Private keys, access keys of a cloud, tokens of APIs or of sessions crossed readable: whoever was on the path "
        "can use them.",
        "Revoke them, and make new ones that cross inside TLS only.\n{require_tls}\n{client_tls}",
        ('Amazon IAM User Guide, "Managing access keys for IAM users"', 'RFC 7519, "JSON Web Token"'),
        against("Keys or tokens that crossed readable", *TRANSIT),
    ),
    Rule(
        STORED_PASSWORDS, "Passwords or password hashes of an application in the clear", "critical",
        "A column of passwords was written, read or compared in the clear: passwords are known, hashes can be guessed "
        "offline.",
        REQUIRE_TLS + "\nLet the users whose passwords crossed change them.",
        ('OWASP, "Password Storage Cheat Sheet"',),
        against("Passwords of an application that crossed readable", *TRANSIT),
    ),
    Rule(
        IDS_AND_ACCOUNTS, "National ids or bank accounts in the clear", "high",
        "Numbers that a person cannot change crossed readable: they serve to take over an identity or to debit an "
        "account.",
        REQUIRE_TLS,
        ("GDPR, article 87", 'ISO 13616, "International bank account number"'),
        against("National ids or bank accounts that crossed readable", *TRANSIT),
    ),
    Rule(
        HEALTH_DATA, "Health data in the clear", "high",
        "Columns whose names speak of health were written, read or compared in the clear.",
        REQUIRE_TLS,
        ("GDPR, article 9", 'HIPAA Security Rule, 45 CFR 164.312(e), "Transmission security"'),
        against("Health data that crossed readable", *TRANSIT),
    ),
    Rule(
        PERSONAL_DATA, "Personal data in the clear", "medium",
        "Names, birthdays, addresses, e-mail addresses or phone numbers of people crossed readable.",
        REQUIRE_TLS,
        ("GDPR, article 32",),
        against("Personal data that crossed readable", *TRANSIT),
    ),
)

RULE_OF: Final = {
    "card": CARDS, "key": KEYS, "password": STORED_PASSWORDS, "password-hash": STORED_PASSWORDS,
    "national-id": IDS_AND_ACCOUNTS, "iban": IDS_AND_ACCOUNTS, "health": HEALTH_DATA, "identity": PERSONAL_DATA,
    "email": PERSONAL_DATA, "phone": PERSONAL_DATA,
}  # fmt: skip
MOST_COLUMNS: Final = 5  # named in one finding


def check(_facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield a hit for each rule that values of the connection break, with the first place of each."""
    by_rule: dict[str, list[LeakedData]] = {}
    for one in result.leaked:
        by_rule.setdefault(RULE_OF[one.data], []).append(one)
    for rule in sorted(by_rule):
        found = by_rule[rule]
        yield Hit(rule, describe_data(found), min(one.frame for one in found))


def describe_data(found: list[LeakedData]) -> str:
    """Return `3 card numbers, 2 e-mail addresses (users.email)`: counts by class, and columns."""
    counts: dict[str, int] = {}
    names: dict[str, None] = {}
    for one in found:
        counts[one.data] = counts.get(one.data, 0) + one.count
        if one.column:
            names[repr(f"{one.table}.{one.column}" if one.table else one.column)[1:-1]] = None
    words = ", ".join(
        [f"{grouped(count)} {BY_ID[data].one if count == 1 else BY_ID[data].many}" for data, count in counts.items()]
    )
    columns = list(names)
    more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
    return f"{words} ({', '.join(columns[:MOST_COLUMNS])}{more})" if columns else words
