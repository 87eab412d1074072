"""Options about known findings: `--fail-on`, `--ignore`, `--baseline`."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import NEAR_ID, UsageError, meant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurora_wire.cli.config import Config
    from aurora_wire.posture.known import Known
    from aurora_wire.verdict.exceptions import Exceptions, KnownFinding

CONFIGS: Final = ("aurora-wire.toml", "pyproject.toml")
SEVERITIES: Final = ("info", "low", "medium", "high", "critical")


def add_exception_options(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add the options. more: what else is so of this command."""
    _add_options(
        parser, f"What is ignored stays in every report, counted and marked. {more}".rstrip(), "CLIENT",
        "of this client or network", "AW101:10.0.0.5 2027-01-31 the old batch host",
    )  # fmt: skip


def add_server_exception_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that asks servers."""
    _add_options(
        parser, "What is ignored stays in every report, counted and marked, and in the grade.", "SERVER",
        "at a server of this address, network or name", "AW604:db.example.com 2027-01-31 replaced in January",
    )  # fmt: skip


def _add_options(parser: argparse.ArgumentParser, about: str, place: str, where: str, example: str) -> None:
    """Add the options. place, where: what an exception may be bound to, in a word and in words."""
    group = parser.add_argument_group("known findings", about)
    add = group.add_argument
    add("--fail-on", metavar="SEVERITY|RULE", action="append", default=[],
        help="Exit with 1 also where there is a finding of this severity or worse, or of this rule. May be given "
        "several times.")
    add("--ignore", metavar=f"'RULE[:{place}] UNTIL REASON'", action="append", default=[],
        help=f"Leave findings of this rule ({where}) out of exit code 1, until the end of that day, for this reason: "
        f"'{example}'. May be given several times.")
    add("--baseline", metavar="FILE", action="append", default=[],
        help="Read such exceptions from this file, one a line.")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--config", metavar="FILE",
        help="Read fail-on, ignore and baseline from this file, each where the option is not given (default: "
        "aurora-wire.toml in the current folder, else [tool.aurora-wire] of its pyproject.toml).")
    which.add_argument("--no-config", action="store_true", help="Read no such file.")


def read_server_exceptions(arguments: argparse.Namespace) -> Known:
    """Return what the options say of servers' findings, or the settings of the folder in their place.

    `arguments.fail_on` has what holds afterwards. An exception that has expired is told. Raises UsageError.
    """
    from aurora_wire.cli.output import complain  # noqa: PLC0415 - not for --help
    from aurora_wire.posture.known import Known, list_given  # noqa: PLC0415
    from aurora_wire.verdict.exceptions import parse_known  # noqa: PLC0415

    config = _settings(arguments)
    fail_on = [(text, "--fail-on") for text in arguments.fail_on] or config.of("fail-on")
    ignored = [(text, "--ignore") for text in arguments.ignore] or config.of("ignore")
    baselines = arguments.baseline or [path for path, _ in config.of("baseline")]
    _refuse_unknown(fail_on)
    arguments.fail_on = [text for text, _ in fail_on]
    known = [parse_known(text, where, hosts=True) for text, where in ignored]
    known += _read_baseline(baselines, hosts=True)
    given = list_given(known, datetime.now(UTC).date())
    for one in given:
        if one.expired:
            complain(f"the exception {one.known} has expired on {one.until}: it is not applied.")
    return Known(given)


def _settings(arguments: argparse.Namespace) -> Config:
    """Return the settings of the folder, or of the file that was named; empty ones where there are none."""
    from aurora_wire.cli.config import Config, read_config  # noqa: PLC0415 - not for --help

    if arguments.config or not (arguments.no_config or not any(map(os.path.exists, CONFIGS))):
        return read_config(arguments.config)
    return Config()


def _refuse_unknown(fail_on: Sequence[tuple[str, str]]) -> None:
    if not fail_on:
        return
    from aurora_wire.verdict.rules.registry import RULES  # noqa: PLC0415 - not for --help

    for each, where in fail_on:
        if each.lower() not in SEVERITIES and each.upper() not in RULES:
            said = f"{where}: {each!r} is neither a severity ({', '.join(SEVERITIES)}) nor a rule"
            raise UsageError(said + (meant(each.lower(), SEVERITIES) or meant(each.upper(), RULES, NEAR_ID) or "."))


def read_exceptions(arguments: argparse.Namespace) -> Exceptions | None:
    """Return what the options say, or the settings of the folder in their place; None where nothing does.

    `arguments` have what holds afterwards. Raises UsageError.
    """
    fail_on = [(text, "--fail-on") for text in arguments.fail_on]
    ignored = [(text, "--ignore") for text in arguments.ignore]
    baselines = [(path, path) for path in arguments.baseline]
    config = _settings(arguments)
    fail_on = fail_on or config.of("fail-on")
    ignored = ignored or config.of("ignore")
    baselines = baselines or config.of("baseline")
    arguments.fail_on, arguments.ignore, arguments.baseline = (
        [text for text, _ in each] for each in (fail_on, ignored, baselines)
    )
    if not (fail_on or ignored or baselines):
        return None
    from aurora_wire.verdict.exceptions import Exceptions, parse_known  # noqa: PLC0415 - not for --help

    _refuse_unknown(fail_on)
    known = [parse_known(text, where) for text, where in ignored] + _read_baseline([path for path, _ in baselines])
    return Exceptions(known, datetime.now(UTC).date())


def read_known(arguments: argparse.Namespace) -> list[KnownFinding]:
    """Return the exceptions that `read_exceptions` has left in `arguments`. Raises UsageError."""
    from aurora_wire.verdict.exceptions import parse_known  # noqa: PLC0415 - not for --help

    return [parse_known(text, "--ignore") for text in arguments.ignore] + _read_baseline(arguments.baseline)


def _read_baseline(paths: Sequence[str], *, hosts: bool = False) -> list[KnownFinding]:
    """Return the exceptions that files list, hosts: with names of servers. Raises UsageError with file and line."""
    from aurora_wire.disk import describe_disk_error  # noqa: PLC0415 - not for --help
    from aurora_wire.rights.inputs import read_input  # noqa: PLC0415
    from aurora_wire.verdict.exceptions import parse_baseline  # noqa: PLC0415

    known: list[KnownFinding] = []
    for path in paths:
        try:
            known += parse_baseline(read_input(path), path, hosts=hosts)
        except OSError as error:
            raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
    return known


def fails(wanted: Sequence[str], open_rules: set[str]) -> bool:
    """Return whether a finding that is not ignored is one on which `--fail-on` fails."""
    from aurora_wire.verdict.rules.registry import RULES  # noqa: PLC0415

    for each in wanted:
        if each.upper() in open_rules:
            return True
        if each.lower() in SEVERITIES:
            least = SEVERITIES.index(each.lower())
            if any(SEVERITIES.index(RULES[rule].severity) >= least for rule in open_rules):
                return True
    return False
