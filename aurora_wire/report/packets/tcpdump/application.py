"""What tcpdump adds after a TCP header on the ports of text protocols: `: HTTP: GET / HTTP/1.1`.

Done as tcpdump does it: FTP 21, SSH 22, SMTP 25, WHOIS 43, HTTP 80 and 8080, RTSP 554 and 8554. tcpdump also
decodes what is on these TCP ports, and here such a line ends with its length: telnet 23, DNS 53, BGP 179,
RPKI-RTR 323, MSDP 639, LDP 646, PPTP 1723, NFS 2049, Redis 6379, OpenFlow 6633 and 6653, BEEP 10288 (and 139
and 445, where it was built with SMB, which Linux distributions don't do).
Source: tcpdump 4.99, print-tcp.c, util-print.c (txtproto_print), print-http.c, print-rtsp.c, print-ssh.c.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.packets.tcpdump.printer import Printer

HTTP_COMMANDS: Final = frozenset((
    "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE", "LABEL",
    "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "BDELETE", "CONNECT", "OPTIONS",
    "CHECKIN", "PROPFIND", "CHECKOUT", "CCM_POST", "SUBSCRIBE", "PROPPATCH", "BPROPFIND", "BPROPPATCH",
    "UNCHECKOUT", "MKACTIVITY", "MKWORKSPACE", "UNSUBSCRIBE", "RPC_CONNECT", "VERSION-CONTROL",
    "BASELINE-CONTROL",
))
RTSP_COMMANDS: Final = frozenset((
    "DESCRIBE", "ANNOUNCE", "GET_PARAMETER", "OPTIONS", "PAUSE", "PLAY", "RECORD", "REDIRECT", "SETUP",
    "SET_PARAMETER", "TEARDOWN",
))
MAX_TOKEN: Final = 128

# In tcpdump's order: the first row one of whose ports matches counts. Ports without a name are decoded by
# tcpdump and not here; they stand in the table because they keep a later row from matching.
PORTS: Final[tuple[tuple[tuple[int, ...], str], ...]] = (
    ((23,), ""), ((25,), "smtp"), ((43,), "whois"), ((179,), ""), ((1723,), ""), ((6379,), ""),
    ((22,), "ssh"), ((10288,), ""), ((6633, 6653), ""), ((21,), "ftp"), ((80, 8080), "http"),
    ((554, 8554), "rtsp"),
)


def put_application(printer: Printer, at: int, length: int, source: int, destination: int) -> None:
    """Print what follows `, length N` for the payload at `at`."""
    for ports, name in PORTS:
        if source not in ports and destination not in ports:
            continue
        if not name:
            return
        printer.protocol = name
        if name == "ssh":
            _put_ssh(printer, at, length)
            return
        printer.put(": ")
        commands = {"http": HTTP_COMMANDS, "rtsp": RTSP_COMMANDS}.get(name)
        wanted = commands is None or _is_message(printer, at, at + length, commands)
        printer.put(name.upper())
        if wanted:
            _put_line(printer, at, at + length)
        return


def _token(printer: Printer, at: int, end: int) -> tuple[str, int]:
    """Return a word and where the next begins; at 0: no word."""
    word = ""
    while at < end:
        if not printer.has(at, 1):
            return "", 0
        byte = printer.read(at, 1)
        if byte in b" \t\r\n":
            break
        if not 0x20 <= byte < 0x7F or len(word) + 2 > MAX_TOKEN + 1:
            return "", 0
        word += chr(byte)
        at += 1
    if not word:
        return "", 0
    while at < end and printer.has(at, 1) and printer.read(at, 1) == 0x20:
        at += 1
    return word, at


def _is_message(printer: Printer, at: int, end: int, commands: frozenset[str]) -> bool:
    """Tell a request by its command, a response by the three digits that are its second word."""
    word, following = _token(printer, at, end)
    if not following or word.upper() in commands:
        return following != 0
    code, following = _token(printer, following, end)
    return following != 0 and len(code) == 3 and code.isdigit()


def _find_line_end(printer: Printer, at: int, end: int, others: bytes = b"") -> int:
    """Return where the line from `at` on ends; -1 where a byte of it is neither printable nor one of the others."""
    while at < end:
        byte = printer.read(at, 1)
        if byte == 0x0A:
            break
        if byte == 0x0D:
            return at if at + 1 < end and printer.read(at + 1, 1) == 0x0A else -1
        if not 0x20 <= byte < 0x7F and byte not in others:
            return -1
        at += 1
    return at


def _put_line(printer: Printer, start: int, end: int) -> None:
    at = _find_line_end(printer, start, end, b"\t")
    if at < 0:
        return
    printer.put(f": {printer.data[start:at].decode('ascii')}")
    if at >= end:
        printer.put_cut()


def _put_ssh(printer: Printer, start: int, length: int) -> None:
    for place, letter in enumerate(b"SSH-"):
        if printer.read(start + place, 1) != letter:
            return
    at = _find_line_end(printer, start + 4, start + length)
    if 0 <= at < start + length:
        printer.put(f": SSH: {printer.data[start:at].decode('ascii')}")
