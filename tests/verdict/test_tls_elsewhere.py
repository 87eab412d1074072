"""TLS on a port that is nobody's for certain: said, with the option that has it judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.report.scan_json import render
from aurora_wire.verdict.result import is_loopback
from tests.conversations.sessions import plaintext, play, since, tls13
from tests.conversations.tcp import Conversation, pcap


@pytest.mark.parametrize(("port", "is_said"), [(13400, True), (3307, True), (443, False)])
def test_tls_from_the_first_byte_on_another_port_is_said(port: int, is_said: bool, tmp_path: Path) -> None:
    talk = play(since(tls13(), "client-hello"), Conversation(server=("10.0.0.9", port)))
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(talk.packets))
    closing = aurora_wire.scan([path]).closing
    assert (f"1 TLS connection to :{port}; if that is MySQL's, --port +{port}." in closing) is is_said
    told = json.loads("".join(render(aurora_wire.scan([path]))))
    assert told["tls_ports"] == {str(port): 1}
    assert aurora_wire.scan([path], aurora_wire.ScanOptions([3306, port])).verdict == "encrypted"


@pytest.mark.parametrize(("host", "inside"), [("127.0.0.1", True), ("10.0.0.9", False)])
def test_a_leg_on_the_loopback_is_said_to_be_one(host: str, inside: bool, tmp_path: Path) -> None:
    talk = play(plaintext(), Conversation(client=("127.0.0.1", 50000), server=(host, 3306)))
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(talk.packets))
    (told,) = json.loads("".join(render(aurora_wire.scan([path]))))["connections"]
    assert told.get("loopback", False) is inside


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["10.127.0.1", "128.0.0.1", "::", "fd00::1", "::ffff:10.0.0.1"])
def test_other_addresses(address: str) -> None:
    assert not is_loopback(address)
