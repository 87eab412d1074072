"""Writes the table of features in docs/protocol.md: `python -m tests.feature_table`, where tshark is installed.

Of each recording in captures/depth: how many of the things that its client sent or was given are in our JSON, and how
many in all that tshark says of the same file. Zeek is not run: what it would say is read from its source (`ZEEK`).
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render
from tests.tshark import printed

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "captures" / "depth"
PAGE = ROOT / "docs" / "protocol.md"
BEGIN, END = "<!-- made by tests/feature_table.py -->\n", "<!-- end -->\n"
NAMES = sorted(path.stem for path in FOLDER.glob("*.pcapng"))
TEST = "tests/test_depth_recordings.py"
FEATURES = {
    "x-results": "statements, values and errors of X Protocol", "results": "statements, text and binary rows, errors",
    "replication": "a replica, what it is sent", "infile": "a file of the client",
    "credentials": "passwords in statements", "character-sets": "text in other character sets",
    "refused": "an error in place of a greeting", "zlib": "statements in packets compressed by zlib",
    "zstd": "statements in packets compressed by zstd", "clone": "the beginning of a CLONE: plugins of the donor",
}  # fmt: skip

ZEEK_COMMIT: Final = "a13de64fbbdb01f90961c04719b308fbbb6d199e"
ZEEK_VERSION: Final = "9.1.0-dev"
# Of the same analyzer, 9.1.0-dev differs from 8.0.10 in links, the text of one violation and that ports can be set.
ZEEK_FILES = {
    "pac": "src/analyzer/protocol/mysql/mysql-protocol.pac", "events": "src/analyzer/protocol/mysql/mysql-analyzer.pac",
    "stream": "src/analyzer/protocol/mysql/MySQL.cc", "main": "scripts/base/protocols/mysql/main.zeek",
    "consts": "scripts/base/protocols/mysql/consts.zeek", "dpd": "scripts/base/frameworks/analyzer/dpd.zeek",
    "ascii": "scripts/base/frameworks/logging/writers/ascii.zeek",
}  # fmt: skip
ZEEK_TESTS = (  # testing/btest/scripts/base/protocols/mysql, and their baselines
    "auth", "caching_sha2_password", "change-user-error", "change-user-success", "encrypted", "plain-aws-rds",
    "query-attr", "selects_with_new_proto", "show-engine-innodb-status", "wireshark",
)  # fmt: skip


class Zeek(NamedTuple):
    """What mysql.log or events have of a feature; `source` is file (a key of ZEEK_FILES), line and production."""

    says: str
    source: tuple[str, ...]


ZEEK = {
    "results": Zeek(
        "statements, error texts; error codes and text rows as events only; no names of columns, no binary rows",
        (
            "pac:529 Command_Request_Packet.arg", "pac:881 COM_QUERY expects a column count",
            "pac:898 COM_STMT_PREPARE, COM_STMT_EXECUTE expect nothing", "pac:570 Command_Response: unknown is empty",
            "pac:655 ColumnDefinition41, which no event has", "events:159 proc_resultset: mysql_result_row",
            "events:131 proc_err_packet: mysql_error", "main:16 Info", "main:103 mysql_error",
        ),
    ),
    "x-results": Zeek(
        "gives up: the first message is neither a greeting nor an error",
        (
            "pac:332 Initial_Handshake_Packet: default is ERR_Packet", "pac:704 ERR_Packet.state takes 6 bytes",
            "pac:386 Handshake_Response_Packet: versions 9 and 10", "stream:65 AnalyzerViolation",
            "dpd:104 disable_analyzer",
        ),
    ),
    "replication": Zeek(
        "bytes of COM_REGISTER_SLAVE (host, user, password) and COM_BINLOG_DUMP; nothing of what is sent",
        (
            "pac:529 Command_Request_Packet.arg", "pac:894 COM_BINLOG_DUMP, COM_REGISTER_SLAVE expect nothing",
            "pac:570 Command_Response: unknown is empty", "main:83 mysql_command_request: arg",
        ),
    ),
    "infile": Zeek(
        "the name, in the statement; the file, as a false command; then gives up: an empty packet",
        (
            "pac:588 ColumnCountMeta: 0xfb is not implemented", "pac:518 Command_Request_Packet.command is one byte",
            "consts:37 commands: unknown-N", "stream:65 AnalyzerViolation", "dpd:104 disable_analyzer",
        ),
    ),
    "credentials": Zeek(
        "the statement, not masked",
        ("pac:529 Command_Request_Packet.arg", "main:83 mysql_command_request: arg"),
    ),
    "character-sets": Zeek(
        "the statement as bytes (`\\x..` where not UTF-8), not converted; rows as events only",
        (
            "pac:529 Command_Request_Packet.arg", "pac:436 char_set, which nothing takes",
            "events:91 to_stringval", "events:159 proc_resultset: mysql_result_row", "ascii:41 enable_utf_8",
        ),
    ),
    "refused": Zeek(
        "as event only: its code, its text without the first 6 bytes",
        (
            "pac:332 Initial_Handshake_Packet: default is ERR_Packet", "pac:704 ERR_Packet.state takes 6 bytes",
            "events:131 proc_err_packet: mysql_error", "main:105 mysql_error: not without a login",
        ),
    ),
    "zlib": Zeek(
        "gives up: after the login a false `sleep` with the first statement less 3 bytes",
        (
            "pac:164 Client_Capabilities has no CLIENT_COMPRESS", "pac:305 Header of 4 bytes, never 7",
            "stream:65 AnalyzerViolation", "dpd:104 disable_analyzer",
        ),
    ),
    "zstd": Zeek(
        "gives up: after the login a false `sleep` with the first statement less 3 bytes",
        (
            "pac:422 Handshake_Plain_v10.have_zstd is read over", "pac:305 Header of 4 bytes, never 7",
            "stream:65 AnalyzerViolation", "dpd:104 disable_analyzer",
        ),
    ),
    "clone": Zeek(
        "`unknown-32`, then commands of CLONE under names of others; nothing that the donor sends",
        (
            "pac:906 set_next_expected_from_command: default", "consts:37 commands: unknown-N",
            "consts:6 commands: 1 is quit, 4 field_list, 5 create_db", "pac:885 COM_FIELD_LIST expects a column",
        ),
    ),
}  # fmt: skip


def facts(name: str) -> list[str]:
    """Return what is to be read out of a recording, as its client told it."""
    truth: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    found: list[str] = []
    for one in truth.get("statements", []):
        found += [one["sql"], *one.get("columns", [])]
        found += [value for row in one.get("values", []) for value in row if value and len(value) > 2]
        found += [str(one["error"])] if "error" in one else []
    replica = truth.get("replica", {})
    found += [replica[key] for key in ("host", "user", "password") if key in replica]
    for table, rows in truth.get("tables", {}).items():
        found += [f"{table}: {count} {kind}" for kind, count in rows.items()]
    found += [truth["file"]["name"]] if "file" in truth else []
    found += truth.get("secrets", [])
    found += truth.get("clone", {}).get("plugins", [])
    found += [str(truth["refusal"])] if "refusal" in truth else []
    return list(dict.fromkeys(found))


def port(name: str) -> int:
    return int(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["port"])


@functools.cache
def ours(name: str) -> str:
    scan = aurora_wire.scan([FOLDER / f"{name}.pcapng"], aurora_wire.ScanOptions([port(name)], keep_rows=10))
    document = json.loads("".join(render(scan, "json", ReportOptions(reveal=True))))
    tables = "".join(
        f"\n{one['schema']}.{one['table']}: {one[kind]} {kind}"
        for connection in document["connections"] for one in (connection.get("replication") or {}).get("tables", [])
        for kind in ("inserted", "updated", "deleted")
    )  # fmt: skip
    return "\n".join(strings(document)) + tables


def strings(value: Any) -> Iterator[str]:
    """Yield every text and number of a document."""
    if isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    else:
        yield str(value)


def tshark(name: str) -> str:
    """Return all that tshark says of a recording, its port being named as MySQL's."""
    told = printed(FOLDER / f"{name}.pcapng", "-n", "-d", f"tcp.port=={port(name)},mysql", "-T", "json")
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        found.extend(strings([value for _, value in pairs]))  # a key may come often

    json.loads(told.decode("utf-8", "replace"), object_pairs_hook=keep)
    return "\n".join(found)


