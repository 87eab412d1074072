"""Hex dumps as text, in the layouts that tcpdump has had and in the shapes that pasting leaves them in."""

from __future__ import annotations

import datetime
import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.open import open_capture
from aurora_wire.capture.text_dump.hex_line import parse_hex_line
from aurora_wire.capture.text_dump.source import TextSource
from aurora_wire.capture.text_dump.timestamps import Clock
from aurora_wire.errors import CaptureError

from .files import Frame, frames, in_blocks

ARTICLE = """\
13:20:45.512153 IP ip-172-31-15-94.ec2.internal.50152 > ip-172-31-58-135.ec2.internal.mysql: Flags [P.], seq \
2713646016:2713646068, ack 2832149442, win 278, options [nop,nop,TS val 114513 ecr 19962], length 52
    0x0000:  4508 0068 0682 4000 4006 91e2 ac1f 0f5e  E..h..@.@......^
    0x0010:  ac1f 3a87 c3e8 0cea a1be f3c0 a8cf 2bc2  ..:...........+.
    0x0020:  8018 0116 a27e 0000 0101 080a 0001 bf51  .....~.........Q
    0x0030:  0000 4dfa 3000 0000 0369 6e73 6572 7420  ..M.0....insert.
    0x0040:  696e 746f 2055 7365 7273 2076 616c 7565  into.Users.value
    0x0050:  7320 2827 7573 6572 3031 272c 2027 7061  s.('user01',.'pa
    0x0060:  7373 776f 7264 2729                      ssword')
"""
ARTICLE_BYTES = bytes.fromhex("".join(line[13:52] for line in ARTICLE.splitlines() if "0x00" in line))
ARTICLE_TIME = ((13 * 60 + 20) * 60 + 45) * 1_000_000_000 + 512_153_000
RAW = 101
ETHERNET = 1


def ipv4(payload: bytes, *, total: int | None = None, protocol: int = 17) -> bytes:
    """An IPv4 packet with a right checksum."""
    length = 20 + len(payload) if total is None else total
    head = struct.pack(">BBHHHBBHII", 0x45, 0, length, 1, 0, 64, protocol, 0, 0x0A000001, 0x0A000002)
    folded = sum(struct.unpack(">10H", head))
    folded = (folded & 0xFFFF) + (folded >> 16)
    folded = ~((folded & 0xFFFF) + (folded >> 16)) & 0xFFFF
    return head[:10] + folded.to_bytes(2, "big") + head[12:] + payload


