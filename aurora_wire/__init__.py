"""Did this MySQL traffic cross the network in the clear? `scan` answers for captures, `Engine` for live frames.

Everything public is imported from here; docs/api.md describes each name. All modules below are private: their names
and contents may change in any version.
"""

from typing import TYPE_CHECKING

from aurora_wire._build import check_build, compiled
from aurora_wire._version import VERSION
from aurora_wire.errors import AuroraWireError, CaptureError, OutputError, UsageError

if TYPE_CHECKING:
    from aurora_wire.analysis.analysis import Analysis
    from aurora_wire.analysis.options import ScanOptions
    from aurora_wire.analysis.packets import PacketView, packets
    from aurora_wire.analysis.scan import scan
    from aurora_wire.capture.relay.recording import RelayRecording
    from aurora_wire.capture.relay.server import Relay
    from aurora_wire.decrypt.key_log import KeyLog
    from aurora_wire.decrypt.key_log_result import KeyLogResult
    from aurora_wire.prove.drivers.driver import (
        Ability,
        Client,
        ErrorKind,
        Failure,
        Found,
        Mode,
        Outcome,
        Task,
    )
    from aurora_wire.prove.drivers.process import Command, Finished
    from aurora_wire.prove.drivers.program import ProgramClient, task_json
    from aurora_wire.report.formats import Format, ReportOptions, ReportStream, render, write_table
    from aurora_wire.verdict.describe import describe
    from aurora_wire.verdict.result import (
        CaptureResult,
        ConnectionResult,
        Coverage,
        CredentialResult,
        DecryptionResult,
        Endpoint,
        FileResult,
        Finding,
        LeakedClass,
        LeakedData,
        LeakedValue,
        Parameter,
        ProxyResult,
        Reason,
        RefusalResult,
        Scan,
        StatementGroup,
        StatementResult,
        TLSResult,
        Undecoded,
        XResult,
    )
    from aurora_wire.verdict.rules.registry import RULES
    from aurora_wire.verdict.rules.rule import Rule
    from aurora_wire.verdict.stream_result import CloneResult, ReplicationResult, TableResult
    from aurora_wire.wire.flows.engine import Engine

check_build()

__version__ = VERSION

# The façade lies above all rooms: it may name any of them, and no room imports it (an import contract says so). Each
# home is loaded when one of its names is first asked for: `aurora-wire --help` does without the analyzer. The imports
# above say the same to type checkers and to the contracts; a test holds the two lists against each other.
_NAMES_BY_HOME = {
    "aurora_wire.analysis.packets": ("PacketView", "packets"),
    "aurora_wire.analysis.analysis": ("Analysis",),
    "aurora_wire.analysis.options": ("ScanOptions",),
    "aurora_wire.analysis.scan": ("scan",),
    "aurora_wire.capture.relay.recording": ("RelayRecording",),
    "aurora_wire.capture.relay.server": ("Relay",),
    "aurora_wire.decrypt.key_log": ("KeyLog",),
    "aurora_wire.decrypt.key_log_result": ("KeyLogResult",),
    "aurora_wire.prove.drivers.driver": (
        "Ability", "Client", "ErrorKind", "Failure", "Found", "Mode", "Outcome", "Task",
    ),
    "aurora_wire.prove.drivers.process": ("Command", "Finished"),
    "aurora_wire.prove.drivers.program": ("ProgramClient", "task_json"),
    "aurora_wire.report.formats": ("Format", "ReportOptions", "ReportStream", "render", "write_table"),
    "aurora_wire.verdict.describe": ("describe",),
    "aurora_wire.verdict.result": (
        "CaptureResult", "ConnectionResult", "Coverage", "CredentialResult", "DecryptionResult", "Endpoint",
        "FileResult", "Finding", "LeakedClass", "LeakedData", "LeakedValue", "Parameter", "ProxyResult", "Reason",
        "RefusalResult", "Scan", "StatementGroup", "StatementResult", "TLSResult", "Undecoded", "XResult",
    ),
    "aurora_wire.verdict.rules.registry": ("RULES",),
    "aurora_wire.verdict.rules.rule": ("Rule",),
    "aurora_wire.verdict.stream_result": ("CloneResult", "ReplicationResult", "TableResult"),
    "aurora_wire.wire.flows.engine": ("Engine",),
}  # fmt: skip
_HOMES = {name: home for home, names in _NAMES_BY_HOME.items() for name in names}

__all__ = [
    "RULES",
    "Ability",
    "Analysis",
    "AuroraWireError",
    "CaptureError",
    "CaptureResult",
    "Client",
    "CloneResult",
    "Command",
    "ConnectionResult",
    "Coverage",
    "CredentialResult",
    "DecryptionResult",
    "Endpoint",
    "Engine",
    "ErrorKind",
    "Failure",
    "FileResult",
    "Finding",
    "Finished",
    "Format",
    "Found",
    "KeyLog",
    "KeyLogResult",
    "LeakedClass",
    "LeakedData",
    "LeakedValue",
    "Mode",
    "Outcome",
    "OutputError",
    "PacketView",
    "Parameter",
    "ProgramClient",
    "ProxyResult",
    "Reason",
    "RefusalResult",
    "Relay",
    "RelayRecording",
    "ReplicationResult",
    "ReportOptions",
    "ReportStream",
    "Rule",
    "Scan",
    "ScanOptions",
    "StatementGroup",
    "StatementResult",
    "TLSResult",
    "TableResult",
    "Task",
    "Undecoded",
    "UsageError",
    "XResult",
    "__version__",
    "compiled",
    "describe",
    "packets",
    "render",
    "scan",
    "task_json",
    "write_table",
]


def __getattr__(name: str) -> object:
    """Load the module that defines a public name, and return what it defines. Raises AttributeError."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not at start-up

    value: object = getattr(import_module(home), name)
    globals()[name] = value  # the next look-up finds it at once
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
