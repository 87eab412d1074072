"""Properties of any conversation, whatever the network and the capture did to it.

The bytes add up; what is known of a stream's length is what was seen, is missing or was cut; nothing raises;
and evidence that is taken away never makes the verdict stronger.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_wire.verdict.result import ConnectionResult, Coverage, Scan
from tests.conversations import Conversation, Packet, mysql, play, tls
from tests.conversations.judge import explain, places_exist, scan_of
from tests.conversations.sessions import SECRET, Step, compressed, plaintext, since, tls12, tls13, until

SESSIONS: dict[str, list[Step]] = {
    "plaintext": plaintext(),
    "compressed": compressed(),
    "TLS 1.3": tls13(),
    "TLS 1.3 after a retry": tls13(retry=True),
    "TLS 1.2": tls12(),
    "TLS 1.0": tls12(version=tls.TLS10, suite=tls.ECDHE_RSA_AES_256_CBC),
    "mixed": [*tls12()[:-1], *since(plaintext(), "query")],
    "refused": [*until(plaintext(), "login"), Step("refused", "server", mysql.err(1045, b"no"))],
    "tunnel": since(tls13(), "client-hello"),
    "noise": [Step(str(at), "server" if at % 2 else "client", tls.noise(at, 90 * at + 1)) for at in range(8)],
}
LEAKS = {"plaintext", "compressed", "mixed"}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Capture:
    """A session as captured: the packets, and for each whether it is there, cut or moved."""

    def __init__(self, session: str, talk: Conversation, packets: Sequence[Packet]) -> None:
        self.session = session
        self.talk = talk
        self.packets = tuple(packets)

    def __repr__(self) -> str:
        shown = [
            f"{one.sender[0]}{one.offset}+{one.length}" + f"/{len(one.data)}" * (len(one.data) < one.original_len)
            for one in self.packets
        ]
        return f"Capture({self.session}: {' '.join(shown)})"


@st.composite
def whole(draw: st.DrawFn, names: Sequence[str] = tuple(SESSIONS)) -> Capture:
    """A session in random segments, with or without acknowledging packets, SYN and FIN."""
    name = draw(st.sampled_from(names))
    talk = Conversation(
        client_isn=draw(st.sampled_from([1000, 2**32 - 1, 2**32 - 400])),
        server_isn=draw(st.sampled_from([900_000, 2**32 - 1, 2**32 - 3000])),
    )
    play(
        SESSIONS[name],
        talk,
        sizes=draw(st.sampled_from([40, 333, 1460, 9000])),
        acks=draw(st.booleans()),
        close=draw(st.booleans()),
    )
    return Capture(name, talk, talk.packets)


@st.composite
def damaged(draw: st.DrawFn, names: Sequence[str] = tuple(SESSIONS)) -> Capture:
    """Packets lost, cut, twice there, or a few places from where they were."""
    made = draw(whole(names))
    packets = list(made.packets)
    positions = st.integers(0, len(packets) - 1)
    for at in draw(st.lists(positions, max_size=4)):
        packets[at] = packets[at].cut(draw(st.integers(54, max(54, len(packets[at].data)))))
    for at in draw(st.lists(positions, max_size=3)):
        packets.insert(min(at + draw(st.integers(0, 4)), len(packets)), packets[at])
    for at in draw(st.lists(positions, max_size=4)):
        packets.insert(max(at - draw(st.integers(0, 4)), 0), packets.pop(at))
    gone = set(draw(st.lists(positions, max_size=4)))
    return Capture(made.session, made.talk, [one for at, one in enumerate(packets) if at not in gone])


def scan(packets: Sequence[Packet]) -> Scan:
    with tempfile.TemporaryDirectory() as folder:
        return scan_of(Path(folder), list(packets))


def sides(connection: ConnectionResult) -> list[Coverage]:
    return [connection.client_coverage, connection.server_coverage]


def begins_with_syns(capture: Capture) -> bool:
    """Where a stream begins is known: without a SYN it begins with the first bytes that were seen."""
    return capture.packets[:2] == tuple(capture.talk.packets[:2])


def adds_up(result: Scan) -> None:
    places_exist(result)
    for connection in result.connections:
        for side in sides(connection):
            assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen, explain(result)
            assert min(side.seen, side.missing, side.truncated, side.tls, side.plaintext) >= 0, explain(result)


@QUICK
@given(whole())
def test_of_a_whole_capture_all_bytes_are_seen(capture: Capture) -> None:
    result = scan(capture.packets)
    adds_up(result)
    steps = SESSIONS[capture.session]
    for connection in result.connections:
        for sender, side in zip(("client", "server"), sides(connection), strict=True):
            length = sum(len(step.payload) for step in steps if step.sender == sender)
            assert (side.seen, side.missing, side.truncated) == (length, 0, 0), explain(result)


@QUICK
@given(damaged())
def test_the_bytes_of_any_capture_add_up(capture: Capture) -> None:
    result = scan(capture.packets)
    adds_up(result)
    if len(result.connections) != 1 or not begins_with_syns(capture):
        return
    for sender, side in zip(("client", "server"), sides(result.connections[0]), strict=True):
        covered: set[int] = set()
        for packet in capture.packets:
            if packet.sender == sender and packet.offset >= 0:
                kept = packet.length - (packet.original_len - len(packet.data))
                covered.update(range(packet.offset, packet.offset + kept))
        assert side.seen == len(covered), explain(result)


@QUICK
@given(damaged())
def test_seen_missing_and_truncated_are_the_length_as_far_as_it_is_known(capture: Capture) -> None:
    result = scan(capture.packets)
    if len(result.connections) != 1 or not begins_with_syns(capture):
        return
    for sender, side in zip(("client", "server"), sides(result.connections[0]), strict=True):
        length = sum(len(step.payload) for step in SESSIONS[capture.session] if step.sender == sender)
        own = [one for one in capture.packets if one.sender == sender and one.length]
        reached = max((one.offset + one.length for one in own), default=0)
        known = side.seen + side.missing + side.truncated
        assert reached <= known <= length + 1, explain(result)


STRENGTH = {"likely": 1, "proven": 2}


@QUICK
@given(damaged())
def test_lost_evidence_never_makes_a_verdict_stronger(capture: Capture) -> None:
    result = scan(capture.packets)
    whole_result = scan(capture.talk.packets)
    if len(result.connections) != 1 or len(whole_result.connections) != 1:
        return
    truth, found = whole_result.connections[0], result.connections[0]
    said = explain(result)
    if found.verdict == "encrypted":
        assert capture.session not in {"noise"}, said
        assert truth.verdict in {"encrypted", "mixed"}, said
        if found.confidence == "proven":
            assert truth.confidence == "proven", said
            assert all(side.missing == side.truncated == side.unknown == 0 for side in sides(found)), said


@QUICK
@given(damaged(tuple(sorted(LEAKS))))
def test_a_statement_that_was_captured_whole_is_never_called_encrypted(capture: Capture) -> None:
    result = scan(capture.packets)
    stream: dict[int, int] = {}
    for packet in capture.packets:
        if packet.sender == "client" and packet.offset >= 0:
            payload = packet.data[54 : len(packet.data)]
            for at, byte in enumerate(payload):
                stream.setdefault(packet.offset + at, byte)
    steps = [step for step in SESSIONS[capture.session] if step.sender == "client"]
    start = sum(len(step.payload) for step in steps[: [step.name for step in steps].index("query")])
    length = len(next(step.payload for step in steps if step.name == "query"))
    if all(at in stream for at in range(start, start + length)):
        said = explain(result)
        assert result.verdict in {"plaintext", "mixed"}, said
        assert result.exit_code == 1, said


@QUICK
@given(
    st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=400)), max_size=12),
    st.booleans(),
    st.sampled_from([3306, 33060, 9999]),
)
def test_no_bytes_raise_and_random_bytes_are_never_encrypted(
    said: list[tuple[str, bytes]], syn: bool, port: int
) -> None:
    steps = [Step(str(at), sender, payload) for at, (sender, payload) in enumerate(said)]  # type: ignore[arg-type]
    result = scan(play(steps, Conversation(server=("10.0.0.9", port)), syn=syn).packets)
    adds_up(result)
    assert result.verdict != "encrypted", explain(result)


@QUICK
@given(st.sampled_from(sorted(SESSIONS)), st.data())
def test_one_changed_byte_never_raises_nor_turns_a_leak_into_encrypted(name: str, data: st.DataObject) -> None:
    steps = SESSIONS[name]
    at = data.draw(st.integers(0, len(steps) - 1))
    payload = bytearray(steps[at].payload)
    where = data.draw(st.integers(0, len(payload) - 1))
    payload[where] ^= data.draw(st.integers(1, 255))
    changed = [*steps[:at], steps[at]._replace(payload=bytes(payload)), *steps[at + 1 :]]
    result = scan(play(changed).packets)
    adds_up(result)
    if name in {"plaintext", "compressed", "refused"}:
        assert result.verdict != "encrypted", explain(result)


@QUICK
@given(st.integers(0, 13), st.integers(0, 13))
def test_a_capture_that_begins_and_ends_anywhere_still_finds_the_statement(first: int, last: int) -> None:
    packets = play(plaintext(), acks=False).packets
    part = packets[first : len(packets) - last]
    result = scan(part)
    adds_up(result)
    if any(SECRET in packet.data for packet in part):
        assert result.verdict == "plaintext", explain(result)
        assert SECRET in [one.sql for connection in result.connections for one in connection.statements]


@st.composite
def statement_in_tls(draw: st.DrawFn) -> Capture:
    """A TLS session with one statement (or its answer) in the clear between any two steps; other packets get lost."""
    steps = draw(st.sampled_from([tls13(), tls12(), tls13(retry=True)]))
    clear = draw(st.sampled_from([Step("clear", "client", mysql.query(SECRET)), plaintext()[6]]))
    at = draw(st.integers(2, len(steps)))
    sizes = draw(st.sampled_from([60, 500, 1460]))
    talk = Conversation()
    talk.syn()
    packets: list[Packet] = []
    for step in [*steps[:at], clear, *steps[at:]]:
        first = len(talk.packets)
        talk.say(step.sender, step.payload, sizes=sizes)
        if draw(st.booleans()):
            talk.ack("client" if step.sender == "server" else "server")
        if step is clear:
            packets += talk.packets[first:]
        else:
            gone = draw(st.sets(st.integers(first, len(talk.packets)), max_size=2)) if draw(st.booleans()) else set()
            packets += [one for number, one in enumerate(talk.packets[first:], first) if number not in gone]
    where = f"{clear.name} before {steps[at].name if at < len(steps) else 'the end'}, TLS session of {len(steps)} steps"
    return Capture(where, talk, packets)


@QUICK
@given(statement_in_tls())
def test_a_statement_anywhere_in_a_tls_session_is_never_called_encrypted(capture: Capture) -> None:
    result = scan(capture.packets)
    adds_up(result)
    assert result.exit_code != 0, explain(result)
    assert "encrypted" not in {one.verdict for one in result.connections}, explain(result)
