"""A finished connection as a result: addresses, names and statements as people and reports read them."""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, inet_ntop  # all of `socket` takes longer to load than to use
from typing import Final, Literal

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.verdict.answers import Traffic, describe_answer, describe_failure
from aurora_wire.verdict.credentials import Credentials
from aurora_wire.verdict.grounds import collect_grounds
from aurora_wire.verdict.groups import describe_groups
from aurora_wire.verdict.judge import judge
from aurora_wire.verdict.leaked import leaked_of_statement, list_leaked
from aurora_wire.verdict.named_ports import named_by_port
from aurora_wire.verdict.plausible import least_missing, most_missing
from aurora_wire.verdict.replication import describe_clone, describe_replication
from aurora_wire.verdict.result import (
    ConnectionResult,
    Coverage,
    DecryptionResult,
    Endpoint,
    FileResult,
    Parameter,
    ProxyResult,
    RefusalResult,
    StatementResult,
    TLSResult,
    XResult,
)
from aurora_wire.verdict.statement_list import StatementList
from aurora_wire.verdict.tls_details import add_details
from aurora_wire.wire.decoding.connection_log import DECODED, MYSQL, OTHER, TLS_ONLY, UNKNOWN, DirectionAccount
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.facts import Decrypted, Facts
from aurora_wire.wire.identify.proxy_header import ProxyHeader
from aurora_wire.wire.mysql.charsets import UTF8, charset_name, codec_name, readable
from aurora_wire.wire.mysql.commands import (
    COM_QUERY,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_PREPARE,
    X_COMMAND,
    command_name,
)
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.facts import Infile
from aurora_wire.wire.mysql.fingerprint import fingerprint
from aurora_wire.wire.mysql.groups import NAME_COMMANDS
from aurora_wire.wire.mysql.placeholders import count_placeholders, place_parameters
from aurora_wire.wire.mysql.refusal import Refusal
from aurora_wire.wire.mysql.sql_lexer import in_charset
from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.mysqlx.facts import XSession, as_x
from aurora_wire.wire.mysqlx.shape import message_name
from aurora_wire.wire.tls.facts import TLSFacts
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name

COMPRESSIONS = {1: "zlib", 2: "zstd"}
X_COMPRESSIONS = {1: "zlib", 2: "zstd", 3: "lz4"}
MAX_ADDRESSES: Final = 4096  # remembered as text
_addresses: Final[dict[bytes, str]] = {}
NOT_MYSQL: dict[int, str] = {UNKNOWN: "unknown", TLS_ONLY: "TLS", OTHER: "unknown"}


def describe(connection: Connection) -> ConnectionResult:
    """Return the result of a connection that is finished, or as far as it has come."""
    facts = connection.facts
    judged = judge(collect_grounds(connection))
    client, server = endpoints(connection)
    login, greeting = facts.login, facts.greeting
    session = as_x(facts.decoded)
    most = most_missing(int(connection.first_time), int(connection.last_time))
    # By position: Python looks for each name among all forty-seven. What most connections lack is set where it is.
    result = ConnectionResult(
        facts.id,
        client,
        server,
        judged.verdict,
        judged.confidence,
        find_proof(facts) if judged.verdict == "encrypted" else None,
        facts.stranger if facts.stranger and judged.verdict == "no-session" else find_protocol(connection),
        connection.first_frame,
        connection.last_frame,
        _time(connection.first_time),
        _time(connection.last_time),
        connection.packets,
        judged.reasons,
        describe_coverage(facts, facts.client, most),
        describe_coverage(facts, facts.server, most),
    )
    if greeting is not None:
        result.server_version = text(greeting.server_version)
    result.thread_id = find_thread_id(facts)
    if login is not None:
        result.user = text(login.user)
        result.database = text(login.database) if login.database else None
        result.attributes = {text(key): text(value) for key, value in login.attributes}
    elif facts.users_after:
        result.user = text(facts.users_after[0])
    if facts.auth_plugin:
        result.auth_plugin = text(facts.auth_plugin)
    result.compression = find_compression(facts)
    if facts.tls is not None:
        result.tls = describe_tls(facts.tls, facts.decrypted)
    if session is not None:
        result.x = describe_x(session)
    if facts.proxy is not None:
        result.proxy = describe_proxy(facts.proxy, facts.proxy_frame)
    _add_clear(result, facts)
    return result


