"""TLS on a port that is nobody's for certain: said, with the option that has it judged."""

from __future__ import annotations

from pathlib import Path

import pytest

import aurora_wire
from tests.conversations.sessions import play, since, tls13
from tests.conversations.tcp import Conversation, pcap


@pytest.mark.parametrize(("port", "is_said"), [(13400, True), (3307, True), (443, False)])
def test_tls_from_the_first_byte_on_another_port_is_said(port: int, is_said: bool, tmp_path: Path) -> None:
    talk = play(since(tls13(), "client-hello"), Conversation(server=("10.0.0.9", port)))
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(talk.packets))
    closing = aurora_wire.scan([path]).closing
    assert (f"1 TLS connection to :{port}; if that is MySQL's, --port +{port}." in closing) is is_said
    assert aurora_wire.scan([path], ports=[3306, port]).verdict == "encrypted"
