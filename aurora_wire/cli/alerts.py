"""Alerts of a running `watch`: one for each client, user and server whose sessions are in the clear.

The main thread asks and is answered at once; a thread of its own delivers, one after another. Nothing here waits,
but for `finish`. What could not be delivered is told and tried again; only what was delivered is remembered.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Final

from aurora_wire.analysis.watch import ConnectionStatus
from aurora_wire.cli.alert_state import AlertState, Leak
from aurora_wire.cli.alert_ways import SECONDS, Way
from aurora_wire.errors import OutputError
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_text import Fields
from aurora_wire.report.live.lines import standing_fields
from aurora_wire.report.wording import LEAKS, count, endpoint, judged
from aurora_wire.verdict.exceptions import KnownFinding
from aurora_wire.verdict.rules.leaks import SQL_IN_CLEAR

SCHEMA: Final = "aurora-wire/alert/1"
BURST: Final = 10           # alerts at once; then
INTERVAL: Final = 6.0       # seconds until there may be one more
RETRY: Final = 60.0         # seconds until what failed is tried again
MOST_WAITING: Final = 1_000  # more of them are forgotten, until they are seen again
LONGEST_USER: Final = 200   # characters


class Alerts:
    """`seen` for each standing of a connection, `tick` now and then, `finish` once. now: seconds of a steady clock.

    known: of clients for whom it has SQL in the clear (AW101) nothing is told until that day.
    """

    def __init__(
        self, way: Way, state: AlertState, say: Callable[[str], None], *, interface: str = "", seconds: float = SECONDS,
        known: Sequence[KnownFinding] = (), today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:  # fmt: skip
        self.sent = self.failed = self.held_back = self.known = 0
        self._known, self._today = known, today
        self._way, self._state, self._say = way, state, say
        self._interface, self._seconds = interface, seconds
        self._allowed = float(BURST)
        self._then: float | None = None
        self._waiting: dict[Leak, tuple[bytes, str]] = {}   # what is to be sent, and when it was seen
        self._under_way: dict[Leak, str] = {}
        self._not_before: dict[Leak, float] = {}            # of what failed
        self._asked: queue.SimpleQueue[tuple[Leak, bytes] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Leak, str | None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._state_failed = False

    def begin(self) -> None:
        """Write the state once. Raises OutputError: what cannot be kept is known before anything is told."""
        self._state.save()

    def seen(self, standing: ConnectionStatus, now: float) -> None:
        """Take a connection's standing; there is an alert if it is in the clear, and of a leak that was not told."""
        if standing.verdict not in LEAKS:
            return
        leak = Leak(
            standing.client.address, (standing.user or "")[:LONGEST_USER], standing.server.address,
            standing.server.port,
        )  # fmt: skip
        if leak in self._state.told or leak in self._waiting or leak in self._under_way:
            return
        if self._not_before.get(leak, now) > now:
            return
        today = self._today()
        if any(one.is_for(SQL_IN_CLEAR, leak.client) and one.until >= today for one in self._known):
            self.known += 1
            return
        if len(self._waiting) >= MOST_WAITING:
            self.held_back += 1
            return
        fields = alert_fields(standing, self._interface)
        self._waiting[leak] = (json.dumps(fields).encode("ascii"), str(fields["time"] or ""))

    def tick(self, now: float) -> None:
        """Send what may be sent by now, and remember what was delivered."""
        passed = 0.0 if self._then is None else now - self._then
        self._then = now
        self._allowed = min(float(BURST), self._allowed + passed / INTERVAL)
        self._take_answers(now)
        while self._waiting and self._allowed >= 1 and len(self._under_way) < BURST:
            self._allowed -= 1
            leak = next(iter(self._waiting))
            body, when = self._waiting.pop(leak)
            self._under_way[leak] = when
            self._asked.put((leak, body))
            if self._thread is None:  # not before there is an alert, and after rights were given up
                self._thread = threading.Thread(target=self._deliver, name="alerts", daemon=True)
                self._thread.start()
        self.save()

    def _deliver(self) -> None:
        while (asked := self._asked.get()) is not None:
            leak, body = asked
            self._answers.put((leak, self._way(body)))

    def _take_answers(self, now: float) -> None:
        while not self._answers.empty():
            leak, failure = self._answers.get()
            when = self._under_way.pop(leak)
            if failure is None:
                self.sent += 1
                self._not_before.pop(leak, None)
                self._state.add(leak, when)
                continue
            self.failed += 1
            if len(self._not_before) >= MOST_WAITING:
                del self._not_before[next(iter(self._not_before))]
            self._not_before[leak] = now + RETRY
            self._say(f"alert about {leak.user or '-'}@{leak.client} was not delivered: {failure}.")

    def save(self) -> None:
        """Write the state, if there is news; a failure is told once."""
        try:
            self._state.save()
        except OutputError as error:
            if not self._state_failed:
                self._say(str(error))
            self._state_failed = True

    def finish(self, now: float) -> None:
        """Wait for what is under way, as long as one alert may take, and tell what was not sent."""
        self._asked.put(None)
        if self._thread is not None:
            self._thread.join(self._seconds)
        self._take_answers(now)
        self.save()
        self._state.close()
        left = len(self._waiting) + len(self._under_way)
        if left:
            self._say(f"{count(left, 'alert')} could not be sent any more; what they are about is told next time.")


def alert_fields(standing: ConnectionStatus, interface: str) -> Fields:
    """Return an alert: who talks to whom in the clear. No statement and no value of the traffic is in it."""
    who = f"{show_text((standing.user or '-')[:LONGEST_USER])}@{show_text(standing.client.address)}"
    verdict = judged(standing.verdict, standing.confidence)
    fields = standing_fields(standing)
    if standing.user is not None:
        fields["user"] = standing.user[:LONGEST_USER]
    text = f"MySQL in the clear: {who} to {endpoint(standing.server)}, {verdict}"
    return {"schema": SCHEMA, "text": text, "interface": interface, **fields}
