"""The rows of an explanation: offset, bytes in hex, words. And a reader that makes a row of each field.

Offsets are those of the `-X` dump. Text from the wire is escaped by whoever writes the words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

HEX_SHOWN: Final = 8                # bytes of a field in the hex column; longer ones end with `..`
HEX_WIDTH: Final = 3 * HEX_SHOWN + 4
WORDS_AT: Final = 10 + HEX_WIDTH    # column where words begin
TEXT_LIMIT: Final = 4_000           # characters of one text from the wire
MAX_MESSAGES: Final = 500           # packets or records explained one by one


class Rows:
    """Collects the lines for one frame. `dump_at` is the frame offset that the dump calls 0x0000."""

    def __init__(self, data: bytes, dump_at: int) -> None:
        self.data = data
        self.dump_at = dump_at
        self.lines: list[str] = []

    def title(self, text: str) -> None:
        if self.lines:
            self.lines.append("")
        self.lines.append(text)

    def note(self, text: str) -> None:
        """Add words about the whole, indented under its title."""
        self.lines.append(f"  {text}")

    def field(self, at: int, end: int, words: str) -> None:
        """Add the field data[at:end]."""
        shown = self.data[at : min(end, at + HEX_SHOWN)].hex(" ")
        if end - at > HEX_SHOWN:
            shown += " .."
        offset = f"0x{at - self.dump_at:04x}" if at >= self.dump_at else ""
        self.lines.append(f"  {offset:<6}  {shown:<{HEX_WIDTH}}{words}".rstrip())

    def more(self, words: str) -> None:
        """Add a further line of words about the field above."""
        self.lines.append(f"{'':{WORDS_AT}}{words}")


class FieldReader:
    """Reads the fields of one message up to `end`, each becoming a row.

    Where a field is not all there, one row says so, `cut` turns True and nothing further is read: `take` and
    the like then answer None. `whole` is False where the frame holds only the beginning of the message.
    """

    def __init__(self, rows: Rows, at: int, end: int, *, whole: bool) -> None:
        self.rows = rows
        self.at = at
        self.end = end
        self.whole = whole
        self.cut = False

    @property
    def left(self) -> int:
        return 0 if self.cut else self.end - self.at

    def take(self, count: int, words: str | Callable[[bytes], str]) -> bytes | None:
        """Return a field of `count` bytes; words about it, which may depend on what it holds."""
        if self.cut:
            return None
        if count > self.end - self.at:
            self.stop()
            return None
        data = self.rows.data[self.at : self.at + count]
        self.rows.field(self.at, self.at + count, words if isinstance(words, str) else words(data))
        self.at += count
        return data

    def number(self, count: int, words: Callable[[int], str]) -> int | None:
        """Return a little-endian number of `count` bytes."""
        data = self.take(count, lambda raw: words(int.from_bytes(raw, "little")))
        return None if data is None else int.from_bytes(data, "little")

    def big_endian(self, count: int, words: Callable[[int], str]) -> int | None:
        """Return a number as TLS writes it."""
        data = self.take(count, lambda raw: words(int.from_bytes(raw, "big")))
        return None if data is None else int.from_bytes(data, "big")

    def until_nul(self, words: Callable[[bytes], str]) -> bytes | None:
        """Return text that ends with NUL, or with the message."""
        if self.cut:
            return None
        nul = self.rows.data.find(b"\0", self.at, self.end)
        if nul < 0 and not self.whole:
            self.stop()
            return None
        stop = self.end if nul < 0 else nul
        text = self.rows.data[self.at : stop]
        self.rows.field(self.at, stop if nul < 0 else nul + 1, words(text))
        self.at = stop if nul < 0 else nul + 1
        return text

    def rest(self, words: str | Callable[[bytes], str]) -> bytes | None:
        """Take all that is left; None if nothing is."""
        return self.take(self.left, words) if self.left > 0 else None

    def stop(self) -> None:
        """Say that the field that begins here is not all there, and read nothing further."""
        if self.cut:
            return
        what = "the message ends inside this field" if self.whole else "the rest of this field is not here"
        if self.at < self.end:
            self.rows.field(self.at, self.end, what)
        self.at = self.end
        self.cut = True


def plural(count: int, noun: str) -> str:
    """Return `1 byte`, `2,048 bytes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
