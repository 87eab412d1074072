"""The protocols with a folder of their own, as identification asks for them: a row each, in this order.

Their decoders are in wire/flows/decoder_set.py, by the same name.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.protocol import Shape
from aurora_wire.wire.mysqlx.shape import PORT, XShape

SHAPES: Final[list[Shape]] = [
    XShape("X Protocol", PORT),
]


def row_of_port(port: i64) -> i64:
    """Return the row of the protocol whose usual port it is, -1 if it is nobody's."""
    for row in range(len(SHAPES)):
        if SHAPES[row].port == port:
            return row
    return -1
