"""Values that tell what they are: by their form, and by their check digits where they have them.

A number of 16 digits that fails Luhn's check or begins as no issuer's is no card; a time or an id is no phone number.
Sources: ISO/IEC 7812 (issuer prefixes), ISO 13616 (IBAN), RFC 5321, ITU-T E.164, RFC 7519 (JWT), RFC 7468 (PEM);
Amazon IAM User Guide, "IAM identifiers"; the formats of crypt(3); the check digits of each national id.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.leaked.check_digits import (
    is_card,
    is_codice_fiscale,
    is_dni,
    is_nie,
    is_nino,
    is_nir,
    is_ssn,
)
from aurora_wire.wire.mysql.leaked.classes import (
    CARD,
    EMAIL,
    IBAN,
    KEY,
    NATIONAL_ID,
    NOTHING,
    PASSWORD_HASH,
    PHONE,
)
from aurora_wire.wire.mysql.leaked.national import national_end
from aurora_wire.wire.mysql.seven_bytes import TIME_SIZE, behind_quiet, is_time
from aurora_wire.wire.mysql.sql_lexer import is_digit

LONGEST_WORD: Final[i64] = 4096    # bytes of a value that is looked at: a private key
MAX_EMAIL: Final[i64] = 254
PASSABLE: Final[i64] = 8           # bytes of which some may be passed without a look at each
AGAIN: Final[i64] = 14             # bytes that are looked at before that is tried again

# Countries of an IBAN, and its length. Source: SWIFT, "IBAN Registry".
IBAN_LENGTHS: Final = {
    b"AD": 24, b"AE": 23, b"AL": 28, b"AT": 20, b"AZ": 28, b"BA": 20, b"BE": 16, b"BG": 22, b"BH": 22, b"BR": 29,
    b"BY": 28, b"CH": 21, b"CR": 22, b"CY": 28, b"CZ": 24, b"DE": 22, b"DK": 18, b"DO": 28, b"EE": 20, b"EG": 29,
    b"ES": 24, b"FI": 18, b"FO": 18, b"FR": 27, b"GB": 22, b"GE": 22, b"GI": 23, b"GL": 18, b"GR": 27, b"GT": 28,
    b"HR": 21, b"HU": 28, b"IE": 22, b"IL": 23, b"IQ": 23, b"IS": 26, b"IT": 27, b"JO": 30, b"KW": 30, b"KZ": 20,
    b"LB": 28, b"LC": 32, b"LI": 21, b"LT": 20, b"LU": 20, b"LV": 21, b"LY": 25, b"MC": 27, b"MD": 24, b"ME": 22,
    b"MK": 19, b"MR": 27, b"MT": 31, b"MU": 30, b"NL": 18, b"NO": 15, b"PK": 24, b"PL": 28, b"PS": 29, b"PT": 25,
    b"QA": 29, b"RO": 24, b"RS": 22, b"SA": 24, b"SC": 31, b"SE": 24, b"SI": 19, b"SK": 24, b"SM": 27, b"ST": 25,
    b"SV": 28, b"TL": 23, b"TN": 24, b"TR": 26, b"UA": 29, b"VA": 22, b"VG": 24, b"XK": 20,
}  # fmt: skip
KEY_PREFIXES: Final = (
    b"AKIA", b"ASIA", b"eyJ", b"ghp_", b"gho_", b"ghs_", b"github_pat_", b"glpat-", b"xoxb-", b"xoxp-", b"sk_live_",
    b"rk_live_", b"SG.", b"AIza",
)  # fmt: skip
HASH_PREFIXES: Final = (
    b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$", b"$1$", b"$apr1$", b"$argon2", b"$scrypt$", b"$pbkdf2", b"$P$",
    b"$H$", b"$A$005$", b"pbkdf2_sha", b"{SSHA", b"{SHA}", b"{CRYPT}",
)  # fmt: skip
PEM: Final = b"-----BEGIN "


@mypyc_attr(acyclic=True)
class Found:
    """A value that tells what it is: its class, and text[start:stop]."""

    __slots__ = ("kind", "start", "stop")

    def __init__(self, kind: i64, start: i64, stop: i64) -> None:
        self.kind: Final[i64] = kind
        self.start: Final[i64] = start
        self.stop: Final[i64] = stop


def next_value(text: bytes, at: i64, end: i64, begin: i64) -> Found | None:
    """Return the first value in text[at:end] that tells itself; begin: where the literal begins that it is of.

    What cannot be of one is passed by blocks (`seven_bytes`), and so is a time: each part of it is too short.
    """
    if end - at == TIME_SIZE and is_time(text, at):
        return None
    quiet = at  # from where on it may be tried to pass some
    while at < end:
        if at >= quiet and end - at >= PASSABLE:
            at = behind_quiet(text, at, end)
            if at >= end:
                return None
            quiet = at + AGAIN
        byte: i64 = text[at]
        if is_alnum(byte):
            stop = at + 1
            while stop < end:
                byte = text[stop]
                if not is_alnum(byte):
                    break
                stop += 1
            found = _of_word(text, at, stop, end, begin)
            if found is None:
                size = stop - at
                if size == 18 or ((size == 6 or size <= 3 or size == 11) and is_digit(text[at])):
                    behind = national_end(text, at, stop, end)
                    if behind > 0 and not (at > begin and (text[at - 1] == 46 or text[at - 1] == 45)):
                        return Found(NATIONAL_ID, at, behind)
            at = stop
            if found is not None:
                if found.kind != NOTHING:
                    return found
                at = found.stop  # like a token, and none: it is not looked at again word by word
        elif byte == 64:
            found = _email(text, at, end, begin)
            if found is not None:
                return found
            at += 1
        elif byte == 43:
            stop = _phone_end(text, at + 1, end)
            if stop > 0 and (at == begin or not is_alnum(text[at - 1])):
                return Found(PHONE, at, stop)
            at += 1
        elif byte == 36 or byte == 42 or byte == 123 or byte == 45 or byte == 40:
            found = _of_mark(text, at, end, byte)
            if found is not None:
                return found
            at += 1
        else:
            at += 1
    return None


def is_alnum(byte: i64) -> bool:
    return 97 <= byte | 0x20 <= 122 or 48 <= byte <= 57


def _of_word(text: bytes, at: i64, stop: i64, end: i64, begin: i64) -> Found | None:
    """Look at a run of letters and digits, which may go on behind separators."""
    first: i64 = text[at]
    size = stop - at
    if is_digit(first):
        return _of_number(text, at, stop, end, begin) if size >= 3 and is_digit(text[at + 2]) else None
    if size < 3:
        return None
    if is_digit(text[at + 2]):
        # Two letters and two digits: an IBAN; a British number.
        if size >= 4 and is_digit(text[at + 3]) and not is_digit(text[at + 1]):
            found = _iban(text, at, end)
            if found is not None:
                return found
            if size == 9 and is_nino(text, at):
                return Found(NATIONAL_ID, at, stop)
    if size == 9 and is_nie(text, at):
        return Found(NATIONAL_ID, at, stop)
    if size == 16 and is_codice_fiscale(text, at):
        return Found(NATIONAL_ID, at, stop)
    second: i64 = text[at + 1]
    # As tokens begin: AK AS AI, ey, gh gi gl, xo, sk_, SG., rk_; and pb of a hash.
    if (
        (first == 101 and second == 121) or (first == 65 and second in (73, 75, 83)) or (first == 83 and second == 71)
        or (first == 103 and second in (104, 105, 108)) or (first == 120 and second == 111)
        or (second == 107 and (first == 115 or first == 114))
    ):  # fmt: skip
        return _key(text, at, end)
    if first == 112 and second == 98 and text[at : at + 10] == b"pbkdf2_sha":
        return Found(PASSWORD_HASH, at, _behind_token(text, at, end))
    return None


def _key(text: bytes, at: i64, end: i64) -> Found | None:
    head = text[at : at + 11]
    if not head.startswith(KEY_PREFIXES):
        return None
    stop = _behind_token(text, at, end)
    size = stop - at
    if head.startswith((b"AKIA", b"ASIA")):
        return Found(KEY if size == 20 and is_key_id(text, at, stop) else NOTHING, at, stop)
    if head.startswith(b"eyJ"):
        return Found(KEY if size >= 36 and text[at:stop].count(b".") == 2 else NOTHING, at, stop)
    return Found(KEY if size >= 20 else NOTHING, at, stop)


def is_key_id(text: bytes, at: i64, stop: i64) -> bool:
    """Return whether text[at:stop] has capital letters and digits alone."""
    while at < stop:
        byte: i64 = text[at]
        if not (65 <= byte <= 90 or is_digit(byte)):
            return False
        at += 1
    return True


def _behind_token(text: bytes, at: i64, end: i64) -> i64:
    """Return the end of a run of what tokens and hashes are made of."""
    limit = at + LONGEST_WORD
    while at < end and at < limit:
        byte: i64 = text[at]
        if not (is_alnum(byte) or byte == 46 or byte == 45 or byte == 95 or byte == 36 or byte == 47 or byte == 43
                or byte == 61 or byte == 44):  # fmt: skip
            break
        at += 1
    return at


def _of_mark(text: bytes, at: i64, end: i64, byte: i64) -> Found | None:
    """Look at what begins with a mark: a hash, a key in PEM, an American phone number."""
    if byte == 45:
        if text[at : at + 11] != PEM:
            return None
        head = text[at : at + 64]
        if b"PRIVATE KEY-----" not in head:
            return None
        close: i64 = text.find(b"-----END ", at, end)
        return Found(KEY, at, end if close < 0 else close)
    if byte == 40:
        if end - at >= 13 and text[at + 4] == 41 and is_american(text, at + 1, end, 2):
            return Found(PHONE, at, at + (14 if text[at + 5] == 32 else 13))
        return None
    if byte == 42:
        if end - at >= 41 and is_hex(text, at + 1, at + 41) and (end - at == 41 or not is_alnum(text[at + 41])):
            return Found(PASSWORD_HASH, at, at + 41)
        return None
    if text[at : at + 8].startswith(HASH_PREFIXES):
        stop = _behind_token(text, at + 1, end)
        if stop - at >= 20 or (byte == 123 and end - at >= 20):
            return Found(PASSWORD_HASH, at, stop)
    return None


def is_american(text: bytes, at: i64, end: i64, gap: i64) -> bool:
    """Return whether ddd, a gap of up to `gap` marks, ddd-dddd are at `at`."""
    if end - at < 12 or not (50 <= text[at] <= 57 and is_digit(text[at + 1]) and is_digit(text[at + 2])):
        return False
    place = at + 3
    while place < at + 3 + gap and not is_digit(text[place]):
        place += 1
    if end - place < 8 or not (50 <= text[place] <= 57) or text[place + 3] != 45:
        return False
    return (
        is_digit(text[place + 1]) and is_digit(text[place + 2]) and is_digit(text[place + 4])
        and is_digit(text[place + 5]) and is_digit(text[place + 6]) and is_digit(text[place + 7])
        and (place + 8 >= end or not is_alnum(text[place + 8]))
    )


def is_hex(text: bytes, at: i64, end: i64) -> bool:
    while at < end:
        byte: i64 = text[at]
        if not (is_digit(byte) or 97 <= byte | 0x20 <= 102):
            return False
        at += 1
    return True


def _of_number(text: bytes, at: i64, stop: i64, end: i64, begin: i64) -> Found | None:
    """Look at a run that begins with three digits: a card, a national id, a phone number.

    Its length says what it may be, so that times, ids and numbers of most lengths end here.
    """
    size = stop - at
    if size == 3:
        if end - at < 11 or text[stop] != 45 or (at > begin and text[at - 1] == 46):
            return None
        behind = _behind_groups(text, at, end)
        if behind == at + 11 and is_ssn(text, at):
            return Found(NATIONAL_ID, at, behind)
        if behind == at + 12 and is_american(text, at, end, 1):
            return Found(PHONE, at, behind)
        return None
    if size == 4:
        # Four digits more: a date has two.
        if end - at < 14 or not is_digit(text[at + 7]) or not is_digit(text[at + 8]):
            return None
        if text[stop] != 32 and text[stop] != 45:
            return None
        behind = _behind_groups(text, at, end)
        return Found(CARD, at, behind) if is_card(text, at, behind) else None
    if size == 9:
        return Found(NATIONAL_ID, at, stop) if is_dni(text, at) else None
    if 13 <= size <= 19:
        # A point before or behind it: of a decimal, or of an address.
        if (stop + 1 < end and text[stop] == 46 and is_digit(text[stop + 1])) or (at > begin and text[at - 1] == 46):
            return None
        if is_card(text, at, stop):
            return Found(CARD, at, stop)
        return Found(NATIONAL_ID, at, stop) if size == 15 and is_nir(text, at) else None
    return None


def _behind_groups(text: bytes, at: i64, end: i64) -> i64:
    """Return where groups of digits end, between which the same space or hyphen stands; `at` if no card is so long."""
    separator: i64 = 0
    limit = at + 24
    place = at
    while place < end:
        byte: i64 = text[place]
        if not is_digit(byte):
            if is_alnum(byte):
                return at
            if (byte != 32 and byte != 45) or (separator != 0 and separator != byte) or place + 1 >= end \
                    or not is_digit(text[place + 1]):  # fmt: skip
                break
            separator = byte
        place += 1
        if place > limit:
            return at
    return place


def _iban(text: bytes, at: i64, end: i64) -> Found | None:
    """Look for an account number: a country, its length, and 1 modulo 97; groups of four may be apart."""
    size = IBAN_LENGTHS.get(text[at : at + 2].upper(), 0)
    if size == 0:
        return None
    code = b""
    place = at
    while place < end and len(code) < size:
        byte: i64 = text[place]
        if is_alnum(byte):
            code += text[place : place + 1]
        elif byte != 32 or len(code) % 4:
            return None
        place += 1
    if len(code) < size or (place < end and is_alnum(text[place])):
        return None
    # The country and the check digits go to the end; letters count from 10.
    rest: i64 = 0
    for sign in code[4:] + code[:4]:
        number: i64 = sign
        if number > 64:
            rest = (rest * 100 + (number & 0xDF) - 55) % 97
        else:
            rest = (rest * 10 + number - 48) % 97
    return Found(IBAN, at, place) if rest == 1 else None


def _phone_end(text: bytes, at: i64, end: i64) -> i64:
    """Return where the international number behind a `+` ends, 0 if there is none."""
    digits: i64 = 0
    stop: i64 = 0
    limit = at + 24
    if at >= end or not 49 <= text[at] <= 57:
        return 0
    while at < end and at < limit:
        byte: i64 = text[at]
        if is_digit(byte):
            digits += 1
            stop = at + 1
        elif not (byte == 32 or byte == 45 or byte == 46 or byte == 40 or byte == 41 or byte == 47):
            if is_alnum(byte):
                return 0
            break
        at += 1
    return stop if 8 <= digits <= 15 else 0


def _email(text: bytes, at: i64, end: i64, begin: i64) -> Found | None:
    """Look to both sides of an `@`."""
    start = at
    while start > begin and at - start < 64 and _is_local(text[start - 1]):
        start -= 1
    stop = at + 1
    dot: i64 = -1
    while stop < end and stop - at < MAX_EMAIL:
        byte: i64 = text[stop]
        if byte == 46:
            if stop == at + 1 or text[stop - 1] == 46:
                break
            dot = stop
        elif not (is_alnum(byte) or byte == 45):
            break
        stop += 1
    if stop > at + 1 and text[stop - 1] == 46:  # the end of a sentence
        stop -= 1
        dot = text.rfind(b".", at, stop)
    if start == at or dot < 0 or stop - dot < 3 or text[start] == 46:
        return None
    last = dot + 1
    while last < stop:
        if not 97 <= text[last] | 0x20 <= 122:
            return None
        last += 1
    return Found(EMAIL, start, stop)


# What may stand before the `@` of an address; quotes would be of the literal.
_LOCAL: Final = bytes([chr(byte).isalnum() or byte in b"._+-%&!#$*/=?^{|}~" for byte in range(128)]) + bytes(128)


def _is_local(byte: i64) -> bool:
    return _LOCAL[byte] != 0


def is_phone(text: bytes, at: i64, stop: i64) -> bool:
    """Return whether a value of a column of phone numbers looks like one: 6 to 15 digits, and marks between them."""
    digits: i64 = 0
    while at < stop:
        byte: i64 = text[at]
        if is_digit(byte):
            digits += 1
        elif not (byte == 32 or byte == 43 or byte == 45 or byte == 46 or byte == 40 or byte == 41 or byte == 47):
            return False
        at += 1
    return 6 <= digits <= 15


def is_stored_hash(text: bytes, at: i64, stop: i64) -> bool:
    """Return whether a value of a column of passwords is a bare hash: 32 hex digits or more, none but those."""
    return stop - at in (32, 40, 48, 56, 64, 96, 128) and is_hex(text, at, stop)