def tshark_version() -> str:
    """Return its version, empty where it is not installed."""
    if shutil.which("tshark") is None:
        return ""
    said = subprocess.run(["tshark", "--version"], capture_output=True, check=True).stdout.decode()
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found[0] if found is not None else ""


def count(said: str, wanted: list[str]) -> int:
    return sum(one in said for one in wanted)


def table() -> str:
    rows = [
        "What is read of each recording, of all that its client sent or was given; beside it what tshark",
        f"{tshark_version()} reads, which was told the port.",
        "",
        "Zeek was not run: neither Debian nor PyPI has it. What its `mysql.log` has, and what only its events have, is",
        f"read from its source ({ZEEK_VERSION}, commit `{ZEEK_COMMIT[:10]}`; lines: `tests/feature_table.py`), as if",
        "it had been told the port. Of its own tests of MySQL, these and their baselines were looked at:",
        f"{', '.join(f'`{one}`' for one in ZEEK_TESTS[:5])},",
        f"{', '.join(f'`{one}`' for one in ZEEK_TESTS[5:])}. None of them has prepared",
        "statements, compressed packets, a file of the client, replication, CLONE or X Protocol.",
        "",
        "| feature | capture | to be read | read here | by tshark | by Zeek's source | test |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in NAMES:
        wanted = facts(name)
        feature = name.rsplit("-", 1)[0]
        rows.append(
            f"| {FEATURES[feature]} | `depth/{name}` | {len(wanted)} | {count(ours(name), wanted)} | "
            f"{count(tshark(name), wanted)} | {ZEEK[feature].says} | `{TEST}` |"
        )
    return "\n".join(rows) + "\n"


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
