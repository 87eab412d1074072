"""Where a report goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from aurora_wire.disk import words_of
from aurora_wire.errors import OutputError
from aurora_wire.report.escape import show_text

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_OUTPUT = "-"


class ReaderGone(Exception):  # noqa: N818 - no error: `| head` has seen enough
    """Whoever read our standard output closed it."""


class Output:
    """Text to standard output (path None or `-`) or to a file, in a `with` statement.

    A file is created with mode 0600 beside its place and moved there when all of it is written; what was
    there before stays until then, and for good where something fails. Devices and pipes are written to as
    they are. Raises OutputError where it cannot be written, ReaderGone where whoever read it closed it.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = None if path == STANDARD_OUTPUT else path
        self._part: Path | None = None
        self._target: Path | None = None
        self._file: BinaryIO | None = None
        self._encoding = "utf-8"

    @property
    def is_terminal(self) -> bool:
        return self.path is None and sys.stdout is not None and sys.stdout.isatty()

    def __enter__(self) -> Output:
        if self.path is None:
            if sys.stdout is None:
                raise OutputError("standard output is closed.")
            self._encoding = sys.stdout.encoding or "utf-8"
        else:
            from pathlib import Path  # noqa: PLC0415 - not for standard output

            try:
                self._file = self._open(Path(self.path))
            except (OSError, ValueError) as error:
                raise self._failed(error) from error
        return self

    def _open(self, path: Path) -> BinaryIO:
        if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
            return path.open("wb", buffering=1 << 16)
        if path.is_dir():
            raise IsADirectoryError(21, "is a folder")
        from tempfile import mkstemp  # noqa: PLC0415 - slow to load, and rarely needed

        self._target = path.resolve()  # a link keeps pointing where it points
        handle, name = mkstemp(prefix=f".{self._target.name[:40]}.", suffix=".part", dir=self._target.parent)
        self._part = self._target.parent / name
        return os.fdopen(handle, "wb", buffering=1 << 16)

    def replaces(self, path: str) -> bool:
        """Is `path` the file that would be replaced?"""
        with suppress(OSError, ValueError):
            return self._target is not None and self._target.samefile(path)
        return False

    def write(self, text: str) -> None:
        data = text.encode(self._encoding, "backslashreplace")
        try:
            if self._file is not None:
                self._file.write(data)
            else:
                sys.stdout.buffer.write(data)
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def flush(self) -> None:
        if self._file is None:
            flush_standard_output()
            return
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.flush()
            if self._file is not None:
                if self._part is not None and self._target is not None:
                    os.fsync(self._file.fileno())
                    self._part.replace(self._target)
                    self._part = None
                self._file.close()
        except OSError as failure:
            raise self._failed(failure) from failure
        except OutputError:
            self._discard()
            raise

    def _failed(self, error: OSError | ValueError) -> Exception:
        if self.path is None:
            return standard_output_failed(error)
        left = " Nothing was written there." if self._part is not None or self._file is None else ""
        self._discard()
        return OutputError(f"{self.path}: {words_of(error, self.path)}.{left}")

    def _discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink()
            self._part = None


def same_place(path: str, other: str) -> bool:
    """Would two outputs write to one file, or both to standard output? A device may be given twice."""
    if STANDARD_OUTPUT in (path, other):
        return path == other
    from pathlib import Path  # noqa: PLC0415 - not for standard output

    with suppress(OSError, ValueError):
        target = Path(path).resolve()
        return target == Path(other).resolve() and (target.is_file() or not target.exists())
    return path == other


def flush_standard_output() -> None:
    """Raises OutputError or ReaderGone where what was written could not be delivered."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise standard_output_failed(error) from error


def standard_output_failed(error: OSError | ValueError) -> Exception:
    """The exception to raise. What is still held for standard output is dropped, or exit would try again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return OutputError(f"standard output: {words_of(error)}.")


def complain(message: str) -> None:
    """One line on standard error, escaped: paths and wire bytes may be in it."""
    with suppress(OSError, ValueError, AttributeError):  # closed: there is nobody left to tell
        line = f"aurora-wire: {show_text(message)}\n"
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
