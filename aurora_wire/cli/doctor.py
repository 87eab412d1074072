"""`aurora-wire doctor`: what is missing on this machine, and the command that gets it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from aurora_wire.cli import preload
from aurora_wire.cli.installation import (
    AREAS,
    CLIENTS,
    EXTRA_PACKAGES,
    OK,
    OPTIONAL,
    PACKAGES,
    STATUSES,
    Check,
    Machine,
    checks,
    look,
    packages_command,
    summary,
)
from aurora_wire.cli.output import Output
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import meant
from aurora_wire.prove.capture_process import become_driver
from aurora_wire.prove.drivers.driver import Client
from aurora_wire.prove.drivers.registry import load_all
from aurora_wire.report.escape import show_text
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style
from aurora_wire.rights.privileges import account_to_become

DESCRIPTION = """\
Say what this machine lacks, and the command that gets it: the right to capture
live, libpcap, the packages of each extra, the clients of `prove`, a compiled core.
It installs nothing and needs no rights. With sudo it tries what `sudo aurora-wire
watch` would do, and looks at clients as whoever called sudo."""
EXAMPLES = """exit codes:
  0  all is there that --need names (without it: live capture works)
  1  something of that is missing
  2  wrong use

examples:
  aurora-wire doctor
  aurora-wire doctor --need report --need libpcap --format json
"""
SCHEMA = "aurora-wire/doctor/1"
NAMES = ("core", "right to capture", "interfaces", "libpcap", "tcpdump")
COLORS = {OK: GREEN, "missing": RED, OPTIONAL: YELLOW}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--need", metavar="NAME", action="append", default=[], type=_name,
        help="End with 1 if this is not there: a line's name or a heading, such as report, libpcap, mysql2, core or "
        "'live capture' (may be repeated; default: what is said to be missing).")
    add("--format", choices=("text", "json"), default="text",
        help="Print text or JSON (schema aurora-wire/doctor/1; default text).")


def _name(text: str) -> str:
    from aurora_wire.prove.drivers.registry import names  # noqa: PLC0415 - looks for plug-ins

    known = [*AREAS, *NAMES, *EXTRA_PACKAGES, *names()]
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(known)}{meant(text, known)}")
    return text


def run(arguments: argparse.Namespace) -> int:
    machine = look()
    found = list(checks(machine))
    account = account_to_become()
    if account is not None:  # programs of others are asked for their version: not as root
        preload.everything()
        become_driver(account)
    found += _clients(machine)
    lacking = summary(found, arguments.need)
    with Output() as output:
        if arguments.format == "json":
            output.write(_json(machine, found, complete=not lacking))
        else:
            output.writelines(f"{line}\n" for line in _text(machine, found, lacking, style_for(output)))
    return 1 if lacking else 0


def _clients(machine: Machine) -> Iterator[Check]:
    clients, broken = load_all()
    for client in clients:
        there = client.find()
        if there is not None:
            yield Check(CLIENTS, client.spec, OK, f"{there.version} ({there.where})")
            continue
        get = [] if client.name not in PACKAGES else packages_command(machine, client.name)
        if type(client).install is not Client.install:
            get.append(f"aurora-wire clients --install {client.name}")
        yield Check(CLIENTS, client.spec, OPTIONAL, f"not installed: {client.how_to_get}", get)
    for one in broken:
        yield Check(CLIENTS, one.name, OPTIONAL, f"registered, and cannot be loaded: {one.reason}")


def _text(machine: Machine, found: Sequence[Check], lacking: Sequence[Check], style: Style) -> Iterator[str]:
    from aurora_wire._version import VERSION  # noqa: PLC0415

    where = f"{machine.release or machine.system}, {machine.python}"
    yield from style.wrap(show_text(f"aurora-wire {VERSION}, {where}"), "")
    widest = max(map(len, STATUSES))
    for area in AREAS:
        if not any(check.area == area for check in found):
            continue
        yield ""
        yield style.title(area)
        for check in found:
            if check.area != area:
                continue
            lines = style.wrap(show_text(f"{check.name}: {check.detail}"), " " * (widest + 4))
            lines[0] = f"  {style.paint(check.status.ljust(widest), COLORS[check.status])}  {lines[0].lstrip()}"
            yield from lines
            for command in check.get:
                yield f"{' ' * (widest + 4)}$ {show_text(command)}"
    yield ""
    if lacking:
        yield from style.wrap(f"Missing: {', '.join(check.name for check in lacking)}.", "")
    else:
        yield "Nothing that is needed is missing."


def _json(machine: Machine, found: Sequence[Check], *, complete: bool) -> str:
    import json  # noqa: PLC0415 - not for the text form

    from aurora_wire._version import VERSION  # noqa: PLC0415

    return json.dumps({
        "schema": SCHEMA,
        "version": VERSION,
        "system": machine.release or machine.system,
        "python": machine.python,
        "compiled": machine.compiled,
        "complete": complete,
        "checks": [
            {"area": one.area, "name": one.name, "status": one.status, "detail": one.detail, "get": one.get}
            for one in found
        ],
    }, indent=1) + "\n"  # fmt: skip
