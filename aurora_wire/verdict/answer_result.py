"""What servers answered, as results hold it: columns, rows, errors, and how much of each column crossed."""

from __future__ import annotations

from aurora_wire.immutable import field, immutable, record

Octets = bytes  # where a field has the name of the type


@immutable
class ColumnResult:
    """A column of a result, as the server defined it. Empty where the server named none: an expression has no table."""

    schema: str
    table: str                      # as the statement calls it: its alias
    org_table: str                  # as it is called where it is stored
    name: str                       # as the statement calls it: its alias, or the text of an expression
    org_name: str                   # as it is called where it is stored; empty for an expression
    type: str                       # as MySQL names it: "VAR_STRING", "LONGLONG"; MariaDB's "INET6", "JSON" ...


@immutable
class ErrorResult:
    """An ERR packet. Its text often repeats values: `Duplicate entry 'alice@example.com' for key 'users.email'`."""

    code: int                       # such as 1062
    sqlstate: str | None            # five characters; None before 4.1
    text: str                       # as the server sent it
    frame: int                      # in which it begins
    offset: int                     # stream offset of the MySQL packet


@record
class AnswerPart:
    """One of the results that answered a statement: a procedure's, or those of a batch."""

    columns: list[ColumnResult] = field(default_factory=list)  # none where it only tells what was done
    rows: int = 0                   # that crossed
    bytes: int = 0                  # of these rows, as payload
    affected: int | None = None     # rows changed; None where the server does not say
    warnings: int | None = None     # likewise
    out_parameters: bool = False    # it holds the values of OUT parameters
    complete: bool = True           # False: the rest of it was not seen
    values: list[list[Octets | None]] = field(default_factory=list)  # of its first rows, where rows were asked for


@record
class AnswerResult:
    """What the server answered a statement: StatementResult.result, None where no reply was seen or certainly its own.

    For who looks for values by their columns: `columns` has those of all results one after another, `parts` each result
    with its own (one part where there is one result), `parts[i].values` rows of as many values, if they were kept.
    """

    parts: list[AnswerPart]         # in order; the last one is empty where an error took its place
    error: ErrorResult | None = None  # in place of the (next) result
    ms: float | None = None         # from the statement to the last packet of the answer; None where not seen
    complete: bool = True           # False: some of it was not seen, so numbers are "at least"

    @property
    def columns(self) -> list[ColumnResult]:
        """Return the columns of all results."""
        return [column for part in self.parts for column in part.columns]

    @property
    def rows(self) -> int:
        """Return how many rows crossed."""
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        """Return the bytes of all rows, as payload of their packets."""
        return sum(part.bytes for part in self.parts)

    @property
    def affected(self) -> int | None:
        """Return how many rows were changed; None where the server does not say."""
        told = [part.affected for part in self.parts if part.affected is not None]
        return sum(told) if told else None

    @property
    def warnings(self) -> int | None:
        """Return how many warnings the server told of; None where it does not say."""
        told = [part.warnings for part in self.parts if part.warnings is not None]
        return sum(told) if told else None


@record
class ColumnTraffic:
    """How much of one column crossed in results. All expressions of a connection are one, without names."""

    schema: str
    table: str                      # as it is called where it is stored
    column: str                     # likewise; empty for expressions
    type: str                       # as in ColumnResult; "" for expressions, which have several
    results: int                    # in which it was
    rows: int                       # with a value of it, NULL or not
    bytes: int                      # of these values
