"""Drivers without their clients: what a program's words become, and that it is gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from aurora_wire.errors import UsageError
from aurora_wire.prove.drivers.clients.connector_j import properties
from aurora_wire.prove.drivers.clients.mariadb import MariaDBCommandLine
from aurora_wire.prove.drivers.clients.mysql import MySQLCommandLine
from aurora_wire.prove.drivers.command_line import number
from aurora_wire.prove.drivers.driver import Ability, Client, ErrorKind, Found, Mode, Outcome, Task
from aurora_wire.prove.drivers.error_kinds import classify
from aurora_wire.prove.drivers.process import Command, Finished, Program, clean_environment
from aurora_wire.prove.drivers.program import ProgramClient, task_json
from aurora_wire.prove.drivers.registry import OWN, load
from tests.loopback import until

BRIEFLY = 0.01     # seconds
PASSWORD = "s3cret of \"quotes\" \\ and # é"


def task(mode: Mode = Mode.OFF, *, timeout: float = 20.0, connect_to: tuple[str, int] | None = None) -> Task:
    return Task(
        host="db.example.com", port=3306, user="app", password=PASSWORD, database="shop", mode=mode,
        canary="canary-1", table="t_1", timeout=timeout, connect_to=connect_to, ca="/etc/ssl/a bundle.pem",
    )  # fmt: skip


class Script(ProgramClient):
    """A client that is a few lines of Python; what it does when only cleaning up is noted in a file."""

    name = "script"
    about = "a script"
    how_to_get = "write it"
    code: ClassVar[str] = ""

    def __init__(self, code: str, notes: Path, cleanup: str = "say(connected=True)") -> None:
        super().__init__()
        self.code_of_run, self.code_of_cleanup, self.notes = code, cleanup, notes

    def find(self) -> Found | None:
        unavailable = {Mode.VERIFY_CA: "it never verifies"}
        return Found("script 1", sys.executable, {mode: f"mode={mode}" for mode in Mode}, unavailable)

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        code = self.code_of_cleanup if cleanup else self.code_of_run
        if cleanup:
            self.notes.write_text("cleaned up")
        prelude = "import json, sys, time\ndef say(**event): print(json.dumps(event), flush=True)\n"
        return Command([found.where, "-c", prelude + code], task_json(task, cleanup=cleanup))


def test_events_become_the_outcome(tmp_path: Path) -> None:
    code = (
        "task = json.loads(sys.stdin.readline())\nsay(version='script 1, library 2')\nsay(connected=True)\n"
        "print('a line of its own')\nsay(sql=task['statements']['session'])\n"
        "say(connection_id=7, server_version='8.4')\nsay(tls_version='TLSv1.3', tls_cipher='X')\n"
        "say(created=True)\nsay(rows=['a', 'b'])\nsay(dropped=True)"
    )
    outcome = Script(code, tmp_path / "notes").run(task(Mode.REQUIRED))
    assert outcome == Outcome(
        "script", Mode.REQUIRED, asked="mode=required", version="script 1, library 2", server_version="8.4",
        connected=True, connection_id=7, tls_version="TLSv1.3", tls_cipher="X", rows=("a", "b"),
        sql=("SELECT CONNECTION_ID(), VERSION()",), seconds=outcome.seconds,
    )  # fmt: skip
    assert outcome.complete
    assert not (tmp_path / "notes").exists()


@pytest.fixture
def over_once_it_spoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a client's time be over when it has said something, however long its start takes."""
    wait = Program.wait

    def wait_for_a_word(program: Program, seconds: float) -> None:
        if seconds == BRIEFLY:
            until(lambda: os.fstat(program._stdout.fileno()).st_size > 0, "a word")
        wait(program, seconds)

    monkeypatch.setattr(Program, "wait", wait_for_a_word)


@pytest.mark.usefixtures("over_once_it_spoke")
def test_a_client_that_takes_too_long_is_ended_and_its_table_dropped(tmp_path: Path) -> None:
    code = "say(connected=True, created=True)\ntime.sleep(600)"
    outcome = Script(code, tmp_path / "notes").run(task(timeout=BRIEFLY))
    assert outcome.seconds < 300
    assert outcome.error is not None
    assert outcome.error.kind == ErrorKind.TIMEOUT
    assert (tmp_path / "notes").read_text() == "cleaned up"
    assert outcome.table_left == ""


@pytest.mark.usefixtures("over_once_it_spoke")
@pytest.mark.parametrize("end", ["time.sleep(600)", "sys.exit(3)", "say(error={'code': 2013, 'text': 'gone away'})"])
def test_a_table_that_may_have_been_made_is_dropped(tmp_path: Path, end: str) -> None:
    Script(f"say(connected=True)\n{end}", tmp_path / "notes").run(task(timeout=BRIEFLY))
    assert (tmp_path / "notes").exists()


