"""What servers allow, beside the captures of a bundle: results of `probe`, `audit`, `fleet` and `check`.

Captures can be analysed again; a server cannot be asked again what it answered then. So a result is in the bundle as it
was written, and what follows from what was read (findings, grades, the answer) is made again by who checks it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from aurora_wire._version import VERSION
from aurora_wire.evidence import layout as names
from aurora_wire.evidence.json_diff import differences
from aurora_wire.posture.result import Posture, judge_again
from aurora_wire.report.posture.from_json import parse, read_result
from aurora_wire.report.posture.mask import Mask, mask
from aurora_wire.report.posture.servers import list_rows
from aurora_wire.report.posture.to_json import collect_fields, render

MAX_DIFFERENCES: Final = 50  # told of one comparison

__all__ = ["manifest_fields", "masked_bytes", "misfits", "parse", "posture_name", "posture_summary", "read_result"]


def posture_name(number: int, posture: Posture) -> str:
    """Return `posture/001-check.json`."""
    return f"{names.POSTURE}{number:03d}-{posture.kind}.json"


def masked_bytes(posture: Posture, name: Mask) -> bytes:
    """Return the result as JSON, with the names of users masked."""
    return "".join(render(mask(posture, name))).encode("ascii")


def manifest_fields(name: str, original: Mapping[str, object], posture: Posture) -> dict[str, object]:
    """Return what the manifest says of a result; all but `original` follows from its bytes."""
    rows = list_rows(posture)
    times = sorted(row.time for row in rows)
    return {
        "file": name,
        "original": original,
        "command": posture.kind,
        "tool_version": posture.tool_version,
        "exit_code": posture.exit_code,
        "servers": len(rows),
        "first_time": times[0].isoformat().replace("+00:00", "Z") if times else None,
        "last_time": times[-1].isoformat().replace("+00:00", "Z") if times else None,
    }


def posture_summary(postures: Sequence[Posture]) -> list[dict[str, object]]:
    """Return what is signed of the results: of each server what was found, in a few words."""
    return [
        {
            "command": posture.kind,
            "exit_code": posture.exit_code,
            "servers": [
                {"server": row.name, "place": row.place, "outcome": row.outcome, "says": row.says,
                 "findings": list(dict.fromkeys(hit.rule for hit in row.findings))}
                for row in list_rows(posture)
            ],
        }
        for posture in postures
    ]  # fmt: skip


def misfits(name: str, data: bytes, posture: Posture) -> tuple[list[str], str]:
    """Return what of a result does not follow from what was read, and what keeps that from being checked here.

    posture: as `parse` returns it for these bytes.
    """
    if posture.tool_version != VERSION:
        return [], f"{name} is of version {posture.tool_version[:40]}: what it says was not judged again"
    try:
        # The parsed fields as JSON has them: what differs is what the file says, or holds besides.
        now = json.loads(json.dumps(collect_fields(judge_again(posture))))
        return [f"{name}: {each}" for each in islice(differences(json.loads(data), now), MAX_DIFFERENCES)], ""
    except RecursionError:
        return [f"{name}: nested deeper than any result"], ""
