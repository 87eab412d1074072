"""The Makefile and its helpers: what needs no network and no half hour to be checked."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aurora_wire._build import CORE

ROOT = Path(__file__).resolve().parent.parent
NEED = ROOT / ".ci" / "need"


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_make_alone_says_what_there_is() -> None:
    shown = {line.split()[0] for line in make().splitlines()}
    assert {"build", "demo", "test", "lint", "bench", "clean", "help"} <= shown


def test_make_installs_what_pyproject_says_the_build_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    line = re.search(r"^BUILD_REQUIRES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line is not None
    assert re.findall(r"'([^']+)'", line[1]) == project["build-system"]["requires"]


def test_make_installs_what_the_extra_says_the_docs_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    line = re.search(r"^DOCS_REQUIRES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line is not None
    assert re.findall(r"'([^']+)'", line[1]) == project["optional-dependencies"]["docs"]


def test_an_edit_of_any_compiled_file_is_noticed_at_start() -> None:
    wanted = {"ROOT", "PACKAGE", "COMPILED"}
    lines = [
        node for node in ast.parse((ROOT / "setup.py").read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in wanted
    ]
    names: dict[str, Any] = {"Path": Path, "__file__": str(ROOT / "setup.py")}
    exec(compile(ast.Module(lines, []), "setup.py", "exec"), names)
    package = ROOT / "aurora_wire"
    others = {file.relative_to(package) for file in names["COMPILED"] if package / "wire" not in file.parents}
    assert {str(file) for file in others} == set(CORE)


def test_what_is_left_out_of_the_interpreted_run_is_there() -> None:
    left_out = re.findall(r"--ignore=(\S+)", make("--dry-run", "--always-make", "test-pure"))
    assert "tests/real" in left_out
    assert [path for path in left_out if not (ROOT / path).exists()] == []


def test_tests_begin_with_what_fails_fastest() -> None:
    commands = make("--dry-run", "--always-make", "test")
    order = [
        "/ruff check", "/mypy\n", "/lint-imports", "AURORA_WIRE_MODE=compiled",
        "AURORA_WIRE_MODE=interpreted",
    ]
    places = [commands.index(command) for command in order]
    assert places == sorted(places)


def test_what_make_starts_keeps_the_bytecode_that_it_makes() -> None:
    """A thousand processes of the tests compile each file of the package anew otherwise: half of their time."""
    seen = subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT), "-f", "-", "seen"], check=True, text=True,
        input=(ROOT / "Makefile").read_text() + "\nseen:\n\t@env\n", stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ).stdout  # fmt: skip
    assert "PATH=" in seen
    assert "PYTHONDONTWRITEBYTECODE" not in seen


@pytest.mark.parametrize("script", [".ci/run", ".ci/need", "captures/demo.sh"])
def test_scripts_are_executable_and_stop_at_errors(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    text = path.read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_nothing_is_installed_where_nothing_is_missing() -> None:
    there = ["bash=no-such-package", f"{NEED}=no-such-package"]
    done = subprocess.run([NEED, *there], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_without_apt_the_missing_packages_are_named(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to("/bin/bash")
    done = subprocess.run(
        ["/bin/bash", NEED, "bash=bash", "no-such-command=first", "/no/such/file=second", "third"],
        capture_output=True, text=True, env={"PATH": str(tmp_path)}, check=False,
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(": first second third")


def test_the_core_runs_in_the_mode_that_was_asked_for() -> None:
    """`make test` runs all tests twice, and says which of the two in AURORA_WIRE_MODE."""
    wanted = os.environ.get("AURORA_WIRE_MODE")
    if wanted is None:
        pytest.skip("AURORA_WIRE_MODE is not set: not run by make")
    import aurora_wire

    assert aurora_wire.__file__ is not None
    package = Path(aurora_wire.__file__).parent
    built = sorted(path.name.split(".")[0] for path in package.rglob("*.so"))
    if wanted == "interpreted":
        assert built == []
        assert package.is_relative_to(sys.prefix)
    else:
        sources = [path for path in (package / "wire").rglob("*.py") if path.name != "__init__.py"]
        assert [path.name for path in sources if path.stem not in built] == []
