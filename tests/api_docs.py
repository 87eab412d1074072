"""Write docs/api.md from the docstrings and field comments of what `aurora_wire` exports.

    python -m tests.api_docs

Everything is read from the sources, not from the running package: compiled classes do not tell their signatures.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import aurora_wire

PACKAGE = Path(aurora_wire.__file__).parent
TARGET = Path(__file__).parent.parent / "docs" / "api.md"

INTRODUCTION = """\
# The Python API

Written by `python -m tests.api_docs` from the docstrings: change those, not this file.

All that is public is imported from `aurora_wire` itself. Every module below it (`aurora_wire.wire`,
`aurora_wire.verdict`, `aurora_wire.report` and all others) is private, as is every attribute that is not listed here:
they may change in any version. `import aurora_wire` loads none of them; each is loaded when one of its names is first
asked for. `examples/` has short programs that use this API, and `docs/adding.md` says how to add to it.
"""

SECTIONS = {
    "Judging captures": ("scan", "ScanOptions", "packets", "PacketView", "KeyLog"),
    "The result": (
        "Scan", "CaptureResult", "ConnectionResult", "Endpoint", "Reason", "Coverage", "TLSResult", "DecryptionResult",
        "StatementResult", "StatementGroup", "Parameter", "FileResult", "RefusalResult", "XResult", "ProxyResult",
        "ReplicationResult",
        "TableResult", "CloneResult", "CredentialResult", "LeakedData", "LeakedClass", "LeakedValue",
        "Finding", "Undecoded", "KeyLogResult", "Rule", "RULES",
    ),
    "Frames of your own": ("Engine", "describe", "Analysis", "Relay", "RelayRecording"),
    "Reports": ("render", "write_table", "Format", "ReportOptions", "ReportStream"),
    "Client drivers": (
        "Client", "ProgramClient", "Command", "Finished", "task_json", "Found", "Task", "Mode", "Ability", "Outcome",
        "Failure", "ErrorKind",
    ),
    "Errors": ("AuroraWireError", "UsageError", "CaptureError", "OutputError"),
    "The package": ("compiled", "__version__"),
}  # fmt: skip

# Attributes of classes that are no dataclasses: those that callers use. All others are the class's own.
ATTRIBUTES = {
    "Engine": ("ended", "events", "frames", "tcp_frames", "truncated_frames", "source"),
    "Analysis": ("engine", "captures", "connections", "findings"),
    "KeyLog": ("sources",),
}
# Likewise methods, where a class has some for the package's own use.
METHODS = {
    "Engine": ("feed", "waits_to_be_taken", "finish_closed", "open_connections", "finish"),
    "Analysis": ("read", "begin", "end", "collect", "finish"),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
NATIVE = re.compile(r"\b[iu](?:16|32|64)\b")  # mypyc's integers: to callers they are int


def homes() -> dict[str, Path]:
    """Return the source file of each public name."""
    found = {name: PACKAGE.parent.joinpath(*home.split(".")).with_suffix(".py")
             for name, home in aurora_wire._HOMES.items()}
    for statement in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("aurora_wire."):
            path = PACKAGE.parent.joinpath(*str(statement.module).split(".")).with_suffix(".py")
            found.update((alias.asname or alias.name, path) for alias in statement.names)
    return found


class Source:
    """A module's syntax tree and its lines."""

    def __init__(self, path: Path) -> None:
        text = path.read_text()
        self.lines = text.splitlines()
        self.body = ast.parse(text).body

    def find(self, name: str) -> ast.stmt:
        """Return the statement that defines a name. Raises KeyError where there is none."""
        for statement in self.body:
            if isinstance(statement, ast.ClassDef | Function) and statement.name == name:
                return statement
            if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name:
                return statement
        raise KeyError(name)

    def comment(self, statement: ast.stmt) -> str:
        """Return the comment behind a statement (and its further lines), or the lines of comment above it."""
        end = (statement.end_lineno or statement.lineno) - 1
        column = statement.end_col_offset or 0
        behind = self.lines[end].encode()[column:].decode().partition("#")[2].strip()
        if behind and not behind.startswith(("noqa", "fmt:", "type:")):
            for line in self.lines[end + 1 :]:
                if not line.strip().startswith("#") or line.index("#") <= statement.col_offset:
                    break
                behind += " " + line.strip().lstrip("# ")
            return behind.partition("# noqa")[0].strip()
        above: list[str] = []
        for line in reversed(self.lines[: statement.lineno - 1]):
            if not line.strip().startswith("#") or line.index("#") != statement.col_offset:
                break
            above.insert(0, line.strip().lstrip("# "))
        return " ".join(above)


def shown(node: ast.AST | None) -> str:
    """Return source text as callers see it."""
    return NATIVE.sub("int", ast.unparse(node)) if node is not None else ""


