"""What goes wrong at a client is told apart: each has its kind, and the client's own words."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from aurora_wire.prove.drivers.driver import Client, ErrorKind, Mode, Outcome
from aurora_wire.prove.drivers.registry import OWN
from tests.free_ports import pick_port
from tests.real.certificates import EXPIRED, OTHER_CA, SELF_SIGNED, WRONG_NAME
from tests.real.servers import APP, READER, TLS_ONLY, Account, Server
from tests.real.tasks import task_for

GetClient = Callable[[str], Client]
# The other URL of the same jar fails as it does.
every_client = pytest.mark.parametrize("name", [name for name in OWN if name != "connector-j-aurora"])

# TLS was asked for, the server has none, and the client goes on in the clear: a thing to know, and no error.
FALLS_BACK = frozenset(("mariadb", "django", "connector-python", "connector-python-pure"))
# They say the same of a wrong name as of a wrong issuer.
DO_NOT_NAME_THE_REASON = frozenset(("mysql", "mariadb", "django", "connector-python"))


def check_failed(outcome: Outcome, kind: ErrorKind) -> None:
    assert outcome.error is not None
    assert outcome.error.kind == kind, outcome.error
    assert outcome.error.text
    assert "\n" not in outcome.error.text
    assert outcome.table_left == ""
    assert not outcome.complete


@every_client
def test_wrong_password(name: str, client: GetClient, mariadb: Server) -> None:
    wrong = Account(APP.user, "not-the-password")
    outcome = client(name).run(task_for(mariadb, Mode.REQUIRED, account=wrong))
    check_failed(outcome, ErrorKind.ACCESS_DENIED)
    assert outcome.error is not None
    assert outcome.error.code == 1045
    assert not outcome.connected
    assert outcome.connection_id is None


@every_client
def test_account_that_requires_tls_tried_without(name: str, client: GetClient, mariadb: Server) -> None:
    check_failed(client(name).run(task_for(mariadb, Mode.OFF, account=TLS_ONLY)), ErrorKind.ACCESS_DENIED)


@every_client
def test_table_that_may_not_be_made(name: str, client: GetClient, mariadb: Server) -> None:
    outcome = client(name).run(task_for(mariadb, Mode.REQUIRED, account=READER))
    check_failed(outcome, ErrorKind.NOT_ALLOWED)
    assert outcome.connected
    assert outcome.connection_id
    assert outcome.tls_version == "TLSv1.3"


@every_client
def test_nobody_listens(name: str, client: GetClient, mariadb: Server) -> None:
    check_failed(client(name).run(task_for(mariadb, Mode.OFF, port=pick_port())), ErrorKind.REFUSED)


@pytest.mark.parametrize("name", ["pymysql", "mariadb", "mysql2"])
def test_unknown_host(name: str, client: GetClient, mariadb: Server) -> None:
    check_failed(client(name).run(task_for(mariadb, Mode.OFF, host="no-such-host.invalid")), ErrorKind.UNKNOWN_HOST)


@every_client
def test_server_without_tls(name: str, client: GetClient, mariadb_bare: Server) -> None:
    outcome = client(name).run(task_for(mariadb_bare, Mode.REQUIRED))
    if name in FALLS_BACK:
        assert outcome.complete
        assert outcome.tls_version == ""
    else:
        check_failed(outcome, ErrorKind.NO_TLS)


@every_client
def test_server_without_tls_and_a_client_that_verifies(name: str, client: GetClient, mariadb_bare: Server) -> None:
    check_failed(client(name).run(task_for(mariadb_bare, Mode.VERIFY_IDENTITY)), ErrorKind.NO_TLS)


@pytest.fixture(params=[EXPIRED, OTHER_CA, SELF_SIGNED])
def badly_certified(request: pytest.FixtureRequest, mariadb: Server) -> Iterator[Server]:
    with mariadb.showing(request.param):
        yield mariadb


@every_client
def test_certificate_that_is_expired_or_of_a_stranger(name: str, client: GetClient, badly_certified: Server) -> None:
    outcome = client(name).run(task_for(badly_certified, Mode.VERIFY_CA))
    check_failed(outcome, ErrorKind.CERTIFICATE)
    assert not outcome.connected


@every_client
def test_client_that_trusts_another_authority(name: str, client: GetClient, mariadb: Server) -> None:
    task = task_for(mariadb, Mode.VERIFY_CA, ca=mariadb.certificates.other_ca)
    check_failed(client(name).run(task), ErrorKind.CERTIFICATE)


@pytest.fixture
def wrongly_named(mariadb: Server) -> Iterator[Server]:
    with mariadb.showing(WRONG_NAME):
        yield mariadb


@every_client
def test_certificate_for_another_name(name: str, client: GetClient, wrongly_named: Server) -> None:
    outcome = client(name).run(task_for(wrongly_named, Mode.VERIFY_IDENTITY))
    kind = ErrorKind.CERTIFICATE if name in DO_NOT_NAME_THE_REASON else ErrorKind.NAME_MISMATCH
    check_failed(outcome, kind)


@every_client
def test_certificate_for_another_name_is_enough_for_verify_ca(
    name: str, client: GetClient, wrongly_named: Server
) -> None:
    outcome = client(name).run(task_for(wrongly_named, Mode.VERIFY_CA))
    if name == "django":  # over MariaDB's library the two modes are one
        check_failed(outcome, ErrorKind.CERTIFICATE)
    else:
        assert outcome.complete
        assert outcome.tls_version == "TLSv1.3"


@pytest.mark.parametrize("name", ["pymysql", "mysql", "mysql2", "connector-j"])
def test_server_that_never_answers(name: str, client: GetClient, mariadb: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        outcome = client(name).run(task_for(mariadb, Mode.OFF, port=port, host="127.0.0.1", timeout=1.5))
    assert outcome.error is not None
    assert outcome.error.kind in {ErrorKind.TIMEOUT, ErrorKind.LOST}
    assert outcome.seconds < 60
