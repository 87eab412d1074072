"""`aurora-wire fix`: what to paste, for each kind of server and each client. It is printed, and never run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from aurora_wire.cli.output import Output
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError, named
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import Style
from aurora_wire.verdict.clients import BY_KEY, CA, CLIENTS, NOTHING, ClientFix
from aurora_wire.verdict.server_fixes import FORMS, KINDS, MANUALS, PURPOSES, SETTINGS, UNKNOWN
from aurora_wire.verdict.servers import find_kind

DESCRIPTION = """\
Print what to paste so that sessions are encrypted: settings of a server of this
kind, and options of a client with which it insists on TLS and verifies the
server. It is text: nothing is ever run, and nobody is asked. Before a server
refuses connections in the clear, `aurora-wire impact` says who would break."""
EXAMPLES = """examples:
  aurora-wire fix --server mariadb --client django --ca /etc/ssl/rds.pem
  aurora-wire fix --server 8.0.mysql_aurora.3.04.0 --setting require_tls
"""
SCHEMA = "aurora-wire/fix/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--server", metavar="NAME", action="append", default=[],
        help="Print what this kind of server takes: its name, or the version of its greeting; may be given several "
        "times.")
    add("--client", metavar="NAME", action="append", default=[],
        help="Print what this client takes; may be given several times, `all` is every one.")
    add("--setting", metavar="NAME", action="append", default=[],
        help=f"Of servers, print this setting ({', '.join(PURPOSES)}); may be given several times (default: all).")
    add("--ca", metavar="FILE", default=CA, help=f"Put this file of authorities into the texts (default {CA}).")
    add("--format", choices=("text", "json"), default="text", help="Print text or JSON (default text).")


def run(arguments: argparse.Namespace) -> int:
    servers = [_kind(name) for name in arguments.server]
    clients = [client for name in arguments.client for client in ([*CLIENTS] if name == "all" else [_client(name)])]
    if "\n" in arguments.ca:
        raise UsageError("--ca: a line break is in the file's name.")
    if arguments.setting and not servers:
        raise UsageError("--setting goes with --server.")
    for name in arguments.setting:
        if name not in PURPOSES:
            said = f"{name}: no setting has this name. There are {', '.join(PURPOSES)}"
            raise UsageError(named(said, name, PURPOSES))
    settings = arguments.setting or list(PURPOSES)
    with Output() as output:
        if arguments.format == "json":
            output.write(_json(servers or _listed(), clients or [*CLIENTS], settings, arguments.ca))
            return 0
        style = style_for(output)
        if not servers and not clients:
            lines = _names(style)
        else:
            lines = _texts(list(dict.fromkeys(servers)), list(dict.fromkeys(clients)), settings, arguments.ca, style)
        output.writelines(f"{line}\n" for line in lines)
    return 0


def _listed() -> list[str]:
    return [kind for kind in KINDS if kind != UNKNOWN]


def _key(kind: str) -> str:
    return kind.lower().replace(" ", "-")


def _kind(name: str) -> str:
    for kind in _listed():
        if _key(kind) == name.lower():
            return kind
    kind = find_kind(name, name)
    if kind == UNKNOWN:
        known = [_key(each) for each in _listed()]
        raise UsageError(named(f"{name}: no kind of server has this name. There are {', '.join(known)}", name, known))
    return kind


def _client(name: str) -> ClientFix:
    client = BY_KEY.get(name.lower())
    if client is None:
        raise UsageError(named(f"{name}: no client has this name. There are {', '.join(BY_KEY)}", name, BY_KEY))
    return client


def _names(style: Style) -> Iterator[str]:
    rows = [(_key(kind), kind) for kind in _listed()]
    yield from table(("--server", "which is"), rows, width=style.room, indent="")
    yield ""
    yield from table(("--client", "which is"), [(client.key, client.name) for client in CLIENTS], width=style.room,
                     indent="")


def _texts(
    servers: list[str], clients: list[ClientFix], settings: list[str], ca: str, style: Style
) -> Iterator[str]:
    for number, kind in enumerate(servers):
        yield from [""] if number else []
        yield style.title(kind)
        for setting in settings:
            yield from style.wrap(f"To {PURPOSES[setting]}:", "  ")
            for where, text in _forms(kind, setting):
                yield from style.wrap(where, "    ") if where else []
                yield from (f"      {line}" for line in text.split("\n"))
        yield from style.wrap(f"See {': '.join(MANUALS[kind])}", "  ")
    for number, client in enumerate(clients):
        yield from [""] if number or servers else []
        yield style.title(client.name)
        for form in client.forms:
            yield from style.wrap(f"{form.where.replace(CA, ca)}:", "  ")
            yield from (f"      {line}" for line in form.text.replace(CA, ca).expandtabs(4).split("\n"))
            leaks = "no word of TLS" if form.leaks == NOTHING else form.leaks.replace("\n", ", ")
            yield from style.wrap(f"in the place of: {leaks}", "  ")
        yield from style.wrap(client.note, "  ") if client.note else []
        yield from style.wrap(f"See {client.manual}: {client.address}", "  ")


def _forms(kind: str, setting: str) -> list[tuple[str, str]]:
    """Return where and what to paste: the table's text, its lines without their indentation, and its other forms."""
    found: list[tuple[str, str]] = []
    said: list[str] = []
    for line in SETTINGS[setting].get(kind, SETTINGS[setting][UNKNOWN]).split("\n"):
        if line.startswith("  "):
            pasted = line.removeprefix("  ")
            if not said and found:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n{pasted}")
            else:
                found.append((" ".join(said), pasted))
                said = []
        else:
            said.append(line)
    if said:
        found.append((" ".join(said), ""))
    others = FORMS.get(setting, {}).get(kind, {})
    return [(where, text) for where, text in found if where or text] + [
        (f"{where}:", text) for where, text in others.items()
    ]


def _json(servers: list[str], clients: list[ClientFix], settings: list[str], ca: str) -> str:
    import json  # noqa: PLC0415 - not for the text form

    fields = {
        "schema": SCHEMA,
        "servers": [
            {
                "name": _key(kind), "kind": kind, "manual": MANUALS[kind][0], "address": MANUALS[kind][1],
                "settings": [
                    {
                        "setting": setting, "purpose": PURPOSES[setting],
                        "forms": [{"where": where, "text": text} for where, text in _forms(kind, setting)],
                    }
                    for setting in settings
                ],
            }
            for kind in servers
        ],
        "clients": [
            {
                "name": client.key, "client": client.name, "note": client.note or None,
                "manual": client.manual, "address": client.address,
                "forms": [
                    {
                        "where": form.where.replace(CA, ca), "text": form.text.replace(CA, ca),
                        "leaks": form.leaks or None,
                    }
                    for form in client.forms
                ],
            }
            for client in clients
        ],
    }  # fmt: skip
    return json.dumps(fields, indent=1) + "\n"
