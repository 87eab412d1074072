"""`aurora-wire demo`: the whole proof within seconds, with each server it can start, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.prove.demo_server.mariadb import NoServer, available
from tests.cli.running import COMMAND, ENVIRONMENT, ended_within, hears_ctrl_c
from tests.loopback import until
from tests.report.schemas import valid

SERVERS = ("mariadb", "mysql-mimic")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files, also for the demo's server, which runs as nobody."""
    with tempfile.TemporaryDirectory(prefix="aw-demo-") as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    try:
        return available(request.param)
    except NoServer as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (in CI it has to be)")
        pytest.skip(str(missing))


def test_the_demo_proves_both_verdicts(server: str, temporary: Path) -> None:
    folder = temporary / "proof"
    done = subprocess.run(
        [*COMMAND, "demo", "--server", server, "--keep", str(folder)], capture_output=True, timeout=120,
        env=ENVIRONMENT | {"TMPDIR": str(temporary)}, check=False,
    )  # fmt: skip
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode() + text
    assert "pymysql, off [ssl_disabled=True]: PLAINTEXT (proven)" in text
    assert "encrypted (proven), TLSv1.3" in text
    assert "pymysql, off: readable" in text
    assert "pymysql, verify-identity: not readable" in text
    assert str(folder) in done.stderr.decode()
    assert sorted(path.name for path in folder.iterdir()) == [
        "pymysql-off.json", "pymysql-off.pcapng", "pymysql-verify-identity.json", "pymysql-verify-identity.pcapng",
        "report.json", "report.txt",
    ]  # fmt: skip
    report = valid("prove", (folder / "report.json").read_text())
    assert [cell["as_promised"] for cell in report["cells"]] == [True, True]
    assert [path for path in temporary.iterdir() if path != folder] == []
    for name, code in (("off", 1), ("verify-identity", 0)):
        scanned = subprocess.run(
            [*COMMAND, "scan", "--quiet", str(folder / f"pymysql-{name}.pcapng")], env=ENVIRONMENT, check=False
        )
        assert scanned.returncode == (code if server == "mariadb" or code else scanned.returncode)


def test_a_private_folder_for_temporary_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir(mode=0o700)
    done = subprocess.run(
        [*COMMAND, "demo", "--format", "json"], capture_output=True, timeout=120,
        env=ENVIRONMENT | {"TMPDIR": str(tmp_path / "t")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


def test_the_demo_through_the_relay(server: str, temporary: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--server", server, "--keep", str(temporary / "p"), "--via-relay", "--format", "json"],
        capture_output=True, timeout=60, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    report = valid("prove", done.stdout)
    assert report["captured"]["how"] == "through a relay"
    assert done.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("reached", ["server-*/ca.pem", "server-*/data", "server-*/s", "*/pymysql-off.json"])
def test_interrupted_the_demo_leaves_nothing(number: signal.Signals, reached: str, temporary: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hears_ctrl_c,
        env=ENVIRONMENT | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    with ended_within(process, 40):
        until(lambda: list(temporary.glob(f"aurora-wire-demo-{reached}")), reached)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == 130
    assert list(temporary.iterdir()) == []
    processes = Path("/proc")
    until(
        lambda: not any(str(temporary).encode() in read(path) for path in processes.glob("[0-9]*/cmdline")),
        "the end of all that it started",
    )


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
