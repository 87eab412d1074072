"""The live screen: connections with their verdicts, the last statements that leaked, rates and losses.

Everything from the wire is escaped before it is shown. Nothing is cut to the width: columns leave by worth, text wraps.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from aurora_wire.analysis.watch import ConnectionStatus, Status
from aurora_wire.report.escape import show_text
from aurora_wire.report.live.lines import Who, between, clock_time, size_text
from aurora_wire.report.text.statements import fold, statement_line
from aurora_wire.report.text.table import NARROWEST, table_rows
from aurora_wire.report.timestamps import SECOND
from aurora_wire.report.wording import BOLD, LEAKS, RED, Style, count, endpoint, judged
from aurora_wire.verdict.result import ConnectionResult, Finding, StatementResult

if TYPE_CHECKING:
    from aurora_wire.verdict.parties import Parties

KEPT: Final = 2_000             # connections; the ones silent longest go
STATEMENTS: Final = 50
LEAK_SHARE: Final = 0.4         # of the height, at most
FEWEST_ROWS: Final = 3
FILTER: Final = 60              # characters that it may have
DIM: Final = "2"

COLUMNS: Final = ("#", "client", "server", "user", "verdict", "TLS", "in clear", "in TLS", "statements")
NUMBERS: Final = frozenset((0, 6, 7, 8))
LEAVE: Final = (7, 8, 5, 6, 2)  # columns that leave where there is no room, the first one first
VERDICT: Final = COLUMNS.index("verdict")

Order = Callable[[ConnectionStatus], tuple[object, ...]]
ORDERS: Final[dict[str, Order]] = {
    "leaks first": lambda one: (one.verdict not in LEAKS, -one.last_time_ns),
    "latest first": lambda one: (-one.last_time_ns,),
    "most in clear": lambda one: (-one.in_clear, -one.last_time_ns),
    "client": lambda one: (one.client.address, one.user or "", one.id),
}
ESCAPE, ENTER, ERASE = "\x1b", ("\r", "\n"), ("\x7f", "\b")
KEYS: Final = "q ends  s sorts  f filters  p pauses  e expands pools"


class LiveScreen:
    """A View on a terminal. `start`, then `refresh` a few times a second, then `stop`: nothing is left of it.

    window: seconds; a connection that was silent for longer is counted and not listed, unless it leaked.
    """

    def __init__(self, console: Console, *, window: float = 30, redact: bool = False, color: bool = True) -> None:
        self.console = console
        self.problem = ""           # shown until the end
        self.recording = ""         # what is written, and how much
        self.who: Who | None = None
        self.ended = False          # by a key
        self._color = color
        self._window_ns = int(window * SECOND)
        self._redact = redact
        self._title = ""
        self._order = 0
        self._filter = ""
        self._typing: str | None = None     # a filter that is being typed
        self._expanded = False
        self._frozen: list[str] | None = None
        self._standings: OrderedDict[int, ConnectionStatus] = OrderedDict()  # those with the latest frames last
        self._statements: deque[tuple[int, StatementResult, Parties | None]] = deque(maxlen=STATEMENTS)
        self._leaked = 0
        self._now_ns = 0            # of the latest frame
        self._status: Status | None = None
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False,
            vertical_overflow="crop",
        )  # fmt: skip

    def start(self) -> None:
        self._live.start()

    def stop(self) -> None:
        self._live.stop()

    def refresh(self) -> None:
        self._live.update(self.render(), refresh=True)

    # What is typed.

    def key(self, key: str) -> None:
        """Take one key."""
        if self._typing is not None:
            self._type(key)
        elif key in ("q", "Q"):
            self.ended = True
        elif key in ("s", "S"):
            self._order = (self._order + 1) % len(ORDERS)
        elif key in ("f", "F", "/"):
            self._typing = self._filter
        elif key in ("e", "E"):
            self._expanded = not self._expanded
        elif key in ("p", "P", " "):
            self._frozen = self._body() if self._frozen is None else None

    def _type(self, key: str) -> None:
        typed = self._typing or ""
        if key in ENTER:
            self._filter, self._typing = typed.strip(), None
        elif key == ESCAPE:
            self._filter, self._typing = "", None
        elif key in ERASE:
            self._typing = typed[:-1]
        elif key.isprintable() and len(typed) < FILTER:
            self._typing = typed + key

    # What is told.

    def started(self, name: str, filter_text: str) -> None:
        self._title = f"{show_text(name)}: {show_text(filter_text)}"

    def statement(self, connection: int, statement: StatementResult) -> None:
        self._leaked += 1
        self._statements.append((connection, statement, None if self.who is None else self.who(connection)))

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
        lines = self._head() + (self._body() if self._frozen is None else self._frozen)
        return Group(*(Text.from_ansi(line, no_wrap=True, overflow="crop") for line in lines[: self.console.height]))

    def _style(self) -> Style:
        return Style(max(self.console.width, NARROWEST), self._color, redact=self._redact)

    def _head(self) -> list[str]:
        style = self._style()
        lines = [style.paint(line, BOLD) for line in fold(f"aurora-wire watch  {self._title}", style.width)]
        status = self._status
        if status is not None:
            lost = f"{status.dropped:,} dropped"
            said = (
                f"{_duration(status.seconds)}  {count(status.packets, 'packet')} ({status.packet_rate:,.0f}/s)  "
                f"{size_text(status.bytes)} ({size_text(status.byte_rate)}/s)  {lost}"
            )
            lines += [
                line.replace(lost, style.paint(lost, RED)) if status.dropped else line
                for line in fold(said, style.width)
            ]
        if self._typing is not None:
            said = f"filter: {show_text(self._typing)}_  (Enter: take it, Esc: none)"
        else:
            said = f"{KEYS}  ({list(ORDERS)[self._order]})"
        lines += [style.paint(line, DIM) for line in fold(said, style.width)]
        if self._frozen is not None:
            lines += [style.paint("paused: the capture goes on", BOLD)]
        if self.recording:
            lines += fold(show_text(self.recording), style.width)
        if self.problem:
            lines += [style.paint(line, RED) for line in fold(show_text(self.problem), style.width)]
        return [*lines, ""]

    def _body(self) -> list[str]:
        style = self._style()
        height = max(self.console.height - len(self._head()), 2 * FEWEST_ROWS)
        leaks = self._leaks(style, max(FEWEST_ROWS, int(self.console.height * LEAK_SHARE)))
        return self._connections(style, max(FEWEST_ROWS, height - len(leaks) - 1)) + leaks

    def _wanted(self) -> list[ConnectionStatus]:
        since = self._now_ns - self._window_ns
        wanted = [
            one for one in self._standings.values()
            if one.verdict != "not-mysql" and (one.verdict in LEAKS or one.last_time_ns >= since)
        ]
        if self._filter:
            word = self._filter.lower()
            wanted = [one for one in wanted if word in " ".join(_cells([one])).lower()]
        wanted.sort(key=list(ORDERS.values())[self._order])
        return wanted

    def _connections(self, style: Style, room: int) -> list[str]:
        """Return the table, in so many lines."""
        wanted = self._wanted()
        if not wanted:
            what = "connection yet" if not self._standings else "connection active now"
            hidden = f" with {show_text(self._filter)!r} in it" if self._filter else ""
            return [*(style.paint(line, DIM) for line in fold(f"no MySQL {what}{hidden}", style.width)), ""]
        pools = [[one] for one in wanted] if self._expanded else _pools(wanted)
        verdicts = {judged(one.verdict, one.confidence): one for one in wanted}

        def paint(column: int, text: str, piece: str) -> str:
            one = verdicts.get(text.partition(" and ")[0]) if column == VERDICT else None
            return piece if one is None else style.verdict(piece, one.verdict, one.confidence)

        rows = [_cells(pool) for pool in pools[:room]]
        header, *blocks = table_rows(
            COLUMNS, rows, width=style.width, right=NUMBERS, leave=LEAVE, paint=paint, indent=""
        )
        lines = [style.paint(line, DIM) for line in header]
        shown = 0
        for block in blocks[: len(rows)]:
            if len(lines) + len(block) + 1 > room and shown:
                break
            lines += block
            shown += 1
        left = sum(map(len, pools[shown:]))
        if left:
            lines.append(style.paint(count(left, "more connection"), DIM))
        return [*lines, ""]

    def _leaks(self, style: Style, room: int) -> list[str]:
        """Return the latest statements in the clear that there is room for, the newest last."""
        if not self._leaked:
            return []
        blocks: list[list[str]] = []
        size = 1
        for connection, statement, parties in reversed(self._statements):
            who = "" if parties is None else f"{between(parties.client, parties.server, parties.user)}, "
            start = f"{clock_time(statement.time_ns)}  #{connection} {who}frame {statement.frame}: "
            lines = fold(start + statement_line(statement, style), style.width)
            if blocks and size + len(lines) > room:
                break
            blocks.append([style.paint(line, RED) for line in lines])
            size += len(lines)
        head = style.paint(f"{count(self._leaked, 'statement')} in the clear", RED)
        return [head, *(line for block in reversed(blocks) for line in block)]


def _pools(standings: Sequence[ConnectionStatus]) -> list[list[ConnectionStatus]]:
    """Return connections of one client host, user and server, judged alike, together, in the order of the first."""
    found: dict[tuple[object, ...], list[ConnectionStatus]] = {}
    for one in standings:
        key = (one.client.address, one.user, one.server, one.verdict, one.confidence, one.tls)
        found.setdefault(key, []).append(one)
    return list(found.values())


def _cells(pool: Sequence[ConnectionStatus]) -> tuple[str, ...]:
    """Return the row of connections that are alike."""
    one = pool[0]
    missing = sum(each.missing for each in pool)
    client = endpoint(one.client)
    number = str(one.id)
    if len(pool) > 1:
        client = f"{show_text(one.client.address)} ({len(pool):,}x)"
        number = f"{one.id}+"
    return (
        number, client, endpoint(one.server), "-" if one.user is None else show_text(one.user) or "''",
        judged(one.verdict, one.confidence) + (f" and {missing:,} missing" if missing else ""),
        show_text(one.tls or "-"), _number(sum(each.in_clear for each in pool)),
        _number(sum(each.in_tls for each in pool)), _number(sum(each.statements for each in pool)),
    )  # fmt: skip


def _number(number: int) -> str:
    return f"{number:,}" if number else "-"


def _duration(seconds: float) -> str:
    """Return `0:01:04`."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
