"""A run of usual records is taken at once: what is said of them is what is said of each that comes in pieces."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.verdict.result import ConnectionResult
from tests.conversations import play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import Step, inserted, tls12, tls13

SESSIONS: dict[str, Callable[[], list[Step]]] = {"TLS 1.3": tls13, "TLS 1.2": tls12}
USUAL = (25, 26, 40, 41, 300, 1400)
ODD = {
    "none": b"",
    "shorter than any": tls.record(tls.DATA, b"\x80" * 15),
    "an alert's size": tls.record(tls.DATA, tls.noise("alert", 19)),
    "empty": tls.record(tls.DATA, b""),
    "of another version": tls.record(tls.DATA, tls.noise("version", 60), tls.TLS11),
    "an alert": tls.record(tls.ALERT, tls.noise("alert", 26)),
    "a heartbeat": tls.record(tls.HEARTBEAT, tls.noise("heart", 60)),
    "longer than TLS 1.3 allows": tls.record(tls.DATA, tls.noise("long", 17000)),
    "readable": tls.record(tls.DATA, b"All of this can be read by whoever sees it pass, from the first byte."),
}


def told(result: ConnectionResult) -> tuple[object, ...]:
    """All that does not tell in which frame something was."""
    reasons = sorted((reason.id, reason.offset) for reason in result.reasons)
    tls_said = result.tls
    assert tls_said is not None
    counts = {name: value for name, value in dataclasses.asdict(tls_said).items() if "frame" not in name}
    return result.verdict, result.confidence, result.client_coverage, result.server_coverage, reasons, counts


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("sender", ["client", "server"])
@pytest.mark.parametrize("odd", ODD)
def test_a_run_of_records_says_what_each_alone_does(session: str, sender: str, odd: str, tmp_path: Path) -> None:
    rng = random.Random(f"{session} {sender} {odd}")
    many = [tls.record(tls.DATA, rng.randbytes(rng.choice(USUAL))) for _ in range(12)]
    run = b"".join([*many[:6], ODD[odd], *many[6:]])
    steps = inserted(SESSIONS[session](), f"{sender}-data-2", Step("run", sender, run))  # type: ignore[arg-type]
    at_once = scan_of(tmp_path, play(steps, sizes=40_000))
    alone = scan_of(tmp_path, play(steps, sizes=5))
    assert told(at_once.connections[0]) == told(alone.connections[0]), explain(at_once)
