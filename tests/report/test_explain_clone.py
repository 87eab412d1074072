"""Packets of CLONE in words, also where COM_CLONE was not captured; no bytes break it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.decoding import labels
from tests.conversations import Conversation
from tests.conversations.judge import write
from tests.report.test_explain import explained
from tests.report.test_explain_captures import _explanations
from tests.wire.mysql import clone_packets as made


def told(packet: bytes, *, from_client: bool = False) -> str:
    return explained(packet, labels.CLONE_DATA, from_client=from_client)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (made.locators(), ["locators: which copy", "version of CLONE's protocol: 0x0103"]),
        (made.descriptor(), ["descriptor: what the next", "storage engine 12 (InnoDB)", "about a block of data\n"]),
        (made.descriptor(made.FILE), ["about a file\n", "version 100\n", "length with this header: 52 bytes\n"]),
        (made.data(b"secret"), ["data of a file\n", "6 bytes of the data folder"]),
        (made.named(4, b"InnoDB"), ["a plugin of the donor\n", "name InnoDB\n"]),
        (made.named(7, b"clone", b"mysql_clone.so"), ["name clone\n", "library mysql_clone.so\n"]),
        (made.named(5, b"version", b"9.7.4"), ["a setting of the donor\n", "name version\n", "value 9.7.4\n"]),
        (made.named(6, b"latin1_bin"), ["a collation of the donor\n", "name latin1_bin\n"]),
        (made.complete(), ["complete: the answer ends here\n"]),
        (made.error(3862, b"Donor \x1b[2J"), ["error: the donor refuses", "error 3862\n", "message: Donor \\x1b[2J"]),
        (made.sent(b"\x21abc"), ["33: not known here"]),
    ],
)
def test_an_answer_is_told_field_by_field(packet: bytes, words: list[str]) -> None:
    shown = told(packet)
    assert all(one in shown for one in ["MySQL clone data (server to client)", *words]), shown


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (made.init(), ["init: begin to clone", "may wait 300 s"]), (made.init(2), ["attach: one more"]),
        (made.init(3), ["reinit: go on"]), (made.execute(), ["execute: send the files\n"]),
        (made.ack(), ["ack: a stage", "no error"]), (made.ack(1317), ["error of the recipient: 1317"]),
        (made.leave(), ["exit: the copy ends"]),
    ],
)  # fmt: skip
def test_a_command_is_told_by_its_name(packet: bytes, words: list[str]) -> None:
    shown = told(packet, from_client=True)
    assert all(one in shown for one in words), shown


def test_packets_of_a_clone_in_mid_stream_are_named(tmp_path: Path) -> None:
    talk = Conversation(server=("10.0.0.9", 6033))
    talk.client(made.ack())
    talk.server(made.complete())
    talk.client(made.execute())
    talk.server(made.descriptor() + made.data(b"file" * 9))
    shown = _explanations(write(tmp_path / "clone.pcap", talk))
    for words in ("ack: a stage", "complete: the", "execute: send", "descriptor: what", "data of a file"):
        assert words in shown
    assert "binary log" not in shown


@given(st.binary(max_size=60), st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 99, 100, 200]), st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_no_packet_breaks_it(body: bytes, kind: int, cut: int) -> None:
    whole = made.sent(bytes([kind]) + body)
    for from_client in (True, False):
        told(whole[: max(len(whole) - cut, 1)], from_client=from_client)
