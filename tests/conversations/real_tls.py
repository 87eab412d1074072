"""TLS sessions as OpenSSL speaks them, run in memory: MySQL's opening in the clear, then its packets inside.

`server.pem` holds a throw-away key and its certificate for db.example, made for these tests alone.
"""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

from tests.conversations import mysql
from tests.conversations.sessions import SECRET, Step, opening
from tests.conversations.tcp import Sender

PEM = Path(__file__).with_name("server.pem")


class Endpoint:
    def __init__(self, context: ssl.SSLContext, *, server: bool, session: ssl.SSLSession | None = None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming,
            self.outgoing,
            server_side=server,
            session=session,
            server_hostname=None if server else "db.example",
        )

    def shake(self) -> bool:
        """True when the handshake is done on this side."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def drain(self) -> None:
        """Read all that came, session tickets among it."""
        try:
            while self.tls.read(65536):
                pass
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass


def contexts(
    version: ssl.TLSVersion, *, ciphers: str | None = None, verify: bool = False
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of client and server."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(PEM)
    if not verify:
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
    for context in (client, server):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions: they are why we are here
            context.minimum_version = context.maximum_version = version
        if ciphers is not None:
            context.set_ciphers(ciphers)
    return client, server


class Session:
    """Records what each side puts on the wire, step by step."""

    def __init__(
        self,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        *,
        ciphers: str | None = None,
        verify: bool = False,
        contexts_of: Session | None = None,
    ) -> None:
        """contexts_of: a session to resume, with its contexts."""
        self.contexts = contexts_of.contexts if contexts_of else contexts(version, ciphers=ciphers, verify=verify)
        resumed = contexts_of.ends["client"].tls.session if contexts_of else None
        self.ends: dict[Sender, Endpoint] = {
            "client": Endpoint(self.contexts[0], server=False, session=resumed),
            "server": Endpoint(self.contexts[1], server=True),
        }
        self.steps: list[Step] = opening()

    def flush(self, sender: Sender) -> None:
        wire = self.ends[sender].outgoing.read()
        if wire:
            self.ends["server" if sender == "client" else "client"].incoming.write(wire)
            self.steps.append(Step(f"{sender}-{len(self.steps)}", sender, wire))

    def handshake(self) -> bool:
        """False where the client refused the server's certificate; its alert is on the wire then."""
        client, server = self.ends["client"], self.ends["server"]
        done = False
        while not done:
            try:
                done = client.shake()
            except ssl.SSLCertVerificationError:
                self.flush("client")
                return False
            self.flush("client")
            done = server.shake() and done
            self.flush("server")
        client.drain()
        return True

    def say(self, sender: Sender, payload: bytes) -> None:
        self.ends[sender].tls.write(payload)
        self.flush(sender)
        self.ends["server" if sender == "client" else "client"].drain()

    def mysql(self) -> Session:
        """Login, two statements and their results, quit, close_notify."""
        assert self.handshake()
        self.say("client", mysql.login(seq=2, caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL))
        self.say("server", mysql.ok(3))
        self.say("client", mysql.query(SECRET))
        self.say("server", mysql.ok(1, affected=1))
        self.say("client", mysql.query(b"SELECT id, body FROM notes"))
        rows: list[list[bytes | None]] = [[b"%d" % number, b"Canary-%04d" % number] for number in range(2000)]
        self.say("server", mysql.result_set([b"id", b"body"], rows))
        self.say("client", mysql.leave())
        try:
            self.ends["client"].tls.unwrap()
        except ssl.SSLWantReadError:
            self.flush("client")
        return self
