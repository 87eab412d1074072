"""Forged conversations: what those can send who know how captures are read, and what looks like it and is honest."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.conversations import mysql, tls
from tests.conversations.tcp import Sender, other
from tests.hostile import networks
from tests.hostile.cases import ANY, LEAK, Case, played
from tests.hostile.conversations import Session, encrypted, noise_records, plaintext, statement, word
from tests.hostile.tls_kinds import session_of
from tests.hostile.wire import ACK, FIN, MOD, PSH, SYN, Ends, Frame, Wire, copy, random_ends

URG, ECE, CWR = 32, 64, 128
PROVEN = frozenset({"encrypted"})
HIDDEN = ANY - {"encrypted", "not-mysql"}


def query_of(rng: random.Random, session: Session) -> bytes:
    """A statement more, and what it is packed in."""
    text = statement(rng)
    session.texts.add(text)
    return mysql.query(text)


def stamped(frames: list[Frame], *, old: set[int] | None = None) -> list[Frame]:
    """Timestamps (RFC 7323) on every frame; those at `old` have one of an hour before, which no receiver takes."""
    out = []
    for at, frame in enumerate(frames):
        now = frame.time_ns // 1_000_000 % MOD
        value = (now - (3_600_000 if old is not None and at in old else 0)) % MOD
        out.append(copy(frame, options=b"\x01\x01\x08\x0a" + struct.pack("!II", value, now)))
    return out


# -- copies that differ


def decoy_inside(rng: random.Random) -> Case:
    """Segments with other bytes in the middle of statements, before or after the real ones, at their places or beside.

    A receiver takes one copy of a byte, and nobody knows which: no statement may be told that has bytes of both.
    """
    session = plaintext(rng)
    while not any(len(data) > 400 for sender, data in session.turns if sender == "client"):
        session = plaintext(rng)
    frames = played(rng, session, Wire(rng, random_ends(rng), mss=rng.choice((100, 180, 536))))
    for _ in range(rng.randrange(1, 4)):
        long = [at for at, frame in enumerate(frames) if frame.sender == "client" and len(frame.payload) >= 60]
        if not long:
            break
        at = rng.choice(long)
        model = frames[at]
        shift = rng.choice((0, 0, rng.randrange(-30, 30), len(model.payload) // 2))
        size = rng.choice((len(model.payload), rng.randrange(20, 1400)))
        fake = (b"', '".join(word(rng) for _ in range(size // 10 + 2)))[:size]
        decoy = copy(model, seq=(model.seq + shift) % MOD, payload=fake, ttl=2, ident=rng.randrange(1 << 16))
        place = max(4, min(len(frames), at + rng.choice((-3, -2, -1, 0, 0, 0, 1, 1, 1, 2, 3))))
        frames.insert(place, decoy)
    return Case("decoys inside statements", [networks.in_order(frames)], [session], LEAK)


def old_stamps(rng: random.Random) -> Case:
    """Decoys of TLS with timestamps of an hour ago (RFC 7323, 5: dropped), and the session in the clear in their place.
    """
    first, second = encrypted(rng), plaintext(rng)
    ends = random_ends(rng)
    real, fake = Wire(rng, ends, mss=1460), Wire(rng, ends, mss=1460)
    real.syn()
    real.say(*second.turns[0])
    start = len(real.frames)
    fake.next, fake.time_ns = dict(real.next), real.time_ns
    fake.play(Session("decoys", first.turns[1:]), syn=False, close=False)
    real.time_ns = fake.time_ns
    real.play(Session("real", second.turns[1:]), syn=False)
    frames = [*real.frames[:start], *fake.frames, *real.frames[start:]]
    frames = stamped(frames, old=set(range(start, start + len(fake.frames))))
    return Case("decoys (old timestamps)", [networks.in_order(frames)], [first, second], HIDDEN)


def overlapping_fragments_v6(rng: random.Random) -> Case:
    """Fragments of IPv6 that overlap (RFC 5722: a receiver drops all of them, and not all receivers do)."""
    first, second = encrypted(rng), Session("query")
    wire = Wire(rng, Ends(b"\xfd\0" + rng.randbytes(14), 40_000, b"\xfd\1" + rng.randbytes(14), 3306), mss=1460)
    wire.play(first, close=False)
    query = query_of(rng, second)
    while len(query) < 90:
        query = query_of(rng, second)
    decoy = copy(wire.send("client", tls.record(tls.DATA, rng.randbytes(len(query) - 5)), PSH | ACK), parts=[48])
    wire.frames.pop()
    real = copy(decoy, payload=query)
    if rng.random() < 0.5:
        wire.frames += [decoy, real]
    else:
        # Two pieces of one and one of the other, under one identification.
        wire.frames += rng.sample([copy(decoy, only=(0, 1)), copy(real, only=(0, 1)), copy(decoy, only=(1, 2))], 3)
    wire.send("server", noise_records(rng, 60), PSH | ACK)
    allowed = ANY - {"not-mysql", "no-session"}
    return Case("overlapping fragments, IPv6", [wire.frames], [first, second], allowed, "never")


# -- where connections begin and end


def after_fin(rng: random.Random) -> Case:
    """TLS that ends, and then a statement in the clear: behind the FIN, or once more in the place of what was sent."""
    session = encrypted(rng)
    wire = Wire(rng, random_ends(rng), mss=1460)
    wire.play(session, close=False)
    wire.close(reset=False)
    packet = query_of(rng, session)
    back = rng.choice((0, 0, 1, len(packet), 2 * len(packet)))
    made = wire.frame("client", packet, PSH | ACK, seq=(wire.next["client"] - back) % MOD)
    wire.frames.append(made)
    return Case("plaintext after FIN", [wire.frames], [session], LEAK)


def half_closed(rng: random.Random) -> Case:
    """The client's TLS is over, and the server goes on in the clear: with rows."""
    session = encrypted(rng)
    wire = Wire(rng, random_ends(rng))
    wire.play(session, close=False)
    wire.send("client", flags=FIN | ACK)
    wire.send("server")
    rows: list[list[bytes | None]] = [[b"%d" % at, word(rng)] for at in range(rng.randrange(1, 40))]
    wire.say("server", mysql.result_set([b"id", b"body"], rows))
    wire.send("server", flags=FIN | ACK)
    return Case("rows after the client's FIN", [wire.frames], [session], LEAK)


