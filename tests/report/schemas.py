"""The JSON Schemas that the package ships."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from aurora_wire.report import scan_json as json_report


def schema(name: str) -> dict[str, Any]:
    """`scan`, `prove` or `comparison`."""
    path = Path(json_report.__file__).parent / "schemas" / f"{name}.schema.json"
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return described


def valid(name: str, text: str | bytes) -> Any:
    """What the JSON says, if the schema allows it."""
    value = json.loads(text)
    jsonschema.Draft202012Validator(schema(name)).validate(value)
    return value


def objects(described: Any) -> Iterator[dict[str, Any]]:
    """All parts of a schema that describe an object."""
    if isinstance(described, dict):
        if "properties" in described:
            yield described
        for value in described.values():
            yield from objects(value)
    elif isinstance(described, list):
        for value in described:
            yield from objects(value)
