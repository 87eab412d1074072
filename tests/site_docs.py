"""Write docs/reference/: commands from the parser, rules and JSON schemas from the package.

    python -m tests.site_docs
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aurora_wire.cli.whole_parser import Manual, build_manual, whole_parser
from aurora_wire.report import scan_json
from aurora_wire.report.tables import SCHEMA, TABLES, Column
from aurora_wire.scale.segments import SEGMENTS
from aurora_wire.verdict.rules.registry import RULES

TARGET = Path(__file__).parent.parent / "docs" / "reference"
SCHEMAS = Path(scan_json.__file__).parent / "schemas"
WRITTEN = "Written by `python -m tests.site_docs`: change {}, not this file.\n"


def pages() -> dict[str, str]:
    """Return the pages by name."""
    made = {"commands.md": commands(), "rules.md": rules(), "schemas.md": schemas(), "tables.md": tables()}
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}


def commands() -> Iterator[str]:
    yield "# Commands\n"
    yield WRITTEN.format("the options")
    yield "The same as `aurora-wire COMMAND --help` and the man pages.\n"
    whole = build_manual(whole_parser())
    yield "| command | |\n|---|---|"
    for part in whole.parts:
        yield f"| [{part.name}](#{part.name.replace(' ', '-')}) | {cell(part.summary)} |"
    yield ""
    for part in whole.parts:
        yield from command(part, 2)


def command(manual: Manual, level: int) -> Iterator[str]:
    yield f"{'#' * level} {manual.name}\n"
    yield f"```text\n{manual.usage}\n```\n"
    for block in manual.blocks or [manual.summary]:
        yield f"```text\n{block}\n```\n" if block.startswith(" ") else f"{plain(block)}\n"
    for heading, listed in manual.options:
        shown = [option for option in listed if not option.name.startswith("-h")]
        if not shown:
            continue
        title = {"positional arguments": "argument", "options": "option"}.get(heading, heading)
        yield f"| {title} | |\n|---|---|"
        for option in shown:
            yield f"| `{option.name.replace('|', chr(92) + '|')}` | {cell(option.help)} |"
        yield ""
    for heading, lines in manual.sections:
        yield f"{heading[:1].upper() + heading[1:]}:\n"
        yield f"```text\n{lines}\n```\n"
    for part in manual.parts:
        yield from command(part, level + 1)


def rules() -> Iterator[str]:
    yield "# Rules\n"
    yield WRITTEN.format("`aurora_wire/verdict/rules/`")
    yield "What can be found. `aurora-wire rules ID` prints one; reports say what to type for the server at hand.\n"
    yield "| rule | severity | what was found |\n|---|---|---|"
    for rule in RULES.values():
        yield f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity} | {cell(rule.title)} |"
    yield ""
    for rule in RULES.values():
        yield f"## {rule.id}\n"
        yield f"**{plain(rule.title)}** ({rule.severity})\n"
        yield f"{plain(' '.join(rule.why.split()))}\n"
        yield f"```text\n{rule.fix}\n```\n"
        for name, address in rule.links:
            yield f"- [{plain(name)}]({address})" if address else f"- {plain(name)}"
        yield ""


def schemas() -> Iterator[str]:
    yield "# JSON schemas\n"
    yield WRITTEN.format("`aurora_wire/report/schemas/`")
    yield "Each is a file in the package, `aurora_wire/report/schemas/NAME.schema.json` (JSON Schema 2020-12).\n"
    found = {path.name.partition(".")[0]: json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))}
    for name, schema in found.items():
        yield f"## {name}\n"
        about = " ".join(str(schema.get("description", schema.get("title", ""))).split())
        yield f"`{schema['$id']}`. {plain(about)}\n"
        yield from table(schema)
        for part, described in schema.get("$defs", {}).items():
            if "properties" in described:
                yield f"### {name}: {part}\n"
                if described.get("description"):
                    yield f"{plain(described['description'])}\n"
                yield from table(described)


def table(described: dict[str, Any]) -> Iterator[str]:
    yield "| key | type | |\n|---|---|---|"
    for name, field in described.get("properties", {}).items():
        yield f"| `{name}` | {cell(kind(field))} | {cell(' '.join(str(field.get('description', '')).split()))} |"
    yield ""


TABLES_ABOUT = """\
What `--format parquet` and `aurora_wire.spark` give, schema `{}`: a table each of connections, statements, findings and
captures.

    aurora-wire scan night/ --format parquet=connections.parquet --format parquet:statements=statements.parquet
    duckdb -c "SELECT c.user, count(*) FROM 'connections.parquet' c JOIN 'statements.parquet' s
               ON s.connection = c.id WHERE c.verdict = 'plaintext' GROUP BY ALL"

Names, types and meanings stay within `tables/1`; columns may be added. `string` is UTF-8: what crossed is not escaped
here, and lone surrogates are U+FFFD. `time` is a timestamp in microseconds, UTC; the column `..._ns` beside it is
exact. The file's metadata say `aurora_wire.schema`, `verdict`, `confidence`, `closing`, `exit_code` and `redacted`,
each column's `description` what it holds. Unless `--reveal` is given, users and values are masked by tokens that are
the same as in other reports of the same captures: they can be joined and counted (stars where the captures cannot be
read twice).
"""
KINDS = {
    "int32": "int 32", "int64": "int 64", "time": "timestamp", "strings": "list of string",
    "texts": "map of string to string", "counts": "map of string to int 64", "rows": "list of",
}  # fmt: skip


def tables() -> Iterator[str]:
    yield "# Tables\n"
    yield WRITTEN.format("`aurora_wire/report/tables.py`")
    yield TABLES_ABOUT.format(SCHEMA)
    for name, columns in {**TABLES, "segments": SEGMENTS}.items():
        yield f"## {name}\n"
        if name == "segments":
            yield "What `spark.read.format(\"aurora_wire\")` gives: [large captures](../scale.md).\n"
        yield "| column | type | |\n|---|---|---|"
        for column in columns:
            yield f"| `{column.name}` | {kind_of_column(column)} | {cell(column.about)} |"
        yield ""


def kind_of_column(column: Column) -> str:
    said = KINDS.get(column.kind, column.kind)
    if not column.inner:
        return said
    return f"{said} ({', '.join(f'`{one.name}` {kind_of_column(one)}: {cell(one.about)}' for one in column.inner)})"


def kind(field: dict[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(kind(one) for one in field[several])
    said = field.get("type", "any")
    if said == "array":
        return f"list of {kind(field.get('items', {}))}"
    return " or ".join(said) if isinstance(said, list) else str(said)


def plain(text: str) -> str:
    """Return text in which Markdown takes nothing for its own but code between backticks."""
    parts = text.split("`")
    for at in range(0, len(parts), 2):
        parts[at] = parts[at].replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")
    return "`".join(parts)


def cell(text: str) -> str:
    return plain(text).replace("|", "\\|")


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for page, content in pages().items():
        (TARGET / page).write_text(content, encoding="utf-8")
