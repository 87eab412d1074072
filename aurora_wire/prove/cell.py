"""One cell of the matrix: what a client was asked, and what really happened, judged from the capture.

The client's own words never decide. They say whether the canary was written at all, and which session on the server
it was; that session has to be the captured one.

Rules
- Plaintext is proven by a decoded statement that holds the canary: frame and offset.
- Encrypted is proven if the connection is (docs/verdict.md), the canary is in no captured byte, the capture was not
  blind, the canary came back to the client, and the captured connection is that session: by its number and cipher, or
  by the INSERT inside, decrypted with the client's key log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aurora_wire.prove.cipher_names import same_cipher
from aurora_wire.prove.drivers.driver import ErrorKind, Mode, Outcome
from aurora_wire.prove.observation import ConnectionSeen, FrameShown, Observation, StatementSeen

THREAD_ID_MASK: Final = 0xFFFFFFFF  # a greeting holds this much of a session's number


class Result(StrEnum):
    """What a cell says in one word."""

    PLAINTEXT = "plaintext"
    TLS = "TLS"
    MIXED = "mixed"
    REFUSED = "refused"                      # by the server
    DECLINED = "declined"                    # by a client that insists on TLS, of a server that has none
    CERTIFICATE = "certificate error"
    TLS_FAILED = "TLS refused"               # the handshake, by either side
    NO_DATABASE = "no such database"
    NOT_AVAILABLE = "mode not available"
    NOT_TRIED = "not tried"                  # another cell's login was refused, and each try counts towards a lock
    NOT_INSTALLED = "not installed"
    NOT_REACHED = "not reached"              # the name has no address, or nobody listens there
    FAILED = "failed"                        # timeout, the handshake, a statement, the client itself
    NOT_SEEN = "not seen"                    # it went through, and the capture cannot say how


class Agreement(StrEnum):
    """Do the session's own words fit the captured connection?"""

    SAME = "same session"
    OTHER = "another session"    # a proxy in between
    UNKNOWN = "unknown"


WITHOUT_CLIENT: Final = frozenset((Result.NOT_AVAILABLE, Result.NOT_INSTALLED, Result.NOT_TRIED))
WITHOUT_END: Final = {
    ErrorKind.NOT_INSTALLED: Result.NOT_INSTALLED,
    ErrorKind.MODE_NOT_AVAILABLE: Result.NOT_AVAILABLE,
    ErrorKind.CERTIFICATE: Result.CERTIFICATE,
    ErrorKind.NAME_MISMATCH: Result.CERTIFICATE,
    ErrorKind.NO_TLS: Result.DECLINED,
    ErrorKind.ACCESS_DENIED: Result.REFUSED,
    ErrorKind.TLS_REQUIRED: Result.REFUSED,
    ErrorKind.NOT_ALLOWED: Result.REFUSED,
    ErrorKind.TLS: Result.TLS_FAILED,
    ErrorKind.NO_DATABASE: Result.NO_DATABASE,
    ErrorKind.UNKNOWN_HOST: Result.NOT_REACHED,
    ErrorKind.REFUSED: Result.NOT_REACHED,
}
IN_CLEAR: Final = ("plaintext", "mixed")
CROSSED: Final = {"plaintext": Result.PLAINTEXT, "mixed": Result.MIXED, "encrypted": Result.TLS}  # by verdict
WITH_TLS: Final = frozenset((Mode.REQUIRED, Mode.VERIFY_CA, Mode.VERIFY_IDENTITY))


@dataclass(slots=True)
class Cell:
    """client: as asked for (`pymysql==1.1.1`); asked: what was said to it; verdict, confidence: of what crossed,
    None where nothing did; reasons: for people, in order of weight; statements: with the canary, in the clear or
    inside TLS; control: what shows that the capture was not blind; keys_written: the client has written a key log;
    as_promised: came out as the mode promises; capture: name of the file, where it is kept."""

    client: str
    mode: Mode
    result: Result
    canary: str = ""
    asked: str = ""
    version: str = ""
    server_version: str = ""
    verdict: str | None = None
    confidence: str | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    error: str = ""
    error_kind: str = ""
    reasons: list[str] = field(default_factory=list)
    in_clear: tuple[StatementSeen, ...] = ()
    inside: tuple[StatementSeen, ...] = ()
    sightings: int = 0
    password_frame: int = 0
    agreement: Agreement = Agreement.UNKNOWN
    connection_id: int | None = None
    thread_id: int | None = None
    session_tls: str | None = None
    session_cipher: str | None = None
    connection_type: str = ""
    control: str = ""
    keys_written: bool = False
    proof: list[str] = field(default_factory=list)
    as_promised: bool = False
    frames: int = 0
    dropped: int = 0
    shown: FrameShown | None = None
    client_end: str = ""
    server_end: str = ""
    sql: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    table_left: str = ""
    capture: str = ""
    seconds: float = 0.0

    @property
    def spoke(self) -> bool:
        """Return whether a client was started for it."""
        return self.result not in WITHOUT_CLIENT

    @property
    def breaks_promise(self) -> bool:
        """Return whether something crossed in the clear in a mode that promises TLS; a login is enough."""
        return self.mode in WITH_TLS and (self.verdict in IN_CLEAR or bool(self.in_clear))


