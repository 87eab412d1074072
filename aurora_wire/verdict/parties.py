"""Client, server and user of a connection, also while it is open."""

from __future__ import annotations

from aurora_wire.immutable import immutable
from aurora_wire.verdict.describe import endpoints, text
from aurora_wire.verdict.result import Endpoint
from aurora_wire.wire.flows.connection import Connection


@immutable
class Parties:
    """user: of a login in the clear, None where there was none, or it was not seen."""

    client: Endpoint
    server: Endpoint
    user: str | None


def find_parties(connection: Connection) -> Parties:
    login = connection.facts.login
    return Parties(*endpoints(connection), text(login.user) if login is not None else None)
