"""Captures in, a packet list out: each frame with its bytes, and what they are, in the order of the capture.

A frame's label may be known only when later ones have come: frames wait for it in a window bounded in number
and in bytes, and the oldest leaves a full window with what is known.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aurora_wire.analysis.clocks import aligned
from aurora_wire.analysis.interleave import Interleaved, check_readable
from aurora_wire.analysis.options import STANDARD, ScanOptions
from aurora_wire.capture.files.frame_filter import FrameFilter
from aurora_wire.capture.files.inputs import dated_inputs
from aurora_wire.capture.files.open import Capture, open_capture
from aurora_wire.errors import CaptureError
from aurora_wire.verdict.result import UNDATED_BEFORE_NS
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.flows.labelled_frames import LabelledFrame, Place
from aurora_wire.wire.mysql.charsets import codec_name
from aurora_wire.wire.mysql.commands import NAMES as COMMAND_NAMES
from aurora_wire.wire.mysql.commands import command_name
from aurora_wire.zstd import zstd_decompressor

WINDOW: Final = 10_000            # frames that wait for a label
WINDOW_BYTES: Final = 64 << 20    # of them, together

Span = tuple[int, int, int]       # start, end (offsets in the payload), label


@dataclass(frozen=True, slots=True)
class Packet:
    """A MySQL packet, or the part of one in a frame: payload[start:end], and what it is in its place.

    role: see `wire.roles`; at: of its first byte here within the packet, 0 where it begins here. number: of a
    definition, from 1, and `of` how many; else 0. kinds: of a binary row, the types of its columns, 0x8000 added where
    one is unsigned; empty where they are not known. inside: of a compressed packet, those that it holds, with offsets
    in what it inflates to.
    """

    start: int
    end: int
    role: int
    at: int
    number: int
    of: int
    kinds: tuple[int, ...] = ()
    inside: tuple[Packet, ...] | None = None
OnError = Callable[[CaptureError], None]
OnCapture = Callable[[str, int], None]
OnBegin = Callable[[list[str]], None]


def label_name(label: int) -> str:
    """Return a label's name: `COM_QUERY`, `greeting`, `TLS alert` ..."""
    return labels.NAMES.get(label) or command_name(label - labels.COMMAND)


def label_names() -> list[str]:
    """Return every name that a label can have, but those of commands that no server knows (`COM_0x7F`)."""
    return [*labels.NAMES.values(), *COMMAND_NAMES.values()]


@dataclass(frozen=True, slots=True)
class PacketView:
    """One frame. number: from 1, running over all captures; capture_frame: its number in its own; data: its captured
    bytes.

    time_ns: since 1970 UTC or, `undated`, since midnight; None where the capture says nothing.
    spans: what is where in the TCP payload, in order, without gaps; empty where there is no payload.
    payload_at: the payload's offset in `data`; None where there is none, or where it was put together from IP
    fragments. connection: its id as in a scan of the same captures; None where the frame belongs to none.
    capabilities: what client and server agreed on, None where not (yet) known; codec: Python's name of the
    login's character set. packets: MySQL packets in the payload, in order, as far as they were told apart. held: by
    where a compressed span begins, the labels of what it holds.
    """

    number: int
    capture: str                    # path of its capture
    time_ns: int | None
    undated: bool                   # the capture names no date
    link_type: int                  # as libpcap numbers them
    data: bytes
    original_len: int               # bytes that the frame had on the wire
    connection: int | None
    from_client: bool | None        # its direction; None without a connection
    label: int                      # what the frame is as a whole; `labels` has names
    spans: tuple[Span, ...]
    payload_at: int | None
    capabilities: int | None
    codec: str
    packets: tuple[Packet, ...] = ()
    capture_frame: int = 0
    held: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of what is in it, each once, in order: of compressed packets, of all that they hold."""
        held = dict(self.held)
        found = [label for span in self.spans for label in held.get(span[0], (span[2],))] or [self.label]
        return tuple(dict.fromkeys(map(label_name, found)))

    @property
    def leaked_bytes(self) -> int:
        """Return how many captured bytes of payload needed protection and had none."""
        return sum(end - start for start, end in self._leaks())

    @property
    def leaked(self) -> list[tuple[int, int]]:
        """Return where the leaked bytes are in `data`, as (start, end); empty if the payload is not in it."""
        at = self.payload_at
        return [] if at is None else [(at + start, at + end) for start, end in self._leaks()]

    def _leaks(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for start, end, label in self.spans:
            if labels.classify(label) != labels.PLAINTEXT:
                continue
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found


def packets(
    paths: Sequence[str | os.PathLike[str]],
    options: ScanOptions = STANDARD,
    *,
    window: int = WINDOW,
    on_error: OnError | None = None,
    on_capture: OnCapture | None = None,
    on_begin: OnBegin | None = None,
) -> Iterator[PacketView]:
    """Yield the frames of captures (files, folders, globs, "-"), read as one in the order of their times.

    options: as of `scan`; only ports and filter of frames are of use here. window: frames that wait for their labels at
    most. on_begin: called with all paths before any is opened. on_capture: called with each path before it is opened,
    and how many there are. on_error: called where a capture is damaged (the frames before it are given) or is none;
    without it the first such CaptureError is raised after the last frame. Raises UsageError, and CaptureError where
    nothing could be read. Ctrl-C ends the reading: the frames read until then are given, then KeyboardInterrupt is
    raised.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    engine = Engine(list(options.ports), options.only_ports, zstd_decompressor, want_labels=True, want_places=True)
    waiting = _Window(engine, window, options.frames)
    inputs = dated_inputs([os.fspath(path) for path in paths])
    if on_begin is not None:
        on_begin([path for path, _ in inputs])
    failures: list[CaptureError] = []
    damages: list[CaptureError] = []
    interrupt: KeyboardInterrupt | None = None

    def damaged(error: CaptureError) -> None:
        damages.append(error)
        if on_error is not None and len(failures) < len(inputs):
            on_error(error)

    def start(path: str) -> _Reading | None:
        if on_capture is not None:
            on_capture(path, len(inputs))
        try:
            capture = open_capture(path, hash_input=False)
        except CaptureError as error:
            failures.append(error)
            damaged(error)
            return None
        reading = _Reading(path, capture, waiting, damaged, shifts.get(path, 0))
        return reading if reading.advance() else None

    in_order, shifts = aligned(inputs)
    interleaved = Interleaved(in_order, start)
    try:
        while interleaved.step():
            yield from waiting.ready()
    except KeyboardInterrupt as error:
        interrupt = error
    finally:
        for reading in interleaved.open_readers():
            reading.capture.close()
    check_readable(failures, len(inputs))
    waiting.finish()
    yield from waiting.ready()
    if interrupt is not None:
        raise interrupt
    if damages and on_error is None:
        raise damages[0]