def _add_clear(result: ConnectionResult, facts: Facts) -> None:
    """Fill in what crossed in the clear: commands, what they answered, and what was in them."""
    result.commands = count_commands(facts)
    if facts.statements:
        result.statements = StatementList(facts.statements, describe_statement)
    if facts.statements_total:
        result.statements_total = facts.statements_total
    if facts.infiles:
        result.files = [describe_file(one) for one in facts.infiles]
    if facts.exchanges_total or facts.secrets_total:
        result.credentials = Credentials(facts)
        result.credentials_total = facts.exchanges_total + facts.secrets_total
    if facts.refusal is not None:
        result.refusal = describe_refusal(facts.refusal)
    if facts.users_after:
        result.users_after = [text(user) for user in facts.users_after]
    if facts.replication is not None:
        result.replication = describe_replication(facts, facts.replication)
    if facts.clone is not None:
        result.clone = describe_clone(facts.clone)
    if facts.leaked is not None:
        result.leaked = list_leaked(facts.leaked)
    if facts.not_classified:
        result.not_classified = facts.not_classified
    if facts.groups is not None:
        result.groups = describe_groups(facts.groups, name_command)
        result.not_grouped = facts.groups.beyond
    if facts.columns:
        further = facts.further_columns
        result.columns = Traffic([*facts.columns.values(), *([further] if further is not None else [])])
    if facts.rows or facts.row_bytes:
        result.rows = facts.rows
        result.row_bytes = facts.row_bytes
    if facts.failures:
        result.errors = [describe_failure(one) for one in facts.failures]
    if facts.failures_total:
        result.errors_total = facts.failures_total
    if facts.aurora_column:
        result.aurora_column = text(facts.aurora_column)


def describe_file(one: Infile) -> FileResult:
    outcome: Literal["sent", "refused", "cut", "not sent"] = "sent" if one.ended else "cut"
    if not one.size:
        outcome = "refused" if one.ended else "not sent"
    named = bool(one.wanted) if one.wanted >= 0 else None
    return FileResult(text(one.name), one.frame, one.size, outcome, named, one.asked or None)


def describe_refusal(one: Refusal) -> RefusalResult:
    state = text(one.sqlstate) if one.sqlstate else None
    return RefusalResult(one.code, state, text(one.message), bool(one.early), one.frame, one.offset)


def describe_proxy(header: ProxyHeader, frame: int) -> ProxyResult:
    """Return what a PROXY header says; of nothing that it leaves out."""
    unique_id: str | None = None
    if header.unique_id:
        printable = header.unique_id.isascii() and header.unique_id.decode("latin-1").isprintable()
        unique_id = header.unique_id.decode("latin-1") if printable else header.unique_id.hex()
    is_address = header.family.startswith(("TCP", "UDP"))
    return ProxyResult(
        version=header.version,
        local=bool(header.is_local),
        client=Endpoint(header.source, header.source_port) if is_address and header.source else None,
        destination=Endpoint(header.destination, header.destination_port) if is_address and header.source else None,
        unique_id=unique_id,
        authority=header.authority or None,
        endpoint=header.endpoint or None,
        tls=bool(header.tls) if header.says_tls else None,
        tls_version=header.tls_version or None,
        tls_cipher=header.tls_cipher or None,
        tls_common_name=header.tls_common_name or None,
        frame=frame,
    )


def describe_x(session: XSession) -> XResult:
    tls: Literal["agreed", "refused", "offered", "not offered", "unknown"] = "unknown"
    if session.tls_agreed_frame >= 0:
        tls = "agreed"
    elif session.tls_refused:
        tls = "refused"
    elif session.tls_offered >= 0:
        tls = "offered" if session.tls_offered else "not offered"
    return XResult(
        tls, session.columns, session.rows, session.row_bytes, session.affected, session.warnings, session.errors
    )


def find_compression(facts: Facts) -> str | None:
    session = as_x(facts.decoded)
    if session is not None:
        return X_COMPRESSIONS.get(session.compression)
    return COMPRESSIONS.get(facts.compression)


def find_thread_id(facts: Facts) -> int | None:
    """Return the server's number of the session: from the greeting, or from a notice of X Protocol."""
    if facts.greeting is not None:
        return facts.greeting.thread_id
    session = as_x(facts.decoded)
    return session.thread_id if session is not None and session.thread_id >= 0 else None


