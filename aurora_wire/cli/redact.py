"""`aurora-wire redact`: a capture that can be handed on."""

from __future__ import annotations

import argparse
import hashlib
import hmac
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.choosing import chosen_capture
from aurora_wire.cli.filters import add_filter_options, read_selection
from aurora_wire.cli.output import STANDARD_OUTPUT, Output, complain
from aurora_wire.cli.overwriting import force_option, refuse_to_replace, whole_output
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.errors import UsageError, describe_error
from aurora_wire.immutable import replace
from aurora_wire.rights.inputs import input_file, reading

if TYPE_CHECKING:
    from aurora_wire.redact.capture import Redacted

SAME: Final = 0
DIFFERENT: Final = 1
MIN_SECRET: Final = 16
MAX_SECRET: Final = 1 << 20

DESCRIPTION = """\
Write a capture again, in which what crossed in the clear inside MySQL is
masked: users, passwords and their hashes, literals, parameters, rows, files.
Lengths, sequence numbers and checksums stay right, packets sent twice are
masked alike, and verdicts stay what they were: both captures are judged and
compared. A masked value shows a keyed hash of what was there, so equal ones
can be told to be equal. Names of databases, tables and columns stay; so do
connections that are known to speak another protocol. What nobody can place is
blanked. TLS secrets and comments in a pcapng are left out."""
EXAMPLES = """\
exit codes:
  0  written, and judged as before
  1  written, and something is judged in another way than before: it is told;
     also with --keep-unknown
  2  wrong use, or an input that cannot be read
  4  the output could not be written

examples:
  aurora-wire redact night.pcap night-masked.pcap
  aurora-wire redact --pseudonymise --key secret night.pcapng.gz masked.pcapng
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("capture", metavar="IN", help="Read this pcap or pcapng, compressed or not; a file or an address.")
    add("output", metavar="OUT", help="Write to this file, or standard output (-), in the same format (with filters: "
        "pcapng), not compressed.")
    add("--pseudonymise", action="store_true",
        help="Replace IP addresses (networks stay networks) and those of Ethernet; blank what is not TCP (default: "
        "addresses stay).")
    add("--keep-unknown", action="store_true",
        help="Leave streams of a protocol that is not known, and packets without TCP, as they are; the exit code is 1 "
        "then (default: what is in them is blanked).")
    add("--key", metavar="FILE",
        help="Take the key of hashes and pseudonyms from this secret file (16 bytes or more), so that several captures "
        "have the same (default: from the capture itself).")
    port_argument(parser)
    force_option(parser)
    progress_option(parser)
    add_filter_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.capture.files.addresses import is_remote  # noqa: PLC0415
    from aurora_wire.redact.capture import redact_capture, verdict_differences  # noqa: PLC0415
    from aurora_wire.redact.masker import Masker  # noqa: PLC0415
    from aurora_wire.redact.pseudonyms import Pseudonyms  # noqa: PLC0415

    source, target = arguments.capture, arguments.output
    is_same = False
    remote = is_remote(source)
    with reading(source):
        try:
            is_file = Path(source).is_file()
        except OSError as error:
            raise UsageError(f"{source}: {describe_error(error)}.") from error
        with suppress(OSError):  # what cannot be written is told of then
            is_same = is_file and Path(target).samefile(source)
    if not (is_file or remote):
        raise UsageError(f"{source}: no such file. Standard input and folders cannot be masked.")
    if is_same:
        raise UsageError(f"{target}: this is the capture. Give the masked one another name.")
    refuse_to_replace(target, force=arguments.force)
    options = ScanOptions(*collect_ports(arguments.port))
    key = _key(arguments.key, source)
    pseudonyms = None
    if arguments.pseudonymise:
        pseudonyms = Pseudonyms(hmac.new(key, b"addresses", hashlib.sha256).digest())
    with (
        chosen_capture(source, replace(options, selection=read_selection(arguments))) as (chosen, said),
        whole_output(target, "a capture") as place,
    ):
        with progress_bar(wanted=not arguments.no_progress) as on_progress:
            done = redact_capture(
                chosen, place, Masker(key), options, pseudonyms=pseudonyms, keep_unknown=arguments.keep_unknown,
                on_progress=on_progress,
            )  # fmt: skip
        different = verdict_differences(done.scan, place, options)
    if said:
        complain(f"{target}: {said}")
    if target == STANDARD_OUTPUT:
        for line in _lines(done):
            complain(line)
    else:
        with Output() as output:
            output.writelines(f"{line}\n" for line in _lines(done))
    for words in different:
        complain(f"{target}: {words}")
    if arguments.keep_unknown:
        complain(f"{target}: what is not known to be another protocol was left as it is. It may hold anything.")
    return DIFFERENT if different or arguments.keep_unknown else SAME


def _key(path: str | None, source: str) -> bytes:
    """Return the key, 32 bytes. Raises UsageError."""
    from aurora_wire.redact.masker import PURPOSE, key_of_captures  # noqa: PLC0415

    if path is None:
        return key_of_captures("", [source])
    try:
        with input_file(path) as file:
            secret = file.read(MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: the key cannot be read ({describe_error(error)}).") from error
    if not MIN_SECRET <= len(secret) <= MAX_SECRET:
        raise UsageError(f"{path}: a key has {MIN_SECRET} bytes to 1 MiB. `head -c 32 /dev/urandom > FILE` makes one.")
    return hmac.new(secret, PURPOSE, hashlib.sha256).digest()


def _lines(done: Redacted) -> list[str]:
    lines = [f"{done.frames:,} packets, {done.changed:,} of them changed, {done.bytes:,} bytes masked."]
    if done.not_mysql:
        lines.append(f"{done.not_mysql:,} packets of other protocols were left as they are.")
    if done.fragments:
        lines.append(f"{done.fragments:,} IP fragments: what is in them was blanked.")
    if done.undecoded:
        lines.append(f"{done.undecoded:,} packets without TCP, or not decoded: what is in them was blanked.")
    if done.blocks:
        lines.append(f"{done.blocks:,} blocks without packets (secrets, names, notes) were left out.")
    if done.damage:
        lines.append(f"It ends where the capture is damaged: {done.damage}")
    return lines
