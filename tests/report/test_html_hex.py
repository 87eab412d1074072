"""The hex dumps of the HTML report: what leaked is marked, and masked so that it does not leak again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_wire.analysis.packets import PacketView, packets
from aurora_wire.analysis.scan import scan
from aurora_wire.report.html.hex import LONGEST, Dump, make_dump
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.lab.truth import TRUTH

USER, DATABASE = b"app_user_7", b"shop_db_7"


def views(tmp_path: Path, steps: list[sessions.Step]) -> list[tuple[PacketView, Dump]]:
    """Each frame with a payload and its masked dump."""
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(sessions.play(steps, Conversation(client=("10.0.0.5", 41_000))).packets))
    return list(dumps(str(path)))


def dumps(path: str) -> Iterator[tuple[PacketView, Dump]]:
    statements = [one for connection in scan([path]).connections for one in connection.statements]
    for view in packets([path]):
        if view.payload_at is not None:
            yield view, make_dump(view, [one for one in statements if one.frame == view.number])


def shown(dump: Dump) -> bytes:
    """The bytes that are not masked, each masked one as 0xFF, so that nothing joins over them."""
    digits = " ".join(run.hex for _, row in dump.rows for run in row).split()
    return bytes(0xFF if pair == "**" else int(pair, 16) for pair in digits)


def test_the_offsets_and_bytes_are_those_of_the_frame(tmp_path: Path) -> None:
    for view, dump in views(tmp_path, sessions.tls13()):
        assert not dump.masked
        assert shown(dump) == view.data[:LONGEST]
        assert [offset for offset, _ in dump.rows] == [f"{at:04x}" for at in range(0, len(shown(dump)), 16)]
        assert dump.left_out == max(len(view.data) - LONGEST, 0)


def test_exactly_what_needed_protection_is_marked(tmp_path: Path) -> None:
    for view, dump in views(tmp_path, sessions.plaintext()):
        marked = sum(number for kind, _, number in dump.kinds if kind == "clear")
        assert marked == view.leaked_bytes


def test_of_a_login_no_user_database_or_scramble_is_shown(tmp_path: Path) -> None:
    login = mysql.login(USER, DATABASE)
    found = views(tmp_path, sessions.changed(sessions.plaintext(), login=login))
    (dump,) = [dump for view, dump in found if "login" in view.labels]
    for secret in (USER, DATABASE, mysql.SCRAMBLE):
        assert secret not in shown(dump)
        assert secret[:3] not in shown(dump)
    assert login[:4] in shown(dump)  # the packet's header says nothing


def test_of_an_old_login_no_user_is_shown(tmp_path: Path) -> None:
    found = views(tmp_path, sessions.changed(sessions.plaintext(), login=mysql.login_320(USER)))
    assert all(USER[:3] not in shown(dump) for _, dump in found)


def test_rows_and_parameters_are_not_shown(tmp_path: Path) -> None:
    steps = sessions.inserted(
        sessions.plaintext(), "rows",
        sessions.Step("prepare", "client", mysql.prepare(b"SELECT ? FROM t")),
        sessions.Step("prepared", "server", mysql.prepare_ok(1, 1)),
        sessions.Step("execute", "client", mysql.execute(1, [b"Canary-parameter"])),
    )  # fmt: skip
    found = views(tmp_path, steps)
    assert any("COM_STMT_EXECUTE" in view.labels for view, _ in found)
    assert all(b"anary" not in shown(dump) for _, dump in found)
    assert any(b"SELECT ? FROM t" in shown(dump) for _, dump in found)


@pytest.mark.parametrize("sizes", [5, 7, 40])
def test_a_statement_in_pieces_shows_no_literal(tmp_path: Path, sizes: int) -> None:
    sql = b"INSERT INTO t VALUES ('" + b"Canary" * 30 + b"')"
    talk = sessions.play(sessions.plaintext(sql=sql), Conversation(client=("10.0.0.5", 41_000)), sizes=sizes)
    path = tmp_path / "pieces.pcap"
    path.write_bytes(pcap(talk.packets))
    for view, dump in dumps(str(path)):
        assert view.payload_at is not None
        payload = shown(dump)[view.payload_at :]
        assert not any(part in payload for part in (b"Can", b"ana", b"nar", b"ary", b"ryC", b"yCa")), view.number


def test_compressed_bytes_are_masked_and_said_to_be_readable(tmp_path: Path) -> None:
    found = views(tmp_path, sessions.compressed())
    (query,) = [(view, dump) for view, dump in found if "COM_QUERY" in view.labels]
    assert query[1].compressed
    assert query[0].payload_at is not None
    assert shown(query[1])[query[0].payload_at :].strip(b"\xff") == b""
    assert not any(dump.compressed for view, dump in found if "login" in view.labels)


@pytest.mark.parametrize(("times", "label"), [(1, "retransmission"), (100, "disregarded")])
def test_a_retransmission_is_masked_whole(times: int, label: str, tmp_path: Path) -> None:
    sql = b"INSERT INTO t VALUES ('" + b"Canary" * times + b"')"
    talk = sessions.play(sessions.plaintext(sql=sql), Conversation(client=("10.0.0.5", 41_000)))
    again = next(packet for packet in talk.packets if b"Canary" in packet.data)
    talk.packets.append(again)
    path = tmp_path / "again.pcap"
    path.write_bytes(pcap(talk.packets))
    last = list(dumps(str(path)))[-1]
    # What a direction opens with is kept. Of the rest the bytes are acknowledged and gone, so that it cannot be
    # compared: it is set aside.
    assert last[0].labels == (label,)
    assert b"INSERT" not in shown(last[1])


def test_bytes_behind_the_payload_are_masked(tmp_path: Path) -> None:
    talk = sessions.play(sessions.plaintext(), Conversation(client=("10.0.0.5", 41_000)))
    longer = [
        replace(packet, data=packet.data + b"left-over", original_len=packet.original_len + 9)
        for packet in talk.packets
    ]
    path = tmp_path / "padded.pcap"
    path.write_bytes(pcap(longer))
    assert all(b"left-over" not in shown(dump) for _, dump in dumps(str(path)))


def test_readable_bytes_in_tls_records_are_masked_where_they_are_known_to_read(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(sessions.play(sessions.tls13()).packets))
    view = next(view for view in packets([path]) if view.labels == ("TLS application data",))
    assert view.payload_at is not None
    hidden = make_dump(view, tls_is_safe=False)
    assert shown(hidden)[view.payload_at :].strip(b"\xff") == b""
    assert shown(make_dump(view)) == view.data[:LONGEST]


@pytest.mark.parametrize("folder", ["mariadb-10.11", "mysql-9.7", "mariadb-11.8", "wire"])
def test_no_canary_and_no_password_of_the_lab_is_in_any_dump(shared: Path, folder: str) -> None:
    looked_at = 0
    for truth in TRUTH:
        if not truth.file.startswith(f"{folder}/") or not (
            truth.line["canary_in_clear"] or truth.line["password_in_clear"]
        ):
            continue
        for view, dump in dumps(str(shared / "lab" / truth.file)):
            if view.leaked_bytes or b"anary" in view.data:
                looked_at += 1
                assert b"anary-" not in shown(dump), (truth.file, view.number)
                assert b"lab-Secret" not in shown(dump), (truth.file, view.number)
    assert looked_at > 10
