"""Opens a bundle that anybody may have made or changed: nothing in it is trusted before it was looked at.

Files of a bundle are stored, not compressed, so what comes out is never more than the archive; names are plain and
relative; each is there once. Whatever else a zip can hold is refused.
"""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO, Final, Self

from aurora_wire.errors import UsageError, describe_error
from aurora_wire.evidence.sums import BLOCK, hash_stream
from aurora_wire.rights.inputs import input_file

MAX_FILES: Final = 10_100
MAX_TEXT: Final = 256 << 20  # bytes of a file that is read as a whole
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?\Z")
_ENCRYPTED: Final = 0x1


class NotABundle(Exception):  # noqa: N818 - a result that the caller reports
    """What the archive is, or has in it, that no bundle has."""


class Bundle:
    """The files of an archive, by name. Closed by `with`. Raises UsageError where there is none, NotABundle."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._file: BinaryIO = input_file(path)  # closed by `close`
            self.size = self._file.seek(0, 2)
            self._file.seek(0)
            start = self._file.read(4)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read ({describe_error(error)}).") from error
        try:
            self._zip = self._open(start)
            self.members = {info.filename: info for info in self._checked()}
        except BaseException:
            self._file.close()
            raise

    def _open(self, start: bytes) -> zipfile.ZipFile:
        if not zipfile.is_zipfile(self._file):
            if start[:2] != b"PK":
                raise UsageError(f"{self.path}: is no zip archive. `aurora-wire evidence create` makes bundles.")
            raise NotABundle("the zip archive has no readable list of files. Was the copy complete?")
        try:
            return zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
            raise NotABundle(f"the zip archive is damaged ({error})") from error

    def _checked(self) -> list[zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_FILES:
            raise NotABundle(f"{len(infos):,} files are more than a bundle has")
        seen: set[str] = set()
        total = 0
        for info in infos:
            name = info.orig_filename
            if info.filename != name or not _NAME.match(name):
                raise NotABundle(f"{name[:200]!r} is no name of a file in a bundle: it could lead elsewhere")
            if name in seen:
                raise NotABundle(f"{name} is there twice")
            seen.add(name)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise NotABundle(f"{name} is no plain file")
            if info.flag_bits & _ENCRYPTED:
                raise NotABundle(f"{name} is encrypted")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise NotABundle(f"{name} is compressed, and a bundle's files are stored: it is not unpacked")
            total += info.file_size
        if total > self.size:
            raise NotABundle(f"its files have {total:,} bytes, and the archive {self.size:,}: they overlap")
        return infos

    def open(self, name: str) -> BinaryIO:
        """Open a file of the bundle. Raises NotABundle if its header is damaged."""
        try:
            return self._zip.open(self.members[name])  # type: ignore[return-value]
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, RuntimeError) as error:
            raise NotABundle(f"{name}: the zip archive is damaged ({error})") from error

    def read(self, name: str) -> bytes:
        """Return a file that is read as a whole; bounded."""
        if self.members[name].file_size > MAX_TEXT:
            raise NotABundle(f"{name} has {self.members[name].file_size:,} bytes, more than it needs")
        with self.open(name) as file:
            try:
                return file.read()
            except (zipfile.BadZipFile, OSError, EOFError) as error:
                raise NotABundle(f"{name}: {error}") from error

    def hash(self, name: str) -> tuple[str, int]:
        """Return SHA-256 and size. Raises NotABundle where the archive itself says that its bytes changed."""
        with self.open(name) as file:
            try:
                return hash_stream(file)
            except (zipfile.BadZipFile, OSError, EOFError) as error:
                raise NotABundle(f"{name}: its bytes are not those that were packed ({error})") from error

    def extract(self, name: str, folder: Path) -> Path:
        """Write it to `folder`/`name`."""
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.open(name) as file, target.open("wb") as out:
            while True:
                try:
                    block = file.read(BLOCK)
                except (zipfile.BadZipFile, EOFError) as error:
                    raise NotABundle(f"{name}: its bytes are not those that were packed ({error})") from error
                if not block:
                    return target
                out.write(block)

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
