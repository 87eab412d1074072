"""TCP options as tcpdump prints them between `options [` and `]`.

Source: tcpdump 4.99, print-tcp.c (tcp_print).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aurora_wire.report.packets.tcpdump.mptcp import put_mptcp
from aurora_wire.report.packets.tcpdump.printer import Printer

EOL: Final = 0
NOP: Final = 1
MSS: Final = 2
WINDOW_SCALE: Final = 3
SACK: Final = 5
TIMESTAMP: Final = 8
MD5: Final = 19
SCPS: Final = 20
USER_TIMEOUT: Final = 28
TCP_AO: Final = 29
MPTCP: Final = 30
FAST_OPEN: Final = 34

MD5_LEN: Final = 16
FAST_OPEN_MAGIC: Final = 0xF989     # RFC 7413: as an experiment

NAMES: Final = {
    0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 6: "echo", 7: "echoreply", 8: "TS",
    11: "cc", 12: "ccnew", 13: "", 19: "md5", 20: "scps", 28: "uto", 29: "tcp-ao", 30: "mptcp", 34: "tfo",
    254: "exp",
}
ONE_NUMBER: Final = (6, 7, 11, 12, 13)      # four bytes, one number
WITHOUT_DATA: Final = (0, 1, 4)

# How the printing of an option ended.
FINE: Final = 0
BAD: Final = 1                      # the option does not fit the header
CUT: Final = 2                      # ... or was not captured


@dataclass(frozen=True, slots=True)
class Segment:
    """What options are printed by: flags, what SACK blocks are relative to, where the payload lies."""

    flags: int
    sack_base: int
    payload_at: int
    payload_len: int


def put_options(printer: Printer, at: int, left: int, segment: Segment) -> bool:
    """Print the `left` bytes of options at `at`; False: the line ends here."""
    first = True
    while left > 0:
        if not first:
            printer.put(",")
        kind = printer.read(at, 1)
        at += 1
        length = 1
        bad = False
        if kind not in (EOL, NOP):
            length = printer.read(at, 1)
            at += 1
            bad = length < 2 or length > left
            left -= 1
        left -= 1
        if bad:
            printer.put("[bad opt]" if first else "[bad opt]]")
            return False
        printer.put(NAMES.get(kind, f"unknown-{kind}"))
        ended, used = _put_option(printer, kind, at, length, left, segment)
        if ended == BAD:
            printer.put("[bad opt]" if first else "[bad opt]]")
            return False
        if ended == CUT:
            printer.put_cut()
            printer.put("" if first else ">")
            return False
        at += used
        left -= used
        if used + (1 if kind in (EOL, NOP) else 2) != length:
            printer.put(f"[len {length}]")
        first = False
        if kind == EOL:
            break
    printer.put("]")
    return True


def _check(printer: Printer, at: int, count: int, left: int) -> int:
    if count > left:
        return BAD
    return FINE if printer.has(at, count) else CUT


def _put_option(
    printer: Printer, kind: int, at: int, length: int, left: int, segment: Segment
) -> tuple[int, int]:
    """Print one option's data. Returns how it ended and how many bytes of data its kind takes."""
    if kind in WITHOUT_DATA:
        return FINE, 0
    if kind == SACK:
        return _put_sack(printer, at, length - 2, left, segment.sack_base)
    if kind == TCP_AO:
        return _put_authentication(printer, at, length - 2, left)
    fixed = _fixed_length(kind)
    used = length - 2 if fixed < 0 else fixed
    if kind not in NAMES:
        return _put_unknown(printer, at, used, left)
    ended = _check(printer, at, used, left)
    if ended != FINE:
        return ended, used
    if kind in (MSS, WINDOW_SCALE) or kind in ONE_NUMBER:
        printer.put(f" {printer.read(at, used)}")
    elif kind == TIMESTAMP:
        printer.put(f" val {printer.read(at, 4)} ecr {printer.read(at + 4, 4)}")
    elif kind == MD5:
        whole = printer.has(segment.payload_at, segment.payload_len)
        why = "shared secret not supplied with -M, " if whole else "snaplen too short, "
        printer.put(f" {why}can't check - {printer.read_bytes(at, MD5_LEN).hex()}")
    elif kind == SCPS:
        printer.put(f" cap {printer.read(at, 1):02x} id {printer.read(at + 1, 1)}")
    elif kind == USER_TIMEOUT:
        value = printer.read(at, 2)
        printer.put(f" 0x{value:x} {(value >> 1) * 60 if value & 1 else value >> 1}")
    elif kind == MPTCP:
        return (FINE if put_mptcp(printer, at - 2, length, segment.flags) else BAD), used
    elif kind == FAST_OPEN:
        printer.put(" ")
        _put_fast_open(printer, at, used)
    elif used < 2:
        return BAD, used
    else:
        _put_experiment(printer, at, used)
    return FINE, used


def _fixed_length(kind: int) -> int:
    """Return how many bytes of data tcpdump takes, whatever the length byte says; -1: as the length byte says."""
    if kind in ONE_NUMBER:
        return 4
    return {MSS: 2, WINDOW_SCALE: 1, TIMESTAMP: 8, MD5: MD5_LEN, SCPS: 2, USER_TIMEOUT: 2}.get(kind, -1)


def _put_sack(printer: Printer, at: int, used: int, left: int, base: int) -> tuple[int, int]:
    if used % 8:
        printer.put(" invalid sack")
        return FINE, used
    printer.put(f" {used // 8} ")
    for block in range(0, used, 8):
        for part in (4, 8):
            ended = _check(printer, at, block + part, left)
            if ended != FINE:
                return ended, used
        start = printer.read(at + block, 4) - base & 0xFFFFFFFF
        end = printer.read(at + block + 4, 4) - base & 0xFFFFFFFF
        printer.put(f"{{{start}:{end}}}")
    return FINE, used


def _put_authentication(printer: Printer, at: int, used: int, left: int) -> tuple[int, int]:
    if used < 2:
        printer.put(" (invalid)")
        return FINE, used
    for count, text in ((1, " keyid "), (2, " rnextkeyid ")):
        ended = _check(printer, at, count, left)
        if ended != FINE:
            return ended, used
        printer.put(f"{text}{printer.read(at + count - 1, 1)}")
    if used > 2:
        printer.put(" mac 0x")
        return _put_digits(printer, at, 2, used, left), used
    return FINE, used


def _put_unknown(printer: Printer, at: int, used: int, left: int) -> tuple[int, int]:
    if used:
        printer.put(" 0x")
    return _put_digits(printer, at, 0, used, left), used


def _put_digits(printer: Printer, at: int, start: int, end: int, left: int) -> int:
    for place in range(start, end):
        ended = _check(printer, at, place + 1, left)
        if ended != FINE:
            return ended
        printer.put(f"{printer.read(at + place, 1):02x}")
    return FINE


def _put_fast_open(printer: Printer, at: int, used: int) -> None:
    if used == 0:
        printer.put(" cookiereq")
    elif used % 2 or not 4 <= used <= 16:
        printer.put(" (invalid)")
    else:
        printer.put(f" cookie {printer.read_bytes(at, used).hex()}")


def _put_experiment(printer: Printer, at: int, used: int) -> None:
    magic = printer.read(at, 2)
    if magic == FAST_OPEN_MAGIC:
        printer.put("-tfo")
        _put_fast_open(printer, at + 2, used - 2)
    else:
        printer.put(f"-{magic:04x}")
