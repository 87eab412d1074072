"""The fingerprint of a statement: what is left of it without its literals. Statements that differ in literals alone
have the same one.

- A literal (text, number, hex, bits; NULL, TRUE and FALSE where a value stands) is `?`, as a placeholder is; a sign
  before a number, a character set before a text and adjacent texts are of the literal.
- A list of literals behind IN, and a row of them behind VALUES, is `(...)`, however many there are; rows alike behind
  VALUES are one. Any other list stays: `LIMIT ?, ?`.
- Comments are left out, white space is one space where there is any, keywords and functions are in upper case, names as
  they were written, without backticks where they need none. A `;` at the end is left out.
- What is cut, by the capture or by a bound, ends in ` ...`.

No byte of a literal is in it. How the server read a text may depend on its sql_mode and version (sql_lexer.py): where
the text is a whole one in several readings, a name stays only where it is outside of literals in all of them; else it
is `?`.

This is format 1: it does not change for a text but with a new number (`VERSION`).
Sources: those of sql_lexer.py; MySQL 9 Reference Manual, "Performance Schema Statement Digests and Sampling".
"""

import re
from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.keywords import BEFORE_OPERAND, FUNCTION, KEYWORD, LONGEST, WORDS
from aurora_wire.wire.mysql.same_but_literals import Remembered
from aurora_wire.wire.mysql.sql_lexer import (
    ANSI_QUOTES,
    AT,
    BIG5,
    BITS,
    COMMENT,
    CONTROL,
    DOLLAR,
    DOLLARS,
    GBK,
    HEX,
    INSIDE,
    MARK,
    NAME,
    NESTS,
    NO_BACKSLASH_ESCAPES,
    NUMBER,
    PAIRS,
    PLACEHOLDER,
    SJIS,
    SKIPS,
    TAG,
    TEXT,
    UNCLOSED,
    UNCLOSED_COMMENT,
    VERSION_END,
    WORD,
    is_utf8,
    read_token,
)
from aurora_wire.wire.mysql.sql_lexer import VERSION as VERSION_COMMENT

VERSION: Final = 1                   # of the format
MAX_TEXT: Final[i64] = 1 << 20       # bytes of a statement that are read
MAX_AMBIGUOUS: Final[i64] = 1 << 14  # and of one that has to be read in several ways
MAX_SIZE: Final[i64] = 2000          # bytes of a fingerprint
MAX_PIECES: Final[i64] = 8000        # tokens of it, before rows that are alike become one
MAX_NAME: Final[i64] = 256           # bytes of a name: 64 characters
MAX_DEPTH: Final[i64] = 100          # parentheses inside each other whose lists become one
KEPT: Final = 1024                   # texts whose fingerprint is remembered: prepared ones come again and again
LONGEST_KEPT: Final[i64] = 1000      # bytes of each
CUT: Final = b" ..."

_FOREIGN_PAIR: Final = re.compile(rb"[\x81-\xfe][\x5c\x60]")  # `\` or a backtick that may be half a character
_PLAIN: Final = re.compile(rb"[A-Za-z_\x80-\xff$][A-Za-z0-9_\x80-\xff$]*")
_known: Final = Remembered(KEPT)    # where it is known whether a backslash escapes,
_guessed: Final = Remembered(KEPT)  # and where it is not


def fingerprint(text: bytes, mode: i64 = 0, *, escapes_known: bool = False, cut: bool = False) -> bytes:
    """Return the fingerprint of a statement. Nothing raises; any bytes are allowed.

    mode: of `sql_lexer`, as far as it is known; escapes_known: `mode` says for certain whether a backslash escapes;
    cut: the text is not all of the statement.
    """
    size: i64 = len(text)
    remembered = _known if escapes_known else _guessed
    plain = mode == 0 and not cut and size <= LONGEST_KEPT
    if plain:
        known = remembered.find(text)
        if known is not None:
            return known
    end = size
    if end > MAX_TEXT:
        end = MAX_TEXT
    others: list[int] = []
    chosen = mode
    if not is_certain(text):
        if end > MAX_AMBIGUOUS:
            end = MAX_AMBIGUOUS
        readings = [one for one in _readings(text, mode, escapes_known) if is_closed(text, end, one)]
        if readings and mode not in readings:
            chosen = readings[0]
        others = [one for one in readings if one != chosen]
    maker = _Maker(text, end, chosen)
    for one in others:
        maker.hide(literals(text, end, one))
    maker.run()
    made = maker.result(cut or end < size)
    if plain:
        remembered.keep(text, made)
    return made


