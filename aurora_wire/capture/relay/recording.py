"""What a relay tells, as a pcapng file that says how it was made."""

from __future__ import annotations

import io
import time
from typing import Final

from aurora_wire.capture.files.pcapng_writer import STANDARD_OUTPUT, PcapngWriter
from aurora_wire.capture.recorded import RecordedFile
from aurora_wire.errors import OutputError
from aurora_wire.link_types import RAW
from aurora_wire.rights.new_files import create_private

HEADERS: Final = (
    "Client and target had a connection each, to the relay. The bytes are what it read from one and wrote to the "
    "other, the times those of its reads; the IP and TCP headers around them were made by the relay, with the "
    "addresses of client and target."
)


class RelayRecording:
    """A new file, for its owner's eyes only. `packet` fits `Relay.on_frame`.

    Raises OutputError where the file cannot be made. Later `failure` holds what went wrong: the file is whole up
    to there, and nothing more is written.
    """

    def __init__(
        self, path: str, *, application: str, listen: str, target: str, replace: bool = False,
        file: io.FileIO | None = None,
    ) -> None:
        """replace: a file that is there; file: what to write to, such as a pipe, in place of a new file."""
        self.path = path if file is None else STANDARD_OUTPUT
        self.failure: OutputError | None = None
        self._closed = False
        self._start_ns = time.time_ns()
        self._writer = PcapngWriter(
            create_private(path, None, replace=replace) if file is None else file, application=application,
            comment=f"Recorded by a relay ({application}, aurora-wire relay), not captured from a network.",
        )  # fmt: skip
        self._writer.interface(
            "relay", RAW, description=f"relay on {listen} to {target}", comment=HEADERS
        )

    def packet(self, time_ns: int, frame: bytes, _: int = RAW) -> None:
        try:
            self._writer.packet(0, time_ns, frame)
        except OutputError as error:
            self.failure = error

    def recorded(self) -> RecordedFile:
        """Return what was written. Call it once it is closed."""
        return RecordedFile(self.path, self._writer.size, self._writer.sha256())

    def flush(self) -> None:
        try:
            self._writer.flush()
        except OutputError as error:
            self.failure = error

    def close(self) -> None:
        """Close the recording; may be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._writer.statistics(
                0, time.time_ns(), received=self._writer.packets, dropped=0, start_ns=self._start_ns
            )
            self._writer.close()
        except OutputError as error:
            self.failure = self.failure or error
