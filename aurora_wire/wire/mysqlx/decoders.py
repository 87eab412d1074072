"""Which decoder takes a direction of X Protocol."""

from collections.abc import Callable
from typing import cast

from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import Decoder
from aurora_wire.wire.decoding.protocol import Session
from aurora_wire.wire.mysql.compressed import Inflater
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysqlx.client import XClient
from aurora_wire.wire.mysqlx.facts import XSession
from aurora_wire.wire.mysqlx.server import XServer


def make_x_decoder(
    facts: MySQLFacts, session: Session, side: DirectionAccount, inflaters: dict[int, Callable[[], Inflater]],
    aligned: bool,
) -> Decoder:  # fmt: skip
    """Return the decoder of a direction. aligned: a frame begins with the first byte that it is fed."""
    x = cast(XSession, session)
    if side.from_client:
        return XClient(facts, x, side, inflaters, aligned)
    return XServer(facts, x, side, inflaters, aligned)
