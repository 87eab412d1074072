"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import OutputError
from aurora_wire.rights.new_files import WholeFile


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file that is moved to `path` when the block ends well; readable for its owner only.

    What was there before stays until then, and for good where something fails. Raises OutputError where it cannot
    be written. Errors of the file system inside the block count as that.
    """
    whole: WholeFile | None = None
    file: BinaryIO | None = None
    try:
        whole = WholeFile(os.fspath(path))
        file = os.fdopen(whole.handle, "w+b", buffering=1 << 20)
        yield file
        file.flush()
        whole.keep()
        file.close()
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {describe_disk_error(error, path)}. Nothing was written there.") from error
    finally:
        if file is not None:
            with suppress(OSError):
                file.close()
        if whole is not None:
            whole.discard()
