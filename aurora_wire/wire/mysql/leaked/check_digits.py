"""Numbers that check themselves: of cards, and of people in several countries.

Sources: ISO/IEC 7812 (issuer prefixes, Luhn's check), the check digits of each national id.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.sql_lexer import is_digit

DNI_LETTERS: Final = b"TRWAGMYFPDXBNJZSQVHLCKE"


def is_card(text: bytes, at: i64, stop: i64) -> bool:
    """Return whether the digits of text[at:stop] have an issuer's prefix and length, and Luhn's check digit."""
    prefix: i64 = 0
    digits: i64 = 0
    odd: i64 = 0     # Luhn's sum where the last digit so far counts once,
    even: i64 = 0    # and where it counts twice
    same = True
    first: i64 = text[at]
    while at < stop:
        byte: i64 = text[at]
        at += 1
        if not is_digit(byte):
            if byte != 32 and byte != 45:
                return False
            continue
        if byte != first:
            same = False
        number = byte - 48
        if digits < 4:
            prefix = prefix * 10 + number
        digits += 1
        before = odd
        odd = even + number
        even = before + (number * 2 if number < 5 else number * 2 - 9)
    return 13 <= digits <= 19 and odd % 10 == 0 and not same and is_issued(prefix, digits)


def is_issued(prefix: i64, digits: i64) -> bool:
    """Return whether an issuer has numbers of this length with these first four digits."""
    if prefix // 1000 == 4:
        return digits == 16 or digits == 13 or digits == 19           # Visa
    if 5100 <= prefix <= 5599 or 2221 <= prefix <= 2720:
        return digits == 16                                           # Mastercard
    if prefix // 100 == 34 or prefix // 100 == 37:
        return digits == 15                                           # American Express
    if prefix == 6011 or 6440 <= prefix <= 6599:
        return 16 <= digits <= 19                                     # Discover
    if 3528 <= prefix <= 3589:
        return 16 <= digits <= 19                                     # JCB
    if 3000 <= prefix <= 3059 or prefix // 100 == 36 or prefix // 100 == 38 or prefix // 100 == 39:
        return digits == 14 or digits == 16                           # Diners Club
    if prefix // 100 == 62:
        return 16 <= digits <= 19                                     # UnionPay
    return prefix in (5018, 5020, 5038, 6304, 6759, 6761, 6762, 6763) and digits >= 13  # Maestro


def is_ssn(text: bytes, at: i64) -> bool:
    """Return whether ddd-dd-dddd at `at` is a number that the United States give out."""
    area = (text[at] - 48) * 100 + (text[at + 1] - 48) * 10 + text[at + 2] - 48
    if area == 0 or area == 666 or area >= 900 or text[at + 3] != 45 or text[at + 6] != 45:
        return False
    return not (text[at + 4] == 48 and text[at + 5] == 48) and text[at + 7 : at + 11] != b"0000"


def is_nir(text: bytes, at: i64) -> bool:
    """Return whether 15 digits are a French number: sex, year, month, place, and a key modulo 97."""
    if (text[at] != 49 and text[at] != 50) or not text[at : at + 15].isdigit():
        return False
    month = (text[at + 3] - 48) * 10 + text[at + 4] - 48
    if not (1 <= month <= 12 or 20 <= month <= 42):
        return False
    number: i64 = 0
    place = at
    while place < at + 13:
        number = number * 10 + text[place] - 48
        place += 1
    return 97 - number % 97 == (text[at + 13] - 48) * 10 + text[at + 14] - 48


def is_dni(text: bytes, at: i64) -> bool:
    """Return whether 8 digits and the letter that checks them (Spain's) are the 9 bytes at `at`."""
    return _has_check_letter(text, at, at + 8, 0)


def is_nie(text: bytes, at: i64) -> bool:
    """Return whether X, Y or Z, 7 digits and a check letter (a foreigner's, in Spain) are at `at`."""
    number: i64 = text[at] - 88
    return 0 <= number <= 2 and _has_check_letter(text, at + 1, at + 8, number)


def _has_check_letter(text: bytes, at: i64, stop: i64, number: i64) -> bool:
    """Return whether text[at:stop] are digits, and text[stop] is the letter of `number` with them behind it."""
    while at < stop:
        byte: i64 = text[at]
        if not is_digit(byte):
            return False
        number = number * 10 + byte - 48
        at += 1
    letter: i64 = text[stop]
    return DNI_LETTERS[number % 23] == letter


def is_nino(text: bytes, at: i64) -> bool:
    """Return whether a British National Insurance number is at `at`: two letters, six digits, A to D."""
    first: i64 = text[at]
    second: i64 = text[at + 1]
    if not (65 <= first <= 90 and 65 <= second <= 90) or first in b"DFIQUV" or second in b"DFIOQUV":
        return False
    if text[at : at + 2] in (b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ") or not 65 <= text[at + 8] <= 68:
        return False
    return text[at + 2 : at + 8].isdigit()


_ODD: Final = dict(zip(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
     22, 25, 24, 23),
    strict=True,
))  # fmt: skip


def is_codice_fiscale(text: bytes, at: i64) -> bool:
    """Return whether the 16 letters and digits at `at` are an Italian tax code with its check letter."""
    if not (is_digit(text[at + 6]) and is_digit(text[at + 7]) and is_digit(text[at + 9]) and is_digit(text[at + 10])):
        return False
    code = text[at : at + 16]
    if not (code.isupper() and code[:6].isalpha() and code[8] in b"ABCDEHLMPRST" and code[11:12].isalpha()):
        return False
    total = 0
    for place in range(15):
        byte = code[place]
        total += _ODD[byte] if place % 2 == 0 else byte - 48 if byte < 65 else byte - 65
    return total % 26 + 65 == code[15]
