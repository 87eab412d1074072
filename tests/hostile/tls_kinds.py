"""Clean, whole TLS in every shape that its standards allow, through networks and taps that lose nothing.

`tls_case(seed)` is a function of its seed. All that it makes is encrypted, and has to be proven. `lossy_case(seed)`
loses some of it, and lets ciphertext begin as MySQL's packets do: nothing of that is a leak.
Sources: RFC 8446 (1.3), RFC 5246 (1.2), RFC 5077 (tickets), RFC 8449 (small records).
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable

from tests.conversations import mysql, tls
from tests.conversations.tcp import Sender
from tests.hostile import networks
from tests.hostile.cases import ANY, LEAK, Case
from tests.hostile.conversations import VERSIONS, Session, big_hello
from tests.hostile.wire import ACK, FIN, RST, SYN, Frame, Wire, copy, random_ends

HELLO = re.compile(rb"\x16\x03[\0-\3]..[\1\2]\0", re.DOTALL)
ALERT_SIZE, KEY_UPDATE_SIZE = 19, 22  # of TLS 1.3, with a tag of 16

# Suites up to TLS 1.2: number, version at least, bytes that a record has besides its data (block ciphers: a block).
GCM, CHACHA, CCM_8, CBC = 0xC030, 0xCCA8, 0xC0A2, 0xC014
OVERHEAD = {GCM: 24, CHACHA: 16, CCM_8: 16, CBC: 48}
SUITES_13 = (0x1301, 0x1302, 0x1303, 0x1304)


def opened(rng: random.Random, kind: str) -> Session:
    session = Session(kind)
    session.server(mysql.greeting(thread_id=rng.randrange(1, 10**6), version=rng.choice(VERSIONS)))
    session.client(mysql.ssl_request())
    return session


def in_records(rng: random.Random, kind: int, body: bytes, version: int = tls.TLS12) -> bytes:
    """A message in one record, or in pieces of any size: RFC 8446, 5.1."""
    if rng.random() < 0.6:
        return tls.records(kind, body, version)
    size = rng.choice((37, 128, 511, 512, 1371, 4096))
    if kind == tls.DATA and 0 < len(body) % size < 17:
        body += rng.randbytes(17)  # a tag and a content type: no record of TLS 1.3 is shorter
    return tls.records(kind, body, version, size=size)


def ciphertext(rng: random.Random, size: int, version: int = tls.TLS12) -> bytes:
    return tls.records(tls.DATA, rng.randbytes(size), version)


def small_records(rng: random.Random, size: int, overhead: int, version: int = tls.TLS12) -> bytes:
    """`size` bytes of data in records of at most 64 bytes or less of it."""
    out, each = b"", rng.choice((1, 3, 8, 64))
    for at in range(0, size, each):
        held = min(each, size - at)
        out += tls.record(tls.DATA, rng.randbytes(held + overhead), version)
    return out


def padded(size: int) -> int:
    """Of a CBC suite with an IV of its own and a MAC of 20: blocks of 16."""
    return 16 + (size + 20 + 1 + 15) // 16 * 16


# -- TLS 1.3


def hello_13(
    rng: random.Random, session_id: bytes, *, psk: bool = False, early: bool = False, record_version: int = tls.TLS10
) -> bytes:
    """A ClientHello, perhaps in several records."""
    shares = tls.vector(struct.pack("!H", 0x1D) + tls.vector(rng.randbytes(32), 2), 2)
    if rng.random() < 0.2:
        shares = tls.vector(struct.pack("!H", 0x11EC) + tls.vector(rng.randbytes(1216), 2), 2)
    out = tls.extension(0, tls.vector(b"\0" + tls.vector(b"db.example", 2), 2)) if rng.random() < 0.7 else b""
    out += tls.extension(10, tls.vector(struct.pack("!HHH", 0x11EC, 0x1D, 0x17), 2))
    out += tls.extension(13, tls.vector(struct.pack("!HHH", 0x0403, 0x0804, 0x0401), 2))
    out += tls.extension(43, tls.vector(struct.pack("!HH", tls.TLS13, tls.TLS12), 1)) + tls.extension(51, shares)
    out += tls.extension(45, tls.vector(b"\x01", 1))
    if early:
        out += tls.extension(42, b"")
    if rng.random() < 0.3:
        out += tls.extension(21, bytes(rng.randrange(400)))
    if psk:
        identities = tls.vector(tls.vector(rng.randbytes(rng.choice((32, 192, 1100))), 2) + rng.randbytes(4), 2)
        out += tls.extension(41, identities + tls.vector(tls.vector(rng.randbytes(48), 1), 2))
    body = struct.pack("!H", tls.TLS12) + rng.randbytes(32) + tls.vector(session_id, 1)
    body += tls.vector(struct.pack("!5H", *SUITES_13, GCM), 2) + tls.vector(b"\0", 1) + tls.vector(out, 2)
    return in_records(rng, tls.HANDSHAKE, tls.message(1, body), record_version)


def certificates(rng: random.Random) -> int:
    return rng.choice((700, 2600, 5200, 17_000, 40_000))


def tls13(rng: random.Random) -> Session:
    session = opened(rng, "TLS 1.3")
    compatible = rng.random() < 0.7  # RFC 8446, appendix D.4: a session id, and ChangeCipherSpecs
    session_id = rng.randbytes(32) if compatible else b""
    spec = tls.change_cipher_spec() if compatible else b""
    retry, resumed = rng.random() < 0.25, rng.random() < 0.3
    early = resumed and not retry and rng.random() < 0.5
    suite = rng.choice(SUITES_13)
    hello = hello_13(rng, session_id, psk=resumed, early=early)
    client_spec, server_spec = spec, spec
    if early:
        session.client(hello + client_spec + ciphertext(rng, rng.choice((60, 250, 3000))))
        client_spec = b""
    else:
        session.client(hello)
    if retry:
        again = tls.server_hello_message(suite=suite, session_id=session_id, random_bytes=tls.RETRY_RANDOM)
        session.server(in_records(rng, tls.HANDSHAKE, again) + server_spec)
        session.client(client_spec + hello_13(rng, session_id, psk=resumed, record_version=tls.TLS12))
        client_spec, server_spec = b"", b""
    answer = tls.server_hello_message(
        suite=suite, session_id=session_id, resume_13=resumed, random_bytes=rng.randbytes(32)
    )
    flight = in_records(rng, tls.HANDSHAKE, answer) + server_spec
    asks = not resumed and rng.random() < 0.3  # for the client's certificate
    if rng.random() < 0.3:
        # All in one record, or in records of the greatest size.
        flight += ciphertext(rng, 100 if resumed else 100 + certificates(rng))
    else:
        flight += ciphertext(rng, 32) + (ciphertext(rng, 60) if asks else b"")
        if not resumed:
            flight += in_records(rng, tls.DATA, rng.randbytes(certificates(rng))) + ciphertext(rng, 281)
        flight += ciphertext(rng, 69)
    session.server(flight)
    last = client_spec
    if early and rng.random() < 0.8:
        last += ciphertext(rng, 21)  # EndOfEarlyData
    if asks:
        last += ciphertext(rng, rng.choice((25, 900, 2600))) + ciphertext(rng, 281)
    last += ciphertext(rng, 69)
    tickets = b"".join(ciphertext(rng, 234) for _ in range(rng.choice((0, 1, 2, 4))))
    if rng.random() < 0.3:
        last += ciphertext(rng, rng.randrange(60, 300))  # the login goes with the Finished
        session.client(last)
        session.server(tickets + ciphertext(rng, 36))
    else:
        session.client(last)
        session.server(tickets)
    talk(session, rng, 17)
    closes(session, rng, lambda: ciphertext(rng, ALERT_SIZE))
    return session


def talk(session: Session, rng: random.Random, overhead: int, version: int = tls.TLS12) -> None:
    """Commands and answers. In TLS 1.3 keys are changed now and then."""
    for number in range(rng.randrange(2, 7)):
        if overhead == 17 and rng.random() < 0.15:
            session.turns.append((rng.choice(("client", "server")), ciphertext(rng, KEY_UPDATE_SIZE)))
        if overhead == OVERHEAD[CBC]:
            session.client(ciphertext(rng, padded(rng.randrange(5, 400)), version))
            session.server(ciphertext(rng, padded(rng.choice((11, 80, 4200, 16_000))), version))
            continue
        sizes = rng.randrange(180 if number == 0 else 5, 400), rng.choice((11, 80, 700, 4200, 17_000))
        for sender, size in zip(("client", "server"), sizes, strict=True):
            tiny = rng.random() < 0.2 and size < 1000
            made = small_records(rng, size, overhead, version) if tiny else ciphertext(rng, size + overhead, version)
            session.turns.append((sender, made))  # type: ignore[arg-type]


def closes(session: Session, rng: random.Random, alert: Callable[[], bytes]) -> None:
    """Alerts at the end: from nobody, from either, from both."""
    for sender in ("client", "server"):
        if rng.random() < 0.5:
            session.turns.append((sender, alert()))  # type: ignore[arg-type]


# -- up to TLS 1.2


def tls12(rng: random.Random) -> Session:
    suite = rng.choice((GCM, GCM, CHACHA, CCM_8, CBC))
    version = rng.choice((tls.TLS10, tls.TLS11, tls.TLS12)) if suite == CBC else tls.TLS12
    session = opened(rng, "up to TLS 1.2")
    by_id, by_ticket = rng.random() < 0.2, rng.random() < 0.2
    session_id = rng.randbytes(32) if by_id or by_ticket else b""
    out = tls.extension(0, tls.vector(b"\0" + tls.vector(b"db.example", 2), 2))
    out += tls.extension(10, tls.vector(struct.pack("!HH", 0x1D, 0x17), 2))
    if version == tls.TLS12:
        out += tls.extension(13, tls.vector(struct.pack("!HHH", 0x0403, 0x0804, 0x0401), 2))
    out += tls.extension(23, b"") + tls.extension(0xFF01, b"\0")
    out += tls.extension(35, rng.randbytes(192) if by_ticket else b"")
    body = struct.pack("!H", version) + rng.randbytes(32) + tls.vector(session_id, 1)
    body += tls.vector(struct.pack("!HHH", suite, 0x2F, 0xFF), 2) + tls.vector(b"\0", 1) + tls.vector(out, 2)
    session.client(in_records(rng, tls.HANDSHAKE, tls.message(1, body), rng.choice((tls.TLS10, version))))
    hello = tls.server_hello_message(
        version=version, suite=suite, session_id=session_id or (rng.randbytes(32) if rng.random() < 0.5 else b""),
        random_bytes=rng.randbytes(32),
    )  # fmt: skip
    spec = tls.change_cipher_spec(version)
    finished = {GCM: 40, CHACHA: 32, CCM_8: 32, CBC: padded(16) if version > tls.TLS10 else 48}[suite]

    def done() -> bytes:
        return spec + tls.record(tls.HANDSHAKE, rng.randbytes(finished), version)

    ticket = tls.message(4, struct.pack("!I", 7200) + tls.vector(rng.randbytes(rng.choice((160, 1200))), 2))
    if by_id or by_ticket:
        new = in_records(rng, tls.HANDSHAKE, ticket, version) if rng.random() < 0.4 else b""
        session.server(in_records(rng, tls.HANDSHAKE, hello, version) + new + done())
        session.client(done())
    else:
        asks = rng.random() < 0.3
        session.server(server_flight(rng, hello, version, asks=asks))
        keys = tls.message(16, tls.vector(rng.randbytes(32), 1))
        if asks:
            chain = tls.vector(tls.vector(der(rng, rng.choice((700, 2600))), 3), 3)
            proof = tls.message(15, b"\x04\x01" + tls.vector(rng.randbytes(256), 2))
            keys = tls.message(11, chain) + keys + proof
        session.client(messages(rng, keys, version) + done())
        new = in_records(rng, tls.HANDSHAKE, ticket, version) if rng.random() < 0.5 else b""
        session.server(new + done())
    talk(session, rng, OVERHEAD[suite], version)
    size = padded(2) if suite == CBC else 2 + OVERHEAD[suite]
    closes(session, rng, lambda: tls.record(tls.ALERT, rng.randbytes(size), version))
    return session


def der(rng: random.Random, size: int) -> bytes:
    return b"\x30\x82" + struct.pack("!H", size) + rng.randbytes(size // 2) + b"Example Trust Network CA".ljust(
        size - size // 2, b"\x01"
    )


def messages(rng: random.Random, joined: bytes, version: int) -> bytes:
    """Handshake messages: all in one record, each in one of its own, or cut anywhere."""
    how = rng.randrange(3)
    if how == 0:
        return tls.records(tls.HANDSHAKE, joined, version)
    if how == 1:
        return tls.records(tls.HANDSHAKE, joined, version, size=rng.choice((61, 512, 1371)))
    out, at = b"", 0
    while at < len(joined):
        stop = at + 4 + int.from_bytes(joined[at + 1 : at + 4], "big")
        out += tls.records(tls.HANDSHAKE, joined[at:stop], version)
        at = stop
    return out


def server_flight(rng: random.Random, hello: bytes, version: int, *, asks: bool) -> bytes:
    chain = b"".join(tls.vector(der(rng, rng.choice((700, 1500, 6000))), 3) for _ in range(rng.randrange(1, 5)))
    joined = hello + tls.message(11, tls.vector(chain, 3))
    if rng.random() < 0.2:
        joined += tls.message(22, b"\x01" + tls.vector(rng.randbytes(471), 3))
    signed = b"\x03\x00\x1d" + tls.vector(rng.randbytes(32), 1) + b"\x04\x01" + tls.vector(rng.randbytes(256), 2)
    joined += tls.message(12, signed)
    if asks:
        kinds = tls.vector(b"\x01\x40", 1) + (tls.vector(b"\x04\x01\x04\x03", 2) if version == tls.TLS12 else b"")
        joined += tls.message(13, kinds + tls.vector(b"", 2))
    return messages(rng, joined + tls.message(14, b""), version)


def quantum(rng: random.Random) -> Session:
    """The hello of `conversations`, of more than a segment, in one write with the SSLRequest."""
    session = opened(rng, "TLS 1.3, one write")
    session.turns.pop()
    session.client(mysql.ssl_request() + big_hello(rng))
    spec = tls.change_cipher_spec()
    flight = tls.server_hello(random_bytes=rng.randbytes(32), session_id=tls.noise("sid", 32)) + spec
    session.server(flight + ciphertext(rng, 32) + ciphertext(rng, 1200) + ciphertext(rng, 281) + ciphertext(rng, 69))
    session.client(spec + ciphertext(rng, 69) + ciphertext(rng, 210))
    session.server(ciphertext(rng, 234) + ciphertext(rng, 234) + ciphertext(rng, 40))
    talk(session, rng, 17)
    return session


def session_of(rng: random.Random) -> Session:
    return rng.choices((tls13, tls12, quantum), (6, 5, 1))[0](rng)


# -- networks and taps


def resent(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Each segment of the handshake is sent again, at once or a little later."""
    out: list[Frame] = []
    late: list[tuple[int, Frame]] = []
    for at, frame in enumerate(frames):
        out += [again for due, again in late if due <= at]
        late = [(due, again) for due, again in late if due > at]
        out.append(frame)
        if frame.payload and at < 40:
            late.append((at + rng.randrange(1, 6), copy(frame, ident=rng.randrange(1 << 16))))
    return out + [again for _, again in late]


