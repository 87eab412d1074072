"""An ERR in place of a session: instead of a greeting, or of the OK to a login."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

MAX_TEXT: Final[i64] = 512  # bytes kept of its text: servers send up to 511


@mypyc_attr(acyclic=True)
class Refusal:
    """code: -1 where it has none; early: before any login."""

    __slots__ = ("code", "early", "frame", "message", "offset", "sqlstate")

    def __init__(self, code: i64, sqlstate: bytes, message: bytes, early: bool, frame: i64, offset: i64) -> None:
        self.code: Final[i64] = code
        self.sqlstate: Final = sqlstate
        self.message: Final = message[:MAX_TEXT]
        self.early: Final = early
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset
