"""Does a text read like SQL? Asked where nothing else says that a packet is a statement.

Source: MySQL 9 and MariaDB 11 manuals, "SQL Statements": the words that a statement begins with.
"""

from typing import Final

from mypy_extensions import i64

SHOWN: Final[i64] = 64       # bytes that are looked at
LONGEST_VERB: Final[i64] = 10

VERBS: Final = frozenset(
    b"alter analyze backup begin binlog cache call change check checksum clone commit create deallocate declare delete "
    b"desc describe do drop execute explain flush grant handler help import insert install kill load lock optimize "
    b"prepare purge release rename repair replace reset resignal restart revoke rollback savepoint select set show "
    b"shutdown signal start stop table truncate uninstall unlock update use values with xa".split()
)


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


def reads_like_sql(data: bytes, at: i64, end: i64) -> bool:
    """Whether data[at:end] begins with a statement's first word, behind comments, and goes on as text.

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
    begin = at
    while at < stop and at - begin <= LONGEST_VERB and 97 <= data[at] | 0x20 <= 122:
        at += 1
    if at < stop and (48 <= data[at] <= 57 or data[at] == 95 or data[at] >= 128):
        return False
    return data[begin:at].lower() in VERBS


def _behind_comments(data: bytes, at: i64, end: i64) -> i64:
    """Where the first word is, behind white space, `(`, `;` and comments; -1 for a comment that does not end here."""
    while at < end:
        byte: i64 = data[at]
        if byte <= 32 or byte == 40 or byte == 59:
            at += 1
        elif byte == 35 or data[at : at + 2] == b"--":
            line: i64 = data.find(b"\n", at, end)
            if line < 0:
                return -1 if byte != 35 and end - at >= 8 else at
            at = line + 1
        elif data[at : at + 2] == b"/*":
            if data[at + 2 : at + 3] == b"!":
                # What stands in a conditional comment is executed: its first word counts.
                at += 3
                while at < end and 48 <= data[at] <= 57:
                    at += 1
                continue
            close: i64 = data.find(b"*/", at + 2, end)
            if close < 0:
                return -1 if end - at >= 8 else at
            at = close + 2
        else:
            break
    return at
