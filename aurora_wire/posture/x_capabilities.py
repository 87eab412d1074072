"""What an X Protocol server says of itself when it is asked for its capabilities, without a login.

Sources: MySQL Server source documentation, "X Protocol", mysqlx_connection.proto (Capabilities), mysqlx_datatypes.proto
(Any, Scalar, Array); Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_DEPTH: Final = 8     # of values in values: a server's own have four
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Fields of Any and Scalar.
_SCALAR, _OBJECT, _ARRAY = 2, 3, 4
_V_BOOL, _V_STRING = 8, 9


@dataclass(slots=True)
class XCapabilities:
    """tls: whether it can be asked for TLS; mechanisms: by which one can log in as things stand, without TLS.

    compression: its algorithms, in the server's order; node: what it calls itself, `mysql`.
    """

    tls: bool = False
    mechanisms: list[str] = field(default_factory=list)
    compression: list[str] = field(default_factory=list)
    node: str = ""


def read_capabilities(payload: bytes) -> XCapabilities | None:
    """Return what a Capabilities message says; None where it is none."""
    found = XCapabilities()
    try:
        for number, value in _fields(payload):
            if number == 1 and isinstance(value, bytes):
                name, texts = _capability(value)
                if name == "tls":
                    found.tls = True  # it is listed where TLS is set up, whatever its value: TLS is not on yet
                elif name == "authentication.mechanisms":
                    found.mechanisms = texts
                elif name == "compression":
                    found.compression = [text for text in texts if text != "algorithm"]
                elif name == "node_type":
                    found.node = "".join(texts)
    except ValueError:
        return None
    return found


def _capability(message: bytes) -> tuple[str, list[str]]:
    name, texts = "", []
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            name = _text(value)
        elif number == 2 and isinstance(value, bytes):
            texts = _strings(value, 0)
    return name, texts


def _strings(any_value: bytes, depth: int) -> list[str]:
    """Return all strings in a value, those of arrays and objects too, in order."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    found: list[str] = []
    for number, value in _fields(any_value):
        if not isinstance(value, bytes):
            continue
        if number == _SCALAR:
            found += [
                _text(text) for at, scalar in _fields(value) if at == _V_STRING and isinstance(scalar, bytes)
                for inner, text in _fields(scalar) if inner == 1 and isinstance(text, bytes)
            ]  # fmt: skip
        elif number == _ARRAY:
            for _, element in _fields(value):
                found += _strings(element, depth + 1) if isinstance(element, bytes) else []
        elif number == _OBJECT:
            for _, pair in _fields(value):
                for at, inner_value in _fields(pair) if isinstance(pair, bytes) else ():
                    found += _strings(inner_value, depth + 1) if at == 2 and isinstance(inner_value, bytes) else []
    return found


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Return a message's fields in order: number, and value. Raises ValueError where it is none."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            found.append((number, value))
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("no field of Protocol Buffers")
        if at + size > len(message):
            raise ValueError("cut off")
        found.append((number, message[at : at + size]))
        at += size
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("no number of Protocol Buffers")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
