"""The errors that a user can fix: one clear line each, with its exit code. Bytes of the wire never raise."""


class AuroraWireError(Exception):
    """Base of all errors raised on purpose. `str()` of one is the line for the user."""

    exit_code = 2


class UsageError(AuroraWireError):
    """The call makes no sense: a wrong option, a path that is not there."""


class CaptureError(AuroraWireError):
    """A capture cannot be read, or not further.

    path: as the user gave it (`-` is standard input); offset: in bytes, of the file after decompression, or -1
    where there is none; reason: what is wrong and what to do, one line.
    """

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, offset, reason)
        self.path = path
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        where = f"offset {self.offset}: " if self.offset >= 0 else ""
        return f"{self.path}: {where}{self.reason}"


class OutputError(AuroraWireError):
    """An output could not be written."""

    exit_code = 4


def reason_of(error: BaseException) -> str:
    """Return what went wrong, without the number and the file name that the error may have besides."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