def skewed(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Two taps, whose clocks differ by up to 50 ms."""
    which, by = rng.choice(("client", "server")), rng.choice((-1, 1)) * rng.randrange(50_000_000)
    moved = [copy(frame, time_ns=frame.time_ns + by) if frame.sender == which else frame for frame in frames]
    return sorted(moved, key=lambda frame: frame.time_ns)


def sides(frames: list[Frame]) -> dict[Sender, list[Frame]]:
    return {side: [frame for frame in frames if frame.sender == side] for side in ("client", "server")}


def coarse(frames: list[Frame], unit_ns: int) -> list[Frame]:
    """Times of a clock that only counts in such units."""
    return [copy(frame, time_ns=frame.time_ns // unit_ns * unit_ns) for frame in frames]


def a_file_each(rng: random.Random, frames: list[Frame]) -> list[list[Frame]]:
    """One file a direction: by one clock, by two, by two that begin at zero, or by one that hardly counts."""
    how = rng.choice(("skewed", "reset", "coarse", "same"))
    made = sides(skewed(rng, frames) if how == "skewed" else networks.in_order(frames))
    if how == "reset":
        for side, kept in made.items():
            first = kept[0].time_ns
            made[side] = [copy(frame, time_ns=frame.time_ns - first) for frame in kept]
    elif how == "coarse":
        unit = rng.choice((1_000_000, 10_000_000, 1_000_000_000))
        made = {side: coarse(kept, unit) for side, kept in made.items()}
    elif how == "same":
        made = {side: [copy(frame, time_ns=10**18) for frame in kept] for side, kept in made.items()}
    files = list(made.values())
    rng.shuffle(files)
    return files


def ended(rng: random.Random, wire: Wire) -> None:
    """How a connection ends: it stays open, FINs, RST, RST after FINs."""
    how = rng.randrange(5)
    if how == 0:
        return
    if how == 1:
        wire.send("client", flags=RST | ACK)
        return
    first, second = rng.choice((("client", "server"), ("server", "client")))
    wire.send(first, flags=FIN | ACK)  # type: ignore[arg-type]
    if how == 2:
        wire.send(second, flags=ACK)  # type: ignore[arg-type]
        wire.send(first, flags=RST | ACK)  # type: ignore[arg-type]
        return
    wire.send(second, flags=FIN | ACK)  # type: ignore[arg-type]
    wire.send(first, flags=ACK)  # type: ignore[arg-type]
    if how == 3:
        wire.send(second, flags=RST)  # type: ignore[arg-type]


def tls_case(seed: int) -> Case:
    rng = random.Random(seed)
    session = session_of(rng)
    wire = Wire(rng, random_ends(rng))
    wire.play(session, close=False)
    way = rng.randrange(5)
    if way in (0, 1):
        ended(rng, wire)
    elif rng.random() < 0.5:
        wire.close(reset=False)  # an RST ends what another tap shows later
    frames = wire.frames
    if rng.random() < 0.1:
        frames = [frame for frame in frames if not frame.flags & SYN]
    if way == 0:
        captures = [networks.ordinary(rng, frames)]
    elif way == 1:
        closing = [frame for frame in frames if frame.flags & (FIN | RST)]
        stop = frames.index(closing[0]) if closing else len(frames)
        captures = [networks.in_order([*resent(rng, frames[:stop]), *frames[stop:]])]
    elif way == 2:
        captures = [skewed(rng, frames)]
    else:
        captures = a_file_each(rng, frames)
    name = f"{session.kind}, {('a network', 'sent again', 'two taps', 'a file each', 'a file each')[way]}"
    return Case(name, captures, [session], frozenset({"encrypted"}), "must", exact=True)


# -- something is lost


def head_of(rng: random.Random, sender: Sender, size: int) -> bytes:
    """The first bytes of a packet that fills `size` bytes, or of one that goes on, or of some in a row."""
    length = rng.choice((size - 4, size - 4, size - 4, 3 * size, 16_384, 5, 1))
    if sender == "client":
        first = rng.choice((*range(34), 250))
        return length.to_bytes(3, "little") + bytes([0, first])
    how = rng.randrange(4)
    if how == 0:
        return (size - 7).to_bytes(3, "little") + b"\0\0\x20\0\x78\x9c"
    if how == 1:
        return (size - 7).to_bytes(3, "little") + b"\0\0\0\0" + (size - 11).to_bytes(3, "little") + b"\0"
    return length.to_bytes(3, "little") + bytes([rng.choice((1, 1, 2, 3)), rng.choice((0, 0xFE, 0xFF, 0xFB, 1, 3, 5))])


def planted(rng: random.Random, frames: list[Frame], often: float) -> list[Frame]:
    """Segments from inside a record that begin as a packet would: its bytes are as likely as any others."""
    bodies = {side: bodies_of([frame for frame in frames if frame.sender == side]) for side in ("client", "server")}
    out = []
    for frame in frames:
        size = len(frame.payload)
        if size > 20 and frame.seq in bodies[frame.sender] and rng.random() < often:
            head = head_of(rng, frame.sender, size)
            out.append(copy(frame, payload=head + frame.payload[len(head) :]))
        else:
            out.append(frame)
    return out


def bodies_of(frames: list[Frame]) -> set[int]:
    """The sequence numbers of segments whose first 20 bytes lie inside a record's body."""
    stream = b"".join(frame.payload for frame in frames)
    hello = HELLO.search(stream)
    bodies: list[range] = []
    at = hello.start() if hello is not None else len(stream)
    while at + 5 <= len(stream):
        stop = at + 5 + int.from_bytes(stream[at + 3 : at + 5], "big")
        bodies.append(range(at + 5, stop - 20))
        at = stop
    found, place, number = set(), 0, 0
    for frame in frames:
        while number < len(bodies) and place >= bodies[number].stop:
            number += 1
        if number < len(bodies) and place in bodies[number]:
            found.add(frame.seq)
        place += len(frame.payload)
    return found


def cut_short(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Every frame is cut by the snaplen, at any byte of what matters."""
    keep = rng.randrange(80)
    return [copy(frame, cut=keep) for frame in frames]


def lossy_case(seed: int) -> Case:
    rng = random.Random(f"lossy {seed}")
    session = session_of(rng)
    wire = Wire(rng, random_ends(rng), mss=rng.choice((1460, 536, 100, 61)))
    wire.play(session, close=rng.random() < 0.5)
    whole = wire.frames
    if rng.random() < 0.7:
        whole = planted(rng, whole, rng.choice((0.1, 0.5, 1.0)))
    frames = whole
    losses = (*networks.LOSSES, networks.lose, cut_short)
    for change in rng.sample(losses, rng.choice((1, 1, 2))):
        if sum(1 for frame in frames if frame.payload) > 8:
            frames = change(rng, frames)
    proof = "never" if networks.loss_shows(whole, frames) else "may"
    return Case(f"{session.kind}, lossy", [frames], [session], ANY - LEAK, proof)
