"""Which form of the core runs, and whether it is the one that the sources say."""

import os
import sys

from aurora_wire.errors import AuroraWireError

PACKAGE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(PACKAGE)
CORE = (  # what setup.py compiles besides wire/
    "binary.py", "analysis/pump.py", "capture/live/ring_frames.py", "capture/files/pcap.py",
    "capture/files/pcapng.py", "capture/files/pcapng_options.py", "capture/files/pcapng_packets.py",
    "capture/frame_source.py", "redact/quick_sql.py", "redact/keyed_hash.py", "redact/replacements.py",
    "redact/conversation.py", "redact/packet_mask.py", "redact/mysql_client.py", "capture/text_dump/source.py",
    "redact/mysql_server.py", "redact/direction.py", "redact/x_messages.py", "redact/held_frames.py",
    "redact/headers.py", "redact/proxy_header.py", "redact/block_notes.py", "redact/copier.py", "redact/secrets.py",
    "report/json_fields.py", "report/json_statements.py", "report/timestamps.py", "verdict/answers.py",
    "verdict/describe.py", "verdict/grounds.py", "verdict/rules/capture.py", "verdict/rules/certificates.py",
    "verdict/rules/checks.py", "verdict/rules/credentials.py", "verdict/rules/data.py", "verdict/rules/hit.py",
    "verdict/rules/leaks.py", "verdict/rules/negotiation.py",
    "verdict/rules/replication.py", "verdict/rules/tcp.py", "verdict/rules/tls.py",
    "verdict/handshake.py", "verdict/hello_fingerprints.py", "verdict/judge.py", "verdict/leaked.py",
    "verdict/plausible.py", "verdict/shared_words.py", "verdict/tls_details.py",
)  # fmt: skip


def compiled() -> bool:
    """Return whether the core runs as machine code (mypyc), not interpreted."""
    from aurora_wire import binary as reads  # noqa: PLC0415

    return not str(reads.__file__).endswith(".py")


def check_build() -> None:
    """Refuse to start if an edited file lies beside its compiled one, in a checkout: it would silently run old code.

    Raises ImportError; the command ends with one line and the exit code of what cannot be run. An installed package is
    not asked: its files are written in no certain order.
    """
    if not os.path.exists(os.path.join(CHECKOUT, "pyproject.toml")):
        return
    built = [name for name in os.listdir(CHECKOUT) if name.startswith("aurora_wire__mypyc.") and name.endswith(".so")]
    if not built:
        return
    made = os.stat(os.path.join(CHECKOUT, built[0])).st_mtime
    sources = [os.path.join(PACKAGE, name) for name in CORE]
    for folder, _, names in os.walk(os.path.join(PACKAGE, "wire")):
        sources += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".py")]
    for source in sources:
        if not source.endswith("__init__.py") and os.stat(source).st_mtime > made:
            reason = (
                f"{source} is newer than the compiled core beside it. Run `make build`, or delete the .so files "
                "to run interpreted."
            )
            if _is_command():
                sys.stderr.write(f"aurora-wire: {reason}\n")
                raise SystemExit(AuroraWireError.exit_code)
            raise ImportError(reason)


def _is_command() -> bool:
    """Return whether the package is imported to run the command: nothing of the command itself was loaded before."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    if name == "-m":   # until the module is found that is to be run
        return "aurora_wire" in sys.orig_argv
    return os.path.splitext(name)[0] == "aurora-wire"
