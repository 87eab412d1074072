"""The files of a long capture, one after another, also where only root may make them.

After the drop of privileges this process may not make files in every folder. So a helper is forked off before: it
keeps the right to make the next file of this one series, decodes nothing, and hands each over as an open file.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final, Protocol

from aurora_wire.errors import OutputError, describe_error
from aurora_wire.rights.held_folder import hold
from aurora_wire.rights.new_files import create_in
from aurora_wire.rights.privileges import Account

MOST_FILES: Final = 99_999


def numbered(path: Path, number: int) -> Path:
    """Return the path of a file by number: `evidence.pcapng`, then `evidence.00001.pcapng` ..."""
    return path if number == 0 else path.with_name(f"{path.stem}.{number:05d}{path.suffix}")


class Files(Protocol):
    """Makes and removes the files of a recording, by number."""

    def make(self, number: int) -> io.FileIO: ...
    def remove(self, number: int) -> None: ...
    def close(self) -> None: ...


class Pipe:
    """One file that is open already, such as standard output."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def make(self, _: int) -> io.FileIO:
        return self._file

    def remove(self, number: int) -> None:
        """Do nothing: what was written to a pipe is gone."""

    def close(self) -> None:
        """Do nothing: who writes closes it."""


class CaptureFiles:
    """Makes the files of a series, for `account`, with mode 0600, in a folder that is held open from the start.

    Where `account` is not None and there will be more than one, a helper process stays behind with root's
    rights over files; make it before `privileges.drop`. Raises OutputError.
    """

    def __init__(
        self, path: str, account: Account | None, *, several: bool = False, replace: bool = False
    ) -> None:
        """several: more files will follow the first; replace: one that is there already."""
        self.path = Path(path).absolute()
        self.shown = Path(path)
        self.account = account
        self._replace = replace
        try:
            self._folder, _ = hold(self.shown)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: {describe_error(error)}.") from error
        if several and account is not None:
            self._folder.pattern = rf"{re.escape(self.path.stem)}(\.\d{{5}})?{re.escape(self.path.suffix)}"
            self._folder.delegate(account)

    def make(self, number: int) -> io.FileIO:
        """Make the file. Raises OutputError."""
        if number > MOST_FILES:
            raise OutputError(f"{self.shown}: has {MOST_FILES:,} parts, more are not made.")
        path = numbered(self.path, number)
        try:
            return create_in(self._folder, path.name, path, self.account, replace=self._replace)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: {describe_error(error)}.") from error

    def remove(self, number: int) -> None:
        """Remove a file that was made; one that is gone already is no error. Raises OutputError."""
        path = numbered(self.path, number)
        try:
            self._folder.remove(path.name)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputError(f"{path}: cannot be removed ({describe_error(error)}).") from error

    def close(self) -> None:
        self._folder.close()
