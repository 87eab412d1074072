"""What makes `watch` a sensor that runs for months: metrics, alerts, and what was alerted about kept over restarts."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.exceptions import read_known
from aurora_wire.cli.output import complain
from aurora_wire.errors import UsageError
from aurora_wire.report.wording import LEAKS
from aurora_wire.verdict.result import ConnectionResult, Finding

if TYPE_CHECKING:
    from aurora_wire.analysis.watch import ConnectionStatus, Watch
    from aurora_wire.rights.privileges import Account

OPTIONS: Final = ("metrics", "alert", "state")


def add_sensor_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("for a sensor that runs all the time")
    add = group.add_argument
    add("--metrics", metavar="HOST:PORT", type=_place,
        help="Answer Prometheus here, such as 127.0.0.1:9306. Needs: pip install 'aurora_wire[sensor]'.")
    add("--alert", metavar="COMMAND|URL",
        help="Once for each client, user and server that are seen in the clear: start this command with the alert as "
        "JSON on its standard input (without a shell, never as root), or post it to this address. It holds no "
        "statement. Ten at once, then one every 6 s; each may take 10 s.")
    add("--state", metavar="FILE",
        help="With --alert: keep in this file what was told, so that it is not told again after a restart.")


def _place(text: str) -> tuple[str, int]:
    from aurora_wire.cli.relay import place  # noqa: PLC0415 - another command's module

    return place(text)


def sensor_for(arguments: argparse.Namespace, account: Account | None, interface: str) -> Sensor | None:
    """Return the sensor that was asked for. To be called while root's rights are still there; raises UsageError."""
    if arguments.state and not arguments.alert:
        raise UsageError("--state keeps what --alert told: give both.")
    if not any(getattr(arguments, name) is not None for name in OPTIONS):
        return None
    return Sensor(arguments, account, interface)


class Sensor:
    """Is told how connections stand and end. Made before rights are given up, started after, finished once."""

    def __init__(self, arguments: argparse.Namespace, account: Account | None, interface: str) -> None:
        from aurora_wire.cli.alert_state import AlertState  # noqa: PLC0415 - only where it is asked for
        from aurora_wire.cli.alert_ways import way_to  # noqa: PLC0415
        from aurora_wire.cli.alerts import Alerts  # noqa: PLC0415
        from aurora_wire.cli.metrics import Metrics  # noqa: PLC0415

        self._leaking: set[int] = set()
        self._ended: Counter[str] = Counter()
        self._counts = dict.fromkeys(
            ("packets", "bytes", "dropped", "open", "in_clear", "clear_bytes", "sent", "failed", "held_back"), 0
        )
        self._alerts: Alerts | None = None
        if arguments.alert is not None:
            way = way_to(arguments.alert, environment_for(account))
            known = read_known(arguments)
            self._alerts = Alerts(way, AlertState(arguments.state), complain, interface=interface, known=known)
        self.metrics = None
        if arguments.metrics is not None:
            self.metrics = Metrics(arguments.metrics, lambda: self._counts, self._ended)

    def start(self) -> None:
        """Begin to answer. Raises OutputError where the state cannot be written."""
        if self._alerts is not None:
            self._alerts.begin()
        if self.metrics is not None:
            self.metrics.start()

    def connection(self, result: ConnectionResult, findings: list[Finding]) -> None:  # noqa: ARG002
        """Take a connection that ended."""
        self._ended[result.verdict] += 1
        self._counts["clear_bytes"] += result.client_coverage.plaintext + result.server_coverage.plaintext

    def standing(self, standing: ConnectionStatus, now: float) -> None:
        """Take a connection as far as it has come."""
        if standing.closed or standing.verdict not in LEAKS:
            self._leaking.discard(standing.id)
        else:
            self._leaking.add(standing.id)
        if self._alerts is not None:
            self._alerts.seen(standing, now)

    def tick(self, watch: Watch, now: float) -> None:
        """Send what is to be sent, and count."""
        self._leaking &= watch.standings.keys()
        counts = self._counts
        counts["packets"], counts["bytes"] = watch.frames, watch.wire_bytes
        counts["dropped"] = watch.capture.statistics().dropped
        counts["open"], counts["in_clear"] = len(watch.standings), len(self._leaking)
        if self._alerts is not None:
            self._alerts.tick(now)
            counts["sent"], counts["failed"] = self._alerts.sent, self._alerts.failed
            counts["held_back"] = self._alerts.held_back

    def finish(self, now: float) -> None:
        if self._alerts is not None:
            self._alerts.finish(now)
        if self.metrics is not None:
            self.metrics.close()


def environment_for(account: Account | None) -> dict[str, str]:
    """Return the environment of the command: through root, nothing that makes it load the code of others."""
    from aurora_wire.prove.drivers.environments import find_home  # noqa: PLC0415 - only where it is asked for
    from aurora_wire.prove.drivers.programs import without_foreign_code  # noqa: PLC0415

    environment = without_foreign_code(dict(os.environ))
    return environment if account is None else environment | {"HOME": find_home(account.uid)}
