"""The classes of data that are looked for, the worst first. Data.

Sources: PCI DSS 4.0, "Account Data"; GDPR, articles 4 and 9.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mypy_extensions import i64

NOTHING: Final[i64] = 0
CARD: Final[i64] = 1
KEY: Final[i64] = 2
PASSWORD: Final[i64] = 3
PASSWORD_HASH: Final[i64] = 4
NATIONAL_ID: Final[i64] = 5
IBAN: Final[i64] = 6
HEALTH: Final[i64] = 7
IDENTITY: Final[i64] = 8
EMAIL: Final[i64] = 9
PHONE: Final[i64] = 10


class DataClass(NamedTuple):
    """id: in JSON; one, many: in words; last: whether a report may show the last four characters of a value."""

    id: str
    one: str
    many: str
    last: bool = False


CLASSES: Final[dict[int, DataClass]] = {
    1: DataClass("card", "card number", "card numbers", last=True),
    2: DataClass("key", "key or token", "keys or tokens"),
    3: DataClass("password", "password", "passwords"),
    4: DataClass("password-hash", "password hash", "password hashes"),
    5: DataClass("national-id", "national id", "national ids"),
    6: DataClass("iban", "bank account (IBAN)", "bank accounts (IBAN)", last=True),
    7: DataClass("health", "value of health data", "values of health data"),
    8: DataClass("identity", "value of a person's identity", "values of persons' identity"),
    9: DataClass("email", "e-mail address", "e-mail addresses"),
    10: DataClass("phone", "phone number", "phone numbers"),
}
BY_ID: Final = {one.id: one for one in CLASSES.values()}
ORDER: Final = tuple(one.id for one in CLASSES.values())
