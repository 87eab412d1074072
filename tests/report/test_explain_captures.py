"""Explanations of recorded frames, with the labels that the engine gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_wire.report.escape import show_text
from aurora_wire.report.explain import explain
from aurora_wire.wire.engine import Engine
from tests.report.tcpdump_runs import read_capture


def _explanations(capture: Path, scratch: Path) -> str:
    """Of all frames, one after the other."""
    records = read_capture(capture, scratch)
    engine = Engine([3306, 33060], want_labels=True)
    for record in records:
        engine.feed(record.frame, 0, len(record.frame), record.original_len, record.time_ns, record.link_type)
    engine.finish()
    lines = []
    for labelled in sorted(engine.labelled, key=lambda item: item.frame):
        record = records[labelled.frame - 1]
        spans = [(span.start, span.end, span.label) for span in labelled.spans]
        spans = spans or [(0, len(record.frame), labelled.label)]
        lines += explain(record.frame, record.link_type, spans, labelled.from_client == 1, None)
    return "\n".join(lines)


@pytest.mark.parametrize("name", ["cable-plain.pcap", "any-interface.pcap"])
def test_every_statement_of_a_plaintext_capture_is_read_out(shared: Path, tmp_path: Path, name: str) -> None:
    lab = shared / "lab"
    truths = [json.loads(line) for line in (lab / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines()]
    statements = next(truth["statements"] for truth in truths if truth["file"] == f"wire/{name}")
    text = _explanations(lab / "wire" / name, tmp_path)
    assert statements
    for statement in statements:
        assert f"statement: {show_text(statement)}\n" in text
    assert "MySQL greeting (server to client)" in text
    assert "user: lab" in text


def test_of_an_encrypted_capture_only_the_handshake_is_read_out(shared: Path, tmp_path: Path) -> None:
    text = _explanations(shared / "lab" / "wire" / "cable-tls13.pcap", tmp_path)
    assert "agrees to TLSv1.3" in text
    assert "what is inside cannot be read without the keys" in text
    assert "These are all 32 bytes: no user, no password, no database." in text
    assert "statement: " not in text
    assert "user: " not in text
