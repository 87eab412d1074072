"""How `--format` is read. The formats themselves: report/formats.py."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from aurora_wire.errors import UsageError
from aurora_wire.report.formats import FORMATS, MATRIX_NAMES, POSTURE_NAMES, Format, find_format


class FormatOption(argparse.Action):
    """`NAME` is the format of the main output, `format`; each `NAME=FILE` is added to the list `reports`."""

    @staticmethod
    def names_of_others(_: Format) -> str:
        """Return the formats to take in its place, where this one does not fit; else nothing."""
        return ""

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
        except UsageError as error:
            raise argparse.ArgumentError(self, str(error)) from error
        others = self.names_of_others(row)
        if others:
            raise argparse.ArgumentError(self, f"{name!r} is none of {others}")
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

    @staticmethod
    def names_of_others(row: Format) -> str:
        return "" if row.posture else POSTURE_NAMES


class MatrixFormatOption(FormatOption):
    """The same for the formats that take the matrix of `prove`."""

    @staticmethod
    def names_of_others(row: Format) -> str:
        return "" if row.matrix else MATRIX_NAMES


def add_format_option(parser: argparse.ArgumentParser, action: type[FormatOption] = FormatOption) -> None:
    """Add `--format`. action: which of the formats it takes, by what the reports are of."""
    rows = [row for row in FORMATS.values() if not action.names_of_others(row)]
    listed = "; ".join(f"{row.name}: {row.about}" for row in rows)
    parser.set_defaults(reports=[], main_format_given=False)
    parser.add_argument(
        "--format", metavar="NAME[=FILE]", action=action, default="text",
        help=f"Write this format (default text) to -o or standard output, or to a file of its own; may be given "
        f"several times with a file. {listed}.",
    )
