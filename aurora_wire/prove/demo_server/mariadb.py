"""A server of our own for the demo, with certificates made on the spot; nothing of it is left afterwards.

MariaDB where it is installed: a private instance with its own data folder, port and socket, on the loopback only.
Else mysql-mimic, a server in Python (`mimic`). Where this runs as root, the server is who called sudo, or nobody.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

from aurora_wire.errors import UsageError
from aurora_wire.prove.drivers import interpreter
from aurora_wire.prove.drivers.programs import CODE_SETTINGS, TRUSTED_PATH, find_program, reachable
from aurora_wire.rights.privileges import Account, account_to_become
from aurora_wire.signals import held_back

HOST: Final = "127.0.0.1"
NAMES: Final = ("localhost", HOST, "::1")
MARIADB: Final = "mariadb"
MIMIC: Final = "mysql-mimic"
USER: Final = "demo"
DATABASE: Final = "shop"
START_SECONDS: Final = 15.0
STOP_SECONDS: Final = 5.0
ATTEMPTS: Final = 3          # another program can take the port between its choice and its use
SETTINGS: Final = ("MYSQL", "MARIADB", "SSL", *CODE_SETTINGS)
MIMIC_FILE: Final = Path(__file__).with_name("mimic.py")


class NoServer(UsageError):  # noqa: N818 - what it is called where it is caught
    """No server program was found, or it failed to start."""


@dataclass(slots=True)
class Embedded:
    """A running server, in a `with` statement. kind: MARIADB or MIMIC, empty for what is there; ca: what to trust."""

    kind: str = ""
    host: str = "localhost"
    port: int = 0
    user: str = USER
    database: str = DATABASE
    password: str = field(default="", repr=False)
    ca: str = ""
    _folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    _account: Account | None = None
    _handle: int = -1  # of the folder: what is given away is never named by its path again
    _log: int = -1

    def __enter__(self) -> Embedded:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self.kind = available(self.kind)
        if find_spec("trustme") is None:
            raise NoServer("no certificates for the demo: pip install 'aurora_wire[demo]'.")
        self._account = account_to_become()
        with held_back():
            self._folder = Path(tempfile.mkdtemp(prefix="aurora-wire-demo-server-", dir=reachable(self._account)))
        self._folder.chmod(0o755)  # the certificate of the authority is for the clients
        self.password = secrets.token_urlsafe(18)
        self._handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._certificates(self._folder)
        self._log = self._create("error.log", os.O_RDWR | os.O_APPEND)
        if self.kind == MARIADB:
            self._write("first.sql", (
                f"CREATE DATABASE {DATABASE};\n"
                f"CREATE USER {USER}@'%' IDENTIFIED BY '{self.password}';\n"
                f"GRANT ALL ON {DATABASE}.* TO {USER}@'%';\n"
            ).encode())  # fmt: skip
        if self._account is not None:  # last: in a folder that is somebody else's, root writes nothing
            os.fchown(self._handle, self._account.uid, self._account.gid)
        if self.kind == MARIADB:
            self._start_mariadb(self._folder)
        else:
            self._start_mimic(self._folder)

    def _certificates(self, folder: Path) -> None:
        import trustme  # noqa: PLC0415 - only here

        authority = trustme.CA()
        leaf = authority.issue_cert(*NAMES, common_name="localhost")
        self._write("ca.pem", authority.cert_pem.bytes(), 0o644)
        self._write("server.pem", leaf.cert_chain_pems[0].bytes(), 0o644)
        self._write("server.key", leaf.private_key_pem.bytes())
        self.ca = str(folder / "ca.pem")

    def _create(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Return a new file in the folder, the account's; it follows no link, and takes nothing that is there."""
        handle = os.open(name, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=self._handle)
        os.fchmod(handle, mode)
        if self._account is not None:
            os.fchown(handle, self._account.uid, self._account.gid)
        return handle

    def _write(self, name: str, data: bytes, mode: int = 0o600) -> None:
        with os.fdopen(self._create(name, os.O_WRONLY, mode), "wb") as file:
            file.write(data)

    def _said(self) -> bytes:
        """Return what the server has written, at most its last 64 KiB: by the open file, whatever its name leads to by
        now.
        """
        size = os.fstat(self._log).st_size
        return os.pread(self._log, 65_536, max(0, size - 65_536))

    def _start_mariadb(self, folder: Path) -> None:
        data = folder / "data"
        making = self._run_mariadb(
            [program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal",
             "--skip-test-db", "--innodb-log-file-size=4M", f"--datadir={data}"],
            folder,
        )  # fmt: skip
        try:
            failed = making.wait(START_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NoServer(f"MariaDB takes more than {START_SECONDS:g} s to make its data folder.") from error
        if failed:
            raise NoServer(f"MariaDB cannot make its data folder: {last_line(self._said())}")
        first = folder / "first.sql"
        for _ in range(ATTEMPTS):
            self.port = free_port()
            self._run_mariadb(
                [program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={self.port}",
                 f"--bind-address={HOST}", f"--socket={folder}/s", f"--pid-file={folder}/pid",
                 f"--init-file={first}", "--skip-name-resolve", f"--ssl-ca={folder}/ca.pem",
                 f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key",
                 "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M",
                 "--innodb-flush-log-at-trx-commit=0"],
                folder,
            )  # fmt: skip
            if self._listens():
                os.unlink("first.sql", dir_fd=self._handle)  # the password was in it
                return
            self._end()
        raise NoServer(f"MariaDB does not start: {last_line(self._said())}")

    def _run(self, argv: list[str], **how: Any) -> subprocess.Popen[bytes]:
        """Start a program of the server as the server's user; `_end` ends it, and what it has started."""
        if self._account is not None:
            how |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        with held_back():  # a signal in between would leave a process that nobody ends, and that writes on
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [*ends_with_us(), *argv], stderr=self._log, start_new_session=True, **how
            )
        return self._process

    def _run_mariadb(self, argv: list[str], folder: Path) -> subprocess.Popen[bytes]:
        """Start a program of MariaDB's in the folder."""
        return self._run(argv, cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=self._log)

    def _listens(self) -> bool:
        """Wait until the server takes connections: its accounts are made before."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as probe:
                return probe.recv(1) != b""
            time.sleep(0.03)
        return False

    def _start_mimic(self, folder: Path) -> None:
        interpreter.prepare(self._account)
        settings = {
            "host": HOST, "user": USER, "password": self.password, "certificate": str(folder / "server.pem"),
            "key": str(folder / "server.key"),
        }  # fmt: skip
        for _ in range(ATTEMPTS):
            self.port = free_port()
            process = self._run(
                interpreter.command(MIMIC_FILE), cwd="/", env=environment(folder) | interpreter.environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=interpreter.handles(),
            )  # fmt: skip
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None  # noqa: S101 - both are pipes
            assert stdout is not None  # noqa: S101
            with suppress(OSError):
                stdin.write(json.dumps(settings | {"port": self.port}).encode() + b"\n")
                stdin.flush()
                if stdout.readline() == b"ready\n":
                    return
            self._end()
        raise NoServer(f"mysql-mimic does not start: {last_line(self._said())}")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        pipes: list[IO[bytes] | None] = [process.stdin, process.stdout]
        for pipe in pipes:
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()  # at which mysql-mimic ends
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # nobody needs what it would still write
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End the server and remove its folder; may be called twice."""
        with held_back():
            self._end()
            if self._folder is not None:
                end = time.monotonic() + STOP_SECONDS
                while self._folder.exists() and time.monotonic() < end:
                    shutil.rmtree(self._folder, ignore_errors=True)  # what was just killed may have written once more
                self._folder = None
            for handle in (self._log, self._handle):
                if handle >= 0:
                    os.close(handle)
            self._log = self._handle = -1


