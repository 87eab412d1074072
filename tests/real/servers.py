"""Real servers, private to a test session: own data folder, own port and socket, nothing of the system's.

They run as nobody where the tests run as root, listen on the loopback only, are gone when `stop` returns,
and end by themselves should the tests be killed. `AURORA_WIRE_TEST_MYSQL` names the folder that
`get_mysql.sh` made; without it, it is `.cache/mysql` in the project.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.folders import IN_MEMORY
from tests.free_ports import pick_port
from tests.real.certificates import RIGHT, Certificates

ROOT = Path(__file__).resolve().parents[2]
MARIADB11_FOLDER = Path(os.environ.get("AURORA_WIRE_TEST_MARIADB11") or ROOT / ".cache" / "mariadb11").resolve()
MYSQL_FOLDER = Path(os.environ.get("AURORA_WIRE_TEST_MYSQL") or ROOT / ".cache" / "mysql").resolve()
SYSTEM_PATH = os.pathsep.join(
    dict.fromkeys([*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin"])
)

HOST = "127.0.0.1"
START_SECONDS = 60.0   # on a busy machine; a second is usual
STOP_SECONDS = 30.0
ATTEMPTS = 3           # another process can take the port between its choice and its use

DATABASE = "shop"

# Data folders that no server has used yet, by the command that makes them.
_FRESH: dict[tuple[str, ...], Path] = {}


@dataclass(frozen=True)
class Account:
    user: str
    password: str


APP = Account("app", "app-Secret-1")
TLS_ONLY = Account("tlsonly", "tls-Secret-2")             # REQUIRE SSL
READER = Account("reader", "reader-Secret-3")             # may look, but not make tables
ODD = Account("odd", "p a'ss\"w\\o#rd;=%s`$HOME é")       # what quoting gets wrong


class NotThereError(Exception):
    """A server is not installed; the text says how to get it."""


class Server:
    """A server process. `with_tls=False`: one that offers none."""

    kind = ""
    listen_on = HOST
    entered: tuple[str, ...] = ()        # what the server is started by: into a network namespace
    name_options: tuple[str, ...] = ("--skip-name-resolve",)
    options: tuple[str, ...] = ()        # what a test's own set-up adds

    def __init__(self, certificates: Certificates, *, with_tls: bool = True) -> None:
        self.certificates = certificates
        self.with_tls = with_tls
        self.host = HOST
        self.port = 0
        self.version = ""
        self._process: subprocess.Popen[bytes] | None = None
        # Short: a socket's path has a bound.
        self.folder = Path(tempfile.mkdtemp(prefix=f"aw-{self.kind}-", dir=IN_MEMORY))
        self.folder.chmod(0o755)
        self.socket = self.folder / "s"
        self.error_log = self.folder / "error.log"
        self._shown = self.folder / "shown"
        self._shown.mkdir()
        self._show(RIGHT)
        if becomes_nobody():
            shutil.chown(self.folder, "nobody", "nogroup")

    # What differs between the kinds.

    def program(self) -> list[str]:
        raise NotImplementedError

    def client(self) -> list[str]:
        raise NotImplementedError

    def initialise(self) -> None:
        raise NotImplementedError

    def tls_options(self) -> list[str]:
        raise NotImplementedError

    def accounts(self) -> str:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What the server's own environment has besides."""
        return {}

    reload_tls = ""

    # Life.

    def start(self) -> None:
        self.initialise()
        for attempt in range(1, ATTEMPTS + 1):
            self.port = pick_port()
            if self._start_once():
                break
            if attempt == ATTEMPTS:
                raise RuntimeError(f"{self.kind} did not start:\n{self._last_words()}")
        self.version = self.sql("SELECT VERSION()").strip()
        self.sql(f"CREATE DATABASE {DATABASE}; {self.accounts()}")

    def _start_once(self) -> bool:
        command = [
            *self.entered, *as_nobody(), *self.program(), f"--port={self.port}", f"--bind-address={self.listen_on}",
            f"--socket={self.socket}", f"--pid-file={self.folder}/pid", *self.name_options,
            "--secure-file-priv=", "--local-infile=1", *self.tls_options(), *self.options, *_root_on_purpose(),
        ]  # fmt: skip
        with self.error_log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=quiet_environment() | self.environment(), start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                return False
            if self.socket.exists() and self._ask("SELECT 1").returncode == 0:
                return True
            time.sleep(0.05)
        self._end_process()
        return False

    def stop(self) -> None:
        """Ends the server and removes its folder; may be called twice."""
        self._end_process()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_process(self) -> None:
        if self._process is None:
            return
        self._process.kill()  # nobody needs what it would still write
        self._process.wait(STOP_SECONDS)
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # Use.

    def sql(self, text: str) -> str:
        """Runs statements as root through the socket, where no capture sees them. Rows as lines with tabs."""
        done = self._ask(text)
        if done.returncode:
            raise RuntimeError(f"{self.kind}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def tables(self) -> list[str]:
        """The tables in the test database: none, where each client cleaned up."""
        return self.sql(f"SHOW TABLES FROM {DATABASE}").split()

    @contextmanager
    def showing(self, certificate: str) -> Iterator[None]:
        """New connections are shown this certificate for the time of a `with` statement.

        MySQL refuses to load one that has expired.
        """
        self._show(certificate)
        self.sql(self.reload_tls)
        try:
            yield
        finally:
            self._show(RIGHT)
            self.sql(self.reload_tls)

    def _show(self, certificate: str) -> None:
        shutil.copyfile(self.certificates.cert(certificate), self._shown / "cert.pem")
        shutil.copyfile(self.certificates.key(certificate), self._shown / "key.pem")

    def _pem_options(self) -> list[str]:
        shown = self._shown
        return [
            f"--ssl-ca={self.certificates.bundle}",
            f"--ssl-cert={shown}/cert.pem", f"--ssl-key={shown}/key.pem",
        ]  # fmt: skip

    def _ask(self, text: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.client(), "--no-defaults", "-uroot", f"--socket={self.socket}", "-N", "-B",
             "--default-character-set=utf8mb4"],
            input=text.encode(), capture_output=True, timeout=START_SECONDS,
            env=quiet_environment() | self.environment(),
            check=False,
        )  # fmt: skip

    def _initialise_with(self, command: list[str]) -> None:
        """Make the data folder: by `command` for the first server that is told this, as a copy for all others.

        Some thirty servers are started; MySQL takes two seconds of processor time for a folder, and waits longer still
        for the disk.
        """
        told = tuple(word.replace(str(self.folder), "") for word in command)
        made = _FRESH.get(told)
        if made is None:
            self._run_as_nobody(command)
            made = _FRESH[told] = Path(tempfile.mkdtemp(prefix="aw-fresh-", dir=IN_MEMORY))
            atexit.register(shutil.rmtree, made, ignore_errors=True)
            _copy(self.folder / "data", made / "data")
            # MySQL's: who this server is. It makes another one at its start where there is none.
            (made / "data" / "auto.cnf").unlink(missing_ok=True)
        else:
            _copy(made / "data", self.folder / "data")

    def _run_as_nobody(self, command: list[str]) -> None:
        done = subprocess.run(
            [*as_nobody(), *command], capture_output=True, stdin=subprocess.DEVNULL, cwd=self.folder,
            timeout=START_SECONDS, env=quiet_environment(), check=False,
        )  # fmt: skip
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"{self.kind} could not make its data folder:\n{said}")

    def _last_words(self) -> str:
        return "\n".join(self.error_log.read_text(errors="replace").splitlines()[-20:])


