"""`aurora-wire clients`: the clients that `prove` can drive, and what each can do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from aurora_wire.cli import preload
from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.terminal import style_for
from aurora_wire.prove.capture_process import become_driver
from aurora_wire.prove.drivers.driver import Ability, Client, Found, Mode
from aurora_wire.prove.drivers.registry import Broken, load_all, ready
from aurora_wire.report.escape import show_text
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import Style
from aurora_wire.rights.privileges import account_to_become

DESCRIPTION = "Print the clients that can be driven: which are installed, where, in what version, and what they can do."
EXAMPLES = """examples:
  aurora-wire clients
  aurora-wire clients --install django --install pymysql==1.1.1
"""
SCHEMA = "aurora-wire/clients/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--install", metavar="NAME[==VERSION]", action="append", default=[],
        help="First install this client into an environment of its own, where it is not there (may be repeated).")
    add("--format", choices=("text", "json"), default="text", help="Print text or JSON (default text).")


def run(arguments: argparse.Namespace) -> int:
    account = account_to_become()
    if account is not None:  # programs of others are asked for their version, and installed: not as root
        preload.everything()
        become_driver(account)
    asked = [ready(spec, complain) for spec in arguments.install]
    clients, broken = load_all()
    seen = [(client, client.find()) for client in [*clients, *(one for one in asked if one.version)]]
    with Output() as output:
        if arguments.format == "json":
            output.write(_json(seen, broken))
        else:
            output.writelines(f"{line}\n" for line in _text(seen, broken, style_for(output)))
    return 0


def _text(
    seen: Sequence[tuple[Client, Found | None]], broken: Sequence[Broken], style: Style
) -> Iterator[str]:
    rows = []
    for client, found in seen:
        if found is not None:
            modes = "all" if len(found.asks) == len(Mode) else " ".join(mode for mode in Mode if mode in found.asks)
            keys = "yes" if Ability.KEY_LOG in found.abilities else "no"
            rows.append([client.spec, found.version, modes or "none", keys, found.where])
    if rows:
        cells = [[show_text(cell) for cell in row] for row in rows]
        yield from table(("client", "version", "modes", "key log", "where"), cells, width=style.room, indent="")
    missing = [(client.spec, client.how_to_get) for client, found in seen if found is None]
    if missing:
        yield ""
        yield "Not installed"
        for name, how in missing:
            yield from style.wrap(show_text(f"{name}: {how}"), "  ")
    if broken:
        yield ""
        yield "Registered, and cannot be loaded"
        for one in broken:
            yield from style.wrap(show_text(f"{one.name}: {one.reason}"), "  ")


def _json(seen: Sequence[tuple[Client, Found | None]], broken: Sequence[Broken]) -> str:
    import json  # noqa: PLC0415 - not for the text form

    return json.dumps({
        "schema": SCHEMA,
        "clients": [_fields(client, found) for client, found in seen],
        "broken": [{"name": one.name, "reason": one.reason} for one in broken],
    }, indent=1) + "\n"  # fmt: skip


def _fields(client: Client, found: Found | None) -> dict[str, object]:
    fields: dict[str, object] = {"name": client.spec, "about": client.about, "installed": found is not None}
    if found is None:
        return fields | {"how_to_get": client.how_to_get}
    return fields | {
        "version": found.version,
        "where": found.where,
        "modes": {mode: found.asks[mode] for mode in Mode if mode in found.asks},
        "unavailable": {mode: found.unavailable[mode] for mode in Mode if mode in found.unavailable},
        "abilities": sorted(found.abilities),
    }
