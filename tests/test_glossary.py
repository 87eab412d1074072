"""Docstrings are in the field's words: the glossary in docs/architecture.md, held over every docstring."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "aurora_wire"
NO_FIRST_WORD = re.compile(r"(Of|Who|Whom|Whose|Where)\b")
# A function's begins with a verb: with none of these, which begin a phrase that says neither what it does nor returns.
NO_VERB = re.compile(
    r"(The|A|An|It|Its|That|This|Those|These|What|Which|How|Whether|None|True|False|Is|Are|Was|Were|Does|Did|Can|May|Has"
    r"|As|For|In|From|With|Without|By|All|Every|No|To|More|One|Up|Before|After|Behind|Not)\b"
)
# The word that nobody in the field uses, and the one that is: docs/architecture.md, "Glossary".
REPLACED = {
    "hole": "gap", "holes": "gaps", "remark": "anomaly", "remarks": "anomalies", "mend": "fix", "opener": "decryptor",
    "openers": "decryptors",
}


def docstrings(functions_only: bool = False) -> Iterator[tuple[str, str]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef) + (() if functions_only else (ast.Module, ast.ClassDef))
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kinds):
                text = ast.get_docstring(node)
                if text:
                    line = getattr(node, "lineno", 1)
                    yield f"{path.relative_to(PACKAGE)}:{line}", text


def test_no_docstring_begins_with_a_word_that_leaves_out_what_it_is_about() -> None:
    assert [f"{place}: {text[:60]}" for place, text in docstrings() if NO_FIRST_WORD.match(text)] == []


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    found = [f"{place}: {text[:60]}" for place, text in docstrings(functions_only=True) if NO_VERB.match(text)]
    assert found == []


def test_functions_are_named_by_verbs_and_not_by_what_something_is_of() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in sorted(PACKAGE.rglob("*.py")) for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.endswith("_of")
    ]
    assert found == []


def test_docstrings_use_the_words_of_the_glossary() -> None:
    found = [
        f"{place}: {word}, which is called {REPLACED[word]}"
        for place, text in docstrings() for word in re.findall(r"[a-z]+", text.lower()) if word in REPLACED
    ]
    assert found == []
