"""From what the user names (files, folders, patterns) to the captures, in the order of their packets."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from aurora_wire.capture.files.addresses import SCHEMES, find_scheme, is_remote, shown
from aurora_wire.capture.files.open import STANDARD_INPUT, NotACapture, NotAText, open_capture
from aurora_wire.capture.frame_source import CaptureError
from aurora_wire.errors import UsageError, describe_error
from aurora_wire.immutable import immutable, record
from aurora_wire.rights.inputs import input_file, reading

HEX_DUMP: Final = "a hex dump: text in folders is not read, so name it"
_SPECIAL: Final = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_DEVICE: Final = "a device"
_NEVER_READ: Final = frozenset({*_SPECIAL.values(), _DEVICE})  # to open one may wait for ever
_CANNOT: Final = {errno.ENOENT: "a link to nowhere", errno.ELOOP: "links in a circle"}
_MAGIC: Final = frozenset("*?[")
_ENDINGS: Final = ("pcap", "cap", "ntar", "dmp", "trc", "snoop", "etl")
# Pictures, documents, programs, databases: by their first bytes.
_HARMLESS: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF", b"\x7fELF", b"SQLite format 3", b"\xca\xfe\xba\xbe", b"MZ",
    b"\x00\x00\x01\x00", b"OTTO", b"wOF",
)  # fmt: skip


def dated_inputs(paths: list[str]) -> list[tuple[str, int]]:
    """Return the captures that `paths` name, each once, ordered by the time of their first packet; -1: it has none.

    A folder stands for all captures in it and below, told by their content, and for what may be one and cannot be
    read: each of its files is accounted for. Text in a folder (notes, reports, hex dumps too: name those one by one) is
    no capture. A pattern that the shell left alone stands for what it matches. What has no time (text without dates,
    standard input, a file that cannot be read) keeps its place in the order. What cannot be read is among them:
    opening it tells why. Raises UsageError where a path, a pattern or a folder names no capture.
    """
    return find_inputs(paths).captures


@immutable
class LeftOut:
    """What lies in a folder and is not read, and why."""

    path: str
    why: str


@record
class Inputs:
    """captures: of `dated_inputs`; left_out: the other files of folders (notes, pictures, reports, links, pipes).

    unnamed: those of the captures that nobody named: a folder or a pattern stands for them.
    """

    captures: list[tuple[str, int]]
    left_out: list[LeftOut]
    unnamed: frozenset[str]


def find_inputs(paths: list[str]) -> Inputs:
    """Return what `dated_inputs` does, and what of the folders was left out."""
    found = _Found()
    for path in paths:
        if path == STANDARD_INPUT:
            found.add_input()
        elif is_remote(path):
            _add_remote(path, found)
        elif _is_missing(path):
            _add_pattern(path, found)
        elif _add(path, found) == 0:
            raise UsageError(f"{path}: no capture in this folder. Is it the right one?")
    return Inputs(found.ordered(), found.left_out, frozenset(found.unnamed))


class _Found:
    """Captures so far, with the time of their first packet (-1: none; None: not looked at yet)."""

    def __init__(self) -> None:
        self._captures: list[tuple[int | None, str]] = []
        self._seen: set[tuple[int, int]] = set()
        self.left_out: list[LeftOut] = []
        self.unnamed: set[str] = set()

    def add_input(self) -> None:
        if all(path != STANDARD_INPUT for _, path in self._captures):
            self._captures.append((-1, STANDARD_INPUT))

    def is_new(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        new = key not in self._seen
        self._seen.add(key)
        return new

    def add_remote(self, path: str, time_ns: int | None) -> None:
        """Add an address, once."""
        if all(path != other for _, other in self._captures):
            self.add(path, time_ns)

    def add(self, path: str, time_ns: int | None) -> None:
        self._captures.append((time_ns, path))

    def ordered(self) -> list[tuple[str, int]]:
        """Sort the files that have a start time; files without one keep their position."""
        if len(self._captures) == 1:  # not worth opening it for
            return [(path, -1) for _, path in self._captures]
        looked_at = [(_peek(path)[1] if time_ns is None else time_ns, path) for time_ns, path in self._captures]
        dated = iter(sorted((c for c in looked_at if c[0] >= 0), key=lambda capture: capture[0]))
        places = [next(dated) if time_ns >= 0 else (time_ns, path) for time_ns, path in looked_at]
        return [(path, time_ns) for time_ns, path in places]


def _is_missing(path: str) -> bool:
    try:
        with reading(path):
            os.lstat(path)  # paths stay as the user wrote them, here and below
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False  # told when it is opened
    return False


def _add_pattern(pattern: str, found: _Found) -> None:
    if find_scheme(pattern):
        raise UsageError(f"{pattern}: {find_scheme(pattern)}:// is not read. What is: {', '.join(SCHEMES)}.")
    if _MAGIC.isdisjoint(pattern):
        raise UsageError(f"{pattern}: no such file or folder. Is the path right?")
    from glob import glob  # noqa: PLC0415 - most paths are no patterns

    with reading(pattern):
        matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207
    if not matches:
        raise UsageError(f"{pattern}: no file matches this pattern.")
    if sum(_add(match, found) for match in matches) == 0:
        raise UsageError(f"{pattern}: no capture in what this pattern matches. Is it the right one?")


def _add_remote(path: str, found: _Found) -> None:
    """Add an address, or the captures in the folder or pattern that it is."""
    from aurora_wire.capture.files.remote import list_remote  # noqa: PLC0415 - for addresses only

    called = shown(path)
    try:
        objects = list_remote(path)
    except CaptureError:
        found.add_remote(called, -1)  # told when it is opened
        return
    if objects == [called]:
        found.add_remote(called, None)
        return
    captures = 0
    for one in objects:
        is_capture, time_ns, why = _peek(one, in_folder=True)
        if is_capture:
            captures += 1
            found.unnamed.add(one)
            found.add_remote(one, time_ns)
        else:
            found.left_out.append(LeftOut(one, why))
    if not captures:
        raise UsageError(f"{called}: no capture in what this names. Is it the right one?")


def _add(path: str, found: _Found) -> int:
    """Add a file or a folder; the number of captures there, old or new."""
    try:
        with reading(path):
            status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        found.add(path, -1)
        return 1
    if not stat.S_ISDIR(status.st_mode):
        if found.is_new(status):
            found.add(path, None if stat.S_ISREG(status.st_mode) else -1)
        return 1
    captures = 0
    with reading(path):
        files = _files(path)
    for file, status_or_why in files:
        if isinstance(status_or_why, str):
            if status_or_why not in _NEVER_READ and _is_called_capture(os.path.basename(file)):  # noqa: PTH119
                captures += 1
                found.unnamed.add(file)
                found.add(file, -1)
            else:
                found.left_out.append(LeftOut(file, status_or_why))
            continue
        is_capture, time_ns, why = _peek(file, in_folder=True)
        if is_capture:
            captures += 1
            if found.is_new(status_or_why):
                found.unnamed.add(file)
                found.add(file, time_ns)
        else:
            found.left_out.append(LeftOut(file, why))
    return captures


def _files(folder: str) -> list[tuple[str, os.stat_result | str]]:
    """List all that is in `folder` and below but folders, sorted by path, and folders that cannot be read.

    A text in place of the status says why there is nothing to read: links to nowhere, pipes. Links are followed; a
    folder is entered once, however many ways lead to it.
    """
    files: list[tuple[str, os.stat_result | str]] = []
    entered: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        status = os.stat(here)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        try:
            names = os.listdir(here)  # noqa: PTH208
        except OSError:
            files.append((here, status))
            continue
        for name in names:
            path = f"{here.rstrip('/')}/{name}"
            try:
                status = os.stat(path)  # noqa: PTH116
            except OSError as error:
                files.append((path, _CANNOT.get(error.errno or 0, f"cannot be looked at ({describe_error(error)})")))
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append(path)
            elif stat.S_ISREG(status.st_mode):
                files.append((path, status))
            else:
                files.append((path, _SPECIAL.get(stat.S_IFMT(status.st_mode), _DEVICE)))
    return sorted(files, key=lambda file: file[0])


def _is_called_capture(name: str) -> bool:
    """Return whether it is called as captures are: `a.pcap`, `a.pcap.gz`, `a.pcap12` of a rotation."""
    return any(part.startswith(_ENDINGS) for part in name.lower().split(".")[1:])


def _is_harmless(path: str) -> bool:
    """Return whether it is a picture, a program or a bundle of ours: what lies beside captures and never was one."""
    from aurora_wire.capture.files.remote import open_stored  # noqa: PLC0415 - what looks like no capture is rare

    try:
        with open_stored(path) as file:
            head = file.read(16)
    except (OSError, CaptureError):
        return False
    if head.startswith(b"PK") and not is_remote(path):
        return _is_bundle(path)
    return head.startswith(_HARMLESS)


def _is_bundle(path: str) -> bool:
    import zipfile  # noqa: PLC0415 - slow to load, and rarely needed

    try:
        with input_file(path) as file, zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
    return {"manifest.json", "SHA256SUMS", "VERIFY.txt", "report/result.json"} <= names


def _peek(path: str, *, in_folder: bool = False) -> tuple[bool, int, str]:
    """Return whether the content is a capture (also a damaged one), the date of its first packet or -1; why not.

    in_folder: nobody named it, so that text is a note, and what is neither may be a capture that was damaged.
    """
    try:
        with open_capture(path, hash_input=False) as capture:
            if in_folder and capture.format == "text":
                return False, -1, HEX_DUMP if capture.source.advance() else "text"
            if capture.source.advance() and not capture.undated:
                return True, int(capture.source.time_ns), ""
            return True, -1, ""
    except NotAText:
        return in_folder and not _is_harmless(path), -1, "no capture"
    except NotACapture as error:
        why = "empty" if error.reason.startswith(("is empty", "is blank")) else "text"
        return in_folder and _is_called_capture(os.path.basename(path)), -1, why  # noqa: PTH119
    except CaptureError:
        return True, -1, ""