def signature(function: Function, *, method: bool) -> str:
    """Return `(paths: ..., *, ports: ...) -> Scan`."""
    arguments = function.args
    if method and not any(shown(one) == "staticmethod" for one in function.decorator_list):
        arguments = ast.arguments(
            posonlyargs=arguments.posonlyargs, args=arguments.args[1:], vararg=arguments.vararg,
            kwonlyargs=arguments.kwonlyargs, kw_defaults=arguments.kw_defaults, kwarg=arguments.kwarg,
            defaults=arguments.defaults,
        )  # fmt: skip
    result = f" -> {shown(function.returns)}" if function.returns is not None and function.name != "__init__" else ""
    return f"({shown(arguments)}){result}"


def document(node: ast.ClassDef | Function) -> str:
    """Return the docstring, with its line breaks."""
    return inspect.cleandoc(ast.get_docstring(node, clean=False) or "")


def is_enumeration(node: ast.ClassDef) -> bool:
    return any(shown(base).endswith("Enum") for base in node.bases)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def fields(source: Source, node: ast.ClassDef) -> list[tuple[str, str, str]]:
    """Return name, type and description of each public attribute: fields, members of an enumeration."""
    found: list[tuple[str, str, str]] = []
    for one in node.body:
        if isinstance(one, ast.AnnAssign):
            name, kind = shown(one.target), shown(one.annotation)
        elif isinstance(one, ast.Assign) and len(one.targets) == 1:
            name, kind = shown(one.targets[0]), shown(one.value)
        else:
            continue
        if not name.startswith("_"):
            found.append((name, kind, source.comment(one)))
    wanted = ATTRIBUTES.get(node.name, ())
    for inner in ast.walk(node):
        if isinstance(inner, ast.AnnAssign) and shown(inner.target).removeprefix("self.") in wanted:
            name = shown(inner.target).removeprefix("self.")
            found.append((name, shown(inner.annotation), source.comment(inner)))
    told = described(document(node), {name for name, _, _ in found})
    return [(name, kind, comment or told.get(name, "")) for name, kind, comment in found]


def described(words: str, names: set[str]) -> dict[str, str]:
    """Return what a docstring says of each name: `name: words` or `name, other: words`, up to the next of them."""
    text = " ".join(words.split())
    heads = [
        one for one in re.finditer(r"(?:(?<=[.;] )|^)(\w+(?:, \w+)*): ", text) if names.issuperset(one[1].split(", "))
    ]
    found: dict[str, str] = {}
    ends = [*(one.start() for one in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        said = text[head.end() : end].strip(" ;.")
        found.update(dict.fromkeys(head[1].split(", "), said))
    return found


def of_class(source: Source, node: ast.ClassDef) -> Iterator[str]:
    """Write a class: how it is made, what it is, its attributes, methods and properties."""
    bases = [base for base in map(shown, node.bases) if base in aurora_wire.__all__]
    methods = [one for one in node.body if isinstance(one, Function)]
    made = next((one for one in methods if one.name == "__init__"), None)
    yield f"### {node.name}\n"
    if made is not None:
        yield f"```python\n{node.name}{signature(made, method=True)}\n```\n"
    if bases:
        yield f"Extends {', '.join(f'`{base}`' for base in bases)}.\n"
    if document(node):
        yield document(node) + "\n"
    if made is not None and document(made):
        yield document(made) + "\n"
    rows = fields(source, node)
    if rows:
        yield f"| | {'value' if is_enumeration(node) else 'type'} | |\n|---|---|---|"
        yield from (f"| `{name}` | `{cell(kind)}` | {cell(words)} |" for name, kind, words in rows)
        yield ""
    for one in methods:
        if one.name.startswith("_") or one.name not in METHODS.get(node.name, (one.name,)):
            continue
        decorators = [shown(each) for each in one.decorator_list]
        if "property" in decorators:
            head = f"{node.name}.{one.name}: {shown(one.returns)}"
        else:
            waits = "await " if isinstance(one, ast.AsyncFunctionDef) else ""
            head = f"{waits}{node.name}.{one.name}{signature(one, method=True)}"
        yield f"```python\n{head}\n```\n"
        if document(one):
            yield document(one) + "\n"


def of_name(name: str, where: dict[str, Path]) -> Iterator[str]:
    """Write one public name."""
    if name == "__version__":
        yield "### \\_\\_version\\_\\_\n\nThe version of the package, a `str`.\n"
        return
    source = Source(where[name])
    node = source.find(name)
    if isinstance(node, ast.ClassDef):
        yield from of_class(source, node)
    elif isinstance(node, Function):
        yield f"### {name}\n\n```python\n{name}{signature(node, method=False)}\n```\n\n{document(node)}\n"
    elif isinstance(node, ast.AnnAssign):
        kind = re.sub(r"^Final\[(.*)\]$", r"\1", shown(node.annotation))
        yield f"### {name}\n\n`{kind}`. {source.comment(node)}\n"


def page() -> str:
    """Return docs/api.md."""
    where = homes()
    lines = [INTRODUCTION]
    for title, names in SECTIONS.items():
        lines.append(f"## {title}\n")
        for name in names:
            lines.extend(of_name(name, where))
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(page())
