"""The decoders that a connection may need, each made when it is first asked for and kept for when it goes on."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import Decoder
from aurora_wire.wire.decoding.protocol import Session
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.identify.resync import Resync
from aurora_wire.wire.mysql.client import ClientPackets
from aurora_wire.wire.mysql.compressed import CompressedPackets, Inflater
from aurora_wire.wire.mysql.server import ServerPackets
from aurora_wire.wire.mysql.states import (
    AUTHENTICATION,
    COMMAND_PHASE,
    FOUND_GREETING,
    FOUND_REFUSAL,
    FOUND_REPLY,
    SERVER,
    move,
)
from aurora_wire.wire.mysqlx.decoders import make_x_decoder
from aurora_wire.wire.mysqlx.facts import XSession
from aurora_wire.wire.tls.decryption import Decryption, DecryptionMaker
from aurora_wire.wire.tls.records import TLSRecords

MakeDecoder = Callable[[Facts, Session, DirectionAccount, dict[int, Callable[[], Inflater]], bool], Decoder]

# The protocols with a folder of their own, by the name in wire/identify/protocols.py: what makes a connection's
# session, and a direction's decoder. The last argument: a message begins with the first byte that it is fed.
DECODED: Final[dict[str, tuple[Callable[[], Session], MakeDecoder]]] = {
    "X Protocol": (XSession, make_x_decoder),
}


class Decoders:
    """The decoders of one connection, both directions."""

    def __init__(self, facts: Facts, inflaters: dict[int, Callable[[], Inflater]]) -> None:
        self.facts = facts
        self.inflaters = inflaters
        self.client_mysql: ClientPackets | None = None
        self.server_mysql: ServerPackets | None = None
        self.client_tls: TLSRecords | None = None
        self.server_tls: TLSRecords | None = None
        self.maker: DecryptionMaker | None = None  # there is a key log, or may be
        self.decryption: Decryption | None = None     # TLS has begun, and there is one

    def forget(self) -> None:
        """Let the decoders go: the connection has ended."""
        for packets in (self.client_mysql, self.server_mysql):
            if packets is not None:
                packets.let_go()
        for records in (self.client_tls, self.server_tls):
            if records is not None:
                records.messages.drop()
        self.client_mysql = None
        self.server_mysql = None
        self.client_tls = None
        self.server_tls = None

    def tls(self, side: DirectionAccount) -> TLSRecords:
        made = self.client_tls if side.from_client else self.server_tls
        if made is None:
            made = TLSRecords(self.facts, side)
            made.decryption = self.make_decryption()
            if side.from_client:
                self.client_tls = made
            else:
                self.server_tls = made
        return made

    def make_decryption(self) -> Decryption | None:
        if self.decryption is None and self.maker is not None:
            self.decryption = self.maker.make(self.facts)
        return self.decryption

    def decoded(self, name: str, side: DirectionAccount, aligned: bool) -> Decoder:
        """Return a direction's decoder of the protocol in the row `name` of DECODED."""
        make_session, make_decoder = DECODED[name]
        session = self.facts.decoded
        if session is None:
            session = make_session()
            self.facts.decoded = session
        return make_decoder(self.facts, session, side, self.inflaters, aligned)

    def client_packets(self, side: DirectionAccount) -> ClientPackets:
        made = self.client_mysql
        if made is None:
            made = ClientPackets(self.facts, side)
            self.client_mysql = made
        return made

    def server_packets(self, side: DirectionAccount) -> ServerPackets:
        made = self.server_mysql
        if made is None:
            made = ServerPackets(self.facts, side, self.inflaters)
            self.server_mysql = made
        return made

    def server_found(self, side: DirectionAccount, greets: bool) -> ServerPackets:
        """Return the server's packets found again by content, in the part of the conversation that they are of."""
        made = self.server_packets(side)
        facts = self.facts
        if greets:
            made.state = move(SERVER, made.state, FOUND_GREETING)
        elif made.state != AUTHENTICATION or facts.login is not None or facts.commands > 0:
            made.state = move(SERVER, made.state, FOUND_REPLY)
        made.tls_possible = made.state != COMMAND_PHASE
        made.responses.lost()
        made.running = False
        return made

    def server_after(self, side: DirectionAccount, decoder: Decoder) -> ServerPackets:
        """Return the server's packets, which `decoder` found, or came upon."""
        if not isinstance(decoder, Resync):
            return self.server_found(side, False)
        if decoder.refuses:
            return self.server_refuses(side)
        if decoder.inside >= 0:
            return self.server_inside(side, decoder.inside, decoder.inside_of)
        return self.server_found(side, decoder.greets)

    def server_refuses(self, side: DirectionAccount) -> ServerPackets:
        """Return the server's packets, found at an ERR in place of a login's answer; after a login it is an answer."""
        made = self.server_found(side, False)
        if made.state == COMMAND_PHASE and self.facts.login is None and self.facts.commands == 0:
            made.state = move(SERVER, made.state, FOUND_REFUSAL)
        return made

    def server_inside(self, side: DirectionAccount, sequence: i64, handed: i64) -> ServerPackets:
        """Return the server's packets found again inside a reply, or in what the connection was handed to (`handed`):
        `sequence` is the id of the next one.
        """
        made = self.server_found(side, False)
        made.state = move(SERVER, made.state, FOUND_REPLY)
        made.tls_possible = False
        made.responses.resume(sequence, handed)
        return made

    def compressed(self, side: DirectionAccount) -> CompressedPackets:
        inner_side = DirectionAccount(side.from_client)
        inner_side.anchored = True
        if side.tracker is not None:
            inner_side.tracker = side.tracker.made_inside()
        if side.from_client:
            client = ClientPackets(self.facts, inner_side)
            client.state = COMMAND_PHASE
            client.compressed = True
            client.relaxed = True
            client.followed = not self.facts.doubt
            client.tls_possible = False
            return CompressedPackets(self.facts, side, client, inner_side, self.inflaters)
        server = ServerPackets(self.facts, inner_side, self.inflaters)
        server.state = COMMAND_PHASE
        server.compressed = True
        server.relaxed = True
        server.tls_possible = False
        return CompressedPackets(self.facts, side, server, inner_side, self.inflaters)
