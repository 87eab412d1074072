"""Real servers: each is started when a test first asks for it, and stopped with the session."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aurora_wire.errors import AuroraWireError
from aurora_wire.prove.drivers.driver import Client
from aurora_wire.prove.drivers.registry import ready
from tests.real.certificates import Certificates
from tests.real.running import running
from tests.real.servers import MYSQL_FOLDER, ROOT, SYSTEM_PATH, MariaDB, MySQL, Server


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    folder = Path(tempfile.mkdtemp(prefix="aw-certificates-"))
    folder.chmod(0o755)
    yield Certificates(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb(certificates: Certificates) -> Iterator[Server]:
    """MariaDB with TLS."""
    with running(MariaDB, certificates, with_tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_bare(certificates: Certificates) -> Iterator[Server]:
    """MariaDB without TLS."""
    with running(MariaDB, certificates, with_tls=False) as server:
        yield server


@pytest.fixture(scope="session")
def mysql(certificates: Certificates) -> Iterator[MySQL]:
    """MySQL with TLS."""
    with running(MySQL, certificates, with_tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def mysql_bare(certificates: Certificates) -> Iterator[MySQL]:
    """MySQL without TLS."""
    with running(MySQL, certificates, with_tls=False) as server:
        yield server


@pytest.fixture(scope="session")
def client() -> Iterator[Callable[[str], Client]]:
    """`client("django")`: a driver whose client is installed, in `.cache` of the project where it is not here.

    `AURORA_WIRE_TEST_CACHE` names another folder. MySQL's command line is the one that came with the server.
    """
    cache = os.environ.get("AURORA_WIRE_TEST_CACHE") or str(ROOT / ".cache")

    def get(spec: str) -> Client:
        try:
            return ready(spec, print)
        except AuroraWireError as error:
            if os.environ.get("CI"):
                pytest.fail(f"{error} (in CI it has to be)")
            pytest.skip(str(error))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", cache)
        patch.setenv("PATH", os.pathsep.join((str(MYSQL_FOLDER / "bin"), SYSTEM_PATH)))
        yield get
