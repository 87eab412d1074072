"""Masked captures of every encapsulation: what was inside goes, and addresses that are not reached are not left."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.wire.net.encapsulations import FRAMES, Frame
from tests.wire.net.stacks import CLIENT_V4, SERVER_V4
from tests.wire.net.test_link_judged import write_pcap

OF_V4 = [frame for frame in FRAMES if frame.kind == "ipv4"]


@pytest.mark.parametrize("frame", OF_V4, ids=[frame.id for frame in OF_V4])
def test_nothing_of_a_statement_is_left(frame: Frame, tmp_path: Path) -> None:
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    write_pcap(source, [frame.bytes], frame.link)
    # The statement lacks its last byte, so that all of it is blanked, and what is left may be judged otherwise.
    assert main(["redact", str(source), str(target), "--force"]) in (0, 1)
    masked = target.read_bytes()[40:]
    assert len(masked) == len(frame.bytes)
    assert b"canary" in frame.bytes
    assert b"canary" not in masked


@pytest.mark.parametrize("frame", OF_V4, ids=[frame.id for frame in OF_V4])
def test_no_address_is_left_behind_pseudonyms(frame: Frame, tmp_path: Path) -> None:
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    write_pcap(source, [frame.bytes], frame.link)
    code = main(["redact", str(source), str(target), "--pseudonymise"])
    if code == 2:
        assert not target.exists()
        return
    left = target.read_bytes()[40:]
    hosts = [ipaddress.ip_address(one).packed for one in (CLIENT_V4, SERVER_V4, "192.0.2.1", "192.0.2.2")]
    for address in [*hosts, bytes.fromhex("02000000000a"), bytes.fromhex("0a000000000b")]:
        assert address not in left
