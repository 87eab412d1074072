"""Collation ids, and the Python codec that shows text of each. Data.

Sources: INFORMATION_SCHEMA.COLLATIONS of MySQL 9 and MariaDB 11. MySQL's latin1 is cp1252. Character sets
that Python has no codec for (dec8, swe7, armscii8, geostd8, keybcs2) are shown by a codec that keeps ASCII.
"""

from typing import Final

from mypy_extensions import i64

UTF8: Final = "utf-8"
BINARY: Final[i64] = 63

# character set of MySQL, codec of Python, collation ids
CHARACTER_SETS: Final = (
    ("big5", "big5", (1, 84)),
    ("latin2", "iso8859_2", (2, 9, 21, 27, 77)),
    ("dec8", "latin_1", (3, 69)),
    ("cp850", "cp850", (4, 80)),
    ("latin1", "cp1252", (5, 8, 15, 31, 47, 48, 49, 94)),
    ("hp8", "hp_roman8", (6, 72)),
    ("koi8r", "koi8_r", (7, 74)),
    ("swe7", "latin_1", (10, 82)),
    ("ascii", "ascii", (11, 65)),
    ("ujis", "euc_jp", (12, 91)),
    ("sjis", "shift_jis", (13, 88)),
    ("cp1251", "cp1251", (14, 23, 50, 51, 52)),
    ("hebrew", "iso8859_8", (16, 71)),
    ("tis620", "tis_620", (18, 89)),
    ("euckr", "euc_kr", (19, 85)),
    ("latin7", "iso8859_13", (20, 41, 42, 79)),
    ("koi8u", "koi8_u", (22, 75)),
    ("gb2312", "gb2312", (24, 86)),
    ("greek", "iso8859_7", (25, 70)),
    ("cp1250", "cp1250", (26, 34, 44, 66, 99)),
    ("gbk", "gbk", (28, 87)),
    ("cp1257", "cp1257", (29, 58, 59)),
    ("latin5", "iso8859_9", (30, 78)),
    ("armscii8", "latin_1", (32, 64)),
    ("utf8mb3", "utf-8", (33, 76, 83, 223, 576, 577, *range(192, 216), *range(2048, 2304))),
    ("ucs2", "utf_16_be", (35, 90, 159, 640, 641, *range(128, 152), *range(2560, 2816))),
    ("cp866", "cp866", (36, 68)),
    ("keybcs2", "latin_1", (37, 73)),
    ("macce", "mac_latin2", (38, 43)),
    ("macroman", "mac_roman", (39, 53)),
    ("cp852", "cp852", (40, 81)),
    ("utf8mb4", "utf-8", (45, 46, 608, 609, *range(224, 248), *range(255, 324), *range(2304, 2560))),
    ("utf16", "utf_16_be", (54, 55, 672, 673, *range(101, 125), *range(2816, 3072))),
    ("utf16le", "utf_16_le", (56, 62)),
    ("cp1256", "cp1256", (57, 67)),
    ("utf32", "utf_32_be", (60, 61, 736, 737, *range(160, 184), *range(3072, 3328))),
    ("binary", "utf-8", (63,)),
    ("geostd8", "latin_1", (92, 93)),
    ("cp932", "cp932", (95, 96)),
    ("eucjpms", "euc_jp", (97, 98)),
    ("gb18030", "gb18030", (248, 249, 250)),
)
NOPAD: Final[i64] = 1024  # MariaDB: id + 1024 is the same collation without padding


def _by_collation(column: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for charset, codec, ids in CHARACTER_SETS:
        for number in ids:
            found[number] = codec if column else charset
    return found


_CODECS: Final = _by_collation(1)
_NAMES: Final = _by_collation(0)


def codec_name(collation: i64) -> str:
    """Return the Python codec for text of this collation; utf-8 for ids that are not known."""
    base: i64 = collation - NOPAD if NOPAD <= collation < 2 * NOPAD else collation
    return _CODECS.get(base, UTF8)


def charset_name(collation: i64) -> str:
    """Return MySQL's name of the character set, as in `utf8mb4`; an unknown id is `collation 999`."""
    base: i64 = collation - NOPAD if NOPAD <= collation < 2 * NOPAD else collation
    name = _NAMES.get(base)
    return name if name is not None else f"collation {collation}"


_FIRST: Final[dict[bytes, int]] = {charset.encode(): ids[0] for charset, _, ids in CHARACTER_SETS}


def find_collation(charset: bytes) -> i64:
    """Return the id of a collation of a character set, by its name as in SET NAMES; -1 for one that is not known."""
    name = charset.lower()
    if name == b"utf8":
        name = b"utf8mb3"
    found: i64 = _FIRST.get(name, -1)
    return found


def readable(text: bytes, collation: i64) -> bytes:
    """Return text of a character set in UTF-8. Bytes that are no character of it stay as they are.

    Text in latin1 that is valid UTF-8 is left so: programs that never chose a character set send it.
    """
    codec = codec_name(collation)
    if collation < 0 or codec == UTF8 or text.isascii():
        return text
    if codec == "cp1252":
        try:
            text.decode(UTF8)
        except UnicodeDecodeError:
            # MySQL's latin1 has the five bytes that cp1252 leaves out, too.
            return text.decode(codec, "surrogateescape").encode(UTF8, "surrogateescape")
        return text
    try:
        found = text.decode("cp932" if codec == "shift_jis" else codec, "surrogateescape")
        return found.encode(UTF8, "surrogateescape")
    except UnicodeError:
        return text  # cut, in units of several bytes
