"""The tables of a result, for databases and data frames: their columns, and their rows as tuples.

The same for Parquet and for Spark. Times are there twice: `..._time` in microseconds, as databases count, and
`..._time_ns` exactly. A connection's `id` is what `connection` of the other tables means. Documented for users in
docs/reference/tables.md, which is made of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from aurora_wire.immutable import immutable
from aurora_wire.redact.secrets import shown, shown_error
from aurora_wire.redact.sql import redact_attributes
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.json_text import clean, optional
from aurora_wire.report.timestamps import DAY_SECONDS, SECOND
from aurora_wire.verdict.result import (
    UNDATED_BEFORE_NS,
    CaptureResult,
    ConnectionResult,
    Coverage,
    Finding,
    LeakedData,
    StatementResult,
    TLSResult,
)
from aurora_wire.verdict.servers import kind_of_connection

SCHEMA: Final = "aurora-wire/tables/1"
LAST_TIME_NS: Final = 253_402_300_800 * SECOND   # the year 10000: what no database writes

Kind = Literal["string", "int32", "int64", "boolean", "double", "binary", "time", "strings", "texts", "counts", "rows"]
Row = tuple[object, ...]


@immutable
class Column:
    """One column. kind: time: microseconds since 1970 UTC; strings: a list; texts, counts: a map of names to texts, or
    to int64; rows: a list of records with the columns of `inner`.
    """

    name: str
    kind: Kind
    about: str
    inner: tuple[Column, ...] = ()


_COVERAGE: Final = {
    "seen": "captured bytes of payload, in order",
    "missing": "bytes that were never captured: gaps",
    "truncated": "bytes that the snaplen cut off",
    "tls": "bytes in TLS records",
    "plaintext": "readable bytes in need of protection",
    "unprotected_by_design": "bytes of the greeting, SSLRequest and the like",
    "unknown": "bytes of no known protocol",
}
_PLACE: Final = (
    Column("capture", "string", "the capture that the frame is in, as it was given"),
    Column("capture_frame", "int64", "the number of the frame in that capture"),
)
_LEAKED: Final = Column("leaked", "rows", "values of a class (a card number, an e-mail address ...), by column", (
    Column("class", "string", "the class"),
    Column("table", "string", "as the statement, the result or the log names it"),
    Column("column", "string", "likewise"),
    Column("count", "int64", "values"),
    Column("from", "string", "statement, result (rows that answered it) or binlog (rows to a replica)"),
    Column("frame", "int64", "of the first"),
))  # fmt: skip

CONNECTIONS: Final = (
    Column("id", "int64", "number of the connection, from 1"),
    Column("client_address", "string", "of who opened the session"),
    Column("client_port", "int32", "of TCP"),
    Column("server_address", "string", "of who greets"),
    Column("server_port", "int32", "of TCP"),
    Column("real_client", "string", "address of the client behind a proxy that named it, else `client_address`"),
    Column("verdict", "string", "plaintext, mixed, encrypted, no-session or inconclusive"),
    Column("confidence", "string", "proven or likely; null where the verdict has none"),
    Column("proof", "string", "how `encrypted` is known: structure or key log"),
    Column("protocol", "string", "MySQL, X Protocol, TLS ..."),
    Column("user", "string", "of a login in the clear; masked unless --reveal is given"),
    Column("database", "string", "likewise, and never masked"),
    Column("program", "string", "what the client says that it is"),
    Column("attributes", "texts", "all that the client said of itself"),
    Column("auth_plugin", "string", "of the login, or as the greeting proposes"),
    Column("server_version", "string", "from the greeting"),
    Column("server_kind", "string", "mysql, mariadb, aurora ..., as far as it tells"),
    Column("thread_id", "int64", "the server's number of the session"),
    Column("compression", "string", "zlib or zstd"),
    Column("tls_version", "string", "TLSv1.3 style"),
    Column("tls_cipher", "string", "IANA name"),
    Column("tls_sni", "string", "server name that the client asked for"),
    Column("tls_resumed", "boolean", "whether it took up an earlier session"),
    Column("tls_group", "string", "of the key exchange"),
    Column("tls_post_quantum", "boolean", "whether that group withstands a quantum computer"),
    Column("tls_ja3", "string", "JA3 of the ClientHello"),
    Column("tls_ja4", "string", "JA4 likewise"),
    Column("first_frame", "int64", "frames are numbered over all captures in the order read"),
    Column("last_frame", "int64", "likewise"),
    Column("first_time", "time", "of the first frame; null where the capture has no date"),
    Column("first_time_ns", "int64", "in ns since 1970 UTC; since midnight where the capture has no date"),
    Column("last_time", "time", "of the last frame"),
    Column("last_time_ns", "int64", "likewise"),
    Column("packets", "int64", "frames of both directions"),
    Column("statements_total", "int64", "statements that crossed in the clear"),
    Column("rows", "int64", "rows of results that crossed in the clear"),
    Column("row_bytes", "int64", "bytes of these rows"),
    Column("errors_total", "int64", "errors in place of answers"),
    *(Column(f"client_{name}", "int64", f"of what the client sent: {about}") for name, about in _COVERAGE.items()),
    *(Column(f"server_{name}", "int64", f"of what the server sent: {about}") for name, about in _COVERAGE.items()),
    Column("reasons", "rows", "why the verdict is not stronger, or what decided it", (
        Column("id", "string", "stable: docs/verdict.md lists them"),
        Column("text", "string", "for people"),
        Column("frame", "int64", "where it was seen"),
        Column("direction", "string", "client or server"),
        Column("offset", "int64", "in the stream"),
    )),
    Column("rules", "strings", "rules of its findings, each once"),
    Column("commands", "counts", "commands in the clear, by name"),
    _LEAKED,
    Column("captures", "strings", "all captures with a packet of it"),
    *_PLACE,
)  # fmt: skip

STATEMENTS: Final = (
    Column("connection", "int64", "`id` in the table of connections"),
    Column("crossed", "string", "clear, or TLS for what a key log decrypted"),
    Column("direction", "string", "client; server for what came to a replica"),
    Column("command", "string", "COM_QUERY, COM_STMT_EXECUTE ..."),
    Column("sql", "string", "what crossed, parameters in place; literals are masked unless --reveal is given"),
    Column("sql_bytes", "binary", "the same where it is no valid UTF-8, else null"),
    Column("parameters", "rows", "bound values, or query attributes", (
        Column("type", "string", "as MySQL names it"),
        Column("value", "string", "as a SQL literal; masked likewise"),
        Column("name", "string", "of a query attribute"),
    )),
    Column("frame", "int64", "in which it begins, over all captures"),
    Column("time", "time", "of that frame; null where the capture has no date"),
    Column("time_ns", "int64", "in ns since 1970 UTC; since midnight where the capture has no date"),
    Column("offset", "int64", "of the packet in the stream"),
    Column("length", "int64", "bytes of the text on the wire"),
    Column("compressed", "boolean", "crossed in MySQL's compressed protocol"),
    Column("complete", "boolean", "false where a gap, the snaplen or a bound cut it"),
    Column("guessed", "boolean", "its layout is not certain"),
    Column("schema", "string", "the default one in force"),
    Column("charset", "string", "MySQL's name of the character set, where it is not UTF-8"),
    _LEAKED,
    Column("answered", "boolean", "whether an answer was seen; where not, all that follows of it is null"),
    Column("columns", "rows", "of the answer's results", (
        Column("schema", "string", "of the column"),
        Column("table", "string", "as it is called where it is stored"),
        Column("name", "string", "as the statement calls it"),
        Column("type", "string", "as MySQL names it"),
    )),
    Column("rows", "int64", "rows of the answer"),
    Column("bytes", "int64", "of these rows"),
    Column("affected", "int64", "rows changed"),
    Column("warnings", "int64", "as the server counts"),
    Column("error_code", "int64", "where an error was the answer"),
    Column("error_sqlstate", "string", "likewise"),
    Column("error_text", "string", "likewise; what it quotes is masked unless --reveal is given"),
    Column("ms", "double", "from the statement to the end of its answer"),
    *_PLACE,
    Column("fingerprint", "string", "what is left of the statement without its literals; null where it has none"),
)  # fmt: skip

FINDINGS: Final = (
    Column("rule", "string", "such as AW101"),
    Column("severity", "string", "critical, high, medium, low or info"),
    Column("title", "string", "the rule's"),
    Column("connection", "int64", "`id` in the table of connections; null where it is about a capture"),
    Column("frame", "int64", "the first place"),
    Column("offset", "int64", "in the stream"),
    Column("detail", "string", "what was seen there; never text or values of a statement"),
    Column("ignored_reason", "string", "why it is accepted, where it is known"),
    Column("ignored_until", "string", "the last day on which it is"),
    *_PLACE,
)

CAPTURES: Final = (
    Column("capture", "string", "as it was given"),
    Column("format", "string", "pcap, pcapng, text; unreadable"),
    Column("compression", "string", "gzip, zstd ..."),
    Column("sha256", "string", "of the file as stored"),
    Column("bytes", "int64", "of the file, as far as it was read"),
    Column("verdict", "string", "of the connections with a packet in it"),
    Column("confidence", "string", "of that verdict"),
    Column("packets", "int64", "frames read"),
    Column("first_frame", "int64", "number of its first frame over all captures"),
    Column("first_time", "time", "of its first frame; null where it has no date"),
    Column("first_time_ns", "int64", "in ns since 1970 UTC; since midnight where it has no date"),
    Column("last_time", "time", "of its last frame"),
    Column("last_time_ns", "int64", "likewise"),
    Column("complete", "boolean", "false where it is damaged, cut or unreadable"),
    Column("error", "string", "what is wrong, and where"),
    Column("truncated_packets", "int64", "cut by the snaplen"),
    Column("dropped_packets", "int64", "by the capturing host; null where it does not say"),
    Column("link_types", "strings", "by name"),
    Column("skipped", "counts", "frames that were not decoded, by reason"),
)  # fmt: skip

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "connections": CONNECTIONS, "statements": STATEMENTS, "findings": FINDINGS, "captures": CAPTURES,
}  # fmt: skip


def connection_row(
    c: ConnectionResult, rules: Iterable[str], names: FrameNames, *, redact: bool = False
) -> Row:
    """Return a row of CONNECTIONS. rules: of its findings; redact: mask what the application says of itself."""
    tls = c.tls or TLSResult()
    attributes = redact_attributes(c) if redact else c.attributes
    undated = _is_undated(names, c.first_frame, c.first_time_ns)
    place = _place(names, c.first_frame)
    paths = [clean(names.path(index)) for index in c.captures]
    return (
        c.id, c.client.address, c.client.port, c.server.address, c.server.port, c.real_client,
        c.verdict, c.confidence, c.proof, clean(c.protocol), optional(c.user), optional(c.database),
        optional(attributes.get("program_name") or attributes.get("_client_name")),
        [(clean(name), clean(value)) for name, value in attributes.items()],
        optional(c.auth_plugin), optional(c.server_version), kind_of_connection(c), c.thread_id, c.compression,
        tls.version, tls.cipher, optional(tls.sni), tls.resumed, tls.group, tls.post_quantum, tls.ja3, tls.ja4,
        c.first_frame, c.last_frame, _micros(c.first_time_ns, undated), c.first_time_ns,
        _micros(c.last_time_ns, undated), c.last_time_ns, c.packets, c.statements_total, c.rows, c.row_bytes,
        c.errors_total, *_coverage(c.client_coverage), *_coverage(c.server_coverage),
        [
            {"id": one.id, "text": clean(one.text), "frame": one.frame, "direction": one.direction,
             "offset": one.offset}
            for one in c.reasons
        ],
        sorted(set(rules)), sorted((clean(name), count) for name, count in c.commands.items()),
        _leaked(c.leaked), paths or ([place[0]] if place[0] is not None else []), *place,
    )  # fmt: skip


def statement_row(
    connection: int, statement: StatementResult, names: FrameNames, *, crossed: str = "clear", redact: bool = False,
    reveal: bool = False,
) -> Row:  # fmt: skip
    """Return a row of STATEMENTS. redact: mask literals; reveal: show passwords and keys."""
    one = shown(statement, redact=redact, reveal=reveal)
    sql, sql_bytes = _text(one.sql)
    answer = one.result
    told: list[object] = [False, *(None,) * 9]
    if answer is not None:
        error = None if answer.error is None else shown_error(answer.error, redact=redact, reveal=reveal)
        columns = [
            {"schema": clean(column.schema), "table": clean(column.org_table), "name": clean(column.name),
             "type": clean(column.type)}
            for column in answer.columns
        ]
        told = [
            True, columns, answer.rows, answer.bytes, answer.affected, answer.warnings,
            None if error is None else error.code, None if error is None else optional(error.sqlstate),
            None if error is None else clean(error.text), answer.ms,
        ]  # fmt: skip
    return (
        connection, crossed, one.direction, one.command, sql, sql_bytes,
        [{"type": p.type, "value": _text(p.value)[0], "name": _text(p.name)[0]} for p in one.parameters],
        one.frame, _micros(one.time_ns, _is_undated(names, one.frame, one.time_ns)), one.time_ns, one.offset,
        one.length, one.compressed, one.complete, one.guessed, optional(one.schema), one.charset, _leaked(one.leaked),
        *told, *_place(names, one.frame), _text(one.fingerprint)[0] if one.fingerprint else None,
    )  # fmt: skip


def finding_row(finding: Finding, place: Row) -> Row:
    """Return a row of FINDINGS. place: capture and frame there, as `finding_place` or `locate_finding` give them."""
    known = finding.ignored
    return (
        finding.rule, finding.severity, finding.title, finding.connection, finding.frame, finding.offset,
        clean(finding.detail), None if known is None else clean(known.reason), None if known is None else known.until,
        *place,
    )


def locate_finding(connection: ConnectionResult, finding: Finding, names: FrameNames) -> Row:
    """Return the capture of a connection's finding, and the number of its frame there."""
    if finding.frame is None:
        return _place(names, connection.first_frame)[0], None
    return _place(names, finding.frame)


