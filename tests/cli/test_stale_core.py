"""A checkout whose compiled core is older than its sources runs nothing: the command says so in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aurora_wire

PACKAGE = Path(aurora_wire.__file__).parent
COMMAND = "import sys\nfrom aurora_wire.cli import program\nsys.exit(program())\n"   # what pip writes


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout without a core, but with what says that there is an old one."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, folder / "aurora_wire", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (folder / "pyproject.toml").touch()
    core = folder / "aurora_wire__mypyc.cpython-311-x86_64-linux-gnu.so"
    core.touch()
    os.utime(core, (1, 1))
    (folder / "bin").mkdir()
    (folder / "bin" / "aurora-wire").write_text(COMMAND)
    (folder / "bin" / "other").write_text(COMMAND)
    return folder


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=checkout)


@pytest.mark.parametrize("how", [("bin/aurora-wire",), ("-m", "aurora_wire"), ("-W", "error", "-m", "aurora_wire")])
def test_the_command_says_in_one_line_what_to_do(how: tuple[str, ...], checkout: Path) -> None:
    done = run(checkout, *how, "--version")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"aurora-wire: {checkout}")
    assert line.endswith("Run `make build`, or delete the .so files to run interpreted.")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("how", [("-c", "import aurora_wire"), ("bin/other",), ("-m", "aurora_wire.cli")])
def test_who_imports_the_package_gets_an_exception(how: tuple[str, ...], checkout: Path) -> None:
    done = run(checkout, *how)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ImportError: " in done.stderr
    assert "Run `make build`" in done.stderr


def test_without_an_old_core_it_runs(checkout: Path) -> None:
    for core in checkout.glob("*.so"):
        os.utime(core)
        done = run(checkout, "-m", "aurora_wire", "--version")
        assert (done.returncode, done.stderr) == (0, "")
        os.utime(core, (1, 1))