def forged_fin(rng: random.Random) -> Case:
    """FINs that no receiver takes, then the connection goes on in the clear."""
    session, second = encrypted(rng), plaintext(rng)
    while second.commands < 1:
        second = plaintext(rng)
    wire = Wire(rng, random_ends(rng))
    wire.play(session, close=False)
    for sender in ("client", "server"):
        wire.frames.append(copy(wire.frame(sender, flags=FIN | ACK), bad_tcp=True))  # type: ignore[arg-type]
    wire.play(Session("rest", second.turns[3:]), syn=False)
    return Case("plaintext after forged FINs", [wire.frames], [session, second], LEAK)


def data_in_syn(rng: random.Random) -> Case:
    """TCP Fast Open (RFC 7413): a client's SYN brings its first bytes, which the server takes or does not."""
    session = plaintext(rng)
    while session.commands < 1:
        session = plaintext(rng)
    wire = Wire(rng, random_ends(rng))
    login = session.turns[1][1]
    taken = rng.random() < 0.5
    inside = login if taken else tls.client_hello(seed=rng.random()) if rng.random() < 0.5 else mysql.ssl_request()
    first = wire.send("client", inside, SYN)
    first.options = b"\x22\x0a" + rng.randbytes(8) + b"\x01\x01"
    if not taken:
        wire.next["client"] = (first.seq + 1) % MOD
    wire.send("server", flags=SYN | ACK)
    wire.send("client")
    turns = [session.turns[0], *session.turns[2:]] if taken else session.turns
    wire.play(Session("rest", turns), syn=False)
    return Case(f"data in a SYN, {'taken' if taken else 'not taken'}", [wire.frames], [session], LEAK)


def simultaneous(rng: random.Random) -> Case:
    """Both send SYN (RFC 9293, figure 8), in TLS or in the clear."""
    secret = rng.random() < 0.5
    session = encrypted(rng) if secret else plaintext(rng)
    wire = Wire(rng, random_ends(rng))
    wire.send("client", flags=SYN)
    wire.send("server", flags=SYN)
    for sender in ("client", "server"):
        start = (wire.next[sender] - 1) % MOD  # type: ignore[index]
        wire.frames.append(wire.frame(sender, flags=SYN | ACK, seq=start))  # type: ignore[arg-type]
    wire.play(session, syn=False)
    return Case("simultaneous open", [wire.frames], [session], PROVEN if secret else LEAK)


# -- readable bytes dressed as TLS


def dressed(rng: random.Random) -> Case:
    """A handshake as it should be, ciphertext, and then packets of MySQL as the bodies of records."""
    session = encrypted(rng)
    sender: Sender = rng.choice(("client", "server"))
    packets = []
    for _ in range(rng.randrange(1, 4)):
        if sender == "client":
            body = rng.choice((b"SELECT %d FROM t", b"DELETE FROM t WHERE id = %d", b"INSERT INTO t VALUES (%d, 'a')"))
            packets.append(mysql.query(body % rng.randrange(10**4)))
        else:
            row = mysql.lestr(b"%06d" % rng.randrange(10**6)) + mysql.lestr(word(rng))
            packets.append(mysql.packet(rng.randrange(1, 9), row))

    def others() -> bytes:
        return b"".join(noise_records(rng, rng.randrange(29, 60)) for _ in range(rng.choice((0, 3, 40))))

    before, after = others(), others()
    for packet in packets:
        session.turns.append((sender, before + tls.record(tls.DATA, packet) + after))
        session.turns.append((other(sender), noise_records(rng, 40)))
    return Case("packets dressed as records", [played(rng, session)], [session], ANY - {"no-session"}, "never")


