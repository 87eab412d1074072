"""The wheel, built from the sdist as an index has it, installed into an environment of its own, and run from there.

`make wheel` says in AURORA_WIRE_WHEEL which one it built, compiled; else a plain one is built here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.cli.man_pages import COMPLETIONS

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = ROOT / "captures" / "article-1-mysql-client-plaintext.pcap"
# What the tests run under says nothing to what is installed.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AURORA_WIRE_"))}
INSTALL = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
SECONDS = 300


def done(*command: str | Path, cwd: Path, codes: tuple[int, ...] = (0,), **more: str) -> str:
    """Return what the command wrote; show all of it if it ended with another code."""
    ran = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**ENVIRONMENT, **more}, capture_output=True, text=True, check=False,
        timeout=SECONDS,
    )  # fmt: skip
    assert ran.returncode in codes, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def copy_of_the_sources(to: Path) -> Path:
    """So that nothing is left in the checkout, and nothing compiled comes from there."""
    ignored = shutil.ignore_patterns(".*", "*.so", "__pycache__", "build", "dist", "*.egg-info", "captures", "out")
    shutil.copytree(ROOT, to, ignore=ignored)
    return to


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    sources = copy_of_the_sources(folder / "sources")
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    done(sys.executable, "-c", build, cwd=sources, AURORA_WIRE_PURE="1")
    (made,) = folder.glob("*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    given = os.environ.get("AURORA_WIRE_WHEEL")
    if given:
        return ROOT / given
    folder = sdist.parent
    done(
        *INSTALL, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", folder, sdist, cwd=folder,
        AURORA_WIRE_PURE="1",
    )  # fmt: skip
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path) -> Iterator[Path]:
    """Where pip put the command, with what it depends on and nothing else."""
    place = wheel.parent / "environment"
    venv.create(place, clear=True, symlinks=True)
    done(*INSTALL, "--python", place / "bin" / "python", "install", wheel, cwd=wheel.parent)
    yield place / "bin" / "aurora-wire"
    shutil.rmtree(place)


def names_of(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_an_sdist_holds_the_sources_and_nothing_that_was_made_from_them(sdist: Path) -> None:
    names = names_of(sdist)
    assert {"setup.py", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "aurora_wire/py.typed"} <= names
    assert not {name for name in names if name.startswith(("build/", "tests/")) or name.endswith((".so", ".pyc"))}


def test_a_wheel_holds_each_file_of_the_package(wheel: Path) -> None:
    package = ROOT / "aurora_wire"
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix not in (".so", ".pyc"))
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {str(path.relative_to(ROOT)) for path in files} - held == set()
    assert not {name for name in held if name.startswith(("tests/", "build/", "benchmarks/"))}


def test_the_installed_program_judges_a_capture(program: Path, tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    core = "compiled" if os.environ.get("AURORA_WIRE_WHEEL") else "interpreted"
    assert done(program, "--version", cwd=tmp_path) == f"aurora-wire {version} ({core} core)\n"
    text = done(program, "scan", "--no-progress", CAPTURE, cwd=tmp_path, codes=(1,))
    assert text.splitlines()[-1].startswith("PLAINTEXT (proven): ")


def test_man_pages_and_completions_lie_where_shells_and_man_look(program: Path) -> None:
    share = program.parent.parent / "share"
    for name in (*COMPLETIONS.values(), "man/man1/aurora-wire.1", "man/man1/aurora-wire-scan.1"):
        assert "aurora-wire" in (share / name).read_text().replace("\\", "")


def test_what_needs_an_extra_names_it(program: Path, tmp_path: Path) -> None:
    said = done(program, "report", "--no-progress", "-o", "report.html", CAPTURE, cwd=tmp_path, codes=(2,))
    assert "pip install 'aurora_wire[report]'" in said


# `spark` is half a gigabyte, and those who have Spark have it.
NOT_IN_ALL = ("all", "docs", "test", "test-spark", "spark")


def test_the_extra_all_is_all_that_users_may_want() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert everything == f"aurora_wire[{','.join(name for name in extras if name not in NOT_IN_ALL)}]"


@pytest.mark.parametrize("installer", [["pipx", "install"], ["uv", "tool", "install"]])
def test_other_installers_take_the_wheel_and_the_demo_runs_there(
    installer: list[str], wheel: Path, tmp_path: Path
) -> None:
    beside = Path(sys.executable).with_name(installer[0])  # of the extra `test`
    program = str(beside) if beside.exists() else shutil.which(installer[0])
    if program is None:
        pytest.skip(f"{installer[0]} is not installed: {' '.join(installer)} is not tried")
    places = {
        name: str(tmp_path / name)
        for name in ("HOME", "PIPX_HOME", "PIPX_BIN_DIR", "UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "XDG_DATA_HOME")
    }
    done(program, *installer[1:], f"aurora_wire[demo] @ {wheel.as_uri()}", cwd=tmp_path, **places)
    folder = "PIPX_BIN_DIR" if installer[0] == "pipx" else "UV_TOOL_BIN_DIR"
    command = tmp_path / folder / "aurora-wire"
    assert done(command, "--version", cwd=tmp_path).startswith("aurora-wire ")
    demo = ["demo", "--server", "mysql-mimic", "--via-relay", "--keep", tmp_path / "proof"]
    shown = done(command, *demo, cwd=tmp_path)
    assert "verify-identity" in shown
