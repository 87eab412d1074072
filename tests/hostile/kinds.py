"""Which cases there are, and how often each comes. `case(seed)` is a function of its seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.hostile import cases
from tests.hostile.cases import Case
from tests.hostile.forgeries import FORGERIES

KINDS: tuple[tuple[int, Callable[[random.Random], Case]], ...] = (
    (20, cases.clean_tls),
    (6, cases.skewed_tls),
    (12, cases.clean_plaintext),
    (5, cases.skewed_plaintext),
    (15, cases.lossy_tls),
    (10, cases.lossy_plaintext),
    (5, cases.after_forged_controls),
    (3, cases.plaintext_with_forged_controls),
    (3, cases.tls_with_forged_controls),
    (5, cases.decoys),
    (6, cases.same_ports),
    (6, cases.ports_again),
    (3, cases.overlapping_fragments),
    (2, cases.injected),
    (3, cases.begins_oddly),
    (4, cases.foreign),
    *FORGERIES,
)


def case(seed: int) -> Case:
    rng = random.Random(seed)
    make = rng.choices([kind for _, kind in KINDS], [weight for weight, _ in KINDS])[0]
    return make(rng)