def find_proof(facts: Facts) -> Literal["structure", "key log"]:
    """Return what proves a connection encrypted. "key log": every whole record was decrypted to MySQL."""
    decrypted = facts.decrypted
    whole = decrypted is not None and not decrypted.failed + decrypted.cut + decrypted.without_keys
    return "key log" if whole and facts.mysql_inside() else "structure"


def count_commands(facts: Facts) -> dict[str, int]:
    if facts.queries + facts.prepares + facts.executions + facts.closes == 0 and not facts.command_counts:
        return {}
    counts = dict(facts.command_counts)
    counts[COM_QUERY] = int(facts.queries)
    counts[COM_STMT_PREPARE] = int(facts.prepares)
    counts[COM_STMT_EXECUTE] = int(facts.executions)
    counts[COM_STMT_CLOSE] = int(facts.closes)
    return {name_command(number): counts[number] for number in sorted(counts) if counts[number] > 0}


def name_command(command: int) -> str:
    """Return the name of a command, or of a message of X Protocol."""
    return message_name(command - X_COMMAND, 1) if command >= X_COMMAND else command_name(command)


def endpoints(connection: Connection) -> tuple[Endpoint, Endpoint]:
    key = connection.client.key
    size: i64 = (len(key) - 4) // 2
    return (
        Endpoint(_address(key[:size]), u16_be(key, 2 * size)),
        Endpoint(_address(key[size : 2 * size]), u16_be(key, 2 * size + 2)),
    )


def _address(packed: bytes) -> str:
    """Return an address as text, the same string for all connections of a host."""
    found = _addresses.get(packed)
    if found is None:
        found = inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)
        if len(_addresses) >= MAX_ADDRESSES:
            _addresses.clear()
        _addresses[packed] = found
    return found


def find_protocol(connection: Connection) -> str:
    facts = connection.facts
    if facts.other:
        key = connection.client.key
        return named_by_port(facts.other, u16_be(key, len(key) - 2))
    if facts.mysql_inside():
        return "MySQL"
    return NOT_MYSQL.get(facts.kind, "MySQL")


def describe_coverage(facts: Facts, side: DirectionAccount, most: int) -> Coverage:
    """Return the account of a direction's bytes. most: how many missing ones can be believed."""
    unbelievable = int(side.missing) > most
    return Coverage(
        side.seen, least_missing(facts, side.from_client) if unbelievable else side.missing, side.truncated, side.tls,
        side.plaintext, side.by_design, side.unknown, unbelievable,
    )  # fmt: skip


def describe_tls(tls: TLSFacts, decrypted: Decrypted | None = None) -> TLSResult:
    hello, offer = tls.server_hello, tls.client_hello
    result = TLSResult(resumed=bool(tls.resumed) if tls.resumed >= 0 else None)
    if hello is not None:
        result.version = version_name(hello.version)
        result.cipher = suite_name(hello.suite)
    if offer is not None:
        result.sni = text(offer.sni) if offer.sni is not None else None
        result.alpn = [text(name) for name in offer.alpn]
        result.offered_versions = [version_name(version) for version in offer.versions]
    if decrypted is not None:
        result.decrypted = describe_decryption(decrypted, tls)
    add_details(result, tls)
    return result


def describe_decryption(decrypted: Decrypted, tls: TLSFacts) -> DecryptionResult:
    result = DecryptionResult(decrypted.records, decrypted.failed, decrypted.cut, decrypted.without_keys)
    inside = decrypted.inside
    if not decrypted.records:
        result.not_decrypted = why_not_decrypted(decrypted, tls)
    if inside is None or not decrypted.records:
        return result
    login, greeting = inside.login, inside.greeting
    if inside.kind in (MYSQL, OTHER, DECODED):
        result.protocol = inside.other or "MySQL"
    result.server_version = text(greeting.server_version) if greeting is not None else None
    result.user = text(login.user) if login is not None else None
    result.database = text(login.database) if login is not None and login.database else None
    result.auth_plugin = text(inside.auth_plugin) if inside.auth_plugin else None
    result.compression = find_compression(inside)
    result.commands = count_commands(inside)
    result.statements = StatementList(inside.statements, describe_statement) if inside.statements else []
    result.statements_total = inside.statements_total
    return result


