"""The captures that the project ships: dumps and pcap files hold the same frames, those of the article."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dpkt
import pytest

from aurora_wire import scan

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
NAMES = [
    "article-1-mysql-client-plaintext", "article-2-mysql-client-tls", "article-3-mariadb-connector-j-tls",
    "article-4-django-tls",
]
LINKTYPE_RAW = 101  # in files; 12 and 14 on some systems
SECONDS_A_DAY = 86400


def frames(name: str) -> list[tuple[float, bytes]]:
    with (CAPTURES / f"{name}.pcap").open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        assert reader.datalink() == LINKTYPE_RAW
        return [(float(seconds), frame) for seconds, frame in reader]


def frame_of_dump(text: str) -> bytes:
    lines = [line for line in text.splitlines() if re.match(r"\s+0x[0-9a-f]{4}:", line)]
    return bytes.fromhex("".join(line.split(":", 1)[1][:42] for line in lines))


def test_each_dump_has_its_pcap_and_nothing_else_is_shipped() -> None:
    shipped = {path.name for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".txt")}
    assert shipped == {name + suffix for name in NAMES for suffix in (".pcap", ".txt")}


@pytest.mark.parametrize("name", NAMES)
def test_pcap_and_dump_hold_the_same_frame(name: str) -> None:
    [(seconds, frame)] = frames(name)
    text = (CAPTURES / f"{name}.txt").read_text()
    assert frame == frame_of_dump(text)
    assert 0 < seconds < SECONDS_A_DAY
    hours, minutes, rest = text.split()[0].split(":")
    assert seconds == pytest.approx(int(hours) * 3600 + int(minutes) * 60 + float(rest), abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_dump_is_what_tcpdump_prints_of_the_pcap(name: str) -> None:
    command = ["tcpdump", "-nn", "-X", "-r", str(CAPTURES / f"{name}.pcap")]
    try:
        shown = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"}, check=True
        ).stdout
    except FileNotFoundError:
        if os.environ.get("CI"):
            raise
        pytest.skip("tcpdump is not installed")
    assert shown == (CAPTURES / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_frame_is_the_article_s(name: str, shared: Path) -> None:
    published = shared / "corpus" / "article" / f"{name.removeprefix('article-')}.txt"
    assert frames(name)[0][1] == frame_of_dump(published.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_tcp_checksum_is_the_bare_pseudo_header_as_the_sending_host_sees_it(name: str) -> None:
    packet = dpkt.ip.IP(frames(name)[0][1])
    segment = packet.data
    pseudo = packet.src + packet.dst + b"\0\x06" + len(bytes(segment)).to_bytes(2, "big")
    assert segment.sum == dpkt.in_cksum(pseudo) ^ 0xFFFF


@pytest.mark.parametrize("suffix", [".pcap", ".txt"])
@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_what_the_readme_promises(name: str, suffix: str) -> None:
    result = scan([CAPTURES / f"{name}{suffix}"])
    [row] = [line for line in (CAPTURES / "README.md").read_text().splitlines() if f"| `{name}` |" in line]
    assert row.endswith(f"| {result.verdict}, {result.confidence}: exit code {result.exit_code} |")
    statements = [statement.sql for connection in result.connections for statement in connection.statements]
    if name == NAMES[0]:
        assert statements == [b"insert into Users values ('user01', 'password')"]
    else:
        assert statements == []


def test_rebuilding_changes_nothing(tmp_path: Path) -> None:
    for path in [CAPTURES / "rebuild.py", *CAPTURES.glob("*.txt")]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    subprocess.run([sys.executable, str(tmp_path / "rebuild.py")], check=True)
    for name in NAMES:
        assert (tmp_path / f"{name}.pcap").read_bytes() == (CAPTURES / f"{name}.pcap").read_bytes()
