"""Captures of the cells as files, each with its truth beside it: what was asked, issued and said, as JSON."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from aurora_wire.errors import OutputError, describe_error
from aurora_wire.prove.cell import Cell
from aurora_wire.prove.matrix import Matrix
from aurora_wire.rights.held_folder import HeldFolder, hold_folder
from aurora_wire.rights.new_files import create_in

NAMES: Final = r"[A-Za-z0-9.-]+\.(pcapng|json)"   # of what is kept
SCHEMA: Final = "aurora-wire/truth/1"


class Keeper:
    """Files in `folder`, which is made where it is not there, and held open. Raises OutputError."""

    def __init__(self, folder: str, held: HeldFolder | None = None) -> None:
        self.folder = Path(folder)
        self.failure: OutputError | None = None
        self._own = held is None
        try:
            self.held = held or hold_folder(folder, make=True)
        except (OSError, ValueError) as error:
            raise OutputError(f"{folder}: {describe_error(error)}.") from error
        if self._own:
            self.held.pattern = NAMES

    def close(self) -> None:
        """Let the folder go, if it was opened here."""
        if self._own:
            self.held.close()

    def keep(self, cell: Cell, matrix: Matrix, capture: bytes) -> None:
        """Write both files; a failure is remembered, and the run goes on."""
        name = re.sub(r"[^A-Za-z0-9.]+", "-", f"{cell.client}-{cell.mode}")
        try:
            self._write(f"{name}.pcapng", capture)
            self._write(f"{name}.json", json.dumps(truth(cell, matrix), indent=1).encode() + b"\n")
        except OutputError as error:
            self.failure = self.failure or error
            return
        cell.capture = str(self.folder / f"{name}.pcapng")

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        try:
            file = create_in(self.held, name, path, None)
        except OSError as error:
            raise OutputError(f"{path}: {describe_error(error)}.") from error
        with file:
            view = memoryview(data)
            try:
                while view:
                    view = view[file.write(view) or 0 :]
            except OSError as error:
                with suppress(OSError):
                    self.held.remove(name)
                raise OutputError(f"{path}: {describe_error(error)}. The file was not written.") from error


def truth(cell: Cell, matrix: Matrix) -> dict[str, object]:
    """Return what is known without the capture, and what the capture was judged to be when it was made."""
    return {
        "schema": SCHEMA,
        "client": cell.client,
        "client_version": cell.version,
        "mode": cell.mode.value,
        "asked": cell.asked,
        "server": {"host": matrix.host, "port": matrix.port, "version": cell.server_version},
        "user": matrix.user,
        "database": matrix.database,
        "canary": cell.canary,
        "sql": list(cell.sql),
        "rows": list(cell.rows),
        "error": cell.error or None,
        "connection_id": cell.connection_id,
        "session": {"tls_version": cell.session_tls, "tls_cipher": cell.session_cipher},
        "captured": {"how": matrix.how, "frames": cell.frames, "dropped": cell.dropped},
        "verdict": cell.verdict,
        "confidence": cell.confidence,
        "result": cell.result.value,
    }
