"""What the session of a protocol with a folder of its own says to a verdict: a row each, by the name that
wire/identify/protocols.py has.

Whatever its decoder notes in the facts of MySQL (a login, statements, TLS) counts as MySQL's does, without a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from aurora_wire.verdict.result import Reason
from aurora_wire.wire.decoding.protocol import Session
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysqlx.facts import as_x


class Judged:
    """A row. leak: what its session counts as leaks (`Session.leak`), in words.

    before_tls: checks condition 1, what has to stand before TLS, and yields why it is not met; without it TLS is never
    proven. began: whether a session was seen from its opening on, where no SYN says so.
    """

    def __init__(
        self, leak: str = "", before_tls: Callable[[Facts], Iterator[Reason]] | None = None,
        began: Callable[[Session], bool] | None = None,
    ) -> None:  # fmt: skip
        self.leak = leak
        self.before_tls = before_tls
        self.began = began


def _before_tls_in_x(facts: Facts) -> Iterator[Reason]:
    """Check that TLS was asked for and agreed to, after nothing but capabilities.

    CapabilitiesSet and the server's Ok stand in place of greeting and SSLRequest; whatever else came before TLS is a
    leak.
    """
    session = as_x(facts.decoded)
    if session is None or session.tls_asked_frame < 0:
        yield Reason("no-ssl-request", "no request for TLS (CapabilitiesSet) was captured before TLS")
    elif session.client_first != facts.client_header or facts.client_start == 0:
        yield Reason(
            "mid-stream", "whether the client sent bytes before its capabilities was not captured",
            int(session.tls_asked_frame), "client", 0,
        )  # fmt: skip
    if session is None or session.tls_agreed_frame < 0:
        yield Reason("no-greeting", "the server's Ok to TLS was not captured")
    elif session.server_first != 0:
        words_for = "bytes of the server came before its first message"
        yield Reason("mid-stream", words_for, int(session.tls_agreed_frame), "server", 0)


def _x_began(session: Session) -> bool:
    """Return whether a session of X Protocol was seen from its opening on."""
    x = as_x(session)
    return x is not None and x.server_first == 0 and x.tls_offered >= 0


JUDGED: Final = {
    "X Protocol": Judged(before_tls=_before_tls_in_x, began=_x_began),
}
WITHOUT: Final = Judged("messages")


def _row(facts: Facts) -> Judged:
    return JUDGED.get(facts.other, WITHOUT)


def leaks_of_session(facts: Facts) -> Iterator[Reason]:
    """Yield what the session of a protocol with a folder of its own counts as leaks."""
    session = facts.decoded
    if session is None or not session.leaks:
        return
    what = f"{int(session.leaks):,} {_row(facts).leak} in the clear"
    frame, offset = int(session.leak_frame), int(session.leak_offset)
    if session.leak_from_client:
        yield Reason("commands-in-clear", what, frame, "client", offset)
    else:
        yield Reason("responses-in-clear", what, frame, "server", offset)


def before_tls(facts: Facts) -> Iterator[Reason]:
    """Check condition 1 of the protocol that a connection speaks: what has to stand before TLS."""
    check = _row(facts).before_tls
    if check is None:
        yield Reason("no-ssl-request", f"how {facts.other} begins TLS is not known here")
    else:
        yield from check(facts)


def session_began(facts: Facts) -> bool:
    """Return whether the session was seen from its opening on, in a capture without its SYN."""
    session = facts.decoded
    if session is None:
        return False
    began = _row(facts).began
    return began is not None and began(session)
