"""Passwords, keys and password hashes in the text of statements: found by tokens, without a parser of SQL.

A word that may announce one is looked for first (`may_hold_secret`): that is all that the usual statement costs. Then
the tokens around it (`sql_lexer`) say whether it does, and which literal it is. What stands in `/*! ... */` counts as
executed.
Sources: MySQL 9 Reference Manual, "CREATE USER", "ALTER USER", "SET PASSWORD", "CHANGE REPLICATION SOURCE TO", "START
REPLICA", "CREATE SERVER", "CLONE", "AES_ENCRYPT()"; MariaDB documentation, the same and "PASSWORD()".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.sql_lexer import (
    BITS,
    COMMENT,
    END,
    HEX,
    MARK,
    NAME,
    NO_BACKSLASH_ESCAPES,
    NUMBER,
    PLACEHOLDER,
    SPACE,
    TEXT,
    UNCLOSED,
    WORD,
    Lexer,
    read_token,
)

MAX_SCANNED: Final[i64] = 1 << 16    # bytes of a text that are looked at
MAX_FOUND: Final[i64] = 64           # secrets of one text

# What it is.
PASSWORD: Final[i64] = 1         # of an account, as it is
HASH: Final[i64] = 2             # of an account, as the server stores it
REPLICATION: Final[i64] = 3      # MASTER_PASSWORD, SOURCE_PASSWORD, START REPLICA ... PASSWORD
SERVER: Final[i64] = 4           # CREATE SERVER: of an account of another server
DONOR: Final[i64] = 5            # CLONE INSTANCE FROM ... IDENTIFIED BY
KEY: Final[i64] = 6              # of AES_ENCRYPT() and its kin
FUNCTION: Final[i64] = 7         # PASSWORD('...') outside of statements about accounts
RANDOM: Final[i64] = 8           # BY RANDOM PASSWORD: the server makes it, and tells it in its answer

NEEDED: Final[i64] = 7           # bytes of the words below, all as long, that are looked for
_STARTS: Final = (b"IDENTIF", b"PASSWOR", b"AES_ENC", b"AES_DEC", b"DES_ENC", b"DES_DEC")


def _shifts() -> bytes:
    """Return how far to go on for each last byte of a window: to where the word that it is in would end."""
    shifts = bytearray([7]) * 256
    for word in _STARTS:
        for place, letter in enumerate(word):
            for byte in (letter, letter | 0x20 if 65 <= letter <= 90 else letter):
                shifts[byte] = min(shifts[byte], 6 - place)
    return bytes(shifts)


SHIFTS: Final = _shifts()


def may_hold_secret(data: bytes, at: i64, end: i64, most: i64 = MAX_SCANNED) -> bool:
    """Return whether a word is in the first `most` bytes of data[at:end] that announces secrets, in any case of
    letters.
    """
    if end - at > most:
        end = at + most
    shifts = SHIFTS
    place = at + NEEDED - 1
    while place < end:
        shift: i64 = shifts[data[place]]
        if shift > 0:
            place += shift
            continue
        if _ends_as_one(data, place) and data[place - 6 : place + 1].upper() in _STARTS:
            return True
        place += 1
    return False


def _ends_as_one(data: bytes, place: i64) -> bool:
    """Return whether the three bytes up to `place` are the end of one of the words: all that most texts need."""
    last: i64 = data[place] | 0x20
    before: i64 = data[place - 1] | 0x20
    first: i64 = data[place - 2] | 0x20
    if last == 102:  # f: IDENTIF
        return before == 105 and first == 116
    if last == 114:  # r: PASSWOR
        return before == 111 and first == 119
    return (before == 110 and first == 101) or (before == 101 and first == 100)  # c: ENC, DEC


@mypyc_attr(acyclic=True)
class Found:
    """A secret in a text: its literal is text[start:end], with quotes. parameter: which placeholder it is, -1: none."""

    __slots__ = ("end", "kind", "parameter", "start")

    def __init__(self, kind: i64, start: i64, end: i64, parameter: i64) -> None:
        self.kind: Final[i64] = kind
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.parameter: Final[i64] = parameter


_KEYED: Final = (b"AES_ENCRYPT", b"AES_DECRYPT", b"DES_ENCRYPT", b"DES_DECRYPT")
_OF_REPLICATION: Final = (b"MASTER_PASSWORD", b"SOURCE_PASSWORD")
# Statements inside of others, as in procedures, events and `SET STATEMENT ... FOR`: where one begins, and with what.
_OPENS: Final = (b"BEGIN", b"ATOMIC", b"DO", b"THEN", b"ELSE", b"FOR", b"LOOP", b"REPEAT")
_BEGINS: Final = (b"SET", b"START", b"CREATE", b"ALTER", b"PREPARE", b"EXECUTE")


def find_secrets(text: bytes, mode: i64 = 0) -> list[Found]:
    """Return the secrets in a statement's text, or in several statements', in their order. mode: of `sql_lexer`.

    No more than MAX_FOUND, of the first MAX_SCANNED bytes: what is on the wire costs no more.
    """
    finder = _Finder(text, mode, False, MAX_SCANNED, MAX_FOUND)
    finder.run()
    return finder.found


def find_all_secrets(text: bytes) -> list[Found]:
    """Return all the secrets in a text, however long it is and however many there are: for what is shown of it."""
    size: i64 = len(text)
    finder = _Finder(text, 0, False, size, size)
    finder.run()
    return finder.found


def _unquoted(text: bytes, start: i64, end: i64, escapes: bool) -> tuple[bytes, list[int]]:
    """Return the content of the literal text[start:end] as the server reads it, and where each byte of it stands."""
    quote: i64 = text[start]
    content = bytearray()
    places: list[int] = []
    at = start + 1
    stop = end - 1 if end - start > 1 and text[end - 1] == quote else end
    while at < stop:
        byte: i64 = text[at]
        if at + 1 < stop and ((byte == 92 and escapes) or (byte == quote and text[at + 1] == quote)):
            at += 1
        content.append(text[at])
        places.append(at)
        at += 1
    places.append(stop)
    return bytes(content), places


@mypyc_attr(acyclic=True)
class _Finder:
    """Walks over the tokens. verb, object: the first two words of the statement that it is in; before: the word just
    before. nested: the text is a literal of another statement, in which there is no other.
    """

    __slots__ = ("before", "found", "mode", "most", "nested", "object", "tokens", "verb", "waits")

    def __init__(self, text: bytes, mode: i64, nested: bool, scanned: i64, most: i64) -> None:
        size: i64 = len(text)
        self.nested = nested
        self.mode: Final[i64] = mode
        self.most: Final[i64] = most
        self.tokens = Lexer(text, size if size < scanned else scanned, mode)
        self.found: list[Found] = []
        self.before = b""
        self.verb = b""
        self.object = b""
        self.waits = False  # the current token was looked at, and is the next one's beginning

    def run(self) -> None:
        tokens = self.tokens
        while len(self.found) < self.most:
            if self.waits:
                self.waits = False
            elif tokens.next() == END:
                break
            if tokens.kind == END:
                break
            if tokens.kind == MARK and tokens.word == b";":
                self.verb = b""
                self.object = b""
            elif tokens.kind == WORD:
                word = tokens.word
                self._word(word)
                self.before = word
                continue
            elif not self.nested and self._is_text():
                self._literal_of_statement()
            elif tokens.kind == NAME and self.object == b"SERVER":
                if tokens.text[tokens.start + 1 : tokens.stop - 1].upper() == b"PASSWORD":
                    self._password()  # options are names
            self.before = b""

    def _word(self, word: bytes) -> None:
        if not self.verb:
            self.verb = word
            return
        if word in _BEGINS and self.before in _OPENS:
            self.verb = word
            self.object = b""
            return
        if not self.object and word not in (b"OR", b"REPLACE", b"IF", b"NOT", b"EXISTS"):
            self.object = word
        if word == b"IDENTIFIED":
            self._identified()
        elif word in _OF_REPLICATION:
            self._assigned(REPLICATION)
        elif word == b"PASSWORD" or word == b"OLD_PASSWORD":
            self._password()
        elif word in _KEYED:
            self._key()
        elif (word == b"FROM" and self.verb == b"PREPARE") or (word == b"IMMEDIATE" and self.verb == b"EXECUTE"):
            self._skip()
            if self._is_text() and not self.nested:
                self._look_inside(b"", b"")
            else:
                self.waits = True

    def _skip(self) -> i64:
        """Go on to the next token, past a character set before a literal (`_utf8mb4'...'`); returns its kind."""
        tokens = self.tokens
        kind = tokens.next()
        if kind == WORD and tokens.text[tokens.start] == 95:
            at = tokens.stop
            while at < tokens.end:
                following, stop = read_token(tokens.text, at, tokens.end, tokens.mode)
                if following != SPACE:
                    if following in (TEXT, HEX, BITS, UNCLOSED) or tokens.text[at : at + 2].lower() == b"0x":
                        return tokens.next()
                    break
                at = stop
        return kind

    def _is_mark(self, mark: bytes) -> bool:
        return self.tokens.kind == MARK and self.tokens.word == mark

    def _is_text(self) -> bool:
        """Return whether the current token is a quoted literal, though it may be cut off."""
        tokens = self.tokens
        kind = tokens.kind
        return kind == TEXT or kind in (HEX, BITS) or (kind == UNCLOSED and tokens.text[tokens.start] != 96)

    def _literal(self, kind: i64) -> None:
        """Take the current token, if it is a literal or a placeholder."""
        tokens = self.tokens
        if tokens.kind == TEXT:
            self._join()
        if self._is_text() and tokens.stop - tokens.start > 2:
            self.found.append(Found(kind, tokens.start, tokens.stop, -1))
        elif tokens.kind == PLACEHOLDER:
            self.found.append(Found(kind, tokens.start, tokens.stop, tokens.placeholders - 1))
        elif tokens.kind == NUMBER and tokens.text[tokens.start : tokens.start + 2].lower() == b"0x":
            self.found.append(Found(kind, tokens.start, tokens.stop, -1))
        else:
            self.waits = True

    def _join(self) -> None:
        """Make one token of the literal and of those right behind it, as the server makes one string of them."""
        tokens = self.tokens
        at = tokens.stop
        while at < tokens.end:
            kind, at = read_token(tokens.text, at, tokens.end, tokens.mode)
            if kind == TEXT:
                tokens.stop = at
            elif kind != SPACE and kind != COMMENT:
                break

    def _identified(self) -> None:
        """Read IDENTIFIED [WITH | VIA plugin] BY | AS | USING ... [OR plugin ...] [REPLACE ...]."""
        tokens = self.tokens
        kind = DONOR if self.verb == b"CLONE" else PASSWORD
        self._skip()
        while tokens.kind != END:
            if tokens.kind == WORD and tokens.word in (b"WITH", b"VIA", b"OR", b"AND"):
                self._skip()
                if tokens.kind in (WORD, NAME) or self._is_text():
                    if tokens.word == b"IDENTIFIED":
                        self.waits = True  # another factor
                        return
                    self._skip()
                continue
            if tokens.kind == WORD and tokens.word in (b"BY", b"AS", b"USING"):
                self._given(HASH if tokens.word != b"BY" else kind)
                continue
            if tokens.kind == WORD and tokens.word == b"REPLACE":
                self._skip()
                self._literal(PASSWORD)  # the password until now
                if not self.waits:
                    self._skip()
                self.waits = False
                continue
            break
        self.waits = tokens.kind != END

    def _given(self, kind: i64) -> None:
        """Read what follows BY, AS or USING: a literal, PASSWORD 'hash', PASSWORD('...'), RANDOM PASSWORD."""
        tokens = self.tokens
        self._skip()
        bare_hash = False
        if tokens.kind == WORD and tokens.word == b"RANDOM":
            self.found.append(Found(RANDOM, tokens.start, tokens.stop, -1))
            self._skip()
            self._skip()
            return
        if tokens.kind == WORD and tokens.word == b"PASSWORD":
            self._skip()
            kind = HASH
            bare_hash = True
            if self._is_mark(b"("):
                kind = PASSWORD
                self._skip()
        if tokens.kind in (NUMBER, PLACEHOLDER) or self._is_text():
            content = read_content(tokens.text, tokens.start, tokens.stop)
            # Else it is what a plugin needs to know: the service of PAM, a name in LDAP.
            if kind != HASH or bare_hash or not self._is_text() or is_stored_hash(content):
                self._literal(kind)
                self.waits = False
            self._skip()
        if self._is_mark(b")"):
            self._skip()

    def _literal_of_statement(self) -> None:
        """Look into a literal that none of the words below announces: SQL in a variable, options of a table."""
        if self.verb == b"SET":
            self._look_inside(b"", b"")
        elif self.object == b"TABLE" and self.verb in (b"CREATE", b"ALTER"):
            # The engine SPIDER has a server's options in comments: `wrapper "mysql", password "..."`.
            self._look_inside(b"CREATE", b"SERVER")

    def _look_inside(self, verb: bytes, about: bytes) -> None:
        """Look into the current literal, a text of its own: what is found in it has no quotes."""
        tokens = self.tokens
        if tokens.text[tokens.start] not in (34, 39) or not may_hold_secret(
            tokens.text, tokens.start, tokens.stop, tokens.stop
        ):
            return
        text, places = _unquoted(tokens.text, tokens.start, tokens.stop, self.mode & NO_BACKSLASH_ESCAPES == 0)
        most: i64 = self.most - len(self.found)
        inner = _Finder(text, self.mode, True, len(text), most)
        inner.verb = verb
        inner.object = about
        inner.run()
        for one in inner.found:
            start, end = one.start, one.end
            if text[start] in (34, 39) and text[end - 1] == text[start]:
                start += 1
                end -= 1
            if one.parameter < 0 and start < end:
                self.found.append(Found(one.kind, places[start], places[end - 1] + 1, -1))

    def _password(self) -> None:
        """Read what follows the word PASSWORD, outside of IDENTIFIED: a function, an option or an assignment."""
        verb = self.verb
        if verb == b"SET" and self.object == b"PASSWORD":
            self._set_password()
            return
        self._skip()
        if self._is_mark(b"("):
            self._skip()
            self._literal(FUNCTION)
            return
        if verb == b"SET" and self._is_mark(b":"):
            self._skip()
        if verb == b"SET" and self._is_mark(b"="):
            self._new_password()  # one of several assignments
        elif verb == b"SET" and self.tokens.kind == WORD and self.tokens.word == b"FOR":
            self._set_password()
        elif verb in (b"CREATE", b"ALTER") and self.object == b"SERVER":
            self._literal(SERVER)
        elif verb == b"START" and self.object in (b"REPLICA", b"SLAVE", b"GROUP_REPLICATION") and self._is_mark(b"="):
            self._skip()
            self._literal(REPLICATION)
        else:
            self.waits = True

    def _set_password(self) -> None:
        """Read SET PASSWORD [FOR account] = 'secret' | PASSWORD('secret') | 'hash' | TO RANDOM [REPLACE 'old']."""
        tokens = self.tokens
        while self._skip() != END:
            if self._is_mark(b";"):
                self.waits = True
                return
            if tokens.kind == WORD and tokens.word == b"RANDOM":
                self.found.append(Found(RANDOM, tokens.start, tokens.stop, -1))
            elif tokens.kind == WORD and tokens.word == b"REPLACE":
                self._skip()
                self._literal(PASSWORD)
                self.waits = False
            elif self._is_mark(b"="):
                self._new_password()
                self.waits = False

    def _new_password(self) -> None:
        """Read what follows the equals sign: 'secret', 'hash' or PASSWORD('secret')."""
        tokens = self.tokens
        self._skip()
        if tokens.kind == WORD and tokens.word in (b"PASSWORD", b"OLD_PASSWORD"):
            self._skip()
            self._skip()
        kind = PASSWORD
        if self._is_text() and is_stored_hash(read_content(tokens.text, tokens.start, tokens.stop)):
            kind = HASH
        self._literal(kind)

    def _assigned(self, kind: i64) -> None:
        self._skip()
        if self._is_mark(b"="):
            self._skip()
        self._literal(kind)

    def _key(self) -> None:
        """Read the key of AES_ENCRYPT(value, key ...): the second argument, where it is a literal."""
        self._skip()
        if not self._is_mark(b"("):
            self.waits = True
            return
        depth: i64 = 1
        commas: i64 = 0
        while depth > 0 and self._skip() != END:
            if self._is_mark(b"("):
                depth += 1
            elif self._is_mark(b")"):
                depth -= 1
            elif self._is_mark(b";"):
                self.waits = True
                return
            elif self._is_mark(b",") and depth == 1:
                commas += 1
                if commas > 1:
                    return
            elif commas == 1:
                self._literal(KEY)  # as it is, or what UNHEX() or SHA2() make it of
                if not self.waits:
                    return
                self.waits = False


def read_content(text: bytes, start: i64, end: i64) -> bytes:
    """Return what stands between the quotes of a literal, as it stands there."""
    if end - start >= 2 and text[end - 1] == text[start] and text[start] in (34, 39):
        return text[start + 1 : end - 1]
    return text[start:end]


def is_stored_hash(value: bytes) -> bool:
    """Return whether a literal's content is a hash as servers store it.

    `*` and 40 hex digits, `$A$005$` and what follows, 16 hex digits; of ed25519 43 characters of base64.
    """
    size: i64 = len(value)
    if size == 41 and value[:1] == b"*":
        return _consists_only(value[1:], b"0123456789abcdefABCDEF")
    if size == 43:
        return _consists_only(value, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    return value.startswith(b"$A$") or (size == 16 and _consists_only(value, b"0123456789abcdefABCDEF"))


def _consists_only(value: bytes, allowed: bytes) -> bool:
    return len(value.strip(allowed)) == 0
