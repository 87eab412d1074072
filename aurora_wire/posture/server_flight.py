"""The server's answer to a ClientHello, read as far as it is needed: ServerHello, certificates, key exchange, alert.

Source: RFC 8446 sections 4 and 5, RFC 5246 section 7.4, RFC 8422 section 5.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from aurora_wire.wire.tls import names
from aurora_wire.wire.tls.hello import ServerHello, certificate_slices, parse_server_hello, read_key_exchange
from aurora_wire.wire.tls.suite_strength import suite_name

MAX_FLIGHT: Final = 1 << 20       # bytes of handshake messages: a certificate of 1 MB is refused
MAX_RECORD: Final = 16_384 + 2_048


@dataclass(slots=True)
class ServerFlight:
    """What the server answered. alert: its description, -1 none; group: of the key exchange or key share, 0 none.

    certificates: DER, the server's own first (up to TLS 1.2: with TLS 1.3 they are encrypted); dh_bits: size of the
    prime of a DHE key exchange, 0 none; broken: why what came is no TLS, empty: nothing odd.
    """

    hello: ServerHello | None = None
    alert: int = -1
    certificates: list[bytes] = field(default_factory=list)
    group: int = 0
    dh_bits: int = 0
    done: bool = False
    broken: str = ""


class FlightReader:
    """Reads a server's flight from its bytes as they come: `feed`, until `flight.done`."""

    def __init__(self) -> None:
        self.flight = ServerFlight()
        self._held = b""
        self._messages = b""

    def feed(self, data: bytes) -> None:
        """Take more bytes. What no server would send ends the flight, with the reason in `flight.broken`."""
        flight = self.flight
        self._held += data
        while not flight.done and len(self._held) >= 5:
            kind = self._held[0]
            size = int.from_bytes(self._held[3:5], "big")
            if kind not in (names.ALERT, names.HANDSHAKE, names.CHANGE_CIPHER_SPEC) or self._held[1] != 3:
                self._end("no TLS record")
                return
            if size > MAX_RECORD:
                self._end("a TLS record that is too long")
                return
            if len(self._held) < 5 + size:
                return
            body, self._held = self._held[5 : 5 + size], self._held[5 + size :]
            if kind == names.ALERT:
                flight.alert = body[1] if len(body) >= 2 else 0
                flight.done = len(body) < 2 or body[0] == 2 or flight.hello is None
            elif kind == names.HANDSHAKE:
                self._messages += body
                if len(self._messages) > MAX_FLIGHT:
                    self._end("handshake messages of more than 1 MiB")
                    return
                self._read_messages()

    def _end(self, why: str) -> None:
        self.flight.broken = why
        self.flight.done = True

    def _read_messages(self) -> None:
        flight = self.flight
        while not flight.done and len(self._messages) >= 4:
            size = int.from_bytes(self._messages[1:4], "big")
            if size > MAX_FLIGHT:
                self._end("a handshake message of more than 1 MiB")
                return
            if len(self._messages) < 4 + size:
                return
            kind, body = self._messages[0], self._messages[4 : 4 + size]
            self._messages = self._messages[4 + size :]
            if kind == names.SERVER_HELLO:
                flight.hello = parse_server_hello(body, 0, len(body))
                if flight.hello is None:
                    self._end("a ServerHello that cannot be read")
                elif flight.hello.version >= 0x0304:
                    flight.group = max(flight.hello.group, 0)
                    flight.done = True  # what follows is encrypted
            elif kind == names.CERTIFICATE:
                places = certificate_slices(body, 0, len(body))
                flight.certificates = [body[start:end] for start, end in places or ()]
            elif kind == names.SERVER_KEY_EXCHANGE:
                self._read_key_exchange(body)
            elif kind == names.SERVER_HELLO_DONE:
                flight.done = True

    def _read_key_exchange(self, body: bytes) -> None:
        """Note the named curve, or the size of the prime: which of both the suite's name tells."""
        hello = self.flight.hello
        if hello is not None:
            group, bits = read_key_exchange(suite_name(hello.suite), body, 0, len(body))
            self.flight.group, self.flight.dh_bits = max(group, 0), max(bits, 0)
