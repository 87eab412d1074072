"""What tells plaintext behind a gap in a direction that was TLS, or was about to be: text that reads as SQL, a login.

Ciphertext and the middle of a handshake message look like anything for a few bytes: `xx xx xx 00 03` stands at the
beginning of one segment in 65,536, and with a length that fits in one of a hundred million records. Names in a
certificate are readable, too. So that a header alone, a reply or a readable run says nothing there.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.reads import u24
from aurora_wire.wire.facts import Facts
from aurora_wire.wire.mysql.commands import COM_QUERY, COM_STMT_PREPARE
from aurora_wire.wire.mysql.sql_text import is_text

TEXT: Final[i64] = 24          # printable bytes that a statement begins with, where it has as many
LONG: Final[i64] = 65535       # bytes of a packet that still is a link of a chain
SHORTEST: Final[i64] = 6       # bytes of a text: "commit", "begin;"

# A statement's first word. Each is 4 letters or more, so that random bytes begin with one (in any case of letters) in
# 20 * 2^-24 tries; with the header's two fixed bytes, and the printable bytes behind it, in less than one of 10^14.
VERBS: Final = (
    b"select ", b"insert ", b"update ", b"delete ", b"replace ", b"set ", b"show ", b"create ", b"drop ", b"alter ",
    b"begin", b"commit", b"rollback", b"call ", b"use ", b"grant ", b"with ", b"load ", b"(select ", b"explain ",
    b"start transaction", b"truncate ", b"rename ", b"analyze ", b"describe ", b"desc ", b"savepoint ", b"lock ",
    b"unlock ", b"flush ", b"kill ", b"revoke ", b"prepare ", b"execute ", b"deallocate ", b"optimize ",
    b"handler ", b"values ", b"table ", b"xa ", b"do ",
)  # fmt: skip
COMMENTS: Final = (b"/*", b"--", b"#")

# Words of one statement, in this order. One alone stands in certificates ("for authorized use only").
PHRASES: Final = (
    (b"select ", b" from ", b""), (b"select ", b"@@", b""), (b"insert into ", b"values", b""),
    (b"insert into ", b"select ", b""), (b"update ", b" set ", b"="), (b"delete from ", b" where ", b""),
    (b"replace into ", b"values", b""), (b"create table ", b"(", b""), (b"set names ", b"utf8", b""),
    (b"identified by ", b"'", b""), (b"create user ", b"'", b""),
)  # fmt: skip


def expects_tls(facts: Facts) -> bool:
    """Return whether a connection has begun TLS, or asked for it: in either direction."""
    tls = facts.tls
    if tls is not None and (tls.client.records > 0 or tls.server.records > 0):
        return True
    return facts.ssl_request_frame >= 0


def was_protected(facts: Facts, from_client: bool) -> bool:
    """Return whether a direction had come to application data: nothing of its handshake is readable any more."""
    tls = facts.tls
    return tls is not None and tls.side(from_client).app_records > 0


def begins_statement(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a packet with a statement begins at `at`, by its text."""
    if end - at < 5 + SHORTEST or data[at + 3] != 0 or data[at + 4] not in (COM_QUERY, COM_STMT_PREPARE):
        return False
    stop = at + 4 + u24(data, at)
    if stop > end:
        stop = end
    place = at + 5
    if stop - place >= 2 and data[place] == 0 and data[place + 1] == 1:
        place += 2  # no query attributes
    if stop - place < SHORTEST:
        return False
    last = place + TEXT if stop - place > TEXT else stop
    word = data[place : place + 18].lower()
    if word.startswith(COMMENTS):
        # Two fixed bytes, so that all the printable ones are needed: (98 / 256)^22 * 2^-31 with the header.
        return last - place >= TEXT and _is_ascii_text(data, place, last)
    return word.startswith(VERBS) and is_text(data, place, last)


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


def _is_ascii_text(data: bytes, at: i64, end: i64) -> bool:
    while at < end:
        byte: i64 = data[at]
        if (byte < 32 and byte != 9 and byte != 10 and byte != 13) or byte >= 127:
            return False
        at += 1
    return True


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