def without_run(client: str, mode: Mode, result: Result, reason: str, asked: str = "", version: str = "") -> Cell:
    """Return a cell that nothing was started for."""
    return Cell(client, mode, result, asked=asked, version=version, error=reason, reasons=[reason])


def judge_cell(
    client: str, outcome: Outcome, evidence: Observation, canary: str, *, keys_written: bool = False,
    control_before: str = "",
) -> Cell:  # fmt: skip
    """Judge a cell. control_before: what an earlier cell of the same capture showed, which then was not blind."""
    one = find_connection(outcome, evidence)
    cell = Cell(
        client, outcome.mode, Result.FAILED, canary, outcome.asked, outcome.version,
        server_version=outcome.server_version or (one.server_version if one is not None else None) or "",
        connection_id=outcome.connection_id, session_tls=outcome.tls_version, session_cipher=outcome.tls_cipher,
        connection_type=outcome.connection_type, keys_written=keys_written, frames=evidence.frames,
        dropped=evidence.dropped, shown=evidence.shown, sql=outcome.sql, rows=outcome.rows,
        table_left=outcome.table_left, sightings=len(evidence.sightings), seconds=outcome.seconds,
    )  # fmt: skip
    if outcome.error is not None:
        cell.error, cell.error_kind = outcome.error.text, outcome.error.kind.value
    cell.control = _control(evidence) or control_before
    if one is not None:
        _describe(cell, one)
    cell.agreement = compute_agreement(outcome, one)
    cell.in_clear = tuple(seen for each in evidence.connections for seen in each.in_clear)
    cell.inside = tuple(seen for each in evidence.connections for seen in each.inside)
    _judge(cell, outcome, evidence, one)
    cell.result = _result(cell, outcome)
    _explain(cell, outcome, evidence)
    cell.as_promised = _as_promised(cell)
    return cell


def find_connection(outcome: Outcome, evidence: Observation) -> ConnectionSeen | None:
    """Return the client's connection: by the canary in it, by the session's number, or the only one with most in it."""
    connections = evidence.connections
    for with_canary in ([c for c in connections if c.in_clear], [c for c in connections if c.inside]):
        if with_canary:
            return with_canary[0]
    if outcome.connection_id is not None:
        number = outcome.connection_id & THREAD_ID_MASK
        for one in connections:
            if one.thread_id == number:
                return one
    judged = [one for one in connections if one.verdict != "no-session"]
    found = judged or list(connections)
    return found[-1] if found else None


def compute_agreement(outcome: Outcome, one: ConnectionSeen | None) -> Agreement:
    if one is None or outcome.connection_id is None or one.thread_id is None:
        return Agreement.UNKNOWN
    if outcome.connection_id & THREAD_ID_MASK != one.thread_id:
        return Agreement.OTHER
    if outcome.tls_version is None or outcome.tls_cipher is None:
        return Agreement.UNKNOWN
    if bool(outcome.tls_cipher) != (one.tls_cipher is not None):
        return Agreement.OTHER
    if one.tls_cipher is None:
        return Agreement.SAME
    if outcome.tls_version not in ("", one.tls_version) or same_cipher(outcome.tls_cipher, one.tls_cipher) is False:
        return Agreement.OTHER
    return Agreement.SAME


def _describe(cell: Cell, one: ConnectionSeen) -> None:
    cell.verdict, cell.confidence = one.verdict, one.confidence
    cell.tls_version, cell.tls_cipher = one.tls_version, one.tls_cipher
    cell.thread_id = one.thread_id
    cell.client_end, cell.server_end = one.client, one.server
    if one.proof is not None:
        cell.proof = [one.proof]


def _control(evidence: Observation) -> str:
    for one in evidence.connections:
        if one.server_version is not None:
            return f"the greeting of {one.server} was decoded, in the clear, through the same capture"
    return ""


