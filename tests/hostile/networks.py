"""What networks and captures do to frames: each function takes a list of frames and returns another."""

from __future__ import annotations

import random

from tests.conversations.tcp import Sender, other
from tests.hostile.wire import ACK, FIN, MOD, RST, SYN, Frame, copy

# -- nothing is lost


def duplicates(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Some frames come twice, as with two taps or a capture on `any`."""
    out = list(frames)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(out))
        out.insert(min(last_place(out, at), at + rng.randrange(1, 4)), copy(out[at]))
    return out


def last_place(frames: list[Frame], at: int) -> int:
    """Where a repetition of this frame may stand at the latest: what comes after an RST is dropped, and no proof
    survives what is dropped and cannot be compared any more.
    """
    resets = (place for place in range(at + 1, len(frames)) if frames[place].flags & RST)
    return next(resets, len(frames))


def retransmissions(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Parts of what was sent are sent again, cut otherwise."""
    out = list(frames)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(out))
        frame = out[at]
        if len(frame.payload) < 3:
            continue
        low = rng.randrange(len(frame.payload) - 1)
        high = rng.randrange(low + 1, len(frame.payload) + 1)
        again = copy(frame, seq=frame.seq + low, payload=frame.payload[low:high], ident=rng.randrange(1 << 16))
        out.insert(min(last_place(out, at), at + rng.randrange(1, 5)), again)
    return out


def disorder(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Frames of one direction change places with their neighbours."""
    out = list(frames)
    for at in range(3, len(out) - 4):
        if rng.random() < 0.15:
            group = out[at : at + rng.choice((2, 3))]
            # A keep-alive is sent when nothing else is on its way.
            probes = any(len(frame.payload) == 1 for frame in out[at - 1 : at + 4])
            ends = any(frame.flags & (FIN | RST) for frame in group)
            if len({frame.sender for frame in group}) == 1 and not ends and not probes:
                rng.shuffle(group)
                out[at : at + len(group)] = group
    return out


def keep_alives(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """A byte before the next one, whatever it is, and the answer."""
    out = list(frames)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(4, len(out))
        frame = out[at]
        if not frame.payload or any(later.flags & (FIN | RST) for later in out[:at]):
            continue
        end = (frame.seq + len(frame.payload)) % MOD
        probe = copy(frame, seq=(end - 1) % MOD, payload=rng.choice((b"", b"\0", frame.payload[-1:])), flags=ACK)
        answer = copy(frame, sender=other(frame.sender), seq=frame.ack, ack=end, payload=b"", flags=ACK)
        # It is sent by who is idle, so that all before it is acknowledged.
        out[at + 1 : at + 1] = [answer, probe, copy(answer)]
    return out


def no_acks(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Some frames without payload are not captured."""
    return [frame for frame in frames if frame.payload or frame.flags & (SYN | FIN | RST) or rng.random() < 0.5]


def tagged(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """A VLAN tag, on one direction or on both."""
    tag, which = rng.randrange(1, 4095), rng.choice(("client", "server", "both"))
    return [copy(frame, vlan=tag) if which in ("both", frame.sender) else frame for frame in frames]


def offloaded(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """The capture is from one side's own host, whose checksums the network card fills in later."""
    host = rng.choice(("client", "server"))
    return [copy(frame, bad_tcp=True) if frame.sender == host else frame for frame in frames]


def fragmented(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """Some segments come in IP fragments."""
    out = []
    for frame in frames:
        size = len(frame.payload) + 20
        if size > 60 and rng.random() < 0.3:
            parts = sorted({8 * rng.randrange(1, size // 8) for _ in range(rng.randrange(1, 4))})
            out.append(copy(frame, parts=parts))
        else:
            out.append(frame)
    return out


def skewed(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """One direction's clock is up to 2 ms off, and both are merged by time."""
    which, by = rng.choice(("client", "server")), rng.randrange(-2_000_000, 2_000_000)
    moved = [copy(frame, time_ns=frame.time_ns + by) if frame.sender == which else frame for frame in frames]
    return sorted(moved, key=lambda frame: frame.time_ns)


ORDINARY = (disorder, duplicates, retransmissions, no_acks, tagged, offloaded, fragmented)


def ordinary(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """What any network does, nothing being lost."""
    if rng.random() < 0.3:
        frames = keep_alives(rng, frames)
    for change in rng.sample(ORDINARY, rng.randrange(4)):
        frames = change(rng, frames)
    return in_order(frames)


def in_order(frames: list[Frame]) -> list[Frame]:
    """Times that rise with the order of the frames, as a capture has them."""
    now = 0
    out = []
    for frame in frames:
        now = max(now + 1000, frame.time_ns)
        out.append(frame if frame.time_ns == now else copy(frame, time_ns=now))
    return out


# -- something is lost


def lose(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """A few frames with payload are not captured."""
    carriers = [at for at, frame in enumerate(frames) if frame.payload]
    gone = set(rng.sample(carriers, min(len(carriers), rng.randrange(1, 4))))
    return [frame for at, frame in enumerate(frames) if at not in gone]


def begun_late(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    carriers = [at for at, frame in enumerate(frames) if frame.payload]
    return frames[rng.choice(carriers) + 1 :]


def one_direction(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    kept: Sender = rng.choice(("client", "server"))
    return [frame for frame in frames if frame.sender == kept]


def snapped(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    keep = rng.choice((0, 6, 14, 42, 100, 300))
    return [copy(frame, cut=keep) for frame in frames]


def lost_start(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    """The SYNs and one of the first segments are missing."""
    out = [frame for frame in frames if not frame.flags & SYN]
    carriers = [at for at, frame in enumerate(out) if frame.payload]
    del out[rng.choice(carriers[:6])]
    return out


LOSSES = (lose, begun_late, one_direction, snapped, lost_start)


def lossy(rng: random.Random, frames: list[Frame]) -> list[Frame]:
    return rng.choice(LOSSES)(rng, frames)


def loss_shows(before: list[Frame], after: list[Frame]) -> bool:
    """Is a byte of payload of `before` not in `after`, though a number in `after` says that it was sent?

    Behind the last of these no capture can tell: it may as well have ended there.
    """
    starts = {side: next(frame.seq for frame in before if frame.sender == side) for side in ("client", "server")}

    def ranges(frames: list[Frame]) -> set[tuple[Sender, int, int]]:
        found: set[tuple[Sender, int, int]] = set()
        for frame in frames:
            size = len(frame.payload) if frame.cut is None else min(frame.cut, len(frame.payload))
            if frame.payload:
                found.add((frame.sender, (frame.seq - starts[frame.sender]) % MOD, size))
        return found

    known: dict[Sender, int] = {"client": 0, "server": 0}
    for frame in after:
        end = (frame.seq + len(frame.payload) - starts[frame.sender]) % MOD
        known[frame.sender] = max(known[frame.sender], end)
        if frame.flags & ACK:
            peer = other(frame.sender)
            known[peer] = max(known[peer], (frame.ack - starts[peer]) % MOD)
    return any(place < known[sender] for sender, place, _ in ranges(before) - ranges(after))
