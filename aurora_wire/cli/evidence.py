"""`aurora-wire evidence`: bundles that can be handed over, and checked by anyone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.output import STANDARD_OUTPUT, Output, complain, same_place
from aurora_wire.cli.overwriting import force_option, refuse_to_replace, whole_output
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.evidence.create import BundleSummary
    from aurora_wire.evidence.verification import Check, Verification

SAME: Final = 0
DIFFERENT: Final = 1
UNVOUCHED: Final = 3

DESCRIPTION = """\
Make an evidence bundle: one zip with captures, what servers allow (results of
probe, audit, fleet and check beside the captures), result, report, what made it
and when, SHA-256 of every file, and a signature over all of it. Check one:
signature, hashes, and the analysis run again. `aurora-wire evidence create
--help`, `... verify --help` and `... keygen --help` show the options."""
EXAMPLES = """\
exit codes:
  0  done; verify: all that the bundle says was made again and compared, and the
     key that --key names has signed it (or --allow-unsigned was given)
  1  verify: something differs, and the output says what
  3  verify: nothing differs, but the bundle cannot be vouched for: nobody known
     signed it, or a part of it could not be checked here
  2  wrong use, an input that cannot be read, or no zip archive
  4  an output could not be written

examples:
  aurora-wire evidence create night.pcap.gz -o case.zip --key examiner
  aurora-wire evidence verify case.zip --key examiner.pub
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="ACTION", required=True)

    def command(name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary, epilog=f"examples:\n{examples}", allow_abbrev=False,
            formatter_class=parser.formatter_class,
        )  # fmt: skip

    _create_arguments(command(
        "create", "Make a bundle of captures.",
        "  aurora-wire evidence create night.pcap -o case.zip --key examiner --case 17\n"
        "  aurora-wire evidence create night.pcap check.json -o case.zip\n"
        "  aurora-wire evidence create captures/ -o case.zip --redact-captures\n",
    ))
    _verify_arguments(command(
        "verify", "Check a bundle, and run its analysis again.",
        "  aurora-wire evidence verify case.zip --key examiner.pub\n"
        "  aurora-wire evidence verify case.zip --original night.pcap\n",
    ))
    keygen = command(
        "keygen", "Make a key to sign with: NAME, for its owner only, and NAME.pub, to be given away.",
        "  aurora-wire evidence keygen -o examiner\n"
        "  openssl pkey -pubin -in examiner.pub -outform DER | sha256sum\n",
    )
    keygen.add_argument("-o", "--output", metavar="NAME", required=True,
                        help="Write the private key here and the public one to NAME.pub; neither may be there.")
    keygen.set_defaults(action=_keygen)


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("captures", metavar="CAPTURE", nargs="+",
        help="Put in this file, all captures in this folder, or what this pattern matches; or this result of probe, "
        "audit, fleet or check as JSON.")
    add("-o", "--output", metavar="FILE", required=True, help="Write the bundle here, or to standard output (-). It "
        "appears when it is whole.")
    add("--case", metavar="ID", default="", help="Name the case.")
    add("--examiner", metavar="NAME", default="", help="Name who makes the bundle.")
    add("--note", metavar="TEXT", default="", help="Add a note.")
    add("--key", metavar="FILE",
        help="Sign with this private key; `evidence keygen` makes one (default: no signature).")
    add("--timestamp", metavar="URL",
        help="Have this authority (RFC 3161) stamp the signature with its time: it is sent a hash, and nothing else.")
    port_argument(parser)
    add("--redact-captures", action="store_true",
        help="Put masked captures in, and of the originals their hashes only (default: the originals, byte by byte).")
    add("--reveal", action="store_true",
        help="Show literals, parameters and user names in the reports (default: masked by a keyed hash).")
    force_option(parser)
    progress_option(parser)
    parser.set_defaults(action=_create)


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="Check this zip.")
    add("--key", metavar="FILE", help="Ask for a signature made with this public key (default: the bundle's own, which "
        "shows changes and not who signed).")
    add("--allow-unsigned", action="store_true",
        help="Vouch for a bundle that is not signed, or is signed with the key inside it (default: exit with 3).")
    add("--original", metavar="FILE", action="append", default=[],
        help="Run the analysis on this capture, kept elsewhere, too. Give each one of the bundle.")
    add("--tsa", metavar="FILE", help="Ask for a time-stamp of an authority in this file of certificates (PEM).")
    add("--format", choices=("text", "json"), default="text", help="Write text or JSON (default text).")
    progress_option(parser)
    parser.set_defaults(action=_verify)


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.action(arguments)
    return code