class _Frame:
    """A frame that waits for its labels."""

    __slots__ = (
        "capture", "capture_frame", "connection", "covered", "data", "facts", "from_client", "held", "is_settled",
        "label", "link_type", "number", "original_len", "packets", "payload_at", "payload_captured", "payload_len",
        "spans", "time_ns", "undated",
    )  # fmt: skip

    def __init__(self, number: int, path: str, capture_frame: int, data: bytes, capture: Capture) -> None:
        source = capture.source
        self.number = number
        self.capture = path
        self.capture_frame = capture_frame
        self.data = data
        self.time_ns = int(source.time_ns)
        self.undated = capture.undated and self.time_ns < UNDATED_BEFORE_NS
        self.link_type = int(source.link_type)
        self.original_len = int(source.original_len)
        self.connection = 0
        self.from_client = -1
        self.label = int(labels.UNKNOWN)
        self.spans: list[Span] = []
        self.held: dict[int, tuple[int, ...]] = {}
        self.packets: list[Packet] = []
        self.covered = 0            # bytes of payload that have a label
        self.payload_len = 0        # on the wire
        self.payload_captured = 0
        self.payload_at: int | None = None
        self.facts: Facts | None = None
        self.is_settled = False

    def view(self) -> PacketView:
        facts = self.facts
        capabilities = None
        codec = "utf-8"
        if facts is not None:
            if facts.capabilities_known:
                capabilities = int(facts.capabilities)
            if facts.login is not None:
                codec = codec_name(facts.login.charset)
        return PacketView(
            number=self.number,
            capture=self.capture,
            time_ns=self.time_ns if self.time_ns >= 0 else None,
            undated=self.undated,
            link_type=self.link_type,
            data=self.data,
            original_len=self.original_len,
            connection=self.connection or None,
            from_client=None if self.from_client < 0 else self.from_client == 1,
            label=self.label,
            spans=self._spans(),
            payload_at=self.payload_at if self.payload_captured else None,
            capabilities=capabilities,
            codec=codec,
            packets=tuple(sorted(self.packets, key=lambda one: one.start)),
            capture_frame=self.capture_frame,
            held=tuple(self.held.items()),
        )

    def _spans(self) -> tuple[Span, ...]:
        """Over all captured bytes of the payload, in order; beside others, what has no label is unknown."""
        size = self.payload_captured
        rest = int(labels.UNKNOWN) if self.spans else self.label
        found: list[Span] = []
        at = 0
        for start, end, label in sorted(self.spans):
            low, high = max(at, start), min(end, size)
            if low >= high:
                continue
            if at < low:
                found.append((at, low, rest))
            found.append((low, high, label))
            at = high
        if at < size:
            found.append((at, size, rest))
        return tuple(found)


