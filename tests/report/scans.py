"""Scans made by hand, for the tests of reports: one of each sort, and any that hypothesis thinks of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.verdict.result import (
    CaptureResult,
    Confidence,
    ConnectionResult,
    Coverage,
    DecryptionResult,
    Endpoint,
    Parameter,
    Reason,
    Scan,
    StatementGroup,
    StatementResult,
    TLSResult,
    Undecoded,
    Verdict,
)
from aurora_wire.verdict.rules.capture import BYTES_MISSING, FILE_DAMAGED
from aurora_wire.verdict.rules.leaks import SQL_IN_CLEAR
from aurora_wire.verdict.rules.negotiation import PLAINTEXT_AFTER_TLS
from aurora_wire.verdict.rules.registry import RULES, finding

START = 1_615_971_601_000_000_000  # 2021-03-17 09:00:01 UTC
MS = 1_000_000
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
HOSTILE = "bob\x1b[2J\x1b]0;pwned\x07\x9b31m\u202e\ud800\n<b>"


def capture(path: str = "night.pcap", **changes: object) -> CaptureResult:
    result = CaptureResult(
        path,
        "pcap",
        None,
        SHA,
        41_232,
        packets=60,
        first_time_ns=START,
        last_time_ns=START + 5_250 * MS,
        link_types=["EN10MB"],
    )
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def statement(sql: bytes, frame: int = 9, **changes: object) -> StatementResult:
    result = StatementResult("COM_QUERY", sql, frame, START + frame * MS, offset=97, length=len(sql))
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def connection(
    number: int, verdict: Verdict, confidence: Confidence | None = "proven", **changes: object
) -> ConnectionResult:
    result = ConnectionResult(
        number,
        Endpoint("10.0.0.5", 50_150 + number),
        Endpoint("10.0.0.9", 3306),
        verdict,
        confidence,
        "structure" if verdict == "encrypted" else None,
        "MySQL",
        1 + number * 10,
        9 + number * 10,
        START,
        START + 900 * MS,
        9,
        server_version="8.0.36",
        thread_id=10 + number,
        user="app",
        database="shop",
    )
    if verdict in ("encrypted", "mixed"):
        result.tls = TLSResult("TLSv1.3", "TLS_AES_256_GCM_SHA384", None, [], False, ["TLSv1.3", "TLSv1.2"])
        result.client_coverage = Coverage(seen=900, tls=864, unprotected_by_design=36)
        result.server_coverage = Coverage(seen=5_200, tls=5_122, unprotected_by_design=78)
    if verdict in ("plaintext", "mixed"):
        result.client_coverage.seen += 1_204
        result.client_coverage.plaintext += 1_204
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def scan(*connections: ConnectionResult, **changes: object) -> Scan:
    by_verdict: dict[str, int] = {}
    for c in connections:
        by_verdict[c.verdict] = by_verdict.get(c.verdict, 0) + 1
    result = Scan(
        "encrypted",
        "proven",
        [capture()],
        list(connections),
        len(connections),
        by_verdict,
        {},
        [],
        {},
        [],
        "All connections were encrypted.",
        [3306, 33060],
        "0.1.0",
        0,
    )
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def encrypted() -> Scan:
    return scan(
        connection(1, "encrypted"),
        connection(2, "encrypted"),
        closing="0 of 2 connections in the clear; 100.0% of the bytes decoded; no gaps.",
    )


def leaky() -> Scan:
    """A plaintext, a mixed, an encrypted one with a gap and one that never logged in; findings and losses."""
    plain = connection(
        1,
        "plaintext",
        statements_total=3,
        commands={"COM_QUERY": 2, "COM_STMT_EXECUTE": 1},
        auth_plugin="mysql_native_password",
        attributes={"_os": "Linux", "program_name": "mysql"},
    )
    plain.statements = [
        statement(b"INSERT INTO customers (name, card) VALUES ('Alice', '4111 1111 1111 1111')", 15),
        statement(b"SELECT '\xff\x00' FROM t", 16),
        statement(
            b"UPDATE t SET a = 7 WHERE b = 'x'",
            17,
            command="COM_STMT_EXECUTE",
            parameters=[Parameter("LONGLONG", b"7"), Parameter("VAR_STRING", b"'x'", b"tag")],
        ),
    ]
    mixed = connection(2, "mixed", "likely", statements_total=1, user="report")
    mixed.reasons = [
        Reason("plaintext_after_tls", "a command after the TLS records ended", 28, "client", 1_810)
    ]
    mixed.statements = [statement(b"SELECT 1", 28, complete=False)]
    gap = connection(3, "encrypted", "likely")
    gap.reasons = [Reason("gap", "1,448 bytes from the server are missing", 37, "server", 5_120)]
    gap.server_coverage.missing = 1_448
    idle = connection(4, "no-session", user=None, database=None)
    idle.reasons = [Reason("certificate-refused", "the client refused the certificate", 46, "client", 40)]
    found = [
        finding(SQL_IN_CLEAR, "3 statements", connection=1, frame=15, offset=97),
        finding(SQL_IN_CLEAR, "1 statement", connection=2, frame=28, offset=1_810),
        finding(
            PLAINTEXT_AFTER_TLS, "COM_QUERY after 12 records", connection=2, frame=28, offset=1_810
        ),
        finding(BYTES_MISSING, "1,448 bytes", connection=3, frame=37, offset=5_120),
        finding(FILE_DAMAGED, "late.pcap breaks off at offset 2048"),
    ]
    late = capture(
        "late.pcap",
        first_frame=61,
        packets=4,
        sha256="0" * 64,
        bytes=2_048,
        complete=False,
        error="offset 2048: cut in a packet of 1500 bytes",
        compression="gzip",
        truncated_packets=2,
        dropped_packets=12,
        skipped={"IPv6 UDP": 2, "ARP": 3},
    )
    return scan(
        plain,
        mixed,
        gap,
        idle,
        verdict="mixed",
        captures=[
            capture(verdict="mixed", confidence="proven"), replace(late, verdict="not-mysql", confidence=None)
        ],
        findings=found,
        findings_total={"AW101": 2, "AW203": 1, "AW501": 1, "AW506": 1},
        not_mysql={"SSH": 1, "HTTP": 2},
        undecoded=[
            Undecoded("gap", 1, "connections", 1_448, "tcpdump -B 65536 -s 0 -w FILE"),
            Undecoded("cut by snaplen", 2, "packets", None, "tcpdump -s 0 -w FILE"),
        ],
        closing="2 of 4 connections crossed in the clear, with 4 statements; at most 1,448 bytes unobserved.",
        exit_code=1,
    )


def undated() -> Scan:
    """The article's first dump: one packet, a time of day and no date."""
    at = (9 * 3600 + 61) * 1_000_000_000
    plain = connection(
        1,
        "plaintext",
        first_frame=1,
        last_frame=1,
        packets=1,
        first_time_ns=at,
        last_time_ns=at,
        statements_total=1,
        server_version=None,
        thread_id=None,
        user=None,
        database=None,
    )
    plain.statements = [statement(b"INSERT INTO t VALUES ('secret')", 1, time_ns=at)]
    shown = capture(
        "1.txt",
        format="text",
        packets=1,
        undated=True,
        first_time_ns=at,
        last_time_ns=at,
        bytes=900,
        link_types=["RAW"],
    )
    return scan(
        plain,
        captures=[shown],
        verdict="plaintext",
        exit_code=1,
        closing="1 of 1 connections crossed in the clear, with 1 statement.",
    )


