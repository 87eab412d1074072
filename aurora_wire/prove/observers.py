"""The source of a cell's frames: one live capture for all cells, or a relay on this machine.

An observer is `begin`, `wait` as long as the client runs, `end`. It keeps frames and judges nothing.
"""

from __future__ import annotations

import io
import threading
import time
from abc import ABC, abstractmethod
from typing import Final

from aurora_wire._version import VERSION
from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.capture.files.pcapng_writer import PcapngWriter
from aurora_wire.capture.live.bpf import SNAPLEN
from aurora_wire.capture.live.ring import DRAIN, LiveCapture, name_interface
from aurora_wire.capture.relay.recording import HEADERS
from aurora_wire.capture.relay.server import Relay
from aurora_wire.link_types import RAW
from aurora_wire.prove.reassemble import Frame
from aurora_wire.wire.decoding.connection_log import OTHER

MAX_HELD: Final = 256 << 20    # bytes of frames kept of one cell
CLOSING_SECONDS: Final = 2.0   # for the last segments of a connection, once its client has ended
LATEST: Final = 60.0           # seconds that a capture may be behind, at most
PAUSE: Final = 0.02


class Observer(ABC):
    """how: `live on lo`, `through a relay`; connect_port: where a client has to connect, 0 for the server itself."""

    how: str
    connect_port = 0

    def __init__(self, port: int) -> None:
        self.port = port
        self.frames: list[Frame] = []
        self.held = 0
        self.dropped = 0
        self.problem: str | None = None      # why frames are missing since `begin`
        self.said: str | None = None         # what else went wrong: a server that a relay did not reach

    def begin(self) -> None:
        """Begin the next cell: frames from now on belong to it."""
        self.frames = []
        self.held = 0
        self.dropped = 0
        self.problem = None
        self.said = None

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Take what comes, for about so long."""

    @abstractmethod
    def end(self) -> None:
        """End the cell: the client has ended, so what is still under way is taken."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def pcapng(self, comment: str, secrets: bytes) -> bytes:
        """Return the frames of the cell as a file. secrets: of TLS, where they are to be in it."""

    def keep(self, frame: Frame) -> None:
        if self.held + len(frame.data) > MAX_HELD:
            self.problem = f"more than {MAX_HELD >> 20} MiB crossed while the client ran: the rest was not kept"
            return
        self.held += len(frame.data)
        self.frames.append(frame)


class LiveObserver(Observer):
    """Takes over a capture that is running: one socket for all cells."""

    def __init__(self, capture: LiveCapture, port: int) -> None:
        super().__init__(port)
        self.capture = capture
        self.how = f"live on {capture.name}"
        self._interfaces: list[tuple[int, int]] = []    # of each frame kept: interface, link type
        self._lost_before = 0
        self._analysis = Analysis(ScanOptions([port]))

    def begin(self) -> None:
        while self.capture.wait(0):
            while self.capture.source.advance():
                pass
        super().begin()
        self._interfaces = []
        self._lost_before = self.capture.statistics().dropped
        self._analysis = Analysis(ScanOptions([self.port]))  # only tells which connections are still open

    def wait(self, seconds: float) -> None:
        self._pause(seconds)
        self._take()

    def _pause(self, seconds: float) -> None:
        """Wait for frames. A capture with a failure waits no more: other interfaces still give some."""
        if not self.capture.wait(seconds) and self.capture.failure is not None:
            time.sleep(seconds)

    def _take(self) -> int:
        source = self.capture.source
        count = 0
        while source.advance():
            at, size = int(source.at), int(source.captured_len)
            frame = Frame(
                int(source.time_ns), source.buffer[at : at + size], int(source.original_len), int(source.link_type)
            )
            before = len(self.frames)
            self.keep(frame)
            if len(self.frames) > before:
                self._interfaces.append((int(source.interface), frame.link_type))
            self._analysis.engine.feed(frame.data, 0, size, frame.length, frame.time_ns, frame.link_type)
            count += 1
        self._analysis.collect(idle=count == 0)
        return count

    def _open(self) -> bool:
        return any(
            one.closed_frame < 0 and one.facts.kind != OTHER for one in self._analysis.engine.open_connections()
        )

    def end(self) -> None:
        now = time.monotonic()
        end, latest = now + CLOSING_SECONDS, now + LATEST
        while (now := time.monotonic()) < latest:
            self._pause(DRAIN)
            if not self._take() and (now >= end or not self._open()):
                break
        self.capture.look()
        self.dropped = self.capture.statistics().dropped - self._lost_before
        self.problem = self.capture.failure or self.problem

    def close(self) -> None:
        self.capture.close()

    def pcapng(self, comment: str, secrets: bytes) -> bytes:
        file = _Kept()
        writer = PcapngWriter(file, application=f"aurora_wire {VERSION}", comment=comment)
        if secrets:
            writer.secrets(secrets)
        numbers: dict[tuple[int, int], int] = {}
        for frame, interface in zip(self.frames, self._interfaces, strict=True):
            if interface not in numbers:
                numbers[interface] = writer.interface(
                    name_interface(interface[0]), interface[1], snaplen=SNAPLEN, filter_text=self.capture.filter.text
                )
            writer.packet(numbers[interface], frame.time_ns, frame.data, frame.length)
        if not numbers:
            writer.interface(self.capture.name, 1, filter_text=self.capture.filter.text)
        writer.statistics(
            0, time.time_ns(), received=len(self.frames) + self.dropped, dropped=self.dropped,
            start_ns=self.frames[0].time_ns if self.frames else None,
        )  # fmt: skip
        writer.close()
        return file.getvalue()


class RelayObserver(Observer):
    """Clients connect to `connect_port` on this machine, and are carried to the server."""

    how = "through a relay"

    def __init__(self, listen: str, host: str, port: int, socket_path: str = "") -> None:
        """socket_path: of a server that is reached by a Unix socket; `host` is an address then, and stands for it."""
        super().__init__(port)
        self._lock = threading.Lock()
        self.relay = Relay((listen, 0), (host, port), self._told, self._heard, socket_path=socket_path)
        self.relay.start()
        self.connect_port = int(self.relay.address.port)

    def _told(self, time_ns: int, frame: bytes, link_type: int) -> None:
        with self._lock:
            self.keep(Frame(time_ns, frame, len(frame), link_type))

    def _heard(self, line: str) -> None:
        self.said = line

    def begin(self) -> None:
        self.relay.wait_idle(CLOSING_SECONDS)  # what a client before has left open
        with self._lock:
            super().begin()

    def wait(self, seconds: float) -> None:
        time.sleep(min(seconds, PAUSE))

    def end(self) -> None:
        self.relay.wait_idle(CLOSING_SECONDS)

    def close(self) -> None:
        self.relay.stop()

    def pcapng(self, comment: str, secrets: bytes) -> bytes:
        file = _Kept()
        writer = PcapngWriter(
            file, application=f"aurora_wire {VERSION}",
            comment=f"{comment} Recorded by a relay, not captured from a network.",
        )  # fmt: skip
        if secrets:
            writer.secrets(secrets)
        target = self.relay.socket_path or self.relay.target
        writer.interface(
            "relay", RAW, description=f"relay on {self.relay.address} to {target}", comment=HEADERS
        )
        with self._lock:
            for frame in self.frames:
                writer.packet(0, frame.time_ns, frame.data)
            writer.statistics(0, time.time_ns(), received=len(self.frames), dropped=0)
        writer.close()
        return file.getvalue()


class _Kept(io.BytesIO):
    """Stays readable when its writer has closed it."""

    def close(self) -> None:
        pass
