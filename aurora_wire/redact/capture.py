"""Writes a capture again with what needed protection and had none masked: same packets, lengths and verdicts.

One pass: the engine reads the capture and says of each byte what it is in its place, `direction` decides from that
what may be copied out, and `copier` writes it. What nobody could place is blanked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import STANDARD, ScanOptions
from aurora_wire.analysis.scan import no_garbage_collector, uninterrupted
from aurora_wire.capture.files.addresses import is_remote, shown
from aurora_wire.capture.files.open import open_capture
from aurora_wire.capture.files.pcap import PcapSource
from aurora_wire.capture.files.raw_records import PCAP_MAGICS, uncompressed
from aurora_wire.capture.files.remote import RemoteFile, open_stored
from aurora_wire.capture.frame_source import BlockSource
from aurora_wire.errors import CaptureError, UsageError, describe_error
from aurora_wire.immutable import replace
from aurora_wire.link_types import EN10MB, LINUX_SLL, LINUX_SLL2, link_type_number_and_name
from aurora_wire.redact import checksum_update as checksums
from aurora_wire.redact.block_notes import CutSource
from aurora_wire.redact.copier import Blocks, Copier
from aurora_wire.redact.direction import Directions
from aurora_wire.redact.held_frames import Board
from aurora_wire.redact.masker import Masker
from aurora_wire.redact.pseudonyms import Pseudonyms
from aurora_wire.redact.recompress import packed
from aurora_wire.redact.replacements import Words
from aurora_wire.rights.atomic_file import atomic_file
from aurora_wire.rights.inputs import size_of_input
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan
from aurora_wire.wire.net.checksum import PARTIAL, ZERO, tcp_checksum_state
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

MAX_TOLD: Final = 20
MAX_COMPARED: Final = 1000  # differences that are looked for
COMPARED: Final = ("verdict", "commands")
CHUNK: Final = 20_000   # frames between two steps of the bar
# LINKTYPE_ numbers of frames with addresses of their hardware, or of an Ethernet frame behind another header.
UNREACHED: Final = frozenset({
    6, 10, 11, 19, 100, 105, 106, 119, 122, 123, 127, 130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 149, 163, 164,
    167, 168, 174, 178, 183, 192, 194, 197, 200, 232, 233, 238, 240, 241, 242, 247, 258, 274, 281, 282, 284, 285,
})
PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"

OnProgress = Callable[[int, int | None], None]


@dataclass(slots=True)
class Redacted:
    """What was done. fragments: frames of IP fragments, whose payload was blanked; scan: the capture as it was judged,
    without findings.

    undecoded: frames without TCP that were blanked. not_mysql: frames of connections of other protocols.
    """

    scan: Scan
    frames: int = 0
    changed: int = 0
    bytes: int = 0
    not_mysql: int = 0
    fragments: int = 0
    undecoded: int = 0
    blocks: int = 0          # of a pcapng that hold neither packets nor numbers (secrets, names, notes): left out
    damage: str | None = None


def redact_capture(
    path: str, output: str, masker: Masker, options: ScanOptions = STANDARD, *, pseudonyms: Pseudonyms | None = None,
    keep_unknown: bool = False, on_progress: OnProgress | None = None,
) -> Redacted:  # fmt: skip
    """Mask a capture: pcap in, pcap out; pcapng in, pcapng out; never compressed. Raises CaptureError, UsageError,
    OutputError.
    """
    size: int | None = None
    if not is_remote(path):
        size = size_of_input(path)
    analysis = Analysis(replace(options, keep_statements=0), only_verdicts=True)
    engine = analysis.engine
    engine.budget.open //= 2  # what masks an open connection takes as much again
    board = Board()
    words = Words(masker.token, masker.sql, packed, masker.keyed)
    directions = Directions(board, words, pseudonyms is not None, keep_unknown)
    engine.trackers = directions
    path = shown(path)
    result = CaptureResult(path, "", None, None, 0)
    damage: str | None = None
    with open_stored(path) as file, no_garbage_collector():
        reader = uncompressed(path, partial(_read_block, path, file))
        head = reader.take(len(PCAPNG_MAGIC))
        waiting = [head]

        def read() -> bytes:
            return waiting.pop() if waiting else reader.take(1 << 20)

        if head not in PCAP_MAGICS and head != PCAPNG_MAGIC:
            if size is not None:
                open_capture(path, hash_input=False).close()  # raises with what it is, where that is known
            raise CaptureError(path, 0, "is neither pcap nor pcapng. Is it the right file?")
        with atomic_file(output) as target:
            blocks = Blocks(read, target.write)
            source: BlockSource
            cut_source: CutSource | None = None
            if head == PCAPNG_MAGIC:
                source = cut_source = CutSource(path, blocks.read)
            else:
                source = PcapSource(path, blocks.read)
            rewrite = None if pseudonyms is None else _Addresses(path, pseudonyms).rewrite
            copier = Copier(source, engine, board, blocks, rewrite, keep_unknown)
            copier.cut_source = cut_source
            analysis.begin(result)
            try:
                while copier.run(CHUNK) == CHUNK:
                    analysis.collect()
                    if on_progress is not None:
                        on_progress(file.tell() if size is None else min(file.tell(), size) // 2, size)
            except CaptureError as error:
                if not copier.frames:
                    raise
                damage = result.error = str(error)
            good = int(source.base + source.next)
            analysis.end(result)
            judged = analysis.finish()
            if pseudonyms is not None and board.proxy_frame:
                raise UsageError(
                    f"{path}: frame {board.proxy_frame} has a PROXY header, whose addresses --pseudonymise does not "
                    "reach."
                )
            copier.finish(good)
    return Redacted(
        judged, int(copier.frames), int(copier.changed), int(copier.masked), int(board.not_mysql),
        int(copier.fragments), int(copier.undecoded), 0 if cut_source is None else int(cut_source.blocks), damage,
    )  # fmt: skip


def _read_block(path: str, file: BinaryIO | RemoteFile, size: int) -> bytes:
    """Read a block. What cannot be read is the capture's fault, not that of the file that is written meanwhile."""
    try:
        return file.read(size)
    except OSError as error:
        raise CaptureError(path, -1, f"cannot be read ({describe_error(error)}).") from error


def _of_client(connection: ConnectionResult) -> int:
    """Return how many statements the client sent. Those of a replicated log are filled, and are none any more."""
    replicated = connection.replication.statements if connection.replication is not None else 0
    return connection.statements_total - replicated


def _lost_its_log(one: ConnectionResult, other: ConnectionResult) -> bool:
    """Return whether the proof was in statements of a replicated log: of a masked one, what is left is likely."""
    replicated = one.replication is not None and one.replication.statements > 0
    return replicated and (one.confidence, other.confidence) == ("proven", "likely")


def verdict_differences(was: Scan, after: str, options: ScanOptions = STANDARD) -> list[str]:
    """Return what is judged in another way in the masked capture, with the options that it was masked with."""
    kept = {one.id: one for one in was.connections}
    told: list[tuple[int, str]] = []
    weaker: list[int] = []

    def compare(other: ConnectionResult, _: list[Finding]) -> None:
        one = kept.get(other.id)
        if one is None or len(told) >= MAX_COMPARED:
            return
        values = [(name, getattr(other, name), getattr(one, name)) for name in COMPARED]
        if _lost_its_log(one, other):
            weaker.append(other.id)
        else:
            values.append(("confidence", other.confidence, one.confidence))
        values.append(("number of the client's statements", _of_client(other), _of_client(one)))
        differing = [(name, now, before) for name, now, before in values if now != before]
        if differing:
            name, now, before = differing[0]
            told.append((other.id, f"connection {other.id}: {name} is {now}, and was {before}"))

    # No result is kept: those of the capture as it was are.
    analysis = Analysis(
        replace(options, keep_statements=0), max_results=0, on_connection=compare, only_verdicts=True
    )
    analysis.engine.budget.open //= 2  # as it was judged before
    with no_garbage_collector():
        analysis.read(after)
        now = uninterrupted(analysis.finish())
    found: list[str] = []
    if was.verdict != now.verdict or (was.confidence != now.confidence and not weaker):
        found.append(f"the whole is {now.verdict} ({now.confidence}), and was {was.verdict} ({was.confidence})")
    if was.by_verdict != now.by_verdict or was.connections_total != now.connections_total:
        found.append(f"connections are {now.by_verdict}, and were {was.by_verdict}")
    found += [line for _, line in sorted(told)]
    return found[:MAX_TOLD]


