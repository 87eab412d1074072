"""From names to captures: files, folders, patterns, each once and in the order of time."""

from __future__ import annotations

import gzip
import os
import socket
import struct
from pathlib import Path

import pytest

from aurora_wire.capture.files.inputs import HEX_DUMP, LeftOut, dated_inputs, find_inputs
from aurora_wire.errors import UsageError

from .files import block, interface, pcap_header, pcap_record, section
from .test_text import ARTICLE


def expand_inputs(paths: list[str]) -> list[str]:
    return [path for path, _ in dated_inputs(paths)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def capture(path: Path, second: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pcap_header() + pcap_record(b"x", time=(second, 0)))
    return path


def test_files_are_ordered_by_their_first_packet(folder: Path) -> None:
    for name, second in [("b.pcap2", 30), ("a.pcap1", 20), ("c.pcap", 10)]:
        capture(folder / name, second)
    assert expand_inputs(["b.pcap2", "a.pcap1", "c.pcap"]) == ["c.pcap", "a.pcap1", "b.pcap2"]


def test_what_has_no_time_keeps_its_place(folder: Path) -> None:
    capture(folder / "late", 9)
    capture(folder / "early", 1)
    (folder / "undated").write_text(ARTICLE)
    (folder / "junk").write_bytes(b"\0junk")
    (folder / "empty").write_bytes(pcap_header())
    simple = section() + interface() + block(3, struct.pack("<I", 1) + b"x")
    (folder / "timeless").write_bytes(simple)
    names = ["junk", "late", "undated", "-", "early", "timeless", "empty"]
    assert expand_inputs(names) == ["junk", "early", "undated", "-", "late", "timeless", "empty"]


def test_dated_text_and_compressed_files_are_ordered_too(folder: Path) -> None:
    (folder / "text").write_text(ARTICLE.replace("13:20:45", "1970-01-01 00:00:05"))
    capture(folder / "plain", 7)
    (folder / "packed").write_bytes(gzip.compress(pcap_header() + pcap_record(b"x", time=(6, 0))))
    assert expand_inputs(["plain", "packed", "text"]) == ["text", "packed", "plain"]


def test_a_folder_stands_for_the_captures_in_it_and_below(folder: Path) -> None:
    capture(folder / "in/z.cap", 1)
    capture(folder / "in/deep/er/no-ending", 2)
    (folder / "in/dump.txt").write_text(ARTICLE)
    (folder / "in/cut.pcap").write_bytes(pcap_header()[:20])
    (folder / "in/packed.pcap.gz").write_bytes(gzip.compress(pcap_header()))
    for name, content in [
        ("notes.txt", b"no dump\n"), ("log.gz", gzip.compress(b"no dump\n")), ("image.png", b"\x89PNG"),
        ("nothing", b""), ("blank.txt", b"\n"),
    ]:
        (folder / "in" / name).write_bytes(content)
    assert expand_inputs(["in"]) == [
        "in/cut.pcap", "in/z.cap", "in/packed.pcap.gz", "in/deep/er/no-ending",
    ]
    assert expand_inputs(["in/"]) == expand_inputs(["in"])
    assert "./in/z.cap" in expand_inputs(["."])


def test_a_pattern_that_the_shell_left_alone_is_expanded(folder: Path) -> None:
    for number in (3, 1, 2):
        capture(folder / f"night-{number}.pcap", number)
    capture(folder / "sub/night-4.pcap", 4)
    assert expand_inputs(["night-?.pcap"]) == ["night-1.pcap", "night-2.pcap", "night-3.pcap"]
    assert expand_inputs(["**/night-*.pcap"])[-1] == "sub/night-4.pcap"
    assert expand_inputs(["s*"]) == ["sub/night-4.pcap"]
    capture(folder / "odd[1].pcap", 5)
    assert expand_inputs(["odd[1].pcap"]) == ["odd[1].pcap"]


def test_each_capture_is_given_once(folder: Path) -> None:
    capture(folder / "in/a", 1)
    (folder / "link").symlink_to("in/a")
    assert expand_inputs(["in/a", "in", "link", str(folder / "in/a"), "*", "-", "-"]) == ["in/a", "-"]


def test_a_loop_of_folders_is_entered_once(folder: Path) -> None:
    capture(folder / "in/a", 1)
    (folder / "in/again").symlink_to("..", target_is_directory=True)
    (folder / "in/self").symlink_to("self")
    (folder / "in/gone").symlink_to("nowhere")
    assert expand_inputs(["in"]) == ["in/a"]


def test_what_cannot_be_opened_does_not_lose_the_others(folder: Path) -> None:
    capture(folder / "a", 1)
    (folder / "self").symlink_to("self")
    assert expand_inputs(["self", "a"]) == ["self", "a"]
    assert expand_inputs(["nul\0byte", "a"]) == ["nul\0byte", "a"]


def test_streams_are_not_read_for_their_time(folder: Path) -> None:
    os.mkfifo("fifo")
    capture(folder / "a", 1)
    assert expand_inputs(["fifo", "a"]) == ["fifo", "a"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("missing.pcap", "missing.pcap: no such file or folder. Is the path right?"),
        ("missing*.pcap", "missing*.pcap: no file matches this pattern."),
        ("nothing", "nothing: no capture in this folder. Is it the right one?"),
        ("noth*", "noth*: no capture in what this pattern matches. Is it the right one?"),
    ],
)
def test_a_name_that_leads_to_no_capture_is_an_error(folder: Path, name: str, line: str) -> None:
    (folder / "nothing").mkdir()
    (folder / "nothing/readme").write_text("hello\n")
    with pytest.raises(UsageError) as caught:
        expand_inputs([name])
    assert str(caught.value) == line