def _create(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.evidence.create import Case, Options, create_bundle  # noqa: PLC0415
    from aurora_wire.report.posture.from_json import split_inputs  # noqa: PLC0415

    if not any(same_place(arguments.output, one) for one in arguments.captures):
        refuse_to_replace(arguments.output, force=arguments.force)
    if arguments.reveal:
        complain("--reveal: the reports of this bundle show literals, parameters and user names as they crossed.")
    if not arguments.redact_captures:
        complain("the captures are in the bundle as they are, with all that crossed; --redact-captures masks them.")
        if split_inputs(arguments.captures)[1]:
            complain("results of servers are in it as they are, with names of accounts; --redact-captures masks them.")
    options = Options(
        case=Case(arguments.case, arguments.examiner, arguments.note),
        key=arguments.key,
        timestamp=arguments.timestamp,
        scan=ScanOptions(*collect_ports(arguments.port)),
        reveal=arguments.reveal,
        redact_captures=arguments.redact_captures,
        command=command_line(arguments),
    )
    with (
        whole_output(arguments.output, "a bundle") as place,
        progress_bar(wanted=not arguments.no_progress) as on_progress,
    ):
        made = create_bundle(arguments.captures, place, options, on_progress)
    if arguments.output == STANDARD_OUTPUT:
        for line in _made(made):
            complain(line)
    else:
        with Output() as output:
            output.writelines(f"{line}\n" for line in _made(made))
    return SAME


def _made(made: BundleSummary) -> Iterator[str]:
    """Yield what is said of a bundle."""
    confidence = f" ({made.result.confidence})" if made.result.confidence else ""
    signed = "not signed" if made.fingerprint is None else f"signed with key {made.fingerprint}"
    yield f"{made.result.verdict}{confidence}: {made.files} files, {made.bytes:,} bytes, {signed}."
    if made.left_out:
        were = "1 file of the folders is" if made.left_out == 1 else f"{made.left_out:,} files of the folders are"
        yield f"{were} not in it: manifest.json names them and says why (left_out)."


def command_line(arguments: argparse.Namespace) -> list[str]:
    """Return the command line to record: without secrets and the bundle's name, so that bundles are reproducible."""
    from aurora_wire.capture.files.addresses import shown  # noqa: PLC0415 - not for --help
    from aurora_wire.evidence.timestamp import without_secrets  # noqa: PLC0415

    given = sys.argv[1:] if sys.argv[1:2] == ["evidence"] else _rebuilt(arguments)
    words = ["aurora-wire"]
    for word in given:
        if arguments.timestamp and arguments.timestamp in word:
            words.append(word.replace(arguments.timestamp, without_secrets(arguments.timestamp)))
        elif words[-1] in ("-o", "--output"):
            words.append("BUNDLE")
        elif word in (f"-o{arguments.output}", f"--output={arguments.output}"):
            words.append(word.removesuffix(arguments.output) + "BUNDLE")
        else:
            words.append(shown(word))
    return words


def _rebuilt(arguments: argparse.Namespace) -> list[str]:
    """Return the words of the command line, if `main` was called with others than those of the process."""
    words = ["evidence", "create", *arguments.captures, "-o", arguments.output]
    for name in ("case", "examiner", "note", "key", "timestamp"):
        value = getattr(arguments, name)
        if value:
            words += [f"--{name}", value]
    for option in arguments.port:
        words += ["--port", ("+" if option.adds else "") + ",".join(map(str, option.ports))]
    return words + [f"--{name.replace('_', '-')}" for name in ("redact_captures", "reveal") if getattr(arguments, name)]


def _verify(arguments: argparse.Namespace) -> int:
    from aurora_wire.evidence.verify import verify_bundle  # noqa: PLC0415

    with progress_bar(wanted=not arguments.no_progress) as on_progress:
        verification = verify_bundle(
            arguments.bundle, key=arguments.key, allow_unsigned=arguments.allow_unsigned,
            originals=arguments.original, authorities=arguments.tsa, on_progress=on_progress,
        )  # fmt: skip
    with Output() as output:
        if arguments.format == "json":
            output.write(_json(verification))
        else:
            output.writelines(f"{line}\n" for line in _lines(verification))
    if verification.failed:
        return DIFFERENT
    return UNVOUCHED if verification.gaps else SAME


MARKS: Final = {True: "ok", False: "FAILED", None: "note"}


def _lines(verification: Verification) -> Sequence[str]:
    from aurora_wire.report.escape import show_text  # noqa: PLC0415

    lines: list[str] = []
    for check in verification.checks:
        lines.append(f"{MARKS[check.ok]:<7} {check.name}: {show_text(check.text)}")
        lines += [f"          {show_text(detail)}" for detail in check.details]
    lines.append(_closing(verification))
    return lines


def _closing(verification: Verification) -> str:
    from aurora_wire.report.escape import show_text  # noqa: PLC0415

    if verification.failed:
        return "NOT VERIFIED: " + ", ".join(verification.failed)
    if verification.gaps:
        return f"NOT VOUCHED FOR: nothing differs, but {show_text('; '.join(verification.gaps))}."
    signature = next((check for check in verification.checks if check.name == "signature"), None)
    if signature is not None and signature.ok:
        return "VERIFIED: it is as it was made, by the key given."
    return "VERIFIED, UNSIGNED: it agrees with itself; no key that you named says who made it."


def _json(verification: Verification) -> str:
    import json  # noqa: PLC0415

    def fields(check: Check) -> dict[str, object]:
        return {
            "check": check.name, "ok": check.ok, "text": check.text, "details": list(check.details),
            "gap": check.gap or None,
        }  # fmt: skip

    answer = {
        "schema": "aurora-wire/verification/1", "bundle": verification.path, "verified": verification.ok,
        "checks": [fields(check) for check in verification.checks],
    }  # fmt: skip
    return json.dumps(answer, indent=1, ensure_ascii=True) + "\n"


def _keygen(arguments: argparse.Namespace) -> int:
    from aurora_wire.evidence.signing import fingerprint, generate_keys, read_public_key  # noqa: PLC0415

    if not arguments.output:
        raise UsageError("-o: give the key a name.")
    private, public = generate_keys(arguments.output)
    with Output() as output:
        output.write(f"{private}: the private key. Keep it to yourself.\n")
        output.write(f"{public}: the public key, to be given to whoever checks. Its SHA-256 (as DER):\n")
        output.write(f"  {fingerprint(read_public_key(str(public)))}\n")
    return SAME
