"""What TLS a server offers: versions, suites in its order of preference, groups. One connection for each question.

A server answers a ClientHello with the one suite that it likes best; what it picked is left out of the next hello,
until it refuses. Each of these connections is broken off after the server's first flight, which a server may count as
a failed handshake of this host (`max_connect_errors`, 100 by default): `Dialer.limit` bounds them, and what was not
asked is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.posture.client_hello import CURVES_OF_12, GROUPS, SSL3, TLS10, TLS11, TLS12, TLS13, client_hello
from aurora_wire.posture.server_flight import ServerFlight
from aurora_wire.posture.session import OTHER, Opening, Session, Timeout
from aurora_wire.posture.target import Target
from aurora_wire.wire.tls.suite_strength import SIGNALS
from aurora_wire.wire.tls.suites import NAMES

VERSIONS: Final = (TLS13, TLS12, TLS11, TLS10, SSL3)
PROTOCOL_VERSION: Final = 70      # the alert of a server that does not speak the version
OF_13: Final = frozenset({*range(0x1301, 0x1308), 0xC0B4, 0xC0B5, 0xC103, 0xC104, 0xC105, 0xC106, 0x00C6, 0x00C7})
LONG_LIST: Final = 60             # suites in a hello that old libraries (yaSSL) take; longer lists they refuse

OFFERED: Final = "offered"
NOT_OFFERED: Final = "not offered"
NOT_ASKED: Final = "not asked"    # the bound on connections was reached before
NO_ANSWER: Final = "no answer"    # neither yes nor no: time was over


@dataclass(slots=True)
class VersionResult:
    """One version of TLS. suites: in the server's order if `own_order`, else in the order that was asked.

    complete: the server refused the rest; else there may be more suites. dh_bits: of the DHE suites, 0 none seen.
    """

    version: int
    status: str = NOT_ASKED
    suites: list[int] = field(default_factory=list)
    complete: bool = False
    own_order: bool | None = None
    dh_bits: int = 0


@dataclass(slots=True)
class TLSResult:
    """All versions, newest first; groups in the server's order; the chain as it was sent (DER, up to TLS 1.2)."""

    versions: list[VersionResult] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    groups_complete: bool = False
    certificates: list[bytes] = field(default_factory=list)
    connections: int = 0

    def version(self, number: int) -> VersionResult:
        return next(each for each in self.versions if each.version == number)


class LimitReached(Exception):  # noqa: N818 - no error: a bound
    """No more connections are made."""


class Dialer:
    """Makes connections to one address up to the point where a ClientHello is sent, and counts them."""

    def __init__(
        self, target: Target, address: str, seconds: float, limit: int, start: Callable[[Session], bool]
    ) -> None:
        self.target = target
        self.address = address
        self.seconds = seconds
        self.limit = limit
        self.count = 0
        self.greetings: dict[str, int] = {}  # how often by which version
        self._start = start

    def session(self) -> Session:
        """Connect, and go on to TLS. Raises LimitReached, OSError (also where the server no longer offers TLS)."""
        if self.count >= self.limit:
            raise LimitReached
        self.count += 1
        session = Session(self.target, self.address, self.seconds)
        try:
            goes_on = self._start(session)
        except BaseException:
            session.__exit__()
            raise
        finally:
            self.greetings[session.greeted_as] = self.greetings.get(session.greeted_as, 0) + 1
        if not goes_on:
            session.__exit__()
            raise OSError("the server did not go on to TLS")
        return session

    def ask(self, version: int, suites: Sequence[int], groups: Sequence[int]) -> ServerFlight:
        """Return the answer to one ClientHello. Raises as `session`."""
        with self.session() as session:
            return session.ask(client_hello(version, suites, groups, self.target.server_name))


