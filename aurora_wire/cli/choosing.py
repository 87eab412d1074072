"""Which packets a list or a masked capture is made of: what has to be known of connections is asked first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.output import STANDARD_OUTPUT
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.analysis.options import ScanOptions
    from aurora_wire.analysis.packets import PacketView
    from aurora_wire.analysis.selection import Selection
    from aurora_wire.verdict.result import ConnectionResult, Finding, StatementResult

OF_CONNECTIONS: Final = ("host", "user", "verdict")   # filters that have to know a connection whole
STATEMENTS: Final = 10_000      # inside TLS, that are named


@contextmanager
def chosen_capture(path: str, options: ScanOptions) -> Iterator[tuple[str, str]]:
    """Yield a capture with the connections that the filters let through, and what is said of it.

    Without filters it is the capture itself. With them it is a pcapng that is gone when the block ends. Raises
    UsageError, CaptureError, OutputError.
    """
    chosen = choose([path], options, whole=True)
    if options.selection is None:
        yield path, ""
        return
    from aurora_wire.analysis.packets import packets  # noqa: PLC0415
    from aurora_wire.capture.files.pcapng_writer import PcapngWriter  # noqa: PLC0415
    from aurora_wire.rights.inputs import private_folder  # noqa: PLC0415

    wanted = chosen.connections or set()
    with private_folder("aurora-wire-") as folder:
        part = folder / "part.pcapng"
        interfaces: dict[int, int] = {}
        with PcapngWriter(part.open("wb", buffering=0), application="aurora_wire") as writer:
            views = packets([path], options, on_error=lambda _: None)
            total = 0
            for view in views:
                total += 1
                if view.connection not in wanted:
                    continue
                if view.link_type not in interfaces:
                    interfaces[view.link_type] = writer.interface("", view.link_type)
                writer.packet(interfaces[view.link_type], view.time_ns or 0, view.data, view.original_len)
        if not interfaces:
            raise UsageError(f"{path}: {chosen.said} lets nothing through.")
        total += 0 if options.frames is None else options.frames.left_out
        yield str(part), f"{chosen.said} lets {writer.packets:,} of {total:,} packets through."


@dataclass(slots=True)
class Chosen:
    """What the filters let through of packets.

    connections: their ids, None for all; inside: by frame, the statements inside TLS; said: the filters, as given.
    """

    selection: Selection | None = None
    connections: set[int] | None = None
    inside: dict[int, list[StatementResult]] = field(default_factory=dict)
    said: str = ""

    def wants(self, view: PacketView) -> bool:
        if self.selection is None:
            return True
        if self.connections is not None and view.connection not in self.connections:
            return False
        if not self.selection.is_between(view.time_ns, view.time_ns):
            return False
        return not (self.selection.text.get("leaks") is not None and not view.leaked_bytes)


def choose(captures: Sequence[str], options: ScanOptions, *, whole: bool = False) -> Chosen:
    """Return what is wanted of the captures, read once for it where that needs their connections.

    whole: connections are wanted whole, whatever the filter. Raises UsageError.
    """
    selection = options.selection
    chosen = Chosen(selection)
    if selection is not None:
        chosen.said = selection.describe()
    of_connections = selection is not None and (whole or any(name in selection.text for name in OF_CONNECTIONS))
    if not (of_connections or options.keylogs):
        return chosen
    if STANDARD_OUTPUT in captures:
        raise UsageError("--host, --user, --verdict and --keylog have to read captures twice: give files, no pipe.")
    from aurora_wire.analysis.scan import scan  # noqa: PLC0415 - only where it is needed

    ids: set[int] = set()

    def take(connection: ConnectionResult, _: list[Finding]) -> None:
        ids.add(connection.id)
        inside = None if connection.tls is None else connection.tls.decrypted
        for statement in () if inside is None else inside.statements:
            if len(chosen.inside) < STATEMENTS:
                chosen.inside.setdefault(statement.frame, []).append(statement)

    scan(captures, options, on_connection=take)
    if of_connections:
        chosen.connections = ids
    return chosen
