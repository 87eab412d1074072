"""The table of states (wire/mysql/states.py): docs show it, decoders end as it says, recorded connections obey it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

import aurora_wire
from aurora_wire.capture.files.open import open_capture
from aurora_wire.errors import CaptureError
from aurora_wire.wire.decoding import decoder as ways
from aurora_wire.wire.decoding.opaque import Opaque
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.identify.first_bytes import FirstBytes
from aurora_wire.wire.identify.resync import Resync
from aurora_wire.wire.mysql import states
from aurora_wire.wire.mysql.client import ClientPackets
from aurora_wire.wire.mysql.compressed import CompressedPackets
from aurora_wire.wire.mysql.server import ServerPackets
from aurora_wire.wire.mysqlx.frames import XFrames
from aurora_wire.wire.tls.records import TLSRecords
from tests.conftest import ROOT
from tests.conversations import play
from tests.conversations.sessions import Step, compressed, plaintext, tls12

PAGE = ROOT / "docs" / "architecture.md"
WIRE = ROOT / "aurora_wire" / "wire"
BEGIN, END = "<!-- states of wire/mysql/states.py -->\n", "<!-- end of the states -->\n"
SIDES = ("client", "server")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
MOST_FRAMES = 400
MOST_MOVES = 3      # that the bytes of one frame may make


def diagram() -> str:
    """The table as a Mermaid diagram: a box a state, an arrow for all events of a side that lead the same way."""
    lines = ["```mermaid", "stateDiagram-v2", f"  [*] --> s{states.UNIDENTIFIED}"]
    lines += [f"  s{state}: {name}" for state, name in enumerate(states.NAMES)]
    arrows: dict[tuple[int, int], list[str]] = {}
    for move in states.MOVES:
        who = "" if len(move.sides) == 2 else f"{SIDES[move.sides[0]]}: "
        # What is found is found while resynchronising; the rows of the phases are for a decoder that kept its own.
        found = states.RESYNCHRONISING in move.states
        for state in (states.RESYNCHRONISING,) if found else move.states:
            if state != move.becomes:
                arrows.setdefault((state, move.becomes), []).append(who + states.EVENT_NAMES[move.event])
    lines += [f"  s{source} --> s{target}: {', '.join(events)}" for (source, target), events in sorted(arrows.items())]
    return "\n".join([*lines, "```", ""])


def test_the_docs_show_the_table(pytestconfig: pytest.Config) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    shown, after = rest.split(END)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(before + BEGIN + diagram() + END + after, encoding="utf-8")
        return
    assert shown == diagram()


def test_every_state_can_be_reached() -> None:
    assert reachable(0, states.UNIDENTIFIED) | reachable(1, states.UNIDENTIFIED) == set(range(states.STATES))


def test_rows_do_not_contradict_each_other() -> None:
    seen: dict[tuple[int, int, int], int] = {}
    for move in states.MOVES:
        for side in move.sides:
            for state in move.states:
                assert seen.setdefault((side, state, move.event), move.becomes) == move.becomes
                assert states.move(side, state, move.event) == move.becomes


def test_an_event_without_a_row_leaves_the_state_as_it_is() -> None:
    listed = {(side, state, one.event) for one in states.MOVES for side in one.sides for state in one.states}
    for side in (0, 1):
        for state in range(states.STATES):
            for event in range(states.EVENTS):
                if (side, state, event) not in listed:
                    assert states.move(side, state, event) == state


def ends(place: str) -> set[int]:
    """The ways in which decoders of a module, or of a folder's state machines, end."""
    paths = [WIRE / place]
    if not place.endswith(".py"):
        paths = [WIRE / place / name for name in ("framing.py", "client.py", "client_login.py", "server.py")]
    names = {
        node.id for path in paths for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id.startswith("TO_")
    }
    return {getattr(ways, name) for name in names}


@pytest.mark.parametrize("place", sorted({place for place in states.DECODED_IN if place}))
def test_decoders_end_in_the_ways_that_the_table_has_for_their_states(place: str) -> None:
    mine = {state for state, decoded_in in enumerate(states.DECODED_IN) if decoded_in == place}
    rows = {move.event for move in states.MOVES if mine.intersection(move.states) and move.event <= ways.TO_GROUP}
    assert ends(place) == rows


def reachable(side: int, state: int, most: int = states.EVENTS) -> set[int]:
    """The states that so many events can lead to."""
    found = {state}
    for _ in range(most):
        found |= {move.becomes for move in states.MOVES if side in move.sides and found.intersection(move.states)}
    return found


def state_of(connection: Connection, stream: Stream) -> int:
    decoder = stream.decoder
    if isinstance(decoder, ClientPackets | ServerPackets):
        return decoder.state
    for kind, state in (
        (FirstBytes, states.FIRST_BYTES), (TLSRecords, states.TLS), (CompressedPackets, states.COMPRESSED),
        (Opaque, states.GROUP_REPLICATION), (XFrames, states.DECODED), (Resync, states.RESYNCHRONISING),
    ):
        if isinstance(decoder, kind):
            return state
    return states.NOT_MYSQL if connection.skipping else states.UNIDENTIFIED


def captures() -> Iterator[list[tuple[bytes, int, int]]]:
    """Frames of recorded and of built conversations: bytes, original length, link type."""
    for session in (compressed(), plaintext(), tls12(), [Step("get", "client", GET), Step("page", "server", ANSWER)]):
        for lost in ((), *((step.name,) for step in session)):
            yield [(packet.data, packet.original_len, 1) for packet in play(session, lost=lost).packets]
    for path in sorted((ROOT / "captures").rglob("*.pcap*")):
        frames = []
        try:
            with open_capture(str(path)) as capture:
                source = capture.source
                while source.advance() and len(frames) < MOST_FRAMES:
                    data = source.buffer[source.at : source.at + source.captured_len]
                    frames.append((data, int(source.original_len), int(source.link_type)))
        except CaptureError:
            pass  # damaged on purpose: what was before that is here
        yield frames


def changes() -> Iterator[tuple[int, int, int]]:
    """Side, state and next state of each direction of each connection, looked at after each frame."""
    for frames in captures():
        engine = aurora_wire.Engine([3306, 33060])
        last: dict[int, tuple[Stream, list[int]]] = {}
        for data, original_len, link_type in frames:
            engine.feed(data, 0, len(data), original_len, 0, link_type)
            for connection in engine.open_connections():
                known = last.get(connection.facts.id)
                now = [state_of(connection, stream) for stream in (connection.client, connection.server)]
                was = [states.UNIDENTIFIED] * 2
                if known is not None and known[0] is connection.client:  # else the roles were swapped
                    was = known[1]
                last[connection.facts.id] = (connection.client, now)
                yield from ((side, was[side], now[side]) for side in (0, 1) if was[side] != now[side])


def test_recorded_connections_change_state_only_as_the_table_says() -> None:
    seen = set(changes())
    assert len({state for _, _, state in seen}) >= states.STATES - 3
    assert [
        f"{SIDES[side]}: {states.NAMES[was]} -> {states.NAMES[now]}"
        for side, was, now in sorted(seen) if now not in reachable(side, was, MOST_MOVES)
    ] == []
