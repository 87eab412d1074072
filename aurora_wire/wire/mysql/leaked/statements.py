"""What a statement tells: its literals, and the values of its parameters, with the tables and columns they belong to.

Columns are those of an INSERT's list, paired with the values, and the name before `=`, LIKE or IN. What an INSERT says
before VALUES, what stands before a literal, and where the parameters of a prepared text belong, is remembered: the same
comes again and again. It is the same for all captures, and bounded.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.leaked.classes import (
    HEALTH,
    IDENTITY,
    KEY,
    NATIONAL_ID,
    NOTHING,
    PASSWORD,
    PASSWORD_HASH,
    PHONE,
)
from aurora_wire.wire.mysql.leaked.columns import class_of_column
from aurora_wire.wire.mysql.leaked.values import Found, is_phone, is_stored_hash, next_value
from aurora_wire.wire.mysql.leaked.walker import Walker
from aurora_wire.wire.mysql.seven_bytes import LONG_NUMBER, behind_words, has_either, may_tell
from aurora_wire.wire.mysql.sql_lexer import (
    MARK,
    UNCLOSED,
    WORD,
    Lexer,
    is_digit,
    is_utf8,
    read_token,
)

MAX_VALUES: Final[i64] = 10_000      # of one statement
MAX_LITERAL: Final[i64] = 65_536     # bytes of one literal that are looked at
MAX_HEAD: Final[i64] = 4096          # bytes of an INSERT before its values that are remembered
KEPT: Final[i64] = 1024              # heads and prepared texts that are remembered
ROW_VERBS: Final = (b"SELECT", b"INSERT", b"UPDATE", b"DELETE", b"REPLACE", b"WITH")
USUAL_BEGINNINGS: Final = frozenset((b"SELECT ", b"UPDATE ", b"DELETE ", b"select ", b"update ", b"delete "))
SHORT: Final[i64] = 1024             # bytes of a text in which a byte is looked for by blocks
MAX_PIECE: Final[i64] = 256          # bytes before a literal that are asked for its column
SHORTEST: Final[i64] = 6             # bytes of a value that tells itself


def told(name: bytes) -> bytes:
    """Return a name as it may be told: nothing of one that is not ASCII, which a server may read otherwise."""
    return name if name.isascii() else b""


@mypyc_attr(acyclic=True)
class Leak:
    """A value of a class, of a table and column where these are known, as they may be told."""

    __slots__ = ("column", "kind", "table", "value")

    def __init__(self, kind: i64, table: bytes, column: bytes, value: bytes) -> None:
        self.kind: Final[i64] = kind
        self.table: Final = table
        self.column: Final = column
        self.value: Final = value


@mypyc_attr(acyclic=True)
class Head:
    """What a text says before literals: a table, the columns of an INSERT with their classes, the name compared.

    Names are as they may be told. handles_rows: of an INSERT's, what `handles_rows` says; else it is not known.
    """

    __slots__ = ("column", "columns", "handles_rows", "kind", "kinds", "more", "table")

    def __init__(self, walker: Walker, more: bool, handles: bool) -> None:
        self.table: Final = told(walker.table)
        self.columns: Final = [told(column) for column in walker.columns]
        self.kinds: Final = walker.kinds
        column = walker.compared()
        self.kind: Final[i64] = class_of_column(column) if column else NOTHING
        self.column: Final = told(column)
        self.more: Final = more  # nothing but a comma: the next literal is of the same column
        self.handles_rows: Final = handles


_heads: Final[dict[bytes, Head | None]] = {}
_pieces: Final[dict[bytes, Head]] = {}
_prepared: Final[dict[bytes, list[tuple[bytes, bytes]]]] = {}


def leaks_in_text(text: bytes, at: i64, end: i64, mode: i64 = 0) -> list[Leak] | None:
    """Return the values in the statement text[at:end] that are of a class, None if there are none.

    mode: of `sql_lexer`. Most texts have no literal that could tell anything. Of others most bytes are passed by blocks
    (`seven_bytes`) or one by one: a token is made of literals and comments only.
    """
    if not may_tell(text, at, end):
        return None
    reader = _Reader(text, at, end, mode)
    reader.run()
    return reader.found


@mypyc_attr(acyclic=True)
class _Reader:
    """Goes from literal to literal of a text, and asks what stands before them."""

    def __init__(self, text: bytes, at: i64, end: i64, mode: i64) -> None:
        self.text = text
        self.origin: i64 = at
        self.begin: i64 = at         # of the statement, of several
        self.handles_rows: i64 = -1  # -1: not looked at
        self.certain: i64 = -1
        self.quotes_certain: i64 = -1
        self.at: i64 = at
        self.end: i64 = end
        self.mode: i64 = mode
        self.last: i64 = at          # behind the last literal
        self.first: i64 = -1         # where the first one is
        self.found: list[Leak] | None = None
        self.head: Head | None = None  # of an INSERT, in whose values this is
        self.opening: Head | None = None  # what stands before the first literal, where that was asked for
        self.index: i64 = 0
        self.depth: i64 = 0
        self.column = b""            # of the last literal
        self.kind: i64 = NOTHING

    def run(self) -> None:
        text = self.text
        end = self.end
        at = self._insert()
        while at < end:
            byte: i64 = text[at]
            if byte > 64 and byte != 96:
                if self.depth == 0 and self.head is not None and text[at : at + 3].upper() != b"ROW":
                    self.head = None  # ON DUPLICATE KEY UPDATE
                    self.last = at
                at += 1
                if self.head is None:
                    # Outside of an INSERT's values neither parentheses nor commas count.
                    at = behind_words(text, at, end)
                    byte = text[at - 1]
                    if byte <= 64:
                        continue
                while at < end:
                    byte = text[at]
                    if byte < 48 or (57 < byte <= 64) or byte == 96:
                        break
                    at += 1
            elif byte == 32:
                at += 1
            elif byte == 44:
                if self.depth == 1:
                    self.index += 1
                at += 1
            elif 48 <= byte <= 57:
                start = at
                at += 1
                while at < end and 48 <= text[at] <= 57:
                    at += 1
                self._number(start, at)
            elif byte == 39 or byte == 34:
                kind, stop = read_token(text, at, end, self.mode)
                self._literal(at + 1, stop - 1 if kind != UNCLOSED else stop)
                self.last = stop
                at = stop
                if self.found is not None and len(self.found) >= MAX_VALUES:
                    return
            elif byte == 40:
                self.depth += 1
                if self.depth == 1:
                    self.index = 0
                at += 1
            elif byte == 41:
                self.depth -= 1
                at += 1
            elif byte == 59:
                self.begin = at + 1
                self.handles_rows = -1
                self.last = at + 1
                self.at = at + 1
                at = self._insert()
            elif byte == 96 or byte == 35 or byte == 45 or byte == 47:
                _, at = read_token(text, at, end, self.mode)
            else:
                at += 1

    def _insert(self) -> i64:
        """Take what is known of an INSERT that begins as this one does; returns where to go on."""
        text = self.text
        at = self.at
        self.head = None
        self.opening = None
        self.first = -1
        self.depth = 0
        self.column = b""
        self.kind = NOTHING
        while at < self.end and text[at] <= 32:
            at += 1
        if self.end - at < 12 or (text[at] | 0x20 != 105 and text[at] | 0x20 != 114):
            return at
        limit = at + MAX_HEAD if self.end - at > MAX_HEAD else self.end
        values: i64 = text.find(b"VALUES", at, limit)
        if values < 0:
            values = text.find(b"values", at, limit)
            if values < 0:
                return at
        key = text[at : values + 6]
        if self.mode == 0 and key in _heads:
            self.head = _heads[key]
        else:
            walker = Walker(key, self.mode)
            walker.run()
            # Else the word is part of something else.
            inserts = walker.in_values and walker.depth == 0
            self.head = Head(walker, False, handles_rows(key, 0, len(key))) if inserts else None
            if self.mode == 0:
                if len(_heads) >= KEPT:
                    _heads.clear()
                _heads[key] = self.head
        if self.head is None:
            return at
        self.last = values + 6
        return values + 6

    def _number(self, start: i64, stop: i64) -> None:
        """Look at a number without quotes: a long one, or one in a column of a class."""
        head = self.head
        if head is not None:
            if stop - start >= LONG_NUMBER or (self.index < len(head.kinds) and head.kinds[self.index] != NOTHING):
                self._literal(start, stop)
        elif stop - start >= LONG_NUMBER:
            self._literal(start, stop)
        if self.first < 0:
            self.first = start
        self.last = stop

    def _literal(self, start: i64, stop: i64) -> None:
        head = self.head
        if head is not None:
            self.kind = NOTHING
            self.column = b""
            if self.index < len(head.kinds):
                self.kind = head.kinds[self.index]
                self.column = head.columns[self.index]
        else:
            if self.first < 0:
                self.first = start
            self._before(start)
        kind = self.kind
        if start >= stop or (kind == NOTHING and stop - start < SHORTEST):
            return
        limit = stop if stop - start <= MAX_LITERAL else start + MAX_LITERAL
        one = next_value(self.text, start, limit, start) if limit - start >= SHORTEST else None
        if one is None:
            if kind != NOTHING:
                kind = by_column(self.text, start, limit, kind)
            if kind == NOTHING:
                return
        # The table is asked for only here, as most literals tell nothing.
        found: list[Leak] = self.found if self.found is not None else []
        self.found = found
        table = b""
        column = b""
        if self._names_may_be_told(start):
            table = self._table()
            column = self.column
        if one is None:
            found.append(Leak(kind, table, column, self.text[start:limit]))
        else:
            add_values(found, self.text, one, start, limit, table, column)

    def _names_may_be_told(self, start: i64) -> bool:
        """Return whether names before this literal are names in every way in which a server may read the text.

        They go on to what is handed on. So they are told of statements that handle rows only, not accounts; and behind
        a literal only where nothing depends on sql_mode, version or character set: else they may be of a literal.
        """
        if self.handles_rows < 0:
            head = self.head
            handles = head.handles_rows if head is not None else handles_rows(self.text, self.begin, self.end)
            self.handles_rows = 1 if handles else 0
        if self.handles_rows == 0:
            return False
        if self.quotes_certain < 0:
            self.quotes_certain = 1 if quotes_certainly(self.text, self.origin, self.end) else 0
        if self.quotes_certain == 0:
            return False
        # Before the first quote nothing depends on how literals end, but on what else may quote.
        if self.begin == self.origin and (self.head is not None or self.first == start):
            return True
        if self.certain < 0:
            self.certain = 1 if is_certain(self.text, self.origin, self.end) else 0
        return self.certain == 1

    def _before(self, start: i64) -> None:
        """Find out which column a literal is compared with or assigned to."""
        begin = self.last
        if start - begin > MAX_PIECE:
            begin = start - MAX_PIECE
        piece = read_piece(self.text[begin:start], self.mode)
        if start == self.first and begin == self.begin:
            self.opening = piece
        if not piece.more:
            self.column = piece.column
            self.kind = piece.kind

    def _table(self) -> bytes:
        head = self.head
        if head is not None:
            return head.table
        opening = self.opening
        if opening is not None:
            return opening.table
        stop = self.first
        if stop - self.begin > MAX_HEAD:
            stop = self.begin + MAX_HEAD
        return read_piece(self.text[self.begin : stop], self.mode).table


def first_word(text: bytes, at: i64, end: i64) -> bytes:
    """Return the first word of a statement in upper case, behind comments; empty where it begins with another token."""
    lexer = Lexer(text, end, 0)
    lexer.stop = at
    while lexer.next() == MARK and lexer.word == b"(":
        pass
    return lexer.word if lexer.kind == WORD else b""


def handles_rows(text: bytes, at: i64, end: i64) -> bool:
    """Return whether a statement handles rows, as its first word says."""
    return (end - at > 7 and text[at : at + 7] in USUAL_BEGINNINGS) or first_word(text, at, end) in ROW_VERBS


def is_certain(text: bytes, at: i64, end: i64) -> bool:
    """Return whether text[at:end] can be read in one way only, as far as literals go."""
    # `find`, as `in` first tries if the bytes on its left are a number, and formats an error that nobody sees.
    if text.find(b"\\", at, end) >= 0 or not quotes_certainly(text, at, end):
        return False
    text = text[at:end]
    return text.isascii() or is_utf8(text)


def quotes_certainly(text: bytes, at: i64, end: i64) -> bool:
    """Return whether nothing but quotes quotes: no `/*! ... */` that may be a comment, no `$tag$`."""
    if end - at <= SHORT and not has_either(text, at, end, 33, 36):
        return True  # neither `!` nor `$`: most texts
    # One byte is found by far faster than two or three.
    if text.find(b"!", at, end) >= 0 and (text.find(b"/*!", at, end) >= 0 or text.find(b"/*M!", at, end) >= 0):
        return False
    return text.find(b"$", at, end) < 0 or text.count(b"$", at, end) < 4


def read_piece(piece: bytes, mode: i64) -> Head:
    """Return what stands between two literals, or before the first one; the same comes again and again."""
    known = _pieces.get(piece) if mode == 0 else None
    if known is None:
        if piece[-1:] in (b"'", b'"'):
            known = read_piece(piece[:-1], mode)
        else:
            walker = Walker(piece, mode)
            walker.run()
            known = Head(walker, piece.strip() == b",", False)
        if mode == 0:
            if len(_pieces) >= KEPT:
                _pieces.clear()
            _pieces[piece] = known
    return known


def leaks_in_value(found: list[Leak], raw: bytes, table: bytes, column: bytes) -> None:
    """Add what one value tells, of a parameter. raw: as text, without quotes."""
    size: i64 = len(raw)
    if size > MAX_LITERAL:
        size = MAX_LITERAL
    one = next_value(raw, 0, size, 0) if size >= SHORTEST else None
    if one is not None:
        add_values(found, raw, one, 0, size, told(table), told(column))
    elif size > 0 and column:
        kind = class_of_column(column)
        if kind != NOTHING:
            kind = by_column(raw, 0, size, kind)
        if kind != NOTHING:
            found.append(Leak(kind, told(table), told(column), raw[:size]))


def columns_of_parameters(text: bytes) -> list[tuple[bytes, bytes]]:
    """Return table and column of each placeholder of a prepared text, both empty where that is not known."""
    known = _prepared.get(text)
    if known is None:
        walker = Walker(text, 0)
        walker.run()
        known = walker.places
        if not (is_certain(text, 0, len(text)) and handles_rows(text, 0, len(text))):
            known = [(b"", b"") for _ in known]
        if len(_prepared) >= KEPT:
            _prepared.clear()
        if len(text) <= MAX_HEAD:
            _prepared[text] = known
    return known


def add_values(
    found: list[Leak], text: bytes, first: Found, start: i64, stop: i64, table: bytes, column: bytes
) -> None:
    """Add the values in one literal that tell what they are; first: the first of them."""
    one: Found | None = first
    while one is not None and len(found) < MAX_VALUES:
        found.append(Leak(one.kind, table, column, text[one.start : one.stop]))
        one = next_value(text, one.stop, stop, start)


def by_column(text: bytes, start: i64, stop: i64, kind: i64) -> i64:
    """Return the class of a value that tells nothing by itself, in a column of a class; NOTHING where it cannot be."""
    size = stop - start
    if kind == HEALTH or kind == IDENTITY:
        return kind
    if kind == PASSWORD:
        return PASSWORD_HASH if is_stored_hash(text, start, stop) else PASSWORD
    if kind == KEY:
        return KEY if size >= 8 else NOTHING
    if kind == PHONE:
        return PHONE if is_phone(text, start, stop) else NOTHING
    if kind == NATIONAL_ID and 5 <= size <= 24:
        digits: i64 = 0
        while start < stop:
            if is_digit(text[start]):
                digits += 1
            start += 1
        return NATIONAL_ID if digits >= 4 else NOTHING
    return NOTHING
