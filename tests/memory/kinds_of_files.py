"""Files made to take memory around their frames: blocks and options of pcapng, key logs, text, compression."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conversations import mysql, tls
from tests.memory.kinds import PCAP, RECORD, Talk, logins, segment

Pieces = Iterator[bytes]
SECTION, INTERFACE, SIMPLE, NAMES, STATISTICS, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 3, 4, 5, 6, 10
LOGIN = mysql.login()


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def section() -> bytes:
    return block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link: int = 101, options: bytes = b"") -> bytes:
    return block(INTERFACE, struct.pack("<HHI", link, 0, 0) + options)


def packet(number: int, frame: bytes, options: bytes = b"", of: int = 0) -> bytes:
    head = struct.pack("<IIIII", of, 0x000617B0, number & 0xFFFFFFFF, len(frame), len(frame))
    return block(ENHANCED, head + frame + bytes(-len(frame) % 4) + options)


def many_interfaces() -> Pieces:
    """As many interfaces as are read, each of another link type and with a long name, and a packet of each."""
    yield section()
    for number in range(65_536):
        yield interface(number, option(2, b"%06d" % number + b"n" * 400))
    for number in itertools.count():
        yield packet(number, segment(number, LOGIN), of=number % 65_536)


def many_sections() -> Pieces:
    for number in itertools.count():
        yield section() + interface(101, option(2, b"eth0")) + packet(number, segment(number, LOGIN))


def many_statistics() -> Pieces:
    """Drop counters of many interfaces, ever other ones."""
    yield section()
    for _ in range(1000):
        yield interface()
    for number in itertools.count():
        yield block(STATISTICS, struct.pack("<III", number % 1000, 0, 0) + option(4, struct.pack("<Q", number)))
        yield block(STATISTICS, struct.pack("<III", number % 1000, 0, 0) + option(5, struct.pack("<Q", number)))
        if number % 100 == 0:
            yield packet(number, segment(number, LOGIN))


def options_of_packets() -> Pieces:
    yield section() + interface()
    comments = option(1, b"c" * 60_000)
    for number in itertools.count():
        yield packet(number, segment(number, b"\x16"), comments if number % 2 else option(1, b"c") * 5000)


def unknown_blocks() -> Pieces:
    """Blocks that no reader knows, names of addresses, comments: of 12 bytes and of 16 MB."""
    yield section() + interface()
    large = bytes(15_000_000)
    for number in itertools.count():
        yield block(0x0BAD, b"") * 1000
        yield block(NAMES, struct.pack("<HH", 1, 10) + b"\x0a\0\0\1name\0\0\0\0" * 50)
        if number % 50 == 0:
            yield block(0x0BAD, large) + packet(number, segment(number, LOGIN))


def hello(number: int) -> bytes:
    """Return the packets of TLS that asks for its keys."""
    talk = Talk(number)
    frames = itertools.chain(
        talk.greet(), talk.say(True, mysql.ssl_request() + tls.client_hello()), talk.say(False, tls.server_hello())
    )
    return b"".join(packet(number, frame) for frame in frames)


def empty_secrets() -> Pieces:
    """Key logs of nothing, a block each."""
    yield section() + interface()
    for number in itertools.count():
        yield block(SECRETS, struct.pack("<II", 0x544C534B, 0)) * 1000
        yield hello(number)


def secrets_of_a_byte() -> Pieces:
    yield section() + interface()
    for number in itertools.count():
        yield block(SECRETS, struct.pack("<II", 0x544C534B, 1) + b"#") * 1000
        yield hello(number)


def small_secrets() -> Pieces:
    """A secret a block, each of another connection."""
    yield section() + interface()
    for number in itertools.count():
        line = b"CLIENT_TRAFFIC_SECRET_0 %064x %064x" % (number, number)
        yield block(SECRETS, struct.pack("<II", 0x544C534B, len(line)) + line)
        if number % 100 == 0:
            yield hello(number)


def large_packets() -> Pieces:
    """Packets of 16 MB, which no network has."""
    yield section() + interface()
    body = bytes(15_000_000)
    for number in itertools.count():
        yield packet(number, segment(number, body[:60_000]) + body)


def many_resolutions() -> Pieces:
    """Times in units that take long numbers."""
    yield section()
    for number in range(1000):
        yield interface(101, option(9, bytes([number % 256])) + option(14, struct.pack("<q", (1 << 62) - number)))
    for number in itertools.count():
        yield packet(number, segment(number, b"\x16"), of=number % 1000)


def records(frames: Iterator[bytes]) -> Pieces:
    yield PCAP
    for number, frame in enumerate(frames):
        yield RECORD.pack(1_700_000_000 + number // 1_000_000, number % 1_000_000, len(frame), len(frame)) + frame


def no_order_of_times() -> Pieces:
    """Times that jump by years from packet to packet."""
    yield PCAP
    for number in itertools.count():
        frame = segment(number, LOGIN)
        yield RECORD.pack(number * 2_654_435_761 & 0xFFFFFFFF, 0, len(frame), len(frame)) + frame


def cut_packets() -> Pieces:
    """One byte kept of each segment of 60 KB."""
    yield PCAP
    for number in itertools.count():
        frame = segment(number % 50_000, bytes(60_000), seq=number // 50_000 * 60_000)[:41]
        yield RECORD.pack(1_700_000_000, 0, len(frame), 60_040) + frame


def hex_lines(frame: bytes) -> bytes:
    return b"".join(
        b"\t0x%04x:  %s\n" % (at, frame[at : at + 16].hex(" ", 2).encode()) for at in range(0, len(frame), 16)
    )


def text_dump() -> Pieces:
    for number, frame in enumerate(logins()):
        yield b"12:00:00.%06d IP 10.0.0.1 > 10.0.0.2\n" % (number % 1_000_000) + hex_lines(frame)


def text_of_one_line() -> Pieces:
    yield hex_lines(segment(1, LOGIN))
    while True:
        yield b"x" * 60_000


def text_of_headers() -> Pieces:
    """Lines with a time, each as long as are looked at, and a packet now and then."""
    for number in itertools.count():
        yield b"12:00:00.%06d IP " % (number % 1_000_000) + b"h" * 70_000 + b"\n"
        if number % 100 == 0:
            yield hex_lines(segment(number, LOGIN))


def text_of_wrong_offsets() -> Pieces:
    yield hex_lines(segment(1, LOGIN))
    while True:
        yield b"\t0x0020:  4500 0034\n" * 1000


def text_of_one_packet() -> Pieces:
    """A packet whose lines do not end."""
    for at in itertools.count(0, 16):
        yield b"\t0x%04x:  4500 0034 4500 0034 4500 0034 4500 0034\n" % at


def gzip_of_many_megabytes(size: int) -> Pieces:
    """A thousand times as many bytes as are stored: the same packets again and again."""
    whole = gzip.compress(b"".join(itertools.islice(records(logins()), 20_000)))
    again = gzip.compress(b"".join(itertools.islice(records(logins()), 1, 20_000)) * 10)
    yield whole
    for _ in range(size // 10 // len(again)):
        yield again


def filled(compress: Callable[[bytes], bytes], flush: Callable[[], bytes], size: int) -> Pieces:
    """Squeeze ten times `size`, so that the window is full; less where that would take too long to be read."""
    made = records(logins())
    left = 10 * size if size > 10_000_000 else 2 * size
    while left > 0:
        part = b"".join(itertools.islice(made, 100_000))
        left -= len(part)
        yield compress(part)
    yield flush()


def xz_of_a_large_window(size: int) -> Pieces:
    """A dictionary that takes all that is allowed, filled."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 20}]
    squeezer = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=filters)
    yield from filled(squeezer.compress, squeezer.flush, size)


