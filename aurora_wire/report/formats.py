"""The formats of a report: one row each, with the modules that write it: of captures, and of what servers allow.

A format is added by its module and a row in `FORMATS`. A package of yours can add one from outside: it registers a
`Format` in the entry point group `aurora_wire.formats` (docs/adding.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from aurora_wire.errors import UsageError, meant
from aurora_wire.immutable import immutable, replace

if TYPE_CHECKING:
    import os

    from aurora_wire.posture.result import Posture
    from aurora_wire.prove.matrix import Matrix
    from aurora_wire.redact.masker import Masker
    from aurora_wire.verdict.frame_places import FramePlaces
    from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, StatementResult

GROUP: Final = "aurora_wire.formats"
KEYED: Final = "keyed"
STARS: Final = "stars"
STATEMENTS_IN_TEXT: Final = 20  # of a connection; fewer where many connections leak, so that more of them are seen


@immutable
class ReportOptions:
    """What is asked of a report. A format is given those that its `takes` names."""

    redact: bool = False          # mask literals in statements, and parameters
    require_proven: bool = False  # `encrypted` that is merely likely counts as a failure
    reveal: bool = False          # show passwords, keys and tokens that crossed
    quiet: bool = False           # the closing sentence alone
    verbose: bool = False         # details that few ask for: certificates and key exchange of TLS
    width: int = 100              # columns of the terminal
    color: bool = False           # the terminal has colours
    whole: bool = False           # it is no terminal: nothing is shortened
    each: bool = False            # connections of a pool have a row each
    everything: bool = False      # of what a server allows: rows that say nothing, too
    fixes: bool = False           # likewise: what to paste for each finding
    masker: Masker | None = None  # masks what is passed on while the scan runs, with tokens; None: `redact` says
    # writes the HTML page with what the command alone has: the captures' bytes, pseudonyms, the impact on clients
    compose: Callable[[Scan], Iterator[str]] | None = None

    def masked(self) -> ReportOptions:
        """Return the same, with `redact`."""
        return replace(self, redact=True, reveal=False, masker=None)


class ReportStream(Protocol):
    """Writes a report while the scan runs. Its methods fit the callbacks of `aurora_wire.scan`."""

    def begin(self, captures: list[CaptureResult], places: FramePlaces, count: int) -> None:
        """Called once, before anything is read."""

    def statement(self, connection: int, statement: StatementResult) -> None:
        """Called for each statement, with the id of its connection."""

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        """Called for each connection when it was judged."""

    def finish(self, scan: Scan) -> None:
        """Called once, with the result."""


@immutable
class Format:
    """One format of a report.

    name: as `--format` takes it; about: what it is for, in a few words; home: `module:function`, loaded when the format
    is first used. The function is called with the Scan and returns the report in pieces of text; with `streams` it is
    called with a function that writes, and returns a ReportStream; takes: names of the ReportOptions that it is given
    as keyword arguments; streams: it writes while the scan runs; statements: how many of a connection it can show at
    most, None for all that are kept; needs: `module:function`, called before anything is read; it raises UsageError
    where a library is missing; posture: `module:function` for what servers allow (`probe`, `audit`, `fleet`, `check`),
    called with the Posture; empty: the format is of captures alone; posture_takes: as `takes`, for it; matrix,
    matrix_takes, matrix_needs: likewise for the matrix of `prove`; posted: it is
    made to be passed on, and the command masks what it is given unless `--reveal` is, with tokens under the captures'
    key (KEYED), or STARS where the same is to stay the same in other captures; is_list: it has no place that
    says it breaks off, so half of one does not get the name of a whole one; is_binary: what it writes is bytes: it
    streams, and its function is called with a function that takes them; tells: a stream is told of each statement;
    groups: it shows statements in groups; lets_go: `module:class` of what is made for a scan and called with each
    ConnectionResult that is kept, to drop statements that this format will not show, and returns how many it may show
    of any that comes later; empty: it may show all.
    """

    name: str
    about: str
    home: str
    takes: tuple[str, ...] = ()
    streams: bool = False
    statements: int | None = None
    needs: str = ""
    posture: str = ""
    posture_takes: tuple[str, ...] = ()
    matrix: str = ""
    matrix_takes: tuple[str, ...] = ()
    matrix_needs: str = ""
    posted: str = ""
    is_list: bool = False
    is_binary: bool = False
    tells: bool = True
    groups: bool = False
    lets_go: str = ""

    def check(self) -> None:
        """Raise UsageError where a library that this format needs is missing."""
        if self.needs:
            _load(self.needs)()

    def stream(self, write: Callable[[str], None], options: ReportOptions) -> ReportStream:
        """Return what writes this report while the scan runs; only for a format that `streams`."""
        stream: ReportStream = _load(self.home)(write, **self._chosen(options))
        return stream

    def stream_bytes(self, write: Callable[[bytes], object], options: ReportOptions) -> ReportStream:
        """Return the same for a format that `is_binary`."""
        stream: ReportStream = _load(self.home)(write, **self._chosen(options))
        return stream

    def render(self, scan: Scan, options: ReportOptions) -> Iterator[str]:
        """Return the report of a finished scan, in pieces of text. Raises UsageError for one that is bytes."""
        if self.is_binary:
            raise UsageError(
                f"{self.name} is no text: write it with aurora_wire.write_table, or --format {self.name}=FILE."
            )
        if self.streams:
            return self._replay(scan, options)
        pieces: Iterator[str] = _load(self.home)(scan, **self._chosen(options))
        return pieces

    def render_posture(self, posture: Posture, options: ReportOptions) -> Iterator[str]:
        """Return the report of what servers allow, in pieces of text. Raises UsageError where the format has none."""
        if not self.posture:
            raise UsageError(f"{self.name} is a format of captures; what servers allow goes to {POSTURE_NAMES}.")
        chosen = {name: getattr(options, name) for name in self.posture_takes}
        pieces: Iterator[str] = _load(self.posture)(posture, **chosen)
        return pieces

    def load_matrix(self) -> Callable[..., Iterator[str]]:
        """Return what writes the matrix of `prove`, loaded with what it is made from: before rights are given up.

        Raises UsageError where the format has none, or a library is missing.
        """
        if not self.matrix:
            raise UsageError(f"{self.name} is no format of `prove`, whose matrix goes to {MATRIX_NAMES}.")
        self.check()
        if self.matrix_needs:
            _load(self.matrix_needs)()
        function: Callable[..., Iterator[str]] = _load(self.matrix)
        return function

    def render_matrix(self, matrix: Matrix, options: ReportOptions) -> Iterator[str]:
        """Return the matrix of `prove`, in pieces of text. Raises UsageError where the format has none."""
        return self.load_matrix()(matrix, **{name: getattr(options, name) for name in self.matrix_takes})

    def _chosen(self, options: ReportOptions) -> dict[str, object]:
        return {name: getattr(options, name) for name in self.takes}

    def _replay(self, scan: Scan, options: ReportOptions) -> Iterator[str]:
        """Tell a stream of a scan that is over: what the result has kept of it."""
        written: list[str] = []
        for _ in replay(scan, self.stream(written.append, options)):
            yield from written
            written.clear()


def replay(scan: Scan, stream: ReportStream) -> Iterator[None]:
    """Tell a stream of a scan that is over; yields after each connection, and at the end."""
    from aurora_wire.report.summary import findings_by_connection  # noqa: PLC0415 - not for --help

    stream.begin(scan.captures, scan.frame_places, len(scan.captures))
    found = findings_by_connection(scan)
    for connection in scan.connections:
        for statement in connection.statements:
            stream.statement(connection.id, statement)
        stream.connection(connection, found.get(connection.id, []))
        yield
    stream.finish(scan)
    yield


_REPORT: Final = "aurora_wire.report"

_POSTURE: Final = f"{_REPORT}.posture"



def _table(name: str, about: str, home: str, *, tells: bool = False) -> Format:
    """Return the row of a Parquet table."""
    module = f"{_REPORT}.parquet"
    return Format(
        name, about, f"{module}:{home}", ("redact", "reveal", "masker"), streams=True,
        needs=f"{module}:require_pyarrow", posted=KEYED, is_binary=True, tells=tells,
        statements=None if tells else STATEMENTS_IN_TEXT,
    )


_ROWS: Final = (
    Format("text", "for people", f"{_REPORT}.text.report:render",
           ("width", "color", "quiet", "redact", "reveal", "whole", "each", "verbose"),
           statements=STATEMENTS_IN_TEXT, posture=f"{_POSTURE}.text:render",
           posture_takes=("width", "color", "whole", "everything", "fixes"), matrix=f"{_REPORT}.text.prove:pieces",
           matrix_takes=("width", "color", "whole"), lets_go=f"{_REPORT}.text.statements:Letting"),
    Format("json", "one JSON object (schema aurora-wire/scan/1, .../prove/1 ...)", f"{_REPORT}.scan_json:render",
           ("redact", "reveal"), posture=f"{_POSTURE}.to_json:render", matrix=f"{_REPORT}.prove_json:pieces"),
    Format("jsonl", "JSON lines as things happen, with every statement", f"{_REPORT}.scan_jsonl:JSONLines",
           ("redact", "reveal"), streams=True, posture=f"{_POSTURE}.to_json:lines", is_list=True),
    Format("html", "one page to look at and to hand over (`report` has more options)",
           f"{_REPORT}.html.render:page", ("compose",), needs=f"{_REPORT}.html.render:require_jinja",
           posture=f"{_REPORT}.html.posture:page", matrix=f"{_REPORT}.html.matrix:page", matrix_takes=("reveal",),
           matrix_needs=f"{_REPORT}.html.matrix:load"),
    Format("markdown", "for a ticket or a pull request", f"{_REPORT}.markdown:render", ("redact", "reveal"),
           posture=f"{_POSTURE}.markdown:render", posted=KEYED, matrix=f"{_REPORT}.prove_markdown:render",
           matrix_takes=("reveal",)),
    Format("sarif", "SARIF 2.1.0, for code scanning", f"{_REPORT}.sarif:render", posture=f"{_POSTURE}.sarif:render",
           posted=STARS),
    Format("junit", "JUnit XML, a test case for each connection or server", f"{_REPORT}.junit:render",
           ("redact", "reveal", "require_proven"), posture=f"{_POSTURE}.junit:render", posted=KEYED),
    Format("csv", "a table of connections, or of servers", f"{_REPORT}.csv_tables:connections",
           posture=f"{_POSTURE}.tables:servers", posted=KEYED, is_list=True),
    Format("csv:findings", "a table of findings", f"{_REPORT}.csv_tables:findings",
           posture=f"{_POSTURE}.tables:findings", posted=KEYED, is_list=True),
    Format("csv:statements", "a table of statements", f"{_REPORT}.csv_tables:statements", ("redact", "reveal"),
           posted=KEYED, is_list=True),
    Format("csv:groups", "a table of statements that differ in literals alone", f"{_REPORT}.csv_tables:groups",
           ("redact",), posted=KEYED, is_list=True, groups=True),
    Format("csv:captures", "a table of captures, a verdict each", f"{_REPORT}.csv_tables:captures", posted=KEYED,
           is_list=True),
    Format("ocsf", "OCSF detection findings as JSON lines, for a SIEM", f"{_REPORT}.ocsf:render",
           posture=f"{_POSTURE}.ocsf:render", is_list=True),
    _table("parquet", "a table of connections for DuckDB, pandas and Spark (all that were judged)", "Connections"),
    _table("parquet:statements", "a table of statements (every one)", "Statements", tells=True),
    _table("parquet:findings", "a table of findings", "Findings"),
    _table("parquet:captures", "a table of captures", "Captures"),
)  # fmt: skip

FORMATS: Final = {row.name: row for row in _ROWS}
POSTURE_NAMES: Final = ", ".join(row.name for row in _ROWS if row.posture)
MATRIX_NAMES: Final = ", ".join(row.name for row in _ROWS if row.matrix)


def find_format(name: str) -> Format:
    """Return the format of this name: one of the package, else one that another package registered.

    Raises UsageError where there is none, or the other package cannot be loaded.
    """
    if name in FORMATS:
        return FORMATS[name]
    from importlib.metadata import entry_points  # noqa: PLC0415 - reads the metadata of all that is installed

    others = {point.name: point for point in entry_points(group=GROUP)}
    if name not in others:
        known = [*FORMATS, *sorted(others)]
        raise UsageError(f"{name!r} is none of {', '.join(known)}{meant(name, known)}")
    where = others[name].value
    try:
        found = others[name].load()
    except Exception as error:  # a plug-in is the code of others
        raise UsageError(f"{name}: its format {where} cannot be loaded: {error}") from error
    if not isinstance(found, Format):
        raise UsageError(f"{name}: its format {where} is no aurora_wire.Format.")
    return found


def render(scan: Scan, name: str = "text", options: ReportOptions | None = None) -> Iterator[str]:
    """Return the report of a scan in the format of this name, in pieces of text.

    Raises UsageError for a name that is not known, and where a library that the format needs is missing.
    """
    row = find_format(name)
    row.check()
    return row.render(scan, options or ReportOptions())


def write_table(scan: Scan, name: str, path: str | os.PathLike[str], *, redact: bool = False) -> None:
    """Write a table of a scan as Parquet: connections, statements, findings or captures, as far as the result has it.

    `path` is replaced where it is there. redact: mask what crossed, with stars. Raises UsageError for another name, and
    where pyarrow is missing; OSError.
    """
    row = find_format("parquet" if name == "connections" else f"parquet:{name}")
    row.check()
    with open(path, "wb") as file:  # noqa: PTH123 - a path of any kind
        for _ in replay(scan, row.stream_bytes(file.write, ReportOptions(redact=redact, reveal=not redact))):
            pass


def most_statements(formats: Iterable[Format], kept: int) -> int:
    """Return how many statements of a connection these formats can show at most; `kept` stands for all."""
    return max(kept if one.statements is None else one.statements for one in formats)


def letting_for(formats: Iterable[Format]) -> Callable[[ConnectionResult], int] | None:
    """Return what lets go of statements that none of these formats will show; None where one may show all."""
    homes = {one.lets_go for one in formats}
    if len(homes) != 1 or "" in homes:
        return None
    found: Callable[[ConnectionResult], int] = _load(homes.pop())()
    return found


def _load(home: str) -> Any:
    """Return what `module:name` names. A module of this room, or of another package: never of a room above."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)
