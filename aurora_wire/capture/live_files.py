"""The files of a long capture, one after another, also where only root may make them.

After the drop of privileges this process may not make files in every folder. So a helper is forked off before:
it keeps the right to make the next file of this one series, decodes nothing, and hands each over as an open
file. It ends when its channel closes.
"""

from __future__ import annotations

import array
import io
import os
import signal
import socket
from pathlib import Path
from typing import Final

from aurora_wire.capture.privileges import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    Account,
    create_private,
    groups_of,
    is_caller,
    no_new_privileges,
    set_capabilities,
)
from aurora_wire.errors import OutputError

MOST_FILES: Final = 99_999


def numbered(path: Path, number: int) -> Path:
    """`evidence.pcapng`, then `evidence.00001.pcapng` ..."""
    return path if number == 0 else path.with_name(f"{path.stem}.{number:05d}{path.suffix}")


class CaptureFiles:
    """Makes the files of a series, for `account`, with mode 0600.

    Where `account` is not None and there will be more than one, a helper process stays behind with root's
    rights over files; make it before `privileges.drop`.
    """

    def __init__(self, path: str, account: Account | None, *, several: bool = False) -> None:
        self.path = Path(path).absolute()
        self.shown = Path(path)
        self.account = account
        self._helper = _start(self.path, account) if several and account is not None else None

    def make(self, number: int) -> io.FileIO:
        """Raises OutputError."""
        if number > MOST_FILES:
            raise OutputError(f"{self.shown}: has {MOST_FILES:,} parts, more are not made.")
        if self._helper is None or number == 0:
            file = create_private(numbered(self.path, number), self.account)
        else:
            file = self._ask(self._helper, number)
        return file

    def _ask(self, helper: socket.socket, number: int) -> io.FileIO:
        name = numbered(self.path, number)
        try:
            helper.send(str(number).encode())
            said, handles, _, _ = socket.recv_fds(helper, 4096, 1)
        except OSError as error:
            raise OutputError(f"{name}: who makes the files is gone: {error.strerror}.") from error
        if not handles:
            raise OutputError(said.decode("utf-8", "replace") or f"{name}: who makes the files is gone.")
        return io.FileIO(name, "wb", opener=lambda *_: handles[0])

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None


def _start(path: Path, account: Account) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child:
        theirs.close()
        return ours
    try:
        _serve(theirs, path, account)
    finally:
        os._exit(0)


def _serve(channel: socket.socket, path: Path, account: Account) -> None:
    """The helper: a number comes in, a file or the reason why there is none goes out."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # it ends with who asks
    handle = channel.fileno()
    os.closerange(0, handle)
    os.closerange(handle + 1, os.sysconf("SC_OPEN_MAX"))
    maker: Account | None = account
    if is_caller(account):  # it makes what the caller may make, with no right of root's
        os.setgroups(groups_of(account))
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
        set_capabilities(0)
        maker = None
    else:
        set_capabilities(1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE)
    no_new_privileges()
    while (said := channel.recv(16)):
        if not said.isdigit() or not 0 < int(said) <= MOST_FILES:
            return
        try:
            file = create_private(numbered(path, int(said)), maker)
        except OutputError as error:
            channel.send(str(error).encode("utf-8", "replace"))
            continue
        rights = array.array("i", [file.fileno()])
        channel.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        file.close()
