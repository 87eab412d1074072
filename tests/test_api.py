"""The public API: what `aurora_wire` names, what it loads for it, and that docs/api.md tells of it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import aurora_wire
from tests import api_docs
from tests.cli.running import python

FACADE = Path(aurora_wire.__file__)
ROOMS = ("analysis", "capture", "cli", "decrypt", "prove", "redact", "report", "verdict", "wire")


DESCRIBED = sorted(
    {*aurora_wire.__all__} - {"RULES", "__version__", "AuroraWireError", "OutputError", "KeyLog", "Engine", "Analysis"}
)


def imported_for_type_checkers() -> dict[str, str]:
    """Return the home of each name that is imported under TYPE_CHECKING."""
    found: dict[str, str] = {}
    for statement in ast.parse(FACADE.read_text()).body:
        if isinstance(statement, ast.If):
            for one in statement.body:
                assert isinstance(one, ast.ImportFrom)
                found.update((alias.name, str(one.module)) for alias in one.names)
    return found


def test_the_lazy_homes_are_the_imports_that_type_checkers_and_contracts_see() -> None:
    assert imported_for_type_checkers() == aurora_wire._HOMES


def test_every_public_name_is_there_and_comes_from_where_it_is_defined() -> None:
    for name in aurora_wire.__all__:
        value = getattr(aurora_wire, name)
        home = aurora_wire._HOMES.get(name)
        if home is not None:
            assert value is getattr(sys.modules[home], name)
            assert getattr(value, "__module__", home) == home


def test_dir_lists_the_public_names_and_an_unknown_one_is_an_attribute_error() -> None:
    assert dir(aurora_wire) == sorted(aurora_wire.__all__)
    assert len(set(aurora_wire.__all__)) == len(aurora_wire.__all__)
    with pytest.raises(AttributeError, match="'aurora_wire' has no attribute 'nothing_of_the_kind'"):
        _ = aurora_wire.nothing_of_the_kind


def test_importing_the_package_loads_no_room_and_no_library() -> None:
    # What an interpreter has loaded by itself does not count: an editable install brings pathlib.
    code = "import sys; before = set(sys.modules); import aurora_wire; dir(aurora_wire)"
    loaded = python(f"{code}; print(*set(sys.modules) - before)").split()
    assert "aurora_wire" in loaded
    assert not {name for name in loaded if name.partition(".")[2].partition(".")[0] in ROOMS}
    assert not {"importlib.metadata", "inspect", "pathlib", "rich", "cryptography"}.intersection(loaded)


def test_a_name_loads_its_own_room_and_those_beneath() -> None:
    code = "import sys, aurora_wire; aurora_wire.{}; print(*sys.modules)"
    loaded = python(code.format("Scan")).split()
    assert not {name for name in loaded if name.startswith(("aurora_wire.analysis", "aurora_wire.report"))}
    assert not {name for name in python(code.format("Engine")).split() if name.startswith("aurora_wire.verdict")}


def test_packets_is_one_thing_whatever_was_imported_before() -> None:
    code = "import aurora_wire.analysis.packets, aurora_wire.report.packets, aurora_wire.cli.packets"
    assert python(f"{code}; print(type(aurora_wire.packets).__name__)").split() == ["function"]


def test_docs_api_md_is_what_the_docstrings_say() -> None:
    assert api_docs.TARGET.read_text() == api_docs.page(), "run: python -m tests.api_docs"


def test_docs_api_md_has_every_public_name_once() -> None:
    names = [name for section in api_docs.SECTIONS.values() for name in section]
    assert sorted(names) == sorted(aurora_wire.__all__)


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_field_of_a_result_is_described(name: str) -> None:
    source = api_docs.Source(api_docs.homes()[name])
    node = source.find(name)
    if isinstance(node, ast.FunctionDef):
        return
    assert isinstance(node, ast.ClassDef)
    assert not [field for field, _, words in api_docs.fields(source, node) if not words]


@pytest.mark.parametrize("name", sorted(set(aurora_wire.__all__) - {"RULES", "__version__"}))
def test_every_public_name_has_a_docstring(name: str) -> None:
    node = api_docs.Source(api_docs.homes()[name]).find(name)
    assert isinstance(node, ast.ClassDef | ast.FunctionDef)
    assert api_docs.document(node)
