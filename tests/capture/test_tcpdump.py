"""What tcpdump prints of a capture reads as the capture itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from aurora_wire.capture.files.open import open_capture

from .files import Frame, frames

pytestmark = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump on PATH")

DAY = 86400 * 10**9
CAPTURES = {
    "corpus/zeek/mysql.pcap": 14,                # bytes of the link header
    "corpus/deepflow/mysql-login-error.pcap": 14,  # cut by snaplen
    "lab/wire/any-interface.pcap": 20,
    "lab/mariadb-10.11/mariadb-cli-ipv6.pcap": 14,
}


def of_file(path: Path) -> list[Frame]:
    with open_capture(str(path)) as capture:
        return frames(capture.source)


def printed(path: Path, tmp_path: Path, *options: str) -> tuple[list[Frame], bool]:
    """The frames of tcpdump's print, and whether they are undated."""
    text = tmp_path / "dump.txt"
    with text.open("wb") as out:
        subprocess.run(
            ["tcpdump", "-nr", str(path), *options], stdout=out, stderr=subprocess.DEVNULL, check=True,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC"},
        )
    with open_capture(str(text)) as capture:
        found = frames(capture.source)
        assert capture.format == "text"
        assert capture.damage is None
        return found, capture.undated


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("options", [["-xx"], ["-XX"], ["-XX", "-e"], ["-XX", "-vvv", "-e"]])
def test_a_dump_with_link_headers_gives_the_frames_of_the_file(
    shared: Path, tmp_path: Path, name: str, options: list[str]
) -> None:
    whole = of_file(shared / name)
    found, undated = printed(shared / name, tmp_path, "-tttt", *options)
    assert [frame._replace(original_len=0) for frame in found] == [f._replace(original_len=0) for f in whole]
    if "-e" in options:
        assert [frame.original_len for frame in found] == [frame.original_len for frame in whole]
    assert not undated


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("options", [["-x"], ["-X"], ["-X", "-v"], ["-X", "-e"], ["-xq"], ["-xSvv"]])
def test_a_dump_without_link_headers_gives_the_ip_packets_of_the_file(
    shared: Path, tmp_path: Path, name: str, options: list[str]
) -> None:
    link = CAPTURES[name]
    found, _ = printed(shared / name, tmp_path, "-tttt", *options)
    assert [(frame.time_ns, frame.link_type, frame.data) for frame in found] == [
        (frame.time_ns, 101, frame.data[link:]) for frame in of_file(shared / name)
    ]


def test_a_snaplen_is_told_by_the_ip_header(shared: Path, tmp_path: Path) -> None:
    path = shared / "corpus/zeek/mysql.pcap"
    cut = tmp_path / "cut.pcap"
    subprocess.run(
        ["tcpdump", "-r", str(path), "-s", "68", "-w", str(cut)], stderr=subprocess.DEVNULL, check=True
    )
    for option, link in (("-x", 14), ("-XX", 0)):
        found, _ = printed(cut, tmp_path, option)
        padding = [max(frame.original_len, 60) - link for frame in of_file(path)]
        assert [max(frame.original_len, 60 - link) for frame in found] == padding


@pytest.mark.parametrize(
    ("option", "undated"), [("", True), ("-t", True), ("-tt", False), ("-ttt", True), ("-tttt", False)]
)
def test_times_are_those_of_the_file_as_far_as_the_option_prints_them(
    shared: Path, tmp_path: Path, option: str, undated: bool
) -> None:
    path = shared / "corpus/zeek/mysql.pcap"
    whole = [frame.time_ns for frame in of_file(path)]
    expected = {
        "": [time % DAY for time in whole],
        "-t": [-1] * len(whole),
        "-tt": whole,
        "-tttt": whole,
    }
    found, is_undated = printed(path, tmp_path, "-X", *([option] if option else []))
    times = [frame.time_ns for frame in found]
    if option == "-ttt":
        assert times == sorted(times)
    else:
        assert times == expected[option]
    assert is_undated == undated
