r"""Text of others inside Markdown (GitHub's and GitLab's, and CommonMark): it cannot become anything but text.

Backslashes are not enough: sites look for @mentions, #numbers, commit hashes and addresses in what is left after
them. In code they do not. So all that came from the wire is code, and of our own sentences the words that are
more than letters.

>>> print(code("a`b | @all <img>"))
``a`b \x7c @all <img>``
>>> print(prose("2 of 4 sessions, as root@10.0.0.9 asked [here](x)."))
2 of 4 sessions, as `root@10.0.0.9` asked `[here](x`).
"""

from __future__ import annotations

import re
from typing import Final

from aurora_wire.report.escape import show_text
from aurora_wire.report.fingerprints import cut

MAX_TICKS: Final = 8    # in a row; parsers bound them too

_TICKS: Final = re.compile("`+")
_MANY_TICKS: Final = re.compile(f"`{{{MAX_TICKS + 1},}}")
_WORD: Final = r"(?!\(?[0-9a-f]{7,})\(?[A-Za-z]+(?:['-][a-z]+)*[,.;:!?)]{0,2}"           # not one that may be a commit
_NUMBER: Final = r"\(?[0-9]{1,3}(?:[0-9]{0,3}|(?:,[0-9]{3})*(?:\.[0-9])?)%?[,;:]?"    # not one that begins a list
_PLAIN: Final = re.compile(f"{_WORD}|{_NUMBER}")
_END: Final = re.compile(r"(?<=.)[,.;:)]{0,2}\Z")    # of a sentence or a clause: it can stay outside of code


def code(text: str, limit: int = 0) -> str:
    """Return a code span, also in a table: a bar is `\\x7c`, since what escapes it differs from site to site."""
    return _span(_shown(text, limit))


def block(lines: list[str], language: str = "") -> list[str]:
    """Return a fenced block of lines that are escaped and spelled already, with a fence that none of them ends."""
    fence = "`" * max(3, 1 + max(map(_longest, lines), default=0))
    return [f"{fence}{language}", *lines, fence]


def prose(text: str, limit: int = 0) -> str:
    """Return a sentence in which only plain words and numbers stay outside of code."""
    pieces: list[str] = []
    strange: list[str] = []
    for word in (*_shown(text, limit).split(" "), ""):
        if word and not _PLAIN.fullmatch(word):
            strange.append(word)
            continue
        if strange:
            shown = " ".join(strange)
            end = _END.search(shown)
            at = len(shown) if end is None else end.start()
            pieces.append(_span(shown[:at]) + shown[at:])
            strange = []
        if word:
            pieces.append(word)
    return " ".join(pieces)


def spell_ticks(escaped: str) -> str:
    """Long runs of backticks as `\\x60`: what is escaped already can then be put into a block."""
    return _MANY_TICKS.sub(lambda found: "\\x60" * len(found.group()), escaped)


def _span(shown: str) -> str:
    if not shown.strip():
        shown = f"'{shown}'"    # a span of blanks alone would be none
    ticks = "`" * (_longest(shown) + 1)
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _shown(text: str, limit: int) -> str:
    return cut(spell_ticks(show_text(text)).replace("|", "\\x7c"), limit)


def _longest(text: str) -> int:
    return max((len(found) for found in _TICKS.findall(text)), default=0)
