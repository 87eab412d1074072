"""Zip files that are the same bytes for the same files and time: sorted, stored, with fixed attributes.

Nothing is compressed: so no other version of a compressor makes other bytes, nothing in a bundle can unpack to more
than there is, and a bundle can be held against the only form that it may have. Captures are often compressed anyway.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from aurora_wire.evidence.sums import BLOCK

Content = bytes | Path
ATTRIBUTES: Final = (stat.S_IFREG | 0o644) << 16
UNIX: Final = 3
FIRST, LAST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # what the format can say


def write_archive(file: BinaryIO, contents: Mapping[str, Content], created: datetime) -> None:
    """Write a zip of `contents` (bytes, or where they are) to a file that can be sought in."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name in sorted(contents):
            content = contents[name]
            info = zipfile.ZipInfo(name, dos_time(created))
            info.create_system = UNIX
            info.external_attr = ATTRIBUTES
            info.compress_type = zipfile.ZIP_STORED
            info.file_size = len(content) if isinstance(content, bytes) else content.stat().st_size
            with archive.open(info, "w") as member:
                if isinstance(content, bytes):
                    member.write(content)
                    continue
                with content.open("rb") as source:
                    while block := source.read(BLOCK):
                        member.write(block)


def dos_time(moment: datetime) -> tuple[int, int, int, int, int, int]:
    """Return a time in UTC, to two seconds, as far as the format goes."""
    m = moment.astimezone(UTC)
    return min(max((m.year, m.month, m.day, m.hour, m.minute, m.second & ~1), FIRST), LAST)