class _Reading:
    """A capture that is being read, alone or in turns with others whose times overlap."""

    def __init__(
        self, path: str, capture: Capture, window: _Window, damaged: Callable[[CaptureError], None], shift_ns: int
    ) -> None:
        self.path = path
        self.capture = capture
        self._count = 0
        self._shift_ns = shift_ns  # its clock is so much behind
        self._window = window
        self._damaged = damaged

    def time_ns(self) -> int:
        time_ns = int(self.capture.source.time_ns)
        return time_ns + self._shift_ns if time_ns >= 0 else time_ns

    def advance(self) -> bool:
        """Go to the next frame; False at the end."""
        try:
            if self.capture.source.advance():
                return True
            if self.capture.damage is not None:
                self._damaged(CaptureError(self.path, -1, self.capture.damage))
        except CaptureError as error:
            self._damaged(error)
        except BaseException:
            self.capture.close()
            raise
        self.capture.close()
        return False

    def read_until(self, until: int) -> bool:  # noqa: ARG002 - each call takes one frame
        """Take the current frame; False where it was the last one."""
        self._count += 1
        self._window.feed(self.path, self._count, self.capture)
        return self.advance()


class _Window:
    """Frames in order, from the first that has no whole label yet."""

    def __init__(self, engine: Engine, size: int, wanted: FrameFilter | None = None) -> None:
        self.engine = engine
        self.wanted = wanted
        self.size = max(1, size)
        self.frames: OrderedDict[int, _Frame] = OrderedDict()
        self.held = 0  # bytes

    def feed(self, path: str, capture_frame: int, capture: Capture) -> None:
        """Feed the current frame of `capture` to the engine."""
        source = capture.source
        engine = self.engine
        start = source.at
        data = source.buffer[start : start + source.captured_len]
        if self.wanted is not None and not self.wanted.takes(data, int(source.original_len), int(source.link_type)):
            engine.frames += 1  # it keeps its number
            return
        tcp_frames = engine.tcp_frames
        engine.feed(data, 0, len(data), source.original_len, source.time_ns, source.link_type)
        frame = _Frame(int(engine.frames), path, capture_frame, data, capture)
        if engine.tcp_frames != tcp_frames:
            found = engine.locator
            frame.payload_len = int(found.payload_len)
            frame.payload_captured = int(found.captured_end - found.payload_at)
            frame.payload_at = int(found.payload_at) if found.buffer is data else None
        self.frames[frame.number] = frame
        self.held += len(data)
        self._take_labels()

    def finish(self) -> None:
        """End: no more frames, so every label there will be is there."""
        self.engine.finish()
        self._take_labels()
        for frame in self.frames.values():
            frame.is_settled = True

    def ready(self) -> Iterator[PacketView]:
        """Yield the frames that can leave."""
        frames = self.frames
        while frames:
            frame = next(iter(frames.values()))
            if not (frame.is_settled or len(frames) > self.size or self.held > WINDOW_BYTES):
                return
            del frames[frame.number]
            self.held -= len(frame.data)
            yield frame.view()

    def _take_labels(self) -> None:
        engine = self.engine
        ended: dict[int, Facts] = {}
        for connection in engine.ended:
            ended[connection.facts.id] = connection.facts
            connection.dispose()
        engine.ended = []
        labelled = engine.labelled
        if not labelled:
            return
        for item in labelled:
            frame = self.frames.get(item.frame)
            if frame is None:
                continue  # it has left
            frame.connection = int(item.connection)
            frame.from_client = int(item.from_client)
            frame.facts = engine.facts.get(item.connection) or ended.get(item.connection)
            frame.label = int(item.label)
            frame.spans += [(int(span.start), int(span.end), int(span.label)) for span in item.spans]
            frame.held.update((int(span.start), tuple(span.held)) for span in item.spans if span.held is not None)
            frame.packets += _list_packets(item)
            frame.covered += sum(int(span.end - span.start) for span in item.spans)
            frame.is_settled = not item.spans or frame.covered >= frame.payload_len
        labelled.clear()


def _list_packets(item: LabelledFrame) -> list[Packet]:
    """Return the MySQL packets in a frame: one that has several spans comes once."""
    found: list[Packet] = []
    for span in item.spans:
        place = span.place
        if place is None:
            continue
        start, end, at = int(span.start), int(span.end), int(place.at)
        if found and at > 0 and found[-1].end == start and found[-1].at + (start - found[-1].start) == at:
            found[-1] = replace(found[-1], end=end)
            continue
        found.append(_make_packet(place, start, end))
    return found


def _make_packet(place: Place, start: int, end: int) -> Packet:
    inside = place.inside
    return Packet(
        start, end, int(place.role), int(place.at), int(place.number), int(place.of), tuple(place.kinds or ()),
        None if inside is None else tuple(_make_packet(one, int(one.start), int(one.end)) for one in inside),
    )  # fmt: skip
