"""What a live capture tells as it happens, as lines: text for people on a pipe, or JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from aurora_wire.analysis.watch import ConnectionStatus, Status
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_text import Fields, clean
from aurora_wire.report.scan_jsonl import JSONLines
from aurora_wire.report.text.statements import statement_line
from aurora_wire.report.timestamps import rfc3339
from aurora_wire.report.wording import Style, count, endpoint, judged
from aurora_wire.verdict.result import ConnectionResult, Endpoint, Finding, StatementResult

if TYPE_CHECKING:
    from aurora_wire.capture.recorded import RecordedFile
    from aurora_wire.verdict.parties import Parties

LONGEST = 1 << 24   # characters of a statement: more than is kept of one
HELD = 1_000        # lines that wait for earlier ones, at most
Who = Callable[[int], "Parties | None"]
UNITS = ("B", "kB", "MB", "GB", "TB")


class View(Protocol):
    """A view of a running capture. `standing` comes for each connection with news, `changed` if it is the verdict."""

    def started(self, name: str, filter_text: str) -> None: ...
    def statement(self, connection: int, statement: StatementResult) -> None: ...
    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None: ...
    def standing(self, standing: ConnectionStatus, *, changed: bool) -> None: ...
    def status(self, status: Status) -> None: ...
    def told(self) -> None: ...


class TextLines:
    """One line for each statement in the clear, each verdict that changes, and now and then the rates.

    Lines come in the order of their times: they wait until `told`, and what is only known later has the time at which
    it was.
    """

    def __init__(self, write: Callable[[str], None], *, redact: bool = False) -> None:
        self.who: Who | None = None                 # returns who talks to whom in a connection, by id
        self._write = write
        self._style = Style(LONGEST, redact=redact)
        self._last_packets = -1
        self._now_ns = -1                           # of the latest line
        self._lines: list[tuple[int, str]] = []     # with their times

    def started(self, name: str, filter_text: str) -> None:
        self._write(f"watching {show_text(name)}: {show_text(filter_text)}\n")

    def statement(self, connection: int, statement: StatementResult) -> None:
        parties = None if self.who is None else self.who(connection)
        who = "" if parties is None else f", {between(parties.client, parties.server, parties.user)}"
        what = f"LEAK {show_text(statement.command)}  {statement_line(statement, self._style)}"
        self._put(statement.time_ns, f"connection {connection}{who}, frame {statement.frame}: {what}")

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        pass  # its last standing comes too, and the summary has its findings

    def standing(self, standing: ConnectionStatus, *, changed: bool) -> None:
        if changed:
            self._put(standing.last_time_ns, standing_text(standing))

    def line(self, time_ns: int, text: str) -> None:
        """Tell something else, in its time."""
        self._put(time_ns, text)

    def _put(self, time_ns: int | None, text: str) -> None:
        time_ns = self._now_ns if time_ns is None else max(time_ns, self._now_ns)
        self._lines.append((time_ns, text))
        if len(self._lines) >= HELD:
            self.told()

    def told(self) -> None:
        """Write what was told since the last call."""
        self._lines.sort(key=lambda line: line[0])
        for time_ns, text in self._lines:
            self._write(f"{clock_time(time_ns)}  {text}\n")
            self._now_ns = time_ns
        self._lines.clear()

    def status(self, status: Status) -> None:
        if status.packets != self._last_packets:
            self._last_packets = status.packets
            self._write(status_text(status) + "\n")


class LiveJSONLines(JSONLines):
    """The lines of `scan --format jsonl`, and `started`, `verdict` (a connection's is a new one) and `status`."""

    def started(self, name: str, filter_text: str) -> None:
        self._line("started", {"interface": name, "filter": filter_text})

    def standing(self, standing: ConnectionStatus, *, changed: bool) -> None:
        if changed:
            self._line("verdict", standing_fields(standing))

    def status(self, status: Status) -> None:
        fields: Fields = {
            "seconds": round(status.seconds, 3),
            "packets": status.packets,
            "bytes": status.bytes,
            "packets_per_second": round(status.packet_rate, 1),
            "bytes_per_second": round(status.byte_rate, 1),
            "dropped_packets": status.dropped,
            "open_connections": status.connections,
        }
        self._line("status", fields)

    def told(self) -> None:
        """Do nothing: each line was written at once."""

    def recorded(self, files: Iterable[RecordedFile]) -> None:
        """Tell what was written to a file."""
        for file in files:
            self._line("recorded", {"file": clean(file.name), "bytes": file.bytes, "sha256": file.sha256})


def standing_fields(standing: ConnectionStatus) -> Fields:
    def place(value: Endpoint) -> Fields:
        return {"address": value.address, "port": value.port}

    return {
        "connection": standing.id,
        "client": place(standing.client),
        "server": place(standing.server),
        "user": standing.user,
        "verdict": standing.verdict,
        "confidence": standing.confidence,
        "tls_version": standing.tls,
        "bytes_in_clear": standing.in_clear,
        "bytes_in_tls": standing.in_tls,
        "bytes_missing": standing.missing,
        "statements_total": standing.statements,
        "frame": standing.last_frame,
        "time": rfc3339(standing.last_time_ns) if standing.last_time_ns >= 0 else None,
        "closed": standing.closed,
    }


def standing_text(standing: ConnectionStatus) -> str:
    """Return `connection 3, app@10.0.0.5:50152 to 10.0.0.9:3306: PLAINTEXT (proven)`."""
    tls = f", {show_text(standing.tls)}" if standing.tls else ""
    missing = f", {count(standing.missing, 'byte')} missing" if standing.missing else ""
    verdict = judged(standing.verdict, standing.confidence)
    who = between(standing.client, standing.server, standing.user)
    return f"connection {standing.id}, {who}: {verdict}{tls}{missing}"


def between(client: Endpoint, server: Endpoint, user: str | None) -> str:
    """Return `app@10.0.0.5:50152 to 10.0.0.9:3306`."""
    who = f"{show_text(user)}@" if user else ""
    return f"{who}{endpoint(client)} to {endpoint(server)}"


def recorded_text(files: Iterable[RecordedFile]) -> str:
    """Return a line for each file that was written, with its hash."""
    return "".join(
        f"recorded in {show_text(file.name)}: {count(file.bytes, 'byte')}, sha256 {file.sha256}\n" for file in files
    )


def status_text(status: Status) -> str:
    """Return `12 s: 1,204 packets (88/s), 1.2 MB (88.1 kB/s), 0 dropped, 3 open connections`."""
    return (
        f"{status.seconds:,.0f} s: {count(status.packets, 'packet')} ({status.packet_rate:,.0f}/s), "
        f"{size_text(status.bytes)} ({size_text(status.byte_rate)}/s), {status.dropped:,} dropped, "
        f"{count(status.connections, 'open connection')}"
    )


def size_text(number: float) -> str:
    """Return `1.2 MB`."""
    for unit in UNITS[:-1]:
        if number < 1000:
            return f"{number:,.0f} {unit}" if unit == "B" else f"{number:,.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} {UNITS[-1]}"


def clock_time(time_ns: int | None) -> str:
    """Return `09:00:01.015000Z`: UTC."""
    shown = rfc3339(time_ns) if time_ns is not None and time_ns >= 0 else None
    return f"{shown[11:26]}Z" if shown is not None else "-"
