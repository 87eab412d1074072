"""`aurora-wire rules`: the rule registry, for people and programs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from aurora_wire.cli.output import Output
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import NEAR_ID, UsageError, named
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import Style, advice
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.rules.rule import Rule

DESCRIPTION = "Print the rules: what can be found, how severe it is, why it matters and how to fix it."
EXAMPLES = """examples:
  aurora-wire rules
  aurora-wire rules AW201
"""
SCHEMA = "aurora-wire/rules/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("ids", metavar="ID", nargs="*", help="Print these rules in full (default: one line for each rule).")
    add("--format", choices=("text", "json"), default="text", help="Print text or JSON (default text).")


def run(arguments: argparse.Namespace) -> int:
    rules = [_rule(name) for name in arguments.ids]
    with Output() as output:
        if arguments.format == "json":
            output.write(_json(rules or RULES.values()))
        else:
            style = style_for(output)
            lines = _in_full(rules, style) if rules else _list(RULES.values(), style)
            output.writelines(f"{line}\n" for line in lines)
    return 0


def _rule(name: str) -> Rule:
    rule = RULES.get(name.upper())
    if rule is None:
        raise UsageError(named(f"{name}: no rule has this id. `aurora-wire rules` lists them", name.upper(), RULES,
                               NEAR_ID))
    return rule


def _list(rules: Iterable[Rule], style: Style) -> Iterator[str]:
    rows = [(rule.id, rule.severity, rule.title) for rule in rules]
    yield from table(("rule", "severity", "what was found"), rows, width=style.room, indent="")


def _in_full(rules: Iterable[Rule], style: Style) -> Iterator[str]:
    for number, rule in enumerate(rules):
        if number:
            yield ""
        yield f"{style.title(f'{rule.id}  {rule.title}')} ({style.severity(rule.severity)})"
        yield "Why it matters"
        yield from style.wrap(rule.why, "  ")
        yield "Fix"
        yield from advice(rule.fix, "  ", style)
        yield "References"
        for reference, address in rule.links:
            yield f"  {reference}"
            if address:
                yield f"    {address}"


def _json(rules: Iterable[Rule]) -> str:
    import json  # noqa: PLC0415 - not for the text form

    fields = ("id", "title", "severity", "why", "fix", "references")
    listed = [
        {name: getattr(rule, name) for name in fields} | {"addresses": [address or None for _, address in rule.links]}
        for rule in rules
    ]
    return json.dumps({"schema": SCHEMA, "rules": listed}, indent=1) + "\n"
