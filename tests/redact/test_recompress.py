"""A compressed packet's content packed again is what zlib makes of it, whatever memory zlib is given."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import pytest

from aurora_wire.redact.recompress import SMALL_MEMORY, packed

PIECES = (b"*abcdefg****", b"INSERT INTO t VALUES ", b"****", b"\0\1")
KINDS: dict[str, Callable[[random.Random, int], bytes]] = {
    "masks": lambda rng, size: b"".join(rng.choices(PIECES, k=size)),
    "two letters": lambda rng, size: bytes(rng.choices(b"a*", k=size)),
    "noise": lambda rng, size: rng.randbytes(size),
    "one block after another": lambda rng, size: rng.randbytes(40) * (size // 40 + 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_short_contents_are_packed_as_zlib_packs_them(kind: str) -> None:
    rng = random.Random(kind)
    edges = [size + more for size, _, _ in SMALL_MEMORY for more in (-1, 0, 1)]
    for size in [*range(1, 40), *edges, *(rng.randrange(1, 5000) for _ in range(200))]:
        content = KINDS[kind](rng, size)[:size]
        usual = zlib.compress(content, 9)
        body = packed(b"\x78" * (len(usual) + 5), content)
        assert body == usual + bytes(5)
        assert packed(b"\x78" * (len(usual) - 1), content) == b""
