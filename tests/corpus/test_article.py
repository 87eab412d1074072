"""The four dumps that the project began with, and two captures that others publish."""

from __future__ import annotations

import pytest

from tests.conversations.judge import explain
from tests.corpus.logs import files, scanned, statements

pytestmark = pytest.mark.usefixtures("shared")


def test_the_first_holds_the_insert_in_the_clear() -> None:
    result = scanned("article/1-mysql-client-plaintext.txt")
    said = explain(result)
    assert (result.verdict, result.confidence, result.exit_code) == ("plaintext", "proven", 1), said
    (statement,) = statements(result)
    assert statement.command == "COM_QUERY", said
    assert statement.sql.lower().startswith(b"insert into"), said
    assert statement.frame == 1
    assert statement.complete


@pytest.mark.parametrize("name", [name for name in files("article/*.txt") if "tls" in name])
def test_the_other_three_are_encrypted_and_likely(name: str) -> None:
    result = scanned(name)
    said = explain(result)
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "likely", 0), said
    (one,) = result.connections
    assert one.statements == [], said
    assert {"mid-stream", "no-greeting"} & {reason.id for reason in one.reasons}, said


def test_there_are_four_of_them() -> None:
    assert len(files("article/*.txt")) == 4


def test_ndpi_has_one_session_in_the_clear_and_one_in_tls() -> None:
    result = scanned("ndpi/mysql.pcapng")
    said = explain(result)
    found = [(one.client.port, one.verdict, one.confidence, one.user) for one in result.connections]
    assert found == [(36732, "plaintext", "proven", "admin"), (36272, "encrypted", "proven", None)], said
    assert result.connections[1].tls is not None
    assert result.connections[1].tls.version == "TLSv1.3", said
    assert [one.sql for one in statements(result)] == [b"select @@version_comment limit 1"], said
    assert (result.verdict, result.exit_code) == ("mixed", 1), said


def test_arkime_has_a_session_in_the_clear() -> None:
    result = scanned("arkime/mysql-allow.pcap")
    said = explain(result)
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), said
    assert [one.sql for one in statements(result)] == [b"select @@version_comment limit 1"], said
    assert result.connections[0].user == "user10", said
