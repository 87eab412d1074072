"""The provenance of a bundle: the host, the versions and the clock that it was made with."""

from __future__ import annotations

import ctypes
import os
import platform
import ssl
import sys
import zlib
from datetime import UTC, datetime
from importlib import metadata
from typing import Final

from aurora_wire._build import compiled
from aurora_wire._version import VERSION
from aurora_wire.errors import UsageError

LIBRARIES: Final = (
    "librt", "mypy_extensions", "lz4", "backports.zstd", "cryptography", "securesystemslib", "rfc3161-client",
    "jinja2",
)  # fmt: skip

# Source: adjtimex(2). The struct is 208 bytes on 64-bit machines; `status` comes after four longs.
_TIMEX_SIZE: Final = 512
_LONG: Final = ctypes.sizeof(ctypes.c_long)
_STATUS_AT: Final = _LONG * 5
_STA_UNSYNC: Final = 0x40


def tool_fields() -> dict[str, object]:
    return {"name": "aurora_wire", "version": VERSION, "core": "compiled" if compiled() else "interpreted"}


def environment_fields() -> dict[str, object]:
    system = os.uname()
    return {
        "host": system.nodename,
        "system": system.sysname,
        "release": system.release,
        "machine": system.machine,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": ssl.OPENSSL_VERSION,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "libraries": {name: version for name in LIBRARIES if (version := library_version(name)) is not None},
    }


def library_version(name: str) -> str | None:
    """Return the installed version of a library; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def clock_fields(created: datetime, *, fixed: bool) -> dict[str, object]:
    """synchronized: whether this machine's clock follows a time server, as its kernel says; None: not known."""
    return {
        "created_from": "SOURCE_DATE_EPOCH" if fixed else "system clock",
        "utc": created.isoformat().replace("+00:00", "Z"),
        "synchronized": clock_is_synchronized(),
        "told_by": "adjtimex",
        "of": "the machine that made this bundle, not of the one that captured",
    }


def clock_is_synchronized() -> bool | None:
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(None, use_errno=True)
        state = ctypes.create_string_buffer(_TIMEX_SIZE)  # modes 0: only asks
        if library.adjtimex(state) < 0:
            return None
    except (OSError, AttributeError):
        return None
    status = int.from_bytes(state.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder)
    return not status & _STA_UNSYNC


def creation_time() -> tuple[datetime, bool]:
    """Return the time to the second, in UTC, and whether SOURCE_DATE_EPOCH gave it. Raises UsageError if that is no
    time.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is None:
        return datetime.now(UTC).replace(microsecond=0), False
    try:
        return datetime.fromtimestamp(int(fixed), UTC), True
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH: {fixed!r} is no time in seconds since 1970.") from error
