"""Folders that are held open, so that a file is made where its folder was looked up, whatever its path leads to later.

Through sudo a folder is opened, and files are made in it, with the rights of who called. Where root itself called, the
way to it follows no link of another account's: links count where root laid them, in a folder that only root writes
to. Below the handle nothing follows links. Source: openat(2), path_resolution(7), proc_pid_fd(5).
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from aurora_wire.rights.file_helper import FileHelper
from aurora_wire.rights.inputs import LINKS, is_own
from aurora_wire.rights.privileges import Account, caller, rights_of_caller
from aurora_wire.rights.safe_folder import ROOT, only_root_writes

PROC: Final = "/proc/self"


class HeldFolder:
    """A folder by its handle. `path` is for messages only. All methods raise OSError."""

    def __init__(self, handle: int, path: Path, account: Account | None) -> None:
        self.handle = handle
        self.path = path
        self.account = account            # who called sudo, where files are made with their rights
        self.pattern = ""                 # of the names that may be made after `delegate`
        self.made: dict[str, str] = {}    # what is to be moved, and its name then
        self._helper: FileHelper | None = None
        _open.add(self)

    def delegate(self, owner: Account | None = None) -> None:
        """Leave a process behind, before rights are given up, that keeps those over this folder's files.

        owner: who gets them.
        """
        if self._helper is None:
            self._helper = FileHelper(
                self.handle, self._make, self._replace, self._remove, pattern=self.pattern, made=self.made,
                account=self.account, owner=owner,
            )  # fmt: skip

    def make(self, name: str, flags: int = os.O_WRONLY) -> int:
        """Open a new file, for its owner's eyes only."""
        return self._make(name, flags) if self._helper is None else self._helper.make(name, flags)

    def _make(self, name: str, flags: int) -> int:
        with rights_of_caller(self.account):
            handle = os.open(
                name, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.handle
            )
        os.fchmod(handle, 0o600)  # whatever the umask
        return handle

    def make_part(self, name: str) -> tuple[int, str]:
        """Open a new file beside `name`, for writing and reading, and return its name too."""
        while True:
            part = f".{name[:40]}.{secrets.token_hex(6)}.part"
            try:
                handle = self.make(part, os.O_RDWR)
            except FileExistsError:
                continue
            self.made[part] = name
            return handle, part

    def replace(self, part: str, name: str) -> None:
        """Move a file to another name; a link that has the name is replaced, not followed."""
        (self._replace if self._helper is None else self._helper.replace)(part, name)
        self.made.pop(part, None)

    def _replace(self, part: str, name: str) -> None:
        with rights_of_caller(self.account):
            os.rename(part, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        """Remove a file of this folder."""
        (self._remove if self._helper is None else self._helper.remove)(name)
        self.made.pop(name, None)

    def _remove(self, name: str) -> None:
        with rights_of_caller(self.account):
            os.unlink(name, dir_fd=self.handle)

    def state(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.handle, follow_symlinks=False)

    def close(self) -> None:
        """Let the folder go; may be called twice."""
        _open.discard(self)
        if self._helper is not None:
            self._helper.close()
            self._helper = None
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


_open: set[HeldFolder] = set()


def delegate_all() -> None:
    """Make held folders writable after the privilege drop. Does nothing unless root itself called."""
    if os.geteuid() == ROOT and caller() is None:
        for folder in list(_open):
            folder.delegate()


def hold(path: str | Path, *, follow: bool = False) -> tuple[HeldFolder, str]:
    """Open the folder of a file, and return the file's name in it. The file need not be there.

    follow: where the last part is a link, the folder and the name of what it leads to.
    """
    path = Path(path)
    account = None if is_own(os.fspath(path)) else caller()
    if os.geteuid() == ROOT and account is None:
        handle, name = _walk(path, follow=follow)
    else:
        with rights_of_caller(account):
            place = path.resolve() if follow else path
            name = place.name
            handle = os.open(place.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    folder = HeldFolder(handle, path.parent, account)
    if name in {"", ".", ".."}:
        folder.close()
        raise IsADirectoryError(errno.EISDIR, "Is a folder")
    return folder, name


def hold_folder(path: str | Path, *, make: bool = False) -> HeldFolder:
    """Open a folder itself. make: it is made where it is not there, for its owner only, and what leads to it."""
    path = Path(path)
    account = caller()
    if os.geteuid() == ROOT and account is None:
        handle, _ = _walk(path, follow=True, make=make, whole=True)
    else:
        with rights_of_caller(account):
            if make:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return HeldFolder(handle, path, account)


def open_special(path: str | Path) -> int | None:
    """Open the device or pipe that is there for writing; None where there is a file, a folder or nothing."""
    path = Path(path)
    account = caller()
    if os.geteuid() != ROOT or account is not None:
        with rights_of_caller(account):
            return None if path.is_file() or path.is_dir() or not path.exists() else _if_special(os.fspath(path))
    try:
        folder, name = hold(path, follow=True)
    except FileNotFoundError:
        return None
    try:
        # What lies in /proc are links of the kernel's, that lead to what is open.
        flags = os.O_PATH | os.O_CLOEXEC | (0 if _is_proc(os.fstat(folder.handle)) else os.O_NOFOLLOW)
        try:
            found = os.open(name, flags, dir_fd=folder.handle)
        except FileNotFoundError:
            return None
    finally:
        folder.close()
    try:
        state = os.fstat(found)
        if stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode) or stat.S_ISLNK(state.st_mode):
            return None
        if stat.S_ISFIFO(state.st_mode) and state.st_uid != ROOT and flags & os.O_NOFOLLOW:
            raise PermissionError(errno.EACCES, "A pipe of another account")
        return _if_special(f"{PROC}/fd/{found}")
    finally:
        os.close(found)


def _if_special(path: str) -> int | None:
    """Judge the open handle, and not its path."""
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return handle


def _walk(path: Path, *, follow: bool, make: bool = False, whole: bool = False) -> tuple[int, str]:
    """Go to the folder of `path` (whole: to `path`) step by step, each from the handle of the one before."""
    if "\0" in str(path):
        raise ValueError("embedded null byte")
    parts = deque(path.parts[1:] if path.is_absolute() else path.parts)
    if whole:
        parts.append(".")
    at = _top("/" if path.is_absolute() else ".")
    links = 0
    try:
        while True:
            name = parts.popleft() if parts else "."
            if not parts and not follow:
                return at, name
            if make and name not in {".", ".."}:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=at)
            try:
                found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            except FileNotFoundError:
                if parts:
                    raise
                return at, name
            state = os.fstat(found)
            if stat.S_ISLNK(state.st_mode) and _is_proc(state):
                os.close(found)
                if not parts:
                    return at, name
                at = _step(at, os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=at))
            elif stat.S_ISLNK(state.st_mode):
                target = os.readlink("", dir_fd=found)
                os.close(found)
                if state.st_uid != ROOT or not only_root_writes(os.fstat(at)):
                    _refuse(errno.ELOOP, "A link that another account may have laid leads there")
                links += 1
                if links > LINKS:
                    _refuse(errno.ELOOP)
                parts.extendleft(reversed([part for part in target.split("/") if part]))
                if target.startswith("/"):
                    at = _step(at, _top("/"))
            elif parts:
                if not stat.S_ISDIR(state.st_mode):
                    os.close(found)
                    _refuse(errno.ENOTDIR)
                at = _step(at, found)
            else:
                os.close(found)
                return at, name
    except BaseException:
        os.close(at)
        raise


def _refuse(number: int, said: str = "") -> NoReturn:
    raise OSError(number, said or os.strerror(number))


def _top(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _step(before: int, after: int) -> int:
    os.close(before)
    return after


def _is_proc(state: os.stat_result) -> bool:
    try:
        return state.st_dev == Path(PROC).stat().st_dev
    except OSError:
        return False
