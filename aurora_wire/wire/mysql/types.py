"""Column types (MYSQL_TYPE_*): numbers and names. Data.

Sources: MySQL's field_types.h, mysqlx_resultset.proto; VECTOR is 9.0's. 17-19 are storage formats and never cross the
wire.
"""

from typing import Final

from mypy_extensions import i64

DECIMAL: Final[i64] = 0
TINY: Final[i64] = 1
SHORT: Final[i64] = 2
LONG: Final[i64] = 3
FLOAT: Final[i64] = 4
DOUBLE: Final[i64] = 5
NULL: Final[i64] = 6
TIMESTAMP: Final[i64] = 7
LONGLONG: Final[i64] = 8
INT24: Final[i64] = 9
DATE: Final[i64] = 10
TIME: Final[i64] = 11
DATETIME: Final[i64] = 12
YEAR: Final[i64] = 13
NEWDATE: Final[i64] = 14
VARCHAR: Final[i64] = 15
BIT: Final[i64] = 16
TIMESTAMP2: Final[i64] = 17
DATETIME2: Final[i64] = 18
TIME2: Final[i64] = 19
TYPED_ARRAY: Final[i64] = 20
VECTOR: Final[i64] = 242
INVALID: Final[i64] = 243
BOOL: Final[i64] = 244
JSON: Final[i64] = 245
NEWDECIMAL: Final[i64] = 246
ENUM: Final[i64] = 247
SET: Final[i64] = 248
TINY_BLOB: Final[i64] = 249
MEDIUM_BLOB: Final[i64] = 250
LONG_BLOB: Final[i64] = 251
BLOB: Final[i64] = 252
VAR_STRING: Final[i64] = 253
STRING: Final[i64] = 254
GEOMETRY: Final[i64] = 255

NAMES: Final = {
    0: "DECIMAL", 1: "TINY", 2: "SHORT", 3: "LONG", 4: "FLOAT", 5: "DOUBLE", 6: "NULL", 7: "TIMESTAMP",
    8: "LONGLONG", 9: "INT24", 10: "DATE", 11: "TIME", 12: "DATETIME", 13: "YEAR", 14: "NEWDATE",
    15: "VARCHAR", 16: "BIT", 17: "TIMESTAMP2", 18: "DATETIME2", 19: "TIME2", 20: "TYPED_ARRAY",
    242: "VECTOR", 243: "INVALID", 244: "BOOL", 245: "JSON", 246: "NEWDECIMAL", 247: "ENUM", 248: "SET",
    249: "TINY_BLOB", 250: "MEDIUM_BLOB", 251: "LONG_BLOB", 252: "BLOB", 253: "VAR_STRING", 254: "STRING",
    255: "GEOMETRY",
}

X_TYPE: Final[i64] = 1024     # and the number of a type of X Protocol, with X_CONTENT times its content type
X_CONTENT: Final[i64] = 32
_X_NAMES: Final = {
    1: "SINT", 2: "UINT", 5: "DOUBLE", 6: "FLOAT", 7: "BYTES", 10: "TIME", 12: "DATETIME", 15: "SET", 16: "ENUM",
    17: "BIT", 18: "DECIMAL", 39: "GEOMETRY", 71: "JSON", 103: "XML", 44: "DATE", 76: "DATETIME",
}


def is_value_type(number: i64) -> bool:
    """Return whether a value of this type can cross the wire in binary encoding."""
    return 0 <= number <= 16 or number == VECTOR or 245 <= number <= 255


def type_name(number: i64) -> str:
    """Return a type's name: `LONGLONG`; an unknown number is `TYPE_0x63`. Of X Protocol's types their own: `SINT`."""
    if number >= X_TYPE:
        number -= X_TYPE
        known = _X_NAMES.get(number)
        return known if known is not None else _X_NAMES.get(number % X_CONTENT, f"X_TYPE_{int(number % X_CONTENT)}")
    name = NAMES.get(number)
    return name if name is not None else f"TYPE_0x{number:02X}"
