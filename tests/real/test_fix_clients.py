"""Each text of the table of fixes in a real client: what it replaces leaks, and with it nothing does, by `prove`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from aurora_wire.prove.drivers.driver import Mode, Outcome
from aurora_wire.verdict.clients import BY_KEY
from tests.cli.running import ENVIRONMENT
from tests.real import fix_clients
from tests.real.certificates import OTHER_CA, WRONG_NAME
from tests.real.fix_clients import FIXES
from tests.real.servers import APP, DATABASE, MYSQL_FOLDER, ROOT, SYSTEM_PATH, MySQL, Server
from tests.real.tasks import task_for

# Whose library speaks to MariaDB and MySQL alike, and is tried with both.
ON_MYSQL = ("mysql", "mysql-file", "pymysql", "mysql2")
FALL_BACK = ("aiomysql", "ruby")   # have no way to insist on TLS
TAKE_ANY_NAME = ("ruby",)
REFUSE_ALL = ("perl-mysql",)       # over MariaDB's library it takes no TLS that is insisted on
SECONDS = 120


@pytest.fixture(scope="session", autouse=True)
def libraries() -> None:
    try:
        fix_clients.install()
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error} (in CI it has to be)")
        pytest.skip(f"clients cannot be installed: {error}")


def prove(server: Server, name: str, *modes: str) -> dict[str, dict[str, Any]]:
    """What `prove` says of a client, by mode."""
    how = [] if os.geteuid() == 0 else ["--via-relay"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.prove_fixes", "prove", "--host", "localhost", "--port", str(server.port),
         "--user", APP.user, "--database", DATABASE, "--ca", str(server.certificates.ca), "--format", "json",
         "--client", f"fix-{name}", "--timeout", "60", *how,
         *(word for mode in modes for word in ("--mode", mode))],
        capture_output=True, timeout=SECONDS, check=False, cwd=ROOT,
        env={**ENVIRONMENT, "AURORA_WIRE_PASSWORD": APP.password,
             "PATH": os.pathsep.join((str(MYSQL_FOLDER / "bin"), SYSTEM_PATH))},
    )  # fmt: skip
    assert done.returncode in ((3,) if name in REFUSE_ALL else (0, 1)), done.stderr.decode()
    found = {cell["mode"]: cell for cell in json.loads(done.stdout)["cells"]}
    if any(cell["result"] == "not installed" for cell in found.values()):
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed (in CI it has to be)")
        pytest.skip(f"{name} is not installed")
    return found


def check_before_and_after(server: Server, name: str) -> None:
    cells = prove(server, name, "off", "verify-identity")
    before, after = cells["off"], cells["verify-identity"]
    assert (before["result"], before["confidence"]) == ("plaintext", "proven"), before
    # What takes no TLS at all must not go on without it either, and the table says so.
    expected = ("TLS refused", None) if name in REFUSE_ALL else ("TLS", "proven")
    assert (after["result"], after["confidence"]) == expected, after
    assert ("refuses all TLS" in FIXES[name].text.where) == (name in REFUSE_ALL)
    assert after["canary_sightings"] == 0
    assert server.tables() == []


@pytest.mark.parametrize("name", [name for name in FIXES if FIXES[name].key != "mysql"])
def test_before_it_leaks_and_after_it_is_encrypted_with_mariadb(name: str, mariadb: Server) -> None:
    check_before_and_after(mariadb, name)


@pytest.mark.parametrize("name", ON_MYSQL)
def test_before_it_leaks_and_after_it_is_encrypted_with_mysql(name: str, mysql: MySQL) -> None:
    check_before_and_after(mysql, name)


def run(server: Server, name: str) -> Outcome:
    client = fix_clients.driver(name)()
    if client.find() is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed (in CI it has to be)")
        pytest.skip(f"{name} is not installed")
    return client.run(task_for(server, Mode.VERIFY_IDENTITY, timeout=60))


@pytest.mark.parametrize("name", [name for name in FIXES if FIXES[name].key != "mysql"])
def test_with_it_a_client_refuses_a_server_without_tls(name: str, mariadb_bare: Server) -> None:
    outcome = run(mariadb_bare, name)
    # Those that do not are told with a note: it goes when they do.
    assert outcome.connected == (name in FALL_BACK), outcome.error
    assert ("goes on in the clear" in BY_KEY[FIXES[name].key].note) == (name in FALL_BACK)


@pytest.mark.parametrize("wrong", [OTHER_CA, WRONG_NAME])
@pytest.mark.parametrize("name", [name for name in FIXES if FIXES[name].key != "mysql"])
def test_with_it_a_client_refuses_another_certificate(name: str, wrong: str, mariadb: Server) -> None:
    with mariadb.showing(wrong):
        outcome = run(mariadb, name)
    taken = wrong == WRONG_NAME and name in TAKE_ANY_NAME
    assert outcome.connected == taken, outcome.error
    assert ("not the name" in BY_KEY[FIXES[name].key].note) == (name in TAKE_ANY_NAME)


def test_the_docs_name_the_clients_that_were_tried() -> None:
    text = (ROOT / "docs" / "posture.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("Tried in real clients:"))
    assert {each.strip(" `.") for each in line.partition(":")[2].split(",")} == {fix.key for fix in FIXES.values()}


def test_every_program_that_a_text_is_put_into_is_used() -> None:
    files = {path.name for path in fix_clients.PROGRAMS.glob("*.txt")}
    assert files == {fix.program for fix in FIXES.values()} - {""}
    assert shutil.which("openssl")
