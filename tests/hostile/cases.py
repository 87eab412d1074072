"""Cases: what crossed, what of it was captured, and what may be said of it. Functions of a random generator."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.conversations import mysql, tls
from tests.hostile import networks
from tests.hostile.conversations import Session, encrypted, plaintext, readable, word
from tests.hostile.wire import ACK, MOD, PSH, RST, SYN, Frame, Wire, copy, random_ends

ANY = frozenset({"plaintext", "encrypted", "mixed", "no-session", "inconclusive", "not-mysql"})
X_PORT = 33060
LEAK = frozenset({"plaintext", "mixed"})


@dataclass(slots=True)
class Case:
    """captures: files, each a list of frames. What may be said: `verdicts`; whether `encrypted` may, must or must not
    be proven (`proof`: "must", "never", "may"); `exact`: the statements' texts are those of the sessions, all of them.
    """

    name: str
    captures: list[list[Frame]]
    sessions: list[Session]
    verdicts: frozenset[str] = ANY
    proof: str = "may"
    exact: bool = False

    @property
    def texts(self) -> set[bytes]:
        return set().union(*(session.texts for session in self.sessions))


def played(rng: random.Random, session: Session, wire: Wire | None = None, **how: bool) -> list[Frame]:
    wire = wire or Wire(rng, random_ends(rng))
    wire.play(session, **how)  # type: ignore[arg-type]
    return wire.frames


def planted(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Ciphertext that begins its segment as a MySQL packet would: it is as likely as any other."""
    out = []
    left: dict[str, int] = {"client": 0, "server": 0}
    for frame in frames:
        payload, at = frame.payload, left[frame.sender]
        if at >= len(payload) > 60 and rng.random() < 0.5:
            head = (len(payload) - 4).to_bytes(3, "little") + b"\0" + bytes([rng.choice((3, 22, 23))])
            payload = head + payload[5:]
        while at + 5 <= len(payload) and 20 <= payload[at] <= 24 and payload[at + 1] == 3:
            at += 5 + int.from_bytes(payload[at + 3 : at + 5], "big")
        left[frame.sender] = max(0, at - len(payload))
        out.append(copy(frame, payload=payload))
    return out


# -- ordinary networks


def clean_tls(rng: random.Random) -> Case:
    session = encrypted(rng)
    frames = networks.ordinary(rng, played(rng, session))
    return Case("clean TLS", [frames], [session], frozenset({"encrypted"}), "must", exact=True)


def skewed_tls(rng: random.Random) -> Case:
    """Two taps merged; TLS has to be proven where nothing is missing."""
    session = encrypted(rng)
    frames = networks.skewed(rng, played(rng, session, reset=False))
    if rng.random() < 0.5:
        return Case("TLS, two taps merged", [frames], [session], frozenset({"encrypted"}), "must", exact=True)
    sides = [[frame for frame in frames if frame.sender == side] for side in ("client", "server")]
    rng.shuffle(sides)
    return Case("TLS, a file a direction", sides, [session], frozenset({"encrypted"}), "must", exact=True)


def clean_plaintext(rng: random.Random) -> Case:
    session = readable(rng)
    frames = networks.ordinary(rng, played(rng, session))
    return Case("clean plaintext", [frames], [session], frozenset({"plaintext"}), exact=True)


def skewed_plaintext(rng: random.Random) -> Case:
    session = plaintext(rng)
    frames = networks.skewed(rng, played(rng, session, reset=False))
    captures = [frames]
    if rng.random() < 0.5:
        captures = [[frame for frame in frames if frame.sender == side] for side in ("client", "server")]
        rng.shuffle(captures)
    return Case("plaintext, two taps", captures, [session], frozenset({"plaintext"}))


def lossy_tls(rng: random.Random) -> Case:
    session = encrypted(rng)
    whole = played(rng, session)
    if rng.random() < 0.5:
        whole = planted(rng, whole)
    frames = networks.lossy(rng, whole)
    # A pure ACK that is missing is no loss; what was lost behind its last numbers cannot be known.
    proof = "never" if networks.loss_shows(whole, frames) else "may"
    return Case("lossy TLS", [frames], [session], ANY - LEAK, proof)


def lossy_plaintext(rng: random.Random) -> Case:
    session = readable(rng)
    frames = networks.lossy(rng, played(rng, session))
    return Case("lossy plaintext", [frames], [session], ANY - {"encrypted"})


# -- somebody who is neither client nor server


