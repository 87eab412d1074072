"""What a client driver is: a plug-in that lets one real program talk to a server, and tells what it heard.

A driver never looks at the wire. What it reports is what the program said, and what the server told the
program's own session: whether that is true, a capture decides. How to write one: docs/clients.md.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from aurora_wire.errors import UsageError

TIMEOUT = 20.0        # seconds for one run, unless a task says otherwise
MAX_CANARY_LEN = 100  # characters; it has to fit into the table with what is put behind it
NAME = re.compile(r"[A-Za-z0-9_-]+")


class Mode(StrEnum):
    """What is asked of a client."""

    OFF = "off"                          # no TLS
    DEFAULT = "default"                  # nothing is said about TLS
    REQUIRED = "required"                # TLS, nothing is verified
    VERIFY_CA = "verify-ca"              # TLS, the certificate's issuer is verified
    VERIFY_IDENTITY = "verify-identity"  # and its name


class Ability(StrEnum):
    """What a client can do besides."""

    PREPARED = "prepared"        # prepared statements of the protocol (COM_STMT_EXECUTE)
    KEY_LOG = "key-log"          # writes its TLS secrets (SSLKEYLOGFILE)
    SERVER_NAME = "server-name"  # verifies a name other than that of the address it connects to


class ErrorKind(StrEnum):
    """Why a run did not come to its end; the client's own words are beside it."""

    UNKNOWN_HOST = "unknown host"         # its name has no address
    REFUSED = "connection refused"        # nobody listens there, or no way leads there
    TIMEOUT = "timeout"                   # it took longer than the task allows
    LOST = "connection lost"              # it broke off
    CERTIFICATE = "certificate"           # refused by the client: unknown or own issuer, expired
    NAME_MISMATCH = "name mismatch"       # the certificate is for another name
    NO_TLS = "server without TLS"         # the client insists on it, the server has none
    TLS = "TLS"                           # another failure of the handshake
    TLS_REQUIRED = "TLS required"         # by the server or by the client, for a login in the clear
    ACCESS_DENIED = "access denied"       # wrong password, unknown user, REQUIRE SSL
    NO_DATABASE = "no such database"      # logged in, but the server does not have it
    NOT_ALLOWED = "not allowed"           # logged in, but the table may not be made or written
    SQL = "SQL"                           # another error of a statement
    MODE_NOT_AVAILABLE = "mode not available"  # the client has no such setting
    NOT_INSTALLED = "not installed"       # see how_to_get
    CLIENT = "client failed"              # the program itself broke down


@dataclass(frozen=True, slots=True)
class Found:
    """A client as it is installed.

    version: exact; where: the program, package or jar; asks: what is said to the client for each mode that it
    has, in its own terms; unavailable: why it does not have the others.
    """

    version: str
    where: str
    asks: Mapping[Mode, str]
    unavailable: Mapping[Mode, str] = field(default_factory=dict)
    abilities: frozenset[Ability] = frozenset()  # what it can do besides


@dataclass(frozen=True, slots=True)
class Task:
    """One run: log in, ask the session who it is, make a table, write the canary twice, read it, drop the table.

    host: the server's name, which is what is verified; connect_to: the address to connect to, where it is not
    that of the host (a relay); ca: path of a PEM bundle, empty for the client's own; key_log: path of the file
    to append TLS secrets to, empty for none; timeout: seconds for all of it.
    """

    host: str
    port: int                       # of the server
    user: str                       # of the login
    password: str = field(repr=False)  # likewise
    database: str                   # in which the table is made
    mode: Mode                      # what is asked of the client
    canary: str                     # the text that is written, and looked for on the wire
    table: str                      # name of the table to make
    ca: str = ""
    key_log: str = field(default="", repr=False)
    connect_to: tuple[str, int] | None = None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.canary) or len(self.canary) > MAX_CANARY_LEN:
            raise UsageError(f"{self.canary}: a canary is letters, digits, `-` and `_`.")
        if not NAME.fullmatch(self.table) or "-" in self.table:
            raise UsageError(f"{self.table}: the name of the table is letters, digits and `_`.")

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port that the TCP connection goes to."""
        return self.connect_to or (self.host, self.port)

    @property
    def text_canary(self) -> str:
        """Return what the INSERT of text holds."""
        return f"{self.canary}-text"

    @property
    def prepared_canary(self) -> str:
        """Return what the prepared INSERT is given."""
        return f"{self.canary}-prepared"

    @property
    def statements(self) -> dict[str, str]:
        """Return the statements of a run, in order, by what they are for. `insert_prepared` takes one value."""
        return {
            "session": "SELECT CONNECTION_ID(), VERSION()",
            "tls": "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')",
            "connection_type": "SELECT CONNECTION_TYPE FROM performance_schema.threads "
                               "WHERE PROCESSLIST_ID = CONNECTION_ID()",
            "create": f"CREATE TABLE {self.table} (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(200))",
            "insert": f"INSERT INTO {self.table} (body) VALUES ('{self.text_canary}')",  # noqa: S608 - names checked
            "insert_prepared": f"INSERT INTO {self.table} (body) VALUES (?)",  # noqa: S608
            "select": f"SELECT body FROM {self.table} ORDER BY id",  # noqa: S608
            "drop": f"DROP TABLE {self.table}",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """code: MySQL's number of the error, 0 for none; text: the client's own words, as they are."""

    kind: ErrorKind                 # what it means
    text: str
    code: int = 0


@dataclass(slots=True)
class Outcome:
    """What came of a task, in the words of the client and of its session.

    asked: what was said to the client (`--ssl-mode=REQUIRED`); version: of the client and of the libraries it
    uses, by its own word; connection_id: the server's number of the session, which its greeting names;
    tls_version, tls_cipher: None where the session could not be asked, empty for a session in the clear;
    connection_type: what performance_schema says, empty where it may not be read; sql: the statements issued,
    those of the client's own making only as far as it tells; rows: what was read back; table_left: the name of
    a table that could not be dropped.
    """

    client: str                     # name of the driver
    mode: Mode                      # of the task
    asked: str = ""
    version: str = ""
    server_version: str = ""        # by the session's own word
    connected: bool = False         # the login went through
    connection_id: int | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    connection_type: str = ""
    rows: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()
    error: Failure | None = None    # why it did not come to its end
    table_left: str = ""
    seconds: float = 0.0            # for all of it

    @property
    def complete(self) -> bool:
        """Return whether the whole story went through: the canary was written and came back."""
        return self.error is None and len(self.rows) > 1


class Client(ABC):
    """A driver. `version` is what a user asks for (`pymysql==1.1.1`); empty: whichever is there.

    name: as users type it; about: what it is, one line; how_to_get: what to do where it is not found, one line.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    how_to_get: ClassVar[str]

    def __init__(self, version: str = "") -> None:
        self.version = version

    @property
    def spec(self) -> str:
        """Return how the client is asked for: `pymysql`, `pymysql==1.1.1`."""
        return f"{self.name}=={self.version}" if self.version else self.name

    @abstractmethod
    def find(self) -> Found | None:
        """Find the client; return None if it is not installed. Starts nothing slow and never uses the network."""

    @abstractmethod
    def run(self, task: Task) -> Outcome:
        """Do the task. Failures are in the outcome; raises only when interrupted, and cleans up then too."""

    def install(self, say: Callable[[str], None]) -> None:  # noqa: ARG002 - for drivers that can
        """Install the client into an environment of its own; `say` is told what, before it begins.

        Raises UsageError where that is not possible: the base class only knows `how_to_get`.
        """
        raise UsageError(f"{self.spec} is not installed: {self.how_to_get}")
