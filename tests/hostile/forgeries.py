"""Forged conversations: what those can send who know how captures are read, and what looks like it and is honest."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.hostile import networks
from tests.hostile.cases import LEAK, Case, played
from tests.hostile.conversations import plaintext, word
from tests.hostile.wire import MOD, Wire, copy, random_ends


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


FORGERIES: tuple[tuple[int, Callable[[random.Random], Case]], ...] = ((4, decoy_inside),)

