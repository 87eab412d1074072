"""Clients whose configuration is a text of the table of fixes, put into a small program as it stands.

Two modes are asked of each: `off` is the program with what the table says leaks, `verify-identity` the one with the
text to paste. `python -m tests.real.prove_fixes prove ...` knows them, as `fix-NAME`. AURORA_WIRE_TEST_FIXES names the
folder of their libraries.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers import interpreter, registry
from aurora_wire.prove.drivers.clients.mariadb import MariaDBCommandLine
from aurora_wire.prove.drivers.clients.mysql import MySQLCommandLine
from aurora_wire.prove.drivers.command_line import ESCAPES, CommandLine, story
from aurora_wire.prove.drivers.driver import Ability, Client, Found, Mode, Task
from aurora_wire.prove.drivers.process import Command
from aurora_wire.prove.drivers.program import ProgramClient, task_json
from aurora_wire.prove.drivers.python_package import RUNNERS
from aurora_wire.verdict.clients import BY_KEY, CA, Form

PROGRAMS = Path(__file__).with_name("fix_programs")
LIBRARIES = Path(os.environ.get("AURORA_WIRE_TEST_FIXES") or Path(__file__).resolve().parents[2] / ".cache" / "fixes")
PYTHON_PACKAGES = (
    "PyMySQL", "cryptography", "SQLAlchemy", "aiomysql", "asyncmy", "mysqlclient", "Django", "mysql-connector-python",
)
NODE_PACKAGES = ("mysql2", "mariadb")
GO_SOURCES = Path("/usr/share/gocode")  # golang-github-go-sql-driver-mysql-dev


@dataclass(frozen=True)
class Fix:
    """One text of the table. program: the file it is put into; form: which of the client's."""

    key: str
    program: str
    form: int = 0

    @property
    def text(self) -> Form:
        return BY_KEY[self.key].forms[self.form]


FIXES = {
    "pymysql": Fix("pymysql", "pymysql.py.txt"),
    "sqlalchemy": Fix("sqlalchemy", "sqlalchemy.py.txt"),
    "aiomysql": Fix("aiomysql", "aiomysql.py.txt"),
    "asyncmy": Fix("asyncmy", "asyncmy.py.txt"),
    "mysqlclient": Fix("mysqlclient", "mysqlclient.py.txt"),
    "django": Fix("django", "django.py.txt"),
    "connector-python": Fix("connector-python", "connector-python.py.txt"),
    "mysql2": Fix("mysql2", "mysql2.js.txt"),
    "mariadb-node": Fix("mariadb-node", "mariadb-node.js.txt"),
    "go": Fix("go", "go.go.txt"),
    "php-pdo": Fix("php", "php-pdo.php.txt", 0),
    "php-mysqli": Fix("php", "php-mysqli.php.txt", 1),
    "ruby": Fix("ruby", "ruby.rb.txt"),
    "perl": Fix("perl", "perl.pl.txt"),
    "perl-mysql": Fix("perl-mysql", "perl-mysql.pl.txt"),
    "mariadb-odbc": Fix("mariadb-odbc", "odbc.pl.txt"),
    "cpp": Fix("cpp", "cpp.cpp.txt", 1),
    "connector-j": Fix("connector-j", "Jdbc.java.txt", 1),
    "mariadb": Fix("mariadb", "", 0),
    "mariadb-file": Fix("mariadb", "", 1),
    "mysql": Fix("mysql", "", 0),
    "mysql-file": Fix("mysql", "", 1),
}


def pasted(fix: Fix, mode: Mode, ca: str) -> str:
    """The text for a mode; the file of authorities is the test's own."""
    return (fix.text.leaks if mode == Mode.OFF else fix.text.text).replace(CA, ca)