def forged_controls(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """RSTs and SYNs that no receiver obeys, from somewhere on."""
    at = rng.randrange(len(frames) // 3, max(len(frames) // 3 + 1, len(frames) - 2))
    model = frames[at]
    made = []
    for _ in range(rng.randrange(1, 3)):
        kind = rng.randrange(4)
        if kind == 0:
            made.append(copy(model, flags=RST | ACK, payload=b"", bad_tcp=True))
        elif kind == 1:
            off = rng.choice((-70_000, -5_000_000, 90_000_000, 1 << 31))
            made.append(copy(model, flags=RST | ACK, payload=b"", seq=(model.seq + off) % MOD))
        elif kind == 2:
            made.append(copy(model, flags=SYN, payload=b"", seq=rng.randrange(MOD), ack=0))
        else:
            made.append(copy(model, flags=RST, payload=b"", bad_ip=True))
    return [*frames[:at], *made, *frames[at:]]


def after_forged_controls(rng: random.Random) -> Case:
    """TLS, forged RSTs or SYNs, then the same connection goes on in the clear."""
    first, second = encrypted(rng), plaintext(rng)
    wire = Wire(rng, random_ends(rng))
    wire.play(first, close=False)
    cut = len(wire.frames)
    wire.play(Session("rest", second.turns[1:]), syn=False)
    frames = wire.frames
    frames = [*forged_controls(rng, frames[:cut]), *frames[cut:]]
    return Case("plaintext after forged controls", [networks.in_order(frames)], [first, second], LEAK)


def plaintext_with_forged_controls(rng: random.Random) -> Case:
    session = plaintext(rng)
    frames = networks.in_order(forged_controls(rng, played(rng, session)))
    return Case("plaintext with forged controls", [frames], [session], frozenset({"plaintext"}))


def tls_with_forged_controls(rng: random.Random) -> Case:
    session = encrypted(rng)
    frames = networks.in_order(forged_controls(rng, played(rng, session)))
    # What comes after an RST that might have been obeyed is no evidence for TLS: the verdict may be weaker.
    return Case("TLS with forged controls", [frames], [session], ANY - LEAK)


def decoys(rng: random.Random) -> Case:
    """Frames in TLS that never arrive, and the real session in the clear at the same sequence numbers."""
    first, second = encrypted(rng), plaintext(rng)
    ends = random_ends(rng)
    fake, real = Wire(rng, ends, mss=1460), Wire(rng, ends, mss=1460)
    real.next = dict(fake.next)
    greeting = second.turns[0]
    real.syn()
    real.say(*greeting)
    fake.next, fake.time_ns = dict(real.next), real.time_ns
    fake.play(Session("decoys", first.turns[1:]), syn=False, close=False)
    mark = rng.choice(("ttl", "bad_tcp", "zero_tcp", "bad_ip"))
    marked = [
        copy(frame, **({"ttl": 2} if mark == "ttl" else {mark: True})) for frame in fake.frames
    ]
    real_start = len(real.frames)
    real.time_ns = fake.time_ns
    real.play(Session("real", second.turns[1:]), syn=False)
    frames = [*real.frames[:real_start], *marked, *real.frames[real_start:]]
    return Case(f"decoys ({mark})", [networks.in_order(frames)], [first, second], ANY - {"encrypted", "not-mysql"})


def same_ports(rng: random.Random) -> Case:
    """Two networks with the same addresses and ports: one in TLS, one in the clear, perhaps from the middle on."""
    first, second = encrypted(rng), plaintext(rng)
    ends = random_ends(rng)
    one, two = played(rng, first, Wire(rng, ends)), played(rng, second, Wire(rng, ends))
    how = rng.choice(("vlan", "vni", "file"))
    if rng.random() < 0.4:
        two = [frame for frame in two if not frame.flags & SYN]
        if rng.random() < 0.5:
            two = [frame for frame in two if frame.payload != second.turns[0][1]]
    if how == "file":
        captures = [one, two]
        rng.shuffle(captures)
        return Case("the same ports, two sites", captures, [first, second], LEAK)
    one = [copy(frame, **{how: 7}) for frame in one]  # type: ignore[arg-type]
    two = [copy(frame, **{how: 8}) for frame in two]  # type: ignore[arg-type]
    frames = sorted([*one, *two], key=lambda frame: frame.time_ns)
    return Case(f"the same ports, two networks ({how})", [networks.in_order(frames)], [first, second], LEAK)


def ports_again(rng: random.Random) -> Case:
    """Ports used again, perhaps without a SYN in the capture: the first session in TLS, the second in the clear."""
    first, second = encrypted(rng), plaintext(rng)
    ends = random_ends(rng)
    wire = Wire(rng, ends)
    wire.play(first, close=rng.random() < 0.7)
    later = Wire(rng, ends, time_ns=wire.time_ns + rng.choice((10**8, 10**10, 36 * 10**11)))
    if rng.random() < 0.5:
        for side in ("client", "server"):
            later.next[side] = (wire.next[side] + rng.choice((-90_000, 100_000, 3_000_000, -3_000_000))) % MOD
    later.play(second)
    frames = later.frames
    if rng.random() < 0.7:
        frames = [frame for frame in frames if not frame.flags & SYN]
        if rng.random() < 0.3:
            frames = [frame for frame in frames if frame.payload != second.turns[0][1]]
    return Case("ports used again", [[*wire.frames, *frames]], [first, second], LEAK)


def overlapping_fragments(rng: random.Random) -> Case:
    """IP fragments that overlap, of which one set reads as plaintext."""
    first, second = encrypted(rng), plaintext(rng)
    wire = Wire(rng, random_ends(rng), mss=1460)
    wire.ends.client, wire.ends.server = bytes([10, 0, 0, 5]), bytes([10, 1, 0, 9])
    wire.play(first, close=False)
    query = mysql.query(b"SELECT pan FROM cards WHERE owner = '%s'" % word(rng) + b" OR TRUE" * 8)
    decoy = wire.send("client", tls.record(tls.DATA, rng.randbytes(len(query) - 5)), PSH | ACK)
    wire.frames.pop()
    decoy = copy(decoy, parts=[24])
    real = copy(decoy, payload=query)
    wire.frames += [decoy, real] if rng.random() < 0.5 else [real, decoy]
    wire.send("server", tls.record(tls.DATA, rng.randbytes(60)), PSH | ACK)
    second.texts = {query[5:]}
    return Case("overlapping fragments", [wire.frames], [first, second], ANY - {"not-mysql", "no-session"}, "never")


def injected(rng: random.Random) -> Case:
    """Bytes between SSLRequest and ClientHello, as in the injections of 2021."""
    session = encrypted(rng)
    at = next(number for number, turn in enumerate(session.turns) if turn[1] == mysql.ssl_request())
    text = b"SELECT '%s'" % word(rng)
    turns = list(session.turns)
    turns.insert(at + 1, ("client", mysql.query(text)))
    session.turns = turns
    session.texts.add(text)
    return Case("injected before ClientHello", [played(rng, session)], [session], LEAK)


ODD_STARTS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"220 mail ESMTP\r\n",
    b"*1\r\n$4\r\nPING\r\n",
)


def begins_oddly(rng: random.Random) -> Case:
    """A session picked up in mid-stream whose first segment reads as another protocol."""
    session = plaintext(rng)
    while session.commands < 2:
        session = plaintext(rng)
    odd = rng.choice(ODD_STARTS)
    wire = Wire(rng, random_ends(rng))
    wire.send("server", odd, PSH | ACK)
    wire.play(Session("rest", session.turns[3:]), syn=False)
    return Case("begins like another protocol", [wire.frames], [session], frozenset({"plaintext"}))


def foreign(rng: random.Random) -> Case:
    """A binary protocol on a port of its own, with a packet lost: it is not MySQL."""
    session = Session("foreign")
    size = rng.choice((2, 4))
    for number in range(rng.randrange(2, 12)):
        for side in ("client", "server"):
            body = struct_like(rng, number)
            session.turns.append((side, len(body).to_bytes(size, rng.choice(("big", "little"))) + body))  # type: ignore[arg-type]
    ends = random_ends(rng, rng.choice((9092, 873, 5672, 9300, 7000, 27017)))
    frames = played(rng, session, Wire(rng, ends))
    if rng.random() < 0.8:
        frames = networks.lossy(rng, frames)
    allowed = frozenset({"not-mysql", "no-session"})
    if ends.client_port == X_PORT:
        allowed |= {"inconclusive"}  # by chance: half of it may be of an X Protocol session
    return Case("another protocol with losses", [frames], [session], allowed)


def struct_like(rng: random.Random, number: int) -> bytes:
    """Integers, short strings and noise, as binary protocols have them."""
    out = number.to_bytes(4, "big") + bytes([rng.randrange(4), 0])
    for _ in range(rng.randrange(1, 6)):
        text = word(rng)
        out += len(text).to_bytes(2, "big") + text + rng.randbytes(rng.randrange(12))
    return out