def why_not_decrypted(decrypted: Decrypted, tls: TLSFacts) -> str:
    """Return why a key log decrypted no record of a connection."""
    from aurora_wire.decrypt.decryptor import MISSING, is_available  # noqa: PLC0415 - only with a key log
    from aurora_wire.decrypt.suite_parameters import find_protection  # noqa: PLC0415

    hello = tls.server_hello
    if tls.client_hello is None:
        return "no ClientHello was captured, and by its random number a key log names the connection"
    if hello is None:
        return "no ServerHello was captured, which says the cipher suite and its part of the keys"
    if find_protection(hello.suite, hello.version) is None or hello.compression:
        return f"records of {version_name(hello.version)} with {suite_name(hello.suite)} are not decrypted here"
    if not is_available():
        return MISSING
    if not decrypted.found_keys:
        return "the key log has no secrets of this connection"
    return "the secrets that the key log has for this connection open none of its records"



def describe_statement(statement: Statement) -> StatementResult:
    values = statement.values or []
    charset = statement.charset
    codec = codec_name(charset) if charset >= 0 else UTF8
    sql = statement.text
    length = statement.length
    raw: bytes | None = None
    made = compute_fingerprint(statement)
    if codec == UTF8:
        literals = [value.literal() for value in values]
    else:
        literals = [write_literal(value, charset, codec) for value in values]
        sql = readable(sql, charset)
        raw = statement.text if sql is not statement.text else None
    if statement.command in (COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE) or (statement.command >= X_COMMAND and values):
        sql = in_place(statement.command, sql, literals)
        length = len(sql)
        if raw is not None:
            raw = in_place(statement.command, raw, [value.literal(codec) for value in values])
    return StatementResult(
        command=name_command(statement.command),
        sql=sql,
        frame=statement.frame,
        time_ns=_time(statement.time_ns),
        offset=statement.offset,
        length=length,
        parameters=[
            Parameter(value.type_name(), literal, value.name)
            for value, literal in zip(values, literals, strict=True)
        ],
        compressed=statement.compressed,
        complete=statement.complete,
        direction="client" if statement.from_client else "server",
        guessed=statement.guessed,
        leaked=leaked_of_statement(statement),
        schema=text(statement.schema) if statement.schema else None,
        result=describe_answer(statement),
        charset=charset_name(charset) if raw is not None else None,
        raw=raw,
        fingerprint=readable(made, charset),
    )


def compute_fingerprint(statement: Statement) -> bytes:
    """Return the fingerprint of a statement in its character set, empty where it has no SQL text."""
    text = statement.text
    if not text or statement.command in NAME_COMMANDS:
        return b""
    mode = in_charset(statement.charset)
    escapes = statement.escapes
    cut = not statement.complete and len(text) < statement.length
    if escapes < 0:
        return fingerprint(text, mode, cut=cut)
    return fingerprint(text, mode | escapes, escapes_known=True, cut=cut)


def write_literal(value: Value, charset: int, codec: str) -> bytes:
    """Return a value as a literal in UTF-8, of a session whose text comes in another character set."""
    if codec == "cp1252":
        literal = value.literal()
        if not literal.startswith(b"X'"):
            return literal  # valid UTF-8: see `readable`
    return readable(value.literal(codec), charset)


def in_place(command: int, sql: bytes, literals: list[bytes]) -> bytes:
    """Return a prepared text with its values at the placeholders; several rows of a bulk one after another."""
    if not sql:
        # The PREPARE was not captured: the values are all there is.
        return b"(" + b", ".join(literals) + b")" if literals else b""
    count = count_placeholders(sql)
    if command == COM_STMT_BULK_EXECUTE and count and len(literals) > count:
        rows = [literals[at : at + count] for at in range(0, len(literals), count)]
        return b";\n".join(place_parameters(sql, row) for row in rows)
    return place_parameters(sql, literals)


def text(data: bytes) -> str:
    """Return a name as text, UTF-8 or what else a client sent; undecodable bytes stay visible as \\xNN."""
    return data.decode("utf-8", "backslashreplace")


def _time(time_ns: int) -> int | None:
    return time_ns if time_ns >= 0 else None