def hostile() -> Scan:
    """Control codes in everything that the wire or a file name can fill."""
    plain = connection(
        1,
        "plaintext",
        user=HOSTILE,
        database=HOSTILE,
        server_version=HOSTILE,
        statements_total=1,
        auth_plugin=HOSTILE,
        attributes={HOSTILE: HOSTILE},
        protocol=HOSTILE,
    )
    plain.statements = [statement(HOSTILE.encode("utf-8", "surrogatepass"), 15)]
    inside = DecryptionResult(2, 1, 1, 1, None, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    inside.statements, inside.statements_total = [statement(HOSTILE.encode("utf-8", "surrogatepass"), 16)], 1
    plain.tls = TLSResult("TLSv1.2", "TLS_RSA_WITH_RC4_128_SHA", HOSTILE, [HOSTILE], decrypted=inside)
    plain.reasons = [Reason("early-error", HOSTILE)]
    likely = connection(2, "encrypted", "likely", reasons=[Reason("gap", HOSTILE)], user=HOSTILE)
    return scan(
        plain,
        likely,
        verdict="mixed",
        exit_code=1,
        closing=HOSTILE,
        not_mysql={HOSTILE: 1},
        captures=[
            capture(HOSTILE, error=HOSTILE, complete=False, skipped={HOSTILE: 1}, link_types=[HOSTILE])
        ],
        findings=[finding(SQL_IN_CLEAR, HOSTILE, connection=1, frame=15)],
        findings_total={"AW101": 1},
        undecoded=[Undecoded(HOSTILE, 1, "connections", None, HOSTILE)],
        keylogs=[KeyLogResult(HOSTILE, 2, 1, 1, 1)],
    )


_text = st.text(st.characters(codec=None), max_size=12)
_count = st.integers(0, 2**40)
_maybe = st.none() | _count
_frame = st.integers(1, 2**31)
_time = st.none() | st.integers(-(2**63), 2**63)
_counts = st.dictionaries(_text, _count, max_size=3)
_coverage = st.builds(Coverage, *([_count] * 7))
_endpoint = st.builds(Endpoint, _text, st.integers(0, 65_535))
_reason = st.builds(
    Reason,
    st.sampled_from(["gap", "mid-stream"]),
    _text,
    _maybe,
    st.sampled_from(["client", "server", None]),
    _maybe,
)
_parameter = st.builds(
    Parameter, st.sampled_from(["LONGLONG", "BLOB"]), st.binary(max_size=8), st.binary(max_size=4)
)
_statement = st.builds(
    StatementResult,
    st.sampled_from(["COM_QUERY", "COM_INIT_DB", "COM_STMT_EXECUTE"]),
    st.binary(max_size=40),
    _frame,
    _time,
    _count,
    _count,
    st.lists(_parameter, max_size=2),
    st.booleans(),
    st.booleans(),
)
_opened = st.builds(
    DecryptionResult,
    *([_count] * 4),
    *([st.none() | _text] * 6),
    st.sampled_from(["zlib", "zstd", None]),
    st.dictionaries(_text, _count, max_size=2),
    st.lists(_statement, max_size=2),
    _count,
)
_keylog = st.builds(KeyLogResult, _text, *([_count] * 4))
_tls = st.builds(
    TLSResult,
    st.none() | _text,
    st.none() | _text,
    st.none() | _text,
    st.lists(_text, max_size=2),
    st.none() | st.booleans(),
    st.lists(_text, max_size=2),
    st.none() | _opened,
)
VERDICTS: list[Verdict] = ["plaintext", "encrypted", "mixed", "no-session", "inconclusive", "not-mysql"]
_verdict = st.sampled_from(VERDICTS)
_confidence = st.sampled_from(["proven", "likely", None])
_maybe_text = st.none() | _text
_connection = st.builds(
    ConnectionResult,
    _count,
    _endpoint,
    _endpoint,
    _verdict,
    _confidence,
    st.sampled_from(["structure", None]),
    _text,
    _frame,
    _frame,
    _time,
    _time,
    _count,
    st.lists(_reason, max_size=2),
    _coverage,
    _coverage,
    _maybe_text,
    _maybe,
    _maybe_text,
    _maybe_text,
    _maybe_text,
    st.dictionaries(_text, _text, max_size=2),
    _maybe_text,
    st.none() | _tls,
    st.lists(_statement, max_size=3),
    _count,
    _counts,
)
_finding = st.builds(
    finding, st.sampled_from(list(RULES)), _text, connection=_maybe, frame=_maybe, offset=_maybe
)
_capture = st.builds(
    CaptureResult,
    _text,
    _text,
    _maybe_text,
    st.none() | st.just(SHA),
    _count,
    _count,
    _frame,
    _time,
    _time,
    st.booleans(),
    st.booleans(),
    _maybe_text,
    _count,
    _maybe,
    st.lists(_text, max_size=2),
    _counts,
)
_undecoded = st.builds(Undecoded, _text, _count, _text, _maybe, _text)
any_scan: st.SearchStrategy[Scan] = st.builds(
    Scan,
    _verdict,
    _confidence,
    st.lists(_capture, max_size=2),
    st.lists(_connection, max_size=3),
    _count,
    st.dictionaries(_verdict, _count),
    _counts,
    st.lists(_finding, max_size=3),
    st.dictionaries(st.sampled_from(list(RULES)), _count, max_size=3),
    st.lists(_undecoded, max_size=2),
    _text,
    st.lists(st.integers(0, 65_535), max_size=3),
    _text,
    st.sampled_from([0, 1, 3]),
    st.lists(_keylog, max_size=2),
)


def grouped() -> Scan:
    """One plaintext connection whose statements were counted in groups, of several sorts."""
    plain = connection(1, "plaintext", statements_total=1_252)
    made = scan(plain, verdict="plaintext")
    made.groups = [
        StatementGroup(
            b"INSERT INTO customers(name, card) VALUES (...)", "COM_QUERY", 1_234, 98_720, 15, START + 15 * MS,
            START + 86_400_000 * MS, b"INSERT INTO customers (name, card) VALUES ('Alice', '4111 1111 1111 1111')",
            connections=12, leaked={"card": 1_234, "email": 1}, tables=["customers"],
            columns=["customers.name", "customers.card"],
        ),
        StatementGroup(
            b"SELECT * FROM t WHERE \xff = ?", "COM_STMT_EXECUTE", 1, 20, 16, None, None, b"SELECT 'Alice\xff", False
        ),
        StatementGroup(
            b"GRANT ALL ON *.* TO app@localhost", "COM_QUERY", 2, 66, 17, START, START + MS,
            b"GRANT ALL ON *.* TO app@localhost",
        ),
        StatementGroup(b"", "COM_INIT_DB", 4, 16, 18, START, START, b"shop"),
        StatementGroup(b"", "COM_STMT_EXECUTE", 4, 0, 19, START, START, b""),
    ]  # fmt: skip
    made.not_grouped = 7
    return made
