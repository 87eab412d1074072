"""What differs between two results, place by place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

MAX_SHOWN: Final = 80  # characters of a value

_NOTHING: Final = object()


def differences(was: object, now: object, at: str = "") -> Iterator[str]:
    """Yield `connections[2].verdict: "encrypted" in the bundle, "plaintext" now`, for each place."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*was, *now]):
            yield from differences(was.get(name, _NOTHING), now.get(name, _NOTHING), f"{at}.{name}" if at else name)
    elif isinstance(was, list) and isinstance(now, list):
        for number, (one, other) in enumerate(zip_longest(was, now, fillvalue=_NOTHING)):
            yield from differences(one, other, f"{at}[{number}]")
    elif was is not now and (type(was) is not type(now) or was != now):
        yield f"{at}: {_shown(was)} in the bundle, {_shown(now)} now"


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
