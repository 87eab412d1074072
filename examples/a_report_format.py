"""A report format of your own: one line for a chat, with the servers that need somebody to look.

    python examples/a_report_format.py captures/mariadb

In a package of yours, this in its pyproject.toml makes it `aurora-wire scan --format chat`:

    [project.entry-points."aurora_wire.formats"]
    chat = "a_report_format:CHAT"
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import aurora_wire


def render(scan: aurora_wire.Scan, *, redact: bool) -> Iterator[str]:
    """Yield the report in pieces. redact: as asked for; here, whether addresses are shown."""
    yield f"{scan.verdict.upper()}: {scan.closing}"
    leaking = Counter(
        one.server.address for one in scan.connections if one.verdict in ("plaintext", "mixed")
    )
    for server, count in leaking.most_common(3):
        yield f" | {'a server' if redact else server}: {count} in the clear"
    yield "\n"


CHAT = aurora_wire.Format("chat", "one line for a chat", "a_report_format:render", takes=("redact",))


if __name__ == "__main__":
    result = aurora_wire.scan(sys.argv[1:])
    for piece in CHAT.render(result, aurora_wire.ReportOptions()):
        print(piece, end="")
