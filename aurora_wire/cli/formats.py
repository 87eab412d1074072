"""How `--format` is read. The formats themselves: report/formats.py."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import ClassVar

from aurora_wire.cli.output import STANDARD_OUTPUT, same_place
from aurora_wire.errors import UsageError, meant
from aurora_wire.report.formats import FORMATS, MATRIX_NAMES, POSTURE_NAMES, Format, find_format


class FormatOption(argparse.Action):
    """`NAME` is the format of the main output, `format`; each `NAME=FILE` is added to the list `reports`."""

    listed: ClassVar[str] = ""  # the formats that are taken, where it is not all of them
    renders: ClassVar[str] = ""  # what they have to have for that, besides a name

    @classmethod
    def takes(cls, row: Format) -> bool:
        """Tell whether this option takes a format."""
        return not cls.renders or bool(getattr(row, cls.renders))

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        _option: str | None = None,
    ) -> None:
        name, equals, path = str(values).partition("=")
        try:
            row = find_format(name)
            fits = self.takes(row)
        except UsageError as error:
            if not self.listed:
                raise argparse.ArgumentError(self, str(error)) from error
            fits = False
        if not fits:
            said = f"{name!r} is none of {self.listed}{meant(name, self.listed.split(', '))}"
            raise argparse.ArgumentError(self, said)
        if equals and not path:
            raise argparse.ArgumentError(self, f"{name}= needs the name of a file")
        if path and path != "-":
            namespace.reports = [*namespace.reports, (name, path)]
        elif namespace.main_format_given:
            raise argparse.ArgumentError(
                self, "only one format can go to standard output or -o: give the others a file, as NAME=FILE"
            )
        else:
            namespace.format = name
            namespace.main_format_given = True


class PostureFormatOption(FormatOption):
    """The same for the formats that take what servers allow."""

    listed = POSTURE_NAMES
    renders = "posture"


class MatrixFormatOption(FormatOption):
    """The same for the formats that take the matrix of `prove`."""

    listed = MATRIX_NAMES
    renders = "matrix"


def add_format_option(parser: argparse.ArgumentParser, action: type[FormatOption] = FormatOption) -> None:
    """Add `--format`. action: which of the formats it takes, by what the reports are of."""
    rows = [row for row in FORMATS.values() if action.takes(row)]
    listed = "; ".join(f"{row.name}: {row.about}" for row in rows)
    parser.set_defaults(reports=[], main_format_given=False)
    parser.add_argument(
        "--format", metavar="NAME[=FILE]", action=action, default="text",
        help=f"Write this format (default text) to -o or standard output, or to a file of its own; may be given "
        f"several times with a file. {listed}.",
    )


def formats_for(arguments: argparse.Namespace) -> list[Format]:
    """Return the formats of all reports, the main one first."""
    return [find_format(name) for name in (arguments.format, *(name for name, _ in arguments.reports))]


def check_reports(arguments: argparse.Namespace) -> None:
    """Raise UsageError where two reports would go to one file, or what a format needs is not installed."""
    paths = [path for _, path in arguments.reports] + [arguments.output or STANDARD_OUTPUT]
    for number, path in enumerate(paths):
        if any(same_place(path, other) for other in paths[:number]):
            raise UsageError(f"{path}: two reports cannot go to one file. Give each a name of its own.")
    for row in formats_for(arguments):
        row.check()
