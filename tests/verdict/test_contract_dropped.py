"""What a receiver would have dropped, and what a damaged file hides, is no evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play
from tests.conversations.judge import Row, check, explain, scan_of
from tests.conversations.sessions import (
    SECRET,
    opening,
    payload_of,
    since,
    tls12,
    tls13,
    until,
)
from tests.conversations.tcp import pcap


def only_dropped(how: str) -> Conversation:
    """Application data of the server that only came in segments a receiver would have dropped."""
    steps = until(tls12(), "client-data-1")
    talk = play(steps, close=False)
    payload = payload_of(tls12(), "server-data-1")
    if how == "bad checksum":
        talk.segment("server", payload, bad_checksum=True)
    elif how == "outside the window":
        talk.segment("server", payload, offset=talk.offset["server"] + (1 << 30))
    else:
        talk.rst("server")
        talk.segment("server", payload)
    return talk


@pytest.mark.parametrize(
    ("how", "rule"), [("bad checksum", "AW403"), ("outside the window", "AW404"), ("after RST", "AW405")]
)
def test_what_a_receiver_would_have_dropped_is_no_evidence_for_encrypted(how: str, rule: str, tmp_path: Path) -> None:
    row = Row(
        how,
        lambda: only_dropped(how),
        "encrypted",
        "likely",
        reasons=("no-application-data",),
        findings=(rule,),
    )
    check(row, tmp_path)


def test_a_repetition_after_a_reset_takes_no_proof(tmp_path: Path) -> None:
    """A tap gives it twice, or late: its bytes were compared, and are those that were taken."""
    steps = tls13()
    talk = play(steps, close=False)
    last = steps[-1].payload
    talk.rst("client")
    talk.again("client", talk.offset["client"] - len(last) + 3, last[3:])
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == ("encrypted", "proven"), explain(result)
    assert result.connections[0].client_coverage.seen == talk.offset["client"], explain(result)


def tls_after_rst() -> Conversation:
    talk = play(opening(), close=False)
    talk.rst("server")
    return play(since(tls13(), "client-hello"), talk, syn=False, close=False)


def test_tls_after_a_reset_is_no_session(tmp_path: Path) -> None:
    row = Row("after RST", tls_after_rst, ("no-session", "inconclusive"), ("proven", None), findings=("AW405",))
    check(row, tmp_path)


def dropped_statement(how: str) -> Conversation:
    """A whole TLS session, and one statement in the clear in a segment that the server would have dropped."""
    steps = tls13()
    talk = play(until(steps, "server-data-2"), close=False)
    statement = mysql.query(SECRET)
    if how == "bad checksum":
        talk.segment("client", statement, bad_checksum=True)
    elif how == "outside the window":
        talk.segment("client", statement, offset=talk.offset["client"] + (1 << 30))
    play(since(steps, "client-data-3"), talk, syn=False, close=False)
    if how == "after RST":
        talk.rst("server")
        talk.segment("client", statement)
    return talk


@pytest.mark.parametrize(
    ("how", "rule"), [("bad checksum", "AW403"), ("outside the window", "AW404"), ("after RST", "AW405")]
)
def test_a_statement_that_a_receiver_would_have_dropped_crossed_all_the_same(
    how: str, rule: str, tmp_path: Path
) -> None:
    row = Row(how, lambda: dropped_statement(how), "mixed", "likely", findings=(rule, "AW101"))
    check(row, tmp_path)


# -- a damaged file


def test_a_connection_open_where_a_file_breaks_off_is_likely(tmp_path: Path) -> None:
    whole = pcap(play(tls13(), close=False).packets)
    result = scan_of(tmp_path, whole + bytes(7))
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "likely")], said
    assert "damaged-file" in {reason.id for reason in result.connections[0].reasons}, said
    assert result.exit_code == 3, said
    assert not result.captures[0].complete, said


def test_a_connection_that_ended_before_the_file_breaks_off_is_proven(tmp_path: Path) -> None:
    result = scan_of(tmp_path, pcap(play(tls13()).packets) + bytes(7))
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")], said
    assert result.exit_code == 3, said
