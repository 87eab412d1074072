"""Text as JSON holds it: nothing from the wire acts on a terminal, and nothing in it breaks a reader."""

from __future__ import annotations

import base64
import json
import re

SURROGATE = re.compile("[\ud800-\udfff]")

Fields = dict[str, object]
ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, check_circular=False)


def dump(value: object) -> str:
    """Return one line of ASCII: what is not is escaped, so that nothing from the wire acts on a terminal."""
    return ENCODER.encode(value).replace("\x7f", "\\u007f")


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
