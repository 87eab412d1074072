"""What a run said of its connections, from whatever is left of it: a capture, a result as JSON, a bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from aurora_wire.analysis.options import STANDARD, OnProgress, ScanOptions
from aurora_wire.analysis.scan import scan, uninterrupted
from aurora_wire.analysis.selection import Selection
from aurora_wire.errors import UsageError, describe_error
from aurora_wire.evidence.bundle_reader import Bundle, NotABundle
from aurora_wire.evidence.layout import POSTURE, RESULT
from aurora_wire.posture.result import Posture
from aurora_wire.report.json_fields import SCHEMA
from aurora_wire.report.posture.from_json import parse, read_result
from aurora_wire.report.wording import endpoint
from aurora_wire.rights.inputs import input_file, read_input, reading, size_of_input
from aurora_wire.verdict.result import ConnectionResult, Endpoint, Finding

MAX_RESULT: Final = 1 << 30  # bytes of a result as JSON


@dataclass(frozen=True, slots=True)
class Connection:
    """What is compared of a connection. user, program: None where they were not seen."""

    client: str
    server: str
    user: str | None
    program: str | None
    verdict: str
    tls: str | None


OnConnection = Callable[[Connection], None]


def read_connections(
    path: str, take: OnConnection, options: ScanOptions = STANDARD, on_progress: OnProgress | None = None
) -> bool:
    """Hand every connection of a run to `take`; answers whether the run saw all of its input.

    path: a result as JSON, a bundle, or what `scan` takes. A selection is of hosts and, of captures, of frames, with a
    count of its own for this run. Raises UsageError, CaptureError.
    """
    selection = options.selection
    start = _start(path)
    result_ahead = start[:2] == b"PK" or start.lstrip()[:1] == b"{"
    if result_ahead and selection is not None and selection.frames is not None:
        raise UsageError(f"{path}: --filter is about packets, and this is a result. Give its capture, or --host.")
    if start[:2] == b"PK":
        try:
            with Bundle(path) as bundle:
                if RESULT not in bundle.members:
                    raise UsageError(f"{path}: holds no {RESULT}. Is it a bundle?")
                return _of_json(path, bundle.read(RESULT), take, selection)
        except NotABundle as error:
            raise UsageError(f"{path}: {error}. `aurora-wire evidence verify` says more.") from error
    if start.lstrip()[:1] == b"{":
        try:
            size = size_of_input(path)
            if size > MAX_RESULT:
                raise UsageError(f"{path}: {size:,} bytes are more than is read ({MAX_RESULT:,}). Give the capture.")
            data = read_input(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({describe_error(error)}).") from error
        return _of_json(path, data, take, selection)

    def taken(connection: ConnectionResult, _: list[Finding]) -> None:
        take(of_result(connection))

    result = uninterrupted(scan([path], options, on_connection=taken, on_progress=on_progress))
    return all(capture.complete for capture in result.captures)


def is_bundle(path: str) -> bool:
    """Tell whether a file is a zip archive, as bundles are; False for what cannot be read."""
    return _start(path)[:2] == b"PK"


def read_postures(path: str) -> list[Posture]:
    """Return what servers allow by a run: a result as JSON, or all that a bundle holds. Raises UsageError."""
    if not is_bundle(path):
        return [read_result(path)]
    try:
        with Bundle(path) as bundle:
            inside = sorted(name for name in bundle.members if name.startswith(POSTURE))
            return [parse(bundle.read(name), f"{path}: {name}") for name in inside]
    except NotABundle as error:
        raise UsageError(f"{path}: {error}. `aurora-wire evidence verify` says more.") from error


def _start(path: str) -> bytes:
    """Return the first bytes of a plain file; none of what is anything else: `scan` says what is wrong with it."""
    try:
        with reading(path):
            is_file = Path(path).is_file()
        if is_file:
            with input_file(path) as file:
                return file.read(64)
    except (OSError, ValueError):
        pass
    return b""


def of_result(c: ConnectionResult) -> Connection:
    return Connection(
        client=c.client.address, server=endpoint(c.server), user=c.user, program=name_program(c.attributes),
        verdict=c.verdict, tls=c.tls.version if c.tls is not None else None,
    )  # fmt: skip


def name_program(attributes: dict[str, str]) -> str | None:
    """Return what the client calls itself: the program, else the driver."""
    return attributes.get("program_name") or attributes.get("_client_name")


def _of_json(path: str, data: bytes, take: OnConnection, selection: Selection | None) -> bool:
    try:
        result = json.loads(data)
    except (ValueError, RecursionError) as error:
        said = f"is no JSON ({str(error)[:80]}). JSON lines are not read: `scan --format json`"
        raise UsageError(f"{path}: {said}.") from error
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise UsageError(f"{path}: is no result of `aurora-wire scan --format json` ({SCHEMA}).")
    try:
        for connection in _connections(result, selection):
            take(connection)
        listed, total = len(result["connections"]), result["connections_total"]
        complete = all(capture["complete"] is True for capture in result["captures"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path}: is a result with something missing ({error}).") from error
    return complete and listed == total


def _connections(result: dict[str, object], selection: Selection | None) -> Iterator[Connection]:
    for one in cast("list[dict[str, object]]", result["connections"]):
        client, server = cast("dict[str, object]", one["client"]), cast("dict[str, object]", one["server"])
        if selection is not None and not selection.has_host(str(client["address"]), str(server["address"])):
            selection.left_out += 1
            continue
        tls = cast("dict[str, object] | None", one.get("tls"))
        yield Connection(
            client=str(client["address"]),
            server=endpoint(Endpoint(str(server["address"]), int(cast("int", server["port"])))),
            user=_text(one.get("user")),
            program=name_program(cast("dict[str, str]", one.get("attributes") or {})),
            verdict=str(one["verdict"]),
            tls=_text(tls.get("version")) if tls else None,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
