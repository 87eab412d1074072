"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from aurora_wire.disk import words_of
from aurora_wire.errors import OutputError


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """To be written to, and moved to `path` when the block ends well; readable for its owner only.

    What was there before stays until then, and for good where something fails. Raises OutputError where it cannot
    be written. Errors of the file system inside the block count as that.
    """
    target = Path(path)
    part: Path | None = None
    file: BinaryIO | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "Is a folder")
        target = target.resolve()
        handle, name = mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
        part = Path(name)
        file = os.fdopen(handle, "w+b", buffering=1 << 20)
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        part.replace(target)
        part = None
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {words_of(error, path)}. Nothing was written there.") from error
    finally:
        if file is not None:
            with suppress(OSError):
                file.close()
        if part is not None:
            with suppress(OSError):
                part.unlink()
