"""What a decoder tells of a direction's bytes, where somebody asks: in stream order, often later than they came."""

from typing import Final

from mypy_extensions import i64

MAX_HELD: Final[i64] = 16   # labels of what one compressed packet holds


class Tracker:
    """Follows one direction: is told of each frame's bytes, of their labels, and of MySQL packets.

    A packet is told of in two ways: `begins` when its role is known, before its bytes have their label, and `packet`
    when as much of its payload is there as will be.
    """

    def __init__(self) -> None:
        self.from_client: i64 = -1
        self.keeps: i64 = -1  # bytes of a payload that `packet` wants, also where the decoder needs fewer
        self.takes_runs = False  # of definitions and rows only `packet` and `definitions` tell, not `begins`

    def frame(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        """Note that frame `frame` brought the stream's bytes [start, end), in order."""
        raise NotImplementedError

    def alone(self, frame: i64, label: i64) -> None:
        """Note a frame whose payload has no place in the stream (again), or that has none."""
        raise NotImplementedError

    def again(self, frame: i64, start: i64, end: i64) -> None:
        """Note that bytes [start, end) of a frame's payload came before; the label of the others is still to come."""
        raise NotImplementedError

    def same(self, frame: i64, start: i64, end: i64, offset: i64) -> None:
        """Note that bytes [start, end) of a payload are those of the stream from `offset` on: compared."""

    def span(self, start: i64, end: i64, label: i64) -> None:
        """Label the stream's bytes [start, end), the next ones."""
        raise NotImplementedError

    def gap(self, start: i64, end: i64) -> None:
        """Note that the stream's bytes [start, end), the next ones, are a gap."""
        raise NotImplementedError

    def begins(
        self, start: i64, length: i64, role: i64, certain: bool, number: i64, of: i64, first: i64
    ) -> None:
        """Note that a packet with a payload of `length` bytes begins at `start`; first: its first byte, -1 without one.
        """

    def packet(
        self, start: i64, role: i64, certain: bool, data: bytes, at: i64, end: i64, total: i64
    ) -> None:
        """Take the packet at `start`: data[at:end] is as much of its payload as there is, of `total` bytes."""

    def definitions(self, start: i64, data: bytes, at: i64, end: i64) -> None:
        """Take all definitions of a result, whole packets which came before in this connection, byte for byte."""

    def goes_on(self, start: i64, length: i64) -> None:
        """Note that the last packet's payload goes on in one of `length` bytes, whose header is at `start`."""

    def content(self, start: i64, data: bytes, at: i64, end: i64) -> None:
        """Take bytes of a protocol that is not decoded, before they get their label."""

    def proxied(self, start: i64, data: bytes) -> None:
        """Take a whole PROXY header, before its bytes get their label."""

    def lost(self) -> None:
        """Note that the framing was lost: what comes has no certain place any more."""

    def compressed(self, start: i64, end: i64, size: i64, body: bytes, inside: bytes) -> None:
        """End a compressed packet [start, end), which held `inside`. Both are empty if they were not kept."""

    def made_inside(self) -> "Tracker | None":
        """Return the tracker of what compressed packets hold."""
        return None

    def holds(self, start: i64, end: i64, held: list[int]) -> None:
        """Note that the compressed bytes [start, end), the next ones, hold what has these labels, each once."""

    def made_held(self) -> "Held | None":
        """Return what collects the labels of what compressed messages hold; None where nobody asks."""
        return None

    def flush(self) -> None:
        """End: no more bytes will come."""
        raise NotImplementedError


class Held(Tracker):
    """Collects the labels of what compressed packets hold, until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[int] = []

    def span(self, start: i64, end: i64, label: i64) -> None:
        if label not in self.labels and len(self.labels) < MAX_HELD:
            self.labels.append(int(label))

    def gap(self, start: i64, end: i64) -> None:
        return

    def take_labels(self) -> list[int]:
        found = self.labels
        self.labels = []
        return found

    def flush(self) -> None:
        return
