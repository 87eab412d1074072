"""Which connections and frames an analysis is to look at: by host, user, time, verdict, or a filter of tcpdump's.

What is left out is counted, and takes no part in any verdict: the verdict of the whole is one of what was let through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import UsageError
from aurora_wire.immutable import field, record
from aurora_wire.verdict.parties import Parties
from aurora_wire.verdict.result import UNDATED_BEFORE_NS, ConnectionResult, Verdict

if TYPE_CHECKING:
    from aurora_wire.capture.files.frame_filter import FrameFilter

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
LEAKS: Final = frozenset(("plaintext", "mixed"))

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@record
class Selection:
    """What is let through. All that is given has to hold; of several of a kind, one.

    hosts: networks, one of which client or server is in; users: of a login that can be seen; since_ns, until_ns: times,
    since 1970 or, below a day, of every day (UTC): a connection counts that had a frame between them; verdicts: of
    connections; frames: of frames. text: what was given, by name, as people gave it.
    """

    hosts: Sequence[Network] = ()
    users: Sequence[str] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    verdicts: frozenset[Verdict] = frozenset()
    frames: FrameFilter | None = None
    text: dict[str, str] = field(default_factory=dict)
    left_out: int = 0           # connections

    def wants(self, c: ConnectionResult) -> bool:
        """Say whether a connection that was judged is let through; count it where it is not."""
        inside = None if c.tls is None else c.tls.decrypted
        wanted = (
            (not self.verdicts or c.verdict in self.verdicts)
            and (not self.hosts or self.has_host(c.client.address, c.server.address))
            and (not self.users or c.user in self.users or (inside is not None and inside.user in self.users))
            and self.is_between(c.first_time_ns, c.last_time_ns)
        )
        if not wanted:
            self.left_out += 1
        return wanted

    def wants_open(self, parties: Parties, verdict: Verdict | None, time_ns: int | None) -> bool:
        """Say the same of a connection as far as it has come. verdict: None where that is not to count yet."""
        return (
            (not self.verdicts or verdict is None or verdict in self.verdicts)
            and (not self.hosts or self.has_host(parties.client.address, parties.server.address))
            and (not self.users or parties.user in self.users)
            and self.is_between(time_ns, time_ns)
        )

    def wants_statement(self, parties: Parties | None, time_ns: int | None) -> bool:
        """Say whether a statement in the clear may be told before its connection is judged."""
        if self.verdicts and not self.verdicts & LEAKS:
            return False
        return parties is not None and self.wants_open(parties, None, time_ns)

    def has_host(self, *addresses: str) -> bool:
        """Say whether one of these addresses is of the hosts that are let through. Raises ValueError."""
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            if any(one in network for network in self.hosts for one in (address, mapped) if one is not None):
                return True
        return False

    def is_between(self, first_ns: int | None, last_ns: int | None) -> bool:
        """Say whether frames from one time to another are let through; those without are not, if times count."""
        if self.since_ns is None and self.until_ns is None:
            return True
        if first_ns is None or last_ns is None or first_ns < 0:
            return False
        return _reaches(last_ns, self.since_ns, first_ns, after=True) and _reaches(
            first_ns, self.until_ns, last_ns, after=False
        )

    def describe(self) -> str:
        """Return the options, as they were given: `--user app --leaks`."""
        return " ".join(f"--{name} {value}".rstrip() for name, value in self.text.items())

    def closing(self, sentence: str) -> str:
        """Return the closing sentence of what was let through."""
        left = f"{self.left_out:,} MySQL {'connection' if self.left_out == 1 else 'connections'}"
        if self.frames is not None:
            left += f" and {self.frames.left_out:,} {'packet' if self.frames.left_out == 1 else 'packets'}"
        return f"Of what {self.describe()} lets through ({left} left out): {sentence}"


def _reaches(time_ns: int, bound_ns: int | None, other_ns: int, *, after: bool) -> bool:
    """Say whether a time is at the bound or after it (before it). other_ns: the other end of the connection.

    A bound of every day holds for a dated time by its time of day; a connection over midnight reaches both.
    """
    if bound_ns is None:
        return True
    if bound_ns < DAY and time_ns >= UNDATED_BEFORE_NS:
        if time_ns // DAY != other_ns // DAY:
            return True
        time_ns %= DAY
    return time_ns >= bound_ns if after else time_ns <= bound_ns


def read_network(text: str) -> Network:
    """Parse `10.0.0.5`, `10.0.0.0/8`, `2001:db8::/32`. Raises ValueError."""
    return ipaddress.ip_network(text.strip("[]"), strict=False)


def read_time(text: str) -> int:
    """Parse `2021-03-17T09:00`, with a zone or in UTC, or `09:00[:01]` of every day; answers ns. Raises ValueError."""
    if "-" not in text and ":" in text:
        of_day = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")
        return (of_day.hour * 3600 + of_day.minute * 60 + of_day.second) * SECOND
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    if since.days < 1:
        raise ValueError(text)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


def check_order(since_ns: int | None, until_ns: int | None) -> None:
    """Raise UsageError where nothing can be between the two."""
    if since_ns is not None and until_ns is not None and since_ns > until_ns:
        raise UsageError("--since is after --until: nothing is between them.")
