"""TLS 1.3 with tags of 8 bytes (TLS_AES_128_CCM_8_SHA256): its records may be shorter than those of other suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import Conversation, tls
from tests.conversations.judge import scan_of
from tests.conversations.sessions import conversation_inside, opening
from tests.conversations.tcp import Sender

CCM_8 = 0x1305
TAG = 8


def session(suite: int, close: int) -> Conversation:
    """A clean session whose close_notify alert is a record of `close` bytes."""
    talk = Conversation()
    talk.syn()
    for step in opening():
        talk.say(step.sender, step.payload)
    steps: list[tuple[Sender, bytes]] = [
        ("client", tls.client_hello(suites=(suite,))),
        ("server", tls.server_hello(suite=suite)),
        ("server", tls.change_cipher_spec() + tls.data("flight", 900) + tls.data("server finished", 69 - TAG)),
        ("client", tls.change_cipher_spec() + tls.data("finished", 69 - TAG)),
    ]
    for sender, payload in steps:
        talk.say(sender, payload)
    for step in conversation_inside():
        talk.say(step.sender, step.payload)
    talk.client(tls.data("close notify", close))
    talk.fin()
    return talk


@pytest.mark.parametrize(("suite", "close", "confidence"), [
    (CCM_8, 2 + 1 + TAG, "proven"),
    (CCM_8, TAG, "likely"),
    (tls.AES_256_GCM_1_3, 2 + 1 + 16, "proven"),
    (tls.AES_256_GCM_1_3, 2 + 1 + TAG, "likely"),
])  # fmt: skip
def test_a_record_is_as_long_as_its_suite_asks_for(suite: int, close: int, confidence: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, session(suite, close))
    assert (result.verdict, result.confidence) == ("encrypted", confidence)
