"""A stranger whose frames have the shape of a command's packet is no client: what stands before a login must tell."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import SECRET, Step

HELLO = b"\x10isMaster\0\1\0\0\0\0"
MONGO = struct.pack("<IIi", 0, 2004, 0) + b"admin.$cmd\0" + struct.pack("<iii", 0, -1, 4 + len(HELLO)) + HELLO
FRAMES = {
    "Cassandra's OPTIONS": bytes.fromhex("040000000500000000"),
    **{f"MongoDB's request {number}": struct.pack("<II", len(MONGO) + 8, number) + MONGO for number in range(1, 33)},
    "a length of 32 bits, type 3": struct.pack("<IB", 21, 3) + bytes(range(1, 21)),
    "the same, type 2": struct.pack("<IB", 7, 2) + b"lookup",
    "the same, nothing in it": struct.pack("<IB", 1, 5),
}


@pytest.mark.parametrize(("first", "sizes"), [("server", None), ("server", 3), ("client", None)])
@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_other_protocols_are_no_commands(
    name: str, first: str, sizes: int | None, tmp_path: Path
) -> None:
    steps = [Step("greeting", "server", mysql.greeting()), Step("frame", "client", FRAMES[name])]
    if first == "client":
        steps.reverse()
    refusal = Step("refusal", "server", mysql.err(1047, b"Unknown command", seq=1))
    result = scan_of(tmp_path, play([*steps, refusal], sizes=sizes))
    assert (result.verdict, result.exit_code) == ("no-session", 3), explain(result)
    assert result.connections[0].statements == [], explain(result)


@pytest.mark.parametrize("sizes", [None, 3])
def test_a_statement_in_place_of_the_login_has_crossed(sizes: int | None, tmp_path: Path) -> None:
    talk = Conversation()
    steps = [Step("greeting", "server", mysql.greeting()), Step("query", "client", mysql.query(SECRET))]
    result = scan_of(tmp_path, play(steps, talk, sizes=sizes))
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    assert [one.sql for one in result.connections[0].statements] == [SECRET], explain(result)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("sizes", [None, 6])
@pytest.mark.parametrize("first", ["server", "client"])
def test_a_login_with_a_commands_number_is_a_login(
    first: str, sizes: int | None, answered: bool, tmp_path: Path
) -> None:
    """Servers refuse it as out of order; the name and the scramble have crossed."""
    steps = [Step("greeting", "server", mysql.greeting()), Step("login", "client", mysql.login(user=b"probe", seq=0))]
    if first == "client":
        steps.reverse()
    if answered:
        steps.append(Step("refusal", "server", mysql.err(1156, b"Got packets out of order", seq=1)))
    result = scan_of(tmp_path, play(steps, sizes=sizes))
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    assert result.connections[0].user == "probe", explain(result)
