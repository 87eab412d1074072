"""Two processes: one drives the clients, the other captures; neither runs as root.

The capture socket is opened with root's rights. Then the watcher is forked off; it gives up all rights before it
decodes the first byte, and answers with evidence as JSON. This process in turn becomes the user who called sudo: the
clients, and all files that are left, are that user's. Where root itself called, it becomes nobody. So what comes from
the wire is never decoded with rights, no client has any, and what drives the clients never decodes what they sent.

The watcher ends when its channel closes, whatever the reason; Ctrl-C is left to this side.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Final

from aurora_wire.errors import AuroraWireError, CaptureError, UsageError
from aurora_wire.prove.drivers import interpreter
from aurora_wire.prove.drivers.environments import find_home
from aurora_wire.prove.drivers.programs import CODE_SETTINGS
from aurora_wire.prove.observation import Observation, from_json, to_json
from aurora_wire.prove.observe import observe
from aurora_wire.prove.observers import Observer
from aurora_wire.rights.held_folder import delegate_all
from aurora_wire.rights.privileges import Account, account_to_become, drop, is_caller, list_groups, no_new_privileges

ANSWER_SECONDS: Final = 90.0   # for the evidence of one cell
WAIT: Final = 0.05


class Watcher:
    """The other process. `make` is called in it, after the drop; it gives the observer.

    What both may need afterwards has to be loaded before (`aurora_wire.cli.preload`).
    """

    def __init__(self, make: Callable[[], Observer], *, close_here: Callable[[], None] | None = None) -> None:
        """close_here: closes what only the watcher needs, here. Raises UsageError where `make` fails."""
        account = account_to_become()
        ours, theirs = Pipe()
        self.pid = os.fork()
        if not self.pid:
            ours.close()
            _live(theirs, make, account)
        theirs.close()
        self._channel = ours
        if close_here is not None:
            close_here()
        become_driver(account)
        said = self._answer()
        self.how: str = said["how"]
        self.connect_port = int(said["connect_port"])

    def begin(self) -> None:
        self._ask({"do": "begin"})
        self._answer()

    def end(
        self, canary: str, key_log: bytes, *, password: str = "", comment: str = "", keep_keys: bool = False
    ) -> tuple[Observation, bytes]:
        """Return what was seen since `begin`, and the frames as a pcapng file (empty without a comment)."""
        self._ask({"do": "end", "canary": canary, "comment": comment, "keep_keys": keep_keys})
        self._send(key_log)
        self._send(password.encode())
        self._answer()
        try:
            return from_json(self._receive()), self._receive()
        except (ValueError, KeyError, TypeError) as error:
            raise CaptureError(self.how, -1, f"the capture's answer makes no sense: {error}") from error

    def close(self) -> None:
        """Close the watcher; may be called twice."""
        self._channel.close()
        if self.pid:
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, message: dict[str, object]) -> None:
        self._send(json.dumps(message).encode())

    def _send(self, data: bytes) -> None:
        try:
            self._channel.send_bytes(data)
        except OSError as error:
            raise CaptureError(self.how, -1, "the capture has ended by itself") from error

    def _receive(self) -> bytes:
        try:
            if self._channel.poll(ANSWER_SECONDS):
                return self._channel.recv_bytes()
        except (EOFError, OSError):
            pass
        self.close()
        raise CaptureError(getattr(self, "how", "capture"), -1, "the capture does not answer")

    def _answer(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._receive())
        if "error" in said:
            self.close()
            raise UsageError(str(said["error"]))
        return said


def become_driver(account: Account | None) -> None:
    """Become who called sudo, else nobody (None: stay): clients and drivers are others' programs, and never root's.

    Folders that are held open stay writable: where root itself called, by a process each that does nothing else.
    """
    if account is None:
        return
    interpreter.prepare(account)
    delegate_all()
    sudo = is_caller(account)
    os.setgroups(list_groups(account) if sudo else [])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    no_new_privileges()
    os.environ["HOME"] = find_home(account.uid)
    if not sudo:
        os.chdir("/")  # what lies where root happens to stand was not chosen by anybody
        for name in ("XDG_CACHE_HOME", *(name for name in os.environ if name.startswith(CODE_SETTINGS))):
            os.environ.pop(name, None)
    sys.path[:] = map(interpreter.reached, sys.path)
    tempfile.tempdir = None  # root's may be private


def _live(channel: Connection, make: Callable[[], Observer], account: Account | None) -> None:
    """Run the watcher's whole life; never returns."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        drop(account)
        try:
            observer = make()
        except (AuroraWireError, OSError) as error:
            channel.send_bytes(json.dumps({"error": str(error)}).encode())
        else:
            try:
                _serve(channel, observer)
            finally:
                observer.close()
        code = 0
    except (EOFError, OSError):
        code = 0  # the other side has ended
    except Exception as error:  # it has nobody else to tell
        with suppress(OSError):
            channel.send_bytes(json.dumps({"error": f"the capture failed: {error!r}"}).encode())
    finally:
        os._exit(code)


def _serve(channel: Connection, observer: Observer) -> None:
    channel.send_bytes(json.dumps({"how": observer.how, "connect_port": observer.connect_port}).encode())
    while True:
        while not channel.poll(0):
            observer.wait(WAIT)
        message = json.loads(channel.recv_bytes())
        if message["do"] == "begin":
            observer.begin()
            channel.send_bytes(b"{}")
            continue
        key_log = channel.recv_bytes()
        password = channel.recv_bytes()
        observer.end()
        evidence = observe(
            observer.frames, message["canary"], key_log, port=observer.port, how=observer.how,
            dropped=observer.dropped, failure=observer.problem, password=password,
        )  # fmt: skip
        evidence.note = observer.said
        comment = message["comment"]
        file = observer.pcapng(comment, key_log if message["keep_keys"] else b"") if comment else b""
        channel.send_bytes(b"{}")
        channel.send_bytes(to_json(evidence))
        channel.send_bytes(file)
