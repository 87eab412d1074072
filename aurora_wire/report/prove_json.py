"""The matrix of `prove` as JSON, schema aurora-wire/prove/1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from aurora_wire.prove.cell import Cell
from aurora_wire.prove.matrix import Matrix
from aurora_wire.prove.observation import FrameShown, StatementSeen
from aurora_wire.report.timestamps import rfc3339

SCHEMA: Final = "aurora-wire/prove/1"


def pieces(matrix: Matrix) -> Iterator[str]:
    """Yield the JSON, as formats do."""
    yield render(matrix)


def render(matrix: Matrix) -> str:
    return json.dumps({
        "schema": SCHEMA,
        "tool": {"name": "aurora_wire", "version": matrix.tool_version},
        "server": {
            "host": matrix.host, "port": matrix.port, "socket": matrix.socket or None,
            "versions": matrix.server_versions,
        },
        "user": matrix.user,
        "database": matrix.database,
        "captured": {"how": matrix.how, "not_live_because": matrix.how_reason or None, "folder": matrix.folder or None},
        "clients": matrix.clients,
        "modes": [mode.value for mode in matrix.modes],
        "exit_code": matrix.exit_code,
        "cells": [cell_fields(cell) for cell in matrix.cells],
    }, indent=1) + "\n"  # fmt: skip


def cell_fields(cell: Cell) -> dict[str, object]:
    return {
        "client": cell.client,
        "client_version": cell.version or None,
        "server_version": cell.server_version or None,
        "mode": cell.mode.value,
        "asked": cell.asked or None,
        "result": cell.result.value,
        "as_promised": cell.as_promised,
        "verdict": cell.verdict,
        "confidence": cell.confidence,
        "proof": cell.proof,
        "reasons": cell.reasons,
        "error": {"kind": cell.error_kind or None, "text": cell.error} if cell.error else None,
        "canary": cell.canary or None,
        "tls": {"version": cell.tls_version, "cipher": cell.tls_cipher} if cell.tls_version else None,
        "canary_in_clear": _statements(cell.in_clear),
        "canary_inside_tls": _statements(cell.inside),
        "canary_sightings": cell.sightings,
        "password_in_clear": {"frame": cell.password_frame} if cell.password_frame else None,
        "session": {
            "connection_id": cell.connection_id,
            "tls_version": cell.session_tls,
            "tls_cipher": cell.session_cipher,
            "connection_type": cell.connection_type or None,
            "agreement": cell.agreement.value,
            "thread_id_captured": cell.thread_id,
        },
        "positive_control": cell.control or None,
        "key_log_written": cell.keys_written,
        "client_end": cell.client_end or None,
        "server_end": cell.server_end or None,
        "frames": cell.frames,
        "dropped": cell.dropped,
        "insert_frame": _frame(cell.shown),
        "sql": list(cell.sql),
        "rows": list(cell.rows),
        "table_left": cell.table_left or None,
        "capture": cell.capture or None,
        "seconds": round(cell.seconds, 3),
    }


def _statements(statements: Iterable[StatementSeen]) -> list[dict[str, object]]:
    return [
        {
            "command": one.command, "sql": one.sql, "frame": one.frame, "offset": one.offset,
            "compressed": one.compressed,
        }
        for one in statements
    ]  # fmt: skip


def _frame(shown: FrameShown | None) -> dict[str, object] | None:
    """Return the frame from the IP header on; marks: where the canary is."""
    if shown is None:
        return None
    return {
        "frame": shown.number,
        "time": rfc3339(shown.time_ns),
        "ip_hex": shown.data.hex(),
        "marks": [list(mark) for mark in shown.marks],
    }