def available(wanted: str = "") -> str:
    """Return the requested kind of server, or the first one installed. Raises NoServer."""
    there = []
    if all(map(program, ("mariadbd", "mariadb-install-db"))):
        there.append(MARIADB)
    if find_spec("mysql_mimic") is not None:
        there.append(MIMIC)
    if wanted in there or (there and not wanted):
        return wanted or there[0]
    ways = {MARIADB: "apt-get install mariadb-server", MIMIC: "pip install 'aurora_wire[demo]'"}
    how = " or ".join(way for kind, way in ways.items() if wanted in ("", kind))
    raise NoServer(f"no server for the demo: {how}.")


def program(name: str) -> str:
    """Return a program's path, also if a user's PATH leaves the system's folders out; empty: not there."""
    return find_program(name, system=True) or ""


def ends_with_us() -> list[str]:
    setpriv = program("setpriv")
    return [setpriv, "--pdeathsig=KILL"] if setpriv else []


def environment(folder: Path) -> dict[str, str]:
    """Return the server's environment. folder: for what it writes besides its data."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    path = TRUSTED_PATH if os.geteuid() == 0 else os.pathsep.join((os.environ.get("PATH", ""), TRUSTED_PATH))
    return kept | {"PATH": path, "LC_ALL": "C", "HOME": "/nonexistent", "TMPDIR": str(folder)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def last_line(said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "without a word"
