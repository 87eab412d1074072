"""What a probe costs the host that it comes from, by the server's own count.

In network namespaces: what comes by the loopback is not counted.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.posture.probe import DEFAULT_LIMIT
from tests.loopback import needs_root
from tests.real.certificates import Certificates
from tests.real.servers import ROOT, MySQL, NotThereError

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"  # TEST-NET-1, within the two namespaces only


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    """Two network namespaces with a cable between them; names of the client's address are known to the server's."""
    needs_root()
    token = secrets.token_hex(3)
    server, client = f"aw-s-{token}", f"aw-c-{token}"
    hosts = Path("/etc/netns") / server
    try:
        for command in (
            f"netns add {server}", f"netns add {client}",
            f"link add s{token} netns {server} type veth peer name c{token} netns {client}",
            f"-n {server} addr add {SERVER}/24 dev s{token}", f"-n {client} addr add {CLIENT}/24 dev c{token}",
            f"-n {server} link set s{token} up", f"-n {client} link set c{token} up", f"-n {server} link set lo up",
        ):  # fmt: skip
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)
        hosts.mkdir(parents=True)
        (hosts / "hosts").write_text(f"127.0.0.1 localhost\n{CLIENT} client.test\n")
        yield server, client
    finally:
        for name in (server, client):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        shutil.rmtree(hosts, ignore_errors=True)


class MySQLInNamespace(MySQL):
    """MySQL that listens on a namespace's address, and looks up the names of who comes."""

    listen_on = SERVER
    name_options = ()

    def __init__(self, certificates: Certificates, namespace: str) -> None:
        self.entered = ("ip", "netns", "exec", namespace)
        super().__init__(certificates)


def test_a_probe_stays_below_what_blocks_its_host(
    namespaces: tuple[str, str], certificates: Certificates
) -> None:
    server_side, client_side = namespaces
    try:
        server = MySQLInNamespace(certificates, server_side)
    except NotThereError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (in CI it has to be)")
        pytest.skip(str(missing))
    try:
        server.start()
        done = subprocess.run(
            ["ip", "netns", "exec", client_side, sys.executable, "-m", "aurora_wire", "probe", "--format", "jsonl",
             f"{SERVER}:{server.port}"],
            capture_output=True, timeout=60, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        connections = json.loads(done.stdout)["addresses"][0]["connections"]
        counted = server.sql(
            "SELECT SUM_CONNECT_ERRORS, COUNT_HOST_BLOCKED_ERRORS FROM performance_schema.host_cache "
            f"WHERE IP = '{CLIENT}'"
        ).split()
        limit = int(server.sql("SELECT @@max_connect_errors"))
    finally:
        server.stop()
    assert counted == [str(connections), "0"], "what is said is what the server counts"
    assert connections <= DEFAULT_LIMIT < limit