def _judge(cell: Cell, outcome: Outcome, evidence: Observation, one: ConnectionSeen | None) -> None:
    """Set verdict and confidence: the connection's, never better, and worse for every doubt."""
    if cell.in_clear:
        cell.verdict = "mixed" if one is not None and one.verdict in ("encrypted", "mixed") else "plaintext"
        cell.confidence = "proven"
        cell.proof = ["canary in a decoded statement"]
        return
    if evidence.sightings:
        first = evidence.sightings[0]
        where = f"frame {first.frame}" + (f", {first.direction}, offset {first.offset}" if first.direction else "")
        cell.reasons.append(f"the canary crossed {first.form}, outside any decoded statement ({where})")
        cell.verdict = "mixed" if one is not None and one.verdict == "encrypted" else "plaintext"
        cell.confidence = "likely"
        cell.proof = []
        return
    if one is None or one.verdict != "encrypted":
        return
    if outcome.error is not None:
        cell.confidence, cell.proof = "likely", []  # why does not matter: nothing was to be shown by it any more
        return
    doubts = _doubts(cell, outcome, evidence)
    if cell.confidence == "proven" and doubts:
        cell.confidence = "likely"
    cell.reasons += doubts
    if cell.confidence != "proven":
        cell.reasons += one.reasons[:3]
    cell.proof = ["structure", "canary in no captured byte"]
    if cell.inside:
        cell.proof.append("INSERT with the canary inside, decrypted with the client's key log")
    elif one.not_decrypted is not None:
        cell.reasons.append(f"the key log did not decrypt it: {one.not_decrypted}")


def _doubts(cell: Cell, outcome: Outcome, evidence: Observation) -> list[str]:
    """Return what keeps `encrypted` from being proven by this run."""
    doubts = []
    if evidence.failure is not None:
        doubts.append(f"the capture is not whole: {evidence.failure}")
    if evidence.dropped:
        doubts.append(f"{evidence.dropped:,} packets were lost by the capture: the canary may have been in one")
    if not cell.control:
        doubts.append("nothing shows that the capture was not blind: no greeting was seen, and no canary in mode off")
    if not outcome.complete:
        doubts.append("the canary did not come back to the client: nothing that had to be encrypted was seen through")
    if cell.agreement != Agreement.SAME and not cell.inside:
        doubts.append("nothing shows that the captured connection is the client's session")
    return doubts


def _result(cell: Cell, outcome: Outcome) -> Result:
    error = outcome.error
    if error is not None:
        if error.kind in WITHOUT_END:
            return WITHOUT_END[error.kind]
        if not outcome.complete and not cell.in_clear:
            return Result.FAILED
    unseen = Result.NOT_SEEN if error is None else Result.FAILED
    return CROSSED.get(cell.verdict or "", unseen)


def _explain(cell: Cell, outcome: Outcome, evidence: Observation) -> None:
    if outcome.error is not None:
        cell.reasons.insert(0, f"{outcome.error.kind.value}: {outcome.error.text}")
    if cell.agreement == Agreement.OTHER:
        cell.reasons.append(_disagreement(cell))
    if cell.result == Result.NOT_SEEN:
        seen = f"{evidence.frames:,} frames" if evidence.frames else "not one frame"
        cell.reasons.append(
            f"the client says that it went through, and the capture ({evidence.how}, {seen}) does not show it"
        )
    if evidence.failure is not None and not any(evidence.failure in reason for reason in cell.reasons):
        cell.reasons.append(f"the capture is not whole: {evidence.failure}")
    if evidence.password_frame:
        cell.reasons.append(f"the password itself crossed in the clear: frame {evidence.password_frame}")
        cell.password_frame = evidence.password_frame
    if evidence.note and outcome.error is not None:
        cell.reasons.append(f"the relay says: {evidence.note}")
    if outcome.table_left:
        cell.reasons.append(f"the table {outcome.table_left} is still there: it could not be dropped")


def _disagreement(cell: Cell) -> str:
    if cell.connection_id is not None and cell.thread_id is not None and (
        cell.connection_id & THREAD_ID_MASK != cell.thread_id
    ):
        return (
            f"the session is number {cell.connection_id} by its own word, and the captured greeting says "
            f"{cell.thread_id}: a proxy stands in between, and what is behind it was not captured"
        )
    return (
        f"the session says {_tls(cell.session_tls, cell.session_cipher)}, captured was "
        f"{_tls(cell.tls_version, cell.tls_cipher)}: a proxy ends TLS in between, and what is behind it was not "
        "captured"
    )


def _tls(version: str | None, cipher: str | None) -> str:
    return f"{version or 'TLS'} {cipher}" if cipher else "no TLS"


def _as_promised(cell: Cell) -> bool:
    """off: in the clear, seen to be so. default: promises nothing, so it only has to be proven what it does. The
    others: encrypted, proven, and up to the server: what a proxy sends on behind its end of TLS was not captured.
    What was turned down for the sake of TLS is as good: a server without it by the client, a login in the clear by the
    server."""
    if cell.mode in WITH_TLS and cell.result == Result.DECLINED:
        return cell.verdict not in IN_CLEAR
    if cell.mode == Mode.OFF and cell.error_kind == ErrorKind.TLS_REQUIRED:
        return True
    if cell.confidence != "proven" or cell.error:
        return False
    if cell.mode == Mode.OFF:
        return cell.result == Result.PLAINTEXT
    if cell.mode == Mode.DEFAULT:
        return cell.result in (Result.PLAINTEXT, Result.TLS)
    return cell.result == Result.TLS and cell.agreement != Agreement.OTHER
