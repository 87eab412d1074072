"""One connection to a server that is probed: its first bytes, the way to TLS, one ClientHello and the answer to it.

Sources: MySQL Server docs, "Protocol::HandshakeV10", "Protocol::SSLRequest", "ERR_Packet"; X Protocol, "Capabilities".
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import Final

from aurora_wire.posture.server_flight import FlightReader, ServerFlight
from aurora_wire.posture.target import Target
from aurora_wire.posture.x_capabilities import XCapabilities, read_capabilities
from aurora_wire.wire.mysql.capabilities import LONG_PASSWORD, PLUGIN_AUTH, PROTOCOL_41, SECURE_CONNECTION, SSL
from aurora_wire.wire.mysql.greeting import Greeting, parse_greeting

GREETING: Final = "greeting"
ERROR: Final = "error"            # an ERR packet instead of a greeting
SILENT: Final = "silent"          # connected, and nothing came
CLOSED: Final = "closed"          # connected, and the server closed without a word
X_NOTICE: Final = "x notice"      # a frame of X Protocol, which newer servers begin with
OTHER: Final = "other"            # something that is no MySQL

MAX_GREETING: Final = 4_096       # bytes: the longest seen has 130
_CHUNK: Final = 16_384

# CapabilitiesSet {capabilities {name: "tls", value {type: SCALAR, scalar {type: V_BOOL, v_bool: true}}}}
_X_START_TLS: Final = bytes.fromhex("14000000 02 0a11 0a0f 0a03746c73 1208 0801 1204 0807 4001")
_X_GET: Final = bytes.fromhex("01000000 01")  # CapabilitiesGet
_X_OK: Final = 0
_X_CAPABILITIES: Final = 2
_X_ERROR: Final = 1
_X_NOTICE_TYPE: Final = 11


@dataclass(slots=True)
class Opening:
    """What the server says first. greeting is set for GREETING; code and text for ERROR."""

    kind: str
    greeting: Greeting | None = None
    code: int = 0
    text: bytes = b""


class Timeout(OSError):  # noqa: N818 - what it is called where it is caught
    """The time for one connection is over."""


class Session:
    """One TCP connection, in a `with` statement. seconds: for all of it, from the connect on.

    Raises OSError where the server cannot be reached, resets, or takes longer (Timeout).
    """

    def __init__(self, target: Target, address: str, seconds: float) -> None:
        self.target = target
        self.greeted_as = ""    # the version in the greeting, once that was read
        self._end = time.monotonic() + seconds
        self._socket = socket.create_connection((address, target.port), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0:
            raise Timeout("no answer in time")
        self._socket.settimeout(left)
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise Timeout("no answer in time") from error

    def open(self) -> Opening:
        """Return what the server says first: its greeting, an error, silence, or what is no MySQL."""
        held = b""
        while True:
            try:
                data = self._receive()
            except Timeout:
                return Opening(OTHER if held else SILENT)
            if not data:
                return Opening(OTHER if held else CLOSED)
            held += data
            if len(held) >= 5 and held[1:5] == b"\0\0\0\x0b":  # its first notice is of 5 bytes: no MySQL packet
                return Opening(X_NOTICE)
            if len(held) >= 5 and (held[3] != 0 or held[4] not in (9, 10, 0xFF)):
                return Opening(OTHER)
            size = int.from_bytes(held[:3], "little")
            if size > MAX_GREETING and len(held) >= 3:
                return Opening(OTHER)
            if len(held) >= 4 + size and size > 0:
                return _read_opening(held[4 : 4 + size])

    def request_tls(self) -> None:
        """Send the SSLRequest packet, which turns the connection to TLS."""
        flags = LONG_PASSWORD | PROTOCOL_41 | SSL | SECURE_CONNECTION | PLUGIN_AUTH
        payload = struct.pack("<IIB23x", flags, 1 << 24, 45)
        self._socket.sendall(len(payload).to_bytes(3, "little") + b"\x01" + payload)

    def request_tls_of_x(self) -> bool:
        """Ask an X Protocol server for TLS. Return whether it agrees; what is no X Protocol does not."""
        self._socket.sendall(_X_START_TLS)
        return self._x_answer((_X_OK, _X_ERROR))[0] == _X_OK

    def ask_x_capabilities(self) -> XCapabilities | None:
        """Ask an X Protocol server what it can do; None where none answers."""
        self._socket.sendall(_X_GET)
        kind, payload = self._x_answer((_X_CAPABILITIES, _X_ERROR))
        return read_capabilities(payload) if kind == _X_CAPABILITIES else None

    def _x_answer(self, expected: tuple[int, ...]) -> tuple[int, bytes]:
        """Return type and payload of the first frame that is no notice; -1 where something else comes."""
        held = b""
        while len(held) < MAX_GREETING:
            data = self._receive()
            if not data:
                break
            held += data
            while len(held) >= 5:
                size = int.from_bytes(held[:4], "little")
                kind = held[4]
                if size < 1 or size > MAX_GREETING or kind not in (*expected, _X_NOTICE_TYPE):
                    return -1, b""
                if len(held) < 4 + size:
                    break
                if kind != _X_NOTICE_TYPE:
                    return kind, held[5 : 4 + size]
                held = held[4 + size :]
        return -1, b""

    def ask(self, hello: bytes) -> ServerFlight:
        """Send a ClientHello and return the answer: an empty flight where the server closes or resets.

        Raises Timeout.
        """
        reader = FlightReader()
        try:
            self._socket.sendall(hello)
            while not reader.flight.done:
                data = self._receive()
                if not data:
                    break
                reader.feed(data)
        except Timeout:
            raise
        except OSError:  # a reset: some servers refuse a hello that way
            pass
        return reader.flight

    def handshake(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Make a whole handshake with the local TLS library. Raises ssl.SSLError, OSError."""
        self._socket.settimeout(max(0.1, self._end - time.monotonic()))
        secured = context.wrap_socket(self._socket, server_hostname=self.target.host, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()
        return secured


def _read_opening(payload: bytes) -> Opening:
    if payload[0] == 0xFF:
        code = int.from_bytes(payload[1:3], "little")
        text = payload[3:]
        if text[:1] == b"#" and len(text) >= 6:  # the SQL state; before the login it is left out, by most
            text = text[6:]
        return Opening(ERROR, code=code, text=text)
    greeting = parse_greeting(payload, 0, len(payload))
    return Opening(OTHER if greeting is None else GREETING, greeting)
