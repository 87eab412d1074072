"""Which application data records count: not those of TLS 1.3 that hold a Finished or an alert, not empty ones.

Source: RFC 8446, sections 5.1 and 5.2: of TLS 1.3 all that is protected looks like application data.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.tls.facts import TLSFacts, TLSSide
from aurora_wire.wire.tls.handshake import holds_data
from aurora_wire.wire.tls.names import TLS_1_3

# A TLS 1.3 record has a content type and a tag of 16 besides what it holds (CCM_8: 8 fewer): that is all of an empty
# one, 2 bytes more of an alert, 4 of an EndOfEarlyData, 5 of a KeyUpdate. A client's first record there ends with its
# Finished, so that data comes in the second at the earliest.
EMPTY_1_3: Final[i64] = 17
KEY_UPDATE_1_3: Final[i64] = 22
SMALL_1_3: Final = (19, 21, 22)


def is_data_1_3(length: i64) -> bool:
    """Return whether a record of TLS 1.3 is no alert, KeyUpdate or EndOfEarlyData, each of which has one length."""
    return length > KEY_UPDATE_1_3 or (length > EMPTY_1_3 and length not in SMALL_1_3)


def counts_as_data(tls: TLSFacts, mine: TLSSide, length: i64, offset: i64) -> bool:
    """Return whether the record at a stream offset is data: under TLS <= 1.2, or if the hellos were not seen."""
    hello = tls.server_hello
    if hello is not None:
        return holds_data(hello.version, hello.suite, length)
    if tls.client_hello is None or (mine.app_records > 1 and is_data_1_3(length)):
        return length > 0
    # The hello may yet come, by another tap: what TLS 1.3 does not count is judged at the end.
    if length > 0:
        mine.unsure_records += 1
        if mine.first_unsure_offset < 0:
            mine.first_unsure_offset = offset
        if length > mine.unsure_longest:
            mine.unsure_longest = length
    return False


def count_unsure(tls: TLSFacts, mine: TLSSide) -> None:
    """Count unsure records as data, unless the version, if it is known by now, says that they may be none."""
    hello = tls.server_hello
    longest = mine.unsure_longest
    if longest == 0 or (hello is not None and not holds_data(hello.version, hello.suite, longest)):
        return
    if hello is not None and hello.version >= TLS_1_3:
        return
    mine.data_records += mine.unsure_records
    mine.unsure_longest = 0
    if mine.first_data_offset < 0 or mine.first_unsure_offset < mine.first_data_offset:
        mine.first_data_offset = mine.first_unsure_offset


def count_early(mine: TLSSide, before_hello: bool, frame: i64, offset: i64) -> None:
    """Count application data that comes before the keys it would need; the verdict knows the version."""
    early = before_hello
    if before_hello:
        mine.before_hello += 1
    if not mine.spec_changed:
        mine.before_spec += 1
        early = True
    if early and mine.early_frame < 0:
        mine.early_frame = frame
        mine.early_offset = offset
