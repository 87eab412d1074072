"""Options about known findings: `--fail-on`, `--ignore`, `--baseline`."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import NEAR_ID, UsageError, meant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurora_wire.verdict.exceptions import Exceptions, KnownFinding

CONFIGS: Final = ("aurora-wire.toml", "pyproject.toml")
SEVERITIES: Final = ("info", "low", "medium", "high", "critical")


def add_exception_options(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add the options. more: what else is so of this command."""
    about = f"What is ignored stays in every report, counted and marked. {more}".rstrip()
    group = parser.add_argument_group("known findings", about)
    add = group.add_argument
    add("--fail-on", metavar="SEVERITY|RULE", action="append", default=[],
        help="Exit with 1 also where there is a finding of this severity or worse, or of this rule. May be given "
        "several times.")
    add("--ignore", metavar="'RULE[:CLIENT] UNTIL REASON'", action="append", default=[],
        help="Leave findings of this rule (of this client or network) out of exit code 1, until the end of that day, "
        "for this reason: 'AW101:10.0.0.5 2027-01-31 the old batch host'. May be given several times.")
    add("--baseline", metavar="FILE", action="append", default=[],
        help="Read such exceptions from this file, one a line.")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--config", metavar="FILE",
        help="Read fail-on, ignore and baseline from this file, each where the option is not given (default: "
        "aurora-wire.toml in the current folder, else [tool.aurora-wire] of its pyproject.toml).")
    which.add_argument("--no-config", action="store_true", help="Read no such file.")


def read_exceptions(arguments: argparse.Namespace) -> Exceptions | None:
    """Return what the options say, or the settings of the folder in their place; None where nothing does.

    `arguments` have what holds afterwards. Raises UsageError.
    """
    fail_on = [(text, "--fail-on") for text in arguments.fail_on]
    ignored = [(text, "--ignore") for text in arguments.ignore]
    baselines = [(path, path) for path in arguments.baseline]
    if arguments.config or not (arguments.no_config or not any(map(os.path.exists, CONFIGS))):
        from aurora_wire.cli.config import read_config  # noqa: PLC0415 - only where there is one

        config = read_config(arguments.config)
        fail_on = fail_on or config.of("fail-on")
        ignored = ignored or config.of("ignore")
        baselines = baselines or config.of("baseline")
    arguments.fail_on, arguments.ignore, arguments.baseline = (
        [text for text, _ in each] for each in (fail_on, ignored, baselines)
    )
    if not (fail_on or ignored or baselines):
        return None
    from aurora_wire.verdict.exceptions import Exceptions, parse_known  # noqa: PLC0415 - not for --help
    from aurora_wire.verdict.rules.registry import RULES  # noqa: PLC0415

    for each, where in fail_on:
        if each.lower() not in SEVERITIES and each.upper() not in RULES:
            said = f"{where}: {each!r} is neither a severity ({', '.join(SEVERITIES)}) nor a rule"
            raise UsageError(said + (meant(each.lower(), SEVERITIES) or meant(each.upper(), RULES, NEAR_ID) or "."))
    known = [parse_known(text, where) for text, where in ignored] + _read_baseline([path for path, _ in baselines])
    return Exceptions(known, datetime.now(UTC).date())


def read_known(arguments: argparse.Namespace) -> list[KnownFinding]:
    """Return the exceptions that `read_exceptions` has left in `arguments`. Raises UsageError."""
    from aurora_wire.verdict.exceptions import parse_known  # noqa: PLC0415 - not for --help

    return [parse_known(text, "--ignore") for text in arguments.ignore] + _read_baseline(arguments.baseline)


def _read_baseline(paths: Sequence[str]) -> list[KnownFinding]:
    """Return the exceptions that files list. Raises UsageError with file and line."""
    from aurora_wire.disk import words_of  # noqa: PLC0415 - not for --help
    from aurora_wire.rights.inputs import read_input  # noqa: PLC0415
    from aurora_wire.verdict.exceptions import parse_baseline  # noqa: PLC0415

    known: list[KnownFinding] = []
    for path in paths:
        try:
            known += parse_baseline(read_input(path), path)
        except OSError as error:
            raise UsageError(f"{path}: {words_of(error)}.") from error
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