def dressed_oddly(rng: random.Random) -> Case:
    """Statements in records that are no application data, or of a version and length that nobody would send."""
    session = encrypted(rng)
    packet = query_of(rng, session)
    how = rng.randrange(5)
    kind, version = tls.DATA, tls.TLS12
    if how == 0:
        kind = rng.choice((tls.ALERT, tls.HANDSHAKE, 20, 24))
    elif how == 1:
        version = rng.choice((0x0300, tls.TLS10, tls.TLS11))
    elif how == 2:
        packet = packet[:1] + rng.randbytes(3) + packet[4:]  # no framing
    elif how == 3:
        packet = packet.hex().encode()
    else:
        packet = packet.decode("latin-1").encode("utf-16-le")
    session.turns.append(("client", tls.record(kind, packet, version)))
    session.turns.append(("server", noise_records(rng, 40)))
    return Case("statements dressed oddly", [played(rng, session)], [session], ANY - {"no-session"}, "never")


# -- what is honest, and seldom


def odd_headers(rng: random.Random) -> Case:
    """ECN (RFC 3168), timestamps, traffic classes, IP options, trains of extension headers, fragments of one piece."""
    session = session_of(rng)
    frames = played(rng, session)
    if rng.random() < 0.6:
        frames = stamped(frames)
    if rng.random() < 0.6:
        marks = (0, ECE, CWR, ECE | CWR)
        frames = [copy(frame, flags=frame.flags | rng.choice(marks), tos=rng.randrange(256)) for frame in frames]
    if rng.random() < 0.4:
        frames = [copy(frame, ip_options=b"\x94\x04\0\0") for frame in frames]  # router alert
    if rng.random() < 0.6:
        hop, options = (0, b"\x01\x04\0\0\0\0"), (60, b"\x01\x0c" + bytes(12))
        routing, atomic = (43, bytes(22)), (44, b"\0\0" + rng.randbytes(4))
        trains = [[], [hop], [hop, options, atomic], [routing, options], [atomic]]
        frames = [copy(frame, train=rng.choice(trains)) for frame in frames]
    return Case("TLS, odd headers", [networks.in_order(frames)], [session], PROVEN, "must", exact=True)


def tiny_segments(rng: random.Random) -> Case:
    """TLS in segments of a few bytes: a record lies in hundreds of them, headers are cut anywhere."""
    session = encrypted(rng)
    session.turns = [turn for turn in session.turns if len(turn[1]) < 6000]
    size = sum(len(data) for _, data in session.turns)
    wire = Wire(rng, random_ends(rng), mss=max(rng.choice((1, 2, 3, 4, 5, 7, 13)), size // 1500))
    wire.play(session)
    frames = networks.disorder(rng, wire.frames) if rng.random() < 0.3 else wire.frames
    return Case("TLS, tiny segments", [networks.in_order(frames)], [session], ANY - LEAK, "may", exact=True)


def closed_windows(rng: random.Random) -> Case:
    """The receiver's window closes; the sender probes with the next byte, which comes again when it opens."""
    session = session_of(rng)
    wire = Wire(rng, random_ends(rng))
    wire.syn()
    for sender, data in session.turns:
        if rng.random() < 0.3 and len(data) > 1:
            wire.frames.append(copy(wire.frame(other(sender)), window=0))
            for _ in range(rng.randrange(1, 4)):
                wire.frames.append(wire.frame(sender, data[:1]))
                wire.frames.append(copy(wire.frame(other(sender)), window=0))
            wire.frames.append(wire.frame(other(sender)))
        wire.say(sender, data)
    return Case("TLS, window probes", [wire.frames], [session], PROVEN, "must", exact=True)


def urgent(rng: random.Random) -> Case:
    """Urgent data (RFC 6093) in the clear: the byte is in the stream, or it is not."""
    session = plaintext(rng)
    frames = [
        copy(frame, flags=frame.flags | URG, urgent=rng.randrange(1, len(frame.payload) + 1))
        if frame.payload and rng.random() < 0.3 else frame for frame in played(rng, session)
    ]  # fmt: skip
    return Case("urgent data", [frames], [session], LEAK)


FORGERIES: tuple[tuple[int, Callable[[random.Random], Case]], ...] = (
    (4, decoy_inside),
    (2, old_stamps),
    (2, overlapping_fragments_v6),
    (2, after_fin),
    (2, half_closed),
    (2, forged_fin),
    (2, data_in_syn),
    (1, simultaneous),
    (4, dressed),
    (3, dressed_oddly),
    (4, odd_headers),
    (1, tiny_segments),
    (3, closed_windows),
    (1, urgent),
)
