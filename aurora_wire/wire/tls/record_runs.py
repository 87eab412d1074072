"""The usual TLS records, one after another: application data that lies whole in its segment and shows nothing new.

A function over `TLSRecords`, which takes every other record itself; of these it would say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from aurora_wire.binary import u32_be
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.tls.ciphertext_sample import CIPHERTEXT
from aurora_wire.wire.tls.names import APPLICATION_DATA
from aurora_wire.wire.tls.record_shape import MAX_RECORD_1_3, RECORD_HEADER

if TYPE_CHECKING:
    from aurora_wire.wire.tls.records import TLSRecords

SHORTEST_USUAL: Final[i64] = 25     # of any suite and version: it is no alert, it holds a byte, and is not too short


def take_run(records: TLSRecords, data: bytes, at: i64, end: i64) -> i64:
    """Take the usual records of data[at:end], where one begins. Return where the first other one does, or `end`.

    The direction's keys are settled, and nothing is decrypted.
    """
    mine = records.mine
    if not mine.spec_changed or mine.app_records == 0:
        return at  # the first of TLS 1.3 may be a Finished
    side = records.side
    looked = records.looked
    peer = records.peer
    usual = APPLICATION_DATA << 16 | records.version  # of a header the first three bytes
    while end - at > RECORD_HEADER:
        word = u32_be(data, at)
        low: i64 = data[at + 4]
        length = (word & 0xFF) << 8 | low
        body = at + RECORD_HEADER
        if word >> 8 != usual or not SHORTEST_USUAL <= length <= MAX_RECORD_1_3 or length > end - body:
            return at
        records.record_frame = side.frame
        records.record_offset = side.position
        records.kind = APPLICATION_DATA
        records.length = length
        records.label = labels.TLS_APPLICATION_DATA
        records.protected = True
        mine.records += 1
        mine.app_records += 1
        mine.app_bytes += length
        mine.data_records += 1
        if mine.first_data_offset < 0:
            mine.first_data_offset = side.position
        if peer is not None:
            mine.last_data_acked = peer.acked
        at = body + length
        found = looked.look(data, body, at, length)
        if found != CIPHERTEXT:
            records.note_sample(found)
        side.account(RECORD_HEADER + length, labels.TLS_APPLICATION_DATA)
    return at
