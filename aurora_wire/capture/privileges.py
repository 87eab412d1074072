"""Least privilege: what needs root is done first, then this process becomes somebody without any.

Order: sockets and outputs are opened, everything is imported, `drop`, and only then is the first byte from the
wire decoded. Source: capabilities(7), prctl(2), setresuid(2).
"""

from __future__ import annotations

import ctypes
import io
import os
import pwd
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora_wire.errors import AuroraWireError, OutputError

NOBODY: Final = 65534

# linux/prctl.h, linux/capability.h
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
CAPABILITY_VERSION_3: Final = 0x20080522
CAP_CHOWN, CAP_DAC_OVERRIDE = 0, 1


class StillPrivileged(AuroraWireError):  # noqa: N818 - what it is called where it is caught
    """Rights could not be given up, so nothing is decoded."""


@dataclass(slots=True, frozen=True)
class Account:
    uid: int
    gid: int


def account_to_become() -> Account | None:
    """Who called sudo, else nobody; None where this process is not root and stays who it is."""
    if os.geteuid() != 0:
        return None
    uid, gid = _number("SUDO_UID"), _number("SUDO_GID")
    if uid and gid:
        return Account(uid, gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(nobody.pw_uid, nobody.pw_gid)


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def drop(account: Account | None) -> None:
    """Become `account` (None: stay who we are), without groups, capabilities and ways to get any back.

    Raises StillPrivileged where that fails. To be called before there are threads.
    """
    try:
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
        if account is not None:
            os.setgroups([])
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
        set_capabilities(0)
        no_new_privileges()
    except OSError as error:
        raise StillPrivileged(f"cannot give up the rights of root: {error.strerror}.") from error
    if account is not None and (os.getresuid() != (account.uid,) * 3 or os.getresgid() != (account.gid,) * 3):
        raise StillPrivileged("cannot give up the rights of root.")


def no_new_privileges() -> None:
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_capabilities(mask: int) -> None:
    """Keep only these capabilities (bits by number); none can be inherited."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = struct.pack("=6I", low, low, 0, high, high, 0)
    library = ctypes.CDLL(None, use_errno=True)
    if library.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _prctl(option: int, argument: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if library.prctl(option, ctypes.c_ulong(argument), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def create_private(path: str | Path, account: Account | None) -> io.FileIO:
    """A new file for `account`'s eyes only (mode 0600), or the device or pipe that is there; unbuffered.

    A file that is there already is not touched: it may be evidence, and root follows no link that somebody
    else has laid. Raises OutputError.
    """
    path = Path(path)
    try:
        with rights_of_caller(account):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        with rights_of_caller(account):
            device = _device(path)
        if device is None:
            raise OutputError(f"{path}: is there already. Give another name, or remove it.") from error
        return device
    except (OSError, ValueError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise OutputError(f"{path}: {said}.") from error
    file = _named(handle, path)
    os.fchmod(handle, 0o600)  # whatever the umask
    if account is not None:
        os.fchown(handle, account.uid, account.gid)
    return file


@contextmanager
def rights_of_caller(account: Account | None) -> Iterator[None]:
    """Through sudo, files are opened with the rights of who called it; root that nobody called keeps its own."""
    if os.geteuid() != 0 or account is None or not is_caller(account):
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(groups_of(account))
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def is_caller(account: Account) -> bool:
    """Somebody other than root called sudo, and it is this account."""
    return account.uid != 0 and os.environ.get("SUDO_UID") == str(account.uid)


def groups_of(account: Account) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(account.uid).pw_name, account.gid)
    except KeyError:
        return [account.gid]


def _device(path: Path) -> io.FileIO | None:
    """What is there, opened if it is no file or folder: nothing is cut, and the open handle is what is judged."""
    if path.is_file() or path.is_dir():
        return None
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return _named(handle, path)


def _named(handle: int, path: Path) -> io.FileIO:
    """Of a handle that is open, with its path as name."""
    return io.FileIO(path, "wb", opener=lambda *_: handle)
