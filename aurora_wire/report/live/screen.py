"""The live screen: connections with their verdicts, the last statements that leaked, rates and losses.

Everything from the wire is escaped before rich sees it, and is text to it, never markup.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from aurora_wire.analysis.watch import ConnectionStatus, Status
from aurora_wire.report.escape import show_text
from aurora_wire.report.live.lines import clock_time, size_text
from aurora_wire.report.text.statements import statement_line
from aurora_wire.report.wording import LEAKS, Style, count, endpoint, judged
from aurora_wire.verdict.result import ConnectionResult, Finding, StatementResult

SECOND: Final = 1_000_000_000
KEPT: Final = 2_000             # connections; the ones silent longest go
STATEMENTS: Final = 50
LEAK_SHARE: Final = 0.4         # of the height, at most
FEWEST_ROWS: Final = 3
FRAME_ROWS: Final = 7           # headings, blank lines, what is not shown

COLUMNS: Final = ("#", "client", "server", "user", "verdict", "TLS", "in clear", "in TLS", "statements")
NUMBERS: Final = (0, 6, 7, 8)


class LiveScreen:
    """A View on a terminal. `start`, then `refresh` a few times a second, then `stop`: nothing is left of it.

    window: seconds; a connection that was silent for longer is counted and not listed, unless it leaked.
    """

    def __init__(self, console: Console, *, window: float = 30, redact: bool = False) -> None:
        self.console = console
        self.problem = ""           # shown until the end
        self.recording = ""         # what is written, and how much
        self._window_ns = int(window * SECOND)
        self._redact = redact
        self._title = ""
        self._standings: OrderedDict[int, ConnectionStatus] = OrderedDict()  # those with the latest frames last
        self._statements: deque[tuple[int, StatementResult]] = deque(maxlen=STATEMENTS)
        self._leaked = 0
        self._now_ns = 0            # of the latest frame
        self._status: Status | None = None
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )

    def start(self) -> None:
        self._live.start()

    def stop(self) -> None:
        self._live.stop()

    def refresh(self) -> None:
        self._live.update(self.render(), refresh=True)

    # What is told.

    def started(self, name: str, filter_text: str) -> None:
        self._title = f"{show_text(name)}: {show_text(filter_text)}"

    def statement(self, connection: int, statement: StatementResult) -> None:
        self._leaked += 1
        self._statements.append((connection, statement))

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        pass  # its last standing comes too, and the summary has its findings

    def standing(self, standing: ConnectionStatus, *, changed: bool) -> None:  # noqa: ARG002 - each row is drawn anew
        self._standings[standing.id] = standing
        self._standings.move_to_end(standing.id)
        self._now_ns = max(self._now_ns, standing.last_time_ns)
        if len(self._standings) > KEPT:
            self._standings.popitem(last=False)

    def status(self, status: Status) -> None:
        self._status = status

    def told(self) -> None:
        """Do nothing: the next drawing has it."""

    # What is seen.

    def render(self) -> Group:
        width, height = self.console.size
        style = Style(width, redact=self._redact)
        leaks = self._leaks(style, max(FEWEST_ROWS, int(height * LEAK_SHARE)))
        room = max(FEWEST_ROWS, height - len(leaks) - FRAME_ROWS - bool(self.problem) - bool(self.recording))
        return Group(*self._head(), *self._connections(room), *leaks)

    def _head(self) -> Iterable[Text]:
        yield Text(f"aurora-wire watch  {self._title}", style="bold", no_wrap=True, overflow="ellipsis")
        status = self._status
        if status is not None:
            yield Text.assemble(
                f"{_duration(status.seconds)}  {count(status.packets, 'packet')} ({status.packet_rate:,.0f}/s)  "
                f"{size_text(status.bytes)} ({size_text(status.byte_rate)}/s)  ",
                (f"{status.dropped:,} dropped", "bold red" if status.dropped else ""),
                "  Ctrl-C ends",
                no_wrap=True, overflow="ellipsis",
            )  # fmt: skip
        if self.recording:
            yield Text(show_text(self.recording), no_wrap=True, overflow="ellipsis")
        if self.problem:
            yield Text(show_text(self.problem), style="bold red", no_wrap=True, overflow="ellipsis")
        yield Text()

    def _connections(self, room: int) -> Iterable[Table | Text]:
        since = self._now_ns - self._window_ns
        shown = [s for s in reversed(self._standings.values()) if s.verdict in LEAKS or s.last_time_ns >= since]
        shown = [s for s in shown if s.verdict != "not-mysql"]
        shown.sort(key=lambda s: s.verdict not in LEAKS)
        if not shown:
            yield Text("no MySQL connection yet" if not self._standings else "no connection active now", style="dim")
            yield Text()
            return
        table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
        for number, name in enumerate(COLUMNS):
            right = number in NUMBERS
            table.add_column(name, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
        for standing in shown[:room]:
            table.add_row(*_cells(standing))
        yield table
        if len(shown) > room:
            yield Text(f"{count(len(shown) - room, 'more connection')}", style="dim")
        yield Text()

    def _leaks(self, style: Style, room: int) -> list[Text]:
        if not self._leaked:
            return []
        lines = [Text(f"{count(self._leaked, 'statement')} in the clear", style="bold red")]
        for connection, statement in list(self._statements)[-room:]:
            start = f"{clock_time(statement.time_ns)}  #{connection} frame {statement.frame}  "
            narrow = Style(style.width - len(start), redact=style.redact)
            line = Text(start, no_wrap=True, overflow="ellipsis")
            line.append(statement_line(statement, narrow), style="red")
            lines.append(line)
        return lines


def _cells(standing: ConnectionStatus) -> list[Text]:
    color = "yellow"
    if standing.verdict in LEAKS:
        color = "bold red"
    elif (standing.verdict, standing.confidence) == ("encrypted", "proven"):
        color = "bold green"
    verdict = judged(standing.verdict, standing.confidence)
    missing = f" {standing.missing:,} missing" if standing.missing else ""
    return [
        Text(str(standing.id), style="dim" if standing.closed else ""),
        Text(endpoint(standing.client)),
        Text(endpoint(standing.server)),
        Text("-" if standing.user is None else show_text(standing.user) or "''"),
        Text(verdict + missing, style=color),
        Text(show_text(standing.tls or "-")),
        Text(_number(standing.in_clear)),
        Text(_number(standing.in_tls)),
        Text(_number(standing.statements)),
    ]


def _number(number: int) -> str:
    return f"{number:,}" if number else "-"


def _duration(seconds: float) -> str:
    """Return `0:01:04`."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
