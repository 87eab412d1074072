"""The result of `aurora-wire prove`: client by mode, and what it was measured on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aurora_wire._version import VERSION
from aurora_wire.prove.cell import Cell
from aurora_wire.prove.drivers.driver import Mode

AS_PROMISED = 0
IN_CLEAR = 1
NOT_DECIDED = 3


@dataclass(slots=True)
class Matrix:
    """how: `live on lo`, `through a relay`; how_reason: why not live; folder: where captures were kept; not_kept: why
    one of them could not be written; socket: path of the Unix socket that the server was reached by, empty: TCP."""

    host: str
    port: int
    user: str
    database: str
    how: str
    clients: list[str]
    modes: list[Mode]
    cells: list[Cell] = field(default_factory=list)
    how_reason: str = ""
    folder: str = ""
    not_kept: str = ""
    socket: str = ""
    tool_version: str = VERSION

    @property
    def exit_code(self) -> int:
        """Return 0 if every cell came out as its mode promises, 1 if something crossed in the clear that should not,
        3 if a cell could not be tried or not be decided.
        """
        if any(cell.breaks_promise for cell in self.cells):
            return IN_CLEAR
        whole = len(self.cells) == len(self.clients) * len(self.modes)
        return AS_PROMISED if whole and all(cell.as_promised for cell in self.cells) else NOT_DECIDED

    @property
    def server_versions(self) -> list[str]:
        return list(dict.fromkeys(cell.server_version for cell in self.cells if cell.server_version))

    def of(self, client: str) -> Iterator[Cell]:
        return (cell for cell in self.cells if cell.client == client)

    def find_version(self, client: str) -> str:
        """Return the client's version by its own word."""
        return next((cell.version for cell in self.of(client) if cell.version), "")

    def examples(self) -> tuple[Cell | None, Cell | None]:
        """Return the best plaintext cell and the best encrypted one that have an INSERT to show, of one client if
        possible.
        """
        shown = [cell for cell in self.cells if cell.shown is not None]
        clear = [cell for cell in shown if cell.in_clear]
        sealed = [cell for cell in shown if not cell.in_clear and cell.inside]
        sealed.sort(key=lambda cell: (cell.confidence != "proven", cell.mode != Mode.VERIFY_IDENTITY))
        for one in clear:
            for other in sealed:
                if one.client == other.client:
                    return one, other
        return (clear[0] if clear else None, sealed[0] if sealed else None)
