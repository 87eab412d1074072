"""Forms of national ids that a library may be asked to check: by first byte, length and marks, so that few are.

Finland `ddmmyy-dddX`, Chile `dd.ddd.ddd-X`, Brazil `ddd.ddd.ddd-dd`, Belgium `dd.dd.dd-ddd.dd`, Switzerland
`756.dddd.dddd.dd`, China 17 digits and one or X, Mexico 18 letters and digits.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.sql_lexer import is_digit

_CHECKS: Final[list[Callable[[bytes], bool]]] = []  # none or one


def use_check(check: Callable[[bytes], bool] | None) -> None:
    """Ask this from now on, in the whole process; None: nobody."""
    _CHECKS.clear()
    if check is not None:
        _CHECKS.append(check)


def national_end(text: bytes, at: i64, stop: i64, end: i64) -> i64:
    """Return where a national id ends that begins at `at`, -1 if there is none. text[at:stop]: the letters and digits
    that it begins with.
    """
    if len(_CHECKS) == 0:
        return -1
    size = stop - at
    length: i64 = 0
    if size == 18:
        length = 18
    elif size == 11:
        if is_digit(text[at + 5]) and not is_digit(text[at + 6]):
            length = 11  # Finland, of people born in this century
    elif stop < end:
        mark: i64 = text[stop]
        left = end - at
        if size == 6 and left >= 11 and (mark == 45 or mark == 43):
            length = 11
        elif size == 3 and mark == 46 and left >= 14:
            if text[at + 11] == 45 and text[at + 7] == 46:
                length = 14
            elif left >= 16 and text[at] == 55 and text[at + 8] == 46 and text[at + 13] == 46:
                length = 16
        elif size == 2 and mark == 46 and left >= 12:
            if text[at + 6] == 46 and text[at + 10] == 45:
                length = 12
            elif left >= 15 and text[at + 5] == 46 and text[at + 8] == 45 and text[at + 12] == 46:
                length = 15
    if length == 0 or at + length > end:
        return -1
    behind = at + length
    if behind < end and (is_digit(text[behind]) or 97 <= text[behind] | 0x20 <= 122):
        return -1
    return behind if _CHECKS[0](text[at:behind]) else -1
