"""How `--format` is read. The formats themselves: report/formats.py."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from aurora_wire.errors import UsageError
from aurora_wire.report.formats import FORMATS, find_format


class FormatOption(argparse.Action):
    """`NAME` is the format of the main output, `format`; each `NAME=FILE` is added to the list `reports`."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        _option: str | None = None,
    ) -> None:
        name, equals, path = str(values).partition("=")
        try:
            find_format(name)
        except UsageError as error:
            raise argparse.ArgumentError(self, str(error)) from error
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


def add_format_option(parser: argparse.ArgumentParser) -> None:
    listed = "; ".join(f"{name}: {row.about}" for name, row in FORMATS.items())
    parser.set_defaults(reports=[], main_format_given=False)
    parser.add_argument(
        "--format", metavar="NAME[=FILE]", action=FormatOption, default="text",
        help=f"Write this format (default text) to -o or standard output, or to a file of its own; may be given "
        f"several times with a file. {listed}.",
    )