def capture_row(one: CaptureResult) -> Row:
    """Return a row of CAPTURES."""
    undated = one.undated
    return (
        clean(one.path), one.format, one.compression, one.sha256, one.bytes, one.verdict, one.confidence, one.packets,
        one.first_frame, _micros(one.first_time_ns, undated), one.first_time_ns, _micros(one.last_time_ns, undated),
        one.last_time_ns, one.complete, optional(one.error), one.truncated_packets, one.dropped_packets,
        [clean(name) for name in one.link_types], sorted((clean(name), count) for name, count in one.skipped.items()),
    )


def _coverage(coverage: Coverage) -> tuple[int, ...]:
    return tuple(getattr(coverage, name) for name in _COVERAGE)


def _leaked(leaked: Iterable[LeakedData]) -> list[dict[str, object]]:
    return [
        {"class": one.data, "table": optional(one.table), "column": optional(one.column), "count": one.count,
         "from": one.origin, "frame": one.frame}
        for one in leaked
    ]  # fmt: skip


def _text(data: bytes) -> tuple[str, bytes | None]:
    """Return bytes as text, with U+FFFD where they are none; and as they are where there is such a place."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), data


def _place(names: FrameNames, frame: int) -> tuple[str | None, int | None]:
    place = names.locate(frame)
    return (None, None) if place is None else (clean(names.path(place[0])), place[1])


def _is_undated(names: FrameNames, frame: int, time_ns: int | None) -> bool:
    if time_ns is None:
        return True
    capture = names.find_capture(frame)
    if capture is None:
        return 0 <= time_ns < DAY_SECONDS * SECOND
    return capture.undated and 0 <= time_ns < UNDATED_BEFORE_NS


def _micros(time_ns: int | None, undated: bool) -> int | None:
    """Return what a column of times holds."""
    return None if time_ns is None or undated or not 0 <= time_ns < LAST_TIME_NS else time_ns // 1000
