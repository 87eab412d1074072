"""Tables, columns, and the name that a literal or a placeholder is compared with: what stands before it says so."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.leaked.columns import class_of_column
from aurora_wire.wire.mysql.sql_lexer import MARK, NAME, PLACEHOLDER, WORD, read_token

MAX_COLUMNS: Final[i64] = 4096       # of a table


@mypyc_attr(acyclic=True)
class Walker:
    """Goes over the tokens of a text once: to know tables, columns, and what comes next."""

    def __init__(self, text: bytes, mode: i64) -> None:
        self.text = text
        self.mode: i64 = mode
        self.table = b""
        self.columns: list[bytes] = []
        self.kinds: list[int] = []
        self.index: i64 = 0          # of the column whose value comes, in VALUES (...)
        self.depth: i64 = 0
        self.in_values = False
        self.collecting = False      # the columns of an INSERT
        self.inserts = False
        self.names_table = False     # the next name is a table's
        self.word_start: i64 = 0     # the name before this token: text[word_start:word_stop]
        self.word_stop: i64 = 0
        self.compares = False        # it is compared or assigned to what comes
        self.places: list[tuple[bytes, bytes]] = []  # table and column of each placeholder

    def run(self) -> None:
        at: i64 = 0
        text = self.text
        end: i64 = len(text)
        while at < end:
            kind, stop = read_token(text, at, end, self.mode)
            if kind == MARK:
                self._mark(text[at])
            elif kind == WORD:
                self._word(at, stop)
            elif kind == NAME:
                self._name(at + 1, stop - 1)
            elif kind == PLACEHOLDER:
                self.places.append((self.table, self._column()))
            at = stop

    def compared(self) -> bytes:
        """Return the name that is compared with or assigned to what comes, empty if there is none."""
        return self.text[self.word_start : self.word_stop] if self.compares else b""

    def _column(self) -> bytes:
        if self.in_values:
            return self.columns[self.index] if self.index < len(self.columns) else b""
        return self.compared()

    def _mark(self, byte: i64) -> None:
        if byte == 44:  # ,
            if self.in_values and self.depth == 1:
                self.index += 1
            elif self.depth == 0:
                self.compares = False
        elif byte == 40:  # (
            self.depth += 1
            if self.depth == 1:
                self.index = 0
                if self.inserts and not self.in_values and not self.columns:
                    self.collecting = True
                    self.names_table = False
        elif byte == 41:  # )
            self.depth -= 1
            self.collecting = False
            if not self.in_values:
                self.compares = False
        elif byte == 61:  # =
            self.compares = self.word_stop > self.word_start
        elif byte == 59:  # ;
            self._begin()

    def _begin(self) -> None:
        """Begin another statement of the same text."""
        self.in_values = False
        self.collecting = False
        self.inserts = False
        self.columns = []
        self.kinds = []
        self.table = b""
        self.depth = 0
        self.compares = False

    def _word(self, at: i64, stop: i64) -> None:
        size = stop - at
        if 2 <= size <= 7 and self._keyword(at, stop):
            return
        self._name(at, stop)

    def _keyword(self, at: i64, stop: i64) -> bool:
        """Take a word that says what the next name or literal is; False for all others."""
        first: i64 = self.text[at] | 0x20
        if first not in (97, 102, 105, 106, 108, 110, 111, 114, 115, 117, 118, 119):
            return False
        word = self.text[at:stop].upper()
        if word == b"UPDATE" and self.inserts:
            self.inserts = False  # ON DUPLICATE KEY UPDATE
            self.in_values = False
        elif word in (b"INTO", b"FROM", b"JOIN", b"UPDATE"):
            self.names_table = not self.in_values
        elif word in (b"INSERT", b"REPLACE"):
            self.inserts = True
            self.names_table = True
        elif word in (b"VALUES", b"VALUE"):
            self.in_values = self.inserts and self.depth == 0
        elif word in (b"LIKE", b"IN"):
            self.compares = self.word_stop > self.word_start
        elif word in (b"WHERE", b"AND", b"OR", b"SET", b"ON", b"AS", b"SELECT"):
            self.compares = False
            self.word_stop = self.word_start
            if self.depth == 0:
                self.in_values = False
            if word == b"SELECT":
                self.inserts = False
        else:
            return word in (b"NULL", b"NOT", b"IGNORE", b"ROW", b"LOW")
        return True

    def _name(self, at: i64, stop: i64) -> None:
        self.word_start = at
        self.word_stop = stop
        if self.collecting:
            if len(self.columns) < MAX_COLUMNS:
                name = self.text[at:stop]
                self.columns.append(name)
                self.kinds.append(int(class_of_column(name)))
        elif self.names_table:
            self.table = self.text[at:stop]
            # A point may follow, and the table behind its schema.
            behind = stop + 1 if self.text[stop : stop + 1] == b"`" else stop
            self.names_table = self.text[behind : behind + 1] == b"."
        else:
            self.compares = False
