"""A process that keeps the rights of root over the files of one folder, when they are given up elsewhere.

It is forked off before the drop, decodes nothing, and is asked for files by name: new ones that the pattern of its
folder allows, and to move or remove what it made. It hands each over as an open file, and ends when its channel closes.
"""

from __future__ import annotations

import array
import errno
import json
import os
import re
import signal
import socket
from collections.abc import Callable
from typing import Final

from aurora_wire.errors import describe_error
from aurora_wire.rights.privileges import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    Account,
    is_caller,
    list_groups,
    no_new_privileges,
    set_capabilities,
)

MESSAGE: Final = 16_384    # bytes of a question or an answer, at most

Make = Callable[[str, int], int]
Replace = Callable[[str, str], None]
Remove = Callable[[str], None]


class FileHelper:
    """The way to the process. All methods raise OSError, as if what they ask for were done here."""

    def __init__(
        self, handle: int, make: Make, replace: Replace, remove: Remove, *, pattern: str, made: dict[str, str],
        account: Account | None, owner: Account | None,
    ) -> None:
        """handle: of the folder; make, replace, remove: what is done in it.

        pattern: of the names that may be made; made: what was made before, and the name that it may get; account:
        whose rights the process keeps (None: those of root over files); owner: who gets the files.
        """
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork():
            theirs.close()
            return
        try:
            _only(theirs.fileno(), handle)
            _keep_rights(account)
            _Serving(theirs, make, replace, remove, re.compile(pattern), made, owner).serve()
        finally:
            os._exit(0)

    def make(self, name: str, flags: int) -> int:
        handle = self._ask({"do": "make", "name": name, "flags": flags})
        assert handle is not None  # noqa: S101 - what is made is handed over
        return handle

    def replace(self, part: str, name: str) -> None:
        self._ask({"do": "replace", "name": part, "to": name})

    def remove(self, name: str) -> None:
        self._ask({"do": "remove", "name": name})

    def close(self) -> None:
        self._channel.close()

    def _ask(self, message: dict[str, object]) -> int | None:
        try:
            self._channel.send(json.dumps(message).encode())
            said, handles, _, _ = socket.recv_fds(self._channel, MESSAGE, 1)
        except OSError as error:
            raise OSError(error.errno, f"who makes the files is gone: {error.strerror}") from error
        if not said:
            raise OSError(errno.EPIPE, "who makes the files is gone")
        answer = json.loads(said)
        if answer["errno"]:
            raise OSError(answer["errno"], answer["said"])  # of the class that belongs to the number
        return handles[0] if handles else None


class _Serving:
    def __init__(
        self, channel: socket.socket, make: Make, replace: Replace, remove: Remove, pattern: re.Pattern[str],
        made: dict[str, str], owner: Account | None,
    ) -> None:
        self.channel = channel
        self.make = make
        self.replace = replace
        self.remove = remove
        self.pattern = pattern
        self.made = dict(made)
        self.owner = owner

    def serve(self) -> None:
        while said := self.channel.recv(MESSAGE):
            handle = None
            answer: dict[str, object] = {"errno": 0}
            try:
                handle = self._do(json.loads(said))
            except OSError as error:
                answer = {"errno": error.errno or errno.EIO, "said": describe_error(error)}
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))] if handle is not None else []
            self.channel.sendmsg([json.dumps(answer).encode()], rights)
            if handle is not None:
                os.close(handle)

    def _do(self, message: dict[str, str]) -> int | None:
        name = message["name"]
        match message["do"]:
            case "make" if self.pattern.fullmatch(name) and "/" not in name:
                handle = self.make(name, int(message["flags"]) & (os.O_WRONLY | os.O_RDWR))
                if self.owner is not None:
                    os.fchown(handle, self.owner.uid, self.owner.gid)
                self.made[name] = ""
                return handle
            case "replace" if name in self.made and self._may_become(self.made[name], message["to"]):
                self.replace(name, message["to"])
                del self.made[name]
            case "remove" if name in self.made:
                self.remove(name)
                del self.made[name]
            case _:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return None

    def _may_become(self, wanted: str, name: str) -> bool:
        return name == wanted or (bool(self.pattern.fullmatch(name)) and "/" not in name)


def _only(*handles: int) -> None:
    """Hear no signal of the terminal's (it ends with who asks), and have nothing open but these."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    at = 0
    for handle in sorted(handles):
        os.closerange(at, handle)
        at = handle + 1
    os.closerange(at, os.sysconf("SC_OPEN_MAX"))


def _keep_rights(account: Account | None) -> None:
    if account is not None and is_caller(account):  # it makes what the caller may make, with no right of root's
        os.setgroups(list_groups(account))
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
        set_capabilities(0)
    elif os.geteuid() == 0:
        set_capabilities(1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE)
    no_new_privileges()
