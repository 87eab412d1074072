"""What a live capture sees, as pcapng files: every packet, its interface, what was lost, and who recorded it."""

from __future__ import annotations

import time
from collections.abc import Callable

from aurora_wire.capture.files.pcapng_writer import PcapngWriter
from aurora_wire.capture.live.bpf import SNAPLEN
from aurora_wire.capture.live.ring import LiveCapture, Statistics, name_interface
from aurora_wire.capture.live.rotation import Files
from aurora_wire.capture.recorded import RecordedFile
from aurora_wire.errors import OutputError
from aurora_wire.link_types import EN10MB


class Recording:
    """Writes each frame that `capture.source` gives, block by block; a new file when one has `rotate` bytes.

    Raises OutputError where the first file cannot be made. Later `failure` holds what went wrong: the files are
    whole up to there, nothing more is written, and the capture goes on.
    """

    def __init__(
        self, capture: LiveCapture, files: Files, *, application: str, comment: str = "", rotate: int = 0,
        keep: int = 0,
    ) -> None:
        """rotate: bytes, 0 for one file; keep: how many files stay, the newest; 0 for all."""
        self.failure: OutputError | None = None
        self.closed = False
        self.names: list[str] = []      # of the files that are there
        self.finished: list[RecordedFile] = []   # those of them that are closed
        self.made = 0                   # files in all
        self.written = 0                # bytes in the files before the current one
        self._capture = capture
        self._files = files
        self._application = application
        self._comment = comment
        self._rotate = rotate
        self._keep = keep
        self._before = Statistics(0, 0)  # what was counted before the current file
        self._start_ns = 0
        self._interfaces: list[int] = []
        self._writer = self._next_file()
        self._next_block: Callable[[], bytes] = capture.source.next_block
        capture.source.on_interface = self._interface
        capture.source.next_block = self._between_blocks

    @property
    def size(self) -> int:
        """Return the bytes written, in all files."""
        return self.written + self._writer.size

    def _next_file(self) -> PcapngWriter:
        file = self._files.make(self.made)
        self.made += 1
        source = self._capture.source
        self._start_ns = time.time_ns()
        self._interfaces = []
        source.interface_ids = {}
        writer = PcapngWriter(file, application=self._application, comment=self._comment)
        source.copy_to = writer.blocks
        self.names.append(writer.name)
        return writer

    def _interface(self, index: int, link_type: int) -> int:
        return self._describe(name_interface(index), link_type)

    def _describe(self, name: str, link_type: int) -> int:
        number = self._writer.interface(
            name, link_type, snaplen=SNAPLEN, filter_text=self._capture.filter.text
        )
        self._interfaces.append(number)
        return number

    def _between_blocks(self) -> bytes:
        """Write what was recorded and give the source its next block: all frames of the last one have been put."""
        if self.failure is None:
            try:
                self._writer.flush()
                if self._rotate and self._writer.size >= self._rotate:
                    self._finish_file()
                    self._writer = self._next_file()
                    self._forget_oldest()
            except OutputError as error:
                self._failed(error)
        return self._next_block()

    def _forget_oldest(self) -> None:
        """Remove the oldest files, so that `keep` stay. Raises OutputError."""
        while self._keep and len(self.names) > self._keep:
            self._files.remove(self.made - len(self.names))
            del self.names[0]
            del self.finished[0]

    def _failed(self, error: OutputError) -> None:
        if self.failure is None:
            self.failure = error
        self._capture.source.copy_to = None

    def _finish_file(self) -> None:
        counted = self._capture.statistics()
        if not self._interfaces:
            self._describe(self._capture.name, EN10MB)
        self._writer.statistics(
            self._interfaces[0], time.time_ns(), received=counted.received - self._before.received,
            dropped=counted.dropped - self._before.dropped, start_ns=self._start_ns,
            comment="of all interfaces together" if len(self._interfaces) > 1 else "",
        )  # fmt: skip
        self._before = counted
        self._writer.close()
        self.finished.append(RecordedFile(self.names[-1], self._writer.size, self._writer.sha256()))
        self.written += self._writer.size
        self._writer.size = 0

    def close(self) -> None:
        """Write the rest, and what was lost; may be called twice. Frames are not recorded any more."""
        if self.closed:
            return
        self.closed = True
        self._capture.source.copy_to = None
        self._capture.source.next_block = self._next_block
        try:
            if self.failure is None:
                self._finish_file()
        except OutputError as error:
            self._failed(error)
            self.finished.append(RecordedFile(self.names[-1], self._writer.size, self._writer.sha256()))
        finally:
            self._files.close()
