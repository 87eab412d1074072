"""From the frames of one cell to its evidence: a scan of them, and the search for the canary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.scan import no_garbage_collector
from aurora_wire.decrypt.key_log import KeyLog
from aurora_wire.prove.canary import find_all, find_as_it_is, needles, search
from aurora_wire.prove.observation import ConnectionSeen, FrameShown, Observation, StatementSeen
from aurora_wire.prove.reassemble import Frame
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Endpoint, StatementResult
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

KEY_LOG_NAME: Final = "the client's key log"
SHORTEST_PASSWORD: Final = 6   # bytes
MAX_SQL: Final = 400         # characters shown of a statement
MAX_STATEMENTS: Final = 20   # with the canary, kept of a connection
MAX_CONNECTIONS: Final = 50
MAX_DUMP: Final = 1600       # bytes shown of a frame


def observe(
    frames: Sequence[Frame], canary: str, key_log: bytes, *, port: int, how: str, dropped: int = 0,
    failure: str | None = None, password: bytes = b"",
) -> Observation:  # fmt: skip
    """Collect the evidence of a cell. port: the server's, where TLS counts as MySQL's. key_log: the client's, or empty.

    password: searched for where it is long enough not to be there by chance.
    """
    keys = KeyLog()
    if key_log:
        keys.add(key_log, KEY_LOG_NAME)
    analysis = Analysis(ScanOptions([port], keylogs=[keys] if key_log else []))
    capture = CaptureResult(how, "live", None, None, 0, dropped_packets=dropped)
    analysis.begin(capture)
    with no_garbage_collector():
        for frame in frames:
            analysis.engine.feed(frame.data, 0, len(frame.data), frame.length, frame.time_ns, frame.link_type)
    analysis.end(capture)
    scan = analysis.finish()
    connections = tuple(_seen(one, canary) for one in scan.connections[:MAX_CONNECTIONS])
    return Observation(
        how=how,
        frames=len(frames),
        dropped=dropped,
        failure=failure,
        connections=connections,
        sightings=tuple(search(canary, frames)),
        shown=_shown(connections, frames, canary),
        password_frame=find_as_it_is(password, frames) if len(password) >= SHORTEST_PASSWORD else 0,
    )


def _seen(result: ConnectionResult, canary: str) -> ConnectionSeen:
    tls = result.tls
    decrypted = tls.decrypted if tls is not None else None
    return ConnectionSeen(
        client=_place(result.client),
        server=_place(result.server),
        verdict=result.verdict,
        confidence=result.confidence,
        proof=result.proof,
        reasons=tuple(reason.text for reason in result.reasons),
        server_version=result.server_version,
        thread_id=result.thread_id,
        tls_version=tls.version if tls is not None else None,
        tls_cipher=tls.cipher if tls is not None else None,
        not_decrypted=decrypted.not_decrypted if decrypted is not None else None,
        in_clear=_with_canary(result.statements, canary),
        inside=_with_canary(decrypted.statements, canary) if decrypted is not None else (),
    )


def _with_canary(statements: Iterable[StatementResult], canary: str) -> tuple[StatementSeen, ...]:
    """Return statements with the canary. A parameter counts, too: it stands in the text in its place."""
    word = canary.encode()
    found = []
    for statement in statements:
        if word in statement.sql or any(word in parameter.value for parameter in statement.parameters):
            sql = statement.sql.decode("utf-8", "backslashreplace")[:MAX_SQL]
            found.append(StatementSeen(
                statement.command, sql, statement.frame, statement.offset, statement.compressed
            ))  # fmt: skip
            if len(found) == MAX_STATEMENTS:
                break
    return tuple(found)


def _shown(connections: Sequence[ConnectionSeen], frames: Sequence[Frame], canary: str) -> FrameShown | None:
    """Return the frame in which the first INSERT with the canary ends: in the clear if there is one, else in TLS."""
    for statements in ([s for c in connections for s in c.in_clear], [s for c in connections for s in c.inside]):
        insert = next((one for one in statements if one.sql.upper().startswith("INSERT")), None)
        if insert is not None and 0 < insert.frame <= len(frames):
            return _frame_shown(insert.frame, frames[insert.frame - 1], canary)
    return None


def _frame_shown(number: int, frame: Frame, canary: str) -> FrameShown | None:
    locator = Locator(Fragments())
    if locator.locate(frame.data, 0, len(frame.data), frame.length, frame.link_type) != TCP:
        return None
    data = frame.data[locator.ip_at : locator.captured_end][:MAX_DUMP]
    marks = tuple(
        (at, at + len(needle)) for _, needle in needles(canary) for at in find_all(data, needle, len(needle))
    )
    return FrameShown(number, frame.time_ns, data, marks)


def _place(end: Endpoint) -> str:
    return f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"
