"""The commands, one line each. A command's module is imported when it is called, and no sooner.

It has `DESCRIPTION`, `EXAMPLES` (two), `add_arguments(parser)` and `run(arguments) -> int`, the exit code.
"""

from typing import Final

COMMANDS: Final = {  # name: module, and what it does in one line
    "scan": ("aurora_wire.cli.scan", "Judge captures: which connections crossed in the clear, with proof."),
    "watch": ("aurora_wire.cli.watch", "Capture live: which connections cross in the clear, as it happens."),
    "relay": ("aurora_wire.cli.relay", "Carry connections and judge them, where nobody may capture."),
    "prove": ("aurora_wire.cli.prove", "Let real clients write to a server, and prove what crossed the wire."),
    "demo": ("aurora_wire.cli.demo", "Show the whole proof in a few seconds, with a server of its own."),
    "report": ("aurora_wire.cli.report", "Make one HTML file to look at and to hand over."),
    "packets": ("aurora_wire.cli.packets", "List packets as tcpdump does, each with what is in it."),
    "evidence": ("aurora_wire.cli.evidence", "Make an evidence bundle of captures, or check one."),
    "redact": ("aurora_wire.cli.redact", "Write a capture that can be handed on: what crossed in the clear is masked."),
    "compare": ("aurora_wire.cli.compare", "Compare two runs: did the fix work?"),
    "impact": ("aurora_wire.cli.impact", "List who would break if the server asked for TLS of everybody."),
    "check": ("aurora_wire.cli.check", "Probe, audit and captures of one server, held against each other."),
    "probe": ("aurora_wire.cli.probe", "Ask servers what TLS they offer, without an account."),
    "audit": ("aurora_wire.cli.audit", "Log in and say what a server allows: settings, accounts, who is connected."),
    "fleet": ("aurora_wire.cli.fleet", "List what Amazon's settings promise for RDS, Aurora and RDS Proxy."),
    "fix": ("aurora_wire.cli.fix", "Print what to paste into servers and clients, so that sessions are encrypted."),
    "clients": ("aurora_wire.cli.clients", "Print the client programs that can be driven, and what each can do."),
    "doctor": ("aurora_wire.cli.doctor", "Say what is missing on this machine, and the command that gets it."),
    "completion": ("aurora_wire.cli.completion", "Print what makes a shell complete commands, options and files."),
    "rules": ("aurora_wire.cli.rules", "Print what can be found, why it matters and how to fix it."),
}
