"""Whatever part of a capture there is, nothing of what it carried is in the masked one.

Every capture of lab, corpus and field is cut at each frame (it begins there), with each frame lost, and with each
direction alone. That is some 11,000 captures with something to lose: a run takes a sample of them, the same each
time. All of them, in a few minutes with the compiled core:
`AURORA_WIRE_ALL_CUTS=1 pytest tests/redact/test_cut_captures.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from aurora_wire import binary as reads
from aurora_wire import scan
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.packets import packets
from aurora_wire.errors import CaptureError
from aurora_wire.redact.capture import redact_capture
from aurora_wire.redact.masker import Masker
from aurora_wire.redact.sql import redact_sql
from tests.conftest import SHARED
from tests.conversations.tcp import write_anew

EVERY = 1 if os.environ.get("AURORA_WIRE_ALL_CUTS") == "1" else 5 if not reads.__file__.endswith(".py") else 40
PORTS = (3306, 33060, 3307, 3316, 3317, 3326)
SHORTEST = 6
# Words that stand in literals and say nothing: names that greeting, login and every server have, too.
HARMLESS = re.compile(
    rb"(?i)\A(utf8\w*|latin\w+|utf-8|binary|ascii|Ssl_%?\w*|\w*general_ci|mysql_\w+|caching_sha2_password|labdb|"
    rb"sql_mode|time_zone|SYSTEM|character_set\w*|collation\w*|performance_schema|information_schema|\*+|"
    rb"Ssl\\_.*|autocommit|max_allowed_packet|STRICT_TRANS_TABLES|system_time_zone|tx_isolation|lower_case_table_names"
    rb"|[+]02:00|lab_attribute|init_connect|wait_timeout|interactive_timeout|net_buffer_length|net_write_timeout|transaction_isolation|"
    rb"REPEATABLE-READ|mysql_native_password|READ[ -]COMMITTED)\Z"
)
LITERAL = re.compile(rb"""'((?:[^'\\]|\\.|'')*)'|"((?:[^"\\]|\\.|"")*)"|\b(\d{6,})\b""", re.DOTALL)


def literals(sql: bytes) -> Iterator[bytes]:
    for found in LITERAL.finditer(sql):
        yield found[1] or found[2] or found[3] or b""


@cache
def truths() -> dict[str, list[bytes]]:
    """What must not be left of each capture: by its path below ../shared."""
    found: dict[str, list[bytes]] = {}
    for room in ("lab", "field"):
        for line in (SHARED / room / "TRUTH.jsonl").read_text().splitlines():
            truth = json.loads(line)
            words = [word.encode() for word in truth.get("redacted_away", [])]
            if truth.get("canary"):
                words.append(truth["canary"].encode())
            words += [b"lab-Secret-1", b"lab-Secret-2"] if room == "lab" else []
            texts = [*truth.get("statements", []), *truth.get("contains", [])]
            told = truth.get("commands", [])
            texts += [one["text"] for one in told if one["command"] in ("Query", "Execute", "Prepare")]
            for text in texts if isinstance(texts, list) else []:
                words += literals(str(text).encode())
            found[f"{room}/{truth['file']}"] = words
    return found


def gone(path: Path, data: bytes) -> list[bytes]:
    """The values of a capture that are in it as they are, or compressed."""
    words = set(truths().get(str(path.relative_to(SHARED)), []))
    with contextlib.suppress(CaptureError):
        for connection in scan([path], ScanOptions(PORTS)).connections:
            for statement in connection.statements:
                shown = redact_sql(statement.sql)
                for run in re.finditer(rb"\*{6,}", shown):
                    words |= set(literals(statement.sql)) if b"'" in statement.sql else {
                        statement.sql[run.start() : run.end()]
                    }  # fmt: skip
                for parameter in statement.parameters:
                    words |= set(literals(parameter.value))
    there = data + inflated(data)
    return sorted(
        word for word in words if len(word) >= SHORTEST and not HARMLESS.match(word) and word in there and
        word.strip(b"*") and word.strip(b"\0") and b"`" + word + b"`" not in data  # a table's name, which stays
    )


def inflated(data: bytes) -> bytes:
    """All that zlib makes of any place in a capture."""
    found, at = [], data.find(b"\x78")
    while at >= 0:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            with contextlib.suppress(zlib.error):
                found.append(zlib.decompressobj().decompress(data[at:], 1 << 20))
        at = data.find(b"\x78", at + 1)
    return b"\n".join(found)


def records(data: bytes) -> list[bytes] | None:
    """The records of a little-endian pcap; None for all else."""
    if data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return None
    found, at = [], 24
    while at + 16 <= len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        found.append(data[at:end])
        at = end
    return found


def cuts(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every part: what it is, and its bytes."""
    yield "whole", data
    found = records(data)
    if found is None:
        return
    head = data[:24]
    views = list(packets([path], ScanOptions(PORTS)))
    for name, wanted in (("client alone", True), ("server alone", False)):
        yield name, head + b"".join(
            record for record, view in zip(found, views, strict=False) if view.from_client in (wanted, None)
        )
    for number in range(len(found)):
        yield f"without frame {number + 1}", head + b"".join(found[:number] + found[number + 1 :])
        if number:
            yield f"from frame {number + 1} on", head + b"".join(found[number:])


def captures() -> list[Path]:
    if not SHARED.is_dir():
        return []
    rooms = [SHARED / room for room in ("lab", "corpus", "field")]
    found = [path for room in rooms for path in room.rglob("*.pcap*") if path.stat().st_size < 1 << 20]
    return sorted(path for path in found if not path.name.startswith("not-mysql-"))  # named protocols stay


def test_no_cut_leaves_a_value(shared: Path, tmp_path: Path) -> None:
    """Where a capture cannot be read, or has nothing to lose, there is nothing to test."""
    number = 0
    left: list[str] = []
    source, target = tmp_path / "in", tmp_path / "out"
    masker = Masker(b"k" * 32)
    for path in captures():
        data = path.read_bytes()
        words = gone(path, data)
        if not words:
            continue
        for what, part in cuts(path, data):
            number += 1
            if number % EVERY and what != "whole":
                continue
            write_anew(source, part)
            try:
                redact_capture(str(source), str(target), masker, ScanOptions(PORTS))
            except CaptureError:
                continue
            masked = target.read_bytes()
            assert len(masked) <= len(part)
            there = masked + inflated(masked)
            found = [word for word in words if word in there]
            if found:
                left.append(f"{path.relative_to(shared)}, {what}: {found}"[:300])
    assert number > 10_000
    assert not left, "\n".join(left[:50])
