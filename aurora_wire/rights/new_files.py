"""Files that are made new, and files that are there whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import suppress
from pathlib import Path

from aurora_wire.errors import OutputError, describe_error
from aurora_wire.rights.held_folder import HeldFolder, hold, open_special
from aurora_wire.rights.privileges import Account


def create_private(path: str | Path, account: Account | None, *, replace: bool = False) -> io.FileIO:
    """Return a new file for `account`'s eyes only (mode 0600), or the device or pipe that is there; unbuffered.

    A file that is there already is not touched, but for `replace`: it may be evidence, and root follows no link
    that somebody else has laid. Raises OutputError.
    """
    path = Path(path)
    try:
        folder, name = hold(path)
        try:
            return create_in(folder, name, path, account, replace=replace)
        finally:
            folder.close()
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {describe_error(error)}.") from error


def create_in(
    folder: HeldFolder, name: str, path: Path, account: Account | None, *, replace: bool = False
) -> io.FileIO:
    """Create a file as `create_private`, in a folder that is held open. Raises OSError and OutputError."""
    if replace:
        with suppress(FileNotFoundError):
            if stat.S_ISREG(folder.state(name).st_mode):
                folder.remove(name)
    try:
        handle = folder.make(name)
    except FileExistsError as error:
        try:
            device = open_special(path)
        except OSError:
            device = None
        if device is None:
            raise OutputError(f"{path}: is there already. Give another name, or --force to replace it.") from error
        return named(device, path)
    if account is not None and os.geteuid() == 0:
        os.fchown(handle, account.uid, account.gid)
    return named(handle, path)


def named(handle: int, path: Path) -> io.FileIO:
    """Return a file object for an open handle, with its path as name."""
    return io.FileIO(path, "wb", opener=lambda *_: handle)


class WholeFile:
    """A file that is written beside its place, and moved there when it is whole: `keep`, or `discard`.

    What was there before stays until then. Its owner alone may read it. Raises OSError and ValueError.
    """

    def __init__(self, path: str | Path, folder: HeldFolder | None = None, *, replace: bool = True) -> None:
        """folder: that of the file, where it is held open already, and stays so; replace: a file that is there."""
        path = Path(path)
        self._replace = replace
        self._own = folder is None
        if folder is not None:
            self._folder, self._name = folder, path.name
        else:
            if os.fspath(path) and path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "Is a folder")
            self._folder, self._name = hold(path, follow=True)  # a link keeps pointing where it points
        try:
            self.handle, self._part = self._folder.make_part(self._name)
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._own:
            self._folder.close()

    def is_to_replace(self, path: str) -> bool:
        """Return whether `path` is the file that would be replaced."""
        with suppress(OSError, ValueError):
            there, other = self._folder.state(self._name), os.stat(path)  # noqa: PTH116 - as `state`
            return (there.st_dev, there.st_ino) == (other.st_dev, other.st_ino)
        return False

    def keep(self, suffix: str = "") -> None:
        """Put it in its place, or with a suffix beside it; the handle is still the caller's to close.

        Raises FileExistsError where a file is there that may not be replaced: it came while this one was written.
        """
        os.fsync(self.handle)
        name = self._name + suffix
        if not self._replace and self._is_there(name):
            raise FileExistsError(errno.EEXIST, "another file has come there in the meantime")
        if suffix:
            self._folder.made[self._part] = name
        self._folder.replace(self._part, name)
        self._part = ""
        self._let_go()

    def _is_there(self, name: str) -> bool:
        with suppress(OSError):
            return stat.S_ISREG(self._folder.state(name).st_mode)
        return False

    def discard(self) -> None:
        """Remove it, if it is not in its place by now; may be called twice."""
        if self._part:
            with suppress(OSError):
                self._folder.remove(self._part)
            self._part = ""
        self._let_go()
