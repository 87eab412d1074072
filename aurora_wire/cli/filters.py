"""Options that let a part of the captures through: `--host`, `--user`, `--since`, `--until`, `--verdict`, `--leaks`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.analysis.selection import Selection

VERDICTS: Final = ("plaintext", "mixed", "encrypted", "inconclusive", "no-session")
NAMES: Final = ("host", "user", "since", "until", "verdict", "leaks", "filter")
BOTH_NAMES: Final = ("host", "filter")  # of two runs: times differ, and inside TLS nobody can see a user
LIVE_NAMES: Final = ("user", "verdict", "leaks")
LEAKING: Final = ("plaintext", "mixed")
REQUIRED: Final = "--require proven holds for what the filters let through, and says nothing of the rest."


def add_filter_options(parser: argparse.ArgumentParser, *, live: bool = False, both: bool = False) -> None:
    """Add the options. live: those of a capture that has `--host` and `--filter` of its own, and no past; both: those
    that mean the same in two runs.
    """
    group = parser.add_argument_group("filters", "What they leave out is counted and takes no part in the verdict.")
    add = group.add_argument
    if not live:
        add("--host", metavar="ADDRESS", action="append", default=[],
            help="Let connections of this host or network (10.0.0.0/8) through, as client or server. May be given "
            "several times.")
    if both:
        add("--filter", metavar="BPF",
            help="Of captures, look at the packets only that this filter in tcpdump's language takes (needs libpcap).")
        return
    add("--user", metavar="NAME", action="append", default=[],
        help="Let connections of this user through: where the login is inside TLS nobody can see it. May be given "
        "several times.")
    if not live:
        add("--since", metavar="TIME",
            help="Let connections through that still had a packet then: 2021-03-17T09:00, with a zone or in UTC, or "
            "09:00 of each day.")
        add("--until", metavar="TIME", help="Let connections through that had a packet by then.")
    add("--verdict", metavar="VERDICT", choices=VERDICTS, action="append", default=[],
        help=f"Let connections with this verdict through: {', '.join(VERDICTS)}. May be given several times.")
    add("--leaks", action="store_true", help="Let connections through in which something leaked.")
    if not live:
        add("--filter", metavar="BPF",
            help="Look at the packets only that this filter in tcpdump's language takes (needs libpcap).")


def read_selection(arguments: argparse.Namespace, names: Sequence[str] = NAMES) -> Selection | None:
    """Return what the options let through; None where none is given. Raises UsageError."""
    text = {
        name: ", ".join(value) if isinstance(value, list) else "" if value is True else str(value)
        for name in names
        if (value := getattr(arguments, name, None))
    }
    if not text:
        return None
    from aurora_wire.analysis.selection import Selection, check_order, read_network, read_time  # noqa: PLC0415
    from aurora_wire.capture.files.frame_filter import FrameFilter  # noqa: PLC0415 - not for --help

    found = Selection(text=text)
    try:
        found.hosts = [read_network(one) for one in (arguments.host if "host" in text else ())]
    except ValueError as error:
        raise UsageError(f"--host: {error}. Give an address (10.0.0.5) or a network (10.0.0.0/8).") from error
    if names == BOTH_NAMES:
        found.frames = FrameFilter(text["filter"]) if "filter" in text else None
        return found
    found.users = list(arguments.user)
    for name in ("since", "until"):
        if name not in text:
            continue
        try:
            setattr(found, f"{name}_ns", read_time(text[name]))
        except (ValueError, OverflowError) as error:
            raise UsageError(f"--{name} {text[name]}: is no time, such as 2021-03-17T09:00 or 09:00.") from error
    check_order(found.since_ns, found.until_ns)
    found.verdicts = frozenset(arguments.verdict)
    if arguments.leaks:
        found.verdicts = found.verdicts & frozenset(LEAKING) if found.verdicts else frozenset(LEAKING)
        if not found.verdicts:
            raise UsageError("--leaks and --verdict: no connection is both.")
    if "filter" in text:
        found.frames = FrameFilter(text["filter"])
    return found


def filter_words(arguments: argparse.Namespace) -> list[str]:
    """Return the options as they were given, for a command line that makes the same again."""
    words = []
    for name in NAMES:
        value = getattr(arguments, name, None)
        if value is True:
            words.append(f"--{name}")
        elif value:
            words += [f"--{name}={one}" for one in (value if isinstance(value, list) else [value])]
    return words
