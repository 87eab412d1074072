"""What every byte of a direction is, and which frames brought it. Only where somebody asks.

A direction's bytes are told of in stream order, often later than they came. `Tracker` is what the engine tells it to;
`Labels` keeps the frames that wait for their labels, and hands each out when all its bytes have one. A frame whose
payload went to the stream in pieces (others had brought some of it before) comes once for each.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding import labels, roles
from aurora_wire.wire.decoding.labels import RETRANSMISSION, UNKNOWN
from aurora_wire.wire.decoding.tracker import Held, Tracker
from aurora_wire.wire.mysql.lenenc import read_lestr

MAX_INSIDE: Final[i64] = 10_000    # packets in compressed ones that are told of
MAX_KINDS: Final[i64] = 4096       # columns whose types are remembered


@mypyc_attr(acyclic=True)
class Place:
    """A MySQL packet, or a part of one: what it is in its place.

    at: of the part's first byte within the packet, its header included. length: of its payload, as its header says.
    certain: of a reply, the command that it answers was seen. number: which of the definitions it is, from 1, and of
    how many; else 0.
    """

    __slots__ = ("at", "certain", "end", "inside", "kinds", "number", "of", "role", "start")

    def __init__(
        self, start: i64, end: i64, role: i64, at: i64, certain: bool, number: i64, of: i64
    ) -> None:
        self.start: i64 = start         # stream offsets
        self.end: i64 = end
        self.role: i64 = role
        self.at: i64 = at
        self.certain: bool = certain
        self.number: i64 = number
        self.of: i64 = of
        self.kinds: list[int] | None = None       # of a binary row: the types of its columns, with the unsigned flag
        self.inside: list[Place] | None = None  # of a compressed packet: those in it, offsets in what it holds


@mypyc_attr(acyclic=True)
class Span:
    """Bytes [start, end) of a payload and the label of what they are. place: of a MySQL packet; held: labels of what
    they hold, where they are compressed.
    """

    __slots__ = ("end", "held", "label", "place", "start")

    def __init__(
        self, start: i64, end: i64, label: i64, place: Place | None = None, held: list[int] | None = None
    ) -> None:
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.label: Final[i64] = label
        self.place: Final = place
        self.held: Final = held


@mypyc_attr(acyclic=True)
class LabelledFrame:
    """A frame and what its payload is. `label` is that of a frame without spans of its own.

    connection is 0 where the frame belongs to none; from_client 1, 0, or -1 where not known.
    """

    __slots__ = ("connection", "frame", "from_client", "label", "spans")

    def __init__(self, frame: i64, connection: i64, from_client: i64, label: i64, spans: list[Span]) -> None:
        self.frame: Final[i64] = frame
        self.connection: Final[i64] = connection
        self.from_client: Final[i64] = from_client
        self.label: Final[i64] = label
        self.spans: Final = spans


@mypyc_attr(acyclic=True)
class _Waiting:
    __slots__ = ("end", "frame", "payload_at", "spans", "start")

    def __init__(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        self.frame: Final[i64] = frame
        self.start: Final[i64] = start            # stream offsets of what the frame brought
        self.end: Final[i64] = end
        self.payload_at: Final[i64] = payload_at  # where in its payload these bytes begin
        self.spans: list[Span] = []


class Kinds:
    """Types of the columns of the last result, as its definitions told them."""

    __slots__ = ("found", "left")

    def __init__(self) -> None:
        self.found: list[int] = []
        self.left: i64 = MAX_KINDS

    def see(self, role: i64, data: bytes, at: i64, end: i64) -> None:
        if role in (roles.HEAD, roles.PREPARE_OK):
            self.found = []
        elif role == roles.DEFINITION and len(self.found) < MAX_KINDS:
            kind = definition_type(data, at, end)
            if kind >= 0:
                self.found.append(int(kind))

    def of(self, role: i64) -> list[int] | None:
        return self.found if role == roles.BINARY_ROW and len(self.found) > 0 else None


def definition_type(data: bytes, at: i64, end: i64) -> i64:
    """Return the type that a column definition tells, 0x8000 added where it is unsigned; -1 where it is not there."""
    for _ in range(6):
        start, at = read_lestr(data, at, end)
        if start < 0:
            return -1
    if end - at > 13 and data[at] != 0x0C:  # MariaDB's further words about the type
        start, at = read_lestr(data, at, end)
        if start < 0:
            return -1
    if end - at < 10:
        return -1
    kind: i64 = data[at + 7]
    return kind | 0x8000 if data[at + 8] & 0x20 else kind


# Of what one side may send by itself, or after the connection was handed over.
HANDED: Final = frozenset(
    (
        int(labels.AUTH), int(labels.INFILE_DATA), int(labels.BINLOG), int(labels.CLONE_DATA),
        int(labels.GROUP_REPLICATION),
    )
)  # fmt: skip


def placed_label(label: i64, place: Place, from_client: bool) -> i64:
    """Return the label of a packet whose command was not seen: no more than it tells by itself."""
    role = place.role
    if place.certain or place.inside is not None:
        return label
    if role == roles.UNKNOWN:
        if label >= labels.COMMAND or label in HANDED:
            return labels.UNKNOWN if from_client else labels.RESPONSE
        return labels.RESPONSE if labels.OK <= label <= labels.INFILE_REQUEST else label
    if role in (roles.HEAD, roles.DEFINITION, roles.TEXT_ROW):
        return labels.RESULT_SET
    if role == roles.EOF:
        return labels.EOF
    return labels.ERR if role == roles.ERR else label


class Labels(Tracker):
    """Finished frames are appended to `out`, which all directions share. places: those of MySQL packets too."""

    def __init__(self, connection: i64, from_client: i64, out: list[LabelledFrame], places: bool = False) -> None:
        super().__init__()
        self.connection: i64 = connection
        self.from_client = from_client
        self.out: Final = out
        self.places = places
        self.place: Place | None = None
        self.kinds = Kinds()
        self.inside: Inside | None = None
        self.held: list[int] | None = None     # of the compressed bytes before `held_end`
        self.held_end: i64 = 0
        self.waiting: list[_Waiting] = []
        self.done: i64 = 0  # stream offset up to which bytes have labels

    def frame(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        self.waiting.append(_Waiting(frame, start, end, payload_at))

    def alone(self, frame: i64, label: i64) -> None:
        self.out.append(LabelledFrame(frame, self.connection, self.from_client, label, []))

    def again(self, frame: i64, start: i64, end: i64) -> None:
        spans = [Span(start, end, RETRANSMISSION)]
        self.out.append(LabelledFrame(frame, self.connection, self.from_client, RETRANSMISSION, spans))

    def begins(
        self, start: i64, length: i64, role: i64, certain: bool, number: i64, of: i64, first: i64
    ) -> None:
        if self.places:
            place = Place(start, start + 4 + length, role, 0, certain, number, of)
            place.kinds = self.kinds.of(role)
            self.place = place

    def packet(self, start: i64, role: i64, certain: bool, data: bytes, at: i64, end: i64, total: i64) -> None:
        if self.places:
            self.kinds.see(role, data, at, end)
            place = self.place
            if place is not None and place.start == start:
                place.role = role

    def made_inside(self) -> Tracker | None:
        if not self.places:
            return None
        self.inside = Inside()  # a new one: behind a gap its offsets begin anew
        return self.inside

    def compressed(self, start: i64, end: i64, size: i64, body: bytes, inside: bytes) -> None:
        found = self.inside
        if found is not None:
            place = Place(start, end, roles.UNKNOWN, 0, False, 0, 0)
            found.take_from(size)
            place.inside = found.take()
            self.place = place
            self.holds(start, end, found.take_labels())

    def holds(self, start: i64, end: i64, held: list[int]) -> None:
        self.held = held if len(held) > 0 else None
        self.held_end = end

    def made_held(self) -> Held | None:
        return Held()

    def gap(self, start: i64, end: i64) -> None:
        self.span(start, end, UNKNOWN)

    def span(self, start: i64, end: i64, label: i64) -> None:
        start = self.done
        if end <= start:
            return
        self.done = end
        place = self.place
        if place is not None and place.start <= start < place.end:
            label = placed_label(label, place, self.from_client == 1)
        held = self.held if start < self.held_end else None
        finished: i64 = 0
        for item in self.waiting:
            if item.start >= end:
                break
            low = start if start > item.start else item.start
            high = end if end < item.end else item.end
            if low < high:
                begin = item.payload_at + low - item.start
                part: Place | None = None
                if place is not None and place.start <= low < place.end:
                    part = place
                    if low > place.start:
                        part = Place(
                            low, place.end, place.role, low - place.start, place.certain, place.number, place.of
                        )
                item.spans.append(Span(begin, begin + high - low, label, part, held))
            if item.end <= end:
                self.out.append(
                    LabelledFrame(item.frame, self.connection, self.from_client, item.spans[-1].label, item.spans)
                )
                finished += 1
        if finished:
            del self.waiting[:finished]

    def flush(self) -> None:
        """Label what has no label yet as unknown, and hand it out."""
        if self.waiting:
            self.span(self.done, self.waiting[-1].end, UNKNOWN)


class Inside(Held):
    """The packets that compressed ones hold, until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Place] = []
        self.base: i64 = 0     # stream offset of what was not taken yet
        self.position: i64 = 0
        self.kinds = Kinds()

    def span(self, start: i64, end: i64, label: i64) -> None:
        super().span(start, end, label)
        self.position = end

    def gap(self, start: i64, end: i64) -> None:
        self.position = end

    def begins(
        self, start: i64, length: i64, role: i64, certain: bool, number: i64, of: i64, first: i64
    ) -> None:
        if len(self.found) < MAX_INSIDE:
            place = Place(start, start + 4 + length, role, 0, certain, number, of)
            place.kinds = self.kinds.of(role)
            self.found.append(place)

    def packet(self, start: i64, role: i64, certain: bool, data: bytes, at: i64, end: i64, total: i64) -> None:
        self.kinds.see(role, data, at, end)
        for place in self.found[-1:]:
            if place.start == start:
                place.role = role

    def take_from(self, size: i64) -> None:
        """Count `size` bytes more to the compressed packet that ends."""
        self.position = self.base + size

    def take(self) -> list[Place]:
        """Return the packets of the compressed packet that ends, by where they are in what it holds."""
        found: list[Place] = []
        base = self.base
        stop = self.position
        rest: list[Place] = []
        for place in self.found:
            if place.start >= stop:
                rest.append(place)
                continue
            begin = place.start if place.start > base else base
            part = Place(
                begin - base, place.end - base, place.role, begin - place.start, place.certain, place.number, place.of
            )
            part.kinds = place.kinds
            found.append(part)
            if place.end > stop:
                rest.append(place)
        self.found = rest
        self.base = stop
        return found

    def flush(self) -> None:
        return
