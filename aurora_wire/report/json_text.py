"""Text as JSON holds it: nothing from the wire acts on a terminal, and nothing in it breaks a reader."""

from __future__ import annotations

import base64
import json
import re
from secrets import token_hex

SURROGATE = re.compile("[\ud800-\udfff]")

Fields = dict[str, object]
ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, check_circular=False)


def dump(value: object) -> str:
    """Return one line of ASCII: what is not is escaped, so that nothing from the wire acts on a terminal."""
    return ENCODER.encode(value).replace("\x7f", "\\u007f")


class SharedTexts:
    """Writes objects in which one value is often the same list: its text is kept. Nothing on the wire can guess the
    token that stands for it meanwhile.
    """

    def __init__(self, most: int = 256) -> None:
        """Begin without any. most: texts that are kept."""
        self._most = most
        self._token = token_hex(16)
        self._sign = f'"{self._token}"'
        self._texts: dict[int, tuple[object, str]] = {}   # with the list: its id stays its own

    def dump(self, fields: Fields, inner: Fields, name: str) -> str:
        """Return what `dump(fields)` does, where `inner`, somewhere in it, has such a value as `name`."""
        shared = inner[name]
        known = self._texts.get(id(shared))
        if known is None:
            if len(self._texts) >= self._most:
                self._texts.clear()
            known = shared, dump(shared)
            self._texts[id(shared)] = known
        inner[name] = self._token
        text = dump(fields)
        inner[name] = shared
        return text.replace(self._sign, known[1], 1)


def clean(text: str) -> str:
    """Return text that JSON can hold: lone surrogates (of undecodable paths) become U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def optional(text: str | None) -> str | None:
    return None if text is None else clean(text)


def counts(by_name: dict[str, int]) -> dict[str, int]:
    return {clean(name): by_name[name] for name in sorted(by_name)}


def bytes_fields(name: str, data: bytes) -> Fields:
    """Return `name` as text; where it is not valid UTF-8 with U+FFFD in it, and the bytes as `name_base64`."""
    try:
        return {name: data.decode("utf-8")}
    except UnicodeDecodeError:
        encoded = base64.b64encode(data).decode("ascii")
        return {name: data.decode("utf-8", "replace"), f"{name}_base64": encoded}