def is_certain(text: bytes) -> bool:
    """Return whether a text can be read in one way only, as far as literals go."""
    if text.find(b"\\") >= 0 or text.find(b"/*!") >= 0 or text.find(b"/*M!") >= 0 or text.count(b"$") >= 4:
        return False
    return text.isascii() or _FOREIGN_PAIR.search(text) is None or is_utf8(text)


def _readings(text: bytes, mode: i64, escapes_known: bool) -> list[int]:
    """Return the modes in which a text may be read, the likely ones first."""
    escapes = [mode & NO_BACKSLASH_ESCAPES]
    if text.find(b"\\") >= 0:
        if not escapes_known:
            escapes.append(escapes[0] ^ NO_BACKSLASH_ESCAPES)
        if text.find(b'"') >= 0:
            escapes.append(ANSI_QUOTES | escapes[0])
    versions: list[i64] = [0]
    if text.find(b"/*!") >= 0 or text.find(b"/*M!") >= 0:
        versions += [SKIPS, SKIPS | NESTS]
    dollars: list[i64] = [0]
    if text.count(b"$") >= 4:
        dollars.append(DOLLARS)
    pairs: list[i64] = [mode & PAIRS]
    if not pairs[0] and _FOREIGN_PAIR.search(text) is not None and not is_utf8(text):
        pairs += [GBK, SJIS, BIG5]
    return [
        int(escape | version | dollar | pair)
        for pair in pairs for dollar in dollars for version in versions for escape in escapes
    ]  # fmt: skip


def is_closed(text: bytes, end: i64, mode: i64) -> bool:
    """Return whether a text is a whole one in this reading: each quote, comment and tag has its end."""
    at: i64 = 0
    while at < end:
        kind, at = read_token(text, at, end, mode)
        if kind in (UNCLOSED, UNCLOSED_COMMENT, CONTROL, TAG):
            return False
        if kind == VERSION_COMMENT:
            mode |= INSIDE
        elif kind == VERSION_END:
            mode &= ~INSIDE
    return mode & INSIDE == 0


def literals(text: bytes, end: i64, mode: i64) -> list[int]:
    """Return where literals and comments are in this reading: begin, end, begin, end ..., ascending."""
    found: list[int] = []
    at: i64 = 0
    while at < end:
        start = at
        kind, at = read_token(text, start, end, mode)
        if kind in (TEXT, NUMBER, HEX, BITS, DOLLAR, UNCLOSED, COMMENT, UNCLOSED_COMMENT):
            found.append(int(start))
            found.append(int(at))
        elif kind == VERSION_COMMENT:
            mode |= INSIDE
        elif kind == VERSION_END:
            mode &= ~INSIDE
    return found


@mypyc_attr(acyclic=True)
class _List:
    """What is between parentheses: where it begins, whether it becomes one, and whether it has literals alone."""

    __slots__ = ("in_values", "joins", "literals", "start")

    def __init__(self, start: i64, joins: bool, in_values: bool) -> None:
        self.start: Final[i64] = start
        self.joins: Final = joins
        self.in_values: Final = in_values  # it is a row of these
        self.literals = True


