"""What tells plaintext behind a gap in a direction that was TLS, or was about to be: text that reads as SQL, a login.

Ciphertext and the middle of a handshake message look like anything for a few bytes: `xx xx xx 00 03` stands at the
beginning of one segment in 65,536, and with a length that fits in one of a hundred million records. Names in a
certificate are readable, too. So that a header alone, a reply or a readable run says nothing there.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.mysql.facts import MySQLFacts

LONG: Final[i64] = 65535       # bytes of a packet that still is a link of a chain

# Words of one statement, in this order. One alone stands in certificates ("for authorized use only").
PHRASES: Final = (
    (b"select ", b" from ", b""), (b"select ", b"@@", b""), (b"insert into ", b"values", b""),
    (b"insert into ", b"select ", b""), (b"update ", b" set ", b"="), (b"delete from ", b" where ", b""),
    (b"replace into ", b"values", b""), (b"create table ", b"(", b""), (b"set names ", b"utf8", b""),
    (b"identified by ", b"'", b""), (b"create user ", b"'", b""),
)  # fmt: skip


def expects_tls(facts: MySQLFacts) -> bool:
    """Return whether a connection has begun TLS, or asked for it: in either direction."""
    tls = facts.tls
    if tls is not None and (tls.client.records > 0 or tls.server.records > 0):
        return True
    return facts.ssl_request_frame >= 0


def may_be_tls(facts: MySQLFacts) -> bool:
    """Return whether nothing has shown yet that a connection is not in TLS: it was picked up in mid-stream, or lost
    what would have told.

    There a header says no more than it does in TLS.
    """
    if expects_tls(facts):
        return True
    clear = facts.readable or facts.told or facts.authenticated or facts.login_frame >= 0
    return not (clear or facts.compression > 0)


def was_protected(facts: MySQLFacts, from_client: bool) -> bool:
    """Return whether a direction had come to application data: nothing of its handshake is readable any more."""
    tls = facts.tls
    return tls is not None and tls.side(from_client).app_records > 0


def holds_phrase(data: bytes) -> bool:
    """Return whether the words of a statement stand in these bytes."""
    lowered = data.lower()
    for first, second, third in PHRASES:
        place = lowered.find(first)
        if place < 0:
            continue
        place = lowered.find(second, place + len(first))
        if place >= 0 and lowered.find(third, place + len(second)) >= 0:
            return True
    return False


def replies_chain(data: bytes, at: i64, end: i64) -> bool:
    """Return whether three packets with ids that go up by one follow each other here.

    The first two lie within the segment: in random bytes of 1,460 that is one of 2^13 for the first, 2^21 for the
    second (its id, its length), 2^16 for the header of the third: less than one of 10^15 segments.
    """
    links: i64 = 0
    sequence: i64 = -1
    while end - at >= 4:
        length = u24(data, at)
        if length == 0 or (links > 0 and data[at + 3] != (sequence + 1) & 0xFF):
            return False
        sequence = data[at + 3]
        if links == 0 and sequence == 0:
            return False
        links += 1
        if links == 3:
            return length <= LONG
        at += 4 + length
    return False
