"""Does a text read like SQL? Asked where nothing else says that a packet is a statement.

Source: MySQL 9 and MariaDB 11 manuals, "SQL Statements": the words that a statement begins with.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.mysql.commands import COM_QUERY, COM_STMT_PREPARE
from aurora_wire.wire.mysql.sql_lexer import COMMENT, MARK, UNCLOSED_COMMENT, WORD, read_token

SHOWN: Final[i64] = 64       # bytes that are looked at
LONGEST_VERB: Final[i64] = 10

VERBS: Final = frozenset(
    b"alter analyze backup begin binlog cache call change check checksum clone commit create deallocate declare delete "
    b"desc describe do drop execute explain flush grant handler help import insert install kill load lock optimize "
    b"prepare purge release rename repair replace reset resignal restart revoke rollback savepoint select set show "
    b"shutdown signal start stop table truncate uninstall unlock update use values with xa".split()
)

TEXT: Final[i64] = 24          # printable bytes that a statement begins with, where it has as many
SHORTEST: Final[i64] = 6       # bytes of a text: "commit", "begin;"

# A statement's first word. Each is 4 letters or more, so that random bytes begin with one (in any case of letters) in
# 20 * 2^-24 tries; with the header's two fixed bytes, and the printable bytes behind it, in less than one of 10^14.
FIRST_WORDS: Final = (
    b"select ", b"insert ", b"update ", b"delete ", b"replace ", b"set ", b"show ", b"create ", b"drop ", b"alter ",
    b"begin", b"commit", b"rollback", b"call ", b"use ", b"grant ", b"with ", b"load ", b"(select ", b"explain ",
    b"start transaction", b"truncate ", b"rename ", b"analyze ", b"describe ", b"desc ", b"savepoint ", b"lock ",
    b"unlock ", b"flush ", b"kill ", b"revoke ", b"prepare ", b"execute ", b"deallocate ", b"optimize ",
    b"handler ", b"values ", b"table ", b"xa ", b"do ",
)  # fmt: skip
COMMENTS: Final = (b"/*", b"--", b"#")


def is_text(data: bytes, at: i64, end: i64) -> bool:
    """Return whether data[at:end] has no control characters but white space.

    Bytes above 127 may be of a name or a literal in any character set.
    """
    while at < end:
        byte: i64 = data[at]
        if (byte < 32 and byte != 9 and byte != 10 and byte != 13) or byte == 127:
            return False
        at += 1
    return True


def is_ascii_text(data: bytes, at: i64, end: i64) -> bool:
    """Return whether data[at:end] is printable ASCII and white space."""
    while at < end:
        byte: i64 = data[at]
        if (byte < 32 and byte != 9 and byte != 10 and byte != 13) or byte >= 127:
            return False
        at += 1
    return True


def reads_like_sql(data: bytes, at: i64, end: i64) -> bool:
    """Return whether data[at:end] begins with a statement's first word, behind comments, and goes on as text.

    Skips an empty list of query attributes, 00 01. Text that ends early, by the snaplen or a segment, may be SQL.
    """
    if end - at >= 2 and data[at] == 0 and data[at + 1] == 1:
        at += 2
    stop = end
    if stop - at > SHOWN:
        stop = at + SHOWN
    if not is_text(data, at, stop):
        return False
    at = _behind_comments(data, at, stop)
    if at < 0:
        return True  # nothing but a comment so far: its text was looked at above
    if at >= stop:
        return False
    kind, behind = read_token(data, at, stop, 0)
    return kind == WORD and behind - at <= LONGEST_VERB and data[at:behind].lower() in VERBS


def _behind_comments(data: bytes, at: i64, end: i64) -> i64:
    """Return where the first word is, behind white space, `(`, `;` and comments; -1 if a comment does not end here.

    What stands in a conditional comment is executed: its first word counts. Two hyphens are a comment also where no
    white space follows, which the server refuses, but was sent.
    """
    while at < end:
        kind, stop = read_token(data, at, end, 0)
        byte: i64 = data[at]
        if kind == UNCLOSED_COMMENT or (kind == COMMENT and stop == end and byte != 47):
            return -1 if byte != 35 and end - at >= 8 else at
        if kind == MARK and byte == 45 and at + 1 < end and data[at + 1] == 45:
            stop = data.find(b"\n", at, end)
            if stop < 0:
                return -1 if end - at >= 8 else at
        elif kind >= WORD and byte != 40 and byte != 59:
            break
        at = stop
    return at


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
        return last - place >= TEXT and is_ascii_text(data, place, last)
    return word.startswith(FIRST_WORDS) and is_text(data, place, last)


def asks_for_file(text: bytes) -> bool:
    """Return whether a server may answer this statement with a request for a file: LOAD DATA (or XML) LOCAL INFILE.

    The words are enough, wherever they stand: behind a comment, or as one of several statements.
    """
    words = text.upper()
    return b"LOAD" in words and b"LOCAL" in words and b"INFILE" in words