class _Addresses:
    """Pseudonyms in place of a frame's addresses."""

    def __init__(self, path: str, pseudonyms: Pseudonyms) -> None:
        self.path = path
        self.pseudonyms = pseudonyms
        self.locator = Locator(Fragments())

    def rewrite(self, data: bytes, link_type: int, number: int) -> bytes:
        frame = bytearray(data)
        locator = self.locator
        if locator.locate(data, 0, len(data), len(data), link_type) == TCP and locator.buffer is data:
            self._addresses(frame, link_type, number)
        else:
            self._blank(frame, link_type)
        return bytes(frame)

    def _addresses(self, frame: bytearray, link_type: int, number: int) -> None:
        locator, pseudonyms = self.locator, self.pseudonyms
        if link_type in UNREACHED:
            raise UsageError(
                f"{self.path}: frame {number} has addresses of {link_type_number_and_name(link_type)}, which "
                "--pseudonymise does not reach. Convert it first (editcap -T), or leave addresses as they are."
            )
        if locator.encapsulation:
            raise UsageError(
                f"{self.path}: frame {number} is in a tunnel, whose outer addresses --pseudonymise does not "
                "reach. Take the tunnel off first, or leave addresses as they are."
            )
        at, size = int(locator.addresses_at), 4 if locator.ip_version == 4 else 16
        update = checksums.partial_updated if self._is_partial(frame) else checksums.updated
        before = checksums.words(frame[at : at + 2 * size])
        for place in (at, at + size):
            frame[place : place + size] = pseudonyms.ip(bytes(frame[place : place + size]))
        after = checksums.words(frame[at : at + 2 * size])
        if size == 4:
            ip_at = int(locator.ip_at)
            _put(frame, ip_at + 10, checksums.updated(_get(frame, ip_at + 10), before, after))
        tcp_at = int(locator.tcp_at)
        _put(frame, tcp_at + 16, update(_get(frame, tcp_at + 16), before, after))
        self._ethernet(frame, link_type)

    def _is_partial(self, frame: bytearray) -> bool:
        locator = self.locator
        if locator.captured_end - locator.tcp_at < locator.segment_len:
            return False  # not known: its end is not there
        state = tcp_checksum_state(
            bytes(frame), locator.addresses_at, locator.ip_version, locator.tcp_at, locator.captured_end
        )
        return bool(state in (PARTIAL, ZERO))

    def _ethernet(self, frame: bytearray, link_type: int) -> None:
        for place in _ethernet_addresses(frame, link_type):
            frame[place : place + 6] = self.pseudonyms.ethernet(bytes(frame[place : place + 6]))

    def _blank(self, frame: bytearray, link_type: int) -> None:
        """Blank what is no TCP: it may hold addresses anywhere (ARP, DNS, ICMP). Nothing of it is left but its kind."""
        self._ethernet(frame, link_type)
        start = 14 if link_type == EN10MB else 0
        frame[start:] = bytes(max(0, len(frame) - start))


def _ethernet_addresses(frame: bytearray, link_type: int) -> tuple[int, ...]:
    """Return where the frame has Ethernet addresses; cooked ones say how long the sender's address is."""
    if link_type == EN10MB and len(frame) >= 12:
        return 0, 6
    if link_type == LINUX_SLL and len(frame) >= 16 and _get(frame, 4) == 6:
        return (6,)
    if link_type == LINUX_SLL2 and len(frame) >= 20 and frame[11] == 6:
        return (12,)
    return ()


def _get(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


def _put(frame: bytearray, at: int, value: int) -> None:
    if at + 2 <= len(frame):
        frame[at : at + 2] = value.to_bytes(2, "big")
