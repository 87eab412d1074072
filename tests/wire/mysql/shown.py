"""What a parser returned, as plain tuples: comparable whether its classes are compiled or not."""

from __future__ import annotations


def shown(result: object) -> object:
    """Attributes by name; lists and tuples recursively; anything plain as it is."""
    if isinstance(result, (list, tuple)):
        return [shown(item) for item in result]
    if isinstance(result, dict):
        return {key: shown(item) for key, item in result.items()}
    if result is None or isinstance(result, (bool, int, float, str, bytes, bytearray)):
        return result
    names = [name for name in dir(result) if not name.startswith("_")]
    return {name: shown(getattr(result, name)) for name in names if not callable(getattr(result, name))}
