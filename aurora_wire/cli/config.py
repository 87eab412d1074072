"""Settings of a folder: `aurora-wire.toml`, or `[tool.aurora-wire]` in its `pyproject.toml`.

An option on the command line goes before the key of the same name. A file that another account owns or may change is
not taken: who puts exceptions there would decide what counts.
"""

from __future__ import annotations

import os
import stat
from typing import Any, Final

from aurora_wire.cli.exceptions import CONFIGS
from aurora_wire.cli.output import complain
from aurora_wire.errors import UsageError, describe_error
from aurora_wire.immutable import field, record
from aurora_wire.rights.inputs import input_file
from aurora_wire.rights.privileges import caller

OWN_FILE, PROJECT_FILE = CONFIGS
TABLE: Final = "aurora-wire"
KEYS: Final = ("fail-on", "ignore", "baseline")
MAX_CONFIG: Final = 1 << 20  # bytes


@record
class Config:
    """What a file says, each text with its place in the words of an error."""

    path: str = ""
    values: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def of(self, key: str) -> list[tuple[str, str]]:
        return self.values.get(key, [])


def read_config(named: str | None) -> Config:
    """Return what a file says that the user named, or else what holds in this folder.

    Raises UsageError with file and line.
    """
    if named is not None:
        data = _read(named, asked=True)
        return Config() if data is None else _parse(named, data)
    for path in CONFIGS:
        data = _read(path, asked=False)
        if data is not None and (path == OWN_FILE or b"aurora-wire" in data):
            found = _parse(path, data)
            if path == OWN_FILE or found.values:
                return found
    return Config()


def _read(path: str, *, asked: bool) -> bytes | None:
    """Return the content; None for a file that nobody named and that is not there, or that is not to be trusted."""
    try:
        with input_file(path) as file:
            known = os.fstat(file.fileno())
            data = file.read(MAX_CONFIG + 1)
    except OSError as error:
        if not asked and isinstance(error, FileNotFoundError | IsADirectoryError):
            return None
        raise UsageError(f"{path}: {describe_error(error)}.") from error
    if len(data) > MAX_CONFIG:
        raise UsageError(f"{path}: more than {MAX_CONFIG:,} bytes are no settings.")
    account = caller()
    mine = {0, os.geteuid(), os.geteuid() if account is None else account.uid}
    if known.st_uid in mine and not known.st_mode & stat.S_IWOTH:
        return data
    said = f"{path}: belongs to another account, or everybody may change it"
    if asked:
        raise UsageError(f"{said}. Take a copy of your own, or give the options themselves.")
    if path == OWN_FILE or f"[tool.{TABLE}]".encode() in data:
        complain(f"{said}, and is not read (--no-config: nor looked for).")
    return None


def _parse(path: str, data: bytes) -> Config:
    import tomllib  # noqa: PLC0415 - most folders have no settings
    from pathlib import Path  # noqa: PLC0415

    try:
        text = data.decode("utf-8")
        found: Any = tomllib.loads(text)
    except UnicodeError as error:
        raise UsageError(f"{path}: is no UTF-8 text.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is no TOML: {error}.") from error
    if Path(path).name == PROJECT_FILE:
        tool = found.get("tool", {})
        found = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
        if not isinstance(found, dict):
            raise UsageError(f"{path}: tool.{TABLE} is no table.")
    config = Config(path)
    for key, value in found.items():
        at = _find_line(text, key)
        if key not in KEYS:
            raise UsageError(f"{path}: line {at}: there is no setting {key!r}; there are {', '.join(KEYS)}.")
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise UsageError(f"{path}: line {at}: {key} is a text or a list of texts.")
        folder = Path(path).parent
        config.values[key] = [
            (str(folder / each) if key == "baseline" else each, f"{path}: line {_find_line(text, each, at)}")
            for each in texts
        ]
    return config


def _find_line(text: str, word: str, first: int = 1) -> int:
    """Return the number of the first line from `first` on that has the word, `first` where it is written otherwise."""
    for number, line in enumerate(text.splitlines(), 1):
        if number >= first and word in line:
            return number
    return first
