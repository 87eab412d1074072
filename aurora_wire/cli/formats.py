"""The formats of `scan`: their names, how `--format` is read, and who writes each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aurora_wire.verdict.result import Scan

FORMATS: Final = {
    "text": "for people",
    "json": "one JSON object (schema aurora-wire/scan/1)",
    "jsonl": "JSON lines as things happen, with every statement",
    "html": "one page to look at and to hand over, always masked (`report` has more options)",
    "markdown": "for a ticket or a pull request",
    "sarif": "SARIF 2.1.0, for code scanning",
    "junit": "JUnit XML, a test case for each connection",
    "csv": "a table of connections",
    "csv:statements": "a table of statements",
    "csv:captures": "a table of captures, a verdict each",
    "ocsf": "OCSF detection findings as JSON lines, for a SIEM",
}


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
        if name not in FORMATS:
            raise argparse.ArgumentError(self, f"{name!r} is none of {', '.join(FORMATS)}")
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
    listed = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    parser.set_defaults(reports=[], main_format_given=False)
    parser.add_argument(
        "--format", metavar="NAME[=FILE]", action=FormatOption, default="text",
        help=f"Write this format (default text) to -o or standard output, or to a file of its own; may be given "
        f"several times with a file. {listed}.",
    )


def pieces_of(result: Scan, name: str, *, redact: bool, require_proven: bool) -> Iterator[str]:
    """Yield the report in any format but `text` and `jsonl`. Each module is loaded for its own format only."""
    if name == "json":
        from aurora_wire.report import scan_json as json_report  # noqa: PLC0415

        return json_report.render(result, redact=redact)
    if name == "markdown":
        from aurora_wire.report import markdown  # noqa: PLC0415

        return markdown.render(result, redact=redact)
    if name == "sarif":
        from aurora_wire.report import sarif  # noqa: PLC0415

        return sarif.render(result)
    if name == "junit":
        from aurora_wire.report import junit  # noqa: PLC0415

        return junit.render(result, redact=redact, require_proven=require_proven)
    if name == "ocsf":
        from aurora_wire.report import ocsf  # noqa: PLC0415

        return ocsf.render(result)
    from aurora_wire.report import csv_tables as csv_report  # noqa: PLC0415

    if name == "csv:statements":
        return csv_report.statements(result, redact=redact)
    if name == "csv:captures":
        return csv_report.captures(result)
    return csv_report.connections(result)