class FixClient(ProgramClient):
    """A program in which the text stands. What it needs is installed by the tests before."""

    about = "a program with a text of the table of fixes"
    how_to_get = "see tests/real/test_fix_clients.py"
    fix: ClassVar[Fix]

    def find(self) -> Found | None:
        if not self.argv(Path("/")):
            return None
        asks = {mode: pasted(self.fix, mode, CA) or "(nothing)" for mode in (Mode.OFF, Mode.VERIFY_IDENTITY)}
        others = {mode: "the table has no text for it" for mode in Mode if mode not in asks}
        return Found(self.name, "", asks, others, frozenset((Ability.PREPARED,)))

    def argv(self, folder: Path) -> list[str]:
        """How the program in the folder is run; empty: what it needs is not there."""
        kind = self.fix.program.split(".")[1]
        if kind == "py":
            # This interpreter, with the clients' packages: `prove` makes it reachable for who drives them.
            libraries = [str(LIBRARIES / "python"), str(RUNNERS)]
            ready = (LIBRARIES / "python" / "ready").exists()
            return interpreter.command(folder / "program.py", libraries, sys.executable) if ready else []
        if kind == "go":
            go = shutil.which("go")
            driver = GO_SOURCES / "src" / "github.com" / "go-sql-driver" / "mysql"
            return [go, "run", "program.go"] if go and driver.is_dir() else []
        if kind == "cpp":
            there = shutil.which("g++") and Path("/usr/include/cppconn/driver.h").exists()
            return ["sh", "-c", "g++ -o program program.cpp -lmysqlcppconn && ./program"] if there else []
        program = shutil.which({"js": "node", "php": "php", "rb": "ruby", "pl": "perl", "java": "java"}[kind])
        return [program, str(folder / f"program.{kind}")] if program else []

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        kind = self.fix.program.split(".")[1]
        text = pasted(self.fix, task.mode, task.ca)
        program = (PROGRAMS / self.fix.program).read_text()
        secured = task.mode != Mode.OFF
        program = program.replace("@DSN@", "?tls=db" if secured else "").replace(
            "@FLAGS@", "MYSQLI_CLIENT_SSL" if secured else "0"
        )
        program = program.replace("@FIX@,", f"{text}," if text else "").replace("@FIX@", text)
        (folder / f"program.{kind}").write_text(program)
        if kind == "cpp":
            (folder / "task.h").write_text(task_header(task, cleanup=cleanup))
        for name in ("story.js", "story.php", "story.pl"):
            shutil.copy(PROGRAMS / name, folder)
        environment = {
            "NODE_PATH": str(LIBRARIES / "node" / "node_modules"), "HOME": str(folder),
        }
        argv = self.argv(folder)
        if kind == "go":
            environment |= {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOCACHE": str(folder / "cache")}
        if kind == "java":
            argv[1:] = ["-cp", "/usr/share/java/mariadb-java-client.jar", str(folder / "program.java")]
        if kind == "py":
            return Command(
                argv, task_json(task, cleanup=cleanup), interpreter.environment() | environment, interpreter.handles()
            )
        return Command(argv, task_json(task, cleanup=cleanup), environment)


def task_header(task: Task, *, cleanup: bool) -> str:
    """The task as C++ has it."""
    words = {
        "HOST": task.address[0].upper(),  # the C library takes `localhost`, so written, for a Unix socket
        "USER": task.user, "PASSWORD": task.password, "DATABASE": task.database, "TABLE": task.table,
        "PREPARED_CANARY": task.prepared_canary,
    }  # fmt: skip
    lines = [f"#define TASK_{name} {json.dumps(word)}" for name, word in words.items()]
    lines += [f"#define SQL_{name.upper()} {json.dumps(sql)}" for name, sql in task.statements.items()]
    lines += [f"#define TASK_PORT {task.address[1]}", f"#define TASK_CLEANUP {int(cleanup)}"]
    return "\n".join(lines) + "\n"


class FixCommandLine(CommandLine):
    """A command line with the text among its arguments, or in its option file."""

    fix: ClassVar[Fix]

    def find(self) -> Found | None:
        found = super().find()
        if found is None:
            return None
        asks = {mode: pasted(self.fix, mode, CA).replace("\n", "; ") for mode in (Mode.OFF, Mode.VERIFY_IDENTITY)}
        others = {mode: "the table has no text for it" for mode in Mode if mode not in asks}
        return Found(found.version, found.where, asks, others)

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        text = pasted(self.fix, task.mode, task.ca)
        options = folder / "options"
        in_file = text.startswith("[")
        options.write_text(f'[client]\npassword="{task.password.translate(ESCAPES)}"\n{text if in_file else ""}\n')
        host, port = task.address
        # MySQL's without TLS needs the server's key, to send the password encrypted by it.
        key = ["--get-server-public-key"] if found.where.endswith("mysql") and task.mode == Mode.OFF else []
        argv = [
            found.where, f"--defaults-file={options}", "--protocol=TCP", f"--host={host}", f"--port={port}",
            f"--user={task.user}", f"--database={task.database}", "--batch", "--skip-column-names", "--force",
            "--unbuffered", "--skip-reconnect", *key, *([] if in_file else text.split()),
        ]  # fmt: skip
        lines = [f"DROP TABLE IF EXISTS {task.table}"] if cleanup else [sql for _, sql in story(task)]
        return Command(argv, "".join(f"{line};\n" for line in lines).encode())


class FixMySQL(FixCommandLine, MySQLCommandLine):
    pass


class FixMariaDB(FixCommandLine, MariaDBCommandLine):
    pass


def driver(name: str) -> type[Client]:
    fix = FIXES[name]
    base: type[Client] = FixClient
    if not fix.program:
        base = FixMariaDB if fix.key == "mariadb" else FixMySQL
    return type(f"Fix_{name.replace('-', '_')}", (base,), {"name": f"fix-{name}", "fix": fix})


for _name in FIXES:
    globals()[f"Fix_{_name.replace('-', '_')}"] = driver(_name)
    registry.OWN[f"fix-{_name}"] = f"tests.real.fix_clients:Fix_{_name.replace('-', '_')}"


def install() -> None:
    """Get the libraries of the clients into the folder, once. Raises CalledProcessError."""
    LIBRARIES.mkdir(parents=True, exist_ok=True)
    if not (LIBRARIES / "python" / "ready").exists():
        shutil.rmtree(LIBRARIES / "python", ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(LIBRARIES / "python")]
        subprocess.run([*pip, *PYTHON_PACKAGES], check=True)
        (LIBRARIES / "python" / "ready").touch()
    if shutil.which("npm") and not (LIBRARIES / "node" / "ready").exists():
        (LIBRARIES / "node").mkdir(exist_ok=True)
        (LIBRARIES / "node" / "package.json").write_text('{"private": true}\n')
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", *NODE_PACKAGES], cwd=LIBRARIES / "node",
            check=True,
        )  # fmt: skip
        (LIBRARIES / "node" / "ready").touch()