class MariaDB(Server):
    """MariaDB as Debian packages it (mariadb-server, mariadb-client)."""

    kind = "mariadb"
    reload_tls = "FLUSH SSL"

    def __init__(self, certificates: Certificates, *, with_tls: bool = True) -> None:
        if not (find("mariadbd") and find("mariadb-install-db") and find("mariadb")):
            raise NotThereError("MariaDB is not installed: apt-get install mariadb-server mariadb-client")
        super().__init__(certificates, with_tls=with_tls)

    def program(self) -> list[str]:
        # Small logs and buffers: the data folder is written in a second.
        return [
            find("mariadbd"), "--no-defaults", f"--datadir={self.folder}/data", "--innodb-log-file-size=4M",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--performance-schema=ON",
        ]  # fmt: skip

    def client(self) -> list[str]:
        return [find("mariadb")]

    def initialise(self) -> None:
        self._initialise_with([
            find("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--innodb-log-file-size=4M", f"--datadir={self.folder}/data", *_root_on_purpose(),
        ])  # fmt: skip

    def tls_options(self) -> list[str]:
        return self._pem_options() if self.with_tls else ["--skip-ssl"]

    def accounts(self) -> str:
        return "".join(
            f"CREATE USER {account.user}@'%' IDENTIFIED BY {quoted(account.password)} {require};"
            f"GRANT {right} ON {DATABASE}.* TO {account.user}@'%';"
            for account, require, right in grants()
        )


class MariaDB11(MariaDB):
    """The newest MariaDB, as `get_mysql.sh FOLDER mariadb` unpacks it. Without options it has its own certificate."""

    def __init__(self, certificates: Certificates, *, with_tls: bool = True) -> None:
        if not (MARIADB11_FOLDER / "ready").is_file():
            raise NotThereError(f"MariaDB 11.8 is not there: sh tests/real/get_mysql.sh {MARIADB11_FOLDER} mariadb")
        super().__init__(certificates, with_tls=with_tls)

    def _base(self) -> list[str]:
        tree = MARIADB11_FOLDER / "root" / "usr"
        return [
            str(MARIADB11_FOLDER / "bin" / "mariadbd"), "--no-defaults", f"--basedir={tree}",
            f"--lc-messages-dir={tree}/share/mariadb", f"--character-sets-dir={tree}/share/mariadb/charsets",
            f"--datadir={self.folder}/data", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=32M",
        ]  # fmt: skip

    def program(self) -> list[str]:
        return [*self._base(), "--innodb-flush-log-at-trx-commit=0"]

    def client(self) -> list[str]:
        return [str(MARIADB11_FOLDER / "bin" / "mariadb")]

    def initialise(self) -> None:
        scripts = MARIADB11_FOLDER / "root" / "usr" / "share" / "mariadb"
        sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        for name in ("system_tables", "performance_tables", "system_tables_data", "sys_schema"):
            path = scripts / (f"mariadb_{name}.sql")
            sql += path.read_text()
        (self.folder / "data").mkdir()
        if becomes_nobody():
            shutil.chown(self.folder / "data", "nobody", "nogroup")
        subprocess.run(
            [*as_nobody(), *self._base(), "--bootstrap", "--skip-log-bin", *_root_on_purpose()], input=sql.encode(),
            capture_output=True, timeout=START_SECONDS, env=quiet_environment(), check=True, cwd=self.folder,
        )  # fmt: skip

    def tls_options(self) -> list[str]:
        return self._pem_options() if self.with_tls else []


class MySQL(Server):
    """MySQL as `get_mysql.sh` unpacks it."""

    kind = "mysql"
    reload_tls = "ALTER INSTANCE RELOAD TLS"

    def __init__(self, certificates: Certificates, *, with_tls: bool = True) -> None:
        if not (MYSQL_FOLDER / "ready").is_file():
            raise NotThereError(f"MySQL is not there: sh tests/real/get_mysql.sh {MYSQL_FOLDER}")
        super().__init__(certificates, with_tls=with_tls)

    def _base(self) -> list[str]:
        tree = MYSQL_FOLDER / "root" / "usr"
        return [
            str(MYSQL_FOLDER / "bin" / "mysqld"), "--no-defaults", f"--basedir={tree}",
            f"--lc-messages-dir={tree}/share/mysql", f"--character-sets-dir={tree}/share/mysql/charsets",
            f"--plugin-dir={tree}/lib/mysql/plugin", f"--datadir={self.folder}/data",
            "--innodb-redo-log-capacity=8M", "--innodb-buffer-pool-size=32M",
        ]  # fmt: skip

    def program(self) -> list[str]:
        return [*self._base(), "--mysqlx=OFF", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"]

    def client(self) -> list[str]:
        return [str(MYSQL_FOLDER / "bin" / "mysql")]

    def initialise(self) -> None:
        self._initialise_with([*self._base(), "--initialize-insecure", *_root_on_purpose()])

    def tls_options(self) -> list[str]:
        return self._pem_options() if self.with_tls else ["--tls-version="]

    def accounts(self) -> str:
        return "".join(
            f"CREATE USER {account.user}@'%' IDENTIFIED BY {quoted(account.password)} {require};"
            f"GRANT {right} ON {DATABASE}.* TO {account.user}@'%';"
            for account, require, right in grants()
        ) + f"GRANT SELECT ON performance_schema.* TO {APP.user}@'%';"

    def forget_passwords(self) -> None:
        """The next login of each account is a full one, not the short one of a cached password."""
        self.sql("FLUSH PRIVILEGES")


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owner."""
    subprocess.run(["cp", "-a", source, target], check=True, timeout=START_SECONDS)


def _root_on_purpose() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 and not becomes_nobody() else []


def grants() -> list[tuple[Account, str, str]]:
    return [(APP, "", "ALL"), (TLS_ONLY, "REQUIRE SSL", "ALL"), (READER, "", "SELECT"), (ODD, "", "ALL")]


def quoted(text: str) -> str:
    """A string literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def find(program: str) -> str:
    """The path of a program, also where a user's PATH leaves the system's folders out; empty: not there."""
    return shutil.which(program, path=SYSTEM_PATH) or ""


def as_nobody() -> list[str]:
    """What a server is started with: it ends when the tests do, and is nobody where they are root."""
    if not find("setpriv"):
        return []
    drop = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if becomes_nobody() else []
    return ["setpriv", "--pdeathsig=KILL", *drop]


def becomes_nobody() -> bool:
    """Servers refuse to run as root unless told to; nobody has to reach the programs and the data."""
    places = [Path(IN_MEMORY or tempfile.gettempdir()).resolve(), *([MYSQL_FOLDER] if MYSQL_FOLDER.exists() else [])]
    reached = all(folder.stat().st_mode & stat.S_IXOTH for place in places for folder in (place, *place.parents))
    return os.geteuid() == 0 and reached and bool(find("setpriv"))


def quiet_environment() -> dict[str, str]:
    """Nothing of a user's own settings for MySQL programs."""
    settings = ("MYSQL", "MARIADB", "SSL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return {**kept, "LC_ALL": "C", "HOME": "/nonexistent", "PATH": SYSTEM_PATH}
