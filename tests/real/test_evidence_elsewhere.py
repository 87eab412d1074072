"""A bundle handed to somebody who has nothing but the package: installed from a wheel, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.evidence.bundles import make, write_captures

PROJECT = Path(__file__).resolve().parents[2]
# Of the caller's environment only what pip needs to find its packages.
KEPT = ("PATH", "HOME", "LANG", "PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")


def ran(*command: str | Path, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new environment that holds the package and what it depends on, no extra."""
    folder = tmp_path_factory.mktemp("elsewhere")
    env = {name: value for name, value in os.environ.items() if name.startswith(KEPT)} | {"AURORA_WIRE_PURE": "1"}
    source = folder / "source"
    shutil.copytree(PROJECT / "aurora_wire", source / "aurora_wire", ignore=shutil.ignore_patterns("*.so"))
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(PROJECT / name, source)
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
    for command in (
        (sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", "wheels", source),
        (sys.executable, "-m", "venv", "environment"),
    ):
        run = ran(*command, cwd=folder, env=env)
        assert run.returncode == 0, run.stderr
    (wheel,) = (folder / "wheels").iterdir()
    run = ran(folder / "environment/bin/python", *pip, "install", wheel, cwd=folder, env=env)
    assert run.returncode == 0, run.stderr
    shutil.rmtree(source)
    return folder


def test_a_bundle_verifies_with_nothing_but_the_package(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_captures(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["evidence", "keygen", "-o", "examiner"]) == 0
    make("--key", "examiner")
    there = elsewhere / "handed-over"
    there.mkdir()
    shutil.move("case.zip", there)
    command = elsewhere / "environment/bin/aurora-wire"
    env = {"PATH": os.defpath, "TZ": "Asia/Tokyo"}
    assert "interpreted" in ran(command, "--version", cwd=there, env=env).stdout
    run = ran(command, "evidence", "verify", "case.zip", cwd=there, env=env)
    assert (run.returncode, run.stderr) == (3, "")
    assert "signature: not looked at" in run.stdout
    assert run.stdout.splitlines()[-1].startswith("NOT VOUCHED FOR: nothing differs, but its signature could not be")
    # What checks the signature is an extra: where it is not there, nobody vouches.
    run = ran(command, "evidence", "verify", "case.zip", "--key", tmp_path / "examiner.pub", cwd=there, env=env)
    assert (run.returncode, run.stderr) == (3, "")
    assert "pip install 'aurora_wire[evidence]'" in run.stdout
    content = bytearray((there / "case.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (there / "changed.zip").write_bytes(content)
    assert ran(command, "evidence", "verify", "changed.zip", cwd=there, env=env).returncode == 1
