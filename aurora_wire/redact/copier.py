"""Copies a capture: what stays of each frame is what was decided while the engine read it.

A frame of which every byte stays costs a look: what stands between two changed frames is written as it was read.
"""

from collections.abc import Callable
from typing import Final

from librt.strings import BytesWriter, read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.capture.frame_source import BlockSource
from aurora_wire.link_types import EN10MB
from aurora_wire.redact.block_notes import CutSource
from aurora_wire.redact.headers import are_usual, cleaned, without_extras
from aurora_wire.redact.held_frames import MAX_HELD, MAX_HELD_BYTES, Board, Held, Line, Part, Resolver, new_checksum
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.wire.net.skip_reasons import ARP, FRAGMENT_LOST, FRAGMENT_WAITING, NO_MYSQL_PORT, TCP_CUT

WRITTEN: Final[i64] = 1 << 20     # bytes that are written together
ETHERNET_HEADER: Final[i64] = 14
ARP_LENGTH: Final[i64] = 28        # of IPv4 addresses over Ethernet
VLAN: Final = frozenset((0x8100, 0x88A8, 0x9100))

Rewrite = Callable[[bytes, i64, i64], bytes]


class Blocks:
    """A file's bytes as they were read, until they are written, or something else in their place."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        self.read_block = read
        self.write = write
        self.blocks: list[bytes] = []
        self.base: i64 = 0      # file offset of the first of them
        self.written: i64 = 0   # and up to which bytes were written, or left out
        self.waiting: list[bytes] = []  # to be written together
        self.waiting_size: i64 = 0

    def _put(self, piece: bytes) -> None:
        self.waiting.append(piece)
        self.waiting_size += len(piece)
        if self.waiting_size >= WRITTEN:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.write(b"".join(self.waiting))
            self.waiting = []
            self.waiting_size = 0

    def read(self) -> bytes:
        block = self.read_block()
        if block:
            self.blocks.append(block)
        return block

    def up_to(self, position: i64) -> None:
        """Write what comes before `position` as it is."""
        while self.written < position and self.blocks:
            block = self.blocks[0]
            size: i64 = len(block)
            start = self.written - self.base
            stop = position - self.base
            if start < size:
                stop = min(stop, size)
                self._put(block if start == 0 and stop == size else block[start:stop])
                self.written = self.base + stop
            self._drop()

    def replace(self, position: i64, length: i64, new: bytes) -> None:
        """Write `new` instead of the `length` bytes at `position`."""
        self.up_to(position)
        self._put(new)
        self.written = position + length
        self._drop()

    def _drop(self) -> None:
        while self.blocks and self.base + len(self.blocks[0]) <= self.written:
            self.base += len(self.blocks[0])
            del self.blocks[0]


class Copier:
    """Feeds frames to the engine, whose trackers tell the board, and writes each when all of it is decided.

    rewrite: makes other addresses of a whole frame (its bytes, length on the wire, link type). keep_unknown: frames
    that hold no TCP stay as they are.
    """

    def __init__(
        self, source: BlockSource, engine: Engine, board: Board, blocks: Blocks, rewrite: Rewrite | None,
        keep_unknown: bool,
    ) -> None:  # fmt: skip
        self.source = source
        self.engine = engine
        self.board = board
        self.blocks = blocks
        self.rewrite = rewrite
        self.keep_unknown = keep_unknown
        self.order: list[Line] = []
        self.link_types: list[int] = []   # of those in `order`, where somebody rewrites
        self.first: i64 = 0               # of those in `order` that were not written
        self.frames: i64 = 0
        self.changed: i64 = 0
        self.masked: i64 = 0              # bytes
        self.fragments: i64 = 0
        self.undecoded: i64 = 0           # frames without TCP that were blanked
        self.cut_source: CutSource | None = None
        self.extras: list[int] = []       # of the frame's outer headers
        engine.locator.extras = self.extras
        self.line = BytesWriter()

    def run(self, limit: i64) -> i64:
        """Copy up to `limit` frames; fewer only at the end. Raises CaptureError if the capture is damaged."""
        source = self.source
        engine = self.engine
        count: i64 = 0
        while count < limit:
            found = source.advance()
            cuts = self.cut_source
            if cuts is not None and cuts.before:
                self._cuts(cuts.before)
                cuts.before = []
            if not found:
                break
            count += 1
            self.board.begin(engine.frames + 1)
            before = engine.tcp_frames
            engine.feed(
                source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
            )
            self._frame(engine.tcp_frames != before)
            if self.extras:
                self.extras.clear()
            if cuts is not None and cuts.after:
                self._cuts(cuts.after)
                cuts.after = []
        if self.first == len(self.order):
            self.blocks.up_to(source.base + source.next)
        return count

    def _cuts(self, cuts: list[tuple[int, int, bytes]]) -> None:
        """Write what stands in place of other bytes, around the frames."""
        for position, length, new in cuts:
            self._append(Line(position, length, new), -1)
        self._write(self.source.base + self.source.next)

    def _append(self, line: Line, link_type: i64) -> None:
        self.order.append(line)
        self.link_types.append(int(link_type))

    def _frame(self, is_tcp: bool) -> None:
        """Decide about the frame that was fed last, or let it wait."""
        source = self.source
        board = self.board
        locator = self.engine.locator
        self.frames += 1
        start = source.at
        end = start + source.captured_len
        if is_tcp and locator.buffer is source.buffer:
            length = locator.payload_len
            clean = b""  # the frame, where options in its headers are not to stay
            if self.extras or not are_usual(
                source.buffer, locator.ip_at, locator.tcp_at, locator.payload_at, locator.ip_version
            ):  # fmt: skip
                clean = self._cleaned(start, end)
            if locator.captured_end == end and self.rewrite is None and len(clean) == 0:
                if length == 0 or board.keeps:
                    return
                direction = board.direction
                if (
                    direction is not None and board.payload_at == 0 and board.end - board.start == length
                    and direction.done >= board.end and direction.kept_from <= board.start and not board.parts
                ):  # fmt: skip
                    return
                if direction is not None and self._at_once(direction, length):
                    return
            held = Held(board.current, source.base + start, source.buffer[start:end])
            if len(clean) > 0:
                held.original = held.data
                held.data = clean
            held.payload_at = locator.payload_at - start
            held.payload_end = locator.captured_end - start
            held.tcp_at = locator.tcp_at - start
            held.addresses_at = locator.addresses_at - start
            held.ip_version = locator.ip_version
            held.is_whole = locator.captured_end - locator.tcp_at == locator.segment_len
            self._place(held, length)
        else:
            held = Held(board.current, source.base + start, source.buffer[start:end])
            self._not_tcp(held, is_tcp, source.link_type)
        if not held.settled:
            board.frames[int(board.current)] = held
        self._append(held, source.link_type)
        self._write(source.base + end)

    def _cleaned(self, start: i64, end: i64) -> bytes:
        """Return the frame with unknown options and extras of its headers zeroed; b"" where there are none."""
        locator = self.engine.locator
        data = self.source.buffer[start:end]
        made = cleaned(
            data, locator.ip_at - start, locator.addresses_at - start, locator.tcp_at - start,
            locator.payload_at - start, locator.captured_end - start, locator.ip_version,
            locator.captured_end - locator.tcp_at == locator.segment_len,
        )  # fmt: skip
        made = without_extras(made, self.extras, start, locator.ip_at)
        return b"" if made == data else made

    def _at_once(self, direction: Resolver, length: i64) -> bool:
        """Take the frame that was fed last, if all of its payload is decided: the usual case. Else False."""
        board = self.board
        source = self.source
        locator = self.engine.locator
        data = source.buffer
        at = locator.payload_at
        end = locator.captured_end
        if (
            board.payload_at != 0 or board.end - board.start != length or direction.done < board.end
            or board.parts or end - at != length
        ):  # fmt: skip
            return False
        pieces = direction.output(board.start, data, at, end, 0)
        new = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        count = differing(data, at, new)
        if count == 0:
            return True
        self.changed += 1
        self.masked += count
        field = new_checksum(
            data, locator.addresses_at, locator.ip_version, locator.tcp_at, at, end, new,
            end - locator.tcp_at == locator.segment_len,
        )  # fmt: skip
        if field >= 0:
            begin = locator.tcp_at + 16
            line = self.line
            line.append(int(field & 0xFF))
            line.append(int(field >> 8))
            line.write(data[begin + 2 : at])
            line.write(new)
            new = line.getvalue()
            line.truncate(0)
            at = begin
        if self.first == len(self.order):
            self.blocks.replace(source.base + at, end - at, new)
        else:
            self._append(Line(source.base + at, end - at, new), -1)
        return True

    def _place(self, held: Held, length: i64) -> None:
        """Take what the board says of the frame."""
        board = self.board
        if board.keeps or length == 0:
            if length > 0:
                held.put(0, [held.data[held.payload_at : held.payload_end]])
            held.settled = True
            return
        parts = board.parts
        direction = board.direction
        if direction is not None:
            first = Part(board.current, board.payload_at, board.start, board.end, True)
            first.direction = direction
            parts = [first, *parts]
        held.left = length - board.covered
        if board.is_alone:
            held.left = 0
        for part in parts:
            whose = part.direction
            if whose is None:
                continue
            if whose.done >= part.end:
                board.fill_in(held, part, whose)
                if part.covers:
                    held.left -= part.end - part.start
            else:
                if board.is_alone:
                    part.covers = True
                    held.left += part.end - part.start
                whose.wait(part)
        if held.left <= 0:
            held.settled = True

    def _not_tcp(self, held: Held, is_tcp: bool, link_type: i64) -> None:
        """Mask a frame with no segment of TCP, or one put together from fragments: whatever it holds goes."""
        held.settled = True
        engine = self.engine
        reason = engine.reason
        if not is_tcp and self.keep_unknown:
            return
        data = held.data
        size: i64 = len(data)
        at: i64 = 0
        if link_type == EN10MB and size > ETHERNET_HEADER:
            at = ETHERNET_HEADER
            while size >= at + 4 and int(u16_be(data, at - 2)) in VLAN:
                at += 4
            kind = u16_be(data, at - 2)
            if kind == 0x0800 and size >= at + 20 and data[at] >> 4 == 4:
                at += 20  # options are filled
                if not is_tcp and reason in (TCP_CUT, NO_MYSQL_PORT) and data[at - 20] & 15 == 5:
                    at += 4  # ports
            elif kind == 0x86DD and size >= at + 40:
                at += 40
            elif not is_tcp and reason == ARP and u32_be(data, at) == 0x00010800 and u16_be(data, at + 4) == 0x0604:
                at += ARP_LENGTH
            at = min(at, size)
        if len(data[at:].strip(b"\0")) == 0:
            return
        held.payload_at = at
        held.payload_end = size
        if is_tcp or reason in (FRAGMENT_WAITING, FRAGMENT_LOST):
            self.fragments += 1
        elif at < size:
            self.undecoded += 1

    def _write(self, position: i64) -> None:
        """Write all frames that are decided, in their order; and those that waited too long, as far as they are."""
        order = self.order
        count: i64 = len(order)
        while self.first < count:
            line = order[self.first]
            if not line.settled:
                if count - self.first <= MAX_HELD and position - line.position <= MAX_HELD_BYTES:
                    break
                line.settled = True
            self._write_one(line)
        if self.first > 1024 and self.first * 2 > count:
            del order[: self.first]
            del self.link_types[: self.first]
            self.first = 0

    def _write_one(self, line: Line) -> None:
        link_type = self.link_types[self.first]
        self.first += 1
        if not isinstance(line, Held):
            self.blocks.replace(line.position, line.length, line.data)
            return
        held = line
        self.board.frames.pop(int(held.number), None)
        new = held.written()
        self.masked += differing(held.data, held.payload_at, new[held.payload_at :])
        if self.rewrite is not None:
            new = self.rewrite(new, link_type, held.number)
        if new != held.data or held.original:
            self.changed += 1
            self.blocks.replace(held.position, len(held.data), new)

    def finish(self, position: i64) -> None:
        """End: no more frames, and the engine has said all; the file is good up to `position`."""
        while self.first < len(self.order):
            self.order[self.first].settled = True
            self._write_one(self.order[self.first])
        self.blocks.up_to(position)
        self.blocks.flush()


def differing(data: bytes, at: i64, new: bytes) -> i64:
    """Return how many bytes of `new` are not those that `data` has from `at` on."""
    count: i64 = 0
    i: i64 = 0
    end: i64 = len(new)
    while i + 8 <= end:
        words = read_i64_le(data, at + i) ^ read_i64_le(new, i)
        if words != 0:
            count += _non_zero(words & 0xFFFFFFFF) + _non_zero(words >> 32 & 0xFFFFFFFF)
        i += 8
    while i < end:
        if data[at + i] != new[i]:
            count += 1
        i += 1
    return count


def _non_zero(word: i64) -> i64:
    """Return how many of the four bytes of a word are not 0."""
    highest = ((word & 0x7F7F7F7F) + 0x7F7F7F7F | word) >> 7 & 0x01010101  # of each such byte, as a 1
    return highest * 0x01010101 >> 24 & 0xFF
