"""A name for a finding that it has in every run: rule and server, and the certificate's or channel's own part not.

How many suites or accounts there are changes from day to day, that there are some does not: trackers of findings are
told of one alert for each rule and server.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.report.posture.servers import ServerRow

FINGERPRINT: Final = "aurora-wire/posture-finding/1"


def fingerprint(row: ServerRow, finding: PostureFinding) -> str:
    """Return 32 hexadecimal digits, the same for the same finding at the same server tomorrow."""
    name = json.dumps([FINGERPRINT, finding.rule, row.uri])
    return hashlib.sha256(name.encode("ascii")).hexdigest()[:32]
