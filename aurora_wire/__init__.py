"""Did this MySQL traffic cross the network in the clear? `scan` answers for captures, `Engine` for live frames."""

from typing import TYPE_CHECKING

from aurora_wire._build import check_build, compiled
from aurora_wire._version import VERSION
from aurora_wire.errors import AuroraWireError, CaptureError, OutputError, UsageError

if TYPE_CHECKING:
    from aurora_wire.analysis.scan import scan
    from aurora_wire.verdict.result import Scan
    from aurora_wire.wire.flows.engine import Engine

check_build()

__version__ = VERSION

__all__ = [
    "AuroraWireError",
    "CaptureError",
    "Engine",
    "OutputError",
    "Scan",
    "UsageError",
    "__version__",
    "compiled",
    "scan",
]

_HOMES = {"Engine": "wire.flows.engine", "Scan": "verdict.result", "scan": "analysis.scan"}


def __getattr__(name: str) -> object:
    """Load the analyzer when it is first asked for: `aurora-wire --help` does without."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
