"""The reports of `probe`, `audit`, `fleet`, `check` and `prove`: the main one, and those with a file of their own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurora_wire.cli.exceptions import fails
from aurora_wire.cli.formats import PostureFormatOption, add_format_option, check_reports
from aurora_wire.cli.output import Output
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.terminal import style_for
from aurora_wire.report.formats import ReportOptions, find_format

if TYPE_CHECKING:
    from aurora_wire.posture.result import Posture


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add `--fix`, `--format` and `-o`."""
    parser.add_argument("--fix", action="store_true",
        help="Print besides what to paste for each finding, at this product and version (text; nothing is run).")
    add_format_option(parser, PostureFormatOption)
    parser.add_argument("--reveal", action="store_true",
        help="Show names of users in markdown, sarif, junit and csv, too, which are made to be passed on (default: "
        "masked there).")
    output_options(parser)


def compute_exit_code(found: Posture, fail_on: Sequence[str]) -> int:
    """Return the exit code of a result: 1 also where a finding that is not ignored is one of those to fail on."""
    from aurora_wire.posture.known import open_findings  # noqa: PLC0415 - not for --help

    hits = [hit for _, assessments in found.probes for each in assessments for hit in each.findings]
    hits += [hit for each in found.audits for hit in each.findings]
    hits += [hit for each in found.checks for hit in each.findings]
    return 1 if fails(fail_on, {hit.rule for hit in open_findings(hits)}) else found.exit_code


@dataclass(slots=True)
class Reports:
    """The outputs of one command.

    everything: rows that say nothing are shown, too; fixes: what to paste, too; reveal: names of users are shown in
    what is made to be passed on.
    """

    main: str
    output: Output
    beside: list[tuple[str, Output]]
    everything: bool = False
    fixes: bool = False
    reveal: bool = False

    def all(self) -> list[tuple[str, Output]]:
        """Return each format with where it goes; last the main one, whose reader may have gone."""
        return [*self.beside, (self.main, self.output)]

    def write(self, posture: Posture, *, main: bool = True) -> None:
        """Write those with a file of their own, then the main one, whose reader may have gone. main: it is written."""
        for name, to in self.beside:
            self._write_one(posture, name, to)
        if main:
            self._write_one(posture, self.main, self.output)

    def write_known(self, posture: Posture) -> None:
        """Write how many findings were ignored as known, behind servers that were written as they came."""
        if self.main == "text":
            from aurora_wire.report.text.grades import known_lines  # noqa: PLC0415 - for this format only

            self.output.writelines(known_lines(posture, style_for(self.output)))

    def _write_one(self, posture: Posture, name: str, to: Output) -> None:
        style = style_for(to)
        options = ReportOptions(
            width=style.width, color=style.color, whole=style.whole, everything=self.everything, fixes=self.fixes
        )
        row = find_format(name)
        if row.posted and not self.reveal:
            from aurora_wire.report.posture.mask import mask, stars  # noqa: PLC0415 - for these formats only

            posture = mask(posture, stars)
        to.writelines(row.render_posture(posture, options))


@contextmanager
def reports_for(
    arguments: argparse.Namespace, inputs: Sequence[str] = (), *, everything: bool = False
) -> Iterator[Reports]:
    """Open all outputs, before anything is asked; each file appears when all of them are written.

    inputs: files that are read: none of them may be replaced. Raises UsageError.
    """
    check_reports(arguments)
    with Output(arguments.output, force=arguments.force, inputs=inputs) as output, ExitStack() as stack:
        beside = [
            (name, stack.enter_context(Output(path, force=arguments.force, inputs=inputs)))
            for name, path in arguments.reports
        ]
        yield Reports(
            arguments.format, output, beside, everything, fixes=getattr(arguments, "fix", False),
            reveal=arguments.reveal,
        )  # fmt: skip