def test_the_published_captures_are_all_found(shared: Path) -> None:
    found = expand_inputs([str(shared / "corpus")])
    files = [path for path in (shared / "corpus").rglob("*") if path.is_file()]
    captures = [path for path in files if path.suffix in {".pcap", ".pcapng"}]
    assert sorted(found) == sorted(map(str, captures))


@pytest.mark.parametrize(
    ("name", "content", "is_given"),
    [
        ("damaged.pcapng", b"\xf5\r\r\n" + bytes(60), True),
        ("damaged", b"\xf5\r\r\n" + bytes(60), True),
        ("zero.pcap", b"", True),
        ("rotated.pcap12", b"", True),
        ("captures.zip", b"PK\x03\x04" + bytes(60), True),
        ("captures.tgz", gzip.compress(bytes(257) + b"ustar" + bytes(250), mtime=0), True),
        ("text.pcap", b"nothing but a note\n", True),
        ("README.md", b"0x0000:  4500 0034 0682 4000 4006 91e2 ac1f 0f5e  E..h\n", False),
        ("report.json", b"{}\n", False),
        ("empty", b"", False),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(60), False),
    ],
)
def test_each_file_of_a_folder_is_accounted_for(folder: Path, name: str, content: bytes, is_given: bool) -> None:
    (folder / "case").mkdir()
    capture(folder / "case/whole.pcap", 1)
    (folder / "case" / name).write_bytes(content)
    found = find_inputs(["case"])
    assert (f"case/{name}" in [path for path, _ in found.captures]) is is_given
    assert (f"case/{name}" in [one.path for one in found.left_out]) is not is_given
    assert "case/whole.pcap" in [path for path, _ in found.captures]


def test_a_capture_that_is_a_link_to_nowhere_is_told(folder: Path) -> None:
    capture(folder / "case/whole.pcap", 1)
    (folder / "case/gone.pcap").symlink_to("nowhere")
    assert "case/gone.pcap" in expand_inputs(["case"])


def test_what_is_no_file_is_accounted_for_and_never_opened(folder: Path) -> None:
    capture(folder / "case/whole.pcap", 1)
    os.mkfifo("case/live.pcap")
    (folder / "case/gone").symlink_to("nowhere")
    (folder / "case/round").symlink_to("round")
    (folder / "case/again").symlink_to(".")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("case/socket")
        found = find_inputs(["case"])
    assert [path for path, _ in found.captures] == ["case/whole.pcap"]
    assert found.left_out == [
        LeftOut("case/gone", "a link to nowhere"), LeftOut("case/live.pcap", "a pipe"),
        LeftOut("case/round", "links in a circle"), LeftOut("case/socket", "a socket"),
    ]


def test_a_hex_dump_in_a_folder_is_told_from_notes(folder: Path) -> None:
    capture(folder / "case/whole.pcap", 1)
    (folder / "case/dump.txt").write_bytes(b"0x0000:  4500 0034 0682 4000 4006 91e2 ac1f 0f5e  E..h\n")
    (folder / "case/notes.txt").write_text("4500 0034\n")
    assert [(one.path, one.why) for one in find_inputs(["case"]).left_out] == [
        ("case/dump.txt", HEX_DUMP), ("case/notes.txt", "text"),
    ]  # fmt: skip
