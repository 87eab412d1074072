"""What a key log brought, as a result shows it."""

from __future__ import annotations

from aurora_wire.immutable import record


@record
class KeyLogResult:
    """What a key log brought, a file or what a pcapng holds. Never a secret itself."""

    path: str                       # as it was given; of a pcapng, the capture's
    secrets: int = 0                # that it added
    unused: int = 0                 # lines of labels that decrypt no records
    ignored: int = 0                # lines that are no key log's
    left_out: int = 0               # lines beyond our bounds
