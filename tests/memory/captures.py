"""All kinds of captures made to take memory, by name: each is written to a path, with about so many bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tests.memory import kinds, kinds_of_files, kinds_of_frames, kinds_of_sessions

Write = Callable[[Path, int], None]


def of_frames(made: Callable[[], kinds.Frames], link: int = 101) -> Write:
    header = kinds.PCAP[:20] + struct.pack("<I", link)
    return lambda path, size: kinds.write(path, made(), size, header)


CAPTURES: dict[str, Write] = {
    **{name: of_frames(made) for name, made in kinds.KINDS.items()},
    **{name: of_frames(made) for name, made in kinds_of_sessions.KINDS.items()},
    **{name: of_frames(made, link) for name, (link, made) in kinds_of_frames.KINDS.items()},
    **{name: kinds_of_files.written(made) for name, made in kinds_of_sessions.OF_FILES.items()},
    **kinds_of_files.KINDS,
}