def dump(data: bytes, *, text: bool = True, indent: str = "\t", gap: str = "  ") -> str:
    """As tcpdump prints it."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at:at + 16]
        groups = " ".join(part[i:i + 2].hex() for i in range(0, len(part), 2))
        shown = "".join(chr(byte) if 0x21 <= byte <= 0x7E else "." for byte in part)
        padded = groups.ljust(39) if gap == "  " else groups
        column = f"{padded}{gap}{shown}" if text else groups
        lines.append(f"{indent}0x{at:04x}:  {column}")
    return "\n".join(lines) + "\n"


def source(text: str | bytes, size: int = 1 << 20) -> TextSource:
    return TextSource("-", in_blocks(text.encode() if isinstance(text, str) else text, size))


def read(text: str | bytes, size: int = 1 << 20) -> list[Frame]:
    return frames(source(text, size))


def test_the_article_reads_as_it_is() -> None:
    assert read(ARTICLE) == [Frame(ARTICLE_TIME, RAW, ARTICLE_BYTES, 104)]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("    0x", "\t0x"),
        lambda text: text.replace("    0x", "0x"),
        lambda text: "".join(f"> > {line}\n" for line in text.splitlines()),
        lambda text: "".join(f"  | {line}\n" for line in text.splitlines()),
        lambda text: text.replace("  ", " "),                              # spaces run together, as in HTML
        lambda text: text.replace("    0x", "\u00a0" * 4 + "0x"),
        lambda text: text.replace("...^", "...^\n"),                       # blank lines
        lambda text: text.replace("  ..:", "\n..:").replace("  .....~", "\n.....~"),  # text column wrapped
        lambda text: text.replace("E..h..@.@......^", "E..h..@.@...&gt;"),
        lambda text: text.replace("..M.0....insert.", "..M.0.... inse rt "),
        lambda text: text.replace("  ..:...........+.", ""),
        lambda text: "\n".join(line[:52] for line in text.splitlines()),   # no text column
        lambda text: text.upper().replace("0X", "0x"),
        lambda text: "\ufeffDear support,\n\nsee below:\n" + text + "\nCheers,\n0xAndy\n",
        lambda text: text.replace(", length 52\n", ", length 52\n\n\n"),
    ],
)
def test_what_pasting_does_to_a_dump_changes_nothing(change) -> None:  # type: ignore[no-untyped-def]
    changed = source(change(ARTICLE))
    found = frames(changed)
    assert [(frame.data, frame.original_len) for frame in found] == [(ARTICLE_BYTES, 104)]
    assert changed.damage() is None


@given(st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_frames_are_the_same_however_the_text_is_cut_into_blocks(size: int) -> None:
    assert read(ARTICLE + ARTICLE, size) == [Frame(ARTICLE_TIME, RAW, ARTICLE_BYTES, 104)] * 2


def test_a_frame_is_given_as_soon_as_its_last_line_is_there() -> None:
    waited = False

    def live() -> bytes:
        nonlocal waited
        if not waited:
            waited = True
            return (ARTICLE + ARTICLE).encode()
        raise AssertionError("it waits for more though both frames are whole")

    live_source = TextSource("-", live)
    assert live_source.advance()
    assert live_source.advance()


def test_bytes_behind_the_ip_packet_belong_to_the_frame() -> None:
    assert [len(frame.data) for frame in read(dump(ipv4(bytes(12)) + bytes(14)) + ARTICLE)] == [46, 104]


def test_the_text_column_is_not_taken_for_digits() -> None:
    payload = b"deadbeefcafe" + b"abcd" * 5
    packet = ipv4(payload)
    for gap in ("  ", " "):
        assert read(dump(packet, gap=gap))[0].data == packet


def test_a_text_column_of_four_hex_digits_is_told_by_its_bytes() -> None:
    packet = ipv4(bytes(12) + b"cafe")
    assert read(dump(packet, gap=" "))[0].data == packet
    followed = ipv4(bytes(12) + b"cafe\xca\xfe")  # without a text column the same digits are bytes
    assert read(dump(followed, text=False))[0].data == followed


@given(st.binary(min_size=1, max_size=16), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_line_as_tcpdump_prints_it_gives_its_bytes(data: bytes, text: bool) -> None:
    parsed = parse_hex_line(dump(data, text=text).rstrip("\n").encode(), text)
    assert parsed is not None
    assert parsed[:2] == (0, data)


@given(st.binary(max_size=120))
@settings(max_examples=200, deadline=None)
def test_no_line_raises(line: bytes) -> None:
    parse_hex_line(line, True)
    parse_hex_line(b"\t0x0000: " + line, False)
    Clock().read(line)


@given(st.lists(st.sampled_from([*ARTICLE.splitlines(keepends=True), "\n", "\t0x0000:\n", "0x0010: 00\n"])))
@settings(max_examples=100, deadline=None)
def test_lines_in_any_order_never_raise_and_no_hex_line_goes_missing(lines: list[str]) -> None:
    text = source("".join(lines))
    kept = sum(len(frame.data) for frame in frames(text))
    hex_lines = [parse_hex_line(line.rstrip("\n").encode(), True) for line in lines]
    given_bytes = sum(len(parsed[1]) for parsed in hex_lines if parsed is not None)
    assert kept <= given_bytes
    assert kept == given_bytes or text.bad_lines


# Lines that were lost


def test_a_lost_line_ends_the_frame_as_cut_and_is_counted() -> None:
    lines = ARTICLE.splitlines(keepends=True)
    text = source("".join(lines[:3] + lines[4:]) + ARTICLE)
    assert frames(text) == [
        Frame(ARTICLE_TIME, RAW, ARTICLE_BYTES[:32], 104),
        Frame(ARTICLE_TIME, RAW, ARTICLE_BYTES, 104),
    ]
    assert text.bad_lines == 4
    assert text.damage() == (
        "4 hex lines are not where the line before ends (the first is line 4): "
        "what is missing there counts as missing. Was all of the dump pasted?"
    )


def test_a_lost_first_line_is_counted_and_no_frame_is_made_up() -> None:
    lines = ARTICLE.splitlines(keepends=True)
    text = source(ARTICLE + "".join(lines[:1] + lines[2:]))
    assert len(frames(text)) == 1
    assert text.bad_lines == 6


def test_a_header_ends_a_frame_so_that_two_halves_are_not_joined() -> None:
    lines = ARTICLE.splitlines(keepends=True)
    text = source("".join(lines[:4] + lines[:1] + lines[4:]))
    assert [len(frame.data) for frame in frames(text)] == [48]
    assert text.bad_lines == 4


def test_a_damaged_group_cuts_the_frame_there() -> None:
    text = source(ARTICLE.replace("0000 4dfa 3000", "0000 4zfa 3000"))
    assert frames(text) == [Frame(ARTICLE_TIME, RAW, ARTICLE_BYTES[:50], 104)]
    assert text.bad_lines == 3


def test_a_frame_beyond_256_kib_is_cut_there_and_counted() -> None:
    text = source(dump(bytes(262144 + 32), text=False))
    assert [len(frame.data) for frame in frames(text)] == [262144]
    assert text.bad_lines == 2


def test_a_long_line_is_bounded() -> None:
    long = "x" * 3_000_000
    assert [frame.data for frame in read(f"{long}\n{ARTICLE}{long}\n", 1 << 16)] == [ARTICLE_BYTES]
    assert [frame.data for frame in read(ARTICLE.replace("  E..h", "  " + long))] == [ARTICLE_BYTES]


def test_an_error_while_reading_comes_after_the_frame_before_it() -> None:
    first = in_blocks(ARTICLE.encode()[:-30])

    def read_block() -> bytes:
        if data := first():
            return data
        raise CaptureError("x.txt.gz", 700, "the gzip stream ends too early")

    text = TextSource("-", read_block)
    seen: list[Frame] = []
    with pytest.raises(CaptureError, match="too early"):
        frames(text, seen)
    assert [frame.data for frame in seen] == [ARTICLE_BYTES[:96]]
    assert text.damaged
    assert not text.advance()


# Where the dump begins, and lengths

MACS = bytes.fromhex("020000000001 450000000002")


@pytest.mark.parametrize(
    ("data", "link_type", "prefix"),
    [
        (ipv4(b"hello"), RAW, 0),
        (ipv4(b"hello").replace(b"\x0a\0\0\1", b"\x0a\0\0\3"), RAW, 0),     # an address made anonymous
        (b"\x60" + bytes(3) + b"\0\4\x11\x40" + bytes(32) + b"data", RAW, 0),
        (MACS + b"\x08\0" + ipv4(b"hello"), ETHERNET, 0),
        (MACS[::-1] + b"\x08\0" + ipv4(b"hello"), ETHERNET, 0),
        (MACS + b"\x81\0\0\x64\x08\0" + ipv4(b"hello"), ETHERNET, 0),
        (MACS + b"\x88\xa8\0\x64\x81\0\0\7\x08\0" + ipv4(b"hello"), ETHERNET, 0),
        (MACS + b"\x08\6\0\1\x08\0\6\4\0\1" + bytes(20), ETHERNET, 0),
        (b"\x81\0\0\x64\x08\0" + ipv4(b"hello"), ETHERNET, 12),             # begins at the VLAN tag
        (b"\0\x64\x08\0" + ipv4(b"hello"), ETHERNET, 14),                   # behind its type
        (b"\0\x64\x81\0\0\7\x08\0" + ipv4(b"hello"), ETHERNET, 14),
        (b"\0\0\3\4\0\6" + bytes(8) + b"\x08\0" + ipv4(b"hello"), 113, 0),  # Linux cooked
        (b"\x08\0\0\0\0\0\0\1\3\4\0\6" + bytes(8) + ipv4(b"hello"), 276, 0),
        (b"\2\0\0\0" + ipv4(b"hello"), 0, 0),                               # BSD loopback
    ],
)
def test_where_the_dump_begins_is_told_by_its_bytes(data: bytes, link_type: int, prefix: int) -> None:
    frame = read(dump(data))[0]
    assert frame.link_type == link_type
    assert frame.data[prefix:] == data
    if prefix:
        assert frame.data[:prefix] == bytes(12) + b"\x81\0"[:prefix - 12]
    assert frame.original_len == len(frame.data)


@pytest.mark.parametrize("prefix", [b"", MACS + b"\x08\0", b"\x81\0\0\x64\x08\0"])
def test_a_short_snaplen_is_told_by_the_length_in_the_ip_header(prefix: bytes) -> None:
    frame = read(dump(prefix + ipv4(bytes(1400))[:68]))[0]
    added = 12 if prefix[:2] == b"\x81\0" else 0
    assert (len(frame.data), frame.original_len) == (added + len(prefix) + 68, added + len(prefix) + 1420)


def test_padding_of_short_ethernet_frames_counts_as_there() -> None:
    frame = read(dump(MACS + b"\x08\0" + ipv4(b"x") + bytes(25)))[0]
    assert (len(frame.data), frame.original_len) == (60, 60)


def test_the_frame_length_of_e_counts_where_the_link_header_is_shown() -> None:
    header = "13:00:00.1 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 1514: \n"
    data = MACS + b"\x08\6\0\1\x08\0\6\4\0\1" + bytes(20)
    assert read(header + dump(data))[0].original_len == 1514


@pytest.mark.parametrize("tail", [", length 5000", ": tcp 5000", ": P 1:5001(5000) ack 1 win 9"])
def test_an_offloaded_packet_without_a_length_takes_that_of_its_header_line(tail: str) -> None:
    tcp = struct.pack(">HHIIBBHHH", 5000, 3306, 1, 1, 0x50, 0x18, 9, 0, 0)
    packet = ipv4(tcp + bytes(40), total=0, protocol=6)
    assert read(f"10:00:00.1 IP 10.0.0.1.5000 > 10.0.0.2.3306{tail}\n" + dump(packet))[0].original_len == 5040


# Layouts and times

DATED = int(datetime.datetime(2009, 4, 12, 9, 50, 16, tzinfo=datetime.UTC).timestamp()) * 1_000_000_000
OF_DAY = DATED % (86400 * 10**9)


@pytest.mark.parametrize(
    ("header", "time_ns", "undated"),
    [
        ("2009-04-12 09:50:16.804849 IP 127.0.0.1.42 > 127.0.0.1.3306: tcp 37", DATED + 804_849_000, False),
        ("2009-04-12 09:50:16.804849123 IP6 ::1.42167 > ::1.3306: tcp 37", DATED + 804_849_123, False),
        ("1239529816.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", DATED + 804_849_000, False),
        ("09:50:16.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", OF_DAY + 804_849_000, True),
        ("09:50:16 127.0.0.1.42167 > 127.0.0.1.3306: P 1:5(4) ack 1", OF_DAY, True),
        ("IP 127.0.0.1.42167 > 127.0.0.1.3306: Flags [P.], length 37", -1, True),
        ("2009-02-30 09:50:16.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", -1, True),
        ("1969-02-03 09:50:16.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", 0, False),
        ("> 2009-04-12 09:50:16.000000 eth0  In  IP 127.0.0.1.4 > 127.0.0.1.3306: tcp 37", DATED, False),
        ("9300000000.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", -1, True),
        ("9999-01-30 09:50:16.804849 IP 127.0.0.1.42167 > 127.0.0.1.3306: tcp 37", -1, True),
        ("", -1, True),
    ],
)
def test_the_time_comes_from_the_header_line(header: str, time_ns: int, undated: bool) -> None:
    text = source(header + "\n" + dump(ipv4(b"x")))
    assert [frame.time_ns for frame in frames(text)] == [time_ns]
    assert text.undated == undated


def test_verbose_headers_of_two_lines_keep_the_time_of_the_first() -> None:
    header = (
        "2009-04-12 09:50:16.000005 IP (tos 0x8, ttl 64, id 1, offset 0, proto TCP (6), length 104)\n"
        "    172.31.15.94.50152 > 172.31.58.135.3306: Flags [P.], cksum 0xa27e (correct), length 52\n"
    )
    assert [frame.time_ns for frame in read((header + dump(ipv4(b"x"))) * 2)] == [DATED + 5_000] * 2


def test_frames_without_a_header_of_their_own_have_no_time() -> None:
    text = source(ARTICLE + dump(ipv4(b"x")))
    assert [frame.time_ns for frame in frames(text)] == [ARTICLE_TIME, -1]


def times(*clock: str) -> list[int]:
    reader = Clock()
    return [reader.read(f"{time} IP 1.1.1.1.1 > 2.2.2.2.2: tcp 0".encode()) or 0 for time in clock]


def test_time_of_day_goes_on_after_midnight() -> None:
    day = 86400 * 10**9
    assert times("23:59:59.5", "00:00:00.5", "23:59:59.0", "00:00:00.1") == [
        day - 500_000_000, day + 500_000_000, 2 * day - 10**9, 2 * day + 100_000_000
    ]


def test_times_since_the_first_packet_are_kept() -> None:
    assert times(" 00:00:00.000000", " 00:00:00.000013", " 00:00:01.000000") == [0, 13_000, 10**9]


def test_times_since_the_packet_before_are_added_up() -> None:
    assert times(" 00:00:00.000000", " 00:00:05.000000", " 00:00:00.000013", " 00:00:02.000000") == [
        0, 5 * 10**9, 5 * 10**9 + 13_000, 7 * 10**9 + 13_000
    ]
    assert times("00:00:00", *["99:59:59", "00:00:00"] * 30_000)[-1] == -1  # beyond what 64 bits hold
    assert times("000000", "000250", "2. 000001") == [0, 250_000, 2 * 10**9 + 251_000]


def test_tcpdump_3_7_x_without_offsets() -> None:
    packet = ipv4(b"hello old world, how are you")
    groups = [packet[at:at + 16].hex() for at in range(0, len(packet), 16)]
    lines = ["\t\t\t " + " ".join(group[at:at + 4] for at in range(0, len(group), 4)) for group in groups]
    header = "09:50:16.804849 127.0.0.1.42167 > 127.0.0.1.3306: P 1:5(4) ack 1 win 9 (DF)\n"
    text = header + "\n".join(lines) + "\n"
    old = source(text * 3)
    assert [frame.data for frame in frames(old)] == [packet] * 3
    assert old.damage() is None


def test_tcpdump_3_7_upper_x_with_tabs_and_no_colon() -> None:
    packet = ipv4(b"hello old world, how are you?!?!")
    text = dump(packet, indent="").replace(":  ", "\t ")
    assert [frame.data for frame in read(text)] == [packet]


def test_hex_digits_in_prose_are_not_a_frame() -> None:
    assert read("    dead beef cafe babe\n    4500 0034\nsee 0x0000: it is 4500\n") == []


# All that other projects published


def test_every_dump_of_the_article_and_of_percona_reads_whole(shared: Path) -> None:
    for path in [*shared.glob("corpus/article/*.txt"), *shared.glob("corpus/percona/*.txt")]:
        content = path.read_bytes()
        text = source(content, 4096)
        found = frames(text)
        assert len(found) == content.count(b"0x0000:"), path
        assert text.damage() is None, path
        assert sum(len(frame.data) for frame in found) == sum(
            len(bytes.fromhex(line.split(b":  ")[1][:39].decode().strip().replace("\t", "")))
            for line in content.splitlines() if b"0x" in line[:8]
        ), path
        for frame in found:
            assert frame.link_type == RAW, path
            assert frame.original_len == len(frame.data) >= int.from_bytes(frame.data[2:4], "big"), path


def test_text_without_packets_is_not_read_without_a_bound() -> None:
    blocks = [ARTICLE.encode(), *[b"\n" * (1 << 20)] * 1000]
    taken = 0

    def read() -> bytes:
        nonlocal taken
        taken += 1
        return blocks[taken - 1] if taken <= len(blocks) else b""

    text = TextSource("dump.txt", read)
    assert text.advance()
    with pytest.raises(CaptureError, match="not read further") as raised:
        text.advance()
    assert "1 packet before it was read" in str(raised.value)
    assert taken < 12
    assert not text.advance()


def test_a_file_of_line_ends_is_blank_whatever_its_size(tmp_path: Path) -> None:
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress(b"\n" * (4 << 20)))
    with pytest.raises(CaptureError, match="is blank"):
        open_capture(str(path))
