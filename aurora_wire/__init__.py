"""Did this MySQL traffic cross the network in the clear? `scan` answers for captures, `Engine` for live frames."""

from aurora_wire._build import check_build, compiled

check_build()

from aurora_wire.analysis import scan  # noqa: E402
from aurora_wire.errors import AuroraWireError, CaptureError, OutputError, UsageError  # noqa: E402
from aurora_wire.verdict.result import Scan  # noqa: E402
from aurora_wire.version import VERSION  # noqa: E402
from aurora_wire.wire.engine import Engine  # noqa: E402

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
