"""Scan captures, and print an alert for each severe finding, as JSON lines.

    python examples/scan_to_alerts.py captures/article-1-mysql-client-plaintext.pcap

The exit code is the one of `aurora-wire scan`: 0 only where all that crossed was encrypted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import aurora_wire

SEVERE = ("critical", "high")


def alerts(scan: aurora_wire.Scan) -> Iterator[dict[str, object]]:
    """Yield an alert for each finding that is severe, with who talked to whom."""
    connections = {one.id: one for one in scan.connections}
    for finding in scan.findings:
        if finding.severity not in SEVERE:
            continue
        connection = connections.get(finding.connection or 0)  # None: the finding is about a capture
        yield {
            "rule": finding.rule,
            "severity": finding.severity,
            "title": finding.title,
            "detail": finding.detail,
            "frame": finding.frame,
            "client": connection and connection.client.address,
            "server": connection and connection.server.address,
            "user": connection and connection.user,
            "fix": aurora_wire.RULES[finding.rule].fix,
        }


def main(paths: list[str]) -> int:
    try:
        scan = aurora_wire.scan(paths)
    except aurora_wire.AuroraWireError as error:  # its text is one line for people
        print(error, file=sys.stderr)
        return error.exit_code
    for alert in alerts(scan):
        print(json.dumps(alert))
    return scan.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
