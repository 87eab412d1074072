"""The result of a scan: plain data, as every report shows it and as `aurora-wire/scan/1` (JSON) names it.

Times are ns since 1970 UTC, or since midnight where the capture is `undated`; None where there is none. Frames are
numbered from 1 and run on over all captures in the order read (`CaptureResult.first_frame` says where each begins,
`Scan.frame_places` which capture a frame is in and its number there). Offsets are stream offsets: 0 is a direction's
first byte after SYN, or the first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.immutable import field, immutable, record
from aurora_wire.verdict.answer_result import AnswerResult, ColumnTraffic, ErrorResult
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.stream_result import CloneResult, ReplicationResult

Origin = Literal["statement", "result", "binlog"]
Octets = bytes  # where a field has the name of the type

UNDATED_BEFORE_NS: Final = 365 * 86_400 * 1_000_000_000  # in an `undated` capture, a time before this has no date

Verdict = Literal["plaintext", "encrypted", "mixed", "no-session", "inconclusive", "not-mysql"]
Confidence = Literal["proven", "likely"]
Direction = Literal["client", "server"]
Severity = Literal["critical", "high", "medium", "low", "info"]
CredentialPlace = Literal[
    "login", "switch", "next factor", "change user", "register replica", "X login", "statement", "binlog"
]
ClientCertificate = Literal["shown", "none", "not asked", "not visible", "unknown"]
Grade = Literal["secret", "token", "key", "hash", "crackable", "sealed", "none", "maybe", "proof", "unknown"]


@immutable
class Endpoint:
    """One end of a TCP connection."""

    address: str                    # IPv4 or IPv6, as text
    port: int                       # of TCP


# Networks of container bridges, by their defaults: Docker's docker0, Podman's podman0.
BRIDGES: Final = ("172.17.", "10.88.")


def is_loopback(address: str) -> bool:
    """Return whether an address, as text, is one that a host has for itself."""
    return address == "::1" or address.removeprefix("::ffff:").startswith("127.")


@immutable
class Reason:
    """Why a verdict is what it is, or is not stronger. `id` is stable, `text` is for people."""

    id: str                         # such as "mid-stream"; docs/verdict.md lists them
    text: str                       # one sentence, with the numbers of this connection
    frame: int | None = None        # where it was seen; None where it is no matter of one frame
    direction: Direction | None = None  # None where it is of no one direction
    offset: int | None = None       # stream offset of what was seen


@record
class Coverage:
    """Bytes of one direction. tls + plaintext + unprotected_by_design + unknown == seen."""

    seen: int = 0                   # captured bytes of payload, in order
    missing: int = 0                # never captured: gaps
    truncated: int = 0              # cut off by the snaplen
    tls: int = 0                    # in TLS records
    plaintext: int = 0              # readable, and in need of protection
    unprotected_by_design: int = 0  # the greeting, SSLRequest and the like: in the clear also before TLS
    unknown: int = 0                # of no known protocol
    at_least: bool = False          # so many are missing at least: more is claimed than can be believed


@record
class TLSResult:
    """What the TLS handshake showed in the clear, or with a key log; None where it was not captured or is not visible.

    Certificates are DER, as they crossed, that of the side itself first; b"" is one that was not kept (too large, or
    the bound of all together). `aurora_wire.verdict.certificates.describe_certificate` reads them. client_certificate:
    "none" was asked for and not shown; "not visible" is encrypted, and no key log opens it.
    """

    version: str | None = None      # "TLSv1.3" style
    cipher: str | None = None       # IANA name
    sni: str | None = None          # server name that the client asked for
    alpn: list[str] = field(default_factory=list)  # protocols that the client offered
    resumed: bool | None = None     # whether it took up an earlier session
    offered_versions: list[str] = field(default_factory=list)  # by the client
    decrypted: DecryptionResult | None = None   # only with a key log
    group: str | None = None        # of the key exchange: "x25519", "X25519MLKEM768" ...
    post_quantum: bool | None = None  # whether that group withstands a quantum computer, as far as known
    hello_retry: bool | None = None   # the server asked for another ClientHello
    extended_master_secret: bool | None = None  # RFC 7627; None in TLS 1.3, which always binds its keys so
    encrypt_then_mac: bool | None = None  # RFC 7366; None where the cipher suite is not of CBC
    dh_bits: int | None = None      # of the prime, where the key exchange is finite-field Diffie-Hellman
    certificates: list[bytes] | None = None   # of the server; None: see `no_certificates`
    certificates_total: int = 0     # with those beyond the first ten
    no_certificates: str | None = None  # why none is known, for people
    client_certificate: ClientCertificate = "unknown"
    client_certificates: list[bytes] = field(default_factory=list)  # that the client showed
    client_certificates_total: int = 0  # with those beyond the first ten
    ja3: str | None = None          # of the first ClientHello: MD5, in hex
    ja4: str | None = None          # likewise


@immutable
class Parameter:
    """One bound value of a prepared statement: `type` as MySQL names it, `value` as a SQL literal."""

    type: str                       # "VARCHAR", "LONGLONG" ...
    value: bytes                    # as it would stand in the SQL
    name: bytes = b""               # of a query attribute


@record
class LeakedData:
    """Values of one class that crossed in the clear, of one column, in a statement or in all of a connection."""

    data: str                       # the class: "card", "email" ... (wire/mysql/leaked/classes.py)
    table: str | None               # as statement, result or log name it; None where that is not known
    column: str | None              # likewise
    count: int                      # of values, those that are the same too
    statements: int                 # statements, results or events in which they were
    frame: int                      # of the first
    last: list[str] = field(default_factory=list)  # of card and account numbers, the last four characters of the first
    origin: Origin = "statement"    # "result": rows that a server answered; "binlog": rows in events to a replica
    values: list[Octets] = field(default_factory=list, repr=False)  # the first ones: for keyed hashes, and never shown


@record
class LeakedValue:
    """One of the values of a class, and where it was. Reports tell it by a hash under `Scan.values_key`."""

    value: Octets = field(repr=False)  # of a long one the end, and its length
    columns: list[str]              # `table.column`, the first ones


@record
class LeakedClass:
    """Values of one class that crossed in the clear, in all connections."""

    data: str                       # the class, as in LeakedData
    count: int                      # of values, those that are the same too
    connections: int                # in which they were
    frame: int                      # of the first
    columns: list[str]              # `table.column`, the first ones
    last: list[str]                 # of card and account numbers, the last four characters of the first
    origins: dict[str, int] = field(default_factory=dict)  # of values: in statements, results and binlog events
    values: list[LeakedValue] = field(default_factory=list, repr=False)  # the first different ones


@record
class StatementGroup:
    """Statements that differ in their literals alone: of one command and one fingerprint."""

    fingerprint: Octets             # in UTF-8; empty where there is no SQL text (docs/reports.md says what it is)
    command: str                    # "COM_QUERY", ...
    count: int                      # of statements, with those that are not kept
    bytes: int                      # of all their texts
    frame: int                      # of the first
    first_time_ns: int | None       # of the first one; None where no time is known
    last_time_ns: int | None        # of the last one
    example: Octets                 # the first one, up to a bound, in UTF-8; reports mask its literals
    complete: bool = True           # False: the example is not all of it
    connections: int = 1            # in which they were
    leaked: dict[str, int] = field(default_factory=dict)  # values in them by class, the worst first
    raw: Octets | None = None       # `example` as it crossed, where that is written in UTF-8 here
    charset: str | None = None      # of `raw`
    tables: list[str] | None = None     # that it names, with their schemas; None where that is not known (extra `sql`)
    columns: list[str] | None = None    # likewise, with their tables


@record
class StatementResult:
    """One command that carries a text or values. `sql` is what crossed (parameters in place for EXECUTE)."""

    command: str                    # "COM_QUERY", ...
    sql: bytes                      # as it crossed, in UTF-8 if the character set was another one; up to a bound
    frame: int                      # in which it begins
    time_ns: int | None             # of that frame
    offset: int = 0                 # stream offset of the MySQL packet
    length: int = 0                 # bytes of the text on the wire; len(sql) is less where it was cut
    parameters: list[Parameter] = field(default_factory=list)  # bound values, or query attributes of a COM_QUERY
    compressed: bool = False        # crossed in MySQL's compressed protocol
    complete: bool = True           # False: a gap, the snaplen or our bound cut it
    direction: Direction = "client"  # "server": it came in a binlog event, to a replica
    guessed: bool = False           # the layout is not certain: the greeting, login or PREPARE that tells it is missing
    leaked: list[LeakedData] = field(default_factory=list)  # values in it that are of a class
    schema: str | None = None       # the default one in force; None where that is not known
    result: AnswerResult | None = None  # what the server answered; None where that was not seen
    charset: str | None = None      # MySQL's name of the character set in which it was sent; None: UTF-8, or not known
    raw: Octets | None = None       # `sql` as it crossed, where that is written in UTF-8 here
    fingerprint: Octets = b""       # what is left without its literals, in UTF-8; empty where there is no SQL text


@record
class DecryptionResult:
    """What a key log shows to have been inside TLS: nothing of it crossed in the clear."""

    records: int = 0                # decrypted
    failed: int = 0                 # that do not authenticate under the keys
    cut: int = 0                    # not captured whole
    without_keys: int = 0           # of a direction whose key the log does not have
    not_decrypted: str | None = None   # why none was, for people
    protocol: str | None = None     # of what was inside
    server_version: str | None = None   # where the greeting was inside, too
    user: str | None = None         # of the login that was inside
    database: str | None = None     # likewise
    auth_plugin: str | None = None  # likewise
    compression: str | None = None  # inside TLS: "zlib", "zstd"
    commands: dict[str, int] = field(default_factory=dict)  # every command, by name
    statements: Sequence[StatementResult] = field(default_factory=list)  # the first ones, up to a bound
    statements_total: int = 0       # with those beyond the bound


@immutable
class FileResult:
    """A file of the client that the server asked for (LOCAL INFILE), outside TLS.

    bytes: of its content, as far as they crossed; outcome: "sent", "refused" (the client sent one empty packet: an
    empty file looks the same), "cut" (its end was not seen) or "not sent"; named: a statement asked for it, None
    where that is not known.
    """

    path: str                       # as the server named it
    frame: int                      # of the server's request
    bytes: int
    outcome: Literal["sent", "refused", "cut", "not sent"]
    named: bool | None
    statement: Octets | None = None  # that it answered, its first bytes; None where that is not known


@immutable
class RefusalResult:
    """The ERR that a server sent in place of a session: instead of a greeting, or of the OK to a login."""

    code: int                       # 1040 too many connections, 1045 access denied, 1129 and 1130 host not allowed ...
    sqlstate: str | None            # None where it has none: before a login
    text: str                       # as the server sent it: names of hosts and users
    early: bool                     # before any login
    frame: int                      # in which it is
    offset: int                     # stream offset of the MySQL packet


@immutable
class XResult:
    """What a session of X Protocol brought back, outside TLS: counted over all its statements."""

    tls: Literal["agreed", "refused", "offered", "not offered", "unknown"]  # what became of it before the login
    columns: int                    # definitions
    rows: int                       # of results
    bytes: int                      # of these rows
    affected: int                   # rows that statements changed, as notices say
    warnings: int                   # notices of them
    errors: int                     # of the login and of statements


@immutable
class ProxyResult:
    """What a PROXY header in front of a connection says: for whom a proxy or load balancer connects, and how they came.

    Nobody vouches for it: who reaches the server's port can write what they like.
    """

    version: int                    # of the header: 1 or 2
    local: bool                     # the proxy connects for itself (a health check): there is no other client
    client: Endpoint | None         # the real client; None where the header does not say
    destination: Endpoint | None    # that the real client connected to
    unique_id: str | None           # under which the proxy logged it: text, or hex where it is none
    authority: str | None           # host name that the real client asked for
    endpoint: str | None            # of a cloud's private network, that it came in by: `vpce-...` of AWS
    tls: bool | None                # whether the leg in front of the proxy was TLS, as it says; None where it does not
    tls_version: str | None         # likewise
    tls_cipher: str | None          # likewise
    tls_common_name: str | None     # in the real client's certificate
    frame: int                      # that the header is in


@immutable
class CredentialResult:
    """What crossed outside TLS to prove who somebody is, and what whoever reads it has.

    grade: "secret" (the password itself), "token" (as good as it, for a time), "key" (of encrypted data), "hash" (as
    a server stores it), "crackable" (the password can be guessed offline), "sealed" (encrypted with a key of the
    server that nobody vouched for), "none" (logged in without a password), "maybe" (text to a plugin not known here),
    "proof" (of use once only), "unknown".
    """

    exchange: CredentialPlace       # what it was part of
    user: str | None                # whose; None where it does not say
    plugin: str | None              # of the authentication, None in the text of a statement
    grade: Grade                    # see above
    what: str                       # what it is, in words; never its value
    frame: int                      # in which it begins
    offset: int                     # stream offset of the MySQL packet
    accepted: bool | None = None    # what the server made of it; None where that is not known, or it was not asked
    hashcat: tuple[int, str] | None = None   # mode and name under which hashcat takes it
    john: str | None = None         # format under which John the Ripper takes it
    expires: str | None = None      # RFC 3339; of a token that says so
    line: str | None = field(default=None, repr=False)    # what a cracker takes: shown with --reveal only
    value: bytes | None = field(default=None, repr=False)  # as it crossed: shown with --reveal only


@record
class ConnectionResult:
    """One TCP connection: what it carried, the verdict on it, and why."""

    id: int                         # from 1, in the order of first frames
    client: Endpoint                # that opened the session
    server: Endpoint                # that greets
    verdict: Verdict                # docs/verdict.md defines each
    confidence: Confidence | None   # None where the verdict has none
    proof: Literal["structure", "key log"] | None  # how `encrypted` is known: by TLS's structure, or with its keys
    protocol: str                   # "MySQL", "X Protocol", "TLS", "HTTP", "unknown" ...
    first_frame: int                # that belongs to it
    last_frame: int                 # likewise
    first_time_ns: int | None       # of the first frame
    last_time_ns: int | None        # of the last frame
    packets: int                    # frames of both directions
    reasons: list[Reason] = field(default_factory=list)  # why the verdict is not stronger, or what decided it
    client_coverage: Coverage = field(default_factory=Coverage)  # bytes that the client sent
    server_coverage: Coverage = field(default_factory=Coverage)  # bytes that the server sent
    server_version: str | None = None  # from the greeting
    thread_id: int | None = None    # the server's number of the session
    user: str | None = None         # of a login in the clear
    database: str | None = None     # likewise
    auth_plugin: str | None = None  # of the login in the clear, or as the greeting proposes
    attributes: dict[str, str] = field(default_factory=dict)  # what the client said of itself, by name
    compression: str | None = None  # "zlib", "zstd"
    tls: TLSResult | None = None    # None where no TLS was seen
    statements: Sequence[StatementResult] = field(default_factory=list)  # that crossed in the clear: the first ones
    statements_total: int = 0       # with those beyond the bound
    commands: dict[str, int] = field(default_factory=dict)   # every command seen in the clear, by name
    files: list[FileResult] = field(default_factory=list)    # of the client, that the server asked for
    credentials: Sequence[CredentialResult] = field(default_factory=list)  # that crossed outside TLS: the first ones
    refusal: RefusalResult | None = None     # why there was no session, as the server said; of the first login
    x: XResult | None = None        # only of X Protocol
    proxy: ProxyResult | None = None    # only behind a PROXY header
    users_after: list[str] = field(default_factory=list) # that the session changed to (COM_CHANGE_USER): the first
    replication: ReplicationResult | None = None  # only of a replica's connection
    clone: CloneResult | None = None    # only where a data folder was copied
    credentials_total: int = 0      # with those beyond the bound
    leaked: list[LeakedData] = field(default_factory=list)   # values of a class in statements, results, binlog events
    not_classified: int = 0         # statements whose values nobody looked at, for want of room
    columns: Sequence[ColumnTraffic] = field(default_factory=list)  # that crossed in results, most bytes first
    rows: int = 0                   # of all results
    row_bytes: int = 0              # of these rows, as payload of their packets
    errors: list[ErrorResult] = field(default_factory=list)  # in place of answers: the first ones
    errors_total: int = 0           # with those beyond the bound
    aurora_column: str | None = None  # of a result, that only Aurora answers with: "@@aurora_version"
    captures: list[int] = field(default_factory=list)        # indexes of those with a packet of it, of several
    groups: list[StatementGroup] = field(default_factory=list)  # its statements, where that was asked for
    not_grouped: int = 0            # statements in none of them, for want of room

    @property
    def loopback(self) -> bool:
        """Return whether it never left its host: both addresses are of the loopback."""
        return is_loopback(self.client.address) and is_loopback(self.server.address)

    @property
    def bridge(self) -> bool:
        """Return whether both addresses are of one network that containers of a host have by default.

        It may never have left its host; an address does not prove that.
        """
        return any(
            self.client.address.startswith(network) and self.server.address.startswith(network)
            for network in BRIDGES
        )

    @property
    def real_client(self) -> str:
        """Return the address of who it is for: of the client behind a proxy that named it, else of the client."""
        proxy = self.proxy
        return self.client.address if proxy is None or proxy.client is None else proxy.client.address


@immutable
class Ignored:
    """Why a finding is ignored: it is known, and accepted for a time (`--ignore`, `--baseline`)."""

    reason: str                     # as it was given
    until: str                      # the last day on which it is, `2027-01-31`


@immutable
class ExceptionResult:
    """One exception that was given, and how many findings it is about."""

    known: str                      # rule and client, as given
    until: str                      # its last day
    reason: str                     # as it was given
    findings: int                   # that it is about
    expired: bool                   # it was not applied


@immutable
class Finding:
    """One hit of a rule (verdict/rules/registry.py) in one place."""

    rule: str                       # its id, such as AW101
    severity: Severity              # the rule's
    title: str                      # the rule's
    connection: int | None          # its id; None for one about a capture
    frame: int | None               # the first place
    offset: int | None              # stream offset of that place
    detail: str                     # what was seen there, never text or values of a statement
    ignored: Ignored | None = None  # it is known, and takes no part in exit code 1


@record
class CaptureResult:
    """One input: a capture file, an interface or a relay, and how much of it could be read."""

    path: str                       # as it was given
    format: str                     # "pcap", "pcapng", "text"
    compression: str | None         # "gzip", "zstd", "lz4", "xz", "bzip2"
    sha256: str | None              # of the file as stored
    bytes: int                      # of the file as stored, as far as read
    packets: int = 0                # frames read
    first_frame: int = 1            # number of its first frame in the scan
    first_time_ns: int | None = None  # of its first frame
    last_time_ns: int | None = None  # of its last frame
    undated: bool = False           # times are times of day: the capture names no date
    complete: bool = True           # False: damaged or cut; `error` says where
    error: str | None = None        # what is wrong, and where; one line
    truncated_packets: int = 0      # cut by the snaplen
    dropped_packets: int | None = None  # by the capturing host; None where the capture does not say
    link_types: list[str] = field(default_factory=list)  # by name, in the order seen
    skipped: dict[str, int] = field(default_factory=dict)   # frames not decoded, by reason
    hiding: dict[str, tuple[int, str]] = field(default_factory=dict)   # of these: may carry TCP; count, kind of remedy
    verdict: Verdict | None = None  # of the connections with a packet in it; None where it could not be read
    confidence: Confidence | None = None   # of that verdict
    interrupted: bool = False       # by Ctrl-C; `error` says so too
    secret: Octets = field(default=b"", compare=False, repr=False)  # of its bytes, and nowhere written


@record
class Undecoded:
    """One row of the why-not-decoded table."""

    reason: str                     # what could not be decoded, for people
    count: int                      # of connections, frames or files, as `unit` says
    unit: str                       # of what `count` counts: "connections", "frames", "files" ...
    bytes: int | None               # of payload; None where it cannot be said
    remedy: str                     # how to capture or scan so that it can


@record
class Scan:
    """The whole: what `aurora_wire.scan` returns and every report is made of."""

    verdict: Verdict                # of the whole, by docs/verdict.md
    confidence: Confidence | None   # None where the verdict has none
    captures: list[CaptureResult]   # in the order read
    connections: list[ConnectionResult]      # all that were judged or are no-session, up to a bound
    connections_total: int                   # with those beyond the bound; not those that are not MySQL
    by_verdict: dict[str, int]      # connections, with those beyond the bound
    not_mysql: dict[str, int]                # connections that are something else, by protocol name
    findings: list[Finding]         # the first of each rule, up to a bound, by rule and place
    findings_total: dict[str, int]           # by rule, with those beyond the bound
    undecoded: list[Undecoded]      # what was not judged, and the remedy
    closing: str                             # one sentence for the whole
    ports: list[int]                # where TLS or undecided streams count as MySQL's
    tool_version: str               # of aurora_wire
    exit_code: int                  # of the command line
    keylogs: list[KeyLogResult] = field(default_factory=list)  # given ones, and what a pcapng holds; no secrets
    tls_ports: dict[int, int] = field(default_factory=dict)  # of TLS among not_mysql: connections by the server's port
    ignored: list[str] = field(default_factory=list)     # files in folders that are no captures: notes, reports
    leaked: list[LeakedClass] = field(default_factory=list)  # classes of data in the clear, the worst first
    # for hashes of values: made from the captures' bytes, and nowhere written
    values_key: Octets = field(default=b"", compare=False, repr=False)
    not_classified: int = 0         # statements in the clear whose values nobody looked at, for want of room
    # statements in the clear by fingerprint, the most frequent first; None where it was not asked for (`group`)
    groups: list[StatementGroup] | None = None
    not_grouped: int = 0            # statements that are in none of them, for want of room
    open_leaks: int | None = None   # connections in the clear that are not known as a whole; None: none was given
    open_rules: list[str] = field(default_factory=list)   # of findings that are not ignored, where some are given
    exceptions: list[ExceptionResult] = field(default_factory=list)   # findings that are known, as given
    filters: dict[str, str] = field(default_factory=dict)   # options that let a part through: all here is of that part
    filtered_out: int = 0           # MySQL connections that they left out
    # which capture each frame is in, and its number there
    frame_places: FramePlaces = field(default_factory=FramePlaces, compare=False, repr=False)
