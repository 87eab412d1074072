"""The destination of a report: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import OutputError, UsageError
from aurora_wire.report.escape import show_text

if TYPE_CHECKING:
    from aurora_wire.rights.held_folder import HeldFolder
    from aurora_wire.rights.new_files import WholeFile

STANDARD_OUTPUT = "-"
PARTIAL = ".partial"  # at the end of the name of a list that was interrupted


class ReaderGone(Exception):  # noqa: N818 - no error: `| head` has seen enough
    """Whoever read our standard output closed it."""


class Output:
    """Text to standard output (path None or `-`) or to a file, in a `with` statement.

    A file is created with mode 0600 beside its place and moved there when all of it is written; what was
    there before stays until then, and for good where something fails: it is replaced with `force` only. Devices
    and pipes are written to as they are. Raises UsageError where a file is there, OutputError where it cannot be
    written, ReaderGone where whoever read it closed it.
    """

    def __init__(
        self, path: str | None = None, folder: HeldFolder | None = None, *, force: bool = False,
        inputs: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """folder: that of the file, where it is held open already; inputs: what is read, and never replaced."""
        self._inputs = inputs
        self._folder = folder
        self._force = force
        self._interrupted = False
        self.path = None if path == STANDARD_OUTPUT else path
        self._whole: WholeFile | None = None
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
            from aurora_wire.cli.overwriting import refuse_to_replace  # noqa: PLC0415 - not for standard output

            if any(is_same_file(self.path, one) for one in self._inputs):
                raise UsageError(f"{self.path}: this is one of the inputs. Give the report another name.")
            refuse_to_replace(self.path, force=self._force)
            try:
                self._file = self._open(self.path)
            except (OSError, ValueError) as error:
                raise self._failed(error) from error
        return self

    def _open(self, path: str) -> BinaryIO:
        from aurora_wire.rights.held_folder import open_special  # noqa: PLC0415 - not for standard output
        from aurora_wire.rights.new_files import WholeFile  # noqa: PLC0415

        special = open_special(path) if self._folder is None else None
        if special is not None:
            return os.fdopen(special, "wb", buffering=1 << 16)
        self._whole = WholeFile(path, self._folder, replace=self._force)
        return os.fdopen(self._whole.handle, "wb", buffering=1 << 16)

    def replaces(self, path: str) -> bool:
        """Return whether `path` is the file that would be replaced."""
        return self._whole is not None and self._whole.is_to_replace(path)

    def interrupted(self) -> None:
        """Say that a list breaks off: what there is of it does not get the name of a whole one."""
        self._interrupted = True

    def write(self, text: str) -> None:
        data = text.encode(self._encoding, "backslashreplace")
        try:
            if self._file is not None:
                self._file.write(data)
            else:
                sys.stdout.buffer.write(data)
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def writelines(self, pieces: Iterable[str]) -> None:
        for piece in pieces:
            self.write(piece)

    def write_bytes(self, data: bytes) -> None:
        """Write what is no text."""
        try:
            (sys.stdout.buffer if self._file is None else self._file).write(data)
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
                if self._whole is not None and self._interrupted:
                    self._keep_partial(self._whole)
                elif self._whole is not None:
                    self._whole.keep()
                self._file.close()
        except OSError as failure:
            raise self._failed(failure) from failure
        except OutputError:
            self._discard()
            raise

    def _keep_partial(self, whole: WholeFile) -> None:
        """Keep what was listed until the interruption beside the name of the whole list."""
        try:
            whole.keep(PARTIAL)
        except FileExistsError:
            whole.discard()
            complain(f"{self.path}: interrupted. Nothing was written: {self.path}{PARTIAL} is there already.")
            return
        complain(f"{self.path}: interrupted. What was listed until then is in {self.path}{PARTIAL}.")

    def _failed(self, error: OSError | ValueError) -> Exception:
        if self.path is None:
            return standard_output_failed(error)
        left = " Nothing was written there." if self._whole is not None or self._file is None else ""
        self._discard()
        return OutputError(f"{self.path}: {describe_disk_error(error, self.path)}.{left}")

    def _discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._whole is not None:
            self._whole.discard()


def same_place(path: str, other: str) -> bool:
    """Return whether two outputs would write to one file, or both to standard output. A device may be given twice."""
    if STANDARD_OUTPUT in (path, other):
        return path == other
    from pathlib import Path  # noqa: PLC0415 - not for standard output

    with suppress(OSError, ValueError):
        target = Path(path).resolve()
        return target == Path(other).resolve() and (target.is_file() or not target.exists())
    return path == other


def is_same_file(path: str, other: str) -> bool:
    """Return whether both are one file that is there, by whatever names."""
    with suppress(OSError, ValueError):
        there, input_there = os.stat(path), os.stat(other)  # noqa: PTH116 - of text that may be anything
        return stat.S_ISREG(there.st_mode) and os.path.samestat(there, input_there)
    return False


def flush_standard_output() -> None:
    """Flush. Raises OutputError or ReaderGone if what was written could not be delivered."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise standard_output_failed(error) from error


def standard_output_failed(error: OSError | ValueError) -> Exception:
    """Return the exception to raise. What is still held for standard output is dropped, or exit would try again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return OutputError(f"standard output: {describe_disk_error(error)}.")


def complain(message: str) -> None:
    """Write one line on standard error, escaped: paths and wire bytes may be in it."""
    with suppress(OSError, ValueError, AttributeError):  # closed: there is nobody left to tell
        line = f"aurora-wire: {show_text(message)}\n"
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
