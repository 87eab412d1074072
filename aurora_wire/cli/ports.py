"""`--port`: which ports count as MySQL's where the content alone cannot tell."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable

from aurora_wire.immutable import immutable
from aurora_wire.ports import DEFAULT_PORTS


@immutable
class PortOption:
    """One use of the option: `+` adds its ports to the default ones, without it they replace them."""

    adds: bool
    ports: tuple[int, ...]


def port_argument(
    parser: ArgumentParser, look: str = "Look", ports: str = "3306 and 33060", times: str = "several times"
) -> None:
    """Add `--port`, in these words."""
    parser.add_argument("--port", metavar="N", type=port_option, action="append", default=[],
        help=f"{look} at this port only; +N: count it as a port of MySQL besides {ports}. May be given {times}.")


def port_option(text: str) -> PortOption:
    """Parse `3307`, `+3307`, `3307,3308`. Raises ArgumentTypeError with what is wrong."""
    numbers = text.removeprefix("+").split(",")
    if not all(n.isascii() and n.isdigit() and len(n) <= 5 and 0 < int(n) <= 65_535 for n in numbers):
        raise ArgumentTypeError(f"{text!r} is not a port, 1 to 65535 (or several, separated by commas)")
    return PortOption(text.startswith("+"), tuple(int(n) for n in numbers))


def collect_ports(options: Iterable[PortOption]) -> tuple[tuple[int, ...], bool]:
    """Return the ports, and whether only these are looked at."""
    chosen = list(options)
    only = any(not option.adds for option in chosen)
    ports = [] if only else list(DEFAULT_PORTS)
    for option in chosen:
        ports += option.ports
    return tuple(dict.fromkeys(ports)), only
