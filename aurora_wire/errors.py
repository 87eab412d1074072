"""The errors that a user can fix: one clear line each, with its exit code. Bytes of the wire never raise."""

import errno
from collections.abc import Iterable


class AuroraWireError(Exception):
    """Base of all errors raised on purpose. `str()` of one is the line for the user."""

    exit_code = 2


class UsageError(AuroraWireError):
    """The call makes no sense: a wrong option, a path that is not there."""


class CaptureError(AuroraWireError):
    """A capture cannot be read, or not further.

    path: as the user gave it (`-` is standard input); offset: in bytes, of the file after decompression, or -1
    where there is none; reason: what is wrong and what to do, one line.
    """

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, offset, reason)
        self.path = path
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        where = f"offset {self.offset}: " if self.offset >= 0 else ""
        return f"{self.path}: {where}{self.reason}"


class OutputError(AuroraWireError):
    """An output could not be written."""

    exit_code = 4


NEAR = 0.6      # how near a name has to be to another one, 0 to 1
NEAR_ID = 0.85  # likewise, where a name is mostly a number


def meant(word: str, known: Iterable[str], near: float = NEAR) -> str:
    """Return `. Did you mean NAME?` where one of the known names is near, else nothing."""
    import difflib  # noqa: PLC0415 - not where nothing is wrong

    names = sorted(known)
    found = difflib.get_close_matches(word, names, len(names) or 1, near)
    best = next((name for name in sorted(found) if name.startswith(word) or word.startswith(name)), "".join(found[:1]))
    return f". Did you mean {best}?" if best else ""


def named(said: str, word: str, known: Iterable[str], near: float = NEAR) -> str:
    """Return `said` as a sentence, with what may have been meant by a name that is not known."""
    return said + (meant(word, known, near) or ".")


# Words of our own for what the system says of files: one spelling each, wherever it is told.
WORDS = {errno.ENOENT: "no such file or folder", errno.EISDIR: "is a folder", errno.ENOTDIR: "not a folder"}


def describe_error(error: BaseException) -> str:
    """Return what went wrong as a part of a sentence, without the number and the file name that may be with it."""
    if not isinstance(error, OSError):
        return str(error)
    said = error.strerror or str(error)
    return WORDS.get(error.errno or 0) or said[:1].lower() + said[1:]