def bzip2(size: int) -> Pieces:
    made = records(logins())
    while True:
        yield bz2.compress(b"".join(itertools.islice(made, 100_000)))


def zstd_of_a_large_window(size: int) -> Pieces:
    from backports.zstd import CompressionParameter, ZstdCompressor

    squeezer = ZstdCompressor(options={CompressionParameter.window_log: 27, CompressionParameter.compression_level: 1})
    yield from filled(squeezer.compress, squeezer.flush, size)


def lz4(size: int) -> Pieces:
    import lz4.frame

    made = records(logins())
    while True:
        yield lz4.frame.compress(b"".join(itertools.islice(made, 100_000)), block_size=7)


def written(pieces: Callable[[], Pieces]) -> Callable[[Path, int], None]:
    def write(path: Path, size: int) -> None:
        left = size
        with path.open("wb") as file:
            for piece in pieces():
                file.write(piece)
                left -= len(piece)
                if left <= 0:
                    break

    return write


def squeezed(pieces: Callable[[int], Pieces]) -> Callable[[Path, int], None]:
    return lambda path, size: written(lambda: pieces(size))(path, size)


KINDS: dict[str, Callable[[Path, int], None]] = {
    **{
        made.__name__.replace("_", " "): written(made)
        for made in (
            many_interfaces, many_sections, many_statistics, options_of_packets, unknown_blocks, empty_secrets,
            secrets_of_a_byte, small_secrets, large_packets, many_resolutions, no_order_of_times, cut_packets,
            text_dump, text_of_one_line, text_of_headers, text_of_wrong_offsets, text_of_one_packet,
        )
    },
    **{
        made.__name__.replace("_", " "): squeezed(made)
        for made in (
            gzip_of_many_megabytes, xz_of_a_large_window, bzip2, zstd_of_a_large_window, lz4,
        )
    },
}  # fmt: skip
