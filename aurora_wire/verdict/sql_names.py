"""Tables and columns that a statement names, by sqlglot (extra `sql`), from its fingerprint.

A fingerprint has no literals, so sqlglot sees none: it logs whole statements that it cannot parse, and is silenced all
the same. What it cannot parse, or is too long or too deep, has no names; so has everything where it is not installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from aurora_wire.immutable import replace
from aurora_wire.verdict.result import StatementGroup

if TYPE_CHECKING:
    from sqlglot import exp

MAX_PARSED: Final = 1000      # fingerprints of a result
MAX_LENGTH: Final = 2000      # characters of each
MAX_DEPTH: Final = 12         # parentheses inside each other
MAX_NAMES: Final = 50         # tables, and columns, of each
VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")


def is_available() -> bool:
    """Return whether sqlglot is installed."""
    return find_spec("sqlglot") is not None


def with_names(groups: Sequence[StatementGroup]) -> list[StatementGroup]:
    """Return the groups with the tables and columns that they name, each fingerprint read once."""
    if not is_available():
        return list(groups)
    known: dict[bytes, tuple[list[str], list[str]] | None] = {}
    made = []
    with _silenced():
        for one in groups:
            text = one.fingerprint
            if text not in known and len(known) < MAX_PARSED:
                known[text] = names_in(text.decode("utf-8", "replace"))
            names = known.get(text)
            made.append(one if names is None else replace(one, tables=names[0], columns=names[1]))
    return made


def names_in(fingerprint: str) -> tuple[list[str], list[str]] | None:
    """Return the tables (`shop.users`) and columns (`users.email`; `email` where several tables may have it), each
    once; None where it cannot be said.
    """
    if not fingerprint.startswith(VERBS) or len(fingerprint) > MAX_LENGTH or _depth(fingerprint) > MAX_DEPTH:
        return None
    import sqlglot  # noqa: PLC0415 - most scans have no groups, and it takes as long to load as a scan
    from sqlglot import exp  # noqa: PLC0415

    text = fingerprint.replace("(...)", "(?)")
    if text.startswith("REPLACE"):
        text = "INSERT" + text.removeprefix("REPLACE")
    try:
        trees = sqlglot.parse(text, dialect="mysql")
    except Exception:  # its errors, RecursionError, and whatever else a text of strangers does to a parser
        return None
    tables: dict[str, None] = {}
    columns: dict[str, None] = {}
    for tree in trees:
        if not isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete):
            return None
        _collect(tree, tables, columns)
    return list(tables)[:MAX_NAMES], list(columns)[:MAX_NAMES]


def _collect(tree: exp.Expression, tables: dict[str, None], columns: dict[str, None]) -> None:
    from sqlglot import exp  # noqa: PLC0415

    aliases: dict[str, str] = {}
    own = {one.alias for one in tree.find_all(exp.CTE)}
    for one in tree.find_all(exp.Table):
        if not one.name or (one.name in own and not one.db):
            continue
        tables[f"{one.db}.{one.name}" if one.db else one.name] = None
        aliases[one.alias or one.name] = one.name
    names = set(aliases.values())
    only = next(iter(names)) if len(names) == 1 and not own else ""
    target = tree.this if isinstance(tree, exp.Insert) else None
    if isinstance(target, exp.Schema):
        for identifier in target.expressions:
            columns[f"{target.this.name}.{identifier.name}"] = None
        only = only or target.this.name
    for column in tree.find_all(exp.Column):
        table = aliases.get(column.table, "") if column.table else only
        if column.name:
            columns[f"{table}.{column.name}" if table else column.name] = None


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif character == ")":
            depth -= 1
    return deepest


@contextmanager
def _silenced() -> Iterator[None]:
    """Let sqlglot log nothing: it logs the statements that it takes for commands."""
    import logging  # noqa: PLC0415 - where groups are named only

    logger = logging.getLogger("sqlglot")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
