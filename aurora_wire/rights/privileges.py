"""Least privilege: what needs root is done first, then this process becomes somebody without any.

Order: sockets and outputs are opened, everything is imported, `drop`, and only then is the first byte from the
wire decoded. Source: capabilities(7), prctl(2), setresuid(2).
"""

from __future__ import annotations

import os
import pwd
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aurora_wire.errors import AuroraWireError, describe_error
from aurora_wire.immutable import immutable

NOBODY: Final = 65534

# linux/prctl.h, linux/capability.h
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
CAPABILITY_VERSION_3: Final = 0x20080522
CAP_CHOWN, CAP_DAC_OVERRIDE = 0, 1


class StillPrivileged(AuroraWireError):  # noqa: N818 - what it is called where it is caught
    """Rights could not be given up, so nothing is decoded."""


@immutable
class Account:
    uid: int
    gid: int


def account_to_become() -> Account | None:
    """Return the account that called root, else `nobody`; None if this process is not root and keeps its account."""
    return (caller() or nobody()) if os.geteuid() == 0 else None


def caller() -> Account | None:
    """Return the account that called sudo, pkexec or doas; None if root itself called, or this process is not root."""
    return _caller() if os.geteuid() == 0 else None


def _caller() -> Account | None:
    """Return who called, by what sudo, pkexec and doas set in the environment.

    Each overwrites its own variables only, and may pass on the others as its caller has set them: where they name
    different accounts, nobody's rights are all that is left.
    """
    found: list[Account] = []
    uid = _number("SUDO_UID")
    if uid:
        found.append(Account(uid, _number("SUDO_GID") or nobody().gid))  # the group root is a right of root's, too
    uid = _number("PKEXEC_UID")
    if uid:
        found.append(_find_account(uid))
    name = os.environ.get("DOAS_USER")
    if name:
        try:
            uid = pwd.getpwnam(name).pw_uid
        except (KeyError, ValueError):
            return nobody()
        if uid:
            found.append(_find_account(uid))
    if not found:
        return None
    return found[0] if len({account.uid for account in found}) == 1 else nobody()


def _find_account(uid: int) -> Account:
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid or nobody().gid)
    except KeyError:
        return Account(uid, nobody().gid)


def name_account(account: Account) -> str:
    """Return the name of an account, or its number if it has none."""
    try:
        return pwd.getpwuid(account.uid).pw_name
    except KeyError:
        return str(account.uid)


def nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)


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
        raise StillPrivileged(f"cannot give up the rights of root: {describe_error(error)}.") from error
    if account is not None and (os.getresuid() != (account.uid,) * 3 or os.getresgid() != (account.gid,) * 3):
        raise StillPrivileged("cannot give up the rights of root.")


def no_new_privileges() -> None:
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_capabilities(mask: int) -> None:
    """Keep only these capabilities (bits by number); none can be inherited."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = struct.pack("=6I", low, low, 0, high, high, 0)
    import ctypes  # noqa: PLC0415 - `preload` has it; a scan needs none

    library = ctypes.CDLL(None, use_errno=True)
    if library.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _prctl(option: int, argument: int) -> None:
    import ctypes  # noqa: PLC0415 - `preload` has it; a scan needs none

    library = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if library.prctl(option, ctypes.c_ulong(argument), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def rights_of_caller(account: Account | None) -> Iterator[None]:
    """Do what is inside with the rights of who called; None and root itself keep their own."""
    with acting_as(account if account is not None and is_caller(account) else None):
        yield


@contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Do what is inside with the rights of `account`, which root can; None and others keep their own."""
    if os.geteuid() != 0 or account is None:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(list_groups(account) if is_caller(account) else [])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def is_caller(account: Account) -> bool:
    """Return whether somebody other than root called sudo, pkexec or doas, and it is this account."""
    found = _caller()
    return account.uid != 0 and found is not None and found.uid == account.uid


def list_groups(account: Account) -> list[int]:
    """Return the groups of an account, without that of root."""
    try:
        groups = os.getgrouplist(pwd.getpwuid(account.uid).pw_name, account.gid)
    except KeyError:
        groups = [account.gid]
    return [group for group in groups if group]
