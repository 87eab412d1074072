"""Picked up in mid-stream on a port that is not MySQL's: five exchanges are enough, and say who is the client."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.conversations import Conversation, Packet, mysql
from tests.conversations.judge import explain, scan_of
from tests.conversations.tcp import Sender
from tests.wire.mysql.binlog_events import event, packets, payload, query_body

EXCHANGES = 5
# The server's port, and the client's: the last pairs say nothing of who is who.
PORTS = [(6033, 50152), (40001, 40002), (40002, 40001)]
Say = Callable[[Conversation, int], None]

R = Random(7)
NOISE = R.randbytes(9000)
TEXT = b"INSERT INTO notes (body) VALUES ('%s')" % (b"some words of a text " * 12)


def executions(talk: Conversation, number: int) -> None:
    talk.client(mysql.execute(1, [number + 1000, b"4111111111111111"]))
    talk.server(mysql.ok(1, affected=1))


def executions_without_types(talk: Conversation, number: int) -> None:
    head = b"\x17" + struct.pack("<IBI", 3, 0, 1)
    talk.client(mysql.packet(0, head + b"\0\0" + struct.pack("<I", number) + b"\x04quay"))
    talk.server(mysql.ok(1, affected=1))


def pings(talk: Conversation, number: int) -> None:
    talk.client(mysql.ping())
    talk.server(mysql.ok(1))


def rows(talk: Conversation, number: int) -> None:
    talk.server(mysql.result_set([b"id", b"body"], [[b"%d" % n, b"secret " * 18] for n in range(20)])[number and 40:])
    talk.ack("client")


def rows_longer_than_a_segment(talk: Conversation, number: int) -> None:
    talk.server(mysql.result_set([b"body"], [[NOISE[:6000]]] * 3)[700 if number == 0 else 0 :])
    talk.ack("client")


def binlog(talk: Conversation, number: int) -> None:
    made = event(2, query_body(b"insert into t values (%d)" % number), place=4000 + number * 100)
    talk.server(mysql.packet(number + 3, payload(made)))
    talk.ack("client")


def binlog_longer_than_a_segment(talk: Conversation, number: int) -> None:
    talk.server(packets([event(30, NOISE, place=1_000_000)], number + 3)[100 if number == 0 else 0 :])
    talk.ack("client")


def compressed(talk: Conversation, number: int) -> None:
    talk.client(mysql.compressed(0, mysql.query(TEXT)))
    talk.server(mysql.compressed(1, mysql.ok(1, affected=1)))


def compressed_executions(talk: Conversation, number: int) -> None:
    talk.client(mysql.compressed(0, mysql.execute(1, [number, b"x" * 120])))
    talk.server(mysql.compressed(1, mysql.ok(1, affected=1)))


def compressed_with_rows(talk: Conversation, number: int) -> None:
    talk.client(mysql.compressed(0, mysql.ping()))
    talk.server(mysql.compressed(1, mysql.ok(1)))
    talk.client(mysql.compressed(0, mysql.execute(number + 1, [number])))
    talk.server(mysql.compressed(1, mysql.result_set([b"id"], [[b"%d" % n] for n in range(40)])))


def compressed_binlog(talk: Conversation, number: int) -> None:
    made = event(2, query_body(b"insert into t values (%d)" % number, b"", b""), checksum=False, place=4000)
    made = made if number == 0 else event(2, query_body(TEXT), place=4000 + number)
    talk.server(mysql.compressed(number + 3, mysql.packet(number + 3, payload(made)), threshold=100))
    talk.ack("client")


def compressed_all_short(talk: Conversation, number: int) -> None:
    talk.client(mysql.compressed(0, mysql.execute(1, [number + 1000, b"4111111111111111"])))
    talk.server(mysql.compressed(1, mysql.ok(1, affected=1)))


CASES: dict[str, Say] = {
    "EXECUTE and OK": executions, "EXECUTE whose types were sent earlier": executions_without_types,
    "PING and OK": pings, "rows": rows, "rows longer than a segment": rows_longer_than_a_segment, "binlog": binlog,
    "events longer than a segment": binlog_longer_than_a_segment, "compressed": compressed,
    "compressed executions": compressed_executions,
    "compressed, an uncompressed packet first": compressed_with_rows,
    "compressed replication, an uncompressed event first": compressed_binlog,
    "compressed protocol, all packets too short to be": compressed_all_short,
}  # fmt: skip


class InPieces(Conversation):
    """Cuts what is said into so many segments, none of them longer than an MSS."""

    def __init__(self, ports: tuple[int, int], pieces: int) -> None:
        super().__init__(("10.0.0.5", ports[1]), ("10.0.0.9", ports[0]))
        self.pieces = pieces
        self.random = Random(pieces)

    def say(self, sender: Sender, payload: bytes, **how: object) -> list[Packet]:  # type: ignore[override]
        cuts = sorted(self.random.sample(range(1, len(payload)), min(self.pieces - 1, len(payload) - 1)))
        sizes = [stop - start for start, stop in itertools.pairwise([0, *cuts, len(payload)])]
        return super().say(sender, payload, sizes=[one for size in sizes for one in up_to(size, self.mss)])


def up_to(size: int, most: int) -> list[int]:
    return [most] * (size // most) + [size % most] * (size % most > 0)


@pytest.mark.parametrize("pieces", [1, 2, 4])
@pytest.mark.parametrize("ports", PORTS)
@pytest.mark.parametrize("kind", CASES)
def test_five_exchanges_are_enough(kind: str, ports: tuple[int, int], pieces: int, tmp_path: Path) -> None:
    talk = InPieces(ports, pieces)
    for number in range(EXCHANGES):
        CASES[kind](talk, number)
    result = scan_of(tmp_path, talk)
    assert result.verdict == "plaintext", explain(result)
    one, = result.connections
    assert (one.server.address, one.client.address) == ("10.0.0.9", "10.0.0.5"), explain(result)


def test_both_sides_of_mysql_do_not_ask(tmp_path: Path) -> None:
    talk = Conversation(("10.0.0.5", 40001), ("10.0.0.9", 40002))
    for _ in range(10):
        for asks, answers in (("client", "server"), ("server", "client")):
            talk.say(asks, mysql.ping())
            talk.say(answers, mysql.ok(1))
    assert scan_of(tmp_path, talk).verdict == "not-mysql"
