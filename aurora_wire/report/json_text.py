"""Text as JSON holds it: nothing from the wire acts on a terminal, and nothing in it breaks a reader."""

from __future__ import annotations

import json
import re

SURROGATE = re.compile("[\ud800-\udfff]")

Fields = dict[str, object]
ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False)


def dump(value: object) -> str:
    """Return one line of ASCII: what is not is escaped, so that nothing from the wire acts on a terminal."""
    return ENCODER.encode(value).replace("\x7f", "\\u007f")


def clean(text: str) -> str:
    """Return text that JSON can hold: lone surrogates (of undecodable paths) become U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def optional(text: str | None) -> str | None:
    return None if text is None else clean(text)
