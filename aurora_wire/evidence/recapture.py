"""Writes a capture again with what needed protection and had none masked: same packets, lengths and verdicts.

Two passes. The first labels every frame, puts the connections together and decides what to replace; the second
copies the file record by record, with the replacements in and checksums that were right made right again.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from aurora_wire.analysis import DEFAULT_PORTS, scan
from aurora_wire.errors import CaptureError, UsageError
from aurora_wire.evidence import blocks, checksums
from aurora_wire.evidence.addresses import Pseudonyms
from aurora_wire.evidence.analysing import uninterrupted
from aurora_wire.evidence.atomic import atomic_file
from aurora_wire.evidence.blocks import NAME_RESOLUTION, SECRETS, records, uncompressed
from aurora_wire.evidence.masked_streams import Conversation, Direction, Piece
from aurora_wire.evidence.masking import Masker
from aurora_wire.evidence.patches import FILL, Patch
from aurora_wire.packets import PacketView, packets
from aurora_wire.reads import u32_be
from aurora_wire.wire import labels
from aurora_wire.wire.checksum import PARTIAL, ZERO, tcp_checksum_state
from aurora_wire.wire.fragments import Fragments
from aurora_wire.wire.locator import TCP, Locator

MAX_TOLD: Final = 20
MAX_HELD: Final = 1 << 30   # bytes of readable connections, all together
ETHERNET: Final = 1
PROGRESS: Final = 20_000   # frames between two steps of the bar
SYN: Final = 0x02

OnProgress = Callable[[int, int | None], None]
Edits = dict[int, list[tuple[int, bytes]]]


@dataclass(slots=True)
class Redacted:
    """What was done. fragments: frames of IP fragments with parts of connections, whose payload was blanked."""

    frames: int = 0
    changed: int = 0
    bytes: int = 0
    not_mysql: int = 0       # frames of connections of other protocols, left as they are
    fragments: int = 0
    secrets: int = 0         # blocks of TLS secrets (and of names, with pseudonyms) left out
    damage: str | None = None


def redact_capture(
    path: str, output: str, masker: Masker, *, pseudonyms: Pseudonyms | None = None,
    ports: Sequence[int] = DEFAULT_PORTS, only_ports: bool = False, on_progress: OnProgress | None = None,
) -> Redacted:  # fmt: skip
    """pcap in, pcap out; pcapng in, pcapng out; never compressed. Raises CaptureError, UsageError, OutputError."""
    done = Redacted()
    edits = plan(
        path, masker, done, ports=ports, only_ports=only_ports, hosts=pseudonyms is not None, on_progress=on_progress
    )
    with atomic_file(output) as file:
        _write(path, file, edits, done, pseudonyms, on_progress)
    return done


def verdict_differences(before: str, after: str, *, ports: Sequence[int], only_ports: bool) -> list[str]:
    """What is judged in another way in the masked capture; empty where nothing is."""
    was, now = (
        uninterrupted(scan([path], ports=ports, only_ports=only_ports)) for path in (before, after)
    )
    found: list[str] = []
    if (was.verdict, was.confidence) != (now.verdict, now.confidence):
        found.append(f"the whole is {now.verdict} ({now.confidence}), and was {was.verdict} ({was.confidence})")
    if was.by_verdict != now.by_verdict or len(was.connections) != len(now.connections):
        found.append(f"connections are {now.by_verdict}, and were {was.by_verdict}")
    for one, other in zip(was.connections, now.connections, strict=False):
        for name in ("verdict", "confidence", "statements_total", "commands"):
            if getattr(one, name) != getattr(other, name):
                found.append(
                    f"connection {one.id}: {name} is {getattr(other, name)}, and was {getattr(one, name)}"
                )
                break
    return found[:MAX_TOLD]


# -- the first pass


def plan(
    path: str, masker: Masker, done: Redacted, *, ports: Sequence[int], only_ports: bool, hosts: bool = False,
    on_progress: OnProgress | None = None,
) -> Edits:  # fmt: skip
    """What to replace in which frame: (offset in its data, bytes). hosts: names and addresses of hosts, too."""
    damages: list[CaptureError] = []
    conversations: dict[int, Conversation] = {}
    locator = Locator(Fragments())
    held = read = 0
    size = Path(path).stat().st_size
    blanked: Edits = {}
    for view in packets([path], ports=ports, only_ports=only_ports, on_error=damages.append):
        read += len(view.data)
        if on_progress is not None and view.number % PROGRESS == 0:
            on_progress(min(read, size) // 2, size)  # the first of two passes
        if view.label == labels.IP_FRAGMENT or (view.spans and view.payload_at is None):
            done.fragments += 1
            blanked[view.number] = []
        if view.connection is None or not view.spans or view.payload_at is None:
            continue
        if view.spans[0][2] == labels.NOT_MYSQL:
            done.not_mysql += 1
            continue
        if hosts and any(span[2] == labels.PROXY_HEADER for span in view.spans):
            raise UsageError(
                f"{path}: frame {view.number} has a PROXY header, whose addresses --pseudonymise does not reach."
            )
        conversation = conversations.setdefault(view.connection, Conversation())
        held += _take(conversation, view, locator)
        if held > MAX_HELD:
            raise UsageError(
                f"{path}: holds more than {MAX_HELD >> 30} GiB of connections. Cut it into pieces first: "
                "editcap -c 1000000 IN OUT."
            )
    edits: Edits = {}
    for conversation in conversations.values():
        of_client, of_server = conversation.masks(masker, hosts=hosts)
        for direction, found in ((conversation.client, of_client), (conversation.server, of_server)):
            _apply(direction, found, edits, has_masks=bool(of_client or of_server))
    if any(one.readable for one in conversations.values()):
        edits.update(blanked)
    return edits


def _take(conversation: Conversation, view: PacketView, locator: Locator) -> int:
    """Note what a frame brings; answers how many bytes."""
    data = view.data
    if view.payload_at is None or locator.locate(data, 0, len(data), view.original_len, view.link_type) != TCP:
        return 0
    direction = conversation.client if view.from_client else conversation.server
    if view.capabilities is not None:
        conversation.agreed = view.capabilities
    at = int(locator.tcp_at)
    offset = direction.offset_of(u32_be(data, at + 4) + (1 if data[at + 13] & SYN else 0))
    taken = 0
    for start, end, label in view.spans:
        piece = data[view.payload_at + start : view.payload_at + end]
        direction.add(Piece(offset + start, piece, label, view.number, view.payload_at + start))
        taken += len(piece)
        if labels.class_of(label) == labels.PLAINTEXT or label == labels.X_PROTOCOL:
            conversation.readable = True
    return taken


def _apply(direction: Direction, found: list[Patch], edits: Edits, *, has_masks: bool) -> None:
    """Patches of a stream as edits of the frames that hold its bytes, however often they crossed."""
    found.sort()
    _edit(direction.pieces, found, edits)
    if not has_masks or not direction.copies:
        return
    pieces = sorted(direction.pieces, key=lambda one: one.offset)
    for copy in direction.copies:
        if _is_same(copy, pieces):
            _edit([copy], found, edits)
        else:  # other bytes than those that count: nobody says what they are
            edits.setdefault(copy.frame, []).append((copy.at, FILL * len(copy.data)))


def _is_same(copy: Piece, pieces: list[Piece]) -> bool:
    """Has it the bytes that the stream has at its place?"""
    at, end = copy.offset, copy.offset + len(copy.data)
    number = bisect_right(pieces, at, key=lambda one: one.offset) - 1
    while at < end and 0 <= number < len(pieces):
        piece = pieces[number]
        low, high = at - piece.offset, min(end - piece.offset, len(piece.data))
        if low < 0 or low >= high:
            return False
        if piece.data[low:high] != copy.data[at - copy.offset : at - copy.offset + high - low]:
            return False
        at += high - low
        number += 1
    return at == end


def _edit(pieces: list[Piece], found: list[Patch], edits: Edits) -> None:
    ends = [one.end for one in found]
    for piece in pieces:
        number = bisect_right(ends, piece.offset)
        end = piece.offset + len(piece.data)
        while number < len(found) and found[number].start < end:
            patch = found[number]
            low, high = max(patch.start, piece.offset), min(patch.end, end)
            new = patch.new[low - patch.start : high - patch.start]
            edits.setdefault(piece.frame, []).append((piece.at + low - piece.offset, new))
            number += 1


# -- the second pass


def _write(
    path: str, file: BinaryIO, edits: Edits, done: Redacted, pseudonyms: Pseudonyms | None,
    on_progress: OnProgress | None,
) -> None:  # fmt: skip
    rewriter = _Rewriter(path, edits, done, pseudonyms)
    size = Path(path).stat().st_size
    with Path(path).open("rb") as source:
        reader = uncompressed(path, source.read)
        link_types: list[int] = []
        try:
            for record in records(reader):
                if record.kind == SECRETS or (record.kind == NAME_RESOLUTION and pseudonyms is not None):
                    done.secrets += 1
                    continue
                link_type = _link_type(record.data, record.kind, record.order, link_types)
                if record.frame_at < 0:
                    file.write(record.data)
                    continue
                start, end = record.frame_at, record.frame_at + record.frame_len
                frame = rewriter.frame(record.data[start:end], record.original_len, link_type)
                file.write(record.data[:start] + frame + record.data[end:])
                if on_progress is not None and done.frames % PROGRESS == 0:
                    on_progress((size + source.tell()) // 2, size)
        except CaptureError as error:
            if not done.frames:
                raise
            done.damage = str(error)


def _link_type(data: bytes, kind: int, order: str, link_types: list[int]) -> int:
    """Of the frame in this record; interfaces are noted as they come."""
    if kind == -1:
        link_types.append(struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF)
    elif kind == blocks.SECTION_HEADER:
        link_types.clear()
    elif kind == blocks.INTERFACE:
        link_types.append(struct.unpack_from(order + "H", data, 8)[0])
    elif kind == blocks.ENHANCED_PACKET:
        return link_types[int(struct.unpack_from(order + "I", data, 8)[0])]
    elif kind == blocks.OLD_PACKET:
        return link_types[int(struct.unpack_from(order + "H", data, 8)[0])]
    return link_types[0] if link_types else -1


class _Rewriter:
    """Frames as they are to be written."""

    def __init__(self, path: str, edits: Edits, done: Redacted, pseudonyms: Pseudonyms | None) -> None:
        self.path = path
        self.edits = edits
        self.done = done
        self.pseudonyms = pseudonyms
        self.locator = Locator(Fragments())

    def frame(self, data: bytes, original_len: int, link_type: int) -> bytes:
        self.done.frames += 1
        edits = self.edits.get(self.done.frames)
        if edits is None and self.pseudonyms is None:
            return data
        frame = bytearray(data)
        locator = self.locator
        is_tcp = (
            locator.locate(data, 0, len(data), original_len, link_type) == TCP and locator.buffer is data
        )
        if edits is not None:
            if is_tcp:
                self._payload(frame, edits)
            else:
                self._fragment(frame, link_type)
        if self.pseudonyms is not None:
            if is_tcp:
                self._addresses(frame, link_type)
            else:
                self._blank(frame, link_type)
        if frame != data:
            self.done.changed += 1
        return bytes(frame)

    def _is_partial(self, frame: bytearray) -> bool:
        locator = self.locator
        if locator.captured_end - locator.tcp_at < locator.segment_len:
            return False  # not known: its end is not there
        state = tcp_checksum_state(
            bytes(frame), locator.addresses_at, locator.ip_version, locator.tcp_at, locator.captured_end
        )
        return bool(state in (PARTIAL, ZERO))

    def _payload(self, frame: bytearray, edits: list[tuple[int, bytes]]) -> None:
        at = int(self.locator.tcp_at)
        is_partial = self._is_partial(frame)
        start, end = int(self.locator.payload_at), int(self.locator.captured_end)
        odd = (start - at) % 2 == 1
        before = checksums.words(frame[start:end], odd)
        for place, new in edits:
            old = frame[place : place + len(new)]
            self.done.bytes += sum(1 for one, other in zip(old, new, strict=True) if one != other)
            frame[place : place + len(new)] = new
        if not is_partial:
            after = checksums.words(frame[start:end], odd)
            _put(frame, at + 16, checksums.updated(_get(frame, at + 16), before, after))

    def _fragment(self, frame: bytearray, link_type: int) -> None:
        """A part of a datagram: where its payload is told at its end only, so all behind IP's header goes."""
        start = min(len(frame), 34 if link_type == ETHERNET else 20)
        self.done.bytes += len(frame) - start
        frame[start:] = FILL * (len(frame) - start)

    def _addresses(self, frame: bytearray, link_type: int) -> None:
        locator, pseudonyms = self.locator, self.pseudonyms
        if pseudonyms is None:
            return
        if locator.encapsulation:
            raise UsageError(
                f"{self.path}: frame {self.done.frames} is in a tunnel, whose outer addresses --pseudonymise does not "
                "reach. Take the tunnel off first, or leave addresses as they are."
            )
        at, size = int(locator.addresses_at), 4 if locator.ip_version == 4 else 16
        is_partial = self._is_partial(frame)
        before = checksums.words(frame[at : at + 2 * size])
        for place in (at, at + size):
            frame[place : place + size] = pseudonyms.ip(bytes(frame[place : place + size]))
        after = checksums.words(frame[at : at + 2 * size])
        if size == 4:
            ip_at = int(locator.ip_at)
            _put(frame, ip_at + 10, checksums.updated(_get(frame, ip_at + 10), before, after))
        update = checksums.partial_updated if is_partial else checksums.updated
        tcp_at = int(locator.tcp_at)
        _put(frame, tcp_at + 16, update(_get(frame, tcp_at + 16), before, after))
        self._ethernet(frame, link_type)

    def _ethernet(self, frame: bytearray, link_type: int) -> None:
        if self.pseudonyms is not None and link_type == ETHERNET and len(frame) >= 12:
            for place in (0, 6):
                frame[place : place + 6] = self.pseudonyms.ethernet(bytes(frame[place : place + 6]))

    def _blank(self, frame: bytearray, link_type: int) -> None:
        """What is no TCP may hold addresses anywhere (ARP, DNS, ICMP): nothing of it is left but its kind."""
        self._ethernet(frame, link_type)
        start = 14 if link_type == ETHERNET else 0
        frame[start:] = bytes(max(0, len(frame) - start))


def _get(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


def _put(frame: bytearray, at: int, value: int) -> None:
    if at + 2 <= len(frame):
        frame[at : at + 2] = value.to_bytes(2, "big")