def start_mysql(session: Session) -> bool:
    """Read the greeting, and request TLS."""
    opening: Opening = session.open()
    if opening.greeting is None:
        if opening.kind != OTHER and opening.text:
            raise OSError(f"the server answered with error {opening.code}")
        return False
    session.greeted_as = opening.greeting.server_version.decode("utf-8", "backslashreplace")
    session.request_tls()
    return True


def start_x(session: Session) -> bool:
    """Request TLS of an X Protocol server."""
    return session.request_tls_of_x()


def start_direct(_session: Session) -> bool:
    """Speak TLS from the first byte."""
    return True


def survey(dialer: Dialer) -> TLSResult:
    """Ask for all versions, suites and groups. What could not be asked is said in the result; nothing is raised."""
    result = TLSResult([VersionResult(version) for version in VERSIONS])
    try:
        for each in result.versions:
            _ask_version(dialer, each, result)
        _ask_groups(dialer, result)
    except LimitReached:
        pass
    except OSError:
        for each in result.versions:
            if each.status == NOT_ASKED:
                each.status = NO_ANSWER
    result.connections = dialer.count
    return result


def list_suites(version: int) -> list[int]:
    """Return all suites that the registry has for a version, the strong ones first: an order to ask in."""
    if version == TLS13:
        return [suite for suite in NAMES if suite in OF_13]
    return [suite for suite in NAMES if suite not in OF_13 and suite not in SIGNALS]


def _list_groups(version: int) -> Sequence[int]:
    return tuple(GROUPS) if version == TLS13 else CURVES_OF_12


def _ask_version(dialer: Dialer, result: VersionResult, whole: TLSResult) -> None:
    """Take suite after suite from the server, until it refuses what is left."""
    left = list_suites(result.version)
    groups = _list_groups(result.version)
    while left:
        flight = _ask_for_any(dialer, result, left, groups)
        if flight is None:
            return
        hello = flight.hello
        if hello is None or hello.version != result.version or hello.suite not in left:
            result.complete = True
            if not result.suites:
                result.status = NOT_OFFERED
            break
        result.status = OFFERED
        result.suites.append(hello.suite)
        result.dh_bits = min(result.dh_bits or flight.dh_bits, flight.dh_bits or result.dh_bits)
        left.remove(hello.suite)
        if not whole.certificates:
            whole.certificates = flight.certificates
    if len(result.suites) > 1:
        flight = dialer.ask(result.version, result.suites[::-1], groups)
        if flight.hello is not None:
            result.own_order = flight.hello.suite == result.suites[0]


def _ask_for_any(
    dialer: Dialer, result: VersionResult, left: list[int], groups: Sequence[int]
) -> ServerFlight | None:
    """Return the answer to a hello with all that is left; None where there was none in time.

    A refusal without a word about the version may be of the long list: then it is asked in parts, before it counts.
    """
    try:
        flight = dialer.ask(result.version, left, groups)
        refused = flight.hello is None
        if not refused or result.suites or flight.alert == PROTOCOL_VERSION or result.version == TLS13:
            return flight
        for at in range(0, len(left), LONG_LIST):
            part = dialer.ask(result.version, left[at : at + LONG_LIST], groups)
            if part.hello is not None:
                return part
            if part.alert == PROTOCOL_VERSION:
                break
    except Timeout:
        result.status = OFFERED if result.suites else NO_ANSWER
        return None
    return flight


def _ask_groups(dialer: Dialer, result: TLSResult) -> None:
    """Take group after group, by the newest version that is offered and has any."""
    for version in (TLS13, TLS12):
        each = result.version(version)
        if each.status != OFFERED:
            continue
        suites = [suite for suite in each.suites if version == TLS13 or "ECDHE" in NAMES.get(suite, "")]
        left = list(_list_groups(version))
        while suites and left:
            flight = dialer.ask(version, suites, left)
            if flight.hello is None or flight.hello.version != version or flight.group not in left:
                break
            result.groups.append(flight.group)
            left.remove(flight.group)
        result.groups_complete = bool(suites)
        return
