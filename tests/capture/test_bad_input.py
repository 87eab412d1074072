"""What cannot be read is told in one line: file, place, reason, what to do."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire.capture
from aurora_wire.capture.files.open import NotACapture, open_capture
from aurora_wire.errors import CaptureError
from tests.conversations.tcp import write_anew

from .files import Frame, enhanced, frames, interface, pcap, pcap_header, pcap_record, section
from .test_text import ARTICLE

PACKAGE_PARENT = str(Path(aurora_wire.capture.__file__).parents[2])
NOBODY = 65534

WHOLE = {
    "pcap": pcap([b"abc", b"", b"defgh" * 9]),
    "pcapng": section() + interface() + enhanced(b"abc") + enhanced(b"") + enhanced(b"defgh" * 9),
    "text": (ARTICLE * 2).encode(),
}


def failure(tmp_path: Path, content: bytes, name: str = "night.pcap") -> str:
    """The line for the user, without the path."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CaptureError) as caught, open_capture(str(path)) as capture:
        frames(capture.source)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


NOISE = random.Random(3).randbytes(5000)
COPY = "Was the copy complete?"
NONE = f"No packet before it was read. {COPY}"
ONE = "1 packet before it was"
REST = f"read, the rest counts as missing. {COPY}"
NEITHER = "begins neither pcap, pcapng nor text. Is it the right file?"
NO_DUMP = (
    "is text without a hex dump of packets (lines such as `0x0000:  4500 0034`). "
    "Print it with tcpdump -X, or give the capture itself (tcpdump -w FILE)."
)
PACKED_REST = f"the compressed file; what follows counts as missing. {COPY}"
PACKED = gzip.compress(WHOLE["pcap"], mtime=0)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty. Was anything captured, and was the copy complete?"),
        (gzip.compress(b"", mtime=0), "is empty. Was anything captured, and was the copy complete?"),
        (b"\x89PNG\r\n\x1a\n", f"offset 0: not a capture: 89 50 4e 47 {NEITHER}"),
        (NOISE, f"offset 0: not a capture: {NOISE[:4].hex(' ')} {NEITHER}"),
        (b"\xd4\xc3", f"offset 0: ends inside the pcap file header (2 of 24 bytes). {COPY}"),
        (
            b"\xd4\xc3\xb2\xa1\2\0",
            f"offset 0: ends inside the pcap file header (6 of 24 bytes). {NONE}",
        ),
        (
            WHOLE["pcap"][:-1],
            f"offset 59: ends inside a packet record (60 of 61 bytes). 2 packets before it were {REST}",
        ),
        (
            WHOLE["pcap"][:50],
            f"offset 43: ends inside the header of a packet record (7 of 16 bytes). {ONE} {REST}",
        ),
        (b"<html>\nnothing\n</html>\n", NO_DUMP),
        (b"10:00:00.1 IP 10.0.0.1.5 > 10.0.0.2.6: Flags [S], length 0\n", NO_DUMP),
        (b"PK\3\4" + bytes(9), "is a zip archive. Unpack it first."),
        (b"snoop\0\0\0" + bytes(9), "is a snoop capture. Convert it first: editcap IN OUT.pcapng."),
        (
            PACKED[:-8],
            f"offset 120: the gzip stream ends too early near byte {len(PACKED) - 8} of {PACKED_REST}",
        ),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, content: bytes, line: str) -> None:
    assert failure(tmp_path, content) == line


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pcap_after_an_ascii_transfer_is_named_and_one_with_lines_of_its_own_is_read(
    order: str, tmp_path: Path
) -> None:
    whole = pcap_header(order) + b"".join(
        pcap_record(b"greeting\n" + bytes(40), order, (1_700_000_000 + number, 7)) for number in range(5)
    )
    line = failure(tmp_path, whole.replace(b"\n", b"\r\n"))
    assert line.startswith("offset 0: is a pcap whose line ends were changed on the way, as an ASCII transfer does")
    path = tmp_path / "lines.pcap"
    path.write_bytes(pcap_header(order) + 5 * pcap_record(b"GET / HTTP/1.1\r\n\r\n", order, (1_700_000_000, 7)))
    with open_capture(str(path)) as capture:
        assert len(frames(capture.source)) == 5


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"no such file\. Is the path right\?"):
        open_capture(str(tmp_path / "missing.pcap"))
    with pytest.raises(NotACapture, match=r"is a folder\. Give the captures in it"):
        open_capture(str(tmp_path))
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_capture("nul\0byte")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(CaptureError, match=r"cannot be opened \(too many levels of symbolic links\)"):
        open_capture(str(loop))


OPENER = """
import sys
from aurora_wire.capture.files.open import open_capture
from aurora_wire.errors import CaptureError
try:
    open_capture(sys.argv[1])
except CaptureError as error:
    print(error)
"""


def test_a_file_without_read_permission_is_told() -> None:
    """As nobody, if we are root."""
    as_nobody: list[str] = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root reads everything, and no setpriv to be someone else")
        as_nobody = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret.pcap"
        path.write_bytes(WHOLE["pcap"])
        path.chmod(0)
        done = subprocess.run(
            [*as_nobody, sys.executable, "-c", OPENER, str(path)], capture_output=True, check=False, cwd="/",
            env={"PYTHONPATH": PACKAGE_PARENT, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if done.returncode != 0:
            pytest.skip("the interpreter cannot be run as nobody")
        assert done.stdout.decode() == f"{path}: no permission to read it. Run this with sudo.\n"


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("compressed", [False, True])
def test_any_cut_gives_a_prefix_of_the_frames_and_nothing_but_a_capture_error(
    tmp_path: Path, kind: str, compressed: bool
) -> None:
    content = gzip.compress(WHOLE[kind], mtime=0) if compressed else WHOLE[kind]
    path = tmp_path / "cut"
    path.write_bytes(content)
    with open_capture(str(path)) as capture:
        whole = frames(capture.source)
    for cut in range(0, len(content), 1 if kind != "text" else 7):
        write_anew(path, content[:cut])
        seen: list[Frame] = []
        try:
            with open_capture(str(path)) as capture:
                frames(capture.source, seen)
        except CaptureError as error:
            assert str(error)  # noqa: PT017  # both ends of the cut are right: an error, or a whole file
        for ours, theirs in zip(seen, whole, strict=False):
            # A dump's last line says nothing about what should follow it: only the last frame may be shorter.
            assert ours.data == theirs.data or (kind == "text" and theirs.data.startswith(ours.data))
            assert ours.original_len == theirs.original_len or len(ours.data) < 4


STARTS = [b"", b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b\x08", b"0x0000: "]


@given(st.binary(max_size=200), st.sampled_from(STARTS))
@settings(max_examples=150, deadline=None)
def test_random_bytes_raise_nothing_but_capture_errors(noise: bytes, start: bytes) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, start + noise)
    os.close(write_end)
    try:
        with open_capture(f"/dev/fd/{read_end}") as capture:
            frames(capture.source)
    except CaptureError as error:
        assert "\n" not in str(error)  # noqa: PT017
    finally:
        os.close(read_end)
