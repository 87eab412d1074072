"""`aurora-wire relay`: carries connections to a server and captures them, without any rights."""

from __future__ import annotations

import argparse

from aurora_wire.cli.numbers import make_count_parser, seconds
from aurora_wire.cli.output import STANDARD_OUTPUT, Output
from aurora_wire.cli.overwriting import force_option, take_standard_output
from aurora_wire.errors import UsageError

DESCRIPTION = """\
Carry connections to a database server and capture them on the way, where nobody
may sniff: point the client at --listen instead of the server. It says of each
connection, when it ends, whether it crossed in the clear. Ctrl-C, SIGTERM,
--duration or --count end it, with the summary of `scan`."""
EXAMPLES = """exit codes:
  0  encrypted (with --require proven: and all of it proven)
  1  plaintext or mixed
  2  wrong use, or it cannot listen
  3  inconclusive, no-session, not-mysql, or no connections; also instead of 0
     where --require proven is not met
  4  an output could not be written (connections are carried on without it)

examples:
  aurora-wire relay --to db.example.com:3306 -w evidence.pcapng
  aurora-wire relay --to 10.0.0.9 --count 1 --format jsonl
"""
DEFAULT_LISTEN = "127.0.0.1:3307"
DEFAULT_PORT = 3306


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--to", metavar="HOST[:PORT]", required=True, type=target_place,
        help="Carry connections to this server (default port 3306). Its name is looked up for each connection.")
    add("--listen", metavar="ADDRESS:PORT", type=place, default=place(DEFAULT_LISTEN),
        help=f"Listen here (default {DEFAULT_LISTEN}); with port 0 the system chooses one. Whoever reaches this "
        "address reaches the server.")
    add("-w", "--write", metavar="FILE",
        help="Write what was carried to this new pcapng file, readable for you only; or to standard output (-), and "
        "all words to standard error.")
    force_option(parser)
    add("--duration", metavar="TIME", type=seconds,
        help="End after this time (seconds, or with m, h or d); what is open is cut.")
    add("--count", metavar="N", type=make_count_parser("connections"),
        help="Take this many connections, and end when all of them are over.")
    add("--format", choices=("text", "jsonl"), default="text",
        help="Write text for people, or JSON lines (default text).")
    add("--redact", action="store_true",
        help="Mask literals, comments and parameters in statements (default: show them).")
    add("--require", choices=("proven",),
        help="Exit with 3 instead of 0 where a connection is encrypted but not proven to be.")
    add("--quiet", action="store_true", help="Print the closing sentence only.")


def place(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Parse `HOST:PORT`, `[::1]:PORT`."""
    host, colon, port = text.rpartition(":")
    if "]" in port or (not colon and default_port is not None):
        host, port = text, str(default_port)  # no port at its end
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or (":" in bare and bare is host) or any(sign.isspace() or sign in "[]/" for sign in bare):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address and a port, such as 10.0.0.9:3306 or [::1]:3306")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} has no port, 0 to 65535, at its end")
    return bare, int(port)


def target_place(text: str) -> tuple[str, int]:
    found = place(text, DEFAULT_PORT)
    if found[1] == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: no server listens on port 0")
    return found


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.cli.relay_session import RelaySession  # noqa: PLC0415 - not for --help
    from aurora_wire.cli.watch_session import Stop  # noqa: PLC0415

    if arguments.listen == arguments.to:
        raise UsageError("--listen and --to are the same: the relay would carry to itself.")
    pipe = take_standard_output("a capture") if arguments.write == STANDARD_OUTPUT else None
    with Output() as output, Stop() as stop:
        return RelaySession(arguments, output, stop, pipe).run()
