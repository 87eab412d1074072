"""An option file as MySQL's clients read it (`--defaults-file`): what its group `[client]` says of a login.

Source: MySQL 8.4 Reference Manual, "Using Option Files"; `mysys/my_default.c` of MariaDB for quotes and escapes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aurora_wire.errors import UsageError, describe_error
from aurora_wire.rights.inputs import input_file, reading

GROUPS: Final = frozenset(("client", "client-server"))
MAX_FILE: Final = 1 << 20   # bytes
MAX_DEPTH: Final = 10       # of files that include others, as MySQL's
MAX_FILES: Final = 100      # that one includes, one by one or by a folder
EXTENSIONS: Final = (".cnf", ".ini")
ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}


def read_option_file(path: str) -> dict[str, str]:
    """Return the options of `[client]` and `[client-server]`, the last of each; names with dashes, no `loose-`.

    An option without a value is an empty text. Raises UsageError, which shows no value: it may be the password.
    """
    found: dict[str, str] = {}
    for name, value in _options(path, 0, [0]):
        found[name] = value
    return found


def _options(path: str, depth: int, count: list[int]) -> Iterator[tuple[str, str]]:
    count[0] += 1
    if depth > MAX_DEPTH or count[0] > MAX_FILES:
        raise UsageError(f"{path}: option files include each other, or more than {MAX_FILES} of them.")
    group = ""
    for number, line in enumerate(_text(path).splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        if bare.startswith("!"):
            yield from _included(path, number, bare, depth, count)
        elif bare.startswith("["):
            if "]" not in bare:
                raise UsageError(f"{path}: line {number} begins a group and does not end it: `[client]`.")
            group = bare[1 : bare.index("]")].strip()
        elif not group:
            raise UsageError(f"{path}: line {number} stands in no group: `[client]` goes before it.")
        elif group in GROUPS:
            name, _, value = bare.partition("=")
            name = _without_comment(name).strip().replace("_", "-").removeprefix("loose-")
            yield name, _value(value)


def _included(path: str, number: int, line: str, depth: int, count: list[int]) -> Iterator[tuple[str, str]]:
    directive, _, place = line[1:].partition(" ")
    place = place.strip()
    if directive not in ("include", "includedir") or not place:
        raise UsageError(f"{path}: line {number} is neither `!include FILE` nor `!includedir FOLDER`.")
    if directive == "include":
        yield from _options(place, depth + 1, count)
        return
    try:
        with reading(place):
            files = sorted(each for each in Path(place).iterdir() if each.suffix in EXTENSIONS)
    except OSError as error:
        raise UsageError(f"{place}: {describe_error(error)}.") from error
    for each in files:
        yield from _options(str(each), depth + 1, count)


def _text(path: str) -> str:
    try:
        with input_file(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path}: is no plain file. --defaults-file is an option file, such as ~/.my.cnf.")
            if mode & stat.S_IWOTH:
                raise UsageError(f"{path}: everybody may change it, so it is not read. chmod o-w {path}")
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {describe_error(error)}.") from error
    if len(data) > MAX_FILE:
        raise UsageError(f"{path}: has more than {MAX_FILE:,} bytes: is it an option file?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: is no text at offset {error.start:,}. A login path (.mylogin.cnf) is not read: give an option "
            "file."
        ) from error


def _without_comment(text: str) -> str:
    """Cut at the first `#` that is not inside quotes."""
    quote, escaped = "", False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return text[:at]
    return text


def _value(text: str) -> str:
    bare = _without_comment(text).strip()
    if len(bare) > 1 and bare[0] in "\"'" and bare[-1] == bare[0]:
        bare = bare[1:-1]
    out: list[str] = []
    at = 0
    while at < len(bare):
        char = bare[at]
        if char == "\\" and at + 1 < len(bare):
            at += 1
            char = ESCAPES.get(bare[at], "\\" + bare[at])
        out.append(char)
        at += 1
    return "".join(out)
