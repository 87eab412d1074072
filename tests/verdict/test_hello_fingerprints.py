"""JA3 and JA4 by the vectors that their authors published; tests/wire/tls holds JA3 against tshark's."""

from __future__ import annotations

from aurora_wire.verdict.hello_fingerprints import compute_fingerprints, ja3, ja3_text, ja4
from aurora_wire.wire.tls.hello import ClientHello

# The example of JA4's technical details: Chrome, with GREASE.
SUITES = "1a1a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
EXTENSIONS = "5a5a 001b 0000 0033 0010 4469 0017 002d 000d 0005 0023 0012 002b ff01 000b 000a 0015 2a2a"
SIGNATURES = "0403 0804 0401 0503 0805 0501 0806 0601"


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def chrome() -> ClientHello:
    hello = ClientHello(0x0303, bytes(32), b"")
    hello.suites, hello.extensions, hello.signature_algorithms = map(numbers, (SUITES, EXTENSIONS, SIGNATURES))
    hello.versions = [0x0304, 0x0303]
    hello.alpn = [b"h2", b"http/1.1"]
    hello.groups = numbers("3a3a 001d 0017 0018")
    hello.point_formats = [0]
    return hello


def test_ja4_is_that_of_its_published_example() -> None:
    hello = chrome()
    assert ja4(hello) == "t13d1516h2_8daaf6152771_e5627efa2ab1"
    hello.signature_algorithms = []
    assert ja4(hello).endswith("_6d807ffa2a79"), "no underscore behind the extensions where there are no signatures"


def test_ja3_is_that_of_a_published_hello() -> None:
    """The example of JA3's README: the text and its MD5."""
    hello = ClientHello(769, bytes(32), b"")
    hello.suites = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
    hello.extensions, hello.groups, hello.point_formats = [0, 10, 11], [23, 24, 25], [0]
    assert ja3_text(hello) == "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert ja3(hello) == "ada70206e40642a3e4461f35503241d5"
    hello.suites = [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99]
    hello.extensions, hello.groups, hello.point_formats = [], [], []
    assert ja3(hello) == "de350869b8c85de67a350c8d186f11e6"


def test_grease_changes_neither() -> None:
    other = chrome()
    other.suites[0], other.extensions[0], other.groups[0] = 0xFAFA, 0x0A0A, 0x8A8A
    assert compute_fingerprints(other) == compute_fingerprints(chrome())


def test_the_parts_that_can_be_read_are_the_specifications() -> None:
    hello = chrome()
    hello.extensions = [0x000A]
    hello.suites = list(range(1, 120))
    for alpn, shown in ((b"", "00"), (b"h", "hh"), (b"http/1.1", "h1"), (b"\xab", "ab"), (b"\x30\xab", "3b"),
                        (b"\x30\x31\xab\xcd", "3d")):  # fmt: skip
        hello.alpn = [alpn] if alpn else []
        assert ja4(hello).startswith(f"t13i9901{shown}_")
    for version, shown in ((0x0303, "12"), (0x0301, "10"), (0x0300, "s3"), (0x7F1C, "00")):
        hello.versions = [version]
        assert ja4(hello).startswith(f"t{shown}i")
    hello.extensions = []
    hello.signature_algorithms = []
    assert ja4(hello).endswith("_000000000000")


def test_a_hello_whose_lists_were_not_kept_has_none() -> None:
    hello = chrome()
    hello.shorten()
    assert compute_fingerprints(hello) is None
