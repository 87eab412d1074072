"""The schema and the character set in force on a connection: by login, COM_INIT_DB, USE, COM_CHANGE_USER, SET NAMES,
SET character_set_client, COM_RESET_CONNECTION, and by what an OK tells of the session.

A client's word counts when it is sent, as the next statements may be on their way before the answer is; an error in
answer to it takes it back. Sources: MySQL 9 Reference Manual, "SET NAMES", "SET CHARACTER SET", "USE"; MySQL Server
docs, "OK_Packet" (session state information).
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.charsets import find_collation
from aurora_wire.wire.mysql.lenenc import read_lenenc, read_lestr
from aurora_wire.wire.mysql.results import Change
from aurora_wire.wire.mysql.sql_lexer import AT, END, MARK, NAME, TEXT, WORD, Lexer, content_bounds, in_charset

# Kinds of what an OK tells.
SYSTEM_VARIABLE: Final[i64] = 0
SCHEMA: Final[i64] = 1

MAX_CHANGES: Final[i64] = 32      # of an OK that are told
MAX_VALUE: Final[i64] = 512       # bytes kept of a name or value
MAX_TOKENS: Final[i64] = 400      # of a text that are looked at
UNKNOWN: Final[i64] = -1


@mypyc_attr(acyclic=True)
class SessionState:
    """One connection's. schema: None where it is not known; charset: a collation's id of the character set in which the
    client's text comes, -1 where that is not known; first: the one of the login.
    """

    __slots__ = ("charset", "first", "schema")

    def __init__(self) -> None:
        self.schema: bytes | None = None
        self.charset: i64 = UNKNOWN
        self.first: i64 = UNKNOWN

    def copy(self) -> "SessionState":
        made = SessionState()
        made.schema = self.schema
        made.charset = self.charset
        made.first = self.first
        return made

    def log_in(self, schema: bytes, charset: i64) -> None:
        """Begin a session, by a login or COM_CHANGE_USER. charset: -1 where it does not say."""
        self.schema = schema[:MAX_VALUE] if schema else None
        if charset > 0:
            self.charset = charset
            self.first = charset

    def reset(self) -> None:
        """Take the session's variables back, as COM_RESET_CONNECTION does."""
        self.charset = self.first

    def forget(self) -> None:
        """Note that what the client said may have been missed."""
        self.schema = None
        self.charset = UNKNOWN

    # What a client says.

    def read_query(self, text: bytes) -> bool:
        """Read the text of a COM_QUERY that `may_change` a session. Return whether it says something of one."""
        lexer = Lexer(text, len(text), in_charset(self.charset))
        changed = False
        left = MAX_TOKENS
        lexer.next()
        while lexer.kind != END and left > 0:
            if lexer.kind == WORD and lexer.word == b"USE":
                lexer.next()
                if lexer.kind in (WORD, NAME):
                    self.schema = read_name(lexer)
                    changed = True
            elif lexer.kind == WORD and lexer.word == b"SET":
                changed = self._set(lexer) or changed
            while lexer.kind != END and not (lexer.kind == MARK and lexer.word == b";") and left > 0:
                lexer.next()
                left -= 1
            lexer.next()
        return changed

    def _set(self, lexer: Lexer) -> bool:
        """Read the assignments behind SET, up to the end of the statement."""
        changed = False
        left = MAX_TOKENS
        begins = True    # an assignment
        applies = True   # it is of the session
        marks: i64 = 0   # `@` before its name
        depth: i64 = 0
        lexer.next()
        while lexer.kind != END and left > 0:
            left -= 1
            if lexer.kind == MARK:
                if lexer.word == b";" and depth == 0:
                    return changed
                if lexer.word == b"(":
                    depth += 1
                elif lexer.word == b")":
                    depth -= 1
                elif lexer.word == b"," and depth == 0:
                    begins = True
                    applies = True
                    marks = 0
            elif lexer.kind == AT:
                marks += 1
            elif marks == 1:
                begins = False  # a variable of the user's
                marks = 0
            elif begins and lexer.kind == WORD:
                word = lexer.word
                if word in (b"GLOBAL", b"PERSIST", b"PERSIST_ONLY"):
                    applies = False
                elif word in (b"NAMES", b"CHARSET", b"CHARACTER", b"CHARACTER_SET_CLIENT"):
                    begins = False
                    if word == b"CHARACTER":
                        lexer.next()
                    lexer.next()
                    while lexer.kind == MARK and lexer.word in (b"=", b":"):
                        lexer.next()
                    if applies and lexer.kind in (WORD, NAME, TEXT):
                        changed = self._use(read_name(lexer)) or changed
                elif word not in (b"SESSION", b"LOCAL"):
                    begins = False
            elif lexer.kind != WORD:
                begins = False
            lexer.next()
        return changed

    def _use(self, name: bytes) -> bool:
        if name.lower() == b"default":
            self.charset = self.first
            return True
        self.charset = find_collation(name)
        return True

    # What a server says.

    def read_changes(self, data: bytes, at: i64, end: i64) -> list[Change]:
        """Read what an OK with the status SESSION_STATE_CHANGED tells: data[at:end] begins with its info."""
        found: list[Change] = []
        start, at = read_lestr(data, at, end)
        if start < 0:
            return found
        total, at = read_lenenc(data, at, end)
        if total < 0:
            return found
        stop = end if total > end - at else at + total
        while at < stop and len(found) < MAX_CHANGES:
            kind: i64 = data[at]
            start, at = read_lestr(data, at + 1, stop)
            if start < 0:
                break
            self._change(found, kind, data, start, at)
        return found

    def _change(self, found: list[Change], kind: i64, data: bytes, at: i64, end: i64) -> None:
        if kind == SYSTEM_VARIABLE:
            while at < end and len(found) < MAX_CHANGES:
                start, after = read_lestr(data, at, end)
                if start < 0:
                    return
                value, at = read_lestr(data, after, end)
                if value < 0:
                    return
                name = data[start:after][:MAX_VALUE]
                text = data[value:at][:MAX_VALUE]
                found.append(Change(kind, name, text))
                if name == b"character_set_client" and text:
                    self.charset = find_collation(text)
            return
        if kind == 3 and at < end:  # a GTID: an encoding, always 0, in front of it
            at += 1
        start, after = read_lestr(data, at, end)
        value_of = data[start:after][:MAX_VALUE] if start >= 0 else data[at:end][:MAX_VALUE]
        found.append(Change(kind, b"", value_of))
        if kind == SCHEMA:
            self.schema = value_of if value_of else None


def may_change(text: bytes, at: i64, end: i64) -> bool:
    """Return whether a text may begin with USE or SET, behind white space or a comment: nearly always a look at two
    bytes.
    """
    while at < end and (text[at] == 32 or 9 <= text[at] <= 13):
        at += 1
    if end - at < 4:
        return False
    first: i64 = text[at] | 0x20
    if first == 115:  # s
        return (text[at + 1] | 0x20) == 101 and (text[at + 2] | 0x20) == 116
    if first == 117:  # u
        return (text[at + 1] | 0x20) == 115 and (text[at + 2] | 0x20) == 101
    if text[at] == 47 or text[at] == 45 or text[at] == 35:  # a comment may stand before it
        words = text[at:end if end - at < 4096 else at + 4096].upper()
        return b"SET" in words or b"USE" in words
    return False


def read_name(lexer: Lexer) -> bytes:
    """Return the name or text that a token says, without quotes."""
    text = lexer.text[lexer.start : lexer.stop]
    if lexer.kind == WORD:
        return text[:MAX_VALUE]
    begin, end = content_bounds(text, 0, len(text))
    content = text[begin:end]
    if lexer.kind == NAME:
        content = content.replace(b"``", b"`")
    return content[:MAX_VALUE]
