"""docs/architecture.md names what exists: modules, rooms, bounds with their values, and the layers of pyproject."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from .conftest import ROOT

PACKAGE = ROOT / "aurora_wire"
PAGE = ROOT / "docs" / "architecture.md"
MOST_LINES = 500
BEGIN, END = "<!-- layers of pyproject.toml -->\n", "<!-- end of the layers -->\n"
ROW_OF_BOUND = re.compile(r"^\|.*\| `([\w/]+\.py)` `([A-Z_0-9]+)` = ([^|]+?) *\|$", re.MULTILINE)


def diagram() -> str:
    """The import contracts as a Mermaid diagram, one box a layer, from the top down."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lines = ["```mermaid", "flowchart TD"]
    for number, contract in enumerate(one for one in contracts if one["type"] == "layers"):
        lines.append(f'  subgraph C{number}["{contract["containers"][0]}: {contract["name"]}"]')
        for at, layer in enumerate(contract["layers"]):
            lines.append(f'    L{number}_{at}["{re.sub(r" *[|:] *", ", ", layer)}"]')
        lines.append("    " + " --> ".join(f"L{number}_{at}" for at in range(len(contract["layers"]))))
        lines.append("  end")
    return "\n".join([*lines, "```", ""])


def test_each_room_has_its_folder_of_tests() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("*/test_*.py")}
    assert len(rooms) > 10
    assert rooms - folders == set()


def test_the_diagram_shows_the_import_contracts_of_pyproject(pytestconfig: pytest.Config) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    shown, after = rest.split(END)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(before + BEGIN + diagram() + END + after, encoding="utf-8")
        return
    assert shown == diagram()


def test_every_module_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 50
    assert [name for name in sorted(named) if not ((PACKAGE / name).is_file() or (ROOT / name).is_file())] == []


def test_a_module_is_read_in_one_sitting() -> None:
    sizes = {path.relative_to(PACKAGE).as_posix(): path.read_text().count("\n") for path in PACKAGE.rglob("*.py")}
    assert len(sizes) > 400
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}


def test_every_package_is_named_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    packages = sorted(path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py"))
    packages.remove(".")
    assert [name for name in packages if f"`{name}/`" not in page] == []


def test_bounds_on_the_page_have_the_values_of_the_code() -> None:
    rows = ROW_OF_BOUND.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) > 10
    wrong: list[str] = []
    for path, name, value in rows:
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        found = [
            ast.unparse(node.value) for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            and ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target) == name
        ]
        if found != [ast.unparse(ast.parse(value))]:
            wrong.append(f"{path} {name}: the page says {value}, the code {found}")
    assert wrong == []
