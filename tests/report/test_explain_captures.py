"""Explanations of recorded frames, with the labels that the engine gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_wire.analysis.packets import packets
from aurora_wire.report.escape import show_text
from aurora_wire.report.packets.explain.frame import explain


def _explanations(capture: Path) -> str:
    """Of all frames, one after the other."""
    lines = []
    for view in packets([capture]):
        lines += explain(
            view.data, view.link_type, list(view.spans), view.from_client, None, view.codec, view.packets
        )
    return "\n".join(lines)


@pytest.mark.parametrize("name", ["cable-plain.pcap", "any-interface.pcap"])
def test_every_statement_of_a_plaintext_capture_is_read_out(shared: Path, name: str) -> None:
    lab = shared / "lab"
    truths = [json.loads(line) for line in (lab / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines()]
    statements = next(truth["statements"] for truth in truths if truth["file"] == f"wire/{name}")
    text = _explanations(lab / "wire" / name)
    assert statements
    for statement in statements:
        assert f"statement: {show_text(statement)}\n" in text
    assert "MySQL greeting (server to client)" in text
    assert "user: lab" in text


def test_of_an_encrypted_capture_only_the_handshake_is_read_out(shared: Path) -> None:
    text = _explanations(shared / "lab" / "wire" / "cable-tls13.pcap")
    assert "agrees to TLSv1.3" in text
    assert "what is inside cannot be read without the keys" in text
    assert "These are all 32 bytes: no user, no password, no database." in text
    assert "statement: " not in text
    assert "user: " not in text
