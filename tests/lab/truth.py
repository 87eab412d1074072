"""What TRUTH.jsonl says of each capture of the lab, and each capture's scan (made once)."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import aurora_wire
from aurora_wire.verdict.result import ConnectionResult, Scan, StatementResult
from tests.conftest import SHARED

LAB = SHARED / "lab"
TEXTS = ("COM_QUERY", "COM_STMT_PREPARE")
CUT = re.compile(r"(.*) \[\.\.\. (\d+) characters in all, SHA-256 ([0-9a-f]{64}) \.\.\.\] (.*)", re.DOTALL)
IANA = {
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
}


@dataclass(frozen=True)
class Truth:
    file: str
    line: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.line["verdict"])

    @property
    def port(self) -> int:
        return int(self.line["port"])

    @property
    def is_x_protocol(self) -> bool:
        return self.port == 33060

    @property
    def is_mysql(self) -> bool:
        return "not-mysql" not in self.file

    @property
    def is_midstream(self) -> bool:
        return "midstream" in self.file

    @property
    def snaplen(self) -> int | None:
        found = re.search(r"snaplen-(\d+)", self.file)
        return int(found[1]) if found else None

    @property
    def cipher(self) -> str | None:
        tls = self.line["tls"]
        return IANA.get(tls["cipher"], tls["cipher"]) if tls else None

    @property
    def clear_statements(self) -> list[str]:
        """The texts that crossed in the clear, in order. Of two connections, those of the one without TLS.

        Where the server's log is not what crossed:
        - MySQL 9.7's command line asks `select $$` after its first statement (are dollar quotes known?); it
          is in the packets, and the server refuses it before it logs;
        - MySQL prepares a statement a second time by itself when its parameters' types become known, and logs
          that as another Prepare. One COM_STMT_PREPARE crossed (connpy-types).
        """
        if self.verdict == "plaintext":
            texts = list(self.line["statements"])
            if self.file == "mysql-9.7/connpy-types.pcap":
                return texts[:3] + texts[3:9:2] + texts[9:]
            if texts and texts[0] == "select @@version_comment limit 1" and self.line["client"].startswith("mysql "):
                texts.insert(1, "select $$")
            return texts
        if self.verdict == "mixed":
            return [
                command["text"]
                for command in self.line["commands"]
                if command["command"] in {"Query", "Prepare"}
                and self.line["transports"][str(command["connection"])] == "clear"
            ]
        return []


def load() -> list[Truth]:
    path = LAB / "TRUTH.jsonl"
    if not path.is_file():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Truth(line["file"], line) for line in lines]


TRUTH = load()


@functools.cache
def scanned(file: str) -> Scan:
    truth = next(one for one in TRUTH if one.file == file)
    ports = (3306, 33060, truth.port) if truth.is_mysql else (3306, 33060)
    return aurora_wire.scan([str(LAB / file)], aurora_wire.ScanOptions(ports))


def sessions(result: Scan) -> list[ConnectionResult]:
    return [one for one in result.connections if one.verdict not in {"no-session", "not-mysql"}]


def texts(result: Scan) -> list[StatementResult]:
    found = [one for connection in result.connections for one in connection.statements if one.command in TEXTS]
    return sorted(found, key=lambda one: (one.frame, one.offset))


def same_text(sql: bytes, truth: str) -> bool:
    """Servers log a statement without the whitespace around it (Django indents some of its own)."""
    cut = CUT.fullmatch(truth)
    if cut is None:
        return sql.strip() == truth.encode()
    whole = sql.decode()
    return (
        len(whole) == int(cut[2])
        and hashlib.sha256(sql).hexdigest() == cut[3]
        and whole.startswith(cut[1])
        and whole.endswith(cut[4])
    )