def test_a_table_that_was_not_made_is_not_dropped(tmp_path: Path) -> None:
    code = "say(connected=True)\nsay(error={'code': 1142, 'text': 'CREATE command denied'})"
    Script(code, tmp_path / "notes").run(task())
    assert not (tmp_path / "notes").exists()


def test_a_table_that_cannot_be_dropped_is_named(tmp_path: Path) -> None:
    code = "say(connected=True, created=True)\nsay(error={'code': 1205, 'text': 'Lock wait timeout exceeded'})"
    script = Script(code, tmp_path / "notes", cleanup="say(error={'code': 1045, 'text': 'Access denied'})")
    outcome = script.run(task())
    assert outcome.table_left == "t_1"
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.code) == (ErrorKind.SQL, 1205)


def test_ctrl_c_ends_the_client_and_drops_its_table(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    code = f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nsay(connected=True, created=True)"
    script = Script(code + "\ntime.sleep(60)", notes)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            script.run(task())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert notes.read_text() == "cleaned up"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def runs(pid: int) -> bool:
    """Return whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_a_client_started_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\nsay(connected=True)"
    )
    Script(code, tmp_path / "notes").run(task())
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not runs(pid), "what the client started has ended")


def test_a_client_that_breaks_down_is_told_from_one_that_was_refused(tmp_path: Path) -> None:
    outcome = Script("raise SystemError('no memory')", tmp_path / "notes").run(task())
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.text) == (ErrorKind.CLIENT, "SystemError: no memory")


def test_a_mode_that_a_client_does_not_have_is_not_run(tmp_path: Path) -> None:
    outcome = Script("say(connected=True)", tmp_path / "notes").run(task(Mode.VERIFY_CA))
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.text) == (ErrorKind.MODE_NOT_AVAILABLE, "it never verifies")
    assert not outcome.connected


def test_the_password_is_masked_in_a_clients_words(tmp_path: Path) -> None:
    code = "task = json.loads(sys.stdin.readline())\nsay(error={'code': 0, 'text': 'bad: ' + task['password']})"
    outcome = Script(code, tmp_path / "notes").run(task())
    assert outcome.error is not None
    assert outcome.error.text == "bad: ***"


def test_the_password_is_not_in_what_is_printed_of_a_task() -> None:
    assert PASSWORD not in repr(task())
    assert PASSWORD not in repr(Command(["x"], task_json(task())))


@pytest.mark.parametrize("name", list(OWN))
def test_no_secret_is_in_the_arguments_or_the_environment_of_a_client(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    client = load(name)
    assert isinstance(client, ProgramClient)
    found = Found("1", "/nonexistent/program", dict.fromkeys(Mode, ""))
    command = client.command(task(Mode.REQUIRED), found, tmp_path, cleanup=False)
    for part in ("s3cret", "quotes"):
        assert not any(part in argument for argument in command.argv)
        assert not any(part in value for value in command.environment.values())
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", list(OWN))
def test_each_driver_says_what_it_is_and_has_all_modes(name: str) -> None:
    client = load(name)
    assert client.name == name
    assert client.about
    assert client.how_to_get
    assert set(type(client).asks) == set(Mode)  # type: ignore[attr-defined]


def test_a_client_that_is_not_installed_is_an_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("aurora_wire.prove.drivers.programs.TRUSTED_PATH", str(tmp_path))
    for client in (load("mysql"), load("mariadb"), load("connector-j"), load("mysql2"), load("pymysql==0.0.1")):
        outcome = client.run(task())
        assert outcome.error is not None
        assert outcome.error.kind == ErrorKind.NOT_INSTALLED
        assert client.how_to_get in outcome.error.text


def test_a_mysql_that_is_mariadbs_is_not_taken_for_mysqls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mysql"
    program.write_text("#!/bin/sh\necho 'mysql  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)'\n")
    program.chmod(0o755)
    program.with_name("mariadb").symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setattr("aurora_wire.prove.drivers.programs.TRUSTED_PATH", str(tmp_path))
    assert MySQLCommandLine().find() is None
    found = MariaDBCommandLine().find()
    assert found is not None
    assert (found.version, found.where) == ("10.11.19-MariaDB", str(program.with_name("mariadb")))
    assert MariaDBCommandLine("11.4.2-MariaDB").find() is None


@pytest.mark.parametrize(("said", "version"), [
    ("mysql  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4-2"),
    ("mysql  Ver 14.14 Distrib 5.7.44, for Linux (x86_64) using  EditLine wrapper", "5.7.44"),
    ("mariadb from 11.8.9-MariaDB, client 15.2 for debian-linux-gnu (x86_64)", "11.8.9-MariaDB"),
])  # fmt: skip
def test_the_version_in_what_a_command_line_says(said: str, version: str) -> None:
    assert number(said) == version


def test_a_command_line_goes_on_after_an_error_and_the_first_one_counts() -> None:
    client = MariaDBCommandLine()
    stderr = (
        "ERROR 1142 (42000) at line 3: SELECT command denied to user 'app'\n"
        "ERROR 1142 (42000) at line 4: CREATE command denied to user 'app'\n"
        "ERROR 1146 (42S02) at line 5: Table 'shop.t_1' doesn't exist\n"
        "ERROR 1051 (42S02) at line 10: Unknown table 'shop.t_1'\n"
    )
    stdout = "12\t10.11.19-MariaDB\nSsl_cipher\t\nSsl_version\t\n"
    outcome, left = client.read(Finished(stdout, stderr, 1, timed_out=False), task())
    assert not left
    assert (outcome.connection_id, outcome.tls_version, outcome.connected) == (12, "", True)
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.code) == (ErrorKind.NOT_ALLOWED, 1142)
    assert "CREATE" in outcome.error.text


def test_a_command_line_that_was_ended_may_have_left_its_table() -> None:
    finished = Finished("12\t10.11.19-MariaDB\n", "", -9, timed_out=True)
    outcome, left = MariaDBCommandLine().read(finished, task())
    assert left
    assert outcome.error is not None
    assert outcome.error.kind == ErrorKind.TIMEOUT


def test_a_bundle_with_a_space_in_its_path_stays_one_argument(tmp_path: Path) -> None:
    found = Found("1", "/usr/bin/mysql", {})
    command = MySQLCommandLine().command(task(Mode.VERIFY_CA), found, tmp_path, cleanup=False)
    assert "--ssl-ca=/etc/ssl/a bundle.pem" in command.argv


def test_java_properties_are_escaped() -> None:
    assert properties({"password": "a=b:\\é\U0001f511"}) == "password=a\\u003db\\u003a\\u005c\\u00e9\\ud83d\\udd11\n"


def test_the_users_settings_do_not_reach_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MYSQL_PWD", "MYSQL_TCP_PORT", "SSLKEYLOGFILE", "LD_PRELOAD", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "x")
    environment = clean_environment()
    assert environment["LC_ALL"] == "C.UTF-8"
    assert "x" not in [environment.get(name) for name in ("MYSQL_PWD", "SSLKEYLOGFILE", "LD_PRELOAD", "LANG")]


@pytest.mark.parametrize(
    ("canary", "table"), [("it's", "t"), ("", "t"), ("x" * 101, "t"), ("c", "a-b"), ("c", "a`b"), ("c", "")]
)
def test_names_that_would_need_quotes_are_refused(canary: str, table: str) -> None:
    with pytest.raises(UsageError):
        Task("h", 1, "u", "p", "d", Mode.OFF, canary, table)


def test_the_task_as_programs_read_it() -> None:
    fields = json.loads(task_json(task(Mode.OFF, connect_to=("127.0.0.1", 3307)), cleanup=True))
    assert fields["address"] == {"host": "127.0.0.1", "port": 3307}
    assert (fields["host"], fields["cleanup"], fields["password"]) == ("db.example.com", True, PASSWORD)
    assert "canary-1-text" in fields["statements"]["insert"]
    assert fields["prepared_canary"] == "canary-1-prepared"


@pytest.mark.parametrize(("code", "connected", "text", "kind"), [
    (1045, False, "Access denied for user 'app'@'%' (using password: YES)", ErrorKind.ACCESS_DENIED),
    (1142, True, "INSERT command denied to user", ErrorKind.NOT_ALLOWED),
    (1146, True, "Table 'shop.x' doesn't exist", ErrorKind.SQL),
    (1064, True, "You have an error near 'certificate has expired'", ErrorKind.SQL),
    (2013, True, "Lost connection to MySQL server during query", ErrorKind.LOST),
    (2003, False, "Can't connect to MySQL server on 'db' (111)", ErrorKind.REFUSED),
    (2003, False, "Can't connect to MySQL server on 'db' (timed out)", ErrorKind.TIMEOUT),
    (2005, False, "Unknown server host 'db' (-2)", ErrorKind.UNKNOWN_HOST),
    (3159, False, "Connections using insecure transport are prohibited", ErrorKind.TLS_REQUIRED),
    (2026, False, "TLS/SSL error: SSL is required, but the server does not support it", ErrorKind.NO_TLS),
    (2026, False, "SSL connection error: SSL_CTX_set_tmp_dh failed", ErrorKind.TLS),
    (0, False, "HANDSHAKE_SSL_ERROR: self-signed certificate in certificate chain", ErrorKind.CERTIFICATE),
    (0, False, "segmentation fault", ErrorKind.CLIENT),
])  # fmt: skip
def test_what_an_error_means(code: int, connected: bool, text: str, kind: ErrorKind) -> None:
    assert classify(code, text, connected=connected) == kind


def test_abilities_and_modes_have_the_names_that_users_type() -> None:
    assert [str(mode) for mode in Mode] == ["off", "default", "required", "verify-ca", "verify-identity"]
    assert {str(ability) for ability in Ability} == {"prepared", "key-log", "server-name"}
    assert issubclass(Script, Client)
