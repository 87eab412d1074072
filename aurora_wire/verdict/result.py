"""The result of a scan: plain data, as every report shows it and as `aurora-wire/scan/1` (JSON) names it.

Times are ns since 1970 UTC, or since midnight where the capture is `undated`; None where there is none. Frames are
numbered from 1 and run on over all captures in the order read (`CaptureResult.first_frame` says where each begins,
`Scan.frame_places` which capture a frame is in and its number there). Offsets are stream offsets: 0 is a direction's
first byte after SYN, or the first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.verdict.frame_places import FramePlaces

UNDATED_BEFORE_NS: Final = 365 * 86_400 * 1_000_000_000  # in an `undated` capture, a time before this has no date

Verdict = Literal["plaintext", "encrypted", "mixed", "no-session", "inconclusive", "not-mysql"]
Confidence = Literal["proven", "likely"]
Direction = Literal["client", "server"]
Severity = Literal["critical", "high", "medium", "low", "info"]


@dataclass(slots=True, frozen=True)
class Endpoint:
    address: str
    port: int


def is_loopback(address: str) -> bool:
    """Return whether an address, as text, is one that a host has for itself."""
    return address == "::1" or address.removeprefix("::ffff:").startswith("127.")


@dataclass(slots=True, frozen=True)
class Reason:
    """Why a verdict is what it is, or is not stronger. `id` is stable, `text` is for people."""

    id: str
    text: str
    frame: int | None = None
    direction: Direction | None = None
    offset: int | None = None


@dataclass(slots=True)
class Coverage:
    """Bytes of one direction. tls + plaintext + unprotected_by_design + unknown == seen."""

    seen: int = 0
    missing: int = 0
    truncated: int = 0
    tls: int = 0
    plaintext: int = 0
    unprotected_by_design: int = 0
    unknown: int = 0
    at_least: bool = False          # so many are missing at least: more is claimed than can be believed


@dataclass(slots=True)
class TLSResult:
    """What the TLS handshake showed in the clear; None where it was not captured or is not visible."""

    version: str | None = None      # "TLSv1.3" style
    cipher: str | None = None       # IANA name
    sni: str | None = None
    alpn: list[str] = field(default_factory=list)
    resumed: bool | None = None
    offered_versions: list[str] = field(default_factory=list)
    opened: OpenedResult | None = None   # only with a key log


@dataclass(slots=True, frozen=True)
class Parameter:
    """One bound value of a prepared statement: `type` as MySQL names it, `value` as a SQL literal."""

    type: str
    value: bytes
    name: bytes = b""               # of a query attribute


@dataclass(slots=True)
class StatementResult:
    """One command that carries a text or values. `sql` is what crossed (parameters in place for EXECUTE)."""

    command: str                    # "COM_QUERY", ...
    sql: bytes
    frame: int
    time_ns: int | None
    offset: int = 0                 # stream offset of the MySQL packet
    length: int = 0                 # bytes of the text on the wire; len(sql) is less where it was cut
    parameters: list[Parameter] = field(default_factory=list)
    compressed: bool = False
    complete: bool = True           # False: a gap, the snaplen or our bound cut it
    guessed: bool = False           # the layout is not certain: the greeting, login or PREPARE that tells it is missing


@dataclass(slots=True)
class OpenedResult:
    """What a key log shows to have been inside TLS: nothing of it crossed in the clear."""

    records: int = 0                # opened
    failed: int = 0                 # that do not authenticate under the keys
    cut: int = 0                    # not captured whole
    without_keys: int = 0           # of a direction whose key the log does not have
    not_opened: str | None = None   # why none was, for people
    protocol: str | None = None     # of what was inside
    server_version: str | None = None   # where the greeting was inside, too
    user: str | None = None
    database: str | None = None
    auth_plugin: str | None = None
    compression: str | None = None
    commands: dict[str, int] = field(default_factory=dict)
    statements: Sequence[StatementResult] = field(default_factory=list)
    statements_total: int = 0


@dataclass(slots=True, frozen=True)
class FileResult:
    """A file of the client that the server asked for (LOCAL INFILE), outside TLS.

    bytes: of its content, as far as they crossed; outcome: "sent", "refused" (the client sent one empty packet: an
    empty file looks the same), "cut" (its end was not seen) or "not sent"; named: a statement asked for it, None
    where that is not known.
    """

    path: str
    frame: int
    bytes: int
    outcome: Literal["sent", "refused", "cut", "not sent"]
    named: bool | None


@dataclass(slots=True)
class ConnectionResult:
    id: int
    client: Endpoint
    server: Endpoint
    verdict: Verdict
    confidence: Confidence | None
    proof: Literal["structure", "key log"] | None
    protocol: str                   # "MySQL", "X Protocol", "TLS", "HTTP", "unknown" ...
    first_frame: int
    last_frame: int
    first_time_ns: int | None
    last_time_ns: int | None
    packets: int
    reasons: list[Reason] = field(default_factory=list)
    client_coverage: Coverage = field(default_factory=Coverage)
    server_coverage: Coverage = field(default_factory=Coverage)
    server_version: str | None = None
    thread_id: int | None = None
    user: str | None = None
    database: str | None = None
    auth_plugin: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    compression: str | None = None  # "zlib", "zstd"
    tls: TLSResult | None = None
    statements: Sequence[StatementResult] = field(default_factory=list)
    statements_total: int = 0
    commands: dict[str, int] = field(default_factory=dict)   # every command seen in the clear, by name
    files: list[FileResult] = field(default_factory=list)    # of the client, that the server asked for
    captures: list[int] = field(default_factory=list)        # indexes of those with a packet of it, of several

    @property
    def loopback(self) -> bool:
        """Return whether it never left its host: both addresses are of the loopback."""
        return is_loopback(self.client.address) and is_loopback(self.server.address)


@dataclass(slots=True, frozen=True)
class Finding:
    """One hit of a rule (verdict/rules/registry.py) in one place."""

    rule: str
    severity: Severity
    title: str
    connection: int | None
    frame: int | None
    offset: int | None
    detail: str


@dataclass(slots=True)
class CaptureResult:
    path: str
    format: str                     # "pcap", "pcapng", "text"
    compression: str | None         # "gzip", "zstd", "lz4", "xz", "bzip2"
    sha256: str | None              # of the file as stored
    bytes: int                      # of the file as stored, as far as read
    packets: int = 0
    first_frame: int = 1
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    undated: bool = False
    complete: bool = True           # False: damaged or cut; `error` says where
    error: str | None = None
    truncated_packets: int = 0      # cut by the snaplen
    dropped_packets: int | None = None
    link_types: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)   # frames not decoded, by reason
    hiding: dict[str, tuple[int, str]] = field(default_factory=dict)   # of these: may carry TCP; count, kind of remedy
    verdict: Verdict | None = None  # of the connections with a packet in it; None where it could not be read
    confidence: Confidence | None = None
    interrupted: bool = False       # by Ctrl-C; `error` says so too


@dataclass(slots=True)
class Undecoded:
    """One row of the why-not-decoded table."""

    reason: str
    count: int                      # of connections, frames or files, as `unit` says
    unit: str
    bytes: int | None
    remedy: str


@dataclass(slots=True)
class Scan:
    """The whole: what `aurora_wire.scan` returns and every report is made of."""

    verdict: Verdict
    confidence: Confidence | None
    captures: list[CaptureResult]
    connections: list[ConnectionResult]      # all that were judged or are no-session, up to a bound
    connections_total: int                   # with those beyond the bound; not those that are not MySQL
    by_verdict: dict[str, int]
    not_mysql: dict[str, int]                # connections that are something else, by protocol name
    findings: list[Finding]
    findings_total: dict[str, int]           # by rule, with those beyond the bound
    undecoded: list[Undecoded]
    closing: str                             # one sentence for the whole
    ports: list[int]
    tool_version: str
    exit_code: int
    keylogs: list[KeyLogResult] = field(default_factory=list)
    tls_ports: dict[int, int] = field(default_factory=dict)  # of TLS among not_mysql: connections by the server's port
    ignored: list[str] = field(default_factory=list)     # files in folders that are no captures: notes, reports
    frame_places: FramePlaces = field(default_factory=FramePlaces, compare=False, repr=False)