@mypyc_attr(acyclic=True)
class _Maker:
    """Makes the pieces of a fingerprint from tokens."""

    def __init__(self, text: bytes, end: i64, mode: i64) -> None:
        self.text = text
        self.end: i64 = end
        self.mode: i64 = mode
        self.pieces: list[bytes] = []
        self.glued: list[bool] = []      # the piece is written without a space before it
        self.hidden: list[list[int]] = []
        self.reached: list[int] = []     # of each of these, how far it is passed
        self.lists: list[_List] = []
        self.deep: i64 = 0               # parentheses beyond those
        self.row = b""                   # the last row behind VALUES
        self.in_values = False           # rows come
        self.behind_in = False
        self.after_value = False         # an operand ended
        self.joins_text = False          # the last piece is a text: one that follows is of it
        self.was_hidden = False          # it is what nobody knows
        self.signs: list[bytes] = []     # that may be of a number
        self.word = b""                  # the last one, if it is a keyword
        self.tight = False               # the next piece follows without a space: behind ( . @
        self.last_stop: i64 = -1         # of the last mark that may have a second byte
        self.is_cut = False

    def hide(self, spans: list[int]) -> None:
        """Take spans in which no name may stay."""
        self.hidden.append(spans)
        self.reached.append(0)

    def run(self) -> None:
        """Read all tokens, or as many as the bounds allow."""
        text = self.text
        at: i64 = 0
        while at < self.end:
            start = at
            kind, at = read_token(text, start, self.end, self.mode)
            if kind < WORD:
                if kind == VERSION_COMMENT:
                    self.mode |= INSIDE
                elif kind == VERSION_END:
                    self.mode &= ~INSIDE
                elif kind == CONTROL:  # outside of quotes no statement has one: what follows is no SQL
                    self._unknown()
                    return
                continue
            if len(self.pieces) > MAX_PIECES:
                self.is_cut = True
                return
            self._token(kind, start, at)

    def result(self, cut: bool) -> bytes:
        """Return the pieces as one text."""
        self._put_signs()
        pieces = self.pieces
        while pieces and pieces[-1] == b";":
            pieces.pop()
        made: list[bytes] = []
        size: i64 = 0
        at: i64 = 0
        while at < len(pieces):
            if at > 0 and not self.glued[at]:
                made.append(b" ")
                size += 1
            made.append(pieces[at])
            size += len(pieces[at])
            at += 1
            if size > MAX_SIZE:
                cut = True
                break
        whole = b"".join(made)
        return whole + CUT if cut or self.is_cut else whole

    def _token(self, kind: i64, start: i64, stop: i64) -> None:
        if kind == WORD:
            self._word(start, stop)
        elif kind == NAME:
            self._name(start, stop)
        elif kind == MARK:
            self._mark(int(self.text[start]), start)
        elif kind == AT:
            self._put_signs()
            # 'app'@'localhost': of one account.
            self._put(b"@", self.after_value or self.tight)
            self._other()
            self.after_value = False
            self.tight = True
        elif kind in (TEXT, HEX, BITS, DOLLAR, UNCLOSED):
            self._put_signs()
            if self.joins_text:
                return
            word = self.pieces[-1] if self.pieces else b""
            if word[:1] == b"_" and not self.was_hidden and self.word == b"":
                self._drop()  # _utf8mb4'...'
            self._value()
            self.joins_text = kind == TEXT
        elif kind == NUMBER:
            self.signs = []
            self._value()
        elif kind == PLACEHOLDER:
            self._put_signs()
            self._value()
        else:  # a tag that nothing closes
            self._unknown()

    # Names.

    def _word(self, start: i64, stop: i64) -> None:
        size = stop - start
        if size > MAX_NAME or (self.hidden and self._is_hidden(start, stop)):
            self._unknown()
            return
        word = self.text[start:stop]
        kind: i64 = 0
        if size <= LONGEST:
            upper = word.upper()
            kind = WORDS.get(upper, 0)
            if kind > 0:
                word = upper
        if kind == 0:
            self._put_name(word)
            return
        if word in (b"NULL", b"TRUE", b"FALSE") and self._is_operand():
            self._put_signs()
            self._value()
            return
        if kind == KEYWORD and self.in_values and len(self.lists) == 0:
            if word == b"ROW":
                return
            self.in_values = False
        before = self.word
        self._put_signs()
        self._put(word, self.tight)
        self._other()
        self.word = word
        self.after_value = kind == FUNCTION or word in (b"NULL", b"TRUE", b"FALSE", b"END", b"CURRENT_USER")
        self.behind_in = word == b"IN"
        if word in (b"VALUES", b"VALUE") and before != b"SET":
            self.in_values = True
            self.row = b""

    def _is_operand(self) -> bool:
        """Return whether NULL, TRUE or FALSE is a value here: not in IS NULL, NOT NULL, DEFAULT NULL."""
        if self.word:
            return self.word in BEFORE_OPERAND
        return not self.after_value and len(self.pieces) > 0

    def _name(self, start: i64, stop: i64) -> None:
        if stop - start > MAX_NAME or (self.hidden and self._is_hidden(start, stop)):
            self._unknown()
            return
        inner = self.text[start + 1 : stop - 1]
        found = _PLAIN.fullmatch(inner)
        self._put_name(inner if found is not None and inner.upper() not in WORDS else self.text[start:stop])

    def _put_name(self, name: bytes) -> None:
        if self.in_values and len(self.lists) == 0:
            self.in_values = False
        self._put_signs()
        self._put(name, self.tight)
        self._other()
        self.after_value = True

    def _is_hidden(self, start: i64, stop: i64) -> bool:
        """Return whether a part of text[start:stop] is of a literal in another reading. It is asked in ascending order.
        """
        index: i64 = 0
        found = False
        while index < len(self.hidden):
            spans = self.hidden[index]
            at: i64 = self.reached[index]
            while at < len(spans) and spans[at + 1] <= start:
                at += 2
            self.reached[index] = int(at)
            if at < len(spans) and spans[at] < stop:
                found = True
            index += 1
        return found

    # Marks.

    def _mark(self, byte: i64, start: i64) -> None:
        if (byte == 45 or byte == 43) and not self._ends_operand():  # - +
            self.signs.append(b"-" if byte == 45 else b"+")
            return
        self._put_signs()
        if byte == 40:
            self._open()
            return
        if byte == 41:
            self._close()
            return
        if byte == 44:
            self._put(b",", True)
            self._reset()
            return
        if byte == 46:
            self._put(b".", True)
            self._other()
            self.tight = True
            return
        if byte == 59:
            if self.pieces and self.pieces[-1] != b";":
                self._put(b";", True)
            self._reset()
            self.in_values = False
            self.lists = []
            self.deep = 0
            return
        glued = self.tight or (self.last_stop == start and byte in b"<>=!:|&")
        self._put(self.text[start : start + 1], glued)
        self._other()
        self.after_value = byte == 42 and len(self.lists) > 0 and self.lists[-1].start + 2 == len(self.pieces)
        self.last_stop = start + 1 if byte in b"<>=!:|&" else -1

    def _ends_operand(self) -> bool:
        return self.after_value and not self.signs

    def _open(self) -> None:
        joins = self.behind_in or (self.in_values and len(self.lists) == 0) or (
            len(self.lists) > 0 and self.lists[-1].joins and not self.lists[-1].in_values and self.word == b""
            and not self.after_value
        )
        row = self.in_values and len(self.lists) == 0
        glued = self.tight or (self.after_value and not row and not self.behind_in)
        opened = _List(len(self.pieces), joins, row)
        self._put(b"(", glued)
        self._reset()
        self.tight = True
        if len(self.lists) < MAX_DEPTH and self.deep == 0:
            self.lists.append(opened)
        else:
            self.deep += 1

    def _close(self) -> None:
        if self.deep > 0:
            self.deep -= 1
        elif self.lists:
            closed = self.lists.pop()
            start = closed.start
            if closed.joins and closed.literals and len(self.pieces) > start + 1:
                glued = self.glued[start]
                self._shorten(start)
                self._put(b"(...)", glued)
            else:
                self._put(b")", True)
                if self.lists:
                    self.lists[-1].literals = False
            if closed.in_values:
                self._end_row(start)
            self._reset()
            self.after_value = not closed.in_values
            return
        self._put(b")", True)
        self._reset()
        self.after_value = True

    def _end_row(self, start: i64) -> None:
        """Leave a row out that is as the one before it."""
        row = b" ".join(self.pieces[start:])
        if row == self.row and start > 0 and self.pieces[start - 1] == b",":
            self._shorten(start - 1)
        self.row = row

    def _shorten(self, start: i64) -> None:
        del self.pieces[start:]
        del self.glued[start:]

    # Pieces.

    def _put(self, piece: bytes, glued: bool) -> None:
        self.pieces.append(piece)
        self.glued.append(glued)

    def _drop(self) -> None:
        self.pieces.pop()
        self.glued.pop()

    def _put_signs(self) -> None:
        for sign in self.signs:
            self._put(sign, self.tight)
            self._other()
        self.signs = []

    def _value(self) -> None:
        """Put a literal."""
        self._put(b"?", self.tight)
        self._reset()
        self.after_value = True

    def _unknown(self) -> None:
        """Put what may be of a literal; all of it that follows is one."""
        self._put_signs()
        if self.was_hidden:
            return
        self._put(b"?", self.tight)
        self._other()
        self.was_hidden = True
        self.after_value = True

    def _other(self) -> None:
        """Note that a piece is no literal."""
        if self.lists:
            self.lists[-1].literals = False
        self._reset()

    def _reset(self) -> None:
        self.joins_text = False
        self.was_hidden = False
        self.word = b""
        self.tight = False
        self.behind_in = False
        self.after_value = False
        self.last_stop = -1
